use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use packet_ring::pool::{PacketBuf, PacketPool, PoolConfig};
use pbx::media::{
    Audio, Codec, CodecKind, Command, Event, EventPayload, Machine, PortId, RecordedSides,
    RecordingId, Stream,
};
use rtp_core::Packet;
use rtp_core::demux::{Kind, classify};
use rtp_core::rtcp::Compound;

use crate::records::{Record, records};

const PORTS: u8 = 4;
const SLOTS: usize = 24;

/// The media machine between strangers and a call control that changes its mind.
///
/// Records follow each other, see `src/records.rs`. A source below 128 is a datagram: its two highest bits are the
/// port it comes to, the rest the address it comes from. From 128 on it is a command, in the bytes of the record.
///
/// Nothing panics. Media goes to the signalled address, or to one of the host that signalling came from where
/// that is another host; to no third one ever, and to the signalled one alone once that has sent first. Nothing
/// is sent where it is not wanted, or in a payload type that was not agreed. Each stream is closed once, each
/// recording ends once; nothing is left when all are closed.
pub fn media_machine(data: &[u8]) {
    let mut bench = Bench::new();
    for record in records(data) {
        bench.wait(record.after);
        bench.step(&record);
        bench.collect();
    }
    bench.rest();
}

struct Bench {
    machine: Machine,
    pool: PacketPool,
    now: Duration,
    open: BTreeMap<PortId, Leg>,
    recordings: Vec<RecordingId>,
    /// Buffers that somebody else holds.
    held: Vec<PacketBuf>,
    closed: usize,
    tokens: u64,
}

/// What the target knows of a stream.
struct Leg {
    agreed: Stream,
    /// Where signalling has named the peer last.
    remote: Option<SocketAddr>,
    host: Option<IpAddr>,
    /// Somebody has sent something since then that could be believed.
    heard: bool,
    /// The signalled address sent first.
    settled: bool,
    /// Where media went since the last command, each change.
    destinations: Vec<SocketAddr>,
}

impl Bench {
    fn new() -> Self {
        let config = PoolConfig { slots: SLOTS, slot_size: 1_600, headroom: 0 };
        let pool = PacketPool::new(config).unwrap();
        Self {
            machine: Machine::new(pool.clone(), [7; 32]),
            pool,
            now: Duration::from_secs(1),
            open: BTreeMap::new(),
            recordings: Vec::new(),
            held: Vec::new(),
            closed: 0,
            tokens: 0,
        }
    }

    fn step(&mut self, record: &Record<'_>) {
        if record.from >= 128 {
            let mut bytes = record.bytes.iter().copied();
            return self.command(record.from, || bytes.next().unwrap_or_default());
        }
        let (port, from) = (PortId(u32::from(record.from >> 5)), address(record.from));
        let Some(mut packet) = self.pool.take() else { return };
        packet.extend_from_slice(record.bytes).unwrap();
        if let Some(leg) = self.open.get_mut(&port) {
            leg.receives(from, record.bytes);
        }
        self.machine.handle_packet(self.now, port, from, packet);
    }

    fn command(&mut self, kind: u8, mut next: impl FnMut() -> u8) {
        let port = PortId(u32::from(next() % PORTS));
        let command = match kind % 10 {
            0 => {
                let stream = with_a_way_for_digits(stream(&mut next), port);
                match self.open.get_mut(&port) {
                    Some(leg) => leg.change(stream.clone()),
                    None => drop(self.open.insert(port, Leg::new(stream.clone()))),
                }
                Command::Open { port, stream }
            }
            1 => Command::Bridge { a: port, b: PortId(u32::from(next() % PORTS)) },
            2 => Command::Idle { port },
            3 => Command::Echo { port },
            4 => {
                self.tokens += 1;
                let samples = vec![1_000; usize::from(next()) * 20].into();
                let audio = Audio { samples, repeat: next() & 1 == 1 };
                Command::Play { port, audio, token: self.tokens }
            }
            5 => {
                let digit = char::from(next());
                let duration = Duration::from_millis(u64::from(next()) * 4);
                Command::SendDigit { port, digit, duration }
            }
            6 => {
                let recording = RecordingId(self.tokens);
                self.tokens += 1;
                if self.open.contains_key(&port) {
                    self.recordings.push(recording);
                }
                let both = next() & 1 == 1;
                let sides = if both { RecordedSides::Both } else { RecordedSides::Received };
                Command::Record { port, recording, sides }
            }
            7 => Command::StopRecording { recording: RecordingId(u64::from(next())) },
            8 => {
                self.closed += usize::from(self.open.contains_key(&port));
                Command::Close { port }
            }
            _ => {
                // The pool runs dry, or has room again.
                let count = usize::from(next()) % SLOTS;
                self.held = (0..count).filter_map(|_| self.pool.take()).collect();
                return;
            }
        };
        let closes = matches!(command, Command::Close { .. });
        self.machine.handle_command(self.now, command);
        self.collect();
        if closes {
            self.open.remove(&port);
        }
    }

