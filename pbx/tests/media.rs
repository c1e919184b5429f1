//! The media machine as two telephones see it: packets in, packets out, in virtual time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::media::{
    Audio, Codec, CodecKind, Command, Event, EventPayload, Machine, PortId, RecordedSides,
    RecordingId, Stream,
};
use rtp_core::dtmf::{Digit, Generator, GeneratorConfig};
use rtp_core::telephone_event::{EventCode, EventReport};
use rtp_core::{Header, Packet, PayloadType, Ssrc};

const A: PortId = PortId(1);
const B: PortId = PortId(2);
const FRAME: Duration = Duration::from_millis(20);

fn address(n: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], port))
}

fn stream(kinds: &[CodecKind], remote: SocketAddr) -> Stream {
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

struct Sent {
    at: Duration,
    port: PortId,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Sent {
    fn packet(&self) -> Packet<'_> {
        Packet::parse(&self.bytes).unwrap()
    }
}

/// The machine with its outputs collected.
struct Bench {
    machine: Machine,
    pool: PacketPool,
    now: Duration,
    sent: Vec<Sent>,
    events: VecDeque<Event>,
    recorded: Vec<i16>,
}

impl Bench {
    fn new() -> Self {
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
    fn bridged(a: Stream, b: Stream) -> Self {
        let mut bench = Self::new();
        bench.command(Command::Open { port: A, stream: a });
        bench.command(Command::Open { port: B, stream: b });
        bench.command(Command::Bridge { a: A, b: B });
        bench
    }

    fn command(&mut self, command: Command) {
        self.machine.handle_command(self.now, command);
        self.collect();
    }

    fn receive(&mut self, port: PortId, from: SocketAddr, bytes: &[u8]) {
        let mut packet = self.pool.take().unwrap();
        packet.extend_from_slice(bytes).unwrap();
        self.machine.handle_packet(self.now, port, from, packet);
        self.collect();
    }

    fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(at) = self.machine.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
            self.collect();
        }
        self.now = until;
    }

    fn collect(&mut self) {
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

    fn to(&self, to: SocketAddr) -> Vec<Packet<'_>> {
        self.sent.iter().filter(|sent| sent.to == to).map(Sent::packet).collect()
    }
}

/// A telephone's sending half.
struct Phone {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
}

impl Phone {
    fn new(ssrc: u32, payload_type: u8) -> Self {
        Self { ssrc, sequence: 65_530, timestamp: 4_294_960_000, payload_type }
    }

    fn speak(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 12 + octets.len()];
        self.header(self.payload_type, false).write_packet(octets, 0, &mut bytes).unwrap();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(octets.len() as u32);
        bytes
    }

    fn header(&self, payload_type: u8, marker: bool) -> Header<'static> {
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
    fn press(&mut self, digit: char) -> Vec<Vec<u8>> {
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

#[test]
fn a_bridge_relays_both_ways_with_numbers_of_its_own() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), stream(&[CodecKind::Pcma], b));
    let (mut alice, mut bob) = (Phone::new(1, 8), Phone::new(2, 8));
    for n in 0..20u8 {
        bench.receive(A, a, &alice.speak(&[n; 160]));
        bench.receive(B, b, &bob.speak(&[100 + n; 160]));
        bench.run_for(FRAME);
    }
    let heard = bench.to(b);
    assert_eq!(heard.len(), 20);
    assert!(heard[0].marker() && heard[1..].iter().all(|packet| !packet.marker()));
    for (n, pair) in heard.windows(2).enumerate() {
        assert_eq!(pair[0].payload(), [n as u8; 160]);
        assert_eq!(pair[1].sequence_number(), pair[0].sequence_number().wrapping_add(1));
        assert_eq!(pair[1].timestamp(), pair[0].timestamp().wrapping_add(160));
        assert_eq!(pair[1].ssrc(), pair[0].ssrc());
    }
    assert_ne!(heard[0].ssrc(), Ssrc(1), "each leg has an SSRC of ours");
    assert_eq!(bench.to(a).len(), 20);
    assert!(bench.sent.iter().all(|sent| sent.port == if sent.to == b { B } else { A }));
}

