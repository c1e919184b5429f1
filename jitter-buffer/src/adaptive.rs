//! What is played at a delay that follows the network.

use crate::Playout;
use crate::buffer::JitterBuffer;
use crate::keeping::Keeping;
use crate::stream::Place;

/// Playout slows down for the next packet when it is this much later than the fastest, in parts of the
/// delay: later than nearly all, and early enough for a pull or two.
const MISSED_NUM: i64 = 3;
const MISSED_DEN: i64 = 10;
/// Playout comes back by a tick only when it could by this part of one more: else a path just at the edge
/// between two ticks would have it go to and fro.
const HOLD_PART: i64 = 8;
/// Without stretching, a frame is dropped for each of this much media played when the delay is a frame too
/// long, and in proportion more often when it is longer: 2 % loss that nobody has to bear for long.
const DROP_SECONDS: i64 = 1;

impl<T> JitterBuffer<T> {
    /// What comes next, and how many units it lasts.
    pub(crate) fn next_adaptive(&mut self, now: i64) -> (Playout<T>, i64) {
        let ahead = self.timeline.ahead(now);
        let left = self.limits.tick - ahead;
        while let Some(first) = self.first_queued() {
            let gap = first.media - self.timeline.position;
            // A frame may be played before its time by half of what else would be filled.
            if gap > left / 2 {
                return match self.wait_for(first, now, ahead) {
                    Some(units) => (self.fill(self.silent, units), units),
                    None => continue,
                };
            }
            if gap < 0 {
                if self.skips(first, now) {
                    continue;
                }
                if self.awaits_backlog(-gap) {
                    return self.fill_tick(false, left);
                }
            }
            if self.drops(first, now) {
                continue;
            }
            return self.play_adaptive(first, now, ahead);
        }
        self.counters.underruns += u64::from(!self.dry);
        self.dry = true;
        let silent = self.timeline.position - self.last_end >= self.limits.conceal;
        self.fill_tick(silent, left)
    }

    fn fill_tick(&mut self, silent: bool, left: i64) -> (Playout<T>, i64) {
        self.timeline.position += left;
        (self.fill(silent, left), left)
    }

    /// The first frame queued is not due: for how many units to fill before it. `None` when it has
    /// become due, since a pause was cut short.
    fn wait_for(&mut self, first: Place, now: i64, ahead: i64) -> Option<i64> {
        let position = self.timeline.position;
        // So much of the gap as the missing packets can fill is loss; the rest, or all when none is
        // missing, is the sender's silence.
        let missing = first.position.saturating_sub(self.next) as i64;
        self.silent = position >= self.last_end + missing * self.cadence.frame;
        let gap = first.media - position;
        // Missing packets may still come, so their time is not cut short, unless nothing else would.
        if self.silent || !self.stretches() {
            let spare = now - position - self.allowance();
            let cut = self.shortening(spare, ahead).min(gap);
            self.skip(cut);
            if cut == gap {
                return None;
            }
        }
        let units = (self.limits.tick - ahead).min(first.media - self.timeline.position);
        self.timeline.position += units;
        Some(units)
    }

    /// Skips the first frame, whose time has been concealed, when it would make the delay longer than it
    /// should be and the one after it is due as well.
    fn skips(&mut self, first: Place, now: i64) -> bool {
        let Keeping::Adaptive(adaptive) = &self.keeping else { return false };
        let target = &adaptive.target;
        if now - first.media <= target.allowance() {
            return false;
        }
        match self.first_queued_from(first.position + 1) {
            // Not to where the packets of a moment ago would be late.
            Some(second)
                if second.media <= self.timeline.position
                    && now - second.media >= target.recent() =>
            {
                self.give_up_before(second.position);
                true
            }
            _ => false,
        }
    }

    fn awaits_backlog(&mut self, outage: i64) -> bool {
        let Keeping::Adaptive(adaptive) = &mut self.keeping else { return false };
        let is_alone = self.slots.len() <= 2;
        let waits = is_alone && !adaptive.has_waited && outage >= self.limits.outage;
        adaptive.has_waited = waits;
        waits
    }

    /// Without stretching, drops the first frame now and then when the delay is too long.
    fn drops(&mut self, first: Place, now: i64) -> bool {
        let frame = self.cadence.frame;
        let spare = now - first.media - self.allowance();
        let Keeping::Adaptive(adaptive) = &mut self.keeping else { return false };
        let period = self.limits.second * DROP_SECONDS;
        let drops = adaptive.budget.is_none()
            && spare >= frame
            && adaptive.since_drop >= period * frame / spare.max(1);
        if drops {
            adaptive.since_drop = 0;
            self.give_up_before(first.position + 1);
            self.timeline.position = self.timeline.position.max(first.media + frame);
            self.last_end = self.last_end.max(self.timeline.position);
        }
        drops
    }

    fn play_adaptive(&mut self, first: Place, now: i64, ahead: i64) -> (Playout<T>, i64) {
        let Some(frame) = self.slots.take(first.position) else {
            return self.fill_tick(false, self.limits.tick - ahead);
        };
        // What comes later than this transit would be too late for the pull that plays it.
        let transit = now - first.media;
        self.timeline.position = first.media;
        let (playout, units) = self.play(frame);
        let wish = self.wish(transit, units, ahead);
        let Keeping::Adaptive(adaptive) = &mut self.keeping else { return (playout, units) };
        adaptive.has_waited = false;
        adaptive.since_drop = adaptive.since_drop.saturating_add(units);
        self.delays.note(transit + ahead - adaptive.target.floor());
        let Some(budget) = &mut adaptive.budget else { return (playout, units) };
        budget.save(units);
        match (playout, budget.grant(wish)) {
            (Playout::Frame(frame), Some(wish)) => (Playout::Stretch { frame, units: wish }, units),
            (playout, _) => (playout, units),
        }
    }

    /// How many units the frame just taken, `units` long, should be longer.
    fn wish(&self, transit: i64, units: i64, ahead: i64) -> i64 {
        let Keeping::Adaptive(adaptive) = &self.keeping else { return 0 };
        let target = &adaptive.target;
        // How late the next packet is at the least, if it is not here.
        let late = transit - units - target.floor();
        let usual = target.allowance() - target.floor();
        let spare = transit - target.allowance();
        let is_missed =
            late > usual * MISSED_NUM / MISSED_DEN && self.slots.media(self.next).is_none();
        if is_missed {
            return i64::MAX;
        }
        let tick = self.limits.tick;
        if spare >= 0 {
            -self.shortening(spare, ahead)
        } else {
            // Pulls come at ticks: less than to the next one changes nothing.
            (-spare + tick - 1) / tick * tick - ahead
        }
    }

    /// By how much what is played may be shortened when packets could come `spare` later.
    ///
    /// Pulls come at ticks. What was pulled `ahead` of need was pulled for nothing; beyond that, only a whole
    /// tick makes pulls come earlier.
    fn shortening(&self, spare: i64, ahead: i64) -> i64 {
        let tick = self.limits.tick;
        if spare < 0 { 0 } else { ahead + (spare - tick / HOLD_PART).max(0) / tick * tick }
    }

    fn allowance(&self) -> i64 {
        match &self.keeping {
            Keeping::Adaptive(adaptive) => adaptive.target.allowance(),
            Keeping::Fixed { .. } => 0,
        }
    }

    fn stretches(&self) -> bool {
        matches!(&self.keeping, Keeping::Adaptive(adaptive) if adaptive.budget.is_some())
    }
}
