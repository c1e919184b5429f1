//! The thread that carries voices: sockets on one side, the media machine on the other.
//!
//! Packets come and go in batches of up to 64, in buffers of one pool that move from the socket through
//! the machine to the next socket. The back end is the best that this system offers
//! ([`packet_ring::batch`]). While packets are many the thread lets them gather for up to a
//! millisecond; while they are few it takes each as it comes.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use packet_ring::batch::{self, BATCH, Backend, Datagram, IoConfig, SocketId, Tick, UdpIo};
use packet_ring::pool::PacketPool;
use packet_ring::spsc::{self, Consumer, Producer};
use tokio::sync::Notify;

use super::clock::Clock;
use crate::media::{Command, Event, Machine, PortId};

/// Commands and events under way between the two threads; further ones wait on their side. The memory of all of them
/// is in use from the first round on.
const RING: usize = 128;
/// How long the thread may sleep over instructions that wait for packets anyway, and over the end of what
/// nobody hears: being woken for each call takes as long as what is to be done then.
const UNHURRIED: Duration = Duration::from_millis(250);
/// So many instructions are not slept over.
const PLENTY: usize = 64;
/// Pause before an empty pool is asked again.
const STARVED: Duration = Duration::from_millis(2);

/// What the owner of calls tells the media thread.
pub(super) enum Instruction {
    /// A socket that was bound for a port.
    Port(PortId, UdpSocket),
    /// Closes a port that has no stream.
    Release(PortId),
    /// For the machine.
    Command(Command),
    /// A busy time is over.
    Calm,
    /// End of work.
    Stop,
}

impl Instruction {
    /// Whether something has to follow at once. What is to be done with packets is in time when they
    /// come: they wake the thread, which looks for instructions first.
    fn is_hurried(&self) -> bool {
        match self {
            Self::Command(command) => {
                matches!(command, Command::Play { .. } | Command::SendDigit { .. })
            }
            Self::Port(..) | Self::Stop => true,
            Self::Release(_) | Self::Calm => false,
        }
    }
}

/// The owner's end of the media thread.
pub(super) struct MediaThread {
    instructions: Producer<Instruction>,
    /// Instructions that found the ring full, in order.
    waiting: std::collections::VecDeque<Instruction>,
    events: Consumer<Event>,
    waker: Waker,
    /// Whether the thread is to be woken for what waits.
    hurried: bool,
    /// When it is woken at the latest for what it was handed without.
    ring_by: Option<Duration>,
    thread: Option<JoinHandle<()>>,
}

impl MediaThread {
    /// Starts the thread around a machine, for about so many sockets. `news` is told when there may be
    /// events; `order` names the back ends to try, and empty leaves the choice to the number of sockets.
    ///
    /// # Errors
    ///
    /// When the operating system gives no socket, no thread, or none of the back ends named.
    pub(super) fn start(
        machine: Machine,
        pool: PacketPool,
        clock: Clock,
        news: Arc<Notify>,
        order: Vec<Backend>,
        expected_sockets: usize,
        when_calm: Option<fn()>,
    ) -> io::Result<Self> {
        // Nobody reads when the kernel received a packet: the machine's time is that of the batch.
        let config = IoConfig { order, expected_sockets, timestamps: false, ..IoConfig::default() };
        let (mut io, report) = batch::open(&config)?;
        tracing::info!(backend = %report.chosen, %report, "media");
        let (waker, woken) = Waker::new()?;
        io.add(woken)?;
        let (instructions, incoming) = spsc::ring(RING);
        let (outgoing, events) = spsc::ring(RING);
        let worker = Worker {
            io,
            machine,
            pool,
            clock,
            tick: Tick::new(Default::default()),
            sockets: Sockets::default(),
            rung: Arc::clone(&waker.rung),
            starved: 0,
            received: Vec::with_capacity(BATCH),
            sending: Vec::with_capacity(BATCH),
            instructions: incoming,
            events: outgoing,
            news,
            when_calm,
        };
        let thread =
            std::thread::Builder::new().name("media".to_owned()).spawn(move || worker.run())?;
        Ok(Self {
            instructions,
            waiting: std::collections::VecDeque::new(),
            events,
            waker,
            hurried: false,
            ring_by: None,
            thread: Some(thread),
        })
    }

