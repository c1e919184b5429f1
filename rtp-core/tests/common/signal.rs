//! Audio made for the detectors: digits under conditions, speech, music, and the two laws of G.711.

#![allow(dead_code, unreachable_pub)]

use std::f64::consts::{PI, TAU};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rtp_core::dtmf::Digit;

pub const RATE: f64 = 8_000.0;
/// Peak of a sine of 0 dBm0 (ITU-T G.711).
const PEAK: f64 = 22_828.0;

/// Chance with a seed.
pub struct Chance(ChaCha8Rng);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// 0 to 1.
    pub fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub fn sign(&mut self) -> f64 {
        if self.unit() < 0.5 { -1.0 } else { 1.0 }
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Normal, variance 1.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (self.unit() + 1e-12).ln()).sqrt() * (TAU * self.unit()).cos()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    A,
    Mu,
}

impl Law {
    /// What a sample is after encoding and decoding (ITU-T G.711), by the definition.
    pub fn pass(self, sample: i16) -> i16 {
        let sample = i32::from(sample);
        let heard = match self {
            // 13 bits: steps of 2 up to 64, then sixteen steps an octave; the middle of each.
            Law::A => {
                let code = sample >> 3;
                let magnitude = if code < 0 { !code } else { code };
                let octave = (31 - (magnitude.max(32) as u32).leading_zeros()) as i32 - 4;
                let octave = octave.max(1);
                let level = (magnitude >> octave << octave) + (1 << (octave - 1));
                8 * if code < 0 { -level } else { level }
            }
            // 14 bits with 33 added, sixteen steps an octave.
            Law::Mu => {
                let biased = sample.abs().min(32_635) + 132;
                let octave = (31 - (biased as u32).leading_zeros()) as i32 - 7;
                let level = (((biased >> (octave + 3)) & 15) * 8 + 132) << octave;
                (level - 132) * sample.signum()
            }
        };
        heard as i16
    }

    pub fn loop_back(self, samples: &[i16]) -> Vec<i16> {
        samples.iter().map(|sample| self.pass(*sample)).collect()
    }
}

/// Conditions of a series of digits.
#[derive(Debug, Clone, Copy)]
pub struct Series {
    /// Seconds.
    pub tone: f64,
    pub pause: f64,
    /// Deviations as fractions; each has its sign at random when `signs` is set.
    pub low: f64,
    pub high: f64,
    pub signs: bool,
    /// High over low, in dB: anything between the two.
    pub twist: (f64, f64),
    /// Both tones together, in dBm0: anything between the two.
    pub level: (f64, f64),
    /// Power of the tones over that of all the noise.
    pub snr: Option<f64>,
    /// Noise of 300 to 3400 Hz only.
    pub band: bool,
    /// Seconds in which a tone rises and falls.
    pub ramp: f64,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            tone: 0.040,
            pause: 0.040,
            low: 0.0,
            high: 0.0,
            signs: true,
            twist: (0.0, 0.0),
            level: (-10.0, -10.0),
            snr: None,
            band: false,
            ramp: 0.0,
        }
    }
}

/// A digit that was sent: when, for how long (seconds), and which.
pub type Sent = (f64, f64, Digit);

