//! The short way of a voice through the media machine does what the long one does.
//!
//! Two machines get the same packets, commands and times. One of them is also sent a datagram that means nothing before
//! each packet, after which nothing takes the short way in it.

use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::media::{Codec, CodecKind, Command, Machine, PortId, RecordedSides, RecordingId, Stream};
use proptest::prelude::*;
use rtp_core::{Header, PayloadType, Ssrc};

use crate::bench::FRAME;

const PORTS: [PortId; 2] = [PortId(1), PortId(2)];

/// What happens next, to one of the two legs where it says so.
#[derive(Clone, Debug)]
enum Step {
    /// The next packets, one frame apart.
    Talk(bool, u8),
    /// The next packet, late or early by so many microseconds of a frame.
    Jitter(bool, u16),
    Lose(bool, u16),
    /// The packet so many before the newest.
    Again(bool, u8),
    Pause(bool, u32),
    Marked(bool),
    OtherSource(bool),
    OtherAddress(bool),
    OtherType(bool, u8),
    OtherLength(bool, u8),
    Padded(bool),
    Digit(bool),
    Report(bool),
    Wait(u16),
    Order(bool, Order),
}

#[derive(Clone, Debug)]
enum Order {
    Idle,
    Bridge,
    Echo,
    Press,
    Record,
    Stop,
    /// Another offer: codec, length of packets, whether the peer listens, where.
    Change(bool, bool, bool, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let order = prop_oneof![
        1 => Just(Order::Idle),
        3 => Just(Order::Bridge),
        1 => Just(Order::Echo),
        1 => Just(Order::Press),
        1 => Just(Order::Record),
        1 => Just(Order::Stop),
        1 => (any::<bool>(), any::<bool>(), any::<bool>(), 1..4_u8)
            .prop_map(|(law, long, listens, host)| Order::Change(law, long, listens, host)),
    ];
    let leg = any::<bool>;
    prop_oneof![
        12 => (leg(), 1..20_u8).prop_map(|(leg, count)| Step::Talk(leg, count)),
        4 => (leg(), 0..40_000_u16).prop_map(|(leg, micros)| Step::Jitter(leg, micros)),
        2 => (leg(), prop_oneof![1..5_u16, 2_900..3_100_u16, Just(40_000)])
            .prop_map(|(leg, count)| Step::Lose(leg, count)),
        2 => (leg(), 0..130_u8).prop_map(|(leg, back)| Step::Again(leg, back)),
        1 => (leg(), prop_oneof![1..4_000_u32, 70_000..100_000_u32])
            .prop_map(|(leg, ticks)| Step::Pause(leg, ticks)),
        1 => leg().prop_map(Step::Marked),
        1 => leg().prop_map(Step::OtherSource),
        1 => leg().prop_map(Step::OtherAddress),
        1 => (leg(), prop_oneof![Just(0), Just(8), Just(72), Just(97)])
            .prop_map(|(leg, kind)| Step::OtherType(leg, kind)),
        1 => (leg(), any::<u8>()).prop_map(|(leg, length)| Step::OtherLength(leg, length)),
        1 => leg().prop_map(Step::Padded),
        1 => leg().prop_map(Step::Digit),
        1 => leg().prop_map(Step::Report),
        2 => prop_oneof![0..100_u16, 4_900..5_200_u16, 9_000..11_000_u16].prop_map(Step::Wait),
        2 => (leg(), order).prop_map(|(leg, order)| Step::Order(leg, order)),
    ]
}

/// A telephone, as far as its packets go.
struct Voice {
    address: SocketAddr,
    ssrc: u32,
    number: u16,
    timestamp: u32,
    kind: u8,
}

impl Voice {
    fn new(host: u8) -> Self {
        Self { address: address(host), ssrc: host.into(), number: 65_500, timestamp: 7, kind: 8 }
    }

    fn next(&mut self) {
        self.number = self.number.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
    }

    fn packet(&self, kind: u8, marker: bool, length: usize) -> Vec<u8> {
        let kind = PayloadType::new(kind).unwrap();
        let header = Header::new(kind, self.number, self.timestamp, Ssrc(self.ssrc));
        let mut packet = vec![self.number as u8; 12 + length];
        Header { marker, ..header }.write(&mut packet).unwrap();
        packet
    }
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 4_000))
}

