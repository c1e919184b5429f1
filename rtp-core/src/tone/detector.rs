//! Finds tones in audio, by frequency and by rhythm.
//!
//! Every 20 ms the last 40 ms are looked at through a Hann window: is most of their power in the frequencies
//! of one of the tones' segments? What that says from look to look makes runs (this sound so long, silence so
//! long), and a tone is there when the last runs are its segments, twice over; or once and a half, for those
//! that pause for seconds. One that does not pause has to last.

use core::time::Duration;

use super::{Level, Segment, Signal, Tone};

/// Samples between two looks, and at each.
const HOP: usize = 160;
const WINDOW: usize = 320;
/// The cosine of a turn by the length of the window.
const STEP: f32 = 0.999_807_24;
/// What one look stands for.
const LOOK: Duration = Duration::from_millis(20);
/// Frequencies and pairs of them that a set of tones may have.
const MAX_SOUNDS: usize = 8;
/// Runs that are remembered: those of the longest rhythm, twice.
const MAX_RUNS: usize = 12;
/// Looks for which a tone without a pause has to be heard, and longer than any other tone of that sound.
const MIN_LASTING: u16 = 50;
/// Runs of a rhythm without a long pause; fewer would be the beginning of another one.
const MIN_RUNS: usize = 6;
/// A pause of this many milliseconds tells a rhythm by itself,
const LONG_PAUSE: u128 = 1_500;
/// when it has lasted this many looks.
const MIN_PAUSE: u16 = 60;
/// A tone is over when it has been silent longer than it ever pauses, or something else sounds.
const PATIENCE: u16 = 5;
/// Of the power of a look, how much has to be in a sound's frequencies, and in each of two.
const MIN_SHARE: f32 = 0.65;
const MIN_EACH: f32 = 0.12;
/// A look with less than this of the loudest of late is the other side of an edge.
const EDGE: f32 = 0.3;
const FADE: f32 = 0.995;

/// What was heard. Times are of the audio: since the first sample of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToneEvent {
    /// A tone is there. Those with a rhythm are known after they have kept it for a while.
    Started {
        /// What it says.
        signal: Signal,
        /// When it was known.
        at: Duration,
    },
    /// It is there no longer.
    Ended {
        /// What it said.
        signal: Signal,
        /// When that was known.
        at: Duration,
    },
}

/// What a look shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Silence,
    Sound([u16; 2]),
    Other,
}

/// So many looks that showed the same.
#[derive(Debug, Clone, Copy)]
struct Run {
    seen: Seen,
    looks: u16,
}

/// Finds the tones of a set, such as those of a [`Country`](super::Country), in 8 kHz audio.
#[derive(Debug, Clone)]
pub struct ToneDetector {
    tones: &'static [Tone],
    sounds: [[u16; 2]; MAX_SOUNDS],
    sound_count: usize,
    min_power: f32,
    window: [i16; WINDOW],
    filled: usize,
    looks: u64,
    loudest: f32,
    /// Ended runs, newest first; the one that goes on; one look that may be the beginning of the next.
    runs: [Run; MAX_RUNS],
    run: Run,
    current: Option<&'static Tone>,
}

impl ToneDetector {
    /// A detector for these tones. Frequencies and pairs beyond the eighth different one are not listened for.
    pub fn new(tones: &'static [Tone], min_level: Level) -> ToneDetector {
        let mut sounds = [[0; 2]; MAX_SOUNDS];
        let mut sound_count = 0;
        for segment in tones.iter().flat_map(|tone| tone.segments) {
            let known = sounds[..sound_count].contains(&segment.hertz);
            if !segment.is_silence() && !known && sound_count < MAX_SOUNDS {
                sounds[sound_count] = segment.hertz;
                sound_count += 1;
            }
        }
        let peak = min_level.peak();
        let none = Run { seen: Seen::Other, looks: 0 };
        ToneDetector {
            tones,
            sounds,
            sound_count,
            min_power: peak * peak / 2.0,
            window: [0; WINDOW],
            filled: WINDOW - HOP,
            looks: 0,
            loudest: 0.0,
            runs: [none; MAX_RUNS],
            run: none,
            current: None,
        }
    }

