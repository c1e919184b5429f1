//! Loss, jitter and round trip against figures worked out by hand (RFC 3550 sections A.3 and A.8).

mod common;

use std::time::Duration;

use common::ms;
use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::ntp::NtpShort;
use rtp_core::rtcp::SenderInfo;
use rtp_core::sequence::{LossRuns, SequenceLimits};
use rtp_core::stats::ReceiverStatistics;
use rtp_core::{ClockRate, NtpTime, Ssrc};

fn statistics() -> ReceiverStatistics {
    let limits = SequenceLimits { probation: 1, ..SequenceLimits::default() };
    ReceiverStatistics::new(Ssrc(7), ClockRate::HZ_8000, limits)
}

fn take(statistics: &mut ReceiverStatistics, numbers: impl IntoIterator<Item = u16>) {
    for number in numbers {
        statistics.handle_packet(Duration::ZERO, number, None, 160);
    }
}

/// Fraction and cumulative loss of the next report.
fn loss(statistics: &mut ReceiverStatistics) -> (u8, i32) {
    let block = statistics.report_block(Duration::ZERO).expect("the source is valid");
    (block.fraction_lost, block.cumulative_lost)
}

#[test]
fn fraction_is_of_the_interval_and_cumulative_of_all() {
    let mut statistics = statistics();
    // Ten expected, 103 and 104 missing: 2 * 256 / 10 = 51.
    take(&mut statistics, (100..110).filter(|number| !(103..105).contains(number)));
    assert_eq!(loss(&mut statistics), (51, 2));
    // Ten more, none missing.
    take(&mut statistics, 110..120);
    assert_eq!(loss(&mut statistics), (0, 2));
    // Four, three of them missing: 3 * 256 / 4 = 192.
    take(&mut statistics, [123]);
    assert_eq!(loss(&mut statistics), (192, 5));
    // Nothing at all: an interval of none expected has lost none.
    assert_eq!(loss(&mut statistics), (0, 5));
}

#[test]
fn duplicates_hide_losses_as_the_rfc_says() {
    let mut statistics = statistics();
    // Ten expected; eight came, one of them twice: 1 * 256 / 10 = 25.
    take(&mut statistics, [0, 1, 2, 5, 5, 6, 7, 8, 9]);
    assert_eq!(loss(&mut statistics), (25, 1));
    // A late packet makes the interval's loss negative, which counts as zero.
    take(&mut statistics, [3, 10]);
    assert_eq!(loss(&mut statistics), (0, 0));
    // Duplicates alone drive the sum below zero.
    take(&mut statistics, [10, 10, 10]);
    assert_eq!(loss(&mut statistics), (0, -3));
    // The figures for people know better.
    let figures = statistics.figures();
    assert_eq!((figures.duplicates, figures.late), (4, 1));
    assert_eq!(figures.loss_runs, LossRuns { received: 10, lost: 1, runs: 1 });
}

#[test]
fn a_lost_interval_saturates_the_fraction() {
    let mut statistics = statistics();
    take(&mut statistics, [0]);
    loss(&mut statistics);
    // 1,000 expected, one came: 999 * 256 / 1000 = 255.
    take(&mut statistics, [1_000]);
    assert_eq!(loss(&mut statistics), (255, 999));
}

#[test]
fn the_highest_number_counts_wraps() {
    let mut statistics = statistics();
    take(&mut statistics, (65_530..=65_535).chain(0..=3));
    let block = statistics.report_block(Duration::ZERO).unwrap();
    assert_eq!(block.highest_sequence, 0x0001_0003);
    assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 0));
}

#[test]
fn jitter_follows_appendix_a_8() {
    let mut statistics = statistics();
    // Every other packet is 5 ms (40 ticks) late, so that D is 0, 40, 40, 40, 40. In sixteenths:
    // 0, 40, 40 + 40 - 3 = 77, 77 + 40 - 5 = 112, 112 + 40 - 7 = 145.
    let mut jitter = Vec::new();
    for (number, arrival) in (0..).zip([0, 20, 45, 60, 85, 100]) {
        let timestamp = 0xffff_ff00u32.wrapping_add(160 * u32::from(number));
        statistics.handle_packet(ms(arrival), number, Some(timestamp), 160);
        jitter.push(statistics.jitter_ticks());
    }
    assert_eq!(jitter, [0, 0, 40 / 16, 77 / 16, 112 / 16, 145 / 16]);
    assert_eq!(statistics.report_block(ms(100)).unwrap().jitter, 9);
    assert_eq!(statistics.jitter(), Duration::from_micros(1_125));
    assert_eq!(statistics.figures().peak_jitter, Duration::from_micros(1_125));
}

