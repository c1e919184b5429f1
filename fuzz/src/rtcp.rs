use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rtp_core::rtcp::{Compound, CompoundWriter, Packet, Sdes, SdesItem};
use rtp_core::session::{MAX_REPORT_LEN, SessionConfig};
use rtp_core::{Session, Ssrc};

use crate::records::records;

/// A compound from a stranger, and a script of them, see `src/records.rs`, to a session.
///
/// What is strict is a part of what is reduced; errors point into the datagram; what is read is written in a form
/// that reads as the same. A session bounds what it keeps of other sources, and reports what can be read.
pub fn rtcp(data: &[u8]) {
    compound(data);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut session = Session::new(SessionConfig::new("x"), Duration::ZERO, &mut random).unwrap();
    let mut report = [0; MAX_REPORT_LEN];
    let mut now = Duration::ZERO;
    for record in records(data) {
        compound(record.bytes);
        now += record.after;
        let taken = session.handle_rtcp(now, record.bytes);
        assert_eq!(taken.is_ok(), Compound::parse(record.bytes).is_ok());
        session.handle_timeout(now, &mut random);
        if record.from & 0x80 != 0 {
            session.leave(now, Some("away"), &mut random);
        }
        if let Some(length) = session.poll_transmit(now, &mut report).unwrap() {
            let sent = report.get(..length).unwrap();
            assert!(Compound::parse(sent).is_ok(), "{}", sent.escape_ascii());
        }
        assert!(session.sources().count() <= 8);
        assert!(session.last_report().is_none_or(|report| report.block.ssrc == session.ssrc()));
    }
    assert!(std::iter::from_fn(|| session.poll_event()).count() <= 16);
}

fn compound(data: &[u8]) {
    let (strict, reduced) = (Compound::parse(data), Compound::parse_reduced_size(data));
    for error in [strict.as_ref().err(), reduced.as_ref().err()].into_iter().flatten() {
        assert!(error.offset <= data.len(), "{error}");
    }
    if let Ok(strict) = strict {
        assert_eq!(reduced, Ok(strict), "strict is a part of reduced");
    }
    let Ok(compound) = reduced else { return };
    assert_eq!(compound.as_bytes(), data);
    let count = compound.packets().count();
    assert!(count >= 1 && count <= data.len() / 4);
    for packet in compound.packets() {
        let mut written = vec![0; data.len()];
        let mut writer = CompoundWriter::reduced_size(&mut written);
        if !write(&mut writer, &packet) {
            continue;
        }
        let length = writer.finish();
        let again = Compound::parse_reduced_size(&written[..length]).unwrap();
        let mut packets = again.packets();
        let (again, None) = (packets.next().unwrap(), packets.next()) else {
            panic!("{packet:?} became several");
        };
        match (&packet, &again) {
            // Octets between chunks and behind a reason mean nothing.
            (Packet::Sdes(one), Packet::Sdes(other)) => assert_eq!(chunks(one), chunks(other)),
            (Packet::Bye(one), Packet::Bye(other)) => {
                assert!(one.sources().eq(other.sources()));
                assert_eq!(one.reason(), other.reason());
            }
            (one, other) => assert_eq!(one, other),
        }
    }
}

/// Writes a packet again. `false` for a report that a profile has extended, which is only ever read.
fn write(writer: &mut CompoundWriter<'_>, packet: &Packet<'_>) -> bool {
    let written = match packet {
        Packet::SenderReport(report) => {
            assert!(report.blocks.len() <= 31);
            writer.sender_report(report.ssrc, report.info, report.blocks.clone())
        }
        Packet::ReceiverReport(report) => {
            assert!(report.blocks.len() <= 31);
            writer.receiver_report(report.ssrc, report.blocks.clone())
        }
        Packet::Sdes(sdes) => {
            let chunks = chunks(sdes);
            let borrowed: Vec<(Ssrc, &[SdesItem<'_>])> =
                chunks.iter().map(|(ssrc, items)| (*ssrc, &items[..])).collect();
            writer.sdes(&borrowed)
        }
        Packet::Bye(bye) => {
            let sources: Vec<Ssrc> = bye.sources().collect();
            writer.bye(&sources, bye.reason())
        }
        Packet::App(app) => writer.app(app),
        Packet::Unknown(unknown) => writer.raw(unknown.packet_type, unknown.count, unknown.body),
        other => panic!("a packet of a new kind: {other:?}"),
    };
    assert_eq!(written, Ok(()));
    match packet {
        Packet::SenderReport(report) => report.extension.is_empty(),
        Packet::ReceiverReport(report) => report.extension.is_empty(),
        _ => true,
    }
}

fn chunks<'a>(sdes: &Sdes<'a>) -> Vec<(Ssrc, Vec<SdesItem<'a>>)> {
    sdes.chunks().map(|chunk| (chunk.ssrc, chunk.items().collect())).collect()
}