fn stream(mu_law: bool, long: bool, send: bool, host: u8) -> Stream {
    let codec = |kind, payload_type| Codec {
        kind,
        send_payload_type: payload_type,
        receive_payload_type: payload_type,
        clock_rate: 8_000,
    };
    let mut codecs = vec![
        codec(CodecKind::Pcma, 8),
        codec(CodecKind::Pcmu, 0),
        codec(CodecKind::Other("iLBC".into()), 97),
        // A number that none should take: with the marker it looks like RTCP.
        codec(CodecKind::Other("GSM".into()), 72),
    ];
    if mu_law {
        codecs.remove(0);
    }
    Stream {
        rtcp_mux: true,
        codecs,
        ptime_ms: if long { 30 } else { 20 },
        send,
        silence: Some(Duration::from_secs(3)),
        ..crate::bench::stream(&[], address(host))
    }
}

/// A machine, with all that has come out of it.
struct Bench {
    machine: Machine,
    pool: PacketPool,
    long_way: bool,
    came_out: Vec<String>,
}

impl Bench {
    fn new(long_way: bool) -> Self {
        let pool = PacketPool::new(PoolConfig { slots: 512, ..PoolConfig::default() }).unwrap();
        let machine = Machine::new(pool.clone(), [3; 32]);
        Self { machine, pool, long_way, came_out: Vec::new() }
    }

    fn receive(&mut self, now: Duration, port: PortId, from: SocketAddr, bytes: &[u8]) {
        if self.long_way {
            let mut junk = self.pool.take().unwrap();
            junk.extend_from_slice(&[0; 3]).unwrap();
            self.machine.handle_packet(now, port, address(9), junk);
        }
        let mut packet = self.pool.take().unwrap();
        packet.extend_from_slice(bytes).unwrap();
        self.machine.handle_packet(now, port, from, packet);
        self.collect(now);
    }

    fn command(&mut self, now: Duration, command: Command) {
        self.machine.handle_command(now, command);
        self.collect(now);
    }

    fn run_until(&mut self, until: Duration) {
        while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= until) {
            self.machine.handle_timeout(at);
            self.collect(at);
        }
    }

    fn collect(&mut self, now: Duration) {
        while let Some(transmit) = self.machine.poll_transmit() {
            let (port, to, packet) = (transmit.port, transmit.destination, transmit.packet);
            self.came_out.push(format!("{now:?} {port:?} {to} {:?}", &packet[..]));
        }
        while let Some(event) = self.machine.poll_event() {
            self.came_out.push(format!("{now:?} {event:?}"));
        }
        while let Some(block) = self.machine.poll_block() {
            self.came_out.push(format!("{now:?} {block:?}"));
        }
    }
}

