//! Levels of tones.

/// A level in dBm0, the unit of ITU-T recommendations on tones.
///
/// The reference is A-law's: a sine that reaches the largest 16-bit sample has +3.14 dBm0 (ITU-T G.711
/// section 4); mu-law's +3.17 differs by less than anybody can tell.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Level(pub f32);

/// Of a sine that just does not clip.
#[allow(clippy::approx_constant, reason = "decibels")]
const FULL_SCALE: f32 = 3.14;

impl Level {
    /// The peak of a sine of this level, in 16-bit samples: 22,828 at 0 dBm0.
    pub fn peak(self) -> f32 {
        32_768.0 * libm::powf(10.0, (self.0 - FULL_SCALE) / 20.0)
    }

    /// The level of a signal whose squared 16-bit samples have that mean.
    pub fn of_mean_square(mean_square: f32) -> Level {
        let full = 32_768.0f32 * 32_768.0 / 2.0;
        Level(FULL_SCALE + 10.0 * libm::log10f(mean_square.max(1e-3) / full))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_3_14_db_below_full_scale() {
        assert!((Level(FULL_SCALE).peak() - 32_768.0).abs() < 1.0);
        assert!((Level(0.0).peak() - 22_828.0).abs() < 2.0);
        for level in [-60.0, -36.0, 0.0, 3.0] {
            let peak = Level(level).peak();
            assert!((Level::of_mean_square(peak * peak / 2.0).0 - level).abs() < 0.01);
        }
        assert!(Level::of_mean_square(0.0).0 < -80.0);
    }
}
