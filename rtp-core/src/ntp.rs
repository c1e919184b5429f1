//! NTP timestamps as RTCP carries them (RFC 3550 section 4).

use core::ops::Add;
use core::time::Duration;

/// A 64-bit NTP timestamp: seconds since 1 January 1900 in the high half, fractions below.
///
/// RFC 3550 section 6.4.1 allows any steady origin when the wall clock is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Seconds between the NTP epoch (1900) and the Unix epoch (1970).
    pub const UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;

    /// The NTP time of an instant given as time since the Unix epoch; wraps in 2036 (era 1).
    pub fn from_unix(since_epoch: Duration) -> NtpTime {
        NtpTime(Self::UNIX_EPOCH_SECONDS << 32) + since_epoch
    }

    /// The middle 32 bits: what a report block's LSR field repeats.
    pub const fn short(self) -> NtpShort {
        NtpShort((self.0 >> 16) as u32)
    }
}

impl Add<Duration> for NtpTime {
    type Output = NtpTime;

    fn add(self, duration: Duration) -> NtpTime {
        let fraction = (u64::from(duration.subsec_nanos()) << 32) / 1_000_000_000;
        let fixed = (duration.as_secs() << 32).wrapping_add(fraction);
        NtpTime(self.0.wrapping_add(fixed))
    }
}

/// 16.16 fixed-point seconds: the LSR and DLSR fields of a report block; wraps every 18 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NtpShort(pub u32);

impl NtpShort {
    /// `duration` in units of 1/65536 s, saturating at 65,536 s.
    pub fn from_duration(duration: Duration) -> NtpShort {
        let Ok(seconds) = u16::try_from(duration.as_secs()) else { return NtpShort(u32::MAX) };
        let fraction = (u64::from(duration.subsec_nanos()) << 16) / 1_000_000_000;
        NtpShort(u32::from(seconds) << 16 | fraction as u32)
    }

    /// The time that this stands for when it is a difference, to a nanosecond.
    pub fn to_duration(self) -> Duration {
        let nanos = (u64::from(self.0 & 0xffff) * 1_000_000_000) >> 16;
        Duration::new(u64::from(self.0 >> 16), nanos as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_half_the_fraction() {
        let time = NtpTime(5 << 32) + Duration::from_millis(1_500);
        assert_eq!(time.0, 6 << 32 | 1 << 31);
        assert_eq!(time.short(), NtpShort(6 << 16 | 1 << 15));
        assert_eq!(NtpTime::from_unix(Duration::ZERO).0 >> 32, 2_208_988_800);
    }

    #[test]
    fn short_form_converts_both_ways() {
        // The example of RFC 3550 figure 2: DLSR 0x0005_4000 is 5.250 s.
        assert_eq!(NtpShort(0x0005_4000).to_duration(), Duration::from_millis(5_250));
        assert_eq!(NtpShort::from_duration(Duration::from_millis(5_250)), NtpShort(0x0005_4000));
        assert_eq!(NtpShort::from_duration(Duration::from_secs(70_000)), NtpShort(u32::MAX));
    }
}
