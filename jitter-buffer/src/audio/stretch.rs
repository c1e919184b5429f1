use alloc::boxed::Box;
use alloc::vec;

use super::fade;

/// Makes frames longer or shorter by whole pitch periods, so that the voice keeps its pitch.
///
/// The kind of time-scale modification known as WSOLA: two places that look alike, a period apart, are
/// laid over each other.
#[derive(Debug)]
pub struct Stretcher {
    rate: u32,
    /// What is compared, thinned out to 8 kHz or so and scaled to 12 bits.
    thin: Box<[i16]>,
}

/// Two places are alike when their normalized correlation is at least this: below, a listener hears the
/// seam (NetEQ asks for 0.9 to accelerate speech, others for 0.5; a voiced sound reaches 0.8 and more).
const ALIKE: f32 = 0.7;
/// No two places of noise are alike, and any two will do: what is least like itself at every distance is
/// noise.
const NOISE: f32 = 0.4;
/// Below this mean square nothing is heard of a seam: -50 dB below full scale.
const QUIET: f32 = 100.0 * 100.0;
/// The overlap, a compromise between a sharp seam and an echo: the shortest pitch period twice.
const OVERLAP_US: u32 = 5000;
/// What is compared: half a frame or one pitch period of a usual voice.
const WINDOW_US: u32 = 10_000;
/// The shortest and the longest period: 400 Hz and 50 Hz.
const SHORTEST_US: u32 = 2500;
pub(crate) const LONGEST_US: u32 = 20_000;
/// The rate at which periods are looked for; finer only around the best.
const THIN_RATE: u32 = 8000;
/// Samples are compared at 12 bits, so that sums of 200 products stay within 32.
const SHIFT: u32 = 4;

impl Stretcher {
    /// For PCM of `rate` samples a second, 8,000 or more.
    pub fn new(rate: u32) -> Self {
        let longest = samples(rate, LONGEST_US) + samples(rate, 120_000);
        Self { rate, thin: vec![0; longest / thinning(rate) + 2].into() }
    }

    /// Makes the sound from `start` on, which ends at `end`, longer or shorter by at most `wish` samples
    /// (negative: shorter), in place, and returns the change. What lies before `start` is what was
    /// played before it.
    ///
    /// `sound` has to reach `wish` samples beyond `end`. Where no two places are alike nothing happens.
    pub fn stretch(&mut self, sound: &mut [i16], start: usize, end: usize, wish: i32) -> i32 {
        let most = wish.unsigned_abs().min(samples(self.rate, LONGEST_US) as u32) as usize;
        let overlap = samples(self.rate, OVERLAP_US);
        if start > end || end > sound.len() {
            return 0;
        }
        if wish < 0 {
            let most = most.min((end - start).saturating_sub(overlap));
            let Some(period) = self.period(sound, start, start, end, most) else { return 0 };
            let (before, after) = sound.split_at_mut(start + period);
            let overlap = overlap.min(period);
            if let (Some(old), Some(new)) = (before.get(start..), after.get_mut(..overlap)) {
                fade::cross(old, new);
            }
            sound.copy_within(start + period..end, start);
            -(period as i32)
        } else {
            let most = most.min(start).min(sound.len() - end);
            let Some(period) = self.period(sound, start - most, start, end, most) else { return 0 };
            sound.copy_within(start - period..end, start);
            // What would have followed lies a period later now; it fades out into the period played again.
            let (before, after) = sound.split_at_mut(start + period);
            let overlap = overlap.min(period).min(end - start);
            if let (Some(old), Some(new)) =
                (after.get(..overlap), before.get_mut(start..start + overlap))
            {
                fade::cross(old, new);
            }
            period as i32
        }
    }