#[test]
fn laws_are_transcoded_and_payload_types_mapped() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 8);
    let octets: Vec<u8> = (0..160).collect();
    bench.receive(A, a, &alice.speak(&octets));
    let mut expected = octets.clone();
    codec_g711::transcode::alaw_to_ulaw_in_place(&mut expected);
    let heard = bench.to(b);
    assert_eq!(heard[0].payload_type(), PayloadType::PCMU);
    assert_eq!(heard[0].payload(), expected);
}

#[test]
fn packets_of_another_length_are_cut_anew() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let wants_30 = Stream { ptime_ms: 30, ..stream(&[CodecKind::Pcmu], b) };
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), wants_30);
    let mut alice = Phone::new(1, 8);
    let voice: Vec<u8> = (0..12 * 160).map(|n| (n / 7) as u8).collect();
    for octets in voice.chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    let heard = bench.to(b);
    assert_eq!(heard.len(), 8);
    let mut expected = voice.clone();
    codec_g711::transcode::alaw_to_ulaw_in_place(&mut expected);
    let octets: Vec<u8> = heard.iter().flat_map(|packet| packet.payload().to_vec()).collect();
    assert_eq!(octets, expected);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].timestamp().wrapping_sub(pair[0].timestamp()), 240);
        assert_eq!(pair[1].sequence_number(), pair[0].sequence_number().wrapping_add(1));
    }
}

#[test]
fn a_codec_that_we_cannot_decode_passes_between_legs_that_share_it() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let opus = [CodecKind::Other("opus".into())];
    let mut bench = Bench::bridged(stream(&opus, a), stream(&opus, b));
    let mut alice = Phone::new(1, 97);
    bench.receive(A, a, &alice.speak(&[1, 2, 3]));
    assert_eq!(bench.to(b)[0].payload(), [1, 2, 3]);
}

#[test]
fn loss_and_order_of_the_first_hop_are_kept_for_the_listener_to_see() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 0);
    let packets: Vec<_> = (0..10u8).map(|n| alice.speak(&[n; 160])).collect();
    for n in [0, 1, 2, 4, 3, 5, 5, 8, 9] {
        bench.receive(A, a, &packets[n]);
    }
    let heard = bench.to(b);
    let first = heard[0].sequence_number();
    let order: Vec<_> = heard.iter().map(|p| p.sequence_number().wrapping_sub(first)).collect();
    assert_eq!(order, [0, 1, 2, 4, 3, 5, 8, 9], "the gap stays, the duplicate goes");
}

#[test]
fn the_listener_hears_one_stream_when_its_source_changes() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcmu], a) });
    let audio = Audio { samples: vec![1_000; 1_600].into(), repeat: false };
    bench.command(Command::Play { port: A, audio, token: 9 });
    bench.run_for(Duration::from_millis(400));
    assert!(matches!(bench.events.pop_front(), Some(Event::Played { port: A, token: 9 })));
    assert_eq!(bench.to(a).len(), 10);

    bench.command(Command::Open { port: B, stream: stream(&[CodecKind::Pcmu], b) });
    bench.command(Command::Bridge { a: A, b: B });
    let mut bob = Phone::new(2, 0);
    for _ in 0..5 {
        bench.receive(B, b, &bob.speak(&[9; 160]));
        bench.run_for(FRAME);
    }
    let heard = bench.to(a);
    assert_eq!(heard.len(), 15);
    assert!(heard.windows(2).all(|pair| {
        pair[0].ssrc() == pair[1].ssrc()
            && pair[1].sequence_number() == pair[0].sequence_number().wrapping_add(1)
            && pair[1].timestamp().wrapping_sub(pair[0].timestamp()) < 8_000
    }));
    assert!(heard[10].marker(), "the new source begins with the marker");
    let gap = heard[10].timestamp().wrapping_sub(heard[9].timestamp());
    let silent = bench.sent[10].at - bench.sent[9].at;
    assert_eq!(u128::from(gap), silent.as_millis() * 8, "and at the time that has passed");
}

