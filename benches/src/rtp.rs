//! RTP packets: reading, writing, and the numbers of a relay.
//!
//! One packet costs so little that each job does a hundred.

use std::hint::black_box;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rtp_core::session::Sender;
use rtp_core::{ClockRate, Header, Packet, PacketMut, PayloadType, Ssrc};

/// Packets a job works on.
pub const PACKETS: usize = 100;

/// Somebody who sends 20 ms of G.711 in a packet.
#[derive(Clone, Debug)]
pub struct Speaker {
    payload_type: PayloadType,
    ssrc: Ssrc,
    sequence_number: u16,
    timestamp: u32,
}

impl Speaker {
    /// A speaker whose numbers are about to wrap.
    pub fn new(payload_type: PayloadType, ssrc: u32) -> Self {
        let (sequence_number, timestamp) = (u16::MAX - 20, u32::MAX - 160 * 40);
        Self { payload_type, ssrc: Ssrc(ssrc), sequence_number, timestamp }
    }

    /// The next packet.
    pub fn speak(&mut self) -> Vec<u8> {
        let header =
            Header::new(self.payload_type, self.sequence_number, self.timestamp, self.ssrc);
        let mut packet = vec![0; 172];
        let octets: [u8; 160] = std::array::from_fn(|n| n as u8);
        header.write_packet(&octets, 0, &mut packet).expect("room for a packet");
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        packet
    }
}

/// What a speaker says in two seconds.
pub fn packets() -> Vec<Vec<u8>> {
    let mut speaker = Speaker::new(PayloadType::PCMA, 1);
    std::iter::repeat_with(|| speaker.speak()).take(PACKETS).collect()
}

/// A stream that was not sent yet.
pub fn sender() -> Sender {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    Sender::new(Ssrc(2), ClockRate::new(8_000).expect("a rate"), &mut random)
}

/// Reads packets with all their fields.
pub fn parse(packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for bytes in &packets {
        let packet = Packet::parse(black_box(bytes)).expect("a packet");
        black_box((
            packet.marker(),
            packet.payload_type(),
            packet.sequence_number(),
            packet.timestamp(),
            packet.ssrc(),
            packet.payload(),
        ));
    }
    packets
}

/// Writes headers before payloads that are in place.
pub fn write_header(mut packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for (number, bytes) in (0u16..).zip(&mut packets) {
        let timestamp = u32::from(number) * 160;
        let header = Header::new(PayloadType::PCMU, number, timestamp, Ssrc(2));
        black_box(black_box(&header).write(bytes).expect("room for a header"));
    }
    packets
}

/// Reads packets, numbers them anew as another stream, and rewrites their headers in place.
pub fn relay((mut sender, mut packets): (Sender, Vec<Vec<u8>>)) -> Vec<Vec<u8>> {
    for (number, bytes) in (0u32..).zip(&mut packets) {
        let now = Duration::from_millis(20) * number;
        let packet = Packet::parse(black_box(bytes)).expect("a packet");
        let header = sender.relay(now, &packet, PayloadType::PCMU, 160).expect("a new packet");
        let mut packet = PacketMut::parse(bytes).expect("a packet");
        packet.set_payload_type(header.payload_type);
        packet.set_marker(header.marker);
        packet.set_sequence_number(header.sequence_number);
        packet.set_timestamp(header.timestamp);
        packet.set_ssrc(header.ssrc);
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_numbers_anew_and_leaves_the_payload() {
        let sent = relay((sender(), packets()));
        assert_eq!(sent.len(), PACKETS);
        let read: Vec<_> = sent.iter().map(|bytes| Packet::parse(bytes).unwrap()).collect();
        for pair in read.windows(2) {
            let step = pair[1].sequence_number().wrapping_sub(pair[0].sequence_number());
            assert_eq!((step, pair[1].ssrc()), (1, Ssrc(2)));
            assert_eq!(pair[1].timestamp().wrapping_sub(pair[0].timestamp()), 160);
            assert_eq!(pair[0].payload(), pair[1].payload());
        }
        let written = write_header(packets());
        assert_eq!(Packet::parse(&written[99]).unwrap().sequence_number(), 99);
    }
}
