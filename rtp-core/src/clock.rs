//! The rate of an RTP timestamp clock.

use core::num::NonZeroU32;
use core::time::Duration;

/// How fast a payload type's timestamps run, in hertz; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockRate(NonZeroU32);

impl ClockRate {
    /// 8 kHz: G.711, narrow-band telephone events.
    pub const HZ_8000: ClockRate = match ClockRate::new(8_000) {
        Some(rate) => rate,
        None => unreachable!(),
    };
    /// 16 kHz: wide-band codecs and the telephone events beside them.
    pub const HZ_16000: ClockRate = match ClockRate::new(16_000) {
        Some(rate) => rate,
        None => unreachable!(),
    };
    /// 48 kHz: Opus.
    pub const HZ_48000: ClockRate = match ClockRate::new(48_000) {
        Some(rate) => rate,
        None => unreachable!(),
    };

    /// A clock of `hz` ticks a second, or `None` for zero.
    pub const fn new(hz: u32) -> Option<ClockRate> {
        match NonZeroU32::new(hz) {
            Some(hz) => Some(ClockRate(hz)),
            None => None,
        }
    }

    /// Ticks a second.
    pub const fn hz(self) -> u32 {
        self.0.get()
    }

    /// Whole ticks in `duration`, rounded down; saturates.
    #[inline]
    pub const fn ticks(self, duration: Duration) -> u64 {
        let hz = self.0.get() as u64;
        // Below 10^9 * 2^32, so the product fits.
        let fraction = duration.subsec_nanos() as u64 * hz / 1_000_000_000;
        duration.as_secs().saturating_mul(hz).saturating_add(fraction)
    }

    /// How long `ticks` last, rounded down to a nanosecond.
    pub const fn duration(self, ticks: u64) -> Duration {
        let hz = self.0.get() as u64;
        let nanos = (ticks % hz) * 1_000_000_000 / hz;
        // The remainder is below one second, so the cast keeps every bit.
        Duration::new(ticks / hz, nanos as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_milliseconds_are_160_ticks() {
        let rate = ClockRate::HZ_8000;
        assert_eq!(rate.ticks(Duration::from_millis(20)), 160);
        assert_eq!(rate.duration(160), Duration::from_millis(20));
        assert_eq!(rate.ticks(Duration::from_micros(124)), 0);
        assert_eq!(rate.ticks(Duration::from_micros(125)), 1);
    }

    #[test]
    fn extremes_saturate() {
        assert_eq!(ClockRate::HZ_48000.ticks(Duration::MAX), u64::MAX);
        let fastest = ClockRate::new(u32::MAX).unwrap();
        assert!(fastest.duration(u64::MAX) < Duration::from_secs(1 << 33));
        assert!(ClockRate::new(0).is_none());
    }
}