    /// Notes an instruction; [`MediaThread::hand_over`] or [`MediaThread::flush`] passes it on.
    pub(super) fn tell(&mut self, instruction: Instruction) {
        self.hurried |= instruction.is_hurried();
        self.waiting.push_back(instruction);
    }

    /// Gives back what a busy time has taken, here and on the thread.
    pub(super) fn shrink(&mut self) {
        self.waiting.shrink_to_fit();
        self.tell(Instruction::Calm);
    }

    /// Moves what waits into the ring, as far as it has room, and wakes the thread if that cannot
    /// wait: being woken costs it as much as a packet.
    pub(super) fn hand_over(&mut self, now: Duration) {
        let any = !self.waiting.is_empty();
        self.fill_ring();
        let many = self.instructions.capacity() - self.instructions.free() >= PLENTY;
        if many || self.hurried || self.ring_by.is_some_and(|by| by <= now) {
            self.wake();
        } else if any {
            self.ring_by.get_or_insert(now + UNHURRIED);
        }
    }

    /// When [`MediaThread::hand_over`] is to be called again.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.ring_by
    }

    /// Moves what waits into the ring, as far as it has room, and wakes the thread.
    pub(super) fn flush(&mut self) {
        self.fill_ring();
        self.wake();
    }

    fn fill_ring(&mut self) {
        while let Some(instruction) = self.waiting.pop_front() {
            if let Err(full) = self.instructions.push(instruction) {
                self.waiting.push_front(full.0);
                break;
            }
        }
    }

    fn wake(&mut self) {
        (self.hurried, self.ring_by) = (false, None);
        // Awake for another reason, it has found them already.
        if self.instructions.free() < self.instructions.capacity() {
            self.waker.wake();
        }
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

/// Wakes the thread where it waits for packets: by one to a socket of its own.
struct Waker {
    socket: UdpSocket,
    /// The thread has been woken and has not looked yet.
    rung: Arc<AtomicBool>,
}

impl Waker {
    /// A waker, and the socket for the thread to wait on.
    fn new() -> io::Result<(Self, UdpSocket)> {
        let (ours, theirs) = (local_socket()?, local_socket()?);
        // Connected both ways, nobody else can ring.
        ours.connect(theirs.local_addr()?)?;
        theirs.connect(ours.local_addr()?)?;
        ours.set_nonblocking(true)?;
        Ok((Self { socket: ours, rung: Arc::new(AtomicBool::new(false)) }, theirs))
    }

    fn wake(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // A socket that is full rings already. A thread that has ended cannot be woken; its end
            // is seen by `is_alive`.
            let _ = self.socket.send(&[]);
        }
    }
}

fn local_socket() -> io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
}

/// Which socket serves which port.
#[derive(Default)]
struct Sockets {
    /// By the port's number.
    by_port: Vec<Option<SocketId>>,
    /// By the socket's number.
    by_socket: Vec<Option<PortId>>,
}

impl Sockets {
    fn insert(&mut self, port: PortId, socket: SocketId) {
        put(&mut self.by_port, port.0, socket);
        put(&mut self.by_socket, socket.0, port);
    }

    fn remove(&mut self, port: PortId) -> Option<SocketId> {
        let socket = self.by_port.get_mut(port.0 as usize)?.take()?;
        if let Some(place) = self.by_socket.get_mut(socket.0 as usize) {
            *place = None;
        }
        Some(socket)
    }

    fn shrink(&mut self) {
        cut(&mut self.by_port);
        cut(&mut self.by_socket);
    }

    fn socket(&self, port: PortId) -> Option<SocketId> {
        self.by_port.get(port.0 as usize).copied().flatten()
    }