    /// Takes the next samples of the stream, 16-bit linear at 8 kHz, in pieces of any length.
    pub fn process(&mut self, samples: &[i16], mut on_event: impl FnMut(ToneEvent)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let count = rest.len().min(WINDOW - self.filled);
            let (piece, after) = rest.split_at(count);
            self.window[self.filled..self.filled + count].copy_from_slice(piece);
            self.filled += count;
            rest = after;
            if self.filled == WINDOW {
                let seen = self.look();
                self.looks += 1;
                self.follow(seen, &mut on_event);
                self.window.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
    }

    /// The tone that is there.
    pub fn current(&self) -> Option<Signal> {
        self.current.map(|tone| tone.signal)
    }

    fn look(&mut self) -> Seen {
        let mut windowed = [0.0f32; WINDOW];
        let mut energy = 0.0;
        // The cosine of n turns by 320, each from the two before.
        let (mut cosine, mut before) = (1.0f32, STEP);
        for (slot, sample) in windowed.iter_mut().zip(&self.window) {
            *slot = (0.5 - 0.5 * cosine) * f32::from(*sample);
            energy += *slot * *slot;
            (cosine, before) = (2.0 * STEP * cosine - before, cosine);
        }
        // The squares of a Hann window add up to three eighths of its length.
        let power = energy / (WINDOW as f32 * 0.375);
        self.loudest = (self.loudest * FADE).max(power);
        if power < self.min_power || power < EDGE * self.loudest {
            return Seen::Silence;
        }
        let mut best = (Seen::Other, MIN_SHARE);
        for sound in self.sounds.get(..self.sound_count).unwrap_or_default() {
            let mut share = 0.0;
            let mut each = true;
            for hertz in sound.iter().filter(|hertz| **hertz > 0) {
                // Of a sine of peak A the transform has A/4 times the length.
                let peak = 4.0 / WINDOW as f32;
                let part = goertzel(&windowed, *hertz) * peak * peak / 2.0 / power;
                share += part;
                each &= part > MIN_EACH;
            }
            if each && share > best.1 {
                best = (Seen::Sound(*sound), share);
            }
        }
        best.0
    }

    fn follow(&mut self, seen: Seen, on_event: &mut impl FnMut(ToneEvent)) {
        if seen == self.run.seen {
            self.run.looks = self.run.looks.saturating_add(1);
        } else {
            let ended = core::mem::replace(&mut self.run, Run { seen, looks: 1 });
            // A look across an edge may show neither side; it belongs to what was there before.
            if ended.looks <= 1 && self.runs[0].looks > 0 {
                if self.runs[0].seen == seen {
                    self.run.looks += self.runs[0].looks + 1;
                    self.runs.rotate_left(1);
                    self.runs[MAX_RUNS - 1].looks = 0;
                } else {
                    self.runs[0].looks = self.runs[0].looks.saturating_add(1);
                }
            } else {
                self.runs.rotate_right(1);
                self.runs[0] = ended;
            }
        }
        let matching = self.tones.iter().filter(|tone| self.matches(tone));
        // Of several the one that explains more.
        if let Some(tone) = matching.max_by_key(|tone| tone.segments.len()) {
            if self.current != Some(tone) {
                self.end(on_event);
                self.current = Some(tone);
                on_event(ToneEvent::Started { signal: tone.signal, at: self.now() });
            }
        } else if self.current.is_some_and(|tone| self.contradicts(tone)) {
            self.end(on_event);
        }
    }

    fn end(&mut self, on_event: &mut impl FnMut(ToneEvent)) {
        if let Some(tone) = self.current.take() {
            on_event(ToneEvent::Ended { signal: tone.signal, at: self.now() });
        }
    }

    fn now(&self) -> Duration {
        LOOK * u32::try_from(self.looks).unwrap_or(u32::MAX)
    }

    /// Do the last runs say that this tone is there?
    fn matches(&self, tone: &Tone) -> bool {
        let count = tone.segments.len();
        if let [segment] = tone.segments
            && segment.duration.is_none()
        {
            return self.run.seen == seen(&segment.hertz)
                && self.run.looks >= MIN_LASTING
                && self.tones.iter().flat_map(|tone| tone.segments).all(|other| {
                    other.hertz != segment.hertz
                        || other.duration.is_none()
                        || too_long(self.run.looks, other.duration)
                });
        }
        let is_long = |segment: &Segment| {
            segment.is_silence()
                && segment.duration.is_some_and(|duration| duration.as_millis() >= LONG_PAUSE)
        };
        let pauses = tone.segments.iter().any(is_long);
        let needed = match pauses {
            true => count.saturating_sub(1),
            false => (2 * count).saturating_sub(1).max(MIN_RUNS),
        };
        // What comes before a rhythm with long pauses is no short one: that would be another rhythm, ending.
        if let [.., older, oldest] = self.runs.get(..needed + 2).unwrap_or_default()
            && pauses
            && oldest.looks > 0
            && older.seen == Seen::Silence
            && older.looks < MIN_PAUSE
        {
            return false;
        }
        // The run that goes on has to be what comes next; before it come whole ones.
        tone.segments.iter().enumerate().any(|(position, segment)| {
            let least = if pauses { MIN_PAUSE } else { 2 };
            self.run.seen == seen(&segment.hertz)
                && self.run.looks >= least
                && (!pauses || is_long(segment))
                && !too_long(self.run.looks, segment.duration)
                && self.runs.iter().take(needed).zip(1..).all(|(run, back)| {
                    let before = (position + count * MAX_RUNS - back) % count;
                    tone.segments.get(before).is_some_and(|segment| {
                        run.seen == seen(&segment.hertz) && fits(run.looks, segment.duration)
                    })
                })
        })
    }

    /// Does what goes on show that this tone is over?
    fn contradicts(&self, tone: &Tone) -> bool {
        let mut same =
            tone.segments.iter().filter(|segment| seen(&segment.hertz) == self.run.seen).peekable();
        if same.peek().is_none() {
            return self.run.looks > PATIENCE;
        }
        same.all(|segment| too_long(self.run.looks, segment.duration))
    }
}

fn seen(hertz: &[u16; 2]) -> Seen {
    if *hertz == [0, 0] { Seen::Silence } else { Seen::Sound(*hertz) }
}

/// Within a fifth and a look and a half.
fn fits(looks: u16, duration: Option<Duration>) -> bool {
    let Some(duration) = duration else { return false };
    let (wanted, found) = (duration.as_millis() as i64, i64::from(looks) * 20);
    (found - wanted).abs() <= wanted / 5 + 30
}

fn too_long(looks: u16, duration: Option<Duration>) -> bool {
    duration.is_some_and(|duration| {
        let wanted = duration.as_millis() as u64;
        u64::from(looks) * 20 > wanted + wanted / 5 + 30
    })
}

/// The squared transform of a window at a frequency (Goertzel).
fn goertzel(windowed: &[f32; WINDOW], hertz: u16) -> f32 {
    let turn = core::f32::consts::TAU * f32::from(hertz) / 8_000.0;
    let factor = 2.0 * libm::cosf(turn);
    let (mut last, mut before) = (0.0f32, 0.0f32);
    for sample in windowed {
        (last, before) = (sample + factor * last - before, last);
    }
    last * last + before * before - factor * last * before
}
