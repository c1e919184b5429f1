//! Gaps as ITU-T G.711 Appendix I fills them.

use super::Gap;
use super::pitch::{CrossFade, HISTORY, LONGEST, Search};

/// The Recommendation counts in frames of 10 ms; a gap of any length is cut into them.
const FRAME: usize = 80;
const SEARCH: Search = Search { shortest: 40, longest: LONGEST, window: 160, rough: false };
/// The circle grows to three periods and no further.
const MOST_PERIODS: usize = 3;
/// After the first frame the gain falls by a fifth a frame, so that 60 ms are silent at their end.
const SILENT_AFTER: usize = 6 * FRAME;
const FALL: f64 = 0.2 / FRAME as f64;
/// A longer gap is left by a longer cross-fade: 4 ms more for each frame after the first, a frame at most.
const FADE_GROWTH: usize = 32;

pub(super) fn begin(gap: &mut Gap, history: &mut [i16; HISTORY]) {
    gap.cycle.restart(history, SEARCH.at_end(history).lag);
    gap.smooth_end(history);
}

pub(super) fn fill(gap: &mut Gap, mut out: &mut [i16]) {
    while !out.is_empty() {
        let into_frame = gap.elapsed % FRAME;
        let Some((part, rest)) = out.split_at_mut_checked((FRAME - into_frame).min(out.len()))
        else {
            return;
        };
        let frame = gap.elapsed / FRAME;
        if into_frame == 0 && (1..MOST_PERIODS).contains(&frame) {
            gap.read_lengthened(frame + 1, part);
        } else {
            gap.cycle.read(part);
        }
        let gain = gain(gap.elapsed);
        if frame > 0 {
            for (index, sample) in part.iter_mut().enumerate() {
                let gain = (gain - FALL * index as f64).max(0.0);
                *sample = (f64::from(*sample) * gain) as i16;
            }
        }
        gap.elapsed = gap.elapsed.saturating_add(part.len());
        out = rest;
    }
}

pub(super) fn recover(gap: &mut Gap, frame: &mut [i16]) {
    let growth = gap.elapsed.saturating_sub(FRAME).saturating_mul(FADE_GROWTH) / FRAME;
    let length = gap.cycle.overlap().saturating_add(growth).min(FRAME).min(frame.len());
    let mut continued = [0; FRAME];
    if let Some(continued) = continued.get_mut(..length) {
        gap.cycle.read(continued);
        CrossFade::from_gain(gain(gap.elapsed), length).apply(continued, frame);
    }
}

/// The gain after so many samples of a gap.
fn gain(elapsed: usize) -> f64 {
    if elapsed >= SILENT_AFTER {
        return 0.0;
    }
    1.0 - elapsed.saturating_sub(FRAME) as f64 * FALL
}
