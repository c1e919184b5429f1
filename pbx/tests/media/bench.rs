//! The media machine between telephones that send what they are told, in virtual time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::media::{Codec, CodecKind, Command, Event, EventPayload, Machine, PortId, Stream};
use rtp_core::dtmf::{Digit, Generator, GeneratorConfig};
use rtp_core::telephone_event::{EventCode, EventReport};
use rtp_core::{Header, Packet, PayloadType, Ssrc};

pub const A: PortId = PortId(1);
pub const B: PortId = PortId(2);
pub const FRAME: Duration = Duration::from_millis(20);

pub fn address(n: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], port))
}

pub fn stream(kinds: &[CodecKind], remote: SocketAddr) -> Stream {
    let codecs = kinds
        .iter()
        .map(|kind| {
            let payload_type = match kind {
                CodecKind::Pcmu => 0,
                CodecKind::Pcma => 8,
                CodecKind::Other(_) => 97,
            };
            Codec {
                kind: kind.clone(),
                send_payload_type: payload_type,
                receive_payload_type: payload_type,
                clock_rate: 8_000,
            }
        })
        .collect();
    Stream {
        remote: Some(remote),
        rtcp_mux: false,
        sends_first: true,
        signalled_from: None,
        codecs,
        events: Some(EventPayload {
            send_payload_type: 101,
            receive_payload_type: 101,
            clock_rate: 8_000,
        }),
        ptime_ms: 20,
        send: true,
        receive: true,
        silence: None,
    }
}

pub struct Sent {
    pub at: Duration,
    pub port: PortId,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub fn packet(&self) -> Packet<'_> {
        Packet::parse(&self.bytes).unwrap()
    }
}

/// The machine with its outputs collected.
pub struct Bench {
    pub machine: Machine,
    pub pool: PacketPool,
    pub now: Duration,
    pub sent: Vec<Sent>,
    pub events: VecDeque<Event>,
    pub recorded: Vec<i16>,
}

impl Bench {
    pub fn new() -> Self {
        let pool = PacketPool::new(PoolConfig::default()).unwrap();
        Self {
            machine: Machine::new(pool.clone(), [7; 32]),
            pool,
            now: Duration::ZERO,
            sent: Vec::new(),
            events: VecDeque::new(),
            recorded: Vec::new(),
        }
    }

    /// Two streams, bridged.
    pub fn bridged(a: Stream, b: Stream) -> Self {
        let mut bench = Self::new();
        bench.command(Command::Open { port: A, stream: a });
        bench.command(Command::Open { port: B, stream: b });
        bench.command(Command::Bridge { a: A, b: B });
        bench
    }

    pub fn command(&mut self, command: Command) {
        self.machine.handle_command(self.now, command);
        self.collect();
    }

    pub fn receive(&mut self, port: PortId, from: SocketAddr, bytes: &[u8]) {
        let mut packet = self.pool.take().unwrap();
        packet.extend_from_slice(bytes).unwrap();
        self.machine.handle_packet(self.now, port, from, packet);
        self.collect();
    }

    pub fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
    }

    pub fn collect(&mut self) {
        while let Some(transmit) = self.machine.poll_transmit() {
            self.sent.push(Sent {
                at: self.now,
                port: transmit.port,
                to: transmit.destination,
                bytes: transmit.packet.to_vec(),
            });
        }
        while let Some(event) = self.machine.poll_event() {
            self.events.push_back(event);
        }
        while let Some(block) = self.machine.poll_block() {
            self.recorded.extend(block.samples);
        }
    }

    pub fn to(&self, to: SocketAddr) -> Vec<Packet<'_>> {
        self.sent.iter().filter(|sent| sent.to == to).map(Sent::packet).collect()
    }
}

/// A telephone's sending half.
pub struct Phone {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
}

impl Phone {
    pub fn new(ssrc: u32, payload_type: u8) -> Self {
        Self { ssrc, sequence: 65_530, timestamp: 4_294_960_000, payload_type }
    }

    pub fn speak(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 12 + octets.len()];
        self.header(self.payload_type, false).write_packet(octets, 0, &mut bytes).unwrap();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(octets.len() as u32);
        bytes
    }

    pub fn header(&self, payload_type: u8, marker: bool) -> Header<'static> {
        Header {
            marker,
            ..Header::new(
                PayloadType::new(payload_type).unwrap(),
                self.sequence,
                self.timestamp,
                Ssrc(self.ssrc),
            )
        }
    }

    /// The packets of one key press of 100 ms.
    pub fn press(&mut self, digit: char) -> Vec<Vec<u8>> {
        let code = EventCode::from_digit(digit).unwrap();
        let mut packets = Vec::new();
        for n in 1..=7u16 {
            let report = EventReport { code, end: n > 4, volume: 10, duration: 160 * n.min(5) };
            let mut bytes = vec![0; 16];
            self.header(101, n == 1).write_packet(&report.to_bytes(), 0, &mut bytes).unwrap();
            packets.push(bytes);
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.timestamp = self.timestamp.wrapping_add(800);
        packets
    }
}

/// Speech-like octets: a low tone, in A-law.
pub fn voice(frames: usize) -> Vec<u8> {
    let samples: Vec<i16> = (0..frames * 160)
        .map(|n| (f64::sin(n as f64 * std::f64::consts::TAU / 53.0) * 6_000.0) as i16)
        .collect();
    let mut octets = vec![0; samples.len()];
    codec_g711::alaw::encode(&samples, &mut octets);
    octets
}

/// The tones of a key, as A-law octets of 20 ms packets.
pub fn tones(digit: char) -> Vec<u8> {
    let mut generator = Generator::new(GeneratorConfig::default());
    generator.press(Digit::from_char(digit).unwrap(), Duration::from_millis(100)).unwrap();
    let mut samples = vec![0; 10 * 160];
    generator.fill(&mut samples);
    let mut octets = vec![0; samples.len()];
    codec_g711::alaw::encode(&samples, &mut octets);
    octets
}