/// Speech-like octets: a low tone, in A-law.
fn voice(frames: usize) -> Vec<u8> {
    let samples: Vec<i16> = (0..frames * 160)
        .map(|n| (f64::sin(n as f64 * std::f64::consts::TAU / 53.0) * 6_000.0) as i16)
        .collect();
    let mut octets = vec![0; samples.len()];
    codec_g711::alaw::encode(&samples, &mut octets);
    octets
}

fn decoded(packets: &[Packet<'_>]) -> Vec<i16> {
    let octets: Vec<u8> = packets.iter().flat_map(|packet| packet.payload().to_vec()).collect();
    let mut samples = vec![0; octets.len()];
    codec_g711::alaw::decode(&octets, &mut samples);
    samples
}

fn echo(peer: SocketAddr, kind: CodecKind) -> Bench {
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[kind], peer) });
    bench.command(Command::Echo { port: A });
    bench
}

#[test]
fn echo_returns_what_was_said() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Pcma);
    let mut alice = Phone::new(1, 8);
    let said = voice(50);
    for octets in said.chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    bench.run_for(Duration::from_secs(2));
    let heard = bench.to(a);
    assert!((50..90).contains(&heard.len()), "and not for ever: {}", heard.len());
    let octets: Vec<u8> = heard.iter().flat_map(|packet| packet.payload().to_vec()).collect();
    let middle = &said[20 * 160..30 * 160];
    assert!(octets.windows(middle.len()).any(|part| part == middle), "octet for octet");
    assert_ne!(heard[0].ssrc(), Ssrc(1));
}

#[test]
fn echo_comes_at_an_even_pace_and_without_gaps_from_a_bad_network() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Pcma);
    let mut alice = Phone::new(1, 8);
    for (n, octets) in voice(300).chunks(160).enumerate() {
        let packet = alice.speak(octets);
        // Up to 15 ms late, and every twentieth packet lost.
        let late = Duration::from_millis(n as u64 * 7 % 16);
        bench.run_for(late);
        if n % 20 != 19 {
            bench.receive(A, a, &packet);
        }
        bench.run_for(FRAME - late);
    }
    let sent: Vec<_> = bench.sent.iter().map(|sent| sent.at).collect();
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] == FRAME), "an even pace");
    let heard = bench.to(a);
    assert!(heard.len() > 280, "{}", heard.len());
    assert!(heard.windows(2).all(|pair| {
        pair[1].sequence_number() == pair[0].sequence_number().wrapping_add(1)
            && pair[1].timestamp().wrapping_sub(pair[0].timestamp()) == 160
    }));
    let samples = decoded(&heard);
    let loud = |frame: &[i16]| frame.iter().any(|sample| sample.abs() > 3_000);
    let settled = samples.get(20 * 160..).unwrap();
    assert!(settled.chunks_exact(160).all(loud), "what was lost is made up");
    let step = settled.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap();
    assert!(step < 1_600, "nothing clicks: {step}");
}

#[test]
fn a_codec_that_we_cannot_decode_is_echoed_as_it_came() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Other("opus".into()));
    let mut alice = Phone::new(1, 97);
    bench.receive(A, a, &alice.speak(&[1, 2, 3]));
    assert_eq!(bench.to(a)[0].payload(), [1, 2, 3]);
}

#[test]
fn a_key_during_the_echo_leaves_no_gap_behind() {
    let a = address(1, 4000);
    let mut bench = echo(a, CodecKind::Pcma);
    let mut alice = Phone::new(1, 8);
    for octets in voice(20).chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    for packet in alice.press('5') {
        bench.receive(A, a, &packet);
        bench.run_for(FRAME);
    }
    for octets in voice(20).chunks(160) {
        bench.receive(A, a, &alice.speak(octets));
        bench.run_for(FRAME);
    }
    let heard = bench.to(a);
    assert!(heard.len() >= 40, "{}", heard.len());
    assert!(heard.iter().all(|packet| packet.payload_type().value() == 8), "the key is for us");
    let steps = heard
        .windows(2)
        .map(|pair| pair[1].sequence_number().wrapping_sub(pair[0].sequence_number()));
    assert!(steps.into_iter().all(|step| step == 1), "the peer would count the key as loss");
}