/// Plays a scene to a machine and returns what came out of it.
fn play(steps: &[Step], long_way: bool) -> Vec<String> {
    let mut bench = Bench::new(long_way);
    let mut now = Duration::from_millis(10);
    let mut voices = [Voice::new(1), Voice::new(2)];
    for (port, host) in PORTS.into_iter().zip(1..) {
        let stream = stream(false, false, true, host);
        bench.command(now, Command::Open { port, stream });
    }
    bench.command(now, Command::Bridge { a: PORTS[0], b: PORTS[1] });
    for step in steps {
        let leg = match step {
            Step::Talk(leg, _) | Step::Jitter(leg, _) | Step::Lose(leg, _) => *leg,
            Step::Again(leg, _) | Step::Pause(leg, _) | Step::Marked(leg) => *leg,
            Step::OtherSource(leg) | Step::OtherAddress(leg) | Step::OtherType(leg, _) => *leg,
            Step::OtherLength(leg, _) | Step::Padded(leg) | Step::Digit(leg) => *leg,
            Step::Report(leg) | Step::Order(leg, _) => *leg,
            Step::Wait(_) => false,
        };
        let (port, voice) = (PORTS[usize::from(leg)], &mut voices[usize::from(leg)]);
        let from = voice.address;
        let mut say = |now: Duration, from: SocketAddr, packet: &[u8]| {
            bench.run_until(now);
            bench.receive(now, port, from, packet);
        };
        match step {
            Step::Talk(_, count) => {
                for _ in 0..*count {
                    voice.next();
                    now += FRAME;
                    say(now, from, &voice.packet(voice.kind, false, 160));
                }
            }
            Step::Jitter(_, micros) => {
                voice.next();
                now += Duration::from_micros((*micros).into());
                say(now, from, &voice.packet(voice.kind, false, 160));
            }
            Step::Lose(_, count) => {
                voice.number = voice.number.wrapping_add(*count);
                voice.timestamp = voice.timestamp.wrapping_add(160 * u32::from(*count));
            }
            Step::Again(_, back) => {
                let old = Voice {
                    number: voice.number.wrapping_sub((*back).into()),
                    timestamp: voice.timestamp.wrapping_sub(160 * u32::from(*back)),
                    ..Voice { address: from, ..*voice }
                };
                say(now, from, &old.packet(voice.kind, false, 160));
            }
            Step::Pause(_, ticks) => voice.timestamp = voice.timestamp.wrapping_add(*ticks),
            Step::Marked(_) => {
                voice.next();
                now += FRAME;
                say(now, from, &voice.packet(voice.kind, true, 160));
            }
            Step::OtherSource(_) => voice.ssrc += 10,
            Step::OtherAddress(_) => {
                voice.next();
                now += FRAME;
                say(now, address(7), &voice.packet(voice.kind, false, 160));
            }
            Step::OtherType(_, kind) => voice.kind = *kind,
            Step::OtherLength(_, length) => {
                voice.next();
                now += FRAME;
                say(now, from, &voice.packet(voice.kind, false, usize::from(*length) * 4));
            }
            Step::Padded(_) => {
                voice.next();
                now += FRAME;
                let mut packet = voice.packet(voice.kind, false, 164);
                packet[0] |= 0x20;
                packet[175] = 4;
                say(now, from, &packet);
            }
            Step::Digit(_) => {
                for (duration, end) in [(160_u16, 0), (320, 0), (480, 0x80), (480, 0x80)] {
                    voice.number = voice.number.wrapping_add(1);
                    now += FRAME;
                    let mut packet = voice.packet(101, duration == 160, 4);
                    packet[12..14].copy_from_slice(&[5, end | 10]);
                    packet[14..].copy_from_slice(&duration.to_be_bytes());
                    say(now, from, &packet);
                }
                voice.timestamp = voice.timestamp.wrapping_add(640);
            }
            Step::Report(_) => {
                let mut report = vec![0x80, 201, 0, 1];
                report.extend(voice.ssrc.to_be_bytes());
                say(now, from, &report);
            }
            Step::Wait(millis) => now += Duration::from_millis((*millis).into()),
            Step::Order(_, order) => {
                let command = match order {
                    Order::Idle => Command::Idle { port },
                    Order::Bridge => Command::Bridge { a: PORTS[0], b: PORTS[1] },
                    Order::Echo => Command::Echo { port },
                    Order::Press => {
                        Command::SendDigit { port, digit: '5', duration: Duration::from_millis(90) }
                    }
                    Order::Record => Command::Record {
                        port,
                        recording: RecordingId(u64::from(leg)),
                        sides: if leg { RecordedSides::Both } else { RecordedSides::Heard },
                    },
                    Order::Stop => {
                        Command::StopRecording { recording: RecordingId(u64::from(leg)) }
                    }
                    Order::Change(law, long, listens, host) => {
                        let stream = stream(*law, *long, *listens, *host);
                        Command::Open { port, stream }
                    }
                };
                bench.run_until(now);
                bench.command(now, command);
            }
        }
    }
    bench.run_until(now + Duration::from_secs(8));
    for port in PORTS {
        bench.command(now + Duration::from_secs(8), Command::Close { port });
    }
    bench.came_out
}

fn assert_alike(steps: &[Step]) {
    let (short, long) = (play(steps, false), play(steps, true));
    for (at, (short, long)) in short.iter().zip(&long).enumerate() {
        assert_eq!(short, long, "line {at}");
    }
    assert_eq!(short.len(), long.len());
}

#[test]
fn what_looks_like_rtcp_with_the_marker_is_none() {
    let others = [Step::Talk(true, 5), Step::Talk(false, 5)];
    let like_rtcp = [Step::OtherType(false, 72), Step::Talk(false, 5), Step::Marked(false)];
    assert_alike(&[others.as_slice(), &like_rtcp, &[Step::Talk(false, 5)]].concat());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn both_ways_are_alike(steps in prop::collection::vec(step(), 1..60)) {
        assert_alike(&steps);
    }
}
