//! What a receiver knows of one source: loss, jitter, round trip (RFC 3550 sections 6.4 and A.3,
//! A.8).

mod jitter;

use core::time::Duration;

use crate::ntp::NtpShort;
use crate::rtcp::{ReportBlock, SenderInfo};
use crate::run::Run;
use crate::sequence::{Arrival, BurstGap, LossRuns, Sequence, SequenceLimits};
use crate::{ClockRate, NtpTime, Ssrc};
pub(crate) use jitter::Jitter;

/// Counts the packets of one source and makes report blocks of the counts.
#[derive(Debug, Clone)]
pub struct ReceiverStatistics {
    ssrc: Ssrc,
    sequence: Sequence,
    /// Valid packets since the source became valid or started anew, duplicates included: what the
    /// RFC calls `received`.
    received: u64,
    received_prior: u64,
    expected_prior: u64,
    jitter: Jitter,
    last_sr: Option<(NtpShort, Duration)>,
    totals: Totals,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    packets: u64,
    octets: u64,
    duplicates: u64,
    late: u64,
    refused: u64,
    restarts: u32,
}

impl ReceiverStatistics {
    /// A source from which nothing has come yet.
    pub fn new(ssrc: Ssrc, clock_rate: ClockRate, limits: SequenceLimits) -> ReceiverStatistics {
        ReceiverStatistics {
            ssrc,
            sequence: Sequence::new(limits),
            received: 0,
            received_prior: 0,
            expected_prior: 0,
            jitter: Jitter::new(clock_rate),
            last_sr: None,
            totals: Totals::default(),
        }
    }

    /// The source.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Follows a change of payload type to one with another clock: jitter keeps its length in time.
    pub fn set_clock_rate(&mut self, clock_rate: ClockRate) {
        self.jitter.set_clock_rate(clock_rate);
    }

    /// Takes a packet that came at `now`.
    ///
    /// `timestamp` is `None` for packets whose timestamp is not their sampling instant (telephone
    /// events repeat the event's beginning): they count, but say nothing about jitter.
    pub fn handle_packet(
        &mut self,
        now: Duration,
        sequence_number: u16,
        timestamp: Option<u32>,
        payload_len: usize,
    ) -> Arrival {
        let arrival = self.sequence.update(sequence_number);
        match arrival {
            Arrival::Probation | Arrival::Jumped => {
                self.totals.refused += 1;
                return arrival;
            }
            Arrival::InOrder(_) => {}
            Arrival::Late(_) => self.totals.late += 1,
            Arrival::Duplicate(_) => self.totals.duplicates += 1,
            Arrival::Restarted(_) => {
                self.totals.restarts += 1;
                self.received = 0;
                self.received_prior = 0;
                self.expected_prior = 0;
                self.jitter.forget_transit();
            }
        }
        self.received += 1;
        self.totals.packets += 1;
        self.totals.octets += payload_len as u64;
        if let Some(timestamp) = timestamp {
            self.jitter.arrived(now, timestamp);
        }
        arrival
    }

    /// Takes a sender report of this source that came at `now`.
    pub fn handle_sender_report(&mut self, now: Duration, info: &SenderInfo) {
        self.last_sr = Some((info.ntp_time.short(), now));
    }

    /// Has the source passed its probation?
    pub fn is_valid(&self) -> bool {
        self.sequence.is_valid()
    }

    /// The report block for a report sent at `now`; the next one's fraction counts from here.
    ///
    /// `None` before the source is valid.
    pub fn report_block(&mut self, now: Duration) -> Option<ReportBlock> {
        let highest = self.sequence.highest()?;
        let expected = self.sequence.expected();
        let expected_interval = expected - self.expected_prior;
        let received_interval = self.received - self.received_prior;
        self.expected_prior = expected;
        self.received_prior = self.received;
        let lost_interval = expected_interval.saturating_sub(received_interval);
        // All lost would be 256/256, which eight bits cannot say.
        let fraction = (lost_interval << 8).checked_div(expected_interval).unwrap_or(0).min(255);
        let lost = expected as i64 - self.received as i64;
        let (last_sr, delay_since_last_sr) = match self.last_sr {
            Some((last_sr, at)) => (last_sr, NtpShort::from_duration(now.saturating_sub(at))),
            None => Default::default(),
        };
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: fraction as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: highest.to_report(),
            jitter: self.jitter_ticks(),
            last_sr,
            delay_since_last_sr,
        })
    }

    /// Interarrival jitter in ticks of the RTP clock, as reports carry it.
    pub fn jitter_ticks(&self) -> u32 {
        self.jitter.ticks()
    }

    /// Interarrival jitter as time.
    pub fn jitter(&self) -> Duration {
        self.jitter.now()
    }

    /// All counts since the first packet, restarts included.
    pub fn figures(&self) -> Figures {
        Figures {
            packets: self.totals.packets,
            octets: self.totals.octets,
            duplicates: self.totals.duplicates,
            late: self.totals.late,
            refused: self.totals.refused,
            restarts: self.totals.restarts,
            jitter: self.jitter(),
            peak_jitter: self.jitter.peak(),
            loss_runs: self.sequence.loss_runs(),
            burst_gap: self.sequence.burst_gap(),
        }
    }

    /// What a run goes on from: the highest number and the jitter; `None` when the next packet by `clock_rate`
    /// would not simply be counted.
    pub(crate) fn position(&self, clock_rate: ClockRate) -> Option<(u16, Jitter)> {
        let highest = self.sequence.highest()?;
        (self.jitter.clock_rate == clock_rate && self.jitter.transit.is_some())
            .then_some((highest.number(), self.jitter))
    }

    /// Takes the packets of a run that went on from [`ReceiverStatistics::position`].
    pub(crate) fn end_run(&mut self, run: &Run) {
        self.sequence.in_order(run.packets());
        self.received += run.packets();
        self.totals.packets += run.packets();
        self.totals.octets += run.octets();
        self.jitter = *run.jitter();
    }
}