/// The tones of a key, as A-law octets of 20 ms packets.
fn tones(digit: char) -> Vec<u8> {
    let mut generator = Generator::new(GeneratorConfig::default());
    generator.press(Digit::from_char(digit).unwrap(), Duration::from_millis(100)).unwrap();
    let mut samples = vec![0; 10 * 160];
    generator.fill(&mut samples);
    let mut octets = vec![0; samples.len()];
    codec_g711::alaw::encode(&samples, &mut octets);
    octets
}

#[test]
fn digits_in_the_sound_are_heard_where_events_were_not_agreed() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    let without = Stream { events: None, ..stream(&[CodecKind::Pcma], a) };
    bench.command(Command::Open { port: A, stream: without });
    let audio = Audio { samples: vec![500; 800].into(), repeat: true };
    bench.command(Command::Play { port: A, audio, token: 1 });
    let mut alice = Phone::new(1, 8);
    let spoken: Vec<u8> = [voice(25), tones('7'), tones('#'), voice(25)].concat();
    for (n, octets) in spoken.chunks(160).enumerate() {
        let packet = alice.speak(octets);
        let late = Duration::from_millis(n as u64 * 5 % 12);
        bench.run_for(late);
        bench.receive(A, a, &packet);
        bench.run_for(FRAME - late);
    }
    let digits: Vec<char> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Digit { port: A, digit, .. } => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(digits, ['7', '#']);
}

#[test]
fn a_relay_listens_to_nothing() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let deaf = |peer| Stream { events: None, ..stream(&[CodecKind::Pcma], peer) };
    let mut bench = Bench::bridged(deaf(a), deaf(b));
    let free = bench.pool.stats().free;
    let mut alice = Phone::new(1, 8);
    for octets in [voice(5), tones('7'), voice(5)].concat().chunks(160) {
        let at = bench.now;
        bench.receive(A, a, &alice.speak(octets));
        assert_eq!(bench.sent.last().map(|sent| sent.at), Some(at), "not a moment later");
        assert_eq!(bench.pool.stats().free, free, "and nothing is kept");
        bench.run_for(FRAME);
    }
    assert!(bench.events.is_empty());
}

#[test]
fn a_third_address_never_takes_over_a_settled_stream() {
    let (a, b, mallory) = (address(1, 4000), address(2, 4002), address(66, 6666));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let (mut alice, mut bob) = (Phone::new(1, 0), Phone::new(2, 0));
    let mut thief = Phone::new(1, 0);
    for n in 0..200u8 {
        if n < 100 {
            bench.receive(A, a, &alice.speak(&[1; 160]));
        }
        bench.receive(A, mallory, &thief.speak(&[66; 160]));
        bench.receive(B, b, &bob.speak(&[2; 160]));
        bench.run_for(FRAME);
    }
    assert!(
        bench.sent.iter().all(|sent| sent.to != mallory),
        "not one octet for the third address"
    );
    assert!(bench.to(b).iter().all(|packet| packet.payload() == [1; 160]), "and none from it");
    assert_eq!(bench.to(a).len(), 200);
    bench.command(Command::Close { port: A });
    let Some(Event::Closed { statistics, .. }) = bench.events.pop_back() else { panic!() };
    assert_eq!(statistics.packets_refused, 200);
}

#[test]
fn digits_are_reported_once_and_passed_on() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 0);
    for _ in 0..3 {
        bench.receive(A, a, &alice.speak(&[1; 160]));
    }
    for packet in alice.press('5') {
        bench.receive(A, a, &packet);
    }
    bench.receive(A, a, &alice.speak(&[1; 160]));
    assert_eq!(bench.events.len(), 1);
    assert!(matches!(
        bench.events[0],
        Event::Digit { port: A, digit: '5', duration } if duration == Duration::from_millis(100)
    ));
    let heard = bench.to(b);
    assert_eq!(heard.iter().filter(|p| p.payload_type().value() == 101).count(), 7);
    assert!(
        heard
            .windows(2)
            .all(|pair| { pair[1].sequence_number() == pair[0].sequence_number().wrapping_add(1) })
    );
}

