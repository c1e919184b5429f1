//! How much delay is worth having.

use core::time::Duration;

use crate::crossings::{Crossings, LEVELS, WEIGHT, level_units};
use crate::floor::{BUCKET_MS, Floor};
use crate::units::MediaClock;

/// Learns from arrivals the delay at which waiting and concealing together cost least.
///
/// A packet's *transit* is its arrival less its media time, in timestamp units; how much it exceeds the
/// [`Floor`] is how late it is.
#[derive(Debug)]
pub(crate) struct Target {
    scale: Scale,
    floor: Floor,
    /// Where playout would be if it gave way to every packet and came back as fast as stretching may.
    envelope: i64,
    /// The transits of the last two packets in order.
    recent: [i64; 2],
    /// The latest of late, fading.
    unrest: i64,
    /// The context that `unrest` is in.
    context: usize,
    contexts: [Crossings; CONTEXTS],
    all: Crossings,
    /// The best delay in each context.
    levels: [usize; CONTEXTS],
    least: i64,
    most: i64,
    /// Units not yet passed on to `Crossings`, which count in milliseconds.
    passing: i64,
}

/// A network has moods: a radio channel is quiet or contended, a queue is empty or filling. How late
/// packets were a moment ago tells which, and each has its own crossings: below 8 ms, then doubling.
const CONTEXTS: usize = 6;
const FIRST_CONTEXT_MS: u64 = 8;
/// Unrest fades to a third in 160 ms of media: eight packets are enough to tell a quiet channel from one
/// whose quiet moments last two or three.
const UNREST_MS: u64 = 160;
/// The delay to begin with, until something is known: a packet or two of jitter.
const FIRST_LEVEL_MS: usize = 40;
/// How long a stream is presumed to have been like that.
const PRIOR_MS: u32 = 2000;
/// Playout comes back by at most this part of what is played: the limit of stretching.
pub(crate) const STRETCH_PART: i64 = 5;
/// When a packet is missing, playout slows down in time to win about this much, on the mean of what
/// pitch allows out of 20 ms at once.
const WON_MS: u64 = 8;

impl Target {
    /// A target for pulls at each `tick`, between `least` and `most` units.
    pub(crate) fn new(clock: MediaClock, tick: i64, least: i64, most: i64) -> Self {
        let all = Crossings::with_prior(FIRST_LEVEL_MS / 4, PRIOR_MS);
        let level = all.best_level(&all);
        Self {
            scale: Scale::new(clock, tick),
            floor: Floor::new(clock.units(Duration::from_millis(BUCKET_MS)), 0),
            envelope: 0,
            recent: [i64::MIN; 2],
            unrest: 0,
            context: 0,
            contexts: [const { Crossings::new() }; CONTEXTS],
            all,
            levels: [level; CONTEXTS],
            least,
            most,
            passing: 0,
        }
    }

    /// Begins anew with a packet of this transit: what is known of the network stays, what is known of
    /// the path's fastest time does not.
    pub(crate) fn restart(&mut self, transit: i64) {
        self.floor.restart(transit);
        self.envelope = transit;
        self.recent = [transit; 2];
    }

    /// The path's fastest transit.
    pub(crate) fn floor(&self) -> i64 {
        self.floor.least()
    }

    /// The delay worth having above the floor, in units.
    pub(crate) fn delay(&self) -> i64 {
        let level = self.levels.get(self.context).copied().unwrap_or(LEVELS);
        (level as i64 * self.scale.level - self.scale.level / 2).clamp(self.least, self.most)
    }

    /// The transit that playout should allow for: the delay above the floor, or that of the last
    /// packets while they are later than this, since then a spike is passing or the path has changed.
    pub(crate) fn allowance(&self) -> i64 {
        let floor = self.floor.least();
        (floor + self.delay()).max(self.recent()).min(floor + self.most)
    }

    /// The later transit of the last two packets.
    pub(crate) fn recent(&self) -> i64 {
        let [last, before] = self.recent;
        last.max(before)
    }

