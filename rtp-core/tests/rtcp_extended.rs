//! Extended reports and feedback that are written are read back, and reach the session.

mod common;

use common::{audio, ms, rng};
use proptest::collection::vec;
use proptest::prelude::*;

use rtp_core::rtcp::xr::{
    Block, DlrrBlocks, HopCount, ReceiptTimes, RunLength, StatisticsSummary, UnknownBlock,
    VoipMetrics, encode_runs,
};
use rtp_core::rtcp::{Compound, CompoundWriter, Feedback, FeedbackLayer, Nack, Packet as Rtcp};
use rtp_core::session::{Event, MAX_REPORT_LEN, SessionConfig};
use rtp_core::{NtpTime, Packet, Session, Ssrc};

type Summary = (Option<u32>, Option<u32>, Option<[u32; 4]>, Option<(bool, [u8; 4])>);

/// One of each kind of block, owned.
#[derive(Debug, Clone)]
struct Parts {
    chunks: Vec<[u8; 2]>,
    times: Vec<[u8; 4]>,
    answers: Vec<[u8; 12]>,
    range: (u32, u16, u16, u8),
    time: u64,
    summary: Summary,
    voip: [u8; 4],
    unknown: (u8, u8, Vec<[u8; 4]>),
}

fn parts() -> impl Strategy<Value = Parts> {
    (
        vec(any::<[u8; 2]>(), 0..20),
        vec(any::<[u8; 4]>(), 0..20),
        vec(any::<[u8; 12]>(), 0..5),
        (any::<u32>(), any::<u16>(), any::<u16>(), 0u8..16),
        any::<u64>(),
        any::<Summary>(),
        any::<[u8; 4]>(),
        (8u8.., any::<u8>(), vec(any::<[u8; 4]>(), 0..5)),
    )
        .prop_map(|(mut chunks, times, answers, range, time, summary, voip, unknown)| {
            // An odd number gets a null chunk behind it, which is read as one more.
            if chunks.len() % 2 == 1 {
                chunks.pop();
            }
            Parts { chunks, times, answers, range, time, summary, voip, unknown }
        })
}

fn blocks(parts: &Parts) -> Vec<Block<'_>> {
    let (ssrc, begin, end, thinning) = parts.range;
    let ssrc = Ssrc(ssrc);
    let runs = RunLength { ssrc, begin, end, thinning, chunks: &parts.chunks };
    let (lost, duplicates, jitter, hops) = parts.summary;
    let [loss_rate, discard_rate, burst_density, mos_lq] = parts.voip;
    vec![
        Block::LossRle(runs),
        Block::DuplicateRle(runs),
        Block::ReceiptTimes(ReceiptTimes { ssrc, begin, end, thinning, times: &parts.times }),
        Block::ReferenceTime(NtpTime(parts.time)),
        Block::Dlrr(DlrrBlocks::new(&parts.answers)),
        Block::Summary(StatisticsSummary {
            ssrc,
            begin,
            end,
            lost,
            duplicates,
            jitter,
            hops: hops.map(
                |(ipv4, hops)| if ipv4 { HopCount::Ttl(hops) } else { HopCount::HopLimit(hops) },
            ),
        }),
        Block::VoipMetrics(VoipMetrics {
            loss_rate,
            discard_rate,
            burst_density,
            mos_lq,
            ..VoipMetrics::unknown(ssrc)
        }),
        Block::Unknown(UnknownBlock {
            block_type: parts.unknown.0,
            specific: parts.unknown.1,
            data: parts.unknown.2.as_flattened(),
        }),
    ]
}