#[test]
fn digits_become_tones_for_a_peer_without_telephone_events() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let deaf = Stream { events: None, ..stream(&[CodecKind::Pcmu], b) };
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), deaf);
    let mut alice = Phone::new(1, 0);
    for _ in 0..3 {
        bench.receive(A, a, &alice.speak(&[0xff; 160]));
        bench.run_for(FRAME);
    }
    for packet in alice.press('5') {
        bench.receive(A, a, &packet);
    }
    bench.run_for(Duration::from_millis(300));
    let heard = bench.to(b);
    assert_eq!(heard.len(), 3 + 5, "100 ms of tone");
    assert!(heard.iter().all(|packet| packet.payload_type() == PayloadType::PCMU));
    let mut samples = vec![0i16; 800];
    for (packet, out) in heard[3..].iter().zip(samples.chunks_mut(160)) {
        codec_g711::ulaw::decode(packet.payload(), out);
    }
    let power = |hertz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = std::f64::consts::TAU * hertz * n as f64 / 8_000.0;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        f64::hypot(re, im)
    };
    assert!(power(770.0) > 20.0 * power(697.0), "row of 5");
    assert!(power(1_336.0) > 20.0 * power(1_209.0), "column of 5");
}

#[test]
fn digits_that_we_send_are_events_beside_the_audio() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcmu], a) });
    for digit in ['1', '#'] {
        let duration = Duration::from_millis(100);
        bench.command(Command::SendDigit { port: A, digit, duration });
    }
    bench.run_for(Duration::from_secs(1));
    let reports: Vec<_> = bench
        .to(a)
        .iter()
        .flat_map(|packet| EventReport::parse(packet.payload()).unwrap().collect::<Vec<_>>())
        .collect();
    let digits: Vec<_> = reports.iter().filter_map(|report| report.code.digit()).collect();
    assert_eq!(digits, ['1'; 7].into_iter().chain(['#'; 7]).collect::<Vec<_>>());
}

#[test]
fn silence_is_told_once_until_the_peer_speaks_again() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    let limit = Duration::from_secs(10);
    let stream = Stream { silence: Some(limit), ..stream(&[CodecKind::Pcmu], a) };
    bench.command(Command::Open { port: A, stream: stream.clone() });
    let mut alice = Phone::new(1, 0);
    for _ in 0..100 {
        bench.receive(A, a, &alice.speak(&[1; 160]));
        bench.run_for(FRAME);
    }
    assert!(bench.events.is_empty());
    bench.run_for(Duration::from_secs(60));
    assert!(matches!(bench.events.make_contiguous(), [Event::Silence { port: A, .. }]));
    // On hold the peer need not speak.
    bench.events.clear();
    bench.command(Command::Open { port: A, stream: Stream { receive: false, ..stream } });
    bench.run_for(Duration::from_secs(60));
    assert!(bench.events.is_empty());
}

#[test]
fn a_recording_holds_what_both_sides_heard() {
    let a = address(1, 4000);
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcma], a) });
    let (recording, sides) = (RecordingId(3), RecordedSides::Both);
    bench.command(Command::Record { port: A, recording, sides });
    let audio = Audio { samples: vec![2_000; 8_000].into(), repeat: false };
    bench.command(Command::Play { port: A, audio, token: 1 });
    let mut alice = Phone::new(1, 8);
    let mut octets = [0; 160];
    codec_g711::alaw::encode(&[-3_000; 160], &mut octets);
    for _ in 0..50 {
        bench.receive(A, a, &alice.speak(&octets));
        bench.run_for(FRAME);
    }
    bench.command(Command::StopRecording { recording });
    let ended = bench.events.iter().find_map(|event| match event {
        Event::Recorded { recording: RecordingId(3), samples } => Some(*samples),
        _ => None,
    });
    // What was heard last may reach a frame beyond the end.
    assert!(ended.is_some_and(|samples| (8_000..=8_160).contains(&samples)), "{ended:?}");
    assert_eq!(Some(bench.recorded.len() as u64), ended.map(|samples| 2 * samples));
    let near = |sample: i16, wanted: i16| (sample - wanted).abs() < 100;
    let middle = &bench.recorded[4_000..12_000];
    assert!(middle.chunks(2).all(|pair| near(pair[0], -3_000) && near(pair[1], 2_000)));
}

