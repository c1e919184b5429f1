//! The thread that carries voices: sockets on one side, the media machine on the other.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use packet_ring::pool::PacketPool;
use packet_ring::spsc::{self, Consumer, Producer};
use tokio::sync::Notify;

use super::clock::Clock;
use crate::media::{Command, Event, Machine, PortId};

const WAKE: Token = Token(usize::MAX);
/// Commands and events under way between the two threads.
const RING: usize = 8_192;
/// Packets taken from one socket before the next one has its turn.
const BATCH: usize = 64;
/// Pause before an empty pool is asked again.
const STARVED: Duration = Duration::from_millis(2);

/// What the owner of calls tells the media thread.
pub(super) enum Instruction {
    /// A socket that was bound for a port.
    Port(PortId, std::net::UdpSocket),
    /// For the machine.
    Command(Command),
    /// End of work.
    Stop,
}

/// The owner's end of the media thread.
pub(super) struct MediaThread {
    instructions: Producer<Instruction>,
    /// Instructions that found the ring full, in order.
    waiting: std::collections::VecDeque<Instruction>,
    events: Consumer<Event>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl MediaThread {
    /// Starts the thread around a machine; `news` is told when there may be events.
    ///
    /// # Errors
    ///
    /// When the operating system gives no poll, or no thread.
    pub(super) fn start(
        machine: Machine,
        pool: PacketPool,
        clock: Clock,
        news: Arc<Notify>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (instructions, incoming) = spsc::ring(RING);
        let (outgoing, events) = spsc::ring(RING);
        let worker = Worker {
            poll,
            machine,
            pool,
            clock,
            sockets: HashMap::new(),
            unread: Vec::new(),
            starved: false,
            instructions: incoming,
            events: outgoing,
            news,
        };
        let thread =
            std::thread::Builder::new().name("media".to_owned()).spawn(move || worker.run())?;
        Ok(Self {
            instructions,
            waiting: std::collections::VecDeque::new(),
            events,
            waker,
            thread: Some(thread),
        })
    }

    /// Hands an instruction over; [`MediaThread::flush`] wakes the thread.
    pub(super) fn tell(&mut self, instruction: Instruction) {
        self.waiting.push_back(instruction);
    }

    /// Moves what waits into the ring, as far as it has room, and wakes the thread.
    pub(super) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        while let Some(instruction) = self.waiting.pop_front() {
            if let Err(full) = self.instructions.push(instruction) {
                self.waiting.push_front(full.0);
                break;
            }
        }
        // A thread that has ended cannot be woken; its end is seen by `is_alive`.
        let _ = self.waker.wake();
    }

    /// The next event, if there is one.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Whether the thread still runs.
    pub(super) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for MediaThread {
    fn drop(&mut self) {
        self.tell(Instruction::Stop);
        while self.is_alive() {
            self.flush();
            while self.event().is_some() {}
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    poll: Poll,
    machine: Machine,
    pool: PacketPool,
    clock: Clock,
    sockets: HashMap<PortId, UdpSocket>,
    /// Ports that had more packets than one batch.
    unread: Vec<PortId>,
    /// The pool was empty.
    starved: bool,
    instructions: Consumer<Instruction>,
    events: Producer<Event>,
    news: Arc<Notify>,
}

impl Worker {
    fn run(mut self) {
        let mut ready = Events::with_capacity(1_024);
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut ready, timeout) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "the media thread cannot wait for packets");
                    return;
                }
            }
            let now = self.clock.now();
            if !self.take_instructions(now) {
                return;
            }
            self.starved = false;
            let mut readable = std::mem::take(&mut self.unread);
            readable.extend(
                ready
                    .iter()
                    .filter(|event| event.token() != WAKE)
                    .filter_map(|event| u32::try_from(event.token().0).ok().map(PortId)),
            );
            for port in readable {
                self.receive(now, port);
            }
            if self.machine.poll_timeout().is_some_and(|at| at <= now) {
                self.machine.handle_timeout(now);
            }
            self.send();
            self.report();
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.unread.is_empty() {
            let pause = if self.starved { STARVED } else { Duration::ZERO };
            return Some(pause);
        }
        let at = self.machine.poll_timeout()?;
        Some(at.saturating_sub(self.clock.now()))
    }

    fn take_instructions(&mut self, now: Duration) -> bool {
        while let Some(instruction) = self.instructions.pop() {
            match instruction {
                Instruction::Command(command) => self.machine.handle_command(now, command),
                Instruction::Port(port, socket) => self.register(port, socket),
                Instruction::Stop => return false,
            }
        }
        true
    }

    fn register(&mut self, port: PortId, socket: std::net::UdpSocket) {
        let mut socket = UdpSocket::from_std(socket);
        let token = Token(port.0 as usize);
        match self.poll.registry().register(&mut socket, token, Interest::READABLE) {
            Ok(()) => {
                self.sockets.insert(port, socket);
            }
            Err(error) => tracing::error!(%error, port = port.0, "an RTP port cannot be used"),
        }
    }

    fn receive(&mut self, now: Duration, port: PortId) {
        for _ in 0..BATCH {
            let Some(socket) = self.sockets.get(&port) else { return };
            let Some(mut packet) = self.pool.take() else {
                // Every buffer is in use: the pool counts it, the packets stay in the kernel.
                self.unread.push(port);
                self.starved = true;
                return;
            };
            let source: SocketAddr = match socket.recv_from(packet.spare_mut()) {
                Ok((length, source)) => {
                    if packet.set_len(length).is_err() {
                        continue;
                    }
                    source
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP answer to something sent earlier: the peer's port is closed.
                Err(_) => continue,
            };
            self.machine.handle_packet(now, port, source, packet);
            self.send();
        }
        self.unread.push(port);
    }

    fn send(&mut self) {
        while let Some(transmit) = self.machine.poll_transmit() {
            if let Some(socket) = self.sockets.get(&transmit.port) {
                // Voice that cannot leave now is worth nothing later.
                let _ = socket.send_to(&transmit.packet, transmit.destination);
            }
        }
    }

    fn report(&mut self) {
        let mut any = false;
        while self.events.free() > 0 {
            let Some(event) = self.machine.poll_event() else { break };
            any |= self.events.push(event).is_ok();
        }
        if any {
            self.news.notify_one();
        }
    }
}
