//! Sound to play.

use std::f64::consts::{PI, TAU};

const RATE: f64 = 8000.0;

/// Marsaglia's xorshift.
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }

    fn noise(&mut self) -> f64 {
        self.below(2001) as f64 / 1000.0 - 1.0
    }
}

/// A tone.
pub(crate) fn tone(hertz: f64, peak: f64, count: usize) -> Vec<i16> {
    (0..count).map(|n| ((n as f64 * hertz / RATE * TAU).sin() * peak) as i16).collect()
}

/// Syllables with a gliding pitch of 90 to 230 Hz and two formants, hissing ones, and pauses.
pub(crate) fn speech(count: usize) -> Vec<i16> {
    let mut draw = Draw::new(5);
    let mut sound = Vec::with_capacity(count);
    let (mut phase, mut pitch) = (0.0, 120.0);
    while sound.len() < count {
        let length = 1200 + draw.below(1600);
        let kind = draw.below(20);
        let glide = 1.0 + (draw.below(200) as f64 - 100.0) * 6e-7;
        pitch = (pitch + 90.0 + draw.below(140) as f64) / 2.0;
        let (low, high) = (300 + draw.below(500), 1000 + draw.below(1300));
        let mut formants = if (10..14).contains(&kind) {
            [Formant::new(2500.0, 900.0), Formant::new(3400.0, 900.0)]
        } else {
            [Formant::new(low as f64, 90.0), Formant::new(high as f64, 140.0)]
        };
        for n in 0..length {
            let loudness = (n as f64 / length as f64 * PI).sin().sqrt();
            let source = match kind {
                0..10 => {
                    pitch *= glide;
                    phase += pitch / RATE;
                    let is_pulse = phase >= 1.0;
                    phase -= f64::from(u8::from(is_pulse));
                    if is_pulse { 3000.0 } else { draw.noise() * 20.0 }
                }
                10..14 => draw.noise() * 250.0,
                _ => draw.noise() * 2.0,
            };
            let voice: f64 = formants.iter_mut().map(|formant| formant.ring(source)).sum();
            sound.push((voice * loudness).clamp(-30_000.0, 30_000.0) as i16);
        }
    }
    sound.truncate(count);
    sound
}

/// A resonance: two poles.
struct Formant {
    a: f64,
    b: f64,
    past: [f64; 2],
}

impl Formant {
    fn new(hertz: f64, width: f64) -> Self {
        let radius = (-PI * width / RATE).exp();
        Self { a: 2.0 * radius * (TAU * hertz / RATE).cos(), b: -radius * radius, past: [0.0; 2] }
    }

    fn ring(&mut self, source: f64) -> f64 {
        let value = source + self.a * self.past[0] + self.b * self.past[1];
        self.past = [value, self.past[0]];
        value
    }
}
