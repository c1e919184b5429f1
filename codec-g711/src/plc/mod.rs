//! Packet loss concealment: something to play in place of a frame that did not arrive.
//!
//! Both modes go back to ITU-T G.711 Appendix I: when frames are lost, the last pitch period is repeated,
//! faded as the gap grows, and cross-faded with the speech around the gap. To be able to smooth the seams
//! the output runs [`DELAY`] samples (3.75 ms) behind the input, with losses or without.
//!
//! ```text
//!              conceal: find the pitch, start a gap         conceal: carry on, fade
//!            ┌──────────────────────────────────────┐      ┌───┐
//!            │                                      ▼      ▼   │
//! good ──► Steady                                  Concealing ─┘
//! frame ▲──┘ ▲                                      │
//!            └──────────────────────────────────────┘
//!              good frame: cross-fade, end of the gap
//! ```

mod appendix_i;
mod pitch;
mod two_sided;

use pitch::{CrossFade, HISTORY, PitchCycle};
pub(crate) use pitch::{Match, Search};

/// How far the output runs behind the input, in samples: a quarter of the longest pitch period.
pub const DELAY: usize = 30;

/// Histories move in steps of this many samples, so that a frame may be longer than the history.
const STEP: usize = 160;

/// How gaps are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// As ITU-T G.711 Appendix I describes: after 10 ms the gap fades and reaches silence after 60 ms.
    AppendixI,
    /// Better than Appendix I in listening models at every loss rate, most of all in bursts; the default.
    ///
    /// The first frame after a gap is used as well: its own pitch is extended backwards over the part of
    /// the gap that has not left yet, so that the seam lies before the frame instead of in it. Gaps keep
    /// more of their level (a half after 100 ms) and reach silence after 200 ms. The pitch is searched in
    /// 8 ms instead of 20 ms, down to 20 samples.
    #[default]
    TwoSided,
}

/// Conceals the lost frames of one stream of 8 kHz speech.
///
/// Every frame of the stream goes through it, in order: [`good_frame`](Self::good_frame) for one that
/// arrived and [`conceal`](Self::conceal) for one that did not. Frames of 40 to 480 samples (5 to 60 ms) are
/// what it is made for, and they may change from one to the next; no length is an error.
///
/// ```
/// use codec_g711::plc::{DELAY, Plc};
///
/// let mut plc = Plc::default();
/// let tone = |n: usize| if n / 40 % 2 == 0 { 4000 } else { -4000 };
/// let mut frame: [i16; 160] = core::array::from_fn(tone);
/// plc.good_frame(&mut frame);
/// assert_eq!(frame[..DELAY], [0; DELAY]);
/// assert_eq!(frame[DELAY], tone(0));
///
/// plc.conceal(&mut frame); // the second frame is lost, and the tone goes on
/// let (heard, sent) = (frame[120], tone(160 + 120 - DELAY));
/// assert!(heard.signum() == sent.signum() && heard.abs() > 3800);
/// ```
#[derive(Debug, Clone)]
pub struct Plc {
    mode: Mode,
    /// What was made, oldest first; the last `DELAY` samples have not left yet.
    history: [i16; HISTORY],
    concealing: bool,
    /// Made anew when a gap begins; here, so that it need not be moved.
    gap: Gap,
}

/// What is known while frames are missing.
#[derive(Debug, Clone)]
struct Gap {
    /// Samples concealed so far.
    elapsed: usize,
    cycle: PitchCycle,
    /// Whether the speech before the gap had a pitch; Appendix I takes it for granted.
    voiced: bool,
    /// Loss of gain a sample that the speech before the gap suggests; Appendix I has none.
    decay: f32,
}

impl Gap {
    /// Smooths what has not left yet into the circle.
    fn smooth_end(&self, history: &mut [i16; HISTORY]) {
        for (sample, smoothed) in history.iter_mut().rev().zip(self.cycle.smoothed_end().rev()) {
            *sample = *smoothed;
        }
    }

    /// Makes the circle longer and plays it, faded from what the shorter one would have played.
    fn read_lengthened(&mut self, periods: usize, out: &mut [i16]) {
        let mut shorter = [0; DELAY];
        let overlap = self.cycle.overlap();
        let position = self.cycle.position();
        let shorter = shorter.get_mut(..overlap).unwrap_or_default();
        self.cycle.read(shorter);
        self.cycle.rewind(position);
        self.cycle.lengthen(periods);
        self.cycle.read(out);
        CrossFade::over(overlap).apply(shorter, out);
    }
}

impl Plc {
    /// Starts with silence as its history.
    pub const fn new(mode: Mode) -> Self {
        let gap = Gap { elapsed: 0, cycle: PitchCycle::new(), voiced: false, decay: 0.0 };
        Self { mode, history: [0; HISTORY], concealing: false, gap }
    }

    /// The mode given at the start.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the last frame was concealed.
    pub const fn is_concealing(&self) -> bool {
        self.concealing
    }

    /// Takes a frame that arrived and puts in its place what to play.
    pub fn good_frame(&mut self, frame: &mut [i16]) {
        if frame.is_empty() {
            return;
        }
        if self.concealing {
            self.concealing = false;
            match self.mode {
                Mode::AppendixI => appendix_i::recover(&mut self.gap, frame),
                Mode::TwoSided => two_sided::recover(&mut self.gap, &mut self.history, frame),
            }
        }
        for step in frame.chunks_mut(STEP) {
            self.pass(step);
        }
    }

    /// Fills a frame with what to play when nothing arrived.
    pub fn conceal(&mut self, frame: &mut [i16]) {
        if frame.is_empty() {
            return;
        }
        if !self.concealing {
            self.concealing = true;
            self.gap.elapsed = 0;
            match self.mode {
                Mode::AppendixI => appendix_i::begin(&mut self.gap, &mut self.history),
                Mode::TwoSided => two_sided::begin(&mut self.gap, &mut self.history),
            }
        }
        match self.mode {
            Mode::AppendixI => appendix_i::fill(&mut self.gap, frame),
            Mode::TwoSided => two_sided::fill(&mut self.gap, frame),
        }
        for step in frame.chunks_mut(STEP) {
            self.pass(step);
        }
    }

    /// Forgets the stream, as after a change of source.
    pub fn reset(&mut self) {
        *self = Self::new(self.mode);
    }

    /// Appends at most `STEP` samples to the history and replaces them by what leaves.
    fn pass(&mut self, step: &mut [i16]) {
        let count = step.len().min(STEP);
        self.history.copy_within(count.., 0);
        for (kept, new) in self.history[HISTORY - count..].iter_mut().zip(step.iter()) {
            *kept = *new;
        }
        let leaving = &self.history[HISTORY - DELAY - count..HISTORY - DELAY];
        for (out, kept) in step.iter_mut().zip(leaving) {
            *out = *kept;
        }
    }
}

impl Default for Plc {
    fn default() -> Self {
        Self::new(Mode::default())
    }
}
