//! The task that owns all calls: everything that happens reaches the exchange through it.
//!
//! It is woken once for whatever has come: the front takes a batch of messages, some of them are handled,
//! and only then is what follows carried on, so that a batch costs one round through the runtime.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use sip_core::net::Transports;
use sip_core::{Flow, Transmit, endpoint};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

use super::calm::{Calm, Step};
use super::capture::{Hep, Memory, Passage};
use super::clock::Clock;
use super::control::{Ask, Banned, State, Tally};
use super::datagrams::Datagrams;
use super::media_thread::{Instruction, MediaThread};
use super::ports::PortBinder;
use super::trace::SipTrace;
use crate::exchange::{Command, Event, Exchange, Input};
use crate::front::{self, Ban, Front};
use crate::media::Port;
use crate::store::Write;
use crate::store::writer::{Progress, Writer};

/// Ports kept bound and free.
const SPARE_PORTS: usize = 32;
/// Refusals sent in a turn, or an eighth of those that wait: a peer that is sent hundreds in one go cannot
/// take them as fast as they come, loses some, and asks again.
const REFUSALS: usize = 32;
/// Messages handled before it is looked again what has arrived: how long a message waits is only
/// known once it was read.
const HANDLED: usize = 16;
/// So many datagrams at once are taken, and refusals sent, in batches.
const MANY: usize = 16;
/// Pause after a port could not be bound.
const BIND_AGAIN: Duration = Duration::from_secs(1);
/// After so many turns in a row other tasks have theirs.
const TURNS: u32 = 8;
/// In one of so many turns it is looked last whether something has come over the sockets.
const OTHERS: u32 = 4;
/// How often what stays is moved: some of the room it finds lies where it came from, until that is given back.
const MOVES: usize = 4;
/// While there are calls, the alarm rings as often as this: setting it to an earlier time takes two system
/// calls, since the runtime wakes itself for it, and what a call sets is due later than this.
const SOON: Duration = Duration::from_millis(100);
/// So many earlier times between two rings are calls.
const CALLS: u32 = 2;
/// How long goodbyes may take when the server stops.
const STOP: Duration = Duration::from_secs(5);

pub(super) struct Owner {
    pub(super) clock: Clock,
    pub(super) front: Front,
    pub(super) exchange: Exchange,
    pub(super) transports: Transports,
    /// Made when there is first much to read.
    pub(super) datagrams: Option<Datagrams>,
    pub(super) media: MediaThread,
    pub(super) binder: PortBinder,
    pub(super) external: Option<IpAddr>,
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
    pub(super) hep: Option<Hep>,
    pub(super) memory: Option<Memory>,
    pub(super) asked: mpsc::UnboundedReceiver<Ask>,
    pub(super) tally: Tally,
    pub(super) out_of_ports: u64,
    /// When ports that could not be bound are tried again.
    pub(super) bind_again: Duration,
    /// Connections that could not be accepted, as far as was told.
    pub(super) accepts_failed: u64,
    pub(super) calm: Calm,
    /// Messages received when calm was looked for last.
    pub(super) received: u64,
    pub(super) when_calm: Option<fn()>,
}

/// What the task is awake for.
enum Occasion {
    /// Something has come over the sockets.
    Arrived,
    /// There is something to carry on with.
    Due,
    Asked(Ask),
    Command(Command),
}

