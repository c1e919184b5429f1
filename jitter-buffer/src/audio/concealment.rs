use alloc::boxed::Box;
use alloc::vec;

use super::fade;
use super::stretch::{LONGEST_US, pitch_period};

/// Makes up sound for frames that are missing. Implement it with a codec's own concealment where it has
/// one (G.711 Appendix I, Opus); [`Repetition`] will do where it has none.
pub trait Concealment {
    /// Hears what is played and was not made up: a frame as it was decoded, except that it comes out of what
    /// was before it, or silence.
    fn hear(&mut self, frame: &[i16]);

    /// Continues from what was heard and made up last.
    fn conceal(&mut self, out: &mut [i16]);

    /// Continues as [`conceal`](Self::conceal) does, for a few milliseconds that are laid under the beginning of the
    /// frame heard next. Only who remembers what he made up needs to tell them apart.
    fn fade_out(&mut self, out: &mut [i16]) {
        self.conceal(out);
    }
}

/// Repeats the last pitch period, fading out over 60 ms.
///
/// ```
/// use jitter_buffer::audio::{Concealment, Repetition};
///
/// let mut repetition = Repetition::new(8000);
/// repetition.hear(&[1000; 160]);
/// repetition.hear(&[1000; 160]);
/// let mut made_up = [0; 160];
/// repetition.conceal(&mut made_up);
/// assert!(made_up[0] > 900);
/// ```
#[derive(Debug)]
pub struct Repetition {
    rate: u32,
    /// What was played of late.
    history: Box<[i16]>,
    /// The period repeated, at its beginning.
    cycle: Box<[i16]>,
    /// How long the period is, and how much was made up since something was heard; `None` before.
    repeated: Option<(usize, usize)>,
}

/// Two of the longest pitch periods and the time over which they are compared.
const HISTORY_MS: u32 = 45;
/// At full strength for a frame, and gone 60 ms later: as in G.711 Appendix I, longer repetition buzzes.
const FULL_MS: u32 = 10;
const GONE_MS: u32 = 60;
/// The end of the period becomes what preceded its beginning over this part of it, as in G.711 Appendix I, so that it
/// can come round without a step.
const ROUND_PART: usize = 4;

impl Repetition {
    /// For PCM of `rate` samples a second.
    pub fn new(rate: u32) -> Self {
        let length = |ms: u32| (u64::from(rate) * u64::from(ms) / 1000).max(1) as usize;
        Self {
            rate,
            history: vec![0; length(HISTORY_MS)].into(),
            cycle: vec![0; length(LONGEST_US / 1000)].into(),
            repeated: None,
        }
    }

    fn samples(&self, ms: u32) -> usize {
        (self.rate / 1000 * ms).max(1) as usize
    }

    fn remember(&mut self, sound: &[i16]) {
        let length = self.history.len();
        let tail = sound.get(sound.len().saturating_sub(length)..).unwrap_or(sound);
        self.history.copy_within(tail.len().., 0);
        if let Some(end) = self.history.get_mut(length - tail.len()..) {
            end.copy_from_slice(tail);
        }
    }

    /// Takes the last period of the history for the one repeated, and returns its length.
    fn take_period(&mut self) -> usize {
        let period = pitch_period(&self.history, self.rate).clamp(1, self.cycle.len());
        let overlap = period / ROUND_PART;
        let last = self.history.len().saturating_sub(period);
        let before = self.history.get(last.saturating_sub(overlap)..last).unwrap_or_default();
        let Some(cycle) = self.cycle.get_mut(..period) else { return period };
        cycle.copy_from_slice(self.history.get(last..).unwrap_or_default());
        if let (Some(end), Some(old)) = (
            cycle.get_mut(period - before.len()..),
            self.history.get(last + period - before.len()..),
        ) {
            end.copy_from_slice(before);
            fade::cross(old, end);
        }
        period
    }

    fn repeat(&mut self, out: &mut [i16]) {
        let (period, mut made) = match self.repeated {
            Some(repeated) => repeated,
            None => (self.take_period(), 0),
        };
        let (full, gone) = (self.samples(FULL_MS), self.samples(GONE_MS) + self.samples(FULL_MS));
        for sample in out.iter_mut() {
            let heard = self.cycle.get(made % period.max(1)).copied().unwrap_or(0);
            let left = gone.saturating_sub(made.max(full)) as i64;
            *sample = (i64::from(heard) * left / (gone - full) as i64) as i16;
            made += 1;
        }
        self.repeated = Some((period, made));
    }
}

impl Concealment for Repetition {
    fn hear(&mut self, frame: &[i16]) {
        self.remember(frame);
        self.repeated = None;
    }

    fn conceal(&mut self, out: &mut [i16]) {
        self.repeat(out);
        // What is lost next may have to repeat some of it.
        self.remember(out);
    }

    fn fade_out(&mut self, out: &mut [i16]) {
        self.repeat(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_up_is_remembered_where_it_was_played() {
        let mut repetition = Repetition::new(8000);
        for _ in 0..3 {
            repetition.hear(&[1000; 160]);
        }
        let mut made_up = [0; 80];
        repetition.conceal(&mut made_up);
        repetition.fade_out(&mut [0; 40]);
        repetition.hear(&[7; 160]);
        let (_, end) = repetition.history.split_at(360 - 240);
        assert_eq!(end[..80], made_up);
        assert_eq!(end[80..], [7; 160]);
    }

    #[test]
    fn the_period_comes_round_without_a_step() {
        // A sawtooth of 100 Hz that grows: each period begins lower than the one before ended.
        let ramp: [i16; 360] = core::array::from_fn(|n| (n % 80) as i16 * 50 + n as i16 * 5);
        let mut repetition = Repetition::new(8000);
        repetition.hear(&ramp);
        let period = repetition.take_period();
        assert_eq!(period, 80);
        let step = |from: usize, to: usize| repetition.cycle[to] - repetition.cycle[from];
        // The fall of the input from one period to the next, and not more.
        assert!((step(79, 0) - (ramp[280] - ramp[279])).abs() < 30, "{}", step(79, 0));
    }
}
