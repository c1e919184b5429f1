//! RTP and SRTP beside other crates, a packet of 20 ms of G.711: 12 octets of header, 160 of payload.
//!
//! Everything is measured in one run, in turns, and the least of many turns counts: on a machine that does
//! other things as well the least is what the code costs and the rest is what the others cost.

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use rtp_core::srtp::{MasterKey, Policy, Protector, SrtpConfig, Unprotector};
use rtp_core::{Header, Packet, PayloadType, Ssrc};
use webrtc_util::marshal::{Marshal, Unmarshal};

/// Turns taken by each contender.
const TURNS: usize = 400;
/// Packets a turn.
const PACKETS: usize = 500;
const LEN: usize = 172;
const SSRC: u32 = 0x1234_5678;

/// One contender: a name, and what it does with the packets of a turn.
struct Contender<'a, T: ?Sized> {
    name: &'static str,
    run: Box<dyn FnMut(&T) + 'a>,
    least: f64,
}

fn contender<'a, T: ?Sized>(name: &'static str, run: impl FnMut(&T) + 'a) -> Contender<'a, T> {
    Contender { name, run: Box::new(run), least: f64::MAX }
}

/// Lets all contenders work on the packets of each turn. The first is ours; each line says how ours compares.
fn measure(
    title: &str,
    mut packets: impl FnMut() -> Vec<Vec<u8>>,
    mut contenders: Vec<Contender<'_, [Vec<u8>]>>,
) {
    let mut goes_first = 0;
    for _ in 0..TURNS {
        let packets = packets();
        let count = contenders.len();
        for offset in 0..count {
            let contender = &mut contenders[(goes_first + offset) % count];
            let start = Instant::now();
            (contender.run)(&packets);
            let nanoseconds = start.elapsed().as_nanos() as f64 / packets.len() as f64;
            contender.least = contender.least.min(nanoseconds);
        }
        goes_first += 1;
    }
    let ours = contenders[0].least;
    let fastest = contenders[1..].iter().map(|other| other.least).fold(f64::MAX, f64::min);
    println!("\n### {title}\n\n| | rtp-core takes, of its time |\n|---|---|");
    for other in &contenders[1..] {
        println!("| {} | {:.2} |", other.name, ours / other.least);
    }
    println!("| **the fastest of them** | **{:.2}** |", ours / fastest);
    eprintln!(
        "{title}: {}",
        contenders
            .iter()
            .map(|c| format!("{} {:.1} ns", c.name, c.least))
            .collect::<Vec<_>>()
            .join(", ")
    );
}

/// Packets whose numbers go on from turn to turn.
fn plain() -> impl FnMut() -> Vec<Vec<u8>> {
    let mut number = 0u16;
    move || {
        (0..PACKETS)
            .map(|_| {
                let mut packet = vec![0xd5; LEN];
                let timestamp = 160 * u32::from(number);
                Header::new(PayloadType::PCMA, number, timestamp, Ssrc(SSRC))
                    .write(&mut packet)
                    .expect("there is room");
                number = number.wrapping_add(1);
                packet
            })
            .collect()
    }
}

fn parse() {
    let contenders: Vec<Contender<'_, [Vec<u8>]>> = vec![
        contender("rtp-core", |packets: &[Vec<u8>]| {
            for bytes in packets {
                let packet = Packet::parse(black_box(bytes)).expect("RTP");
                black_box((
                    packet.marker(),
                    packet.payload_type(),
                    packet.sequence_number(),
                    packet.timestamp(),
                    packet.ssrc(),
                    packet.payload(),
                ));
            }
        }),
        contender("rtp-types", |packets: &[Vec<u8>]| {
            for bytes in packets {
                let packet = rtp_types::RtpPacket::parse(black_box(bytes)).expect("RTP");
                black_box((
                    packet.marker_bit(),
                    packet.payload_type(),
                    packet.sequence_number(),
                    packet.timestamp(),
                    packet.ssrc(),
                    packet.payload(),
                ));
            }
        }),
        contender("rtp-rs", |packets: &[Vec<u8>]| {
            for bytes in packets {
                let packet = rtp_rs::RtpReader::new(black_box(bytes)).expect("RTP");
                black_box((
                    packet.mark(),
                    packet.payload_type(),
                    packet.sequence_number(),
                    packet.timestamp(),
                    packet.ssrc(),
                    packet.payload(),
                ));
            }
        }),
        contender("webrtc rtp", |packets: &[Vec<u8>]| {
            for bytes in packets {
                // Its header owns what it reads; the payload is copied out of a slice.
                let mut bytes = black_box(&bytes[..]);
                let packet = webrtc_rtp::packet::Packet::unmarshal(&mut bytes).expect("RTP");
                let header = &packet.header;
                black_box((
                    header.marker,
                    header.payload_type,
                    header.sequence_number,
                    header.timestamp,
                    header.ssrc,
                    &packet.payload,
                ));
            }
        }),
    ];
    measure("parse, and read every field", plain(), contenders);
}

