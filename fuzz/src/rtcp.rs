use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rtp_core::rtcp::xr::Block;
use rtp_core::rtcp::{
    Compound, CompoundWriter, Feedback, FeedbackMessage, Packet, RelayedStream, Sdes, SdesItem,
};
use rtp_core::session::{MAX_REPORT_LEN, SessionConfig};
use rtp_core::{Session, Ssrc};

use crate::records::records;
use crate::rtcp_xr;

/// A compound from a stranger, and a script of them, see `src/records.rs`, to a session.
///
/// What is strict is a part of what is reduced; errors point into the datagram; what is read is written in a form
/// that reads as the same; feedback is translated for a relay. A session bounds what it keeps of other sources, and reports what can be read.
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
            // Bits that are reserved, or belong to what was not measured.
            (Packet::ExtendedReport(one), Packet::ExtendedReport(other)) => {
                assert_eq!(one.ssrc, other.ssrc);
                assert!(one.blocks().eq(other.blocks()));
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
        Packet::Feedback(feedback) => {
            translate(feedback);
            writer.feedback(feedback)
        }
        Packet::ExtendedReport(report) => {
            let blocks: Vec<Block<'_>> = report.blocks().collect();
            let length = 8 + blocks.iter().map(octets).sum::<usize>();
            rtcp_xr::check(report, length);
            writer.extended_report(report.ssrc, &blocks)
        }
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

/// Octets of a block with its head.
fn octets(block: &Block<'_>) -> usize {
    4 + match block {
        Block::LossRle(runs) | Block::DuplicateRle(runs) => 8 + 2 * runs.chunks.len(),
        Block::ReceiptTimes(times) => 8 + 4 * times.times.len(),
        Block::ReferenceTime(_) => 8,
        Block::Dlrr(answers) => 12 * answers.iter().len(),
        Block::Summary(_) => 36,
        Block::VoipMetrics(_) => 32,
        Block::Unknown(unknown) => unknown.data.len(),
        other => panic!("a block of a new kind: {other:?}"),
    }
}

/// Feedback about a relayed stream: never longer than it was, in the name of the relay, and not about anybody else's.
fn translate(feedback: &Feedback<'_>) {
    let relayed = RelayedStream {
        sender: Ssrc(1),
        incoming: Ssrc(2),
        outgoing: feedback.media,
        sequence_offset: 60_000,
    };
    let mut buf = vec![0; 12 + feedback.fci.len()];
    let mut writer = CompoundWriter::reduced_size(&mut buf);
    let translated = feedback.translate(&relayed, &mut writer).expect("no longer than it was");
    let length = writer.finish();
    assert_eq!(translated, length > 0);
    if !translated {
        return;
    }
    let compound = Compound::parse_reduced_size(&buf[..length]).unwrap();
    let Some(Packet::Feedback(again)) = compound.packets().next() else {
        panic!("still feedback");
    };
    assert_eq!((again.layer, again.format), (feedback.layer, feedback.format));
    assert_eq!((again.sender, again.media), (Ssrc(1), Ssrc(2)));
    if let (FeedbackMessage::Nack(before), FeedbackMessage::Nack(after)) =
        (feedback.message(), again.message())
    {
        let shifted = before.flat_map(|nack| nack.numbers()).map(|n| n.wrapping_sub(60_000));
        assert!(shifted.eq(after.flat_map(|nack| nack.numbers())));
    }
}

fn chunks<'a>(sdes: &Sdes<'a>) -> Vec<(Ssrc, Vec<SdesItem<'a>>)> {
    sdes.chunks().map(|chunk| (chunk.ssrc, chunk.items().collect())).collect()
}