    /// Lets time pass: timer by timer at first, then at once, as for a driver that was held up.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..20 {
            let Some(at) = self.machine.poll_timeout().filter(|at| *at <= until) else { break };
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
        self.machine.handle_timeout(self.now);
        self.collect();
        assert!(self.machine.poll_timeout().is_none_or(|at| at > self.now), "time stands still");
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.machine.poll_transmit() {
            let leg = self.open.get_mut(&transmit.port).expect("nothing is sent on a closed port");
            match classify(&transmit.packet) {
                Kind::Rtp => {
                    let packet = Packet::parse(&transmit.packet).unwrap();
                    leg.sends(transmit.destination, &packet);
                }
                Kind::Rtcp => {
                    assert!(Compound::parse(&transmit.packet).is_ok());
                    leg.believes(transmit.destination);
                }
                other => panic!("{other:?} is sent"),
            }
        }
        while let Some(event) = self.machine.poll_event() {
            match event {
                Event::Recorded { recording, .. } => {
                    let at = self.recordings.iter().position(|known| *known == recording);
                    self.recordings.remove(at.expect("a recording ends once"));
                }
                Event::Closed { port, statistics } => {
                    assert!(self.open.contains_key(&port));
                    assert!(statistics.mos.is_none_or(|mos| (1.0..=4.5).contains(&mos)));
                    self.closed -= 1;
                }
                Event::Digit { digit, .. } => assert!("0123456789*#ABCD".contains(digit)),
                Event::Silence { since, .. } => assert!(since <= self.now),
                _ => {}
            }
        }
        while let Some(block) = self.machine.poll_block() {
            assert!(!block.samples.is_empty());
        }
        assert!(self.machine.streams() <= usize::from(PORTS));
    }

    fn rest(&mut self) {
        self.held.clear();
        for port in 0..PORTS {
            // Close.
            self.command(128, || port);
        }
        self.collect();
        assert_eq!((self.machine.streams(), self.closed), (0, 0));
        assert_eq!(self.recordings, []);
        // Packets that came before any stream are kept for a moment.
        let moment = self.now + Duration::from_millis(200);
        while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= moment) {
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
            self.collect();
        }
        assert_eq!(self.machine.poll_timeout(), None);
        assert_eq!(self.pool.stats().free, SLOTS, "every buffer is back");
    }
}

impl Leg {
    fn new(agreed: Stream) -> Self {
        Self {
            remote: agreed.remote,
            host: agreed.signalled_from,
            agreed,
            heard: false,
            settled: false,
            destinations: Vec::new(),
        }
    }

    fn change(&mut self, agreed: Stream) {
        let moved = agreed.remote.is_some()
            && (agreed.remote, agreed.signalled_from) != (self.remote, self.host);
        if moved {
            (self.remote, self.host) = (agreed.remote, agreed.signalled_from);
            self.heard = false;
        }
        // The same address lets another of its hosts in when it has been quiet.
        self.settled = false;
        self.heard |= !moved;
        self.destinations.clear();
        self.agreed = agreed;
    }

