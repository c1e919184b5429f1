//! Arbitrary octets from the network: no panic, no loop, no growth.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{ms, rng};
use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::demux::classify;
use rtp_core::latch::{Latch, LatchConfig, Policy, Signalled};
use rtp_core::rtcp::xr::Block;
use rtp_core::rtcp::{self, Compound, CompoundWriter, RelayedStream};
use rtp_core::session::{MAX_REPORT_LEN, SessionConfig};
use rtp_core::telephone_event::{EventReceiver, EventReport};
use rtp_core::{Packet, PacketMut, Session};

/// Octets that look enough like RTP or RTCP to get past the first checks.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let rtp = (0x80u8..=0xbf, any::<u8>(), vec(any::<u8>(), 0..100));
    let rtcp = (0x80u8..=0xbf, 198u8..=208, 0u16..20, vec(any::<u8>(), 0..100));
    prop_oneof![
        vec(any::<u8>(), 0..200),
        rtp.prop_map(|(first, second, rest)| [vec![first, second], rest].concat()),
        rtcp.prop_map(|(first, second, len, rest)| {
            [vec![first, second], len.to_be_bytes().to_vec(), rest].concat()
        }),
    ]
}

fn read_everything(bytes: &[u8]) {
    let _ = classify(bytes);
    if let Ok(packet) = Packet::parse(bytes) {
        assert_eq!(
            packet.header_len() + packet.payload().len() + packet.padding_len(),
            bytes.len()
        );
        assert!(packet.csrcs().count() <= 15);
        let elements = packet.extension().map_or(0, |extension| extension.elements().count());
        assert!(elements <= bytes.len());
        let _ = EventReport::parse(packet.payload()).map(Iterator::count);
    }
    for compound in [Compound::parse(bytes), Compound::parse_reduced_size(bytes)] {
        let Ok(compound) = compound else { continue };
        let packets = compound.packets();
        assert!(packets.clone().count() <= bytes.len() / 4);
        for packet in packets {
            match packet {
                rtcp::Packet::SenderReport(report) => assert!(report.blocks.count() <= 31),
                rtcp::Packet::ReceiverReport(report) => assert!(report.blocks.count() <= 31),
                rtcp::Packet::Sdes(sdes) => {
                    assert!(sdes.chunks().map(|chunk| chunk.items().count()).sum::<usize>() < 200);
                }
                rtcp::Packet::Bye(bye) => assert!(bye.sources().count() <= 31),
                rtcp::Packet::ExtendedReport(report) => {
                    for block in report.blocks() {
                        match block {
                            Block::LossRle(runs) | Block::DuplicateRle(runs) => {
                                assert!(runs.iter().count() <= 65_535);
                            }
                            Block::ReceiptTimes(times) => {
                                assert!(times.iter().count() <= times.times.len());
                            }
                            _ => {}
                        }
                    }
                }
                rtcp::Packet::Feedback(feedback) => {
                    let relayed = RelayedStream {
                        sender: feedback.media,
                        incoming: feedback.sender,
                        outgoing: feedback.media,
                        sequence_offset: 9,
                    };
                    let mut buf = vec![0; bytes.len()];
                    let mut writer = CompoundWriter::reduced_size(&mut buf);
                    feedback.translate(&relayed, &mut writer).expect("no longer than it was");
                }
                _ => {}
            }
        }
    }
    let mut copy = bytes.to_vec();
    if let Ok(mut packet) = PacketMut::parse(&mut copy) {
        packet.set_sequence_number(1);
        packet.payload_mut().fill(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn parsers_never_panic(bytes in plausible()) {
        read_everything(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn machines_never_panic(
        seed: u64,
        policy in 0usize..4,
        input in vec((plausible(), 0u64..100_000, any::<bool>(), any::<u16>()), 0..200),
    ) {
        let mut rng = rng(seed);
        let mut now = Duration::ZERO;
        let mut session = Session::new(SessionConfig::new("x"), now, &mut rng).unwrap();
        let mut events = EventReceiver::new(Default::default());
        let policies =
            [Policy::SignalledOnly, Policy::Symmetric, Policy::AnyPort, Policy::AnyHost];
        let config = LatchConfig { policy: policies[policy], ..Default::default() };
        let signalled: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        let mut latch = Latch::new(config, Signalled::at(signalled));
        let mut buf = [0; MAX_REPORT_LEN];
        for (bytes, step, relay, port) in &input {
            now += ms(*step);
            let from = SocketAddr::new(signalled.ip(), *port);
            if let Ok(packet) = Packet::parse(bytes) {
                let _ = latch.handle_rtp(now, from, &packet);
                let _ = session.handle_rtp(now, &packet);
                let _ = events.handle_packet(now, &packet);
                if *relay {
                    let _ = session.sender_mut().relay(now, &packet, packet.payload_type(), 1);
                } else {
                    session.sender_mut().withhold(&packet);
                }
            }
            let _ = session.handle_rtcp(now, bytes);
            session.handle_timeout(now, &mut rng);
            events.handle_timeout(now);
            if let Some(len) = session.poll_transmit(now, &mut buf).unwrap() {
                prop_assert!(Compound::parse(&buf[..len]).is_ok());
            }
        }
        prop_assert!(session.sources().count() <= 8);
        prop_assert!(std::iter::from_fn(|| session.poll_event()).count() <= 16);
        prop_assert!(std::iter::from_fn(|| events.poll_event()).count() <= 32);
    }
}
