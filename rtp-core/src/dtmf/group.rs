//! One group of tones: its signal as the band filter gives it, and what a run of it adds up to.

use super::filter::Filter;
use super::filter::TAPS;

/// Hops between the two samples whose phases are compared: 5 ms.
///
/// A frequency is measured by how far the phase advances. Over 5 ms that is four times as precise as
/// over one hop, and turns full circle every 200 Hz only; which of the turns it is, the advance over
/// one hop tells, which turns every 800 Hz and so is unique within a group.
pub(super) const LAG: usize = 4;

/// Hops a second, with what one hop of phase advance is unique in.
const HOPS_A_SECOND: f32 = 800.0;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Group {
    past: [[i16; 2]; LAG],
    /// The sums of a run: phase advances over one and over four hops, each weighted by its power.
    advance: [f32; 2],
    advance_lag: [f32; 2],
    power: f32,
    /// What the power is about now.
    pub(super) level: f32,
}

/// One output of the band filter, against those before.
pub(super) struct Sample {
    power: f32,
    power_lag: f32,
    advance: [f32; 2],
    advance_lag: [f32; 2],
}

/// What a run says of its tone.
pub(super) struct Measure {
    /// Which of the four.
    pub(super) index: usize,
    /// How far it is from the nominal frequency, as a fraction of it.
    pub(super) deviation: f32,
    /// All power of the group, by the filter's gain at this frequency.
    pub(super) power: f32,
    /// The part of it that is one steady tone.
    pub(super) tone: f32,
}

impl Group {
    /// Filters the window and compares.
    #[inline]
    pub(super) fn take(&mut self, filter: &Filter, window: &[i16; TAPS], hop: u64) -> Sample {
        let slot = hop as usize % LAG;
        let sample = filter.apply(window);
        let previous = self.past[(slot + LAG - 1) % LAG];
        let old = core::mem::replace(&mut self.past[slot], sample);
        Sample {
            power: product(sample, sample)[0],
            power_lag: product(old, old)[0],
            advance: product(sample, previous),
            advance_lag: product(sample, old),
        }
    }

    /// Is the phase within 60 degrees of where the run's tone would have it?
    #[inline]
    pub(super) fn is_in_phase(&self, sample: &Sample) -> bool {
        let [re, im] = self.advance_lag;
        let along = sample.advance_lag[0] * re + sample.advance_lag[1] * im;
        along > 0.0 && along * along >= 0.25 * sample.power * sample.power_lag * (re * re + im * im)
    }

    /// Is it less than 7.5 dB below the level?
    #[inline]
    pub(super) fn is_loud(&self, sample: &Sample) -> bool {
        sample.power > 0.18 * self.level
    }

    /// Is it more than 6 dB above the level?
    #[inline]
    pub(super) fn is_louder(&self, sample: &Sample) -> bool {
        sample.power > 4.0 * self.level
    }

    /// Begins a run.
    pub(super) fn begin(&mut self, sample: &Sample) {
        self.advance = [0.0; 2];
        self.advance_lag = [0.0; 2];
        self.power = 0.0;
        self.level = sample.power;
    }

    /// Lets the level follow; quickly while the filter is still filling.
    #[inline]
    pub(super) fn follow(&mut self, sample: &Sample, quickly: bool) {
        self.level += (sample.power - self.level) * if quickly { 0.5 } else { 0.25 };
    }

    /// Adds to the sums of the run.
    #[inline]
    pub(super) fn add(&mut self, sample: &Sample) {
        self.power += sample.power;
        for n in 0..2 {
            self.advance[n] += sample.advance[n];
            self.advance_lag[n] += sample.advance_lag[n];
        }
    }

    /// Measures the run's tone.
    pub(super) fn measure(&self, tones: &[Tone; 4]) -> Measure {
        let mut index = 0;
        let mut nearest = f32::MIN;
        for (n, tone) in tones.iter().enumerate() {
            let along = self.advance[0] * tone.advance[0] + self.advance[1] * tone.advance[1];
            if along > nearest {
                (index, nearest) = (n, along);
            }
        }
        let tone = &tones[index % tones.len()];
        let [re, im] = self.advance_lag;
        let [cosine, sine] = tone.advance_lag;
        let angle = libm::atan2f(im * cosine - re * sine, re * cosine + im * sine);
        let hertz = angle * (HOPS_A_SECOND / LAG as f32 / core::f32::consts::TAU);
        let deviation = hertz / tone.hertz;
        let near = deviation.clamp(-0.02, 0.02);
        let [a, b, c] = tone.inverse_gain;
        let inverse_gain = a + near * (b + near * c);
        Measure {
            index,
            deviation,
            power: self.power * inverse_gain,
            tone: libm::sqrtf(re * re + im * im) * inverse_gain,
        }
    }
}

/// Powers are in units of two to the sixteenth, so that squares of the sums of hours stay in single precision.
pub(super) const SCALE: f32 = 1.0 / 65_536.0;

