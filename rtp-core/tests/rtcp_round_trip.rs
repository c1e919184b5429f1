//! Compound packets that are written are read back.

use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::ntp::NtpShort;
use rtp_core::rtcp::{App, Compound, CompoundWriter, Packet, ReportBlock, SdesItem, SenderInfo};
use rtp_core::{NtpTime, Ssrc};

/// SSRC and items, each of a kind and a value.
type Chunk = (u32, Vec<(u8, Vec<u8>)>);

/// One packet of a compound, owned.
#[derive(Debug, Clone)]
enum Part {
    SenderReport(u32, SenderInfo, Vec<ReportBlock>),
    ReceiverReport(u32, Vec<ReportBlock>),
    Sdes(Vec<Chunk>),
    Bye(Vec<u32>, Option<Vec<u8>>),
    App(u8, u32, [u8; 4], Vec<[u8; 4]>),
    Raw(u8, u8, Vec<[u8; 4]>),
}

fn block() -> impl Strategy<Value = ReportBlock> {
    (any::<(u32, u8, u32, u32, u32, u32)>(), -0x80_0000..=0x7f_ffff).prop_map(
        |((ssrc, fraction_lost, highest_sequence, jitter, lsr, dlsr), cumulative_lost)| {
            ReportBlock {
                ssrc: Ssrc(ssrc),
                fraction_lost,
                cumulative_lost,
                highest_sequence,
                jitter,
                last_sr: NtpShort(lsr),
                delay_since_last_sr: NtpShort(dlsr),
            }
        },
    )
}

fn report() -> impl Strategy<Value = Part> {
    let info = any::<(u64, u32, u32, u32)>().prop_map(
        |(ntp, rtp_timestamp, packet_count, octet_count)| SenderInfo {
            ntp_time: NtpTime(ntp),
            rtp_timestamp,
            packet_count,
            octet_count,
        },
    );
    prop_oneof![
        (any::<u32>(), info, vec(block(), 0..=31))
            .prop_map(|(ssrc, info, blocks)| Part::SenderReport(ssrc, info, blocks)),
        (any::<u32>(), vec(block(), 0..=31))
            .prop_map(|(ssrc, blocks)| Part::ReceiverReport(ssrc, blocks)),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    let item = (1u8.., vec(any::<u8>(), 0..=255));
    prop_oneof![
        report(),
        vec((any::<u32>(), vec(item, 0..4)), 0..5).prop_map(Part::Sdes),
        (vec(any::<u32>(), 0..=31), proptest::option::of(vec(any::<u8>(), 0..=255)))
            .prop_map(|(sources, reason)| Part::Bye(sources, reason)),
        (0u8..32, any::<u32>(), any::<[u8; 4]>(), vec(any::<[u8; 4]>(), 0..20))
            .prop_map(|(subtype, ssrc, name, data)| Part::App(subtype, ssrc, name, data)),
        (208u8..=223, 0u8..32, vec(any::<[u8; 4]>(), 0..20))
            .prop_map(|(packet_type, count, body)| Part::Raw(packet_type, count, body)),
    ]
}

fn write(writer: &mut CompoundWriter<'_>, part: &Part) {
    match part {
        Part::SenderReport(ssrc, info, blocks) => {
            writer.sender_report(Ssrc(*ssrc), *info, blocks.iter().copied())
        }
        Part::ReceiverReport(ssrc, blocks) => {
            writer.receiver_report(Ssrc(*ssrc), blocks.iter().copied())
        }
        Part::Sdes(chunks) => {
            let items: Vec<(Ssrc, Vec<SdesItem<'_>>)> = chunks
                .iter()
                .map(|(ssrc, items)| {
                    let items = items.iter().map(|(kind, value)| SdesItem { kind: *kind, value });
                    (Ssrc(*ssrc), items.collect())
                })
                .collect();
            let chunks: Vec<_> = items.iter().map(|(ssrc, items)| (*ssrc, &items[..])).collect();
            writer.sdes(&chunks)
        }
        Part::Bye(sources, reason) => {
            let sources: Vec<Ssrc> = sources.iter().copied().map(Ssrc).collect();
            writer.bye(&sources, reason.as_deref())
        }
        Part::App(subtype, ssrc, name, data) => {
            let data = data.concat();
            writer.app(&App { subtype: *subtype, ssrc: Ssrc(*ssrc), name: *name, data: &data })
        }
        Part::Raw(packet_type, count, body) => writer.raw(*packet_type, *count, &body.concat()),
    }
    .expect("the buffer is long enough");
}

fn check(packet: &Packet<'_>, part: &Part) {
    match (packet, part) {
        (Packet::SenderReport(report), Part::SenderReport(ssrc, info, blocks)) => {
            assert_eq!((report.ssrc, report.info), (Ssrc(*ssrc), *info));
            assert!(report.blocks.clone().eq(blocks.iter().copied()));
            assert!(report.extension.is_empty());
        }
        (Packet::ReceiverReport(report), Part::ReceiverReport(ssrc, blocks)) => {
            assert_eq!(report.ssrc, Ssrc(*ssrc));
            assert!(report.blocks.clone().eq(blocks.iter().copied()));
        }
        (Packet::Sdes(sdes), Part::Sdes(chunks)) => {
            let read: Vec<_> = sdes
                .chunks()
                .map(|chunk| {
                    let items = chunk.items().map(|item| (item.kind, item.value.to_vec()));
                    (chunk.ssrc.0, items.collect::<Vec<_>>())
                })
                .collect();
            assert_eq!(&read, chunks);
        }
        (Packet::Bye(bye), Part::Bye(sources, reason)) => {
            assert!(bye.sources().eq(sources.iter().copied().map(Ssrc)));
            assert_eq!(bye.reason(), reason.as_deref());
        }
        (Packet::App(app), Part::App(subtype, ssrc, name, data)) => {
            assert_eq!((app.subtype, app.ssrc, app.name), (*subtype, Ssrc(*ssrc), *name));
            assert_eq!(app.data, data.concat());
        }
        (Packet::Unknown(unknown), Part::Raw(packet_type, count, body)) => {
            assert_eq!((unknown.packet_type, unknown.count), (*packet_type, *count));
            assert_eq!(unknown.body, body.concat());
        }
        _ => panic!("{packet:?} is not {part:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn compounds_survive(first in report(), rest in vec(part(), 0..6)) {
        let mut buf = vec![0xa5; 40_000];
        let mut writer = CompoundWriter::new(&mut buf);
        write(&mut writer, &first);
        for part in &rest {
            write(&mut writer, part);
        }
        let len = writer.finish();
        let compound = Compound::parse(&buf[..len]).unwrap();
        let packets: Vec<_> = compound.packets().collect();
        prop_assert_eq!(packets.len(), 1 + rest.len());
        for (packet, part) in packets.iter().zip(std::iter::once(&first).chain(&rest)) {
            check(packet, part);
        }
        // Cut anywhere, it is refused or the cut falls between two packets.
        for cut in (0..len).step_by(7) {
            if let Ok(shorter) = Compound::parse(&buf[..cut]) {
                prop_assert!(shorter.packets().count() <= packets.len());
            }
        }
    }
}
