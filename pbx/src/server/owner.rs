//! The task that owns all calls: everything that happens reaches the exchange through it.
//!
//! It is woken once for whatever has come: messages are taken until there is none, and only then
//! carried on, so that a batch costs one round through the runtime.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sip_core::endpoint;
use sip_core::net::Transports;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::media_thread::{Instruction, MediaThread};
use super::ports::PortBinder;
use super::trace::SipTrace;
use crate::exchange::{Command, Event, Exchange, Input};
use crate::media::{Port, PortId};
use crate::store::Write;
use crate::store::writer::{Progress, Writer};

/// Ports kept bound and free.
const SPARE_PORTS: usize = 32;
/// Messages taken before what follows from them is carried on.
const BATCH: usize = 64;
/// How long goodbyes may take when the server stops.
const STOP: Duration = Duration::from_secs(5);

pub(super) struct Owner {
    pub(super) clock: Clock,
    pub(super) exchange: Exchange,
    pub(super) transports: Transports,
    pub(super) media: MediaThread,
    pub(super) binder: PortBinder,
    pub(super) external: Option<IpAddr>,
    pub(super) next_port: u32,
    pub(super) ports_exhausted: bool,
    pub(super) store: Writer,
    pub(super) store_full: bool,
    /// Wakes the task when more has become durable, or when the media thread has news.
    pub(super) news: Arc<Notify>,
    /// The writes of call records whose events are still to come: which write it was, none when it
    /// was lost.
    pub(super) records: VecDeque<Option<u64>>,
    /// Events that are told once a write is durable.
    pub(super) announcements: VecDeque<(u64, Event)>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) events_dropped: u64,
    pub(super) trace: Option<SipTrace>,
}

impl Owner {
    pub(super) async fn run(mut self) -> Progress {
        let news = Arc::clone(&self.news);
        let mut stop_by: Option<Duration> = None;
        let mut stopped = false;
        let mut wake = self.next_wake(stop_by);
        let mut alarm = Box::pin(sleep_until(Instant::from_std(self.clock.instant(wake))));
        while !stopped {
            // Setting it later is left for when it rings: nearly every message moves the next timer.
            let next = self.next_wake(stop_by);
            if next < wake || alarm.is_elapsed() {
                wake = next;
                alarm.as_mut().reset(Instant::from_std(self.clock.instant(wake)));
            }
            tokio::select! {
                biased;
                command = self.commands.recv(), if stop_by.is_none() => {
                    let command = command.unwrap_or(Command::Stop);
                    if matches!(command, Command::Stop) {
                        stop_by.get_or_insert(self.clock.now() + STOP);
                    }
                    self.exchange.handle_input(self.clock.now(), Input::Command(command));
                    if stop_by.is_some() {
                        self.commands.close();
                    }
                }
                () = &mut alarm => {}
                () = news.notified() => {}
                input = self.transports.receive() => {
                    let now = self.clock.now();
                    self.received(now, input);
                    for _ in 1..BATCH {
                        let Some(input) = self.transports.try_receive() else { break };
                        self.received(now, input);
                    }
                }
            }
            let now = self.clock.now();
            if self.exchange.poll_timeout().is_some_and(|at| at <= now) {
                self.exchange.handle_timeout(now);
            }
            stopped = self.carry(now) || stop_by.is_some_and(|at| now >= at);
            if !self.media.is_alive() {
                tracing::error!("the media thread has ended; the server stops");
                stopped = true;
            }
        }
        self.transports.close().await;
        drop(self.media);
        self.store.finish()
    }

    fn next_wake(&self, stop_by: Option<Duration>) -> Duration {
        let idle = self.clock.now() + Duration::from_secs(60);
        [self.exchange.poll_timeout(), stop_by].into_iter().flatten().min().unwrap_or(idle)
    }

    fn received(&mut self, now: Duration, input: endpoint::Input) {
        if let (Some(trace), endpoint::Input::Received { flow, message }) = (&self.trace, &input) {
            trace.received(flow, message);
        }
        self.exchange.handle_input(now, Input::Sip(input));
    }

    /// Carries everything that the machines have for each other and for the world. `true` when the
    /// exchange has stopped.
    fn carry(&mut self, now: Duration) -> bool {
        let mut stopped = false;
        loop {
            let mut idle = true;
            while let Some(event) = self.media.event() {
                self.exchange.handle_input(now, Input::Media(event));
                idle = false;
            }
            while let Some(command) = self.exchange.poll_media() {
                self.media.tell(Instruction::Command(command));
                idle = false;
            }
            if idle {
                break;
            }
        }
        while let Some(transmit) = self.exchange.poll_transmit() {
            if let Some(trace) = &self.trace {
                trace.sent(&transmit.flow, &transmit.bytes);
            }
            self.transports.send(transmit);
        }
        while let Some(write) = self.exchange.poll_store() {
            let is_record = matches!(write, Write::Record(_));
            let taken = self.store.write(write);
            if is_record {
                self.records.push_back(taken.then(|| self.store.taken()));
            }
            if !taken && !self.store_full {
                tracing::error!("the store takes no more writes: records are being lost");
            }
            self.store_full = !taken;
        }
        while let Some(event) = self.exchange.poll_event() {
            stopped |= matches!(event, Event::Stopped);
            if matches!(event, Event::Ended { .. })
                && let Some(Some(write)) = self.records.pop_front()
            {
                self.announcements.push_back((write, event));
            } else {
                self.announce(event);
            }
        }
        let durable = self.store.durable();
        while let Some((_, event)) = self.announcements.pop_front_if(|(write, _)| *write <= durable)
        {
            self.announce(event);
        }
        if let Err(error) = self.bind_ports() {
            if !self.ports_exhausted {
                tracing::warn!(%error, "no further RTP port can be bound");
            }
            self.ports_exhausted = true;
        }
        self.media.flush();
        stopped
    }

    fn announce(&mut self, event: Event) {
        if self.events.try_send(event).is_err() && !self.events.is_closed() {
            self.events_dropped += 1;
            if self.events_dropped.is_power_of_two() {
                tracing::warn!(dropped = self.events_dropped, "events are not being read");
            }
        }
    }

    /// Keeps some ports bound ahead.
    pub(super) fn bind_ports(&mut self) -> io::Result<()> {
        if self.ports_exhausted {
            return Ok(());
        }
        while self.exchange.ports_available() < SPARE_PORTS {
            let (socket, bound) = self.binder.bind()?;
            let id = PortId(self.next_port);
            self.next_port += 1;
            let address = self.external.unwrap_or(bound.ip());
            let advertised = SocketAddr::new(address, bound.port());
            self.media.tell(Instruction::Port(id, socket));
            let port = Input::Port(Port { id, advertised });
            self.exchange.handle_input(self.clock.now(), port);
        }
        Ok(())
    }
}