#[test]
fn constant_delay_is_no_jitter_and_steady_jitter_converges() {
    let mut steady = statistics();
    for number in 0..1_000u16 {
        let at = ms(20 * u64::from(number) + 37);
        steady.handle_packet(at, number, Some(160 * u32::from(number)), 160);
    }
    assert_eq!(steady.jitter_ticks(), 0);
    // A D of 80 ticks every time converges to 80.
    let mut shaken = statistics();
    for number in 0..1_000u16 {
        let late = if number % 2 == 1 { 10 } else { 0 };
        let at = ms(20 * u64::from(number) + late);
        shaken.handle_packet(at, number, Some(160 * u32::from(number)), 160);
    }
    assert!((79..=80).contains(&shaken.jitter_ticks()), "{}", shaken.jitter_ticks());
}

#[test]
fn telephone_events_do_not_count_as_jitter() {
    let mut statistics = statistics();
    for number in 0..50u16 {
        let at = ms(20 * u64::from(number));
        let timestamp = (!(20..30).contains(&number)).then_some(160 * u32::from(number));
        statistics.handle_packet(at, number, timestamp, 4);
    }
    assert_eq!(statistics.jitter_ticks(), 0);
    assert_eq!(statistics.figures().packets, 50);
}

#[test]
fn reports_repeat_the_last_sender_report() {
    let mut statistics = statistics();
    take(&mut statistics, [1]);
    let before = statistics.report_block(ms(500)).unwrap();
    assert_eq!((before.last_sr, before.delay_since_last_sr), (NtpShort(0), NtpShort(0)));
    let info = SenderInfo {
        ntp_time: NtpTime(0x1122_3344_5566_7788),
        rtp_timestamp: 0,
        packet_count: 0,
        octet_count: 0,
    };
    statistics.handle_sender_report(ms(1_000), &info);
    let after = statistics.report_block(ms(3_500)).unwrap();
    assert_eq!(after.last_sr, NtpShort(0x3344_5566));
    assert_eq!(after.delay_since_last_sr, NtpShort(5 * 65_536 / 2));
}

#[test]
fn losses_in_bursts_are_told_from_single_ones() {
    let single = {
        let mut statistics = statistics();
        take(&mut statistics, (0..1_000).filter(|number| number % 10 != 5));
        statistics.figures().loss_runs
    };
    let bursts = {
        let mut statistics = statistics();
        take(&mut statistics, (0..1_000).filter(|number| number % 100 < 90));
        take(&mut statistics, [1_000]);
        statistics.figures().loss_runs
    };
    assert_eq!(single, LossRuns { received: 900, lost: 100, runs: 100 });
    assert_eq!(bursts, LossRuns { received: 901, lost: 100, runs: 10 });
    assert_eq!(single.burst_ratio(), 1.0);
    // Runs of ten, where chance would make runs of 1 / (901 / 1001).
    assert!((bursts.burst_ratio() - 9.001).abs() < 0.001);
}

proptest! {
    /// The integer form of appendix A.8, rounding included, in the RFC's own terms: `transit`, `d`
    /// and a `jitter` kept sixteenfold.
    #[test]
    fn jitter_agrees_with_the_rfc(delays in vec(0u32..2_000, 2..200), first: u32) {
        let mut statistics = statistics();
        let mut jitter = 0i64;
        let mut previous = None;
        for (number, &delay) in (0u16..).zip(&delays) {
            let sent = 160 * u32::from(number);
            // 8 ticks a millisecond: the delay is whole ticks.
            let arrival = ClockRate::HZ_8000.duration(u64::from(sent + delay));
            let timestamp = first.wrapping_add(sent);
            statistics.handle_packet(arrival, number, Some(timestamp), 160);
            let transit = i64::from(delay);
            if let Some(previous) = previous.replace(transit) {
                let d: i64 = (transit - previous).abs();
                jitter += d - ((jitter + 8) >> 4);
            }
            prop_assert_eq!(i64::from(statistics.jitter_ticks()), jitter >> 4);
        }
    }
}
