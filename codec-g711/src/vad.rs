//! Voice activity: is somebody speaking?
//!
//! The detector follows the noise of the line, which it takes to be the quietest it has heard lately, and
//! calls speech what is clearly louder. After the last loud frame it hangs over for a while, so that soft ends
//! of words and short pauses stay.

use crate::audio::Level;

/// Limits of the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// How far above the noise speech is, in dB. Default 9.
    pub margin_db: f32,
    /// Nothing quieter than this is speech, in dBm0. Default -50.
    pub quietest_speech_dbm0: f32,
    /// How long silence has to last before it counts, in samples. Default 1600 (200 ms).
    pub hang_over: u32,
    /// How fast the estimate of the noise follows a rise, in dB a second; it follows a fall at once.
    /// Default 5.
    pub rise_db_per_second: f32,
}

impl Config {
    /// Lower noise would not change a judgement, only take longer to rise from.
    fn quietest_noise_dbm0(&self) -> f32 {
        self.quietest_speech_dbm0 - self.margin_db
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            margin_db: 9.0,
            quietest_speech_dbm0: -50.0,
            hang_over: 1600,
            rise_db_per_second: 5.0,
        }
    }
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// Louder than the noise.
    Speech,
    /// Not louder, but not for long yet.
    HangOver,
    /// Noise or nothing.
    Silence,
}

impl Activity {
    /// Whether a sender that suppresses silence has to send the frame.
    pub fn is_active(self) -> bool {
        self != Self::Silence
    }
}

/// Detects voice in one stream of 8 kHz samples.
///
/// ```
/// use codec_g711::vad::{Activity, Vad};
///
/// let mut vad = Vad::default();
/// let voice: [i16; 160] = core::array::from_fn(|n| if n % 20 < 10 { 3000 } else { -3000 });
/// assert_eq!(vad.judge(&[0; 160]), Activity::Silence);
/// assert_eq!(vad.judge(&voice), Activity::Speech);
/// assert_eq!(vad.judge(&[0; 160]), Activity::HangOver);
/// ```
#[derive(Debug, Clone)]
pub struct Vad {
    config: Config,
    noise_dbm0: f32,
    /// Samples of hang-over left.
    remaining: u32,
}

impl Vad {
    /// Starts with a quiet line.
    pub fn new(config: Config) -> Self {
        Self { config, noise_dbm0: config.quietest_noise_dbm0(), remaining: 0 }
    }

    /// The estimate of the noise, in dBm0.
    pub fn noise_dbm0(&self) -> f32 {
        self.noise_dbm0
    }

    /// Judges the next frame of the stream; 10 to 30 ms are best. An empty frame changes nothing.
    pub fn judge(&mut self, frame: &[i16]) -> Activity {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let level = Level::of(frame).rms_dbm0().max(self.config.quietest_noise_dbm0());
        let threshold =
            (self.noise_dbm0 + self.config.margin_db).max(self.config.quietest_speech_dbm0);
        let loud = length > 0 && level > threshold;

        if length > 0 {
            let rise = self.config.rise_db_per_second * length as f32 / 8000.0;
            self.noise_dbm0 = level.min(self.noise_dbm0 + rise);
        }
        if loud {
            self.remaining = self.config.hang_over;
            return Activity::Speech;
        }
        if self.remaining > 0 {
            self.remaining = self.remaining.saturating_sub(length);
            return Activity::HangOver;
        }
        Activity::Silence
    }
}

impl Default for Vad {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 160;

    /// Noise of about the given amplitude, the same each time.
    fn noise(amplitude: i32, seed: u32) -> [i16; FRAME] {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        core::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i32 % (2 * amplitude + 1) - amplitude) as i16
        })
    }

    fn voice(amplitude: f64) -> [i16; FRAME] {
        core::array::from_fn(|n| ((n as f64 * 0.2).sin() * amplitude) as i16)
    }

    #[test]
    fn speech_stands_out_of_a_noisy_line() {
        let mut vad = Vad::default();
        for seed in 0..200 {
            vad.judge(&noise(200, seed));
        }
        for seed in 200..250 {
            assert_eq!(vad.judge(&noise(200, seed)), Activity::Silence);
        }
        assert_eq!(vad.judge(&voice(3000.0)), Activity::Speech);
        // 200 ms are ten frames.
        for seed in 0..10 {
            assert_eq!(vad.judge(&noise(200, seed)), Activity::HangOver);
        }
        assert_eq!(vad.judge(&noise(200, 10)), Activity::Silence);
    }

    #[test]
    fn the_noise_is_learnt_when_it_starts() {
        let mut vad = Vad::default();
        let mut active = 0;
        for seed in 0..500 {
            active += usize::from(vad.judge(&noise(300, seed)).is_active());
        }
        // Three seconds at 5 dB a second, of ten.
        assert!(active < 200, "{active} frames");
        assert!((vad.noise_dbm0() + 40.0).abs() < 5.0, "{}", vad.noise_dbm0());
    }

    #[test]
    fn a_sentence_with_pauses_stays_whole() {
        let mut vad = Vad::default();
        for _ in 0..20 {
            vad.judge(&noise(20, 1));
        }
        for syllable in 0..40 {
            for frame in 0..10 {
                let loud = frame < 6;
                let activity = if loud {
                    vad.judge(&voice(4000.0))
                } else {
                    vad.judge(&noise(20, syllable * 10 + frame))
                };
                assert!(activity.is_active(), "syllable {syllable}, frame {frame}");
            }
        }
    }

    #[test]
    fn an_empty_frame_changes_nothing() {
        let mut vad = Vad::default();
        vad.judge(&voice(4000.0));
        let before = vad.noise_dbm0();
        assert_eq!(vad.judge(&[]), Activity::HangOver);
        assert_eq!(vad.noise_dbm0(), before);
    }
}