/// Payload type, number, timestamp and SSRC that the compiler does not know.
fn fields(number: u16) -> (u8, u16, u32, u32) {
    black_box((8, number, 160 * u32::from(number), SSRC))
}

fn write() {
    let payload = [0xd5; 160];
    let payload = &payload[..];
    let shared = Bytes::copy_from_slice(payload);
    let contenders: Vec<Contender<'_, [Vec<u8>]>> = vec![
        contender("rtp-core", move |packets: &[Vec<u8>]| {
            let mut buf = [0; LEN];
            for number in 0..packets.len() as u16 {
                let (payload_type, number, timestamp, ssrc) = fields(number);
                let header = Header::new(
                    PayloadType::from_octet(payload_type),
                    number,
                    timestamp,
                    Ssrc(ssrc),
                );
                let len = header.write_packet(black_box(payload), 0, &mut buf).expect("room");
                black_box(&buf[..len]);
            }
        }),
        contender("rtp-types", move |packets: &[Vec<u8>]| {
            let mut buf = [0; LEN];
            for number in 0..packets.len() as u16 {
                let (payload_type, number, timestamp, ssrc) = fields(number);
                let len = rtp_types::RtpPacketBuilder::new()
                    .payload_type(payload_type)
                    .sequence_number(number)
                    .timestamp(timestamp)
                    .ssrc(ssrc)
                    .payload(black_box(payload))
                    .write_into(&mut buf)
                    .expect("room");
                black_box(&buf[..len]);
            }
        }),
        contender("rtp-rs", move |packets: &[Vec<u8>]| {
            let mut buf = [0; LEN];
            for number in 0..packets.len() as u16 {
                let (payload_type, number, timestamp, ssrc) = fields(number);
                let len = rtp_rs::RtpPacketBuilder::new()
                    .payload_type(payload_type)
                    .sequence(number.into())
                    .timestamp(timestamp)
                    .ssrc(ssrc)
                    .payload(black_box(payload))
                    .build_into(&mut buf)
                    .expect("room");
                black_box(&buf[..len]);
            }
        }),
        contender("webrtc rtp", move |packets: &[Vec<u8>]| {
            let mut buf = [0; LEN];
            for number in 0..packets.len() as u16 {
                let (payload_type, number, timestamp, ssrc) = fields(number);
                let packet = webrtc_rtp::packet::Packet {
                    header: webrtc_rtp::header::Header {
                        version: 2,
                        payload_type,
                        sequence_number: number,
                        timestamp,
                        ssrc,
                        ..Default::default()
                    },
                    payload: shared.clone(),
                };
                let len = packet.marshal_to(&mut buf).expect("room");
                black_box(&buf[..len]);
            }
        }),
    ];
    measure("write header and payload", plain(), contenders);
}

