use alloc::boxed::Box;
use alloc::vec;

use super::stretch::pitch_period;

/// Makes up sound for frames that are missing. Implement it with a codec's own concealment where it has
/// one (G.711 Appendix I, Opus); [`Repetition`] will do where it has none.
pub trait Concealment {
    /// Hears a frame that was decoded.
    fn hear(&mut self, frame: &[i16]);

    /// Continues from what was heard and made up last.
    fn conceal(&mut self, out: &mut [i16]);
}

/// Repeats the last pitch period, fading out over 60 ms.
///
/// ```
/// use jitter_buffer::audio::{Concealment, Repetition};
///
/// let mut repetition = Repetition::new(8000);
/// repetition.hear(&[1000; 160]);
/// let mut made_up = [0; 160];
/// repetition.conceal(&mut made_up);
/// assert!(made_up[0] > 900);
/// ```
#[derive(Debug)]
pub struct Repetition {
    rate: u32,
    history: Box<[i16]>,
    /// The period repeated, and how much was made up since something was heard; `None` before.
    repeated: Option<(usize, usize)>,
}

/// Two of the longest pitch periods and the time over which they are compared.
const HISTORY_MS: u32 = 45;
/// At full strength for a frame, and gone 60 ms later: as in G.711 Appendix I, longer repetition buzzes.
const FULL_MS: u32 = 10;
const GONE_MS: u32 = 60;

impl Repetition {
    /// For PCM of `rate` samples a second.
    pub fn new(rate: u32) -> Self {
        let length = (rate * HISTORY_MS / 1000).max(1) as usize;
        Self { rate, history: vec![0; length].into(), repeated: None }
    }

    fn samples(&self, ms: u32) -> usize {
        (self.rate / 1000 * ms).max(1) as usize
    }
}

impl Concealment for Repetition {
    fn hear(&mut self, frame: &[i16]) {
        let length = self.history.len();
        let tail = frame.get(frame.len().saturating_sub(length)..).unwrap_or(frame);
        self.history.copy_within(tail.len().., 0);
        if let Some(end) = self.history.get_mut(length - tail.len()..) {
            end.copy_from_slice(tail);
        }
        self.repeated = None;
    }

    fn conceal(&mut self, out: &mut [i16]) {
        let (period, mut made) =
            self.repeated.unwrap_or_else(|| (pitch_period(&self.history, self.rate), 0));
        let start = self.history.len().saturating_sub(period);
        let (full, gone) = (self.samples(FULL_MS), self.samples(GONE_MS) + self.samples(FULL_MS));
        for sample in out.iter_mut() {
            let heard = self.history.get(start + made % period.max(1)).copied().unwrap_or(0);
            let left = gone.saturating_sub(made.max(full)) as i64;
            *sample = (i64::from(heard) * left / (gone - full) as i64) as i16;
            made += 1;
        }
        self.repeated = Some((period, made));
    }
}
