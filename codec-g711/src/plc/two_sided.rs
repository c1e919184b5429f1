//! Gaps filled from both sides as far as the delay allows. The numbers here were chosen by PESQ over
//! synthetic and human prompts in several languages; see `benches/record` for what they reach.

use super::pitch::{CrossFade, HISTORY, LONGEST, PitchCycle, Search};
use super::{DELAY, Gap};

const SEARCH: Search = Search { shortest: 20, longest: LONGEST, window: 64 };
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
/// A frame as short as this shows no pitch of its own.
const SHORT_FRAME: usize = 80;

pub(super) fn begin(history: &mut [i16; HISTORY]) -> Gap {
    let found = SEARCH.at_end(history);
    let mut pitch = found.lag;
    let voiced = found.score >= VOICED * energy(&history[HISTORY - SEARCH.window..]);
    if !voiced {
        pitch *= UNVOICED_PITCH.div_ceil(pitch.max(1));
    }
    let decay = decay(history, pitch);
    let cycle = PitchCycle::new(history, pitch, 1);
    let overlap = cycle.overlap();
    history[HISTORY - overlap..].copy_from_slice(cycle.smoothed_end());
    Gap { elapsed: 0, cycle, voiced, decay }
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

pub(super) fn recover(mut gap: Gap, history: &mut [i16; HISTORY], frame: &mut [i16]) {
    let pitch = own_pitch(frame, &gap).unwrap_or(gap.cycle.pitch);
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
    let mut fade = CrossFade::over(DELAY + SEAM_AFTER + 1);
    for (made, before) in history[HISTORY - DELAY..].iter_mut().zip(before) {
        *made = fade.blend(*made, *before);
    }
    for sample in &mut continued {
        *sample = scaled(*sample, gain);
    }
    fade.apply(&continued[..SEAM_AFTER], frame);
}

/// The pitch at the start of a frame, from the frame alone, where it is long enough to show it.
fn own_pitch(frame: &[i16], gap: &Gap) -> Option<usize> {
    if frame.len() < SHORT_FRAME {
        return None;
    }
    let window = (frame.len() - 50).min(60);
    let longest = (frame.len() - window).min(100) & !1;
    if gap.voiced && gap.cycle.pitch > longest {
        return None;
    }
    // Forwards in time, so the search runs on the frame reversed.
    let mut reversed = [0; 160];
    let length = window + longest;
    for (to, from) in reversed.iter_mut().take(length).rev().zip(frame) {
        *to = *from;
    }
    let search = Search { shortest: SEARCH.shortest, longest, window };
    Some(search.at_end(reversed.get(..length)?).lag)
}

/// The gain lost a sample, if the speech before the gap was falling silent.
fn decay(history: &[i16; HISTORY], pitch: usize) -> f32 {
    // Whole periods, or a steady voice would seem to rise and fall.
    let window = (pitch * TREND_WINDOW.div_ceil(pitch.max(1))).min(HISTORY / 2);
    let last = energy(&history[HISTORY - window..]);
    let earlier = energy(&history[HISTORY - 2 * window..HISTORY - window]);
    if last >= earlier {
        return 0.0;
    }
    (1.0 - crate::math::sqrt(last / earlier)) * TREND / window as f32
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

fn energy(samples: &[i16]) -> f32 {
    samples.iter().map(|sample| i64::from(*sample) * i64::from(*sample)).sum::<i64>() as f32
}

fn scaled(sample: i16, gain: f32) -> i16 {
    (f32::from(sample) * gain) as i16
}
