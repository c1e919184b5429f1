//! Finding the pitch period and repeating it.

use super::DELAY;
use crate::kernel::Kernel;

/// The longest pitch period, in samples: 66 Hz.
pub(super) const LONGEST: usize = 120;

/// What has to be remembered: three of the longest periods and a quarter to smooth their seam.
pub(super) const HISTORY: usize = 3 * LONGEST + DELAY;

/// Below this energy a stretch counts as silence, so that noise does not win by division.
const FLOOR: f32 = 250.0;

/// A lag at which a signal resembles itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match {
    pub(super) lag: usize,
    /// Correlation times its magnitude, over the energy of the earlier stretch.
    pub(super) score: f32,
}

/// Where to look for the pitch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    pub(super) shortest: usize,
    /// An even number, not above `LONGEST`.
    pub(super) longest: usize,
    /// Length of the two stretches compared, not above `WINDOW`.
    pub(super) window: usize,
    /// Every second lag is enough.
    pub(super) rough: bool,
}

/// The longest window of a search.
const WINDOW: usize = 160;
/// Every second lag, rounded up to whole blocks.
const LAGS: usize = 64;
/// Every second sample of the longest window and lag, and room for whole blocks of lags.
const HALVED: usize = (WINDOW + LONGEST) / 2 + LAGS;
/// Lags that are tried together, so that their sums stay in registers.
const BLOCK: usize = 16;

impl Search {
    /// The best lag at the end of `past`: first every second lag on every second sample, then the
    /// neighbours of the best with all samples.
    pub(super) fn at_end(self, past: &[i16]) -> Match {
        Kernel::best().find_pitch(self, past)
    }

    /// The search for every machine, compiled anew for each set of instructions.
    #[inline(always)]
    pub(crate) fn run(self, past: &[i16]) -> Match {
        let coarse = self.coarse(past);
        if self.rough {
            return Match { lag: coarse, score: 0.0 };
        }
        let mut best = Match { lag: coarse, score: f32::MIN };
        let from = coarse.saturating_sub(1).max(self.shortest);
        let to = (coarse + 1).min(self.longest);
        let ending = |lag| {
            let from = past.len().saturating_sub(self.window + lag);
            past.get(from..).unwrap_or_default().get(..self.window).unwrap_or_default()
        };
        let recent = ending(0);
        for lag in (from..=to).rev() {
            let (correlation, energy) = products(recent, ending(lag));
            let score = score(correlation, energy);
            if score > best.score {
                best = Match { lag, score };
            }
        }
        best
    }

    /// The best even distance from the longest lag, on every second sample.
    #[inline(always)]
    fn coarse(self, past: &[i16]) -> usize {
        let mut halved = [0.0; HALVED];
        let skipped = past.len().saturating_sub(self.window + self.longest);
        let (pairs, _) = past.get(skipped..).unwrap_or_default().as_chunks::<2>();
        for (to, [from, _]) in halved.iter_mut().zip(pairs) {
            *to = f32::from(*from);
        }
        let window = (self.window / 2).min(WINDOW / 2);
        let lags = (self.longest.saturating_sub(self.shortest) / 2 + 1).min(LAGS);
        let recent = halved.get(self.longest / 2..).unwrap_or_default();
        let recent = recent.get(..window).unwrap_or_default();
        let correlations = correlations(recent, lags, &halved);

        let energies = energies(window, &halved);

        let mut scores = [f32::MIN; LAGS];
        for (index, kept) in scores.iter_mut().enumerate() {
            *kept = score(correlations[index], energies[index]);
        }
        // Blocks are whole, the range of lags need not be.
        for beyond in scores.iter_mut().skip(lags) {
            *beyond = f32::MIN;
        }
        let mut highest = [f32::MIN; BLOCK];
        for block in scores.as_chunks::<BLOCK>().0 {
            for (highest, score) in highest.iter_mut().zip(block) {
                *highest = if *score > *highest { *score } else { *highest };
            }
        }
        let highest = highest.iter().fold(f32::MIN, |a, b| if *b > a { *b } else { a });
        // Among equals the shortest lag is preferred.
        let best = scores.iter().rposition(|score| *score == highest).unwrap_or(0);
        self.longest.saturating_sub(2 * best)
    }
}

