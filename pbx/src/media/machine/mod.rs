//! The media machine: packets and commands in, packets and events out.
//!
//! ```text
//!                  +-------------------------- Stream ---------------------------+
//!  handle_packet ->| latch -> sequence -> digits? -> ear? -> echo | bridge | recorder |
//!                  |                                          |                   |
//!                  +------------------------------------------|-------------------+
//!                                                             v  the other Stream
//!  handle_timeout -> player, digits to send ---------> sender (SSRC, numbers) -> poll_transmit
//! ```
//!
//! A bridged stream of one codec and packet length is rewritten in its own buffer: nothing is copied,
//! nothing allocated. Other laws are transcoded octet by octet, other lengths cut anew. Packets that follow
//! the one before as it is usual take a short way past all of the above (`path.rs`).
//!
//! A stream that ends here is heard through a jitter buffer whose delay follows the network, with what is
//! missing concealed by the codec's own method: for the echo, for digits that come as tones, for
//! recordings. A relay has none, since one that waited would add its delay to theirs; a recording of
//! a relayed stream listens beside it.

mod early;
mod outgoing;
mod path;
mod playing;
mod relay;
mod stream;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::{PacketBuf, PacketPool};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rtp_core::Ssrc;
use rtp_core::demux::{Kind, classify};
use rtp_core::session::MAX_REPORT_LEN;

use super::recorder::{Block, Recorder};
use super::{Command, Event, PortId, RecordingId, hearing};
use early::Early;
use outgoing::Outgoing;
use stream::{Activity, StreamState};

/// A packet to send.
#[derive(Debug)]
pub struct Transmit {
    /// The port it leaves from.
    pub port: PortId,
    /// Where to.
    pub destination: SocketAddr,
    /// The whole datagram.
    pub packet: PacketBuf,
}

/// What the machine has counted that belongs to no stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams for a port that had no stream and soon got none: late packets of ended calls, or strangers.
    pub unexpected: u64,
    /// Datagrams that are no RTP and no RTCP.
    pub not_rtp: u64,
    /// Packets that could not be sent because the pool was empty.
    pub no_buffer: u64,
}

/// Carries the voices of all calls of one media thread.
pub struct Machine {
    pool: PacketPool,
    random: ChaCha8Rng,
    streams: Streams,
    recordings: HashMap<RecordingId, PortId>,
    wakes: BTreeSet<(Duration, PortId)>,
    early: Early,
    transmits: Outgoing,
    events: VecDeque<Event>,
    blocks: VecDeque<Block>,
    counters: Counters,
}

