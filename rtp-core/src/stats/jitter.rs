//! Interarrival jitter (RFC 3550 section 6.4.1).

use core::time::Duration;

use crate::ClockRate;

/// The jitter of one source, in integers as RFC 3550 appendix A.8 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jitter {
    pub(super) clock_rate: ClockRate,
    /// Arrival of the last packet less its timestamp, in ticks.
    pub(super) transit: Option<u32>,
    /// Sixteen times the jitter, in ticks.
    scaled: u64,
    /// The highest that `scaled` has been.
    peak: u64,
}

impl Jitter {
    /// Of a source from which nothing has come yet.
    pub(super) fn new(clock_rate: ClockRate) -> Jitter {
        Jitter { clock_rate, transit: None, scaled: 0, peak: 0 }
    }

    /// Goes on by another clock: jitter keeps its length in time.
    pub(super) fn set_clock_rate(&mut self, clock_rate: ClockRate) {
        if clock_rate != self.clock_rate {
            let (old, new) = (u64::from(self.clock_rate.hz()), u64::from(clock_rate.hz()));
            self.scaled = self.scaled.saturating_mul(new) / old;
            self.peak = self.peak.saturating_mul(new) / old;
            self.clock_rate = clock_rate;
            // Timestamps before and after are not comparable.
            self.transit = None;
        }
    }

    /// The next packet is not to be compared with the last one.
    pub(super) fn forget_transit(&mut self) {
        self.transit = None;
    }

    /// A packet of this sampling instant came at `now`.
    #[inline]
    pub(crate) fn arrived(&mut self, now: Duration, timestamp: u32) {
        let arrival = self.clock_rate.ticks(now) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(previous) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(previous) as i32).unsigned_abs();
            let decay = (self.scaled + 8) >> 4;
            self.scaled = self.scaled + u64::from(difference) - decay;
            self.peak = self.peak.max(self.scaled);
        }
    }

    /// In ticks, as reports carry it.
    pub(super) fn ticks(&self) -> u32 {
        u32::try_from(self.scaled >> 4).unwrap_or(u32::MAX)
    }

    /// As time.
    pub(super) fn now(&self) -> Duration {
        self.clock_rate.duration(self.scaled >> 4)
    }

    /// The highest that it has been.
    pub(super) fn peak(&self) -> Duration {
        self.clock_rate.duration(self.peak >> 4)
    }
}