impl Owner {
    pub(super) async fn run(mut self) -> Progress {
        let news = Arc::clone(&self.news);
        let mut stop_by: Option<Duration> = None;
        // What the store knew has consequences, whether or not anything comes.
        let mut stopped = self.carry(self.clock.now());
        let mut wake = self.next_wake(stop_by);
        let mut alarm = Box::pin(sleep_until(Instant::from_std(self.clock.instant(wake))));
        let mut told = pin!(news.notified());
        let mut turn = 0_u32;
        let mut next = wake;
        // How often there was an earlier time since the alarm rang.
        let mut earlier = 0_u32;
        while !stopped {
            // Setting it later is left for when it rings: nearly every message moves the next timer.
            let before = std::mem::replace(&mut next, self.next_wake(stop_by));
            earlier += u32::from(next < before);
            let has_rung = alarm.is_elapsed();
            if next < wake || has_rung {
                wake = match earlier >= CALLS {
                    true => next.min(self.clock.now() + SOON),
                    false => next,
                };
                if has_rung {
                    earlier = 0;
                }
                alarm.as_mut().reset(Instant::from_std(self.clock.instant(wake)));
            }
            let occasion = poll_fn(|context| {
                // What comes over the sockets is what nearly always has come; the others have their
                // turn when it has not, and each fourth time in any case.
                let last = turn.is_multiple_of(OTHERS);
                if !last && self.transports.poll_ready(context).is_ready() {
                    return Poll::Ready(Occasion::Arrived);
                }
                if stop_by.is_none()
                    && let Poll::Ready(command) = self.commands.poll_recv(context)
                {
                    return Poll::Ready(Occasion::Command(command.unwrap_or(Command::Stop)));
                }
                if alarm.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Occasion::Due);
                }
                if told.as_mut().poll(context).is_ready() {
                    told.set(news.notified());
                    return Poll::Ready(Occasion::Due);
                }
                if let Poll::Ready(Some(ask)) = self.asked.poll_recv(context) {
                    return Poll::Ready(Occasion::Asked(ask));
                }
                // What waits is handled in turns with reading, so that it is known how long it waits.
                match last && self.transports.poll_ready(context).is_ready() {
                    true => Poll::Ready(Occasion::Arrived),
                    false if self.is_busy() => Poll::Ready(Occasion::Due),
                    false => Poll::Pending,
                }
            });
            match occasion.await {
                Occasion::Arrived | Occasion::Due => {}
                Occasion::Asked(ask) => self.answer(ask),
                Occasion::Command(command) => {
                    if matches!(command, Command::Stop) {
                        stop_by.get_or_insert(self.clock.now() + STOP);
                        self.commands.close();
                    }
                    self.exchange.handle_input(self.clock.now(), Input::Command(command));
                }
            }
            self.read();
            self.handle();
            turn = turn.wrapping_add(1);
            if turn.is_multiple_of(TURNS) || !self.front.is_empty() {
                tokio::task::yield_now().await;
            }
            let now = self.clock.now();
            if self.front.poll_timeout().is_some_and(|at| at <= now) {
                self.front.handle_timeout(now);
            }
            if self.exchange.poll_timeout().is_some_and(|at| at <= now) {
                self.exchange.handle_timeout(now);
            }
            if self.calm.is_due(now) {
                self.look_for_calm(now);
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

    /// Whether there is something to do that nobody will wake us for.
    fn is_busy(&self) -> bool {
        !self.front.is_empty() || self.front.refusals() > 0
    }

    fn next_wake(&self, stop_by: Option<Duration>) -> Duration {
        let idle = self.clock.now() + Duration::from_secs(60);
        let machines =
            [self.exchange.poll_timeout(), self.front.poll_timeout(), self.calm.poll_timeout()];
        let timers = machines.into_iter().chain([self.media.poll_timeout(), stop_by]);
        timers.flatten().min().unwrap_or(idle)
    }

    /// Gives back what a busy time has taken, when it is over.
    fn look_for_calm(&mut self, now: Duration) {
        let tables = self.exchange.occupancy();
        let received = self.front.counts().received;
        let arrived = received.saturating_sub(std::mem::replace(&mut self.received, received));
        let size = tables.legs + tables.transactions + arrived as usize;
        let step = self.calm.handle_timeout(now, size);
        if step == Step::None {
            return;
        }
        for port in self.exchange.release_ports(SPARE_PORTS + tables.ports_leased) {
            self.media.tell(Instruction::Release(port.id));
            self.binder.release(port.id);
        }
        self.exchange.shrink(now);
        self.front.shrink(now);
        // What it holds for batches is made again when they come.
        self.datagrams = None;
        self.transports.shrink();
        self.records.shrink_to_fit();
        self.announcements.shrink_to_fit();
        self.media.shrink();
        if let Some(give_back) = self.when_calm {
            give_back();
            if step == Step::Last && tables.legs == 0 {
                for _ in 0..MOVES {
                    self.exchange.compact();
                    give_back();
                }
            }
        }
    }

    /// Takes all that has arrived: what is left with the system waits there unseen, and what is too
    /// much is refused sooner here than it is served.
    fn read(&mut self) {
        let now = self.clock.now();
        let watched = self.is_watched();
        while let Some(input) = self.transports.try_receive() {
            match input {
                endpoint::Input::Received { flow, message } => {
                    if watched {
                        self.watch(Passage::received(self.clock.wall(), &flow, &message));
                    }
                    self.front.handle_message(now, flow, &message);
                }
                other => self.exchange.handle_input(now, Input::Sip(other)),
            }
        }
        let Self { transports, front, clock, datagrams, .. } = self;
        let mut passages = Vec::new();
        let mut taker = |flow: Flow, message: &[u8]| {
            if watched {
                let message = Bytes::copy_from_slice(message);
                passages.push(Passage::received(clock.wall(), &flow, &message));
            }
            front.handle_message(now, flow, message);
        };
        if transports.take_datagrams(&mut taker) >= MANY {
            if datagrams.is_none() {
                *datagrams = Datagrams::of(transports).ok();
            }
            if let Some(datagrams) = datagrams {
                datagrams.take(transports, &mut taker);
            }
            transports.take_datagrams(&mut taker);
        }
        for passage in passages {
            self.watch(passage);
        }
    }

    /// Handles what has waited longest of what is most urgent.
    fn handle(&mut self) {
        for _ in 0..HANDLED {
            // How long a message has waited decides: the clock is read for each.
            let now = self.clock.now();
            let Some(input) = self.front.poll_input(now) else { break };
            self.exchange.handle_input(now, Input::Sip(input));
            while let Some(proof) = self.exchange.poll_proof() {
                self.front.handle_proof(now, proof);
            }
        }
    }

    /// Accepting pauses while the system has no descriptor to give; who has a connection or sends
    /// datagrams is served all the while.
    fn tell_refused_connections(&mut self) {
        let failed = self.transports.accept_failures();
        if failed > 0 && self.accepts_failed == 0 {
            tracing::warn!("the system gives no descriptor for a connection; new ones wait");
        }
        self.accepts_failed = failed;
    }

    fn is_watched(&self) -> bool {
        self.trace.is_some() || self.hep.is_some() || self.memory.is_some()
    }

    fn watch(&mut self, passage: Passage) {
        if let Some(trace) = &self.trace {
            trace.passed(&passage);
        }
        if let Some(hep) = &mut self.hep {
            hep.send(&passage);
        }
        if let Some(memory) = &mut self.memory {
            memory.keep(passage);
        }
    }

    fn answer(&mut self, ask: Ask) {
        // Who asked may be gone by now.
        let _ = match ask {
            Ask::Bans(answer) => {
                let now = self.clock.now();
                answer.send(self.front.bans().map(|ban| Banned::at(now, ban)).collect()).is_ok()
            }
            Ask::Lift(source, answer) => answer.send(self.front.lift(source)).is_ok(),
            Ask::Pcap(call_id, answer) => {
                let memory = self.memory.as_ref();
                answer.send(memory.map_or_else(Vec::new, |memory| memory.pcap(&call_id))).is_ok()
            }
            Ask::State(answer) => answer.send(self.state()).is_ok(),
        };
    }

    fn state(&self) -> State {
        State {
            front: self.front.counts(),
            overloaded: self.front.is_overloaded(),
            waiting: self.front.waiting(),
            bans: self.front.bans().count(),
            occupancy: self.exchange.occupancy(),
            endpoint: self.exchange.statistics(),
            tally: self.tally,
            ports_free: self.exchange.ports_available(),
            connections: self.transports.connections(),
            datagrams_dropped: self.transports.dropped(),
            store: self.store.progress(),
            events_dropped: self.events_dropped,
            capture_lost: self.hep.as_ref().map_or(0, |hep| hep.lost),
            out_of_ports: self.out_of_ports,
        }
    }

    fn count(&mut self, event: &Event) {
        let tally = &mut self.tally;
        match event {
            Event::Started { .. } => tally.calls_started += 1,
            Event::Ended { record } => {
                tally.calls_ended += 1;
                tally.calls_answered += u64::from(record.answered.is_some());
            }
            Event::Registered { .. } => tally.registered += 1,
            Event::Unregistered { .. } => tally.unregistered += 1,
            Event::Refused { .. } => tally.refused += 1,
            _ => {}
        }
    }

    /// Tells what the front has decided.
    fn tell_front(&mut self) {
        while let Some(event) = self.front.poll_event() {
            match event {
                front::Event::Banned(Ban { source, reason, .. }) => {
                    tracing::warn!(%source, reason = reason.as_str(), "banned");
                }
                front::Event::Lifted(Ban { source, .. }) => {
                    tracing::info!(%source, "no longer banned")
                }
                front::Event::Overloaded => {
                    tracing::warn!("more calls than can be served: new ones are refused");
                }
                front::Event::KeepsUp => {
                    let shed = self.front.counts().calls_shed;
                    tracing::info!(refused_so_far = shed, "all calls are served again");
                }
            }
        }
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
        self.tell_front();
        self.send_refusals();
        while let Some(transmit) = self.exchange.poll_transmit() {
            if self.is_watched() {
                let Transmit { flow, bytes } = &transmit;
                self.watch(Passage::sent(self.clock.wall(), flow, bytes));
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
            self.count(&event);
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
        self.tell_refused_connections();
        if now >= self.bind_again {
            match self.bind_ports() {
                Ok(()) => self.ports_exhausted = false,
                Err(error) => {
                    // Descriptors and ports come back when calls end: it is tried again, and told
                    // once.
                    if !self.ports_exhausted {
                        tracing::warn!(%error, "no further RTP port can be bound");
                    }
                    self.ports_exhausted = true;
                    self.out_of_ports += 1;
                    self.bind_again = now + BIND_AGAIN;
                }
            }
        }
        self.media.hand_over(now);
        stopped
    }

    fn send_refusals(&mut self) {
        let waiting = self.front.refusals();
        if waiting == 0 {
            return;
        }
        let watched = self.is_watched();
        let Self { front, transports, clock, datagrams, .. } = self;
        let mut passages = Vec::new();
        let mut batches = datagrams.as_mut().filter(|_| waiting >= MANY);
        front.take_refusals(REFUSALS.max(waiting / 8), &mut |flow, bytes| {
            if watched {
                passages.push(Passage::sent(clock.wall(), flow, &Bytes::copy_from_slice(bytes)));
            }
            if !batches.as_mut().is_some_and(|batches| batches.send(flow, bytes)) {
                transports.send_bytes(flow, bytes);
            }
        });
        if let Some(batches) = batches {
            batches.flush();
        }
        for passage in passages {
            self.watch(passage);
        }
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
        while self.exchange.ports_available() < SPARE_PORTS {
            let (id, socket, bound) = self.binder.bind()?;
            let address = self.external.unwrap_or(bound.ip());
            let advertised = SocketAddr::new(address, bound.port());
            self.media.tell(Instruction::Port(id, socket));
            let port = Input::Port(Port { id, advertised });
            self.exchange.handle_input(self.clock.now(), port);
        }
        Ok(())
    }
}