    /// The greatest distance up to `most` at which the sound looks like itself: from `start` on and so
    /// much later (when `from` is `start`), or so much earlier.
    fn period(
        &mut self,
        sound: &[i16],
        from: usize,
        start: usize,
        end: usize,
        most: usize,
    ) -> Option<usize> {
        let least = samples(self.rate, SHORTEST_US);
        if most < least {
            return None;
        }
        let window = samples(self.rate, WINDOW_US);
        let thinning = thinning(self.rate);
        let is_later = from == start;
        // The window has to fit behind the longest distance.
        let window = window.min(if is_later { end - start - most } else { end - start });
        let span = sound.get(from..(start + window + if is_later { most } else { 0 }).min(end))?;
        let count = span.len() / thinning;
        let thin = self.thin.get_mut(..count)?;
        let mut energy = 0.0;
        for (thin, chunk) in thin.iter_mut().zip(span.chunks_exact(thinning)) {
            let sum: i32 = chunk.iter().map(|sample| i32::from(*sample)).sum();
            let mean = sum / thinning as i32;
            *thin = (mean >> SHIFT) as i16;
            energy += (mean * mean) as f32;
        }
        if energy < QUIET * count as f32 {
            return Some(most);
        }
        let thin = &*thin;
        let (least_lag, most_lag) = (least / thinning, most / thinning);
        let length = window / thinning;
        let base = if is_later { 0 } else { (start - from) / thinning };
        let here = thin.get(base..base + length)?;
        let own = dot(here, here) as f32;
        let (mut best, mut greatest) = (0.0_f32, None);
        for lag in least_lag.max(1)..=most_lag {
            let other = if is_later { base + lag } else { base.checked_sub(lag)? };
            let there = thin.get(other..other + length)?;
            let product = dot(here, there) as f32;
            if product <= 0.0 {
                continue;
            }
            let likeness = product * product / (own * dot(there, there) as f32).max(1.0);
            best = best.max(likeness);
            if likeness >= ALIKE * ALIKE {
                // Near the top of each peak; the last peak is the greatest distance.
                match greatest {
                    Some((before, at)) if lag - at <= PEAK && likeness < before => {}
                    _ => greatest = Some((likeness, lag)),
                }
            }
        }
        let lag = match greatest {
            Some((_, lag)) => lag,
            None if best < NOISE * NOISE => most_lag,
            None => return None,
        };
        Some(refine(sound, start, end, lag * thinning, thinning, is_later).clamp(1, most))
    }
}

/// Samples of 8 kHz that belong to one peak of likeness.
const PEAK: usize = 12;

/// The pitch period at the end of `sound`, or something near 10 ms where there is none.
pub(crate) fn pitch_period(sound: &[i16], rate: u32) -> usize {
    let (least, most) = (samples(rate, SHORTEST_US), samples(rate, LONGEST_US));
    // The longest period has to show whole.
    let window = most;
    let end = sound.len();
    let (mut best, mut period) = (0.0, samples(rate, WINDOW_US).min(end).max(1));
    let step = thinning(rate);
    for lag in (least..=most).step_by(step) {
        let Some(start) = end.checked_sub(window + lag) else { break };
        let pairs = || {
            let (there, here) = (sound.get(start..), sound.get(start + lag..));
            there.unwrap_or(&[]).iter().zip(here.unwrap_or(&[])).step_by(step)
        };
        let product: i64 = pairs().map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
        let energy: i64 = pairs().map(|(a, _)| i64::from(*a) * i64::from(*a)).sum();
        let likeness = product as f32 / (energy as f32).max(1.0);
        // A shorter period is the better one of two nearly alike.
        let likeness = if energy > 0 { product as f32 * likeness } else { 0.0 };
        if product > 0 && likeness > best * 1.02 {
            (best, period) = (likeness, lag);
        }
    }
    period
}

/// The distance within `reach` of `lag` at which the sound is most like itself at the full rate.
fn refine(
    sound: &[i16],
    start: usize,
    end: usize,
    lag: usize,
    reach: usize,
    is_later: bool,
) -> usize {
    if reach == 1 {
        return lag;
    }
    let error = |lag: usize| {
        let other = if is_later { Some(start + lag) } else { start.checked_sub(lag) };
        let (here, there) = (sound.get(start..end), other.and_then(|at| sound.get(at..end)));
        let pairs = here.unwrap_or(&[]).iter().zip(there.unwrap_or(&[])).take(reach * 40);
        let count = pairs.len().max(1) as i64;
        pairs.map(|(a, b)| (i64::from(*a) - i64::from(*b)).pow(2)).sum::<i64>() / count
    };
    (lag.saturating_sub(reach)..=lag + reach).min_by_key(|lag| error(*lag)).unwrap_or(lag)
}

fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

fn thinning(rate: u32) -> usize {
    (rate / THIN_RATE).max(1) as usize
}