proptest! {
    #[test]
    fn every_block_comes_back(parts in parts()) {
        let blocks = blocks(&parts);
        let mut buf = [0; 1_500];
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        writer.extended_report(Ssrc(5), &blocks).unwrap();
        let len = writer.finish();
        let compound = Compound::parse(&buf[..len]);
        prop_assert!(compound.is_err(), "XR is no report to begin with");
        let compound = Compound::parse_reduced_size(&buf[..len]).unwrap();
        let Some(Rtcp::ExtendedReport(report)) = compound.packets().next() else {
            panic!("no XR");
        };
        prop_assert_eq!(report.ssrc, Ssrc(5));
        prop_assert_eq!(report.blocks().collect::<Vec<_>>(), blocks);
    }

    #[test]
    fn any_bits_survive_run_length_coding(begin: u16, bits in vec(any::<bool>(), 0..2_000)) {
        let mut chunks = [[0; 2]; 200];
        let count = encode_runs(bits.iter().copied(), &mut chunks).unwrap();
        let end = begin.wrapping_add(bits.len() as u16);
        let runs = RunLength { ssrc: Ssrc(1), begin, end, thinning: 0, chunks: &chunks[..count] };
        let mut buf = [0; 600];
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        writer.extended_report(Ssrc(5), &[Block::LossRle(runs)]).unwrap();
        let len = writer.finish();
        let compound = Compound::parse_reduced_size(&buf[..len]).unwrap();
        let Some(Rtcp::ExtendedReport(report)) = compound.packets().next() else { panic!() };
        let Some(Block::LossRle(read)) = report.blocks().next() else { panic!() };
        prop_assert!(read.iter().map(|(_, bit)| bit).eq(bits));
    }

    #[test]
    fn any_feedback_comes_back(
        transport: bool,
        format in 0u8..32,
        sender: u32,
        media: u32,
        fci in vec(any::<[u8; 4]>(), 1..20),
    ) {
        let layer = if transport { FeedbackLayer::Transport } else { FeedbackLayer::Payload };
        let (sender, media) = (Ssrc(sender), Ssrc(media));
        let feedback = Feedback { layer, format, sender, media, fci: fci.as_flattened() };
        let mut buf = [0; 200];
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        writer.feedback(&feedback).unwrap();
        let len = writer.finish();
        let compound = Compound::parse_reduced_size(&buf[..len]).unwrap();
        prop_assert_eq!(compound.packets().next(), Some(Rtcp::Feedback(feedback)));
        let _ = feedback.message();
    }
}

#[test]
fn metrics_travel_with_reports() {
    let mut random = rng(1);
    let mut ours = Session::new(SessionConfig::new("x"), ms(0), &mut random).unwrap();
    let mut theirs = Session::new(SessionConfig::new("y"), ms(0), &mut random).unwrap();
    for number in 0..100u16 {
        let bytes = audio(theirs.ssrc().0, number, 160 * u32::from(number));
        if number % 10 != 9 {
            ours.handle_rtp(ms(20 * u64::from(number)), &Packet::parse(&bytes).unwrap());
        }
    }
    let figures = ours.figures(theirs.ssrc()).unwrap();
    let metrics = VoipMetrics::unknown(theirs.ssrc()).with_figures(&figures, ms(20));
    assert_eq!(metrics.loss_rate, (9 * 256 / 98) as u8);
    ours.set_voip_metrics(Some(metrics));
    let mut buf = [0; MAX_REPORT_LEN];
    let due = loop {
        let due = ours.poll_timeout().unwrap();
        ours.handle_timeout(due, &mut random);
        if let Some(len) = ours.poll_transmit(due, &mut buf).unwrap() {
            theirs.handle_rtcp(due, &buf[..len]).unwrap();
            break due;
        }
    };
    let events: Vec<Event> = std::iter::from_fn(|| theirs.poll_event()).collect();
    assert!(
        events.contains(&Event::VoipMetrics { reporter: ours.ssrc(), metrics }),
        "{due:?} {events:?}"
    );
    // Metrics about somebody else are no event.
    let mut third = Session::new(SessionConfig::new("z"), ms(0), &mut random).unwrap();
    third.handle_rtcp(due, &buf).unwrap_err();
    let len = 4 * (1 + usize::from(u16::from_be_bytes([buf[2], buf[3]])));
    third.handle_rtcp(due, &buf[..len]).unwrap();
    assert!(
        std::iter::from_fn(|| third.poll_event())
            .all(|event| !matches!(event, Event::VoipMetrics { .. }))
    );
}

#[test]
fn a_listeners_wish_reaches_the_relayed_sender_in_its_own_terms() {
    let mut random = rng(1);
    let mut leg = Session::new(SessionConfig::new("x"), ms(0), &mut random).unwrap();
    // The sender's packets 1000 to 1009, of which 1004 is lost behind us.
    let mut sent = Vec::new();
    for number in 1_000..1_010u16 {
        let bytes = audio(77, number, 160 * u32::from(number));
        let packet = Packet::parse(&bytes).unwrap();
        let now = ms(20 * u64::from(number));
        sent.push(leg.sender_mut().relay(now, &packet, packet.payload_type(), 160).unwrap());
    }
    let relayed = leg.sender().relayed(Ssrc(5)).unwrap();
    let entries = [Nack { first: sent[4].sequence_number, following: 0 }.to_bytes()];
    let wish = Feedback::nack(Ssrc(9), leg.ssrc(), &entries);
    let mut buf = [0; 100];
    let mut writer = CompoundWriter::reduced_size(&mut buf);
    assert_eq!(wish.translate(&relayed, &mut writer), Ok(true));
    let len = writer.finish();
    let expected = [Nack { first: 1_004, following: 0 }.to_bytes()];
    assert_eq!(
        Compound::parse_reduced_size(&buf[..len]).unwrap().packets().next(),
        Some(Rtcp::Feedback(Feedback::nack(Ssrc(5), Ssrc(77), &expected)))
    );
}