    /// Notes a packet that brings `media` more than the one before, in order, of frames this long.
    #[inline]
    pub(crate) fn note(&mut self, transit: i64, media: i64, frame: i64) {
        let media = media.clamp(0, self.scale.longest_step);
        self.floor.note(transit, media);
        self.recent = [transit, self.recent[0]];
        let from = self.envelope - media / STRETCH_PART;
        self.envelope = transit.max(from);
        // Ticks are concealed whole: half of one for nothing on the mean.
        let learnt = self.learn(from, transit, frame, self.scale.tick / 2);
        let level = (self.envelope - self.floor.least()).max(0) / self.scale.level;
        let faded = self.pass(media, level as usize);
        self.unrest -= self.unrest * media / self.scale.unrest;
        let moved = self.enter(transit - self.floor.least());
        if learnt || faded || moved {
            self.decide();
        }
    }

    /// Notes a packet that others overtook. Playout would have waited a frame for it at most.
    pub(crate) fn note_overtaken(&mut self, transit: i64, frame: i64) {
        self.floor.note(transit, 0);
        // Being overtaken is an accident of one packet and tells nothing of the path's mood.
        if self.learn((transit - frame).max(self.envelope), transit, frame, 0) {
            self.decide();
        }
    }

    /// Whether there was anything to learn from playout having to go from one transit to another, and
    /// concealing `rounding` more than that.
    fn learn(&mut self, from: i64, to: i64, frame: i64, rounding: i64) -> bool {
        let floor = self.floor.least();
        let (from, late) = (from - floor, to - floor);
        // With a delay of one and a half frames or more, a missing packet is noticed early enough to
        // slow down for it.
        let to = (late - self.scale.won).max(late.min(frame * 3 / 2));
        if to <= from || to <= 0 {
            return false;
        }
        let rise = to - from.max(0);
        let weight = (rise + rounding) * WEIGHT / rise;
        self.all.rise(from, to, self.scale.level, weight);
        if let Some(context) = self.contexts.get_mut(self.context) {
            context.rise(from, to, self.scale.level, weight);
        }
        true
    }

    /// Lets media time pass with the envelope at a level; whether that changed the counts.
    fn pass(&mut self, media: i64, level: usize) -> bool {
        self.passing += media;
        let mut faded = false;
        while self.passing >= self.scale.step {
            self.passing -= self.scale.step;
            faded |= self.all.pass(STEP_MS, level);
            if let Some(context) = self.contexts.get_mut(self.context) {
                faded |= context.pass(STEP_MS, level);
            }
        }
        faded
    }

    /// Notes how late a packet was; whether that is another context.
    fn enter(&mut self, late: i64) -> bool {
        self.unrest = self.unrest.max(late);
        let context =
            (0..CONTEXTS - 1).take_while(|octave| self.unrest >= self.scale.context << octave);
        let context = context.count();
        core::mem::replace(&mut self.context, context) != context
    }

    fn decide(&mut self) {
        if let Some(context) = self.contexts.get(self.context)
            && let Some(level) = self.levels.get_mut(self.context)
        {
            *level = context.best_level(&self.all);
        }
    }
}

/// The constants above in timestamp units.
#[derive(Debug)]
struct Scale {
    tick: i64,
    level: i64,
    step: i64,
    unrest: i64,
    context: i64,
    won: i64,
    longest_step: i64,
}

/// [`Crossings`] are told of time in steps of this.
const STEP_MS: u32 = 20;
/// Media between two packets that counts as time that the network was watched.
const LONGEST_STEP_MS: u64 = 200;

impl Scale {
    fn new(clock: MediaClock, tick: i64) -> Self {
        let units = |ms: u64| clock.units(Duration::from_millis(ms)).max(1);
        Self {
            tick,
            level: level_units(clock),
            step: units(STEP_MS.into()),
            unrest: units(UNREST_MS),
            context: units(FIRST_CONTEXT_MS),
            won: units(WON_MS),
            longest_step: units(LONGEST_STEP_MS),
        }
    }
}