fn samples(rate: u32, micros: u32) -> usize {
    (u64::from(rate) * u64::from(micros) / 1_000_000) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// A tone with overtones of `hertz`, like a vowel.
    fn vowel(rate: u32, hertz: f32, count: usize) -> Vec<i16> {
        let tone = |n: usize, overtone: f32| {
            let phase = n as f32 * hertz * overtone / rate as f32;
            libm_sin(phase) / overtone
        };
        (0..count).map(|n| ((tone(n, 1.0) + tone(n, 2.0) + tone(n, 3.0)) * 5000.0) as i16).collect()
    }

    /// The sine of `turns` full turns, near enough.
    fn libm_sin(turns: f32) -> f32 {
        let turn = turns - turns as i32 as f32;
        let x = if turn < 0.5 { turn * 2.0 } else { (1.0 - turn) * 2.0 };
        let parabola = 4.0 * x * (1.0 - x);
        if turn < 0.5 { parabola } else { -parabola }
    }

    fn greatest_step(sound: &[i16]) -> i32 {
        sound.windows(2).map(|p| (i32::from(p[1]) - i32::from(p[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn vowels_are_stretched_by_periods_without_a_click() {
        for rate in [8000, 16_000, 48_000] {
            for hertz in [80.0, 110.0, 160.0, 250.0_f32] {
                for wish in [-1, 1] {
                    let ms = rate as usize / 1000;
                    let (start, end) = (25 * ms, 45 * ms);
                    let original = vowel(rate, hertz, 65 * ms);
                    let mut sound = original.clone();
                    let wish = wish * 14 * ms as i32;
                    let change = Stretcher::new(rate).stretch(&mut sound, start, end, wish);
                    let period = rate as f32 / hertz;
                    let periods = (change as f32 / period).abs();
                    let nearest = (periods + 0.5) as i32 as f32;
                    assert!(nearest >= 1.0, "{rate} {hertz} {wish}: {change}");
                    assert!((periods - nearest).abs() < 0.12, "{rate} {hertz} {wish}: {periods}");
                    assert_eq!(change.signum(), wish.signum());
                    let stretched = &sound[..end.saturating_add_signed(change as isize)];
                    let limit = greatest_step(&original) * 5 / 4;
                    assert!(greatest_step(stretched) <= limit, "{rate} {hertz} {wish}");
                    assert_eq!(stretched[start - 1], original[start - 1]);
                    assert_eq!(stretched.last(), original[..end].last());
                }
            }
        }
    }

    #[test]
    fn silence_is_stretched_by_all_that_is_wished() {
        let mut sound = [3_i16; 520];
        let mut stretcher = Stretcher::new(8000);
        assert_eq!(stretcher.stretch(&mut sound, 200, 360, 100), 100);
        assert_eq!(stretcher.stretch(&mut sound, 200, 360, -100), -100);
    }

    #[test]
    fn a_sound_that_changes_is_left_alone() {
        // A rising tone: a period earlier it was another.
        let chirp: Vec<i16> =
            (0..520).map(|n| (libm_sin((n * n) as f32 / 8000.0) * 8000.0) as i16).collect();
        let mut sound = chirp.clone();
        assert_eq!(Stretcher::new(8000).stretch(&mut sound, 200, 360, 60), 0);
        assert_eq!(sound, chirp);
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut sound = vowel(8000, 100.0, 400);
        let mut stretcher = Stretcher::new(8000);
        for (start, end, wish) in [
            (300, 200, 80),
            (0, 401, 80),
            (0, 160, 160),
            (200, 200, -80),
            (200, 360, 0),
            (0, 0, -1),
        ] {
            assert_eq!(stretcher.stretch(&mut sound, start, end, wish), 0, "{start} {end} {wish}");
        }
        stretcher.stretch(&mut sound, 0, 400, i32::MIN);
        stretcher.stretch(&mut sound, 160, 320, i32::MAX);
    }

    #[test]
    fn the_period_of_a_voice_is_found() {
        for hertz in [80.0, 125.0, 200.0] {
            let period = pitch_period(&vowel(8000, hertz, 360), 8000) as f32;
            assert!((period - 8000.0 / hertz).abs() <= 1.0, "{hertz}: {period}");
        }
    }
}