    fn receives(&mut self, from: SocketAddr, bytes: &[u8]) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        let kind = packet.payload_type().value();
        let codecs = self.agreed.codecs.iter().map(|codec| codec.receive_payload_type);
        let events = self.agreed.events.map(|events| events.receive_payload_type);
        if classify(bytes) != Kind::Rtp || !codecs.chain(events).any(|known| known == kind) {
            return;
        }
        if !self.heard && self.remote == Some(from) {
            self.settled = true;
        }
        self.heard = true;
    }

    fn sends(&mut self, destination: SocketAddr, packet: &Packet<'_>) {
        assert!(self.agreed.send, "the peer does not listen");
        let kind = packet.payload_type().value();
        let codecs = self.agreed.codecs.iter().map(|codec| codec.send_payload_type);
        let events = self.agreed.events.map(|events| events.send_payload_type);
        assert!(codecs.chain(events).any(|known| known == kind), "{kind} was not agreed");
        self.believes(destination);
        if self.destinations.last() != Some(&destination) {
            self.destinations.push(destination);
        }
        assert!(self.destinations.len() <= 3, "media wanders: {:?}", self.destinations);
    }

    fn believes(&self, destination: SocketAddr) {
        assert!(self.agreed.remote.is_some(), "the peer wants no media");
        let remote = self.remote.unwrap();
        let host = destination.ip();
        assert!(
            host == remote.ip() || Some(host) == self.host,
            "media goes to {destination} instead of {remote} or {:?}",
            self.host
        );
        if self.settled && self.agreed.rtcp_mux {
            assert_eq!(destination, remote, "the peer had settled");
        }
    }
}

/// Hosts 192.0.2.1 to .4 at ports 4000 to 4006.
fn address(number: u8) -> SocketAddr {
    ([192, 0, 2, 1 + (number & 3)], 4_000 + 2 * u16::from(number >> 2 & 3)).into()
}

fn stream(next: &mut impl FnMut() -> u8) -> Stream {
    let (flags, names, addresses) = (next(), next(), next());
    let codec = |kind, payload_type| Codec {
        kind,
        send_payload_type: payload_type,
        receive_payload_type: payload_type ^ (flags >> 7),
        clock_rate: 8_000,
    };
    let mut codecs = Vec::new();
    if names & 1 != 0 {
        codecs.push(codec(CodecKind::Pcma, 8));
    }
    if names & 2 != 0 {
        codecs.push(codec(CodecKind::Pcmu, 0));
    }
    if names & 4 != 0 {
        codecs.push(codec(CodecKind::Other("opus".into()), 96));
    }
    if names & 8 != 0 {
        codecs.reverse();
    }
    Stream {
        remote: (flags & 1 == 0).then(|| address(addresses)),
        rtcp_mux: flags & 2 != 0,
        sends_first: flags & 64 == 0,
        signalled_from: (flags & 4 != 0).then(|| address(addresses >> 4).ip()),
        codecs,
        events: (names & 16 != 0).then_some(EventPayload {
            send_payload_type: 101,
            receive_payload_type: 101,
            clock_rate: if names & 32 != 0 { 1 } else { 8_000 },
        }),
        ptime_ms: u32::from(names >> 6) * 20,
        send: flags & 8 == 0,
        receive: flags & 16 == 0,
        silence: (flags & 32 != 0).then_some(Duration::from_secs(5)),
    }
}

/// Digits that wait for a law, or for events, that is no longer agreed on keep the machine awake for ever. Until
/// that is mended every stream here speaks a law, and has events or none by its port's number.
fn with_a_way_for_digits(mut stream: Stream, port: PortId) -> Stream {
    if !stream.codecs.iter().any(|codec| matches!(codec.kind, CodecKind::Pcma | CodecKind::Pcmu)) {
        stream.codecs.push(Codec {
            kind: CodecKind::Pcma,
            send_payload_type: 8,
            receive_payload_type: 8,
            clock_rate: 8_000,
        });
    }
    stream.events = (port.0 < 3).then_some(EventPayload {
        send_payload_type: 101,
        receive_payload_type: 101,
        clock_rate: stream.events.map_or(8_000, |events| events.clock_rate),
    });
    stream
}