impl Series {
    /// So many digits: the keys in turn, then at random, with phases and the fractions of a sample at
    /// which they begin at random too.
    pub fn make(&self, count: usize, seed: u64) -> (Vec<i16>, Vec<Sent>) {
        let mut chance = Chance::new(seed);
        let seconds = (count as f64) * (self.tone + self.pause + 0.0002) + 0.3;
        let mut audio = vec![0.0; (seconds * RATE) as usize];
        let mut sent = Vec::new();
        let mut at = 0.1;
        let mut power = 0.0;
        for n in 0..count {
            at += chance.unit() / RATE;
            let key = if n < 32 { n % 16 } else { chance.below(16) };
            let digit = Digit::at(key / 4, key % 4).unwrap();
            let ratio = 10f64.powf(chance.between(self.twist.0, self.twist.1) / 10.0);
            let level = chance.between(self.level.0, self.level.1);
            power = PEAK * PEAK / 2.0 * 10f64.powf(level / 10.0);
            let mut sign = || if self.signs { chance.sign() } else { 1.0 };
            let low = f64::from(digit.low()) * (1.0 + self.low * sign());
            let high = f64::from(digit.high()) * (1.0 + self.high * sign());
            let (low_phase, high_phase) = (chance.unit() * TAU, chance.unit() * TAU);
            let low_peak = (2.0 * power / (1.0 + ratio)).sqrt();
            let high_peak = low_peak * ratio.sqrt();
            let first = (at * RATE).ceil() as usize;
            let end = ((at + self.tone) * RATE).ceil() as usize;
            for (sample, slot) in (first..end).zip(&mut audio[first..end]) {
                let t = sample as f64 / RATE - at;
                let edge = (t.min(self.tone - t) / self.ramp.max(1e-9)).clamp(0.0, 1.0);
                *slot += edge
                    * (low_peak * (TAU * low * t + low_phase).sin()
                        + high_peak * (TAU * high * t + high_phase).sin());
            }
            sent.push((at, self.tone, digit));
            at += self.tone + self.pause;
        }
        if let Some(snr) = self.snr {
            let scale = (power * 10f64.powf(-snr / 10.0)).sqrt();
            let mut noise: Vec<f64> = audio.iter().map(|_| chance.normal()).collect();
            if self.band {
                noise = voice_band(&noise);
            }
            for (slot, noise) in audio.iter_mut().zip(noise) {
                *slot += scale * noise;
            }
        }
        (to_samples(&audio), sent)
    }
}

