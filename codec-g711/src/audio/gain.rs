use crate::kernel::Kernel;
use crate::math;

/// A factor for samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    factor: f32,
}

impl Gain {
    /// No change.
    pub const UNITY: Self = Self { factor: 1.0 };

    /// A gain in decibels; negative ones attenuate. Below -96 dB and for what is not a number the result is
    /// silence.
    pub fn from_db(db: f32) -> Self {
        if db < -96.0 || db.is_nan() {
            return Self { factor: 0.0 };
        }
        // Half the decibels as a ratio of powers are all of them as a ratio of amplitudes.
        Self { factor: math::power_ratio(db / 2.0) }
    }

    /// A gain as a factor; what is not a finite number counts as 0.
    pub fn from_factor(factor: f32) -> Self {
        Self { factor: if factor.is_finite() { factor } else { 0.0 } }
    }

    /// The factor that samples are multiplied by.
    pub fn factor(self) -> f32 {
        self.factor
    }

    /// Multiplies, rounds to the nearest (to even in the middle) and saturates.
    pub fn apply(self, samples: &mut [i16]) {
        Kernel::best().apply_gain(self, samples);
    }
}

/// The multiplication for every machine, compiled anew for each set of instructions.
#[inline(always)]
pub(crate) fn scale(samples: &mut [i16], factor: f32) {
    for sample in samples {
        let product = f32::from(*sample) * factor;
        let product = if product < -32768.0 { -32768.0 } else { product };
        let product = if product > 32767.0 { 32767.0 } else { product };
        *sample = math::round_to_i16(product);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_are_decibels() {
        assert!((Gain::from_db(6.0206).factor() - 2.0).abs() < 1e-5);
        assert!((Gain::from_db(-20.0).factor() - 0.1).abs() < 1e-7);
        assert_eq!(Gain::from_db(0.0), Gain::UNITY);
        assert_eq!(Gain::from_db(f32::NEG_INFINITY).factor(), 0.0);
        assert_eq!(Gain::from_db(f32::NAN).factor(), 0.0);
        assert_eq!(Gain::from_factor(f32::INFINITY).factor(), 0.0);
    }

    #[test]
    fn unity_changes_nothing() {
        let mut samples: std::vec::Vec<i16> = (i16::MIN..=i16::MAX).collect();
        Gain::UNITY.apply(&mut samples);
        assert!(samples.iter().copied().eq(i16::MIN..=i16::MAX));
    }

    #[test]
    fn products_are_rounded_and_saturated() {
        for factor in [0.0f32, 0.1, 0.5, -1.0, 1.5, 3.7, 1e30, -1e30] {
            for sample in i16::MIN..=i16::MAX {
                let mut made = [sample];
                Gain::from_factor(factor).apply(&mut made);
                let exact = (f32::from(sample) * factor).round_ties_even();
                assert_eq!(made[0], exact as i16, "{sample} times {factor}");
            }
        }
    }
}
