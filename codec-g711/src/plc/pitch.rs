//! Finding the pitch period and repeating it.

use super::DELAY;

/// The longest pitch period, in samples: 66 Hz.
pub(super) const LONGEST: usize = 120;

/// What has to be remembered: three of the longest periods and a quarter to smooth their seam.
pub(super) const HISTORY: usize = 3 * LONGEST + DELAY;

/// Below this energy a stretch counts as silence, so that noise does not win by division.
const FLOOR: f32 = 250.0;

/// A lag at which a signal resembles itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) lag: usize,
    /// Correlation times its magnitude, over the energy of the earlier stretch.
    pub(super) score: f32,
}

/// Where to look for the pitch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    pub(super) shortest: usize,
    pub(super) longest: usize,
    /// Length of the two stretches compared.
    pub(super) window: usize,
}

impl Search {
    /// The best lag at the end of `past`: first every second lag on every second sample, then the
    /// neighbours of the best with all samples.
    pub(super) fn at_end(self, past: &[i16]) -> Match {
        let coarse = self.best(past, 2, self.shortest, self.longest);
        let from = coarse.lag.saturating_sub(1).max(self.shortest);
        let to = (coarse.lag + 1).min(self.longest);
        self.best(past, 1, from, to)
    }

    fn best(self, past: &[i16], step: usize, shortest: usize, longest: usize) -> Match {
        let mut best = Match { lag: longest, score: f32::MIN };
        let Some(recent) = past.len().checked_sub(self.window).and_then(|at| past.get(at..)) else {
            return best;
        };
        let mut lag = longest;
        while lag >= shortest {
            let Some(earlier) = past
                .len()
                .checked_sub(self.window + lag)
                .and_then(|at| past.get(at..at + self.window))
            else {
                break;
            };
            let (mut correlation, mut energy) = (0i64, 0i64);
            for (earlier, recent) in earlier.iter().zip(recent).step_by(step) {
                correlation += i64::from(i32::from(*earlier) * i32::from(*recent));
                energy += i64::from(i32::from(*earlier) * i32::from(*earlier));
            }
            let correlation = correlation as f32;
            let score = correlation * correlation.abs() / (energy as f32).max(FLOOR);
            // Among equals the coarse search prefers the shortest lag.
            if score > best.score || (step > 1 && score == best.score) {
                best = Match { lag, score };
            }
            lag -= step;
        }
        best
    }
}

/// The last periods before a gap, played in a circle.
#[derive(Debug, Clone)]
pub(super) struct PitchCycle {
    past: [i16; HISTORY],
    /// The end of `past` as it was before it was smoothed into the start of the circle.
    tail: [i16; DELAY],
    pub(super) pitch: usize,
    /// Length of the circle: one or more pitch periods.
    length: usize,
    position: usize,
}

impl PitchCycle {
    pub(super) fn new(history: &[i16; HISTORY], pitch: usize, periods: usize) -> Self {
        let mut tail = [0; DELAY];
        tail.copy_from_slice(&history[HISTORY - DELAY..]);
        let pitch = pitch.clamp(4, HISTORY / 2);
        let mut cycle = Self { past: *history, tail, pitch, length: pitch, position: 0 };
        cycle.close(periods);
        cycle
    }

    /// Length of the cross-fades: a quarter of the pitch period.
    pub(super) fn overlap(&self) -> usize {
        (self.pitch / 4).min(DELAY)
    }

    /// The smoothed end of the history, which replaces what has not left yet.
    pub(super) fn smoothed_end(&self) -> &[i16] {
        &self.past[HISTORY - self.overlap()..]
    }

    /// Makes the circle `periods` long (fewer when the history is too short), from the same phase.
    pub(super) fn lengthen(&mut self, periods: usize) {
        while self.position > self.pitch {
            self.position -= self.pitch;
        }
        self.close(periods);
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn rewind(&mut self, position: usize) {
        self.position = position;
    }

    pub(super) fn next(&mut self) -> i16 {
        let sample = self.past.get(HISTORY - self.length + self.position).copied().unwrap_or(0);
        self.position += 1;
        if self.position >= self.length {
            self.position = 0;
        }
        sample
    }

    /// Blends the end of the history into what precedes the start of the circle, so that going round
    /// makes no click.
    fn close(&mut self, periods: usize) {
        let overlap = self.overlap();
        let most = (HISTORY - overlap) / self.pitch.max(1);
        self.length = self.pitch * periods.min(most).max(1);
        // The overlap before the circle and the end of the history never touch: the circle is longer.
        let mut before = [0; DELAY];
        let start = HISTORY.saturating_sub(self.length + overlap);
        for (kept, sample) in before.iter_mut().take(overlap).zip(self.past.iter().skip(start)) {
            *kept = *sample;
        }
        let mut fade = CrossFade::over(overlap);
        let end = self.past.iter_mut().skip(HISTORY - overlap);
        let tail = self.tail.iter().skip(DELAY - overlap);
        for ((sample, tail), before) in end.zip(tail).zip(before) {
            *sample = fade.blend(*tail, before);
        }
    }
}

/// A linear cross-fade. Its weights are added up rather than computed, as in the Recommendation's program,
/// so that they round alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct CrossFade {
    out: f64,
    into: f64,
    step_out: f64,
    step_into: f64,
}

impl CrossFade {
    pub(super) fn over(length: usize) -> Self {
        Self::from_gain(1.0, length)
    }

    /// A fade whose outgoing side is played at `gain`.
    pub(super) fn from_gain(gain: f64, length: usize) -> Self {
        let step = 1.0 / length.max(1) as f64;
        Self { out: (1.0 - step) * gain, into: step, step_out: step * gain, step_into: step }
    }

    /// Blends one sample, cutting off the fraction; the first is already one step into the fade.
    pub(super) fn blend(&mut self, out: i16, into: i16) -> i16 {
        let blended = (self.out * f64::from(out) + self.into * f64::from(into)) as i16;
        self.out -= self.step_out;
        self.into += self.step_into;
        blended
    }
}