/// Correlation times its magnitude, over the energy: as good as dividing by the root, without a root.
#[inline(always)]
fn score(correlation: f32, energy: f32) -> f32 {
    // Not `max`, which looks for what is not a number and takes its time.
    let energy = if energy > FLOOR { energy } else { FLOOR };
    correlation * correlation.abs() / energy
}

/// The correlations of `recent` with as many of `past` from 0, 1, 2 … on.
#[inline(always)]
fn correlations(recent: &[f32], lags: usize, past: &[f32; HALVED]) -> [f32; LAGS] {
    let mut sums = [0.0; LAGS];
    let blocks = sums.as_chunks_mut::<BLOCK>().0;
    for (block, sums) in blocks.iter_mut().enumerate().take(lags.div_ceil(BLOCK)) {
        let mut block_sums = [0.0; BLOCK];
        for (sample, past) in recent.iter().zip(past[block * BLOCK..].windows(BLOCK)) {
            for (sum, past) in block_sums.iter_mut().zip(past) {
                *sum += sample * past;
            }
        }
        *sums = block_sums;
    }
    sums
}

/// The energies of `window` samples of `past` from 0, 1, 2 … on.
#[inline(always)]
fn energies(window: usize, past: &[f32; HALVED]) -> [f32; LAGS] {
    const CHAINS: usize = LAGS / BLOCK;
    // Each energy follows from the one before, which makes a chain that a processor has to wait for; so
    // several chains run side by side.
    let mut chains = [0.0; CHAINS];
    for (index, chain) in chains.iter_mut().enumerate() {
        let from = past.get(index * BLOCK..).unwrap_or_default();
        let (blocks, rest) = from.get(..window).unwrap_or_default().as_chunks::<8>();
        let mut sums = [0.0; 8];
        for block in blocks {
            for (sum, sample) in sums.iter_mut().zip(block) {
                *sum += sample * sample;
            }
        }
        *chain = sums.iter().sum::<f32>() + rest.iter().map(|sample| sample * sample).sum::<f32>();
    }
    let window = window.min(WINDOW / 2);
    let mut energies = [0.0; LAGS];
    for step in 0..BLOCK {
        for (index, chain) in chains.iter_mut().enumerate() {
            let at = index * BLOCK + step;
            energies[at] = *chain;
            let (leaving, entering) = (past[at], past[at + window]);
            *chain += entering * entering - leaving * leaving;
        }
    }
    energies
}

/// The correlation of two stretches of one length, and the energy of the second.
#[inline(always)]
fn products(recent: &[i16], earlier: &[i16]) -> (f32, f32) {
    let mut correlation = [0.0; BLOCK];
    let mut energy = [0.0; BLOCK];
    let (recent, recent_rest) = recent.as_chunks::<BLOCK>();
    let (earlier, earlier_rest) = earlier.as_chunks::<BLOCK>();
    for (recent, earlier) in recent.iter().zip(earlier) {
        for index in 0..BLOCK {
            let (recent, earlier) = (f32::from(recent[index]), f32::from(earlier[index]));
            correlation[index] += recent * earlier;
            energy[index] += earlier * earlier;
        }
    }
    for (recent, earlier) in recent_rest.iter().zip(earlier_rest) {
        let (recent, earlier) = (f32::from(*recent), f32::from(*earlier));
        correlation[0] += recent * earlier;
        energy[0] += earlier * earlier;
    }
    (correlation.iter().sum(), energy.iter().sum())
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
    pub(super) const fn new() -> Self {
        Self { past: [0; HISTORY], tail: [0; DELAY], pitch: LONGEST, length: LONGEST, position: 0 }
    }

    /// Starts anew with a circle of one period at the end of the history.
    pub(super) fn restart(&mut self, history: &[i16; HISTORY], pitch: usize) {
        self.past = *history;
        self.tail.copy_from_slice(&history[HISTORY - DELAY..]);
        self.pitch = pitch.clamp(4, HISTORY / 2);
        self.position = 0;
        self.close(1);
    }

    /// Length of the cross-fades: a quarter of the pitch period.
    pub(super) fn overlap(&self) -> usize {
        (self.pitch / 4).min(DELAY)
    }

    /// The smoothed end of the history, which replaces what has not left yet.
    pub(super) fn smoothed_end(&self) -> impl DoubleEndedIterator<Item = &i16> {
        self.past[HISTORY - self.overlap()..].iter()
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
