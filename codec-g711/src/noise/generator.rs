use super::estimator::step_up;
use super::{MAX_ORDER, Sid};
use crate::math;

/// Samples between two steps towards a new description.
const STEP: usize = 40;
/// How far each step goes: most of the way in 50 ms.
const APPROACH: f32 = 0.2;

/// Makes noise as described by the last [`Sid`], without a jump where the description changes.
#[derive(Debug, Clone)]
pub struct Generator {
    target: Sid,
    reflections: [f32; MAX_ORDER],
    amplitude: f32,
    polynomial: [f32; MAX_ORDER],
    /// Gain of the excitation.
    gain: f32,
    /// The last samples made, newest first.
    made: [f32; MAX_ORDER],
    /// Samples until the next step.
    until_step: usize,
    random: u64,
    started: bool,
}

impl Generator {
    /// Silent until the first [`follow`](Self::follow). The noise of one seed is always the same; streams that
    /// are mixed should have different ones.
    pub fn new(seed: u64) -> Self {
        Self {
            target: Sid::white(127),
            reflections: [0.0; MAX_ORDER],
            amplitude: 0.0,
            polynomial: [0.0; MAX_ORDER],
            gain: 0.0,
            made: [0.0; MAX_ORDER],
            until_step: 0,
            // Any odd constant will do to keep the state from being 0, where the generator would stay.
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            started: false,
        }
    }

    /// Takes a new description and moves towards it; the first is taken at once.
    pub fn follow(&mut self, sid: &Sid) {
        self.target = *sid;
        if !self.started {
            self.started = true;
            self.approach(1.0);
            self.until_step = STEP;
        }
    }

    /// Fills a frame of any length.
    pub fn fill(&mut self, frame: &mut [i16]) {
        for sample in frame {
            if self.until_step == 0 {
                if self.started {
                    self.approach(APPROACH);
                }
                self.until_step = STEP;
            }
            self.until_step -= 1;
            let mut new = self.gain * self.excitation();
            for (coefficient, made) in self.polynomial.iter().zip(&self.made) {
                new -= coefficient * made;
            }
            // A bound, so that no description can drive the filter to infinity.
            let new = new.clamp(-32768.0, 32767.0);
            self.made.copy_within(..MAX_ORDER - 1, 1);
            self.made[0] = new;
            *sample = new as i16;
        }
    }

    fn approach(&mut self, share: f32) {
        let target = self.target.reflections();
        let mut polynomial = [0.0; MAX_ORDER];
        let mut residue = 1.0;
        for (order, (reflection, target)) in self.reflections.iter_mut().zip(target).enumerate() {
            // Between two stable filters all reflection coefficients are those of stable ones.
            *reflection += share * (target - *reflection);
            residue *= 1.0 - *reflection * *reflection;
            step_up(&mut polynomial, order, *reflection);
        }
        self.polynomial = polynomial;
        let amplitude = math::sqrt(self.target.mean_square());
        self.amplitude += share * (amplitude - self.amplitude);
        self.gain = self.amplitude * math::sqrt(residue);
    }

    /// Roughly Gaussian noise of variance 1: the sum of four uniform numbers.
    fn excitation(&mut self) -> f32 {
        // Marsaglia's xorshift; this is noise, not a secret.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let sum: i32 = self
            .random
            .to_le_bytes()
            .as_chunks::<2>()
            .0
            .iter()
            .map(|two| i32::from(i16::from_le_bytes(*two)))
            .sum();
        // Each has a variance of 65536 squared by 12.
        sum as f32 * (1.732_050_8 / 65536.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Estimator;
    use super::*;
    use crate::audio::Level;

    fn seconds(generator: &mut Generator, seconds: usize) -> std::vec::Vec<i16> {
        let mut samples = std::vec![0; seconds * 8000];
        generator.fill(&mut samples);
        samples
    }

    #[test]
    fn the_level_is_the_one_described() {
        for level in [20, 40, 60] {
            for payload in [&[level][..], &[level, 20, 180, 100], &[level, 230, 200, 127, 140]] {
                let sid = Sid::from_payload(payload).expect("not empty");
                let mut generator = Generator::new(3);
                generator.follow(&sid);
                let made = Level::of(&seconds(&mut generator, 4)).rms_dbov();
                assert!((made + f32::from(level)).abs() < 1.0, "{payload:?}: {made} dBov");
            }
        }
    }

    #[test]
    fn the_spectrum_is_the_one_described() {
        let sid = Sid::from_payload(&[35, 20, 180, 100, 140]).expect("not empty");
        let mut generator = Generator::new(11);
        generator.follow(&sid);
        let mut estimator = Estimator::new();
        let samples = seconds(&mut generator, 4);
        let mut sums = [0.0; 4];
        for (count, frame) in samples.chunks(160).enumerate() {
            estimator.observe(frame);
            if count >= 50 {
                for (sum, k) in sums.iter_mut().zip(estimator.describe(4).reflections()) {
                    *sum += k / 150.0;
                }
            }
        }
        for (wanted, got) in sid.reflections().iter().zip(sums) {
            assert!((wanted - got).abs() < 0.12, "{wanted} became {got}");
        }
    }

    #[test]
    fn a_new_description_is_approached_without_a_jump() {
        let mut generator = Generator::new(5);
        generator.follow(&Sid::white(60));
        seconds(&mut generator, 1);
        generator.follow(&Sid::white(30));
        let mut first = [0; 40];
        generator.fill(&mut first);
        assert!(Level::of(&first).rms_dbov() < -40.0);
        let late = seconds(&mut generator, 1);
        assert!((Level::of(&late[4000..]).rms_dbov() + 30.0).abs() < 1.0);
    }

    #[test]
    fn nothing_described_is_silence_and_the_seed_decides() {
        let mut generator = Generator::new(1);
        assert!(seconds(&mut generator, 1).iter().all(|sample| *sample == 0));
        let made = |seed| {
            let mut generator = Generator::new(seed);
            generator.follow(&Sid::white(40));
            seconds(&mut generator, 1)
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }

    #[test]
    fn the_worst_description_stays_within_bounds() {
        for payload in [[0u8; 13], [0, 254, 0, 254, 0, 254, 0, 254, 0, 254, 0, 254, 0], [0xFF; 13]]
        {
            let sid = Sid::from_payload(&payload).expect("not empty");
            let mut generator = Generator::new(9);
            generator.follow(&sid);
            seconds(&mut generator, 1);
            assert!(generator.made.iter().all(|made| made.is_finite()));
        }
    }
}