impl Machine {
    /// A machine that takes its buffers from `pool`. `seed` feeds SSRCs, first sequence numbers and
    /// timestamps, which have to be hard to guess (RFC 3550 §5.1).
    pub fn new(pool: PacketPool, seed: [u8; 32]) -> Self {
        Self {
            pool,
            random: ChaCha8Rng::from_seed(seed),
            streams: Streams::default(),
            recordings: HashMap::new(),
            wakes: BTreeSet::new(),
            early: Early::default(),
            transmits: Outgoing::default(),
            events: VecDeque::new(),
            blocks: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// The driver has closed a port that has no stream. Another one may get its number.
    pub fn forget(&mut self, port: PortId) {
        self.counters.unexpected += self.early.forget(port);
    }

    /// Gives back the room that tables and packets have needed in a busier time: to be called when there is
    /// little to do.
    pub fn shrink(&mut self) {
        self.pool.shrink();
        self.early.shrink();
        self.streams.shrink_to_fit();
        self.recordings.shrink_to_fit();
        self.transmits.shrink_to_fit();
        self.events.shrink_to_fit();
        self.blocks.shrink_to_fit();
    }

    /// A datagram has arrived on a port.
    pub fn handle_packet(
        &mut self,
        now: Duration,
        port: PortId,
        source: SocketAddr,
        packet: PacketBuf,
    ) {
        let Err(packet) = self.pass_by_path(now, port, source, packet) else { return };
        let kind = classify(&packet);
        if kind == Kind::Rtp {
            return self.on_rtp(now, port, source, packet);
        }
        match (kind, self.streams.get_mut(&port)) {
            (Kind::Rtcp, Some(stream)) => on_rtcp(now, stream, source, &packet),
            (_, Some(_)) => self.counters.not_rtp += 1,
            (_, None) => self.counters.unexpected += 1,
        }
    }

    /// Call control wants something. Commands for a port without a stream are ignored: they
    /// crossed its end.
    pub fn handle_command(&mut self, now: Duration, command: Command) {
        for port in self.ports_of(&command).into_iter().flatten() {
            path::take_up(&mut self.streams, port);
        }
        match command {
            Command::Open { port, stream } => {
                match self.streams.get_mut(&port) {
                    Some(state) => state.change(now, stream),
                    None => {
                        let state = StreamState::new(now, stream, &mut self.random);
                        self.streams.insert(port, Box::new(state));
                    }
                }
                self.reschedule(port);
            }
            Command::Bridge { a, b } => {
                if self.streams.contains_key(&a) && self.streams.contains_key(&b) {
                    for (one, other) in [(a, b), (b, a)] {
                        self.part(one);
                        self.become_active(one, Activity::Bridged(other));
                    }
                    self.catch_up(now, a);
                    self.catch_up(now, b);
                }
            }
            Command::Idle { port } => {
                self.part(port);
                self.become_active(port, Activity::Idle);
            }
            Command::Echo { port } => {
                self.part(port);
                self.become_active(port, Activity::Echo);
                self.catch_up(now, port);
            }
            Command::Play { port, audio, token } => {
                self.part(port);
                let activity = playing::begin(now, audio, token);
                self.become_active(port, activity);
            }
            Command::SendDigit { port, digit, duration } => {
                if let Some(stream) = self.streams.get_mut(&port) {
                    stream.queue_digit(digit, duration);
                }
                self.reschedule(port);
            }
            Command::Record { port, recording, sides } => {
                self.stop_recording_of(now, port);
                if let Some(stream) = self.streams.get_mut(&port) {
                    stream.recorder = Some(Box::new(Recorder::new(recording, sides, now)));
                    self.recordings.insert(recording, port);
                }
                self.reschedule(port);
            }
            Command::StopRecording { recording } => {
                if let Some(port) = self.recordings.get(&recording).copied() {
                    self.stop_recording_of(now, port);
                    self.reschedule(port);
                }
            }
            Command::Close { port } => self.close(now, port),
        }
    }

    /// The instant of [`Machine::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.counters.unexpected += self.early.handle_timeout(now);
        while let Some((at, port)) = self.wakes.first().copied() {
            if at > now {
                break;
            }
            self.wakes.pop_first();
            if let Some(stream) = self.streams.get_mut(&port) {
                stream.wake = None;
            }
            path::take_up(&mut self.streams, port);
            self.wake(now, port);
            self.reschedule(port);
        }
    }

    /// When to call [`Machine::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        let stream = self.wakes.first().map(|(at, _)| *at);
        [stream, self.early.poll_timeout()].into_iter().flatten().min()
    }

    /// The next packet to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next thing to tell call control.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next recorded samples to write.
    pub fn poll_block(&mut self) -> Option<Block> {
        self.blocks.pop_front()
    }

    /// Streams that are open.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// What belongs to no stream.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The ports that a command is about.
    fn ports_of(&self, command: &Command) -> [Option<PortId>; 2] {
        match command {
            Command::Bridge { a, b } => [Some(*a), Some(*b)],
            Command::StopRecording { recording } => [self.recordings.get(recording).copied(), None],
            Command::Open { port, .. }
            | Command::Idle { port }
            | Command::Echo { port }
            | Command::Play { port, .. }
            | Command::SendDigit { port, .. }
            | Command::Record { port, .. }
            | Command::Close { port } => [Some(*port), None],
        }
    }

    fn wake(&mut self, now: Duration, port: PortId) {
        // Ears are due fifty times a second, all else now and then.
        if self.streams.get(&port).is_some_and(|stream| stream.is_to_speak(now)) {
            self.play(now, port);
            self.send_digits(now, port);
            self.report(now, port);
        }
        self.hear(now, port);
        let Some(stream) = self.streams.get_mut(&port) else { return };
        stream.let_digits_end(now);
        self.report_digits(port, true);
        let Some(stream) = self.streams.get_mut(&port) else { return };
        if let Some(block) = stream.recorder.as_mut().and_then(|r| r.handle_timeout(now)) {
            self.blocks.push_back(block);
        }
        if let Some(since) = stream.fell_silent(now) {
            self.events.push_back(Event::Silence { port, since });
        }
    }