/// Counts of one source, for call records and people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Packets of the stream, duplicates included.
    pub packets: u64,
    /// Their payload, in octets.
    pub octets: u64,
    /// Packets that had come before.
    pub duplicates: u64,
    /// Packets that came after a younger one.
    pub late: u64,
    /// Packets dropped on probation or because of a jump.
    pub refused: u64,
    /// How often the sequence started anew.
    pub restarts: u32,
    /// Interarrival jitter now.
    pub jitter: Duration,
    /// The highest that it has been.
    pub peak_jitter: Duration,
    /// Losses and how they lay.
    pub loss_runs: LossRuns,
    /// Losses in bursts and between them.
    pub burst_gap: BurstGap,
}

/// The round trip that a report block about our own stream shows: `now`, by the clock of our sender
/// reports, less LSR and DLSR (RFC 3550 section 6.4.1).
///
/// `None` when the peer has had no report of ours yet, or its figures are from the future.
pub fn round_trip(now: NtpTime, block: &ReportBlock) -> Option<Duration> {
    if block.last_sr == NtpShort(0) {
        return None;
    }
    let elapsed = now.short().0.wrapping_sub(block.last_sr.0);
    let round_trip = elapsed.wrapping_sub(block.delay_since_last_sr.0);
    match round_trip as i32 {
        0.. => Some(NtpShort(round_trip).to_duration()),
        // The fields are rounded, and two clocks drift while a report waits: under 10 ms is none.
        -655..0 => Some(Duration::ZERO),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics() -> ReceiverStatistics {
        let limits = SequenceLimits { probation: 1, ..SequenceLimits::default() };
        ReceiverStatistics::new(Ssrc(7), ClockRate::HZ_8000, limits)
    }

    #[test]
    fn nothing_to_report_before_the_source_is_valid() {
        let mut statistics =
            ReceiverStatistics::new(Ssrc(7), ClockRate::HZ_8000, SequenceLimits::default());
        assert_eq!(statistics.report_block(Duration::ZERO), None);
        statistics.handle_packet(Duration::ZERO, 1, Some(0), 160);
        assert_eq!(statistics.report_block(Duration::ZERO), None);
        statistics.handle_packet(Duration::ZERO, 2, Some(160), 160);
        assert!(statistics.is_valid());
        assert_eq!(
            statistics.report_block(Duration::ZERO).map(|block| block.highest_sequence),
            Some(2)
        );
    }

    #[test]
    fn round_trip_of_the_rfcs_example() {
        // RFC 3550 figure 2.
        let block = ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 0,
            cumulative_lost: 0,
            highest_sequence: 0,
            jitter: 0,
            last_sr: NtpShort(0xb705_2000),
            delay_since_last_sr: NtpShort(0x0005_4000),
        };
        let now = NtpTime(0xb710_8000 << 16);
        assert_eq!(round_trip(now, &block), Some(Duration::from_millis(6_125)));
        assert_eq!(round_trip(NtpTime(0xb70a_5fff << 16), &block), Some(Duration::ZERO));
        assert_eq!(round_trip(NtpTime(0xb709_6000 << 16), &block), None);
        let unheard = ReportBlock { last_sr: NtpShort(0), ..block };
        assert_eq!(round_trip(now, &unheard), None);
    }

    #[test]
    fn a_clock_change_keeps_jitter_in_time() {
        let mut statistics = statistics();
        statistics.handle_packet(Duration::ZERO, 0, Some(0), 160);
        statistics.handle_packet(Duration::from_millis(40), 1, Some(160), 160);
        let before = statistics.jitter();
        assert_eq!(before, Duration::from_micros(1_250));
        statistics.set_clock_rate(ClockRate::HZ_16000);
        assert_eq!(statistics.jitter(), before);
        // The first packet by the new clock has nothing to be compared with.
        statistics.handle_packet(Duration::from_millis(60), 2, Some(99_999), 320);
        assert_eq!(statistics.jitter(), before);
    }

    #[test]
    fn a_restart_begins_the_report_anew_and_keeps_the_figures() {
        let mut statistics = statistics();
        for number in [10, 12] {
            statistics.handle_packet(Duration::ZERO, number, None, 100);
        }
        for number in [30_000, 30_001] {
            statistics.handle_packet(Duration::ZERO, number, None, 100);
        }
        let block = statistics.report_block(Duration::ZERO).unwrap();
        assert_eq!((block.cumulative_lost, block.highest_sequence), (0, 30_001));
        let figures = statistics.figures();
        assert_eq!((figures.packets, figures.octets), (3, 300));
        assert_eq!((figures.refused, figures.restarts), (1, 1));
        assert_eq!(figures.loss_runs, LossRuns { received: 3, lost: 1, runs: 1 });
    }
}
