//! The in-band detector.
//!
//! # How it decides
//!
//! Every 1.25 ms (a **hop**) the last 8 ms go through two complex band-pass filters, one a group. What comes
//! out of each is a rotating pointer; of one steady tone its length is constant and its angle advances by the
//! frequency. Hops that go on alike (each group's level within -7.5 and +6 dB, its phase within 60 degrees) are
//! a **run**; a tone's run begins where its level has come within some 6 dB of what it will be, which is where
//! half the filter is inside the tone, so at its edge. Three sums a group describe a run: the power, and the
//! power-weighted phase advances over one hop and over four.
//!
//! A run is a digit as soon as it lasted 31.25 ms (halfway between the 23 ms that must not be taken and the
//! 40 ms that must) and
//!
//! * **both frequencies** are within 1.67 %, plus an allowance for noise. From 26 ms a tone's frequency is
//!   known far better than the 2 % that lie between accepting and refusing: with a phase error of
//!   `1 / sqrt(2 SNR)` a sample the mean advance over 5 ms errs by about 0.6 Hz at 15 dB, that is 0.1 % of
//!   697 Hz. That is why measuring frequency, rather than comparing energies of neighbouring filters,
//!   can both take 1.5 % and refuse 3.5 %.
//! * **nothing else is there**: the power outside both groups' bands is below 6.8 % of all, and that which
//!   is not the two steady tones below 11 %. White noise at 12 dB SNR is 6.3 %, of which 70 % are outside the
//!   bands; speech and music have their fundamental, formants, harmonics and other notes there.
//! * **each group is one tone**: of its power nearly all advances alike. Two harmonics of a voice in one
//!   group beat and do not.
//! * **it began as a key does**, at once: 9 to 12 ms before there was less than a quarter of its power. What
//!   begins otherwise (within a sound that goes on) has to last longer and be purer.
//! * the **levels** of the two tones fit.
//!
//! After that the digit lasts until both tones have been gone for 27.5 ms, so that neither a lost packet nor
//! a click makes two of one, while a pause of 40 ms always does.

use core::time::Duration;

use super::Digit;
use super::filter::{GAIN, HIGH, LOW, TAPS, energy};
use super::group::{Group, HIGH_TONES, LAG, LOW_TONES, Measure, SCALE};
use crate::tone::Level;

/// Samples between two looks: 1.25 ms.
const HOP: usize = 10;
/// Hops that the run of a digit has at least, which is 31.25 ms.
const MIN_RUN: u32 = 25;
/// The same where the tones did not begin at once: 46.25 ms.
const MIN_RUN_WITHIN_SOUND: u32 = 37;
/// Hops from the beginning of a run whose sums would reach behind it.
const UNSETTLED: u32 = LAG as u32;
/// Hops without the tones after which a digit has ended: 27.5 ms.
const GAP: u8 = 22;
/// Hops with other tones after which it has: 7.5 ms.
const OTHER: u8 = 6;
/// Hops from the end of a digit in which the same tones, when they did not begin at once, are what is left
/// of it: 100 ms.
const ECHO: u64 = 80;

/// How far a frequency may be off, as a fraction, and how much more with all the power outside the bands.
const MAX_DEVIATION: f32 = 0.0167;
const DEVIATION_BY_NOISE: f32 = 0.04;
/// High over low: -10 to +6 dB, which is what must be accepted and 2 dB for noise and filters.
const TWIST: core::ops::RangeInclusive<f32> = 0.1..=4.0;
/// Steady tone over power, a group: noise at 12 dB and 8 dB of twist leave the weaker one 0.93 in the mean.
const MIN_PURITY_LOW: f32 = 0.88;
const MIN_PURITY_HIGH: f32 = 0.85;
/// Power outside the bands.
const MAX_OUTSIDE: f32 = 0.068;
/// Power that is not of the tones, where they began at once and where not.
const MAX_REST: f32 = 0.11;
const MAX_REST_WITHIN_SOUND: f32 = 0.04;
/// Hops' worth of power that may be lost inside the bands because the level is rising: an edge of 6 ms. Keys
/// rise faster, notes do not. To it comes what white noise leaves inside, as a share of that outside.
const MAX_RISE: f32 = 1.8;
const INSIDE_BY_OUTSIDE: f32 = 0.75;
/// Power before the tones over power since, to have begun at once: -6 dB.
const MAX_BEFORE: f32 = 0.25;

