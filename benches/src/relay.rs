//! A media machine that passes RTP packets from one leg to the other.

use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::{PacketBuf, PacketPool, PoolConfig};
use pbx::media::machine::Transmit;
use pbx::media::{
    Block, Codec, CodecKind, Command, Machine, PortId, RecordedSides, RecordingId, Stream,
};
use rtp_core::PayloadType;

use crate::rtp::Speaker;

const FRAME: Duration = Duration::from_millis(20);
const ALICE: PortId = PortId(1);
const BOB: PortId = PortId(2);

/// A packet that the driver has received.
#[derive(Debug)]
pub struct Arrival {
    now: Duration,
    packet: PacketBuf,
}

/// A frame of both sides.
pub type Frame = [Arrival; 2];

/// What comes of some frames: packets to send, and samples to write.
#[derive(Debug, Default)]
pub struct Recorded {
    transmits: Vec<Transmit>,
    blocks: Vec<Block>,
}

/// Two legs that hear each other, in the middle of their call.
pub struct Bridge {
    machine: Machine,
    pool: PacketPool,
    now: Duration,
    alice: Speaker,
    bob: Speaker,
}

impl Bridge {
    /// Alice speaks A-law; Bob wants to hear `kind` in packets of `ptime_ms` milliseconds.
    ///
    /// Both have spoken for a second, so that both streams are settled.
    pub fn new(kind: CodecKind, ptime_ms: u32) -> Self {
        let pool = PacketPool::new(PoolConfig::default()).expect("memory for packets");
        let mut machine = Machine::new(pool.clone(), [7; 32]);
        let bob = Speaker::new(payload_type(&kind), 2);
        let legs = [(ALICE, stream(CodecKind::Pcma, 20, 1)), (BOB, stream(kind, ptime_ms, 2))];
        for (port, stream) in legs {
            machine.handle_command(Duration::ZERO, Command::Open { port, stream });
        }
        machine.handle_command(Duration::ZERO, Command::Bridge { a: ALICE, b: BOB });
        let alice = Speaker::new(PayloadType::PCMA, 1);
        let mut bridge = Self { machine, pool, now: Duration::ZERO, alice, bob };
        for _ in 0..50 {
            let arrival = bridge.arrival();
            bridge.relay(arrival);
            let bytes = bridge.bob.speak();
            let packet = bridge.packet(&bytes);
            bridge.machine.handle_packet(bridge.now, BOB, address(2), packet);
            while bridge.machine.poll_transmit().is_some() {}
        }
        bridge
    }

    /// The same call, both of whose sides have been recorded for a second.
    pub fn recorded() -> Self {
        let mut bridge = Self::new(CodecKind::Pcma, 20);
        let (recording, sides) = (RecordingId(1), RecordedSides::Both);
        let record = Command::Record { port: ALICE, recording, sides };
        bridge.machine.handle_command(bridge.now, record);
        for _ in 0..5 {
            let frames = bridge.frames();
            bridge.record(frames);
        }
        bridge
    }

    /// The next ten frames, where a driver would have received them: as much as a block of samples holds.
    pub fn frames(&mut self) -> Vec<Frame> {
        let frame = |_| {
            let alice = self.arrival();
            let bytes = self.bob.speak();
            let packet = self.packet(&bytes);
            [alice, Arrival { now: self.now + FRAME / 4, packet }]
        };
        (0..10).map(frame).collect()
    }

    /// Takes frames, and lets time pass meanwhile.
    pub fn record(&mut self, frames: Vec<Frame>) -> Recorded {
        let mut recorded =
            Recorded { transmits: Vec::with_capacity(20), blocks: Vec::with_capacity(2) };
        for [alice, bob] in frames {
            for (port, host, Arrival { now, packet }) in [(ALICE, 1, alice), (BOB, 2, bob)] {
                self.machine.handle_packet(now, port, address(host), packet);
                let later = now + FRAME / 2;
                while self.machine.poll_timeout().is_some_and(|at| at <= later) {
                    self.machine.handle_timeout(later);
                }
                recorded.transmits.extend(self.machine.poll_transmit());
                recorded.blocks.extend(self.machine.poll_block());
            }
        }
        recorded
    }

    /// Alice's next packet, where a driver would have received it.
    pub fn arrival(&mut self) -> Arrival {
        self.now += FRAME;
        let packet = self.alice.speak();
        Arrival { now: self.now, packet: self.packet(&packet) }
    }

    /// Takes a packet and gives what is to be sent: none when the packet did not fill one for Bob and
    /// waits for the next, two when it held more than one.
    pub fn relay(&mut self, arrival: Arrival) -> [Option<Transmit>; 2] {
        self.machine.handle_packet(arrival.now, ALICE, address(1), arrival.packet);
        [self.machine.poll_transmit(), self.machine.poll_transmit()]
    }

    fn packet(&self, bytes: &[u8]) -> PacketBuf {
        let mut packet = self.pool.take().expect("a free packet");
        packet.extend_from_slice(bytes).expect("room for a packet");
        packet
    }
}

fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, n], 4_000))
}

fn payload_type(kind: &CodecKind) -> PayloadType {
    if *kind == CodecKind::Pcmu { PayloadType::PCMU } else { PayloadType::PCMA }
}

fn stream(kind: CodecKind, ptime_ms: u32, n: u8) -> Stream {
    let payload_type = payload_type(&kind).value();
    Stream {
        remote: Some(address(n)),
        rtcp_mux: false,
        sends_first: true,
        signalled_from: None,
        codecs: vec![Codec {
            kind,
            send_payload_type: payload_type,
            receive_payload_type: payload_type,
            clock_rate: 8_000,
        }],
        events: None,
        ptime_ms,
        send: true,
        receive: true,
        silence: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtp_core::Packet;

    fn heard(kind: CodecKind, ptime_ms: u32, count: usize) -> Vec<Vec<u8>> {
        let mut bridge = Bridge::new(kind, ptime_ms);
        let mut sent = Vec::new();
        for _ in 0..count {
            let arrival = bridge.arrival();
            let transmits = bridge.relay(arrival).into_iter().flatten();
            sent.extend(transmits.map(|transmit| transmit.packet.to_vec()));
        }
        sent
    }

    #[test]
    fn the_same_law_passes_as_it_is() {
        let packets = heard(CodecKind::Pcma, 20, 3);
        let octets: Vec<u8> = (0..160).collect();
        assert!(packets.iter().all(|bytes| Packet::parse(bytes).unwrap().payload() == octets));
        assert_eq!(packets.len(), 3);
    }

    #[test]
    fn both_sides_are_recorded() {
        let mut bridge = Bridge::recorded();
        let (mut sent, mut samples) = (0, 0);
        for _ in 0..10 {
            let frames = bridge.frames();
            let recorded = bridge.record(frames);
            sent += recorded.transmits.len();
            samples += recorded.blocks.iter().map(|block| block.samples.len()).sum::<usize>();
        }
        assert_eq!(sent, 200);
        assert!((28_000..36_000).contains(&samples), "{samples} of two seconds of two sides");
    }

    #[test]
    fn the_other_law_is_transcoded_and_another_length_cut() {
        let packets = heard(CodecKind::Pcmu, 20, 1);
        let mut octets: Vec<u8> = (0..160).collect();
        codec_g711::transcode::alaw_to_ulaw_in_place(&mut octets);
        assert_eq!(Packet::parse(&packets[0]).unwrap().payload(), octets);
        assert_eq!(heard(CodecKind::Pcmu, 30, 6).len(), 4);
        assert_eq!(heard(CodecKind::Pcmu, 10, 5_000).len(), 10_000);
    }
}
