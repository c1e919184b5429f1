//! Conversion between wall-clock durations and timestamp units.

use core::time::Duration;

/// A media clock of so many units a second. Media times are `i64` units since an arbitrary start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MediaClock {
    rate: u64,
}

const NANOS: u64 = 1_000_000_000;

impl MediaClock {
    /// A clock of `rate` Hz; `None` outside 1 kHz to 10 MHz.
    pub(crate) fn new(rate: u32) -> Option<Self> {
        (1_000..=10_000_000).contains(&rate).then_some(Self { rate: rate.into() })
    }

    /// `duration` in units, rounded to the nearest. More than 2^36 s (two thousand years) are taken for
    /// that, lest anything overflow.
    #[inline]
    pub(crate) fn units(self, duration: Duration) -> i64 {
        let seconds = duration.as_secs().min(1 << 36);
        let fraction = (u64::from(duration.subsec_nanos()) * self.rate + NANOS / 2) / NANOS;
        (seconds * self.rate + fraction) as i64
    }

    /// `units` as a duration, to the nanosecond below; nothing when negative.
    #[inline]
    pub(crate) fn duration(self, units: i64) -> Duration {
        let units = u64::try_from(units).unwrap_or(0);
        let nanos = units % self.rate * NANOS / self.rate;
        Duration::new(units / self.rate, nanos as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_of_usual_rates_are_exact() {
        for (rate, units) in [(8_000, 160), (16_000, 320), (44_100, 882), (48_000, 960)] {
            let clock = MediaClock::new(rate).unwrap();
            assert_eq!(clock.units(Duration::from_millis(20)), units);
            assert_eq!(clock.duration(units), Duration::from_millis(20));
        }
    }

    #[test]
    fn extremes_neither_overflow_nor_panic() {
        for rate in [1_000, 10_000_000] {
            let clock = MediaClock::new(rate).unwrap();
            assert!(clock.units(Duration::MAX) > 0);
            assert_eq!(clock.duration(i64::MIN), Duration::ZERO);
            assert!(clock.duration(i64::MAX) > Duration::ZERO);
        }
        assert!(MediaClock::new(999).is_none() && MediaClock::new(u32::MAX).is_none());
    }
}