/// From the filter's output to the energy of a hop: a tone's mean square is half its amplitude squared, and
/// its pointer is half the amplitude long, times the filter's gain.
const UNIT: f32 = 2.0 * HOP as f32 / (GAIN * GAIN * SCALE);

/// How digits are detected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectorConfig {
    /// Quieter pairs of tones are no digits, in dBm0 of both together.
    pub min_level: Level,
}

impl Default for DetectorConfig {
    /// -42 dBm0: 6 dB below the level that ITU-T Q.24 administrations want accepted.
    fn default() -> DetectorConfig {
        DetectorConfig { min_level: Level(-42.0) }
    }
}

/// What was heard. Times are of the audio: since the first sample of the stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A key is down. Known some 36 ms after it was pressed.
    Started {
        /// Which.
        digit: Digit,
        /// When it was pressed.
        start: Duration,
        /// How loud both tones are together.
        level: Level,
    },
    /// The key that was down is up. Known some 32 ms after it was released.
    Ended {
        /// Which.
        digit: Digit,
        /// When it was pressed.
        start: Duration,
        /// How long it was down.
        duration: Duration,
    },
}

/// Finds DTMF digits in one stream of 8 kHz audio.
///
/// The page of [the module](crate::dtmf) has an example. Audio is given in pieces of any length; cutting it
/// otherwise changes nothing. Where packets were lost give what the listener hears instead, concealment or
/// silence, so that time goes on. Streams of other rates are to be resampled first.
#[derive(Debug, Clone)]
pub struct Detector {
    window: [i16; TAPS],
    /// Samples since the last hop.
    waiting: u8,
    gap: u8,
    other: u8,
    /// Is `digit` down, or was it the last to be?
    down: bool,
    digit: Option<Digit>,
    low: Group,
    high: Group,
    /// Hops of the run.
    run: u32,
    /// Energy of the run.
    total: f32,
    /// Energy of a hop before the run.
    before: f32,
    /// Energies of the hops 9 to 12 ms ago, oldest first.
    earlier: [f32; 3],
    min_energy: f32,
    hops: u64,
    start: u64,
    ended: u64,
}

impl Detector {
    /// A detector at the beginning of a stream.
    pub fn new(config: DetectorConfig) -> Detector {
        let peak = config.min_level.peak();
        Detector {
            window: [0; TAPS],
            waiting: 0,
            gap: 0,
            other: 0,
            down: false,
            digit: None,
            low: Group::default(),
            high: Group::default(),
            run: 0,
            total: 0.0,
            before: 0.0,
            earlier: [0.0; 3],
            min_energy: peak * peak / 2.0 * HOP as f32,
            hops: 0,
            start: 0,
            ended: 0,
        }
    }

    /// Takes the next samples of the stream, 16-bit linear at 8 kHz.
    pub fn process(&mut self, mut samples: &[i16], mut on_event: impl FnMut(Event)) {
        while let Some((piece, rest)) = samples.split_at_checked(HOP - usize::from(self.waiting)) {
            self.append(piece);
            self.waiting = 0;
            self.hop(&mut on_event);
            self.window.copy_within(HOP.., 0);
            samples = rest;
        }
        self.append(samples);
        self.waiting += samples.len() as u8;
    }

    /// The stream has ended: a digit that reaches to its end ends now. As if there were 40 ms of silence.
    pub fn finish(&mut self, on_event: impl FnMut(Event)) {
        self.process(&[0; 320], on_event);
    }

    /// The key that is down.
    pub fn current(&self) -> Option<Digit> {
        self.digit.filter(|_| self.down)
    }

    /// Samples taken so far.
    pub fn position(&self) -> u64 {
        self.hops * HOP as u64 + u64::from(self.waiting)
    }

    fn append(&mut self, samples: &[i16]) {
        let room = self.window[TAPS - HOP..].iter_mut().skip(usize::from(self.waiting));
        for (slot, sample) in room.zip(samples) {
            *slot = *sample;
        }
    }

