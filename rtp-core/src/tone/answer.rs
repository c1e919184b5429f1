//! The answer tone of fax machines and modems, with its phase reversals.
//!
//! Every 10 ms the tone's phase against 2100 Hz is measured. Of a steady tone, be it a little off, it advances
//! alike over 30 ms and over the 30 ms before; where half a turn was put in, the two are opposite.

use core::time::Duration;

use super::Level;

/// Samples of a measure: 21 turns of 2100 Hz.
const HOP: usize = 80;
/// Measures before the tone is believed: 400 ms.
const MIN_HOPS: u32 = 40;
/// Measures that it may be away.
const PATIENCE: u8 = 4;
const MIN_SHARE: f32 = 0.7;

/// What was heard. Times are of the audio: since the first sample of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerEvent {
    /// The tone has lasted 400 ms.
    Started {
        /// When it began.
        start: Duration,
    },
    /// Its phase has turned over: echo cancellers are to be switched off (ITU-T G.168 section 7). Told of the
    /// first time.
    Reversed {
        /// When, to some 20 ms.
        at: Duration,
    },
    /// It is over.
    Ended {
        /// When it began.
        start: Duration,
        /// How long it lasted.
        duration: Duration,
    },
}

/// Finds 2100 Hz, give or take 15 (ITU-T T.30 section 4.1, V.25 ANS), in 8 kHz audio.
///
/// The answer tone of V.8 (ANSam) is found as well; its modulation by 15 Hz is not looked for.
#[derive(Debug, Clone)]
pub struct AnswerToneDetector {
    min_power: f32,
    /// The transform of the measure so far.
    sum: [f32; 2],
    energy: f32,
    count: usize,
    /// The pointer of the oscillator.
    turn: [f32; 2],
    hops: u64,
    /// The last seven measures, newest first; zero where the tone was away.
    phases: [[f32; 2]; 7],
    run: u32,
    away: u8,
    start: u64,
    started: bool,
    reversed: bool,
}

impl AnswerToneDetector {
    /// A detector of tones of at least that level; ITU-T T.30 sends them at -12 dBm0.
    pub fn new(min_level: Level) -> AnswerToneDetector {
        let peak = min_level.peak();
        AnswerToneDetector {
            min_power: peak * peak / 2.0,
            sum: [0.0; 2],
            energy: 0.0,
            count: 0,
            turn: [1.0, 0.0],
            hops: 0,
            phases: [[0.0; 2]; 7],
            run: 0,
            away: 0,
            start: 0,
            started: false,
            reversed: false,
        }
    }

    /// Takes the next samples of the stream, 16-bit linear, in pieces of any length.
    pub fn process(&mut self, samples: &[i16], mut on_event: impl FnMut(AnswerEvent)) {
        // The cosine and sine of 2100 / 8000 turns.
        const STEP: [f32; 2] = [-0.078_459_1, 0.996_917_3];
        for sample in samples {
            let value = f32::from(*sample);
            let [re, im] = self.turn;
            self.sum[0] += value * re;
            self.sum[1] -= value * im;
            self.energy += value * value;
            self.turn = [re * STEP[0] - im * STEP[1], re * STEP[1] + im * STEP[0]];
            self.count += 1;
            if self.count == HOP {
                self.measure(&mut on_event);
                // 21 whole turns have passed.
                (self.sum, self.energy, self.count) = ([0.0; 2], 0.0, 0);
                self.turn = [1.0, 0.0];
            }
        }
    }

    fn measure(&mut self, on_event: &mut impl FnMut(AnswerEvent)) {
        self.hops += 1;
        let power = self.energy / HOP as f32;
        let [re, im] = self.sum;
        let scale = 2.0 / HOP as f32;
        let share = (re * re + im * im) * scale * scale / 2.0 / power.max(1.0);
        self.phases.rotate_right(1);
        if power < self.min_power || share < MIN_SHARE {
            // The measure that holds a reversal may be empty.
            self.phases[0] = [0.0; 2];
            self.away += 1;
            if self.away > PATIENCE {
                self.end(on_event);
            }
            return;
        }
        // Small enough for the fourth power in single precision.
        self.phases[0] = [re * scale / 32_768.0, im * scale / 32_768.0];
        if self.run == 0 {
            self.start = self.hops - 1;
        }
        self.run += 1 + u32::from(self.away);
        self.away = 0;
        if self.run >= MIN_HOPS && !self.started {
            self.started = true;
            on_event(AnswerEvent::Started { start: time(self.start) });
        }
        if self.started && !self.reversed && self.has_turned() {
            self.reversed = true;
            on_event(AnswerEvent::Reversed { at: time(self.hops - 2) });
        }
    }

    fn has_turned(&self) -> bool {
        let [now, _, _, middle, _, _, first] = self.phases;
        let (after, before) = (between(now, middle), between(middle, first));
        let along = after[0] * before[0] + after[1] * before[1];
        let size = |[re, im]: [f32; 2]| re * re + im * im;
        // Within 45 degrees of opposite.
        along < 0.0 && along * along > 0.5 * size(after) * size(before)
    }

    fn end(&mut self, on_event: &mut impl FnMut(AnswerEvent)) {
        if self.started {
            let end = self.hops.saturating_sub(u64::from(self.away));
            let start = time(self.start);
            on_event(AnswerEvent::Ended { start, duration: time(end).saturating_sub(start) });
        }
        (self.run, self.started, self.reversed) = (0, false, false);
        (self.away, self.phases) = (0, [[0.0; 2]; 7]);
    }
}

/// One number times the conjugate of the other: the angle between them.
fn between(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] * b[0] + a[1] * b[1], a[1] * b[0] - a[0] * b[1]]
}

fn time(hops: u64) -> Duration {
    Duration::from_millis(hops * 10)
}