    fn port(&self, socket: SocketId) -> Option<PortId> {
        self.by_socket.get(socket.0 as usize).copied().flatten()
    }
}

/// Numbers are given one after the other, so that the places in between are few.
fn put<T: Copy>(places: &mut Vec<Option<T>>, at: u32, value: T) {
    let at = at as usize;
    if places.len() <= at {
        places.resize(at + 1, None);
    }
    if let Some(place) = places.get_mut(at) {
        *place = Some(value);
    }
}

/// Gives back the places behind the last one in use.
fn cut<T>(places: &mut Vec<Option<T>>) {
    let used = places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    places.truncate(used);
    places.shrink_to_fit();
}

struct Worker {
    io: Box<dyn UdpIo>,
    machine: Machine,
    pool: PacketPool,
    clock: Clock,
    tick: Tick,
    sockets: Sockets,
    rung: Arc<AtomicBool>,
    /// How often the pool has been found empty.
    starved: u64,
    received: Vec<Datagram>,
    sending: Vec<Datagram>,
    instructions: Consumer<Instruction>,
    events: Producer<Event>,
    news: Arc<Notify>,
    when_calm: Option<fn()>,
}

impl Worker {
    fn run(mut self) {
        loop {
            let count = match self.receive() {
                Ok(count) => count,
                Err(error) => {
                    tracing::error!(%error, "the media thread cannot wait for packets");
                    return;
                }
            };
            let now = self.clock.now();
            self.tick.received(now, count);
            // Before the ring is emptied: what comes in after that rings again.
            self.rung.swap(false, Ordering::AcqRel);
            if !self.take_instructions(now) {
                return;
            }
            for datagram in self.received.drain(..) {
                if let (Some(port), Some(peer)) =
                    (self.sockets.port(datagram.socket), datagram.peer)
                {
                    self.machine.handle_packet(now, port, peer, datagram.packet);
                }
            }
            if self.machine.poll_timeout().is_some_and(|at| at <= now) {
                self.machine.handle_timeout(now);
            }
            if let Err(error) = self.send() {
                tracing::error!(%error, "the media thread cannot send");
                return;
            }
            self.report();
        }
    }

    /// Waits for packets, the bell or the machine, whichever is first, and takes what there is.
    fn receive(&mut self) -> io::Result<usize> {
        let timeout = if self.io.has_more() {
            Some(Duration::ZERO)
        } else {
            let due = self.machine.poll_timeout();
            let mut left = due.map(|at| at.saturating_sub(self.clock.now()));
            let pause = self.tick.pause().min(left.unwrap_or(Duration::MAX));
            if !pause.is_zero() {
                // Then it waits if nothing has gathered, lest it looks a thousand times a second.
                std::thread::sleep(pause);
                left = due.map(|at| at.saturating_sub(self.clock.now()));
            }
            left
        };
        let count = self.io.recv_batch(&self.pool, &mut self.received, timeout)?;
        if count == 0 {
            let starved = self.io.counters().starved;
            if std::mem::replace(&mut self.starved, starved) != starved {
                // Every buffer is in use: the packets wait in the kernel.
                std::thread::sleep(STARVED);
            }
        }
        Ok(count)
    }

    fn take_instructions(&mut self, now: Duration) -> bool {
        while let Some(instruction) = self.instructions.pop() {
            match instruction {
                Instruction::Command(command) => self.machine.handle_command(now, command),
                Instruction::Port(port, socket) => match self.io.add(socket) {
                    Ok(socket) => self.sockets.insert(port, socket),
                    Err(error) => {
                        tracing::error!(%error, port = port.0, "an RTP port cannot be used");
                    }
                },
                Instruction::Release(port) => self.release(port),
                Instruction::Calm => self.shrink(),
                Instruction::Stop => return false,
            }
        }
        true
    }

    fn release(&mut self, port: PortId) {
        if let Some(socket) = self.sockets.remove(port) {
            self.io.remove(socket);
            // Another socket may get its number.
            self.received.retain(|datagram| datagram.socket != socket);
        }
        self.machine.forget(port);
    }

