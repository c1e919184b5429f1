//! The other sources of a session: a bounded table.

use alloc::vec::Vec;
use core::time::Duration;

use crate::rtcp::ReportBlock;
use crate::sequence::SequenceLimits;
use crate::stats::ReceiverStatistics;
use crate::{ClockRate, Ssrc};

/// Report blocks in one packet.
const MAX_BLOCKS: usize = 31;
/// Packets that were on their way when a goodbye was said do not bring its sender back.
const BYE_GRACE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Sources {
    table: Vec<Source>,
    max: usize,
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) statistics: ReceiverStatistics,
    last_rtp: Option<Duration>,
    last_heard: Duration,
    left: Option<Duration>,
    /// Counts in the size of the group.
    member: bool,
    /// Counts among those that send.
    sender: bool,
    /// RTP has come that no report has covered.
    to_report: bool,
    /// Its block is in the report that is being written.
    reported: bool,
}

impl Source {
    pub(super) fn note_rtp(&mut self, now: Duration) {
        self.last_heard = now;
        self.last_rtp = Some(now);
        self.to_report = true;
        if self.statistics.is_valid() && self.is_back(now) {
            self.member = true;
            self.sender = true;
            self.left = None;
        }
    }

    /// Whether another packet of RTP changes nothing but when it was last heard.
    pub(super) fn is_settled(&self) -> bool {
        self.member && self.sender && self.to_report && self.left.is_none()
    }

    pub(super) fn note_rtcp(&mut self, now: Duration) {
        self.last_heard = now;
        if self.is_back(now) {
            self.member = true;
            self.left = None;
        }
    }

    /// False when the source had left before.
    pub(super) fn note_bye(&mut self, now: Duration) -> bool {
        self.member = false;
        self.sender = false;
        self.left.replace(now).is_none()
    }

    fn is_back(&self, now: Duration) -> bool {
        self.left.is_none_or(|left| now.saturating_sub(left) > BYE_GRACE)
    }
}

impl Sources {
    pub(super) fn new(max: usize) -> Sources {
        Sources { table: Vec::with_capacity(max.min(1)), max }
    }

    pub(super) fn find(&self, ssrc: Ssrc) -> Option<&Source> {
        self.table.iter().find(|source| source.statistics.ssrc() == ssrc)
    }

    pub(super) fn find_mut(&mut self, ssrc: Ssrc) -> Option<&mut Source> {
        self.table.iter_mut().find(|source| source.statistics.ssrc() == ssrc)
    }

    /// The source `ssrc`, made if need be; `None` when there is no place.
    pub(super) fn entry(
        &mut self,
        now: Duration,
        ssrc: Ssrc,
        clock_rate: ClockRate,
        limits: SequenceLimits,
    ) -> Option<&mut Source> {
        let known = self.table.iter().position(|source| source.statistics.ssrc() == ssrc);
        if let Some(index) = known {
            return self.table.get_mut(index);
        }
        let source = Source {
            statistics: ReceiverStatistics::new(ssrc, clock_rate, limits),
            last_rtp: None,
            last_heard: now,
            left: None,
            member: false,
            sender: false,
            to_report: false,
            reported: false,
        };
        if self.table.len() < self.max {
            // Nearly every session has one: room for more would be held by each for nothing.
            self.table.reserve_exact(1);
            self.table.push(source);
            return self.table.last_mut();
        }
        // Valid sources that are still here keep their place against any number of newcomers.
        let place = self
            .table
            .iter_mut()
            .filter(|source| !source.statistics.is_valid() || !source.member)
            .min_by_key(|source| (source.statistics.is_valid(), source.last_heard))?;
        *place = source;
        Some(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.table.iter()
    }

    pub(super) fn current(&self) -> Option<&Source> {
        let valid = self.table.iter().filter(|source| source.statistics.is_valid());
        valid.max_by_key(|source| source.last_rtp)
    }

    /// Members and, among them, senders.
    pub(super) fn count(&self) -> (u32, u32) {
        let count = |wanted: fn(&Source) -> bool| {
            u32::try_from(self.table.iter().filter(|source| wanted(source)).count())
                .unwrap_or(u32::MAX - 1)
        };
        (count(|source| source.member), count(|source| source.member && source.sender))
    }

    /// Blocks for the sources heard since the last report; as many as fit, the rest next time.
    pub(super) fn report_blocks(&mut self, now: Duration) -> impl Iterator<Item = ReportBlock> {
        self.table
            .iter_mut()
            .filter(|source| source.to_report)
            .filter_map(move |source| {
                let block = source.statistics.report_block(now)?;
                source.reported = true;
                Some(block)
            })
            .take(MAX_BLOCKS)
    }

    /// The report with those blocks has been written.
    pub(super) fn clear_reported(&mut self) {
        for source in &mut self.table {
            if core::mem::take(&mut source.reported) {
                source.to_report = false;
            }
        }
        // Whoever found no place this time comes first the next time.
        if self.table.len() > MAX_BLOCKS {
            self.table.rotate_left(MAX_BLOCKS);
        }
    }

    /// Takes out of the count who has been silent: senders after two intervals, members after five
    /// (RFC 3550 section 6.3.5).
    pub(super) fn time_out(
        &mut self,
        now: Duration,
        interval: Duration,
        mut timed_out: impl FnMut(Ssrc),
    ) {
        for source in &mut self.table {
            let quiet = |since: Duration| now.saturating_sub(since);
            if source.last_rtp.is_none_or(|at| quiet(at) > interval * 2) {
                source.sender = false;
            }
            if source.member && quiet(source.last_heard) > interval * 5 {
                source.member = false;
                timed_out(source.statistics.ssrc());
            }
        }
    }
}
