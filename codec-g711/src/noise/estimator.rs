use super::{MAX_ORDER, Sid};
use crate::audio::Level;

/// How much a new frame counts against what was heard before.
const WEIGHT: f32 = 0.2;
/// A little white noise keeps the model solvable when the input is a pure tone.
const WHITE: f32 = 1.0005;
/// Samples analysed at a time.
const WINDOW: usize = 160;

/// Learns the level and the spectrum of background noise from quiet frames.
#[derive(Debug, Clone)]
pub struct Estimator {
    mean_square: f32,
    /// Autocorrelation at lags 0 to `MAX_ORDER`, relative to lag 0.
    correlation: [f32; MAX_ORDER + 1],
    observed: bool,
}

impl Estimator {
    /// Knows nothing yet and describes silence.
    pub const fn new() -> Self {
        Self { mean_square: 0.0, correlation: [0.0; MAX_ORDER + 1], observed: false }
    }

    /// Takes a frame of background noise, 5 ms or longer; shorter ones are not worth it and are ignored.
    pub fn observe(&mut self, frame: &[i16]) {
        for part in frame.chunks(WINDOW) {
            if part.len() >= 40 {
                self.observe_window(part);
            }
        }
    }

    fn observe_window(&mut self, part: &[i16]) {
        let mean_square = Level::of(part).mean_square();
        let weight = if self.observed { WEIGHT } else { 1.0 };
        self.observed = true;
        self.mean_square += weight * (mean_square - self.mean_square);

        let mut windowed = [0.0; WINDOW];
        let middle = (part.len() - 1) as f32 / 2.0;
        for (index, (windowed, sample)) in windowed.iter_mut().zip(part).enumerate() {
            // A parabola, so that the ends of the frame do not look like clicks.
            let distance = (index as f32 - middle) / (middle + 1.0);
            *windowed = f32::from(*sample) * (1.0 - distance * distance);
        }
        let mut energy = 0.0;
        for (lag, mean) in self.correlation.iter_mut().enumerate() {
            let later = windowed.iter().skip(lag);
            let correlation: f32 = windowed.iter().zip(later).map(|(a, b)| a * b).sum();
            if lag == 0 {
                energy = correlation;
            }
            let relative = if energy > 0.0 { correlation / energy } else { 0.0 };
            *mean += weight * (relative - *mean);
        }
    }

    /// Describes what was observed, with a spectrum of `order` coefficients (0 to [`MAX_ORDER`]; 10 is
    /// usual).
    pub fn describe(&self, order: usize) -> Sid {
        let reflections = reflections(&self.correlation);
        Sid::from_model(self.mean_square, reflections.get(..order).unwrap_or(&reflections))
    }
}

impl Default for Estimator {
    fn default() -> Self {
        Self::new()
    }
}

/// The recursion of Levinson and Durbin.
fn reflections(correlation: &[f32; MAX_ORDER + 1]) -> [f32; MAX_ORDER] {
    let mut reflections = [0.0; MAX_ORDER];
    let mut error = correlation[0] * WHITE;
    if error <= 0.0 {
        return reflections;
    }
    // The predictor polynomial, its leading 1 left out.
    let mut polynomial = [0.0; MAX_ORDER];
    for order in 0..MAX_ORDER {
        let mut sum = correlation[order + 1];
        for (index, coefficient) in polynomial.iter().take(order).enumerate() {
            sum += coefficient * correlation[order - index];
        }
        let reflection = (-sum / error).clamp(-0.999, 0.999);
        reflections[order] = reflection;
        error *= 1.0 - reflection * reflection;
        step_up(&mut polynomial, order, reflection);
    }
    reflections
}

/// Extends a predictor of `order` coefficients by one.
pub(super) fn step_up(polynomial: &mut [f32; MAX_ORDER], order: usize, reflection: f32) {
    let before = *polynomial;
    let order = order.min(MAX_ORDER - 1);
    for index in 0..order {
        polynomial[index] = before[index] + reflection * before[order - 1 - index];
    }
    polynomial[order] = reflection;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_noise_has_a_flat_spectrum_and_its_level() {
        let mut estimator = Estimator::new();
        let mut state = 1u32;
        for _ in 0..200 {
            let frame: [i16; 160] = core::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 22) as i16) - 512
            });
            estimator.observe(&frame);
        }
        let sid = estimator.describe(10);
        // A uniform spread of 1024 has a mean square of 87,381, which is 40.9 dB below overload.
        assert_eq!(sid.level(), 41);
        assert!(sid.reflections().iter().all(|k| k.abs() < 0.2), "{:?}", sid.reflections());
    }

    #[test]
    fn low_frequencies_make_the_first_coefficient_negative() {
        let mut estimator = Estimator::new();
        let rumble: [i16; 160] = core::array::from_fn(|n| ((n as f32 * 0.1).sin() * 300.0) as i16);
        estimator.observe(&rumble);
        assert!(estimator.describe(10).reflections()[0] < -0.9);
    }

    #[test]
    fn nothing_observed_is_silence() {
        assert_eq!(Estimator::new().describe(4).level(), 127);
        let mut estimator = Estimator::new();
        estimator.observe(&[0; 160]);
        estimator.observe(&[9; 39]);
        assert_eq!(estimator.describe(4).level(), 127);
        assert_eq!(estimator.describe(99).order(), MAX_ORDER);
    }
}
