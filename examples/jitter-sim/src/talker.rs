//! A synthetic voice: something with a pitch, hissing and pauses, for stretching to work on.

/// Speech-like PCM of any length at 8 kHz, always the same.
///
/// Syllables of 150 to 350 ms: voiced ones with a gliding pitch of 90 to 230 Hz and two formants, hissing
/// ones, and pauses, in the shares of ordinary speech.
pub(crate) struct Talker {
    state: u64,
    /// Samples left of this syllable, and its length.
    left: u32,
    length: u32,
    kind: Kind,
    pitch: f64,
    glide: f64,
    phase: f64,
    formants: [Formant; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Voiced,
    Hissing,
    Pause,
}

/// A resonance: two poles.
#[derive(Clone, Copy, Default)]
struct Formant {
    a: f64,
    b: f64,
    past: [f64; 2],
}

const RATE: f64 = 8000.0;

impl Talker {
    pub(crate) fn new() -> Self {
        Self {
            state: 0x9E37_79B9_7F4A_7C15,
            left: 0,
            length: 1,
            kind: Kind::Pause,
            pitch: 120.0,
            glide: 0.0,
            phase: 0.0,
            formants: [Formant::default(); 2],
        }
    }

    pub(crate) fn speak(&mut self, out: &mut [i16]) {
        for sample in out {
            if self.left == 0 {
                self.begin();
            }
            self.left -= 1;
            let age = 1.0 - f64::from(self.left) / f64::from(self.length);
            let loudness = (age * std::f64::consts::PI).sin().max(0.0).sqrt();
            let source = match self.kind {
                Kind::Voiced => {
                    self.pitch *= 1.0 + self.glide;
                    self.phase += self.pitch / RATE;
                    let is_pulse = self.phase >= 1.0;
                    self.phase -= f64::from(u8::from(is_pulse));
                    if is_pulse { 3000.0 } else { self.noise() * 20.0 }
                }
                Kind::Hissing => self.noise() * 250.0,
                Kind::Pause => self.noise() * 2.0,
            };
            let voice: f64 = self.formants.iter_mut().map(|formant| formant.ring(source)).sum();
            *sample = (voice * loudness).clamp(-30_000.0, 30_000.0) as i16;
        }
    }

    fn begin(&mut self) {
        self.length = 1200 + self.draw() % 1600;
        self.left = self.length;
        self.kind = match self.draw() % 20 {
            0..=9 => Kind::Voiced,
            10..=13 => Kind::Hissing,
            _ => Kind::Pause,
        };
        let new_pitch = 90.0 + f64::from(self.draw() % 140);
        self.pitch = (self.pitch + new_pitch) / 2.0;
        self.glide = (f64::from(self.draw() % 200) - 100.0) * 6e-7;
        let first = 300.0 + f64::from(self.draw() % 500);
        let second = 1000.0 + f64::from(self.draw() % 1300);
        self.formants = match self.kind {
            Kind::Hissing => [Formant::new(2500.0, 900.0), Formant::new(3400.0, 900.0)],
            _ => [Formant::new(first, 90.0), Formant::new(second, 140.0)],
        };
    }

    fn draw(&mut self) -> u32 {
        // Marsaglia's xorshift.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as u32
    }

    fn noise(&mut self) -> f64 {
        f64::from(self.draw() as i32 % 2001 - 1000) / 1000.0
    }
}

impl Formant {
    fn new(hertz: f64, width: f64) -> Self {
        let radius = (-std::f64::consts::PI * width / RATE).exp();
        let angle = 2.0 * std::f64::consts::PI * hertz / RATE;
        Self { a: 2.0 * radius * angle.cos(), b: -radius * radius, past: [0.0; 2] }
    }

    fn ring(&mut self, source: f64) -> f64 {
        let value = source + self.a * self.past[0] + self.b * self.past[1];
        self.past = [value, self.past[0]];
        value
    }
}