fn to_samples(audio: &[f64]) -> Vec<i16> {
    audio.iter().map(|value| value.round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

/// 300 to 3400 Hz, of the power that came in.
fn voice_band(noise: &[f64]) -> Vec<f64> {
    let low_pass = |cut: f64, t: f64| {
        if t == 0.0 { 2.0 * cut / RATE } else { (TAU * cut * t / RATE).sin() / (PI * t) }
    };
    let taps: Vec<f64> = (-50..=50)
        .map(|n| {
            let t = f64::from(n);
            (low_pass(3_400.0, t) - low_pass(300.0, t)) * (0.5 + 0.5 * (TAU * t / 102.0).cos())
        })
        .collect();
    let gain = taps.iter().map(|tap| tap * tap).sum::<f64>().sqrt();
    (0..noise.len())
        .map(|n| taps.iter().zip(noise[..=n].iter().rev()).map(|(a, b)| a * b).sum::<f64>() / gain)
        .collect()
}

/// Brings a piece to a peak of about -9 to 0 dB of full scale.
fn scaled(mut audio: Vec<f64>, chance: &mut Chance) -> Vec<i16> {
    let peak = audio.iter().fold(1.0f64, |peak, value| peak.max(value.abs()));
    let gain = 32_000.0 * 10f64.powf(chance.between(-9.0, 0.0) / 20.0) / peak;
    audio.iter_mut().for_each(|value| *value *= gain);
    to_samples(&audio)
}

/// One resonance.
struct Formant {
    past: [f64; 2],
}

impl Formant {
    fn pass(&mut self, input: f64, hertz: f64, bandwidth: f64) -> f64 {
        let radius = (-PI * bandwidth / RATE).exp();
        let a = 2.0 * radius * (TAU * hertz / RATE).cos();
        let b = -radius * radius;
        let output = (1.0 - a - b) * input + a * self.past[0] + b * self.past[1];
        self.past = [output, self.past[0]];
        output
    }
}

/// Speech: syllables of a fricative or a stop and one or two vowels that glide, by voices from a bass to
/// a child, with a melody, jitter and breath; pauses between words.
pub fn speech(seconds: f64, seed: u64) -> Vec<i16> {
    // The first four formants of ten vowels (Peterson and Barney, means of men).
    const VOWELS: [[f64; 4]; 10] = [
        [270.0, 2290.0, 3010.0, 3500.0],
        [390.0, 1990.0, 2550.0, 3500.0],
        [530.0, 1840.0, 2480.0, 3500.0],
        [660.0, 1720.0, 2410.0, 3500.0],
        [730.0, 1090.0, 2440.0, 3400.0],
        [570.0, 840.0, 2410.0, 3300.0],
        [440.0, 1020.0, 2240.0, 3300.0],
        [300.0, 870.0, 2240.0, 3300.0],
        [640.0, 1190.0, 2390.0, 3400.0],
        [490.0, 1350.0, 1690.0, 3300.0],
    ];
    let mut chance = Chance::new(seed);
    let length = (seconds * RATE) as usize;
    let mut audio = Vec::with_capacity(length + 16_000);
    let (mut pitch, mut scale) = (120.0, 1.0);
    while audio.len() < length {
        if chance.unit() < 0.05 {
            // Another speaker; short throats have high formants.
            pitch = chance.between(75.0, 420.0);
            scale = 1.0 + (pitch - 100.0) / 1_200.0 + chance.between(-0.05, 0.05);
        }
        if chance.unit() < 0.2 {
            let pause = chance.between(0.05, 0.6);
            audio.resize(audio.len() + (pause * RATE) as usize, 0.0);
        }
        if chance.unit() < 0.7 {
            let fricative = chance.unit() < 0.5;
            let (centre, width) =
                (chance.between(1_500.0, 3_600.0), chance.between(200.0, 1_500.0));
            let span = if fricative { chance.between(0.04, 0.15) } else { 0.012 };
            let silence = if fricative { 0.0 } else { chance.between(0.02, 0.08) };
            audio.resize(audio.len() + (silence * RATE) as usize, 0.0);
            let mut formant = Formant { past: [0.0; 2] };
            let loudness = chance.between(0.05, 0.4);
            for n in 0..(span * RATE) as usize {
                let t = n as f64 / RATE / span;
                let noise = chance.normal() * loudness * (PI * t).sin();
                audio.push(formant.pass(noise, centre, width) * 2.0);
            }
        }
        let (from, to) = (VOWELS[chance.below(10)], VOWELS[chance.below(10)]);
        let glides = chance.unit() < 0.6;
        let span = chance.between(0.06, 0.35);
        let (first, last) = (pitch * chance.between(0.85, 1.2), pitch * chance.between(0.75, 1.1));
        let breath = chance.between(0.0, 0.05);
        let tilt = chance.between(0.4, 0.95);
        let loudness = chance.between(0.3, 1.0);
        let mut formants: [Formant; 4] = std::array::from_fn(|_| Formant { past: [0.0; 2] });
        let (mut phase, mut period, mut glottis) = (1.0, 1.0, 0.0);
        for n in 0..(span * RATE) as usize {
            let t = n as f64 / RATE / span;
            phase += (first + (last - first) * t) * period / RATE;
            let mut pulse = 0.0;
            if phase >= 1.0 {
                phase -= 1.0;
                period = 1.0 + 0.008 * chance.normal();
                pulse = 1.0 + 0.05 * chance.normal();
            }
            glottis = tilt * glottis + pulse + breath * chance.normal();
            let mix = if glides { t } else { 0.0 };
            let mut value = glottis;
            for (n, formant) in formants.iter_mut().enumerate() {
                let hertz = ((from[n] + (to[n] - from[n]) * mix) * scale).min(3_900.0);
                value = formant.pass(value, hertz, 50.0 + 0.04 * hertz);
            }
            let edge = (t * span / 0.02).min((1.0 - t) * span / 0.03).min(1.0);
            audio.push(value * edge * loudness * 8.0);
        }
    }
    audio.truncate(length);
    scaled(audio, &mut chance)
}

/// Music: chords with harmonics over a bass and drums, with a melody that has vibrato; plucked strings; a
/// single voice. Two bars of each in turn, keys, tempi and timbres at random.
pub fn music(seconds: f64, seed: u64) -> Vec<i16> {
    let mut chance = Chance::new(seed);
    let mut audio = vec![0.0; (seconds * RATE) as usize];
    let mut at = 0.0;
    while at < seconds {
        let beat = chance.between(0.12, 0.6);
        let root = 40.0 + chance.below(18) as f64;
        let roll = chance.between(0.6, 2.0);
        let style = chance.below(3);
        for _ in 0..8 {
            let third = if chance.unit() < 0.5 { 3.0 } else { 4.0 };
            match style {
                0 => {
                    for step in [12.0, 12.0 + third, 19.0, 24.0] {
                        note(&mut audio, &mut chance, at, beat, root + step, 1.0, roll, 1.0, 0.0);
                    }
                    note(&mut audio, &mut chance, at, beat, root - 12.0, 2.0, 1.0, 2.0, 0.0);
                    let step = [24.0, 26.0, 28.0, 31.0, 33.0, 36.0][chance.below(6)];
                    note(&mut audio, &mut chance, at, beat, root + step, 2.0, roll, 0.5, 0.006);
                    drum(&mut audio, &mut chance, at);
                }
                1 => {
                    for _ in 0..=chance.below(3) {
                        let step = chance.below(40) as f64;
                        let decay = chance.between(2.0, 12.0);
                        note(
                            &mut audio,
                            &mut chance,
                            at,
                            beat * 2.0,
                            root + step,
                            1.5,
                            roll,
                            decay,
                            0.0,
                        );
                    }
                }
                _ => {
                    let step = chance.below(36) as f64;
                    let vibrato = chance.between(0.0, 0.01);
                    note(&mut audio, &mut chance, at, beat, root + step, 2.5, roll, 0.3, vibrato);
                }
            }
            at += beat;
        }
    }
    scaled(audio, &mut chance)
}

#[allow(clippy::too_many_arguments, reason = "a note is that many things")]
fn note(
    audio: &mut [f64],
    chance: &mut Chance,
    at: f64,
    span: f64,
    key: f64,
    loudness: f64,
    roll: f64,
    decay: f64,
    vibrato: f64,
) {
    let hertz = 440.0 * 2f64.powf((key - 69.0) / 12.0);
    let harmonics = ((3_700.0 / hertz) as usize).clamp(1, 12);
    let phases: Vec<f64> = (0..harmonics).map(|_| chance.unit() * TAU).collect();
    let rate = chance.between(4.5, 6.5);
    let attack = chance.between(0.004, 0.03);
    let first = (at * RATE) as usize;
    let end = (((at + span) * RATE) as usize).min(audio.len());
    let mut angle = 0.0;
    for (n, slot) in audio.iter_mut().enumerate().take(end).skip(first) {
        let t = n as f64 / RATE - at;
        angle += TAU * hertz * (1.0 + vibrato * (TAU * rate * t).sin()) / RATE;
        let edge = (t / attack).min((span - t) / 0.02).clamp(0.0, 1.0);
        let tone: f64 = phases
            .iter()
            .zip(1..)
            .map(|(phase, k)| (angle * f64::from(k) + phase).sin() * f64::from(k).powf(-roll))
            .sum();
        *slot += loudness * edge * (-t * decay).exp() * tone;
    }
}

fn drum(audio: &mut [f64], chance: &mut Chance, at: f64) {
    let first = (at * RATE) as usize;
    let decay = chance.between(10.0, 50.0);
    for (n, slot) in audio.iter_mut().skip(first).take(1_200).enumerate() {
        let t = n as f64 / RATE;
        let kick = (TAU * (60.0 * t + 3.0 * (1.0 - (-t * 30.0).exp()))).sin() * (-t * 20.0).exp();
        *slot += 3.0 * kick + chance.normal() * (-t * decay).exp();
    }
}
