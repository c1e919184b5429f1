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
    /// An even number, not above `LONGEST`.
    pub(super) longest: usize,
    /// Length of the two stretches compared, not above `WINDOW`.
    pub(super) window: usize,
}

/// The longest window of a search.
const WINDOW: usize = 160;
/// Every second lag, rounded up to whole blocks.
const LAGS: usize = 64;
/// Lags that are tried together, so that their sums stay in registers.
const BLOCK: usize = 16;

impl Search {
    /// The best lag at the end of `past`: first every second lag on every second sample, then the
    /// neighbours of the best with all samples.
    pub(super) fn at_end(self, past: &[i16]) -> Match {
        let coarse = self.coarse(past);
        let mut best = Match { lag: coarse, score: f32::MIN };
        let from = coarse.saturating_sub(1).max(self.shortest);
        let to = (coarse + 1).min(self.longest);
        for lag in (from..=to).rev() {
            let stretch = |back: usize| {
                let from = past.len().checked_sub(back)?;
                past.get(from..from + self.window)
            };
            let (Some(recent), Some(earlier)) = (stretch(self.window), stretch(self.window + lag))
            else {
                continue;
            };
            let (correlation, energy) = products(recent, earlier);
            let score = score(correlation, energy);
            if score > best.score {
                best = Match { lag, score };
            }
        }
        best
    }

    /// The best even distance from the longest lag, on every second sample.
    fn coarse(self, past: &[i16]) -> usize {
        let mut halved = [0.0; (WINDOW + LONGEST) / 2 + LAGS];
        let skipped = past.len().saturating_sub(self.window + self.longest);
        for (to, from) in halved.iter_mut().zip(past.iter().skip(skipped).step_by(2)) {
            *to = f32::from(*from);
        }
        let window = (self.window / 2).min(WINDOW / 2);
        let mut recent = [0.0; WINDOW / 2];
        for (to, from) in recent.iter_mut().zip(halved.iter().skip(self.longest / 2)).take(window) {
            *to = *from;
        }
        let correlations = correlations(&recent, window, &halved);

        let mut best = Match { lag: self.longest, score: f32::MIN };
        let mut energy: f32 = halved.iter().take(window).map(|sample| sample * sample).sum();
        let mut lag = self.longest;
        let leaving = halved.iter();
        let entering = halved.iter().skip(window);
        for (correlation, (leaving, entering)) in correlations.iter().zip(leaving.zip(entering)) {
            let score = score(*correlation, energy);
            // Among equals the shortest lag is preferred.
            if score >= best.score {
                best = Match { lag, score };
            }
            energy += entering * entering - leaving * leaving;
            if lag < self.shortest + 2 {
                break;
            }
            lag -= 2;
        }
        best.lag
    }
}

/// Correlation times its magnitude, over the energy: as good as dividing by the root, without a root.
fn score(correlation: f32, energy: f32) -> f32 {
    correlation * correlation.abs() / energy.max(FLOOR)
}

/// The correlations of the first `window` of `recent` with the same number of `past` from 0, 1, 2 … on.
fn correlations(
    recent: &[f32; WINDOW / 2],
    window: usize,
    past: &[f32; (WINDOW + LONGEST) / 2 + LAGS],
) -> [f32; LAGS] {
    let mut sums = [0.0; LAGS];
    for (block, sums) in sums.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let mut block_sums = [0.0; BLOCK];
        for (index, sample) in recent.iter().enumerate().take(window) {
            let from = block * BLOCK + index;
            let Some(past) = past.get(from..).and_then(|past| past.first_chunk::<BLOCK>()) else {
                break;
            };
            for (sum, past) in block_sums.iter_mut().zip(past) {
                *sum += sample * past;
            }
        }
        *sums = block_sums;
    }
    sums
}

/// The correlation of two stretches of one length, and the energy of the second.
fn products(recent: &[i16], earlier: &[i16]) -> (f32, f32) {
    let mut correlation = [0.0; BLOCK];
    let mut energy = [0.0; BLOCK];
    let blocks = recent.chunks(BLOCK).zip(earlier.chunks(BLOCK));
    for (recent, earlier) in blocks {
        if let (Some(recent), Some(earlier)) = (recent.first_chunk(), earlier.first_chunk()) {
            add_products(recent, earlier, &mut correlation, &mut energy);
        } else {
            for (recent, earlier) in recent.iter().zip(earlier) {
                correlation[0] += f32::from(*recent) * f32::from(*earlier);
                energy[0] += f32::from(*earlier) * f32::from(*earlier);
            }
        }
    }
    (correlation.iter().sum(), energy.iter().sum())
}

fn add_products(
    recent: &[i16; BLOCK],
    earlier: &[i16; BLOCK],
    correlation: &mut [f32; BLOCK],
    energy: &mut [f32; BLOCK],
) {
    let stretches = recent.iter().zip(earlier);
    for ((correlation, energy), (recent, earlier)) in
        correlation.iter_mut().zip(energy).zip(stretches)
    {
        *correlation += f32::from(*recent) * f32::from(*earlier);
        *energy += f32::from(*earlier) * f32::from(*earlier);
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

    /// Plays the next samples of the circle.
    pub(super) fn read(&mut self, mut out: &mut [i16]) {
        while !out.is_empty() {
            let Some(start) = HISTORY.checked_sub(self.length) else { return };
            let rest = self.past.get(start + self.position..).unwrap_or_default();
            let count = rest.len().min(out.len());
            let Some((part, after)) = out.split_at_mut_checked(count) else { return };
            if part.is_empty() {
                return;
            }
            for (to, from) in part.iter_mut().zip(rest) {
                *to = *from;
            }
            self.position += count;
            if self.position >= self.length {
                self.position = 0;
            }
            out = after;
        }
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

    /// Fades from `out` into what `samples` holds.
    pub(super) fn apply(mut self, out: &[i16], samples: &mut [i16]) {
        for (sample, out) in samples.iter_mut().zip(out) {
            *sample = self.blend(*out, *sample);
        }
    }

    /// Blends one sample, cutting off the fraction; the first is already one step into the fade.
    pub(super) fn blend(&mut self, out: i16, into: i16) -> i16 {
        let blended = (self.out * f64::from(out) + self.into * f64::from(into)) as i16;
        self.out -= self.step_out;
        self.into += self.step_into;
        blended
    }
}
