//! Gaps as ITU-T G.711 Appendix I fills them.

use super::pitch::{CrossFade, HISTORY, LONGEST, PitchCycle, Search};
use super::{DELAY, Gap};

/// The Recommendation counts in frames of 10 ms; a gap of any length is cut into them.
const FRAME: usize = 80;
const SEARCH: Search = Search { shortest: 40, longest: LONGEST, window: 160 };
/// The circle grows to three periods and no further.
const MOST_PERIODS: usize = 3;
/// After the first frame the gain falls by a fifth a frame, so that 60 ms are silent at their end.
const SILENT_AFTER: usize = 6 * FRAME;
const FALL: f64 = 0.2 / FRAME as f64;
/// A longer gap is left by a longer cross-fade: 4 ms more for each frame after the first, a frame at most.
const FADE_GROWTH: usize = 32;

pub(super) fn begin(history: &mut [i16; HISTORY]) -> Gap {
    let cycle = PitchCycle::new(history, SEARCH.at_end(history).lag, 1);
    let overlap = cycle.overlap();
    history[HISTORY - overlap..].copy_from_slice(cycle.smoothed_end());
    Gap { elapsed: 0, cycle, voiced: true, decay: 0.0 }
}

pub(super) fn fill(gap: &mut Gap, mut out: &mut [i16]) {
    while !out.is_empty() {
        let into_frame = gap.elapsed % FRAME;
        let Some((part, rest)) = out.split_at_mut_checked((FRAME - into_frame).min(out.len()))
        else {
            return;
        };
        let frame = gap.elapsed / FRAME;
        let overlap = gap.cycle.overlap();
        let mut old = [0; DELAY];
        let grows = into_frame == 0 && (1..MOST_PERIODS).contains(&frame);
        if grows {
            let position = gap.cycle.position();
            for sample in old.iter_mut().take(overlap) {
                *sample = gap.cycle.next();
            }
            gap.cycle.rewind(position);
            gap.cycle.lengthen(frame + 1);
        }
        let mut fade = CrossFade::over(overlap);
        let mut gain = gain(gap.elapsed);
        for (index, sample) in part.iter_mut().enumerate() {
            let mut new = gap.cycle.next();
            if grows && index < overlap {
                new = fade.blend(old.get(index).copied().unwrap_or(0), new);
            }
            *sample = (f64::from(new) * gain.max(0.0)) as i16;
            if frame > 0 {
                gain -= FALL;
            }
        }
        gap.elapsed += part.len();
        out = rest;
    }
}

pub(super) fn recover(mut gap: Gap, frame: &mut [i16]) {
    let growth = gap.elapsed.saturating_sub(FRAME) * FADE_GROWTH / FRAME;
    let length = (gap.cycle.overlap() + growth).min(FRAME).min(frame.len());
    let mut fade = CrossFade::from_gain(gain(gap.elapsed), length);
    for sample in frame.iter_mut().take(length) {
        *sample = fade.blend(gap.cycle.next(), *sample);
    }
}

/// The gain after so many samples of a gap.
fn gain(elapsed: usize) -> f64 {
    if elapsed >= SILENT_AFTER {
        return 0.0;
    }
    1.0 - elapsed.saturating_sub(FRAME) as f64 * FALL
}