/// The same keys for everybody.
struct Keys {
    policy: Policy,
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl Keys {
    fn new(policy: Policy) -> Keys {
        Keys { policy, key: vec![7; policy.key_len()], salt: vec![9; policy.salt_len()] }
    }

    fn master(&self) -> MasterKey {
        MasterKey::new(self.policy, &self.key, &self.salt).expect("lengths that fit")
    }

    fn protector(&self) -> Protector {
        Protector::new(self.master(), SrtpConfig::default()).expect("a key that fits")
    }

    fn unprotector(&self) -> Unprotector {
        Unprotector::new([self.master()], SrtpConfig::default()).expect("a key that fits")
    }

    fn webrtc(&self) -> webrtc_srtp::context::Context {
        use webrtc_srtp::protection_profile::ProtectionProfile;
        let profile = match self.policy {
            Policy::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Policy::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
            Policy::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Policy::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
            other => panic!("webrtc-srtp has no {other}"),
        };
        webrtc_srtp::context::Context::new(&self.key, &self.salt, profile, None, None)
            .expect("keys")
    }

    fn rtc(&self) -> rtc_srtp::context::Context {
        use rtc_srtp::protection_profile::ProtectionProfile;
        let profile = match self.policy {
            Policy::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Policy::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
            Policy::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Policy::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
            other => panic!("not compared with {other}"),
        };
        let provider = rtc_crypto::default_provider().expect("ring");
        rtc_srtp::context::Context::new(
            &self.key,
            &self.salt,
            profile,
            None,
            None,
            provider.crypto(),
        )
        .expect("keys")
    }
}

fn protect(policy: Policy) {
    let keys = Keys::new(policy);
    let (mut ours, mut webrtc, mut rtc) = (keys.protector(), keys.webrtc(), keys.rtc());
    let contenders: Vec<Contender<'_, [Vec<u8>]>> = vec![
        contender("rtp-core", move |packets: &[Vec<u8>]| {
            let mut buf = [0; LEN + 16];
            for packet in packets {
                // In place: the copy is part of it, since the others write somewhere else.
                buf[..LEN].copy_from_slice(black_box(packet));
                let len = ours.protect_rtp(&mut buf, LEN).expect("a fresh number");
                black_box(&buf[..len]);
            }
        }),
        contender("webrtc-srtp", move |packets: &[Vec<u8>]| {
            for packet in packets {
                black_box(webrtc.encrypt_rtp(black_box(packet)).expect("protected"));
            }
        }),
        contender("rtc-srtp", move |packets: &[Vec<u8>]| {
            for packet in packets {
                black_box(rtc.encrypt_rtp(black_box(packet)).expect("protected"));
            }
        }),
    ];
    measure(&format!("{policy}, protect"), plain(), contenders);
}

fn unprotect(policy: Policy) {
    let keys = Keys::new(policy);
    let (mut ours, mut webrtc, mut rtc) = (keys.unprotector(), keys.webrtc(), keys.rtc());
    let mut peer = keys.protector();
    let mut plain = plain();
    let wires = move || {
        let mut packets = plain();
        for packet in &mut packets {
            packet.resize(LEN + peer.rtp_overhead(), 0);
            peer.protect_rtp(packet, LEN).expect("a fresh number");
        }
        packets
    };
    let contenders: Vec<Contender<'_, [Vec<u8>]>> = vec![
        contender("rtp-core", move |packets: &[Vec<u8>]| {
            let mut buf = [0; LEN + 16];
            for packet in packets {
                let wire = &mut buf[..packet.len()];
                wire.copy_from_slice(black_box(packet));
                let len = ours.unprotect_rtp(wire).expect("authentic");
                black_box(&buf[..len]);
            }
        }),
        contender("webrtc-srtp", move |packets: &[Vec<u8>]| {
            for packet in packets {
                black_box(webrtc.decrypt_rtp(black_box(packet)).expect("authentic"));
            }
        }),
        contender("rtc-srtp", move |packets: &[Vec<u8>]| {
            for packet in packets {
                black_box(rtc.decrypt_rtp(black_box(packet)).expect("authentic"));
            }
        }),
    ];
    measure(&format!("{policy}, unprotect"), wires, contenders);
}

fn main() {
    parse();
    write();
    for policy in [
        Policy::AesCm128HmacSha1_80,
        Policy::AesCm128HmacSha1_32,
        Policy::AeadAes128Gcm,
        Policy::AeadAes256Gcm,
    ] {
        protect(policy);
        unprotect(policy);
    }
}
