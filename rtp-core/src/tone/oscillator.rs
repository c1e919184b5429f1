//! Sines without a sine function a sample.

use super::Level;

/// A sine of constant frequency and level at 8 kHz.
///
/// Each sample follows from the two before (`y[n] = 2 cos(w) y[n-1] - y[n-2]`). In double precision that
/// stays within a thousandth of a decibel and of a degree for hours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Oscillator {
    factor: f64,
    last: f64,
    before: f64,
}

/// Samples a second.
const RATE: f64 = 8_000.0;

impl Oscillator {
    /// A sine of that frequency, 0 to 4000 Hz, that begins at zero and rises.
    pub fn new(hertz: f32, level: Level) -> Oscillator {
        Oscillator::with_phase(hertz, level, 0.0)
    }

    /// The same, beginning at that part of a turn, 0 to 1.
    pub fn with_phase(hertz: f32, level: Level, phase: f32) -> Oscillator {
        let step = core::f64::consts::TAU * f64::from(hertz.clamp(0.0, 4_000.0)) / RATE;
        let phase = core::f64::consts::TAU * f64::from(phase);
        let peak = f64::from(level.peak());
        Oscillator {
            factor: 2.0 * libm::cos(step),
            last: peak * libm::sin(phase - step),
            before: peak * libm::sin(phase - 2.0 * step),
        }
    }

    /// The next sample, not rounded, of 16-bit size.
    #[inline]
    pub fn sample(&mut self) -> f64 {
        let next = self.factor * self.last - self.before;
        self.before = self.last;
        self.last = next;
        next
    }

    /// Goes on with the opposite sign: half a turn at once.
    pub fn reverse_phase(&mut self) {
        self.last = -self.last;
        self.before = -self.before;
    }
}

/// Rounds and limits to 16 bits.
#[inline]
pub(crate) fn to_sample(value: f64) -> i16 {
    // A cast saturates; libm's round is not needed for half a step.
    (value + if value < 0.0 { -0.5 } else { 0.5 }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_sine_for_hours() {
        let mut oscillator = Oscillator::with_phase(1_633.0, Level(-10.0), 0.25);
        let peak = f64::from(Level(-10.0).peak());
        for n in 0..8_000u32 * 3_600 {
            let sample = oscillator.sample();
            if n % 799_993 < 3 {
                let turns = f64::from(n) * 1_633.0 / RATE + 0.25;
                let sine = (turns.fract() * core::f64::consts::TAU).sin();
                assert!((sample - peak * sine).abs() < 1.0, "sample {n}");
            }
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_and_limited() {
        let rounded = [1.4, 1.6, -1.4, -1.6, 40_000.0, -40_000.0].map(to_sample);
        assert_eq!(rounded, [1, 2, -1, -2, i16::MAX, i16::MIN]);
    }
}