    fn hop(&mut self, on_event: &mut impl FnMut(Event)) {
        self.hops += 1;
        let low = self.low.take(&LOW, &self.window, self.hops);
        let high = self.high.take(&HIGH, &self.window, self.hops);
        let [before, a, b] = self.earlier;
        self.earlier = [a, b, plain_energy(&self.window) / 2.0];

        let settled = self.run > UNSETTLED + 2;
        let alike = !settled || (self.low.is_in_phase(&low) && self.high.is_in_phase(&high));
        let loud = self.low.is_loud(&low) && self.high.is_loud(&high);
        if self.down {
            if alike && loud {
                (self.gap, self.other) = (0, 0);
                self.low.follow(&low, false);
                self.high.follow(&high, false);
                return;
            }
            self.gap += 1;
            self.other = if loud { self.other + 1 } else { 0 };
            if self.gap < GAP && self.other < OTHER {
                return;
            }
            self.end(on_event);
        }
        let louder = self.low.is_louder(&low) || self.high.is_louder(&high);
        if self.run == 0 || !alike || !loud || louder {
            self.low.begin(&low);
            self.high.begin(&high);
            (self.run, self.total, self.before) = (1, 0.0, before);
            return;
        }
        self.low.follow(&low, self.run < UNSETTLED);
        self.high.follow(&high, self.run < UNSETTLED);
        if self.run >= UNSETTLED {
            self.low.add(&low);
            self.high.add(&high);
            self.total += energy(&self.window);
        }
        self.run += 1;
        if self.run >= MIN_RUN && self.total > self.min_energy * (self.run - UNSETTLED) as f32 {
            self.judge(on_event);
        }
    }

    /// Is the run a digit?
    fn judge(&mut self, on_event: &mut impl FnMut(Event)) {
        let hops = (self.run - UNSETTLED) as f32;
        let low = self.low.measure(&LOW_TONES);
        let high = self.high.measure(&HIGH_TONES);
        let at_once = self.before < MAX_BEFORE * self.total / hops;
        let (min_run, max_rest) = match at_once {
            true => (MIN_RUN, MAX_REST),
            false => (MIN_RUN_WITHIN_SOUND, MAX_REST_WITHIN_SOUND),
        };
        let share = UNIT / self.total;
        let rest = 1.0 - (low.tone + high.tone) * share;
        let outside = 1.0 - (low.power + high.power) * share;
        let inside = rest - outside;
        let max_deviation = MAX_DEVIATION + DEVIATION_BY_NOISE * outside.max(0.0);
        let off = |measure: &Measure| measure.deviation.abs() > max_deviation;
        if self.run < min_run
            || rest > max_rest
            || outside > MAX_OUTSIDE
            || inside * hops > MAX_RISE + INSIDE_BY_OUTSIDE * outside * hops
            || low.tone < MIN_PURITY_LOW * low.power
            || high.tone < MIN_PURITY_HIGH * high.power
            || !TWIST.contains(&(high.tone / low.tone))
            || off(&low)
            || off(&high)
        {
            return;
        }
        let Some(digit) = Digit::at(low.index, high.index) else { return };
        let began = self.hops + 1 - u64::from(self.run);
        if !at_once && self.digit == Some(digit) && began < self.ended + ECHO {
            return;
        }
        let mean_square = (low.tone + high.tone) * UNIT / (hops * HOP as f32);
        self.down = true;
        self.digit = Some(digit);
        self.start = began;
        (self.gap, self.other) = (0, 0);
        let level = Level::of_mean_square(mean_square);
        on_event(Event::Started { digit, start: time(self.start), level });
    }

    fn end(&mut self, on_event: &mut impl FnMut(Event)) {
        self.down = false;
        self.ended = self.hops;
        self.run = 0;
        // The last hop that sounded lasted until the next.
        let end = self.hops - u64::from(self.gap) + 1;
        if let Some(digit) = self.digit {
            let start = time(self.start);
            on_event(Event::Ended { digit, start, duration: time(end).saturating_sub(start) });
        }
    }
}

/// The oldest twenty samples.
#[inline]
fn plain_energy(window: &[i16; TAPS]) -> f32 {
    window.iter().take(2 * HOP).map(|sample| f32::from(*sample) * f32::from(*sample)).sum()
}

/// When the middle of a hop's window was: 4 ms before its end.
fn time(hop: u64) -> Duration {
    Duration::from_micros((hop * 1_250).saturating_sub(4_000))
}
