//! Gaps filled from both sides as far as the delay allows. The numbers here were chosen by PESQ over
//! synthetic and human prompts in several languages; see `benches/record` for what they reach.

use super::pitch::{CrossFade, HISTORY, LONGEST, Search};
use super::{DELAY, Gap};
use crate::audio::Level;
use crate::math;

const SEARCH: Search = Search { shortest: 20, longest: LONGEST, window: 64, rough: false };
/// Speech that resembles itself less than this (the square of a correlation of 0.6) has no pitch; a short
/// period repeated would give it one.
const VOICED: f32 = 0.36;
const UNVOICED_PITCH: usize = 80;

/// From here on more periods are repeated, which sounds less like a buzzer.
const LONG_GAP: usize = 160;
const LONG_CYCLE: usize = 120;

/// The gain is full, falls to a half, then to silence.
const FULL_UNTIL: usize = 40;
const HALF_AT: usize = 800;
const SILENT_AT: usize = 1600;

/// How much of a trend towards silence before the gap is carried on.
const TREND: f32 = 0.7;
const TREND_WINDOW: usize = 80;

/// How far the seam at the end reaches into the frame that arrived.
const SEAM_AFTER: usize = 20;
/// How much of a frame is searched for its pitch.
const OWN: usize = 160;
/// A frame shorter than this shows no pitch of its own.
const SHORT_FRAME: usize = 80;

pub(super) fn begin(gap: &mut Gap, history: &mut [i16; HISTORY]) {
    let found = SEARCH.at_end(history);
    let mut pitch = found.lag;
    gap.voiced =
        found.score >= VOICED * power(&history[HISTORY - SEARCH.window..]) * SEARCH.window as f32;
    if !gap.voiced {
        pitch *= UNVOICED_PITCH.div_ceil(pitch.max(1));
    }
    gap.decay = decay(history, pitch);
    gap.cycle.restart(history, pitch);
    gap.smooth_end(history);
}

pub(super) fn fill(gap: &mut Gap, out: &mut [i16]) {
    // The circle is lengthened on the border between two parts.
    let until_long = LONG_GAP.saturating_sub(gap.elapsed);
    let (first, rest) = out.split_at_mut(until_long.min(out.len()));
    if !first.is_empty() {
        gap.cycle.read(first);
        fade(gap, first);
    }
    if !rest.is_empty() {
        if gap.elapsed == LONG_GAP {
            gap.read_lengthened(LONG_CYCLE.div_ceil(gap.cycle.pitch.max(1)), rest);
        } else {
            gap.cycle.read(rest);
        }
        fade(gap, rest);
    }
}

/// Applies the gain, which is close to linear over a few milliseconds.
fn fade(gap: &mut Gap, samples: &mut [i16]) {
    for part in samples.chunks_mut(FULL_UNTIL) {
        let from = gain(gap.elapsed, gap.decay);
        gap.elapsed = gap.elapsed.saturating_add(part.len());
        let step = (gain(gap.elapsed, gap.decay) - from) / part.len() as f32;
        for (index, sample) in part.iter_mut().enumerate() {
            *sample = scaled(*sample, from + step * index as f32);
        }
    }
}

pub(super) fn recover(gap: &mut Gap, history: &mut [i16; HISTORY], frame: &mut [i16]) {
    let pitch = own_pitch(frame, gap).unwrap_or(gap.cycle.pitch);
    // Whole periods, so that the stretch copied lies inside the frame.
    let back = pitch * DELAY.div_ceil(pitch.max(1));
    let gain = gain(gap.elapsed, gap.decay);
    let mut continued = [0; DELAY];
    gap.cycle.read(&mut continued);
    let Some(before) = back.checked_sub(DELAY).and_then(|at| frame.get(at..back)) else {
        // The frame is too short to look back from.
        let overlap = gap.cycle.overlap();
        let continued = continued.get(..overlap).unwrap_or_default();
        CrossFade::from_gain(f64::from(gain), overlap.min(frame.len())).apply(continued, frame);
        return;
    };
    // One cross-fade over the end of the gap and the start of the frame.
    let weight = |index: usize| (index + 1) as f32 / (DELAY + SEAM_AFTER + 1) as f32;
    for (index, (made, before)) in history[HISTORY - DELAY..].iter_mut().zip(before).enumerate() {
        *made = blended(f32::from(*made), f32::from(*before), weight(index));
    }
    for (index, (sample, made)) in frame.iter_mut().zip(&continued[..SEAM_AFTER]).enumerate() {
        *sample = blended(f32::from(*made) * gain, f32::from(*sample), weight(DELAY + index));
    }
}

/// The pitch at the start of a frame, from the frame alone, where it is long enough to show it.
fn own_pitch(frame: &[i16], gap: &Gap) -> Option<usize> {
    if frame.len() < SHORT_FRAME {
        return None;
    }
    // Whole vectors compare fast, and short frames keep room for lags.
    let window = (frame.len() - 48).min(64) & !15;
    let longest = (frame.len() - window).min(96) & !1;
    if gap.voiced && gap.cycle.pitch > longest {
        return None;
    }
    // Forwards in time, so the search runs on the frame reversed.
    let mut start = [0; OWN];
    for (to, from) in start.iter_mut().zip(frame).take(window + longest) {
        *to = *from;
    }
    let mut reversed = [0; OWN];
    for (index, sample) in start.iter().enumerate() {
        reversed[OWN - 1 - index] = *sample;
    }
    let search = Search { shortest: SEARCH.shortest, longest, window, rough: true };
    Some(search.at_end(&reversed).lag)
}

/// The gain lost a sample, if the speech before the gap was falling silent.
fn decay(history: &[i16; HISTORY], pitch: usize) -> f32 {
    // Whole periods, or a steady voice would seem to rise and fall.
    let window = (pitch * TREND_WINDOW.div_ceil(pitch.max(1))).min(HISTORY / 2);
    let last = power(&history[HISTORY - window..]);
    let earlier = power(&history[HISTORY - 2 * window..HISTORY - window]);
    if last >= earlier {
        return 0.0;
    }
    (1.0 - math::sqrt(last / earlier)) * TREND / window as f32
}

fn gain(elapsed: usize, decay: f32) -> f32 {
    let level = if elapsed <= FULL_UNTIL {
        1.0
    } else if elapsed <= HALF_AT {
        1.0 - 0.5 * (elapsed - FULL_UNTIL) as f32 / (HALF_AT - FULL_UNTIL) as f32
    } else {
        0.5 * SILENT_AT.saturating_sub(elapsed) as f32 / (SILENT_AT - HALF_AT) as f32
    };
    level * (1.0 - decay * elapsed as f32).max(0.5)
}

/// The mean of the squared samples.
fn power(samples: &[i16]) -> f32 {
    Level::of(samples).mean_square()
}

/// From `a` at weight 0 to `b` at weight 1.
fn blended(a: f32, b: f32, weight: f32) -> i16 {
    math::round_to_i16(a + (b - a) * weight)
}

fn scaled(sample: i16, gain: f32) -> i16 {
    math::round_to_i16(f32::from(sample) * gain)
}