    /// Listens to what is due, and sends an echo of it.
    fn hear(&mut self, now: Duration, port: PortId) {
        let mut samples = [0; hearing::LONGEST];
        while let Some(stream) = self.streams.get_mut(&port) {
            let Some(heard) = stream.hear(now, &mut samples) else {
                stream.overhear(now);
                return;
            };
            if matches!(stream.activity, Activity::Echo) && heard.sounds {
                let samples = samples.get(..heard.count).unwrap_or_default();
                self.send_samples(now, port, heard.timestamp(), samples);
            }
        }
    }

    /// Sends the RTCP report that is due.
    fn report(&mut self, now: Duration, port: PortId) {
        let Some(stream) = self.streams.get_mut(&port) else { return };
        stream.session.handle_timeout(now, &mut self.random);
        while let Some(event) = stream.session.poll_event() {
            if matches!(event, rtp_core::session::Event::SsrcCollision) {
                stream.session.change_ssrc(&mut self.random);
            }
        }
        let mut report = [0; MAX_REPORT_LEN];
        let Ok(Some(length)) = stream.session.poll_transmit(now, &mut report) else { return };
        let Some(destination) = stream.report_destination() else { return };
        let Some(mut packet) = self.pool.take() else {
            self.counters.no_buffer += 1;
            return;
        };
        if packet.extend_from_slice(report.get(..length).unwrap_or_default()).is_ok() {
            self.transmits.push_back(Transmit { port, destination, packet });
        }
    }

    fn close(&mut self, now: Duration, port: PortId) {
        self.part(port);
        self.stop_recording_of(now, port);
        if let Some(stream) = self.streams.get_mut(&port) {
            stream.session.leave(now, None, &mut self.random);
            self.report(now, port);
        }
        let Some(stream) = self.streams.remove(&port) else { return };
        if let Some(at) = stream.wake {
            self.wakes.remove(&(at, port));
        }
        self.events.push_back(Event::Closed { port, statistics: stream.statistics() });
    }

    fn stop_recording_of(&mut self, now: Duration, port: PortId) {
        let Some(recorder) = self.streams.get_mut(&port).and_then(|s| s.recorder.take()) else {
            return;
        };
        if let Some(stream) = self.streams.get_mut(&port) {
            stream.stop_listening_in_vain();
        }
        let recording = recorder.id();
        self.recordings.remove(&recording);
        let (block, samples) = recorder.finish(now);
        self.blocks.extend(block);
        self.events.push_back(Event::Recorded { recording, samples });
    }

    /// Takes what came before the stream had begun.
    fn catch_up(&mut self, now: Duration, port: PortId) {
        if !self.streams.contains_key(&port) {
            return;
        }
        while let Some(early) = self.early.take(port) {
            self.handle_packet(now, port, early.source, early.packet);
        }
    }

    /// Takes a stream out of its bridge; the other side then hears nothing.
    fn part(&mut self, port: PortId) {
        let Some(stream) = self.streams.get(&port) else { return };
        let Activity::Bridged(other) = stream.activity else { return };
        if let Some(partner) = self.streams.get_mut(&other)
            && matches!(partner.activity, Activity::Bridged(back) if back == port)
        {
            partner.activity = Activity::Idle;
        }
    }

    fn become_active(&mut self, port: PortId, activity: Activity) {
        if let Some(stream) = self.streams.get_mut(&port) {
            stream.activity = activity;
            stream.stop_listening_in_vain();
            stream.session.sender_mut().switch_source();
        }
        self.reschedule(port);
    }

    fn reschedule(&mut self, port: PortId) {
        let Some(stream) = self.streams.get_mut(&port) else { return };
        let next = stream.next_wake();
        if next == stream.wake {
            return;
        }
        if let Some(at) = stream.wake {
            self.wakes.remove(&(at, port));
        }
        stream.wake = next;
        self.wakes.extend(next.map(|at| (at, port)));
    }
}

fn on_rtcp(now: Duration, stream: &mut StreamState, source: SocketAddr, datagram: &[u8]) {
    let sender = datagram.get(4..8).and_then(|four| four.try_into().ok());
    let Some(sender) = sender.map(u32::from_be_bytes) else { return };
    if stream.latch.handle_rtcp(source, Ssrc(sender)).is_accept()
        && stream.session.handle_rtcp(now, datagram).is_err()
    {
        stream.malformed += 1;
    }
}

/// Streams by their ports. The numbers are the driver's, not a peer's, so that nobody can make them collide:
/// a multiplication spreads them well enough.
type Streams = HashMap<PortId, Box<StreamState>, BuildHasherDefault<PortHasher>>;

#[derive(Default)]
struct PortHasher(u64);

impl Hasher for PortHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 by the golden ratio, as Knuth's multiplicative hashing has it.
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