    /// Gives back what a busy time has taken.
    fn shrink(&mut self) {
        self.io.shrink();
        self.sockets.shrink();
        self.machine.shrink();
        if let Some(give_back) = self.when_calm {
            give_back();
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while let Some(transmit) = self.machine.poll_transmit() {
            if let Some(socket) = self.sockets.socket(transmit.port) {
                let datagram = Datagram::to(socket, transmit.destination, transmit.packet);
                self.sending.push(datagram);
            }
            if self.sending.len() == BATCH {
                self.io.send_batch(&mut self.sending)?;
            }
        }
        // Voice that cannot leave now is worth nothing later: it is dropped and counted.
        self.io.send_batch(&mut self.sending)?;
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use packet_ring::pool::PoolConfig;
    use rtp_core::{Header, PayloadType, Ssrc};

    use super::*;
    use crate::media::{Codec, CodecKind, Stream};

    fn stream(peer: SocketAddr) -> Stream {
        Stream {
            remote: Some(peer),
            rtcp_mux: false,
            sends_first: true,
            signalled_from: None,
            codecs: vec![Codec {
                kind: CodecKind::Pcma,
                send_payload_type: 8,
                receive_payload_type: 8,
                clock_rate: 8_000,
            }],
            events: None,
            ptime_ms: 20,
            send: true,
            receive: true,
            silence: None,
        }
    }

    /// Speaks from one telephone until the other one hears it, and returns what it heard.
    fn relayed(from: &UdpSocket, to: SocketAddr, hears: &UdpSocket) -> Vec<u8> {
        let mut heard = [0; 2_048];
        for number in 0.. {
            let header = Header::new(PayloadType::PCMA, number, u32::from(number) * 160, Ssrc(7));
            let mut packet = [0xd5; 172];
            header.write(&mut packet).unwrap();
            // Until the thread knows of the stream packets are nobody's.
            from.send_to(&packet, to).unwrap();
            if let Ok(length) = hears.recv(&mut heard) {
                return heard[..length].to_vec();
            }
        }
        unreachable!("numbers do not end here")
    }

    #[test]
    fn every_back_end_relays_obeys_and_ends() {
        for backend in [Backend::Std, Backend::Mmsg, Backend::IoUring] {
            let pool = PacketPool::new(PoolConfig::default()).unwrap();
            let machine = Machine::new(pool.clone(), [1; 32]);
            let started = MediaThread::start(
                machine,
                pool,
                Clock::start(),
                Arc::default(),
                vec![backend],
                2,
                None,
            );
            let mut media = match started {
                Ok(media) => media,
                Err(error) => {
                    println!("skipped: {error}");
                    continue;
                }
            };
            let phones = [local_socket().unwrap(), local_socket().unwrap()];
            let mut ports = Vec::new();
            for (number, phone) in (0..).zip(&phones) {
                phone.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
                let socket = local_socket().unwrap();
                ports.push(socket.local_addr().unwrap());
                media.tell(Instruction::Port(PortId(number), socket));
                let stream = stream(phone.local_addr().unwrap());
                media.tell(Instruction::Command(Command::Open { port: PortId(number), stream }));
            }
            media.tell(Instruction::Command(Command::Bridge { a: PortId(0), b: PortId(1) }));
            media.flush();
            let heard = relayed(&phones[0], ports[0], &phones[1]);
            assert_eq!(heard.len(), 172, "{backend}");
            assert_eq!(heard[12..], [0xd5; 160]);
            assert_ne!(heard[8..12], [0, 0, 0, 7], "an SSRC of ours");
            media.tell(Instruction::Command(Command::Close { port: PortId(0) }));
            media.flush();
            let closed = std::iter::from_fn(|| Some(media.event()));
            let closed = closed.inspect(|_| std::thread::yield_now()).flatten().next();
            assert!(matches!(closed, Some(Event::Closed { port: PortId(0), .. })), "{closed:?}");
        }
    }
}