#[test]
fn a_recorded_relay_is_not_delayed_and_what_it_loses_is_made_up() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcma], a), stream(&[CodecKind::Pcma], b));
    let (recording, sides) = (RecordingId(1), RecordedSides::Both);
    bench.command(Command::Record { port: A, recording, sides });
    let (mut alice, mut bob) = (Phone::new(1, 8), Phone::new(2, 8));
    for (n, octets) in voice(150).chunks(160).enumerate() {
        let (from_alice, from_bob) = (alice.speak(octets), bob.speak(octets));
        if n % 10 != 9 {
            let before = bench.sent.len();
            bench.receive(A, a, &from_alice);
            bench.receive(B, b, &from_bob);
            assert_eq!(bench.sent.len(), before + 2, "relayed at once");
        }
        bench.run_for(FRAME);
    }
    bench.command(Command::StopRecording { recording });
    let loud = |side: usize| {
        let middle = &bench.recorded[2 * 8_000..2 * 20_000];
        let samples: Vec<i16> = middle.chunks(2).map(|pair| pair[side]).collect();
        samples.chunks(160).all(|frame| frame.iter().any(|sample| sample.abs() > 3_000))
    };
    assert!(loud(0), "the peer");
    assert!(loud(1), "what it is sent");
    bench.command(Command::Close { port: A });
    assert_eq!(bench.pool.stats().free, bench.pool.stats().slots);
}

#[test]
fn what_was_said_before_the_answer_was_understood_is_heard() {
    let (a, b, mallory) = (address(1, 4000), address(2, 4002), address(66, 6666));
    let mut bench = Bench::new();
    bench.command(Command::Open { port: A, stream: stream(&[CodecKind::Pcmu], a) });
    let (mut bob, mut thief) = (Phone::new(2, 0), Phone::new(3, 0));
    for n in 0..2u8 {
        bench.receive(B, mallory, &thief.speak(&[66; 160]));
        bench.receive(B, b, &bob.speak(&[n; 160]));
    }
    bench.run_for(Duration::from_millis(5));
    bench.command(Command::Open { port: B, stream: stream(&[CodecKind::Pcmu], b) });
    bench.command(Command::Bridge { a: A, b: B });
    bench.receive(B, b, &bob.speak(&[2; 160]));
    let heard: Vec<_> = bench.to(a).iter().map(|packet| packet.payload()[0]).collect();
    assert_eq!(heard, [0, 1, 2], "in order, and nothing of anybody else");
}

#[test]
fn strangers_at_unused_ports_keep_few_buffers_and_those_not_for_long() {
    let mut bench = Bench::new();
    let mut thief = Phone::new(3, 0);
    for _ in 0..1_000 {
        bench.receive(B, address(66, 6666), &thief.speak(&[66; 160]));
    }
    let stats = bench.pool.stats();
    assert!(stats.slots - stats.free <= 64, "{stats:?}");
    bench.run_for(Duration::from_secs(1));
    assert_eq!(bench.pool.stats().free, stats.slots);
    assert_eq!(bench.machine.counters().unexpected, 1_000);
}

#[test]
fn nothing_is_left_when_streams_are_closed() {
    let (a, b) = (address(1, 4000), address(2, 4002));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let free = bench.pool.stats().free;
    bench.command(Command::Close { port: A });
    let mut bob = Phone::new(2, 0);
    bench.receive(B, b, &bob.speak(&[2; 160]));
    bench.command(Command::Close { port: B });
    bench.receive(B, b, &bob.speak(&[2; 160]));
    assert_eq!(bench.machine.streams(), 0);
    // It might be early for a stream to come.
    bench.run_for(Duration::from_secs(1));
    assert_eq!(bench.machine.poll_timeout(), None);
    assert_eq!(bench.machine.counters().unexpected, 1);
    assert_eq!(bench.pool.stats().free, free);
    assert!(bench.sent.is_empty());
}