/// One number times the conjugate of the other: the phase between them, weighted by their power.
#[inline]
fn product(a: [i16; 2], b: [i16; 2]) -> [f32; 2] {
    let [a_re, a_im] = a.map(i32::from);
    let [b_re, b_im] = b.map(i32::from);
    // Two products of 16 bits may be one more than 32 bits hold.
    let re = (a_re * b_re) as f32 + (a_im * b_im) as f32;
    let im = (a_im * b_re) as f32 - (a_re * b_im) as f32;
    [re * SCALE, im * SCALE]
}

/// A nominal tone, with what is known of it in advance.
pub(super) struct Tone {
    hertz: f32,
    /// Cosine and sine of its advance over one hop and over four.
    advance: [f32; 2],
    advance_lag: [f32; 2],
    /// One over the filter's power gain: a parabola in the deviation, right at -1.75, 0 and 1.75 %.
    inverse_gain: [f32; 3],
}

pub(super) const LOW_TONES: [Tone; 4] = [
    Tone {
        hertz: 697.0,
        advance: [0.690251, -0.723570],
        advance_lag: [-0.995562, 0.094108],
        inverse_gain: [0.9938, -2.253, 29.6],
    },
    Tone {
        hertz: 770.0,
        advance: [0.972370, -0.233445],
        advance_lag: [0.587785, -0.809017],
        inverse_gain: [0.9664, 0.776, 1.3],
    },
    Tone {
        hertz: 852.0,
        advance: [0.917755, 0.397148],
        advance_lag: [-0.062791, 0.998027],
        inverse_gain: [0.9827, -0.780, -5.5],
    },
    Tone {
        hertz: 941.0,
        advance: [0.446979, 0.894545],
        advance_lag: [-0.278991, -0.960294],
        inverse_gain: [0.9937, 3.090, 54.2],
    },
];
pub(super) const HIGH_TONES: [Tone; 4] = [
    Tone {
        hertz: 1209.0,
        advance: [-0.997503, -0.070627],
        advance_lag: [0.960294, 0.278991],
        inverse_gain: [0.9941, -1.456, 54.1],
    },
    Tone {
        hertz: 1336.0,
        advance: [-0.481754, -0.876307],
        advance_lag: [-0.425779, -0.904827],
        inverse_gain: [1.0380, -0.364, -16.0],
    },
    Tone {
        hertz: 1477.0,
        advance: [0.568562, -0.822641],
        advance_lag: [-0.750111, 0.661312],
        inverse_gain: [1.0228, 0.817, -2.0],
    },
    Tone {
        hertz: 1633.0,
        advance: [0.966600, 0.256289],
        advance_lag: [0.509041, 0.860742],
        inverse_gain: [0.9950, 2.135, 99.4],
    },
];

#[cfg(test)]
mod tests {
    use super::super::filter::{GAIN, HIGH, LOW};
    use super::*;
    use alloc::vec::Vec;
    use core::f64::consts::TAU;

    /// A second of a steady tone through the filter.
    fn run(filter: &Filter, tones: &[Tone; 4], hertz: f64, amplitude: f64) -> Measure {
        let mut group = Group::default();
        for hop in 0..800 {
            let window = core::array::from_fn(|n| {
                let t = (hop * 10 + n) as f64 / 8e3;
                (amplitude * (TAU * hertz * t).sin()).round() as i16
            });
            let sample = group.take(filter, &window, hop as u64);
            if hop >= LAG {
                group.add(&sample);
            }
        }
        group.measure(tones)
    }

    #[test]
    fn the_tables_are_the_formulas() {
        for tone in LOW_TONES.iter().chain(&HIGH_TONES) {
            for (lag, [cosine, sine]) in [(1.0, tone.advance), (4.0, tone.advance_lag)] {
                let angle = TAU * f64::from(tone.hertz) * lag / 800.0;
                assert!((f64::from(cosine) - angle.cos()).abs() < 1e-6);
                assert!((f64::from(sine) - angle.sin()).abs() < 1e-6);
            }
        }
        let nominal: Vec<f32> =
            LOW_TONES.iter().chain(&HIGH_TONES).map(|tone| tone.hertz).collect();
        let digits = super::super::Digit::LOW.iter().chain(&super::super::Digit::HIGH);
        assert!(digits.map(|hertz| f32::from(*hertz)).eq(nominal));
    }

    #[test]
    fn frequency_and_power_are_measured() {
        for (filter, tones) in [(&LOW, &LOW_TONES), (&HIGH, &HIGH_TONES)] {
            for (index, tone) in tones.iter().enumerate() {
                for deviation in [-0.035, -0.0175, -0.015, 0.0, 0.005, 0.0175, 0.035] {
                    let hertz = f64::from(tone.hertz) * (1.0 + deviation);
                    let measure = run(filter, tones, hertz, 8_000.0);
                    assert_eq!(measure.index, index);
                    assert!((f64::from(measure.deviation) - deviation).abs() < 1e-4);
                    if deviation.abs() < 0.02 {
                        let power = 796.0 * f64::from(GAIN * GAIN * SCALE) * 4_000.0 * 4_000.0;
                        let ratio = f64::from(measure.power) / power;
                        assert!((ratio - 1.0).abs() < 0.004, "{hertz}: {ratio}");
                        assert!((measure.tone / measure.power - 1.0).abs() < 0.004);
                    }
                }
            }
        }
    }
}
