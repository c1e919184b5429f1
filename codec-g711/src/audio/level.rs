use crate::kernel::Kernel;
use crate::math;

/// How loud a stretch of samples is.
///
/// Levels are in dBm0 as ITU-T G.711 relates them to codes: a sine that just reaches full scale has 3.14
/// dBm0 (the figure of A-law; mu-law's 3.17 refers to a full scale that is 0.035 dB lower).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    sums: Sums,
    samples: u64,
}

/// What a level is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    pub(crate) squares: u64,
    pub(crate) peak: u16,
}

/// Full scale of 16 bits as a power: what 0 dBov stands for.
pub(crate) const OVERLOAD_POWER: f32 = 32768.0 * 32768.0;
/// A full-scale sine has half the power of full scale.
#[allow(clippy::approx_constant, reason = "it is a level, not the ratio of a circle")]
const FULL_SCALE_SINE_DBM0: f32 = 3.14;

impl Level {
    /// Measures samples.
    pub fn of(samples: &[i16]) -> Self {
        Kernel::best().level(samples)
    }

    pub(crate) fn from_sums(sums: Sums, samples: usize) -> Self {
        Self { sums, samples: samples as u64 }
    }

    /// The level of both stretches as one.
    pub fn and(self, other: Self) -> Self {
        Self {
            sums: Sums {
                squares: self.sums.squares.saturating_add(other.sums.squares),
                peak: self.sums.peak.max(other.sums.peak),
            },
            samples: self.samples.saturating_add(other.samples),
        }
    }

    /// The mean of the squared samples, 0 to 2 to the 30.
    pub fn mean_square(self) -> f32 {
        if self.samples == 0 { 0.0 } else { self.sums.squares as f32 / self.samples as f32 }
    }

    /// The highest magnitude, 0 to 32768.
    pub fn peak(self) -> u16 {
        self.sums.peak
    }

    /// The level of a sine of the same power, in dBm0; minus infinity for digital silence.
    pub fn rms_dbm0(self) -> f32 {
        math::decibels(2.0 * self.mean_square() / OVERLOAD_POWER) + FULL_SCALE_SINE_DBM0
    }

    /// The level of a sine with the same peak, in dBm0; minus infinity for digital silence.
    pub fn peak_dbm0(self) -> f32 {
        let peak = f32::from(self.sums.peak);
        math::decibels(peak * peak / OVERLOAD_POWER) + FULL_SCALE_SINE_DBM0
    }

    /// The power relative to full scale in dBov, as in RFC 3389 and RFC 6464: 0 at the most.
    pub fn rms_dbov(self) -> f32 {
        math::decibels(self.mean_square() / OVERLOAD_POWER)
    }
}

/// Whether samples are quieter than a threshold in dBm0 (RMS); -50 suits telephone lines. No samples are
/// silent.
pub fn is_silent(samples: &[i16], threshold_dbm0: f32) -> bool {
    Level::of(samples).rms_dbm0() < threshold_dbm0
}

impl Sums {
    /// The sums for every machine, compiled anew for each set of instructions.
    #[inline(always)]
    pub(crate) fn over(samples: &[i16]) -> Self {
        let mut squares = 0u64;
        let mut peak = 0u16;
        // Within a block 32 bits are enough: squares are divided by nothing, but two of them fit.
        let (blocks, rest) = samples.as_chunks::<32>();
        for block in blocks {
            let mut pairs = [0u32; 16];
            for (index, pair) in pairs.iter_mut().enumerate() {
                let (a, b) = (i32::from(block[index]), i32::from(block[index + 16]));
                *pair = (a * a) as u32 + (b * b) as u32;
            }
            squares += pairs.iter().map(|pair| u64::from(*pair)).sum::<u64>();
            peak = block.iter().fold(peak, |peak, sample| peak.max(sample.unsigned_abs()));
        }
        for sample in rest {
            squares += (i32::from(*sample) * i32::from(*sample)) as u64;
            peak = peak.max(sample.unsigned_abs());
        }
        Self { squares, peak }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_has_the_level_of_the_recommendation() {
        let sine: std::vec::Vec<i16> =
            (0..8000).map(|n| ((f64::from(n) * 0.7).sin() * 32767.0) as i16).collect();
        let level = Level::of(&sine);
        assert!((level.rms_dbm0() - FULL_SCALE_SINE_DBM0).abs() < 0.02, "{}", level.rms_dbm0());
        assert!((level.peak_dbm0() - FULL_SCALE_SINE_DBM0).abs() < 0.02);
        assert!((level.rms_dbov() + 3.01).abs() < 0.02);
    }

    #[test]
    fn the_digital_milliwatt_is_near_0_dbm0() {
        // ITU-T G.711 table 5: the codes of 1 kHz at 0 dBm0, A-law.
        let codes = [0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4];
        let mut pcm = [0; 8];
        crate::alaw::decode(&codes, &mut pcm);
        assert!(Level::of(&pcm).rms_dbm0().abs() < 0.1, "{}", Level::of(&pcm).rms_dbm0());
    }

    #[test]
    fn extremes_do_not_overflow() {
        let level = Level::of(&[i16::MIN; 1000]);
        assert_eq!(level.peak(), 32768);
        assert_eq!(level.mean_square(), OVERLOAD_POWER);
        assert_eq!(level.rms_dbov(), 0.0);
        assert_eq!(Level::of(&[]).rms_dbm0(), f32::NEG_INFINITY);
        assert_eq!(Level::of(&[0; 5]).rms_dbm0(), f32::NEG_INFINITY);
    }

    #[test]
    fn parts_add_up() {
        let samples: std::vec::Vec<i16> = (0..500).map(|n| n * 61 - 15000).collect();
        let (a, b) = samples.split_at(123);
        assert_eq!(Level::of(a).and(Level::of(b)), Level::of(&samples));
    }

    #[test]
    fn silence_is_a_matter_of_the_threshold() {
        assert!(is_silent(&[10; 160], -50.0));
        assert!(!is_silent(&[1000; 160], -50.0));
        assert!(is_silent(&[], -50.0));
    }
}
