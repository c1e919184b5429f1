//! What is played at a fixed delay, and what both modes share.

use crate::Playout;
use crate::buffer::JitterBuffer;
use crate::keeping::Keeping;
use crate::slots::Frame;
use crate::stream::Place;

impl<T> JitterBuffer<T> {
    pub(crate) fn start(&mut self, now: i64) {
        self.first = self.next;
        self.last_end = self.timeline.position;
        self.timeline.start(now);
    }

    /// What comes next at a fixed delay, and how many units it lasts.
    pub(crate) fn next_fixed(&mut self) -> (Playout<T>, i64) {
        let step = self.step_units();
        if let Keeping::Fixed { hold, .. } = &mut self.keeping
            && *hold > 0
        {
            *hold -= 1;
            return (self.fill(self.silent, step), step);
        }
        self.discard_past();
        let position = self.timeline.position;
        let first = self.first_queued();
        let silent = match first {
            Some(Place { position: at, media }) if media - position <= self.tolerance() => {
                if let Some(frame) = self.slots.take(at) {
                    return self.play(frame);
                }
                false
            }
            Some(Place { position: at, .. }) => {
                // Not due yet. So much of the gap as the missing packets can fill is loss; the rest,
                // or all when none is missing, is the sender's silence.
                let missing = at.saturating_sub(self.next) as i64;
                position >= self.last_end + missing * self.cadence.frame
            }
            None => position - self.last_end >= self.limits.conceal,
        };
        let dry = first.is_none();
        self.counters.underruns += u64::from(dry && !self.dry);
        self.dry = dry;
        self.timeline.position += step;
        (self.fill(silent, step), step)
    }

    pub(crate) fn play(&mut self, frame: Frame<T>) -> (Playout<T>, i64) {
        self.count_lost(frame.position);
        self.next = frame.position + 1;
        // The next timestamp, where it is known, says exactly how long this frame is, unless it comes
        // after a silence.
        let units = match self.slots.media(self.next) {
            Some(next) if next > frame.media => (next - frame.media).min(self.cadence.frame),
            _ => self.cadence.frame,
        };
        let gap = frame.media - self.timeline.position;
        // A rounding error is taken over, lest it add up. A shift, as from a frame of another size than
        // the step, is remembered, lest it add up with the next one.
        if gap.abs() <= self.step_units() / 8 {
            self.timeline.position = frame.media;
        }
        self.timeline.position += units;
        self.last_end = self.timeline.position;
        self.silent = false;
        self.dry = false;
        self.counters.played += 1;
        (Playout::Frame(frame.payload), units)
    }

    pub(crate) fn fill(&mut self, silent: bool, step: i64) -> Playout<T> {
        self.silent = silent;
        self.step = step;
        if silent {
            self.counters.silent += 1;
            Playout::Silence
        } else {
            self.counters.concealed += 1;
            Playout::Conceal
        }
    }

    /// Drops queued frames whose playout time has passed.
    pub(crate) fn discard_past(&mut self) {
        while let Some(first) = self.first_queued()
            && self.is_past(first.media)
        {
            self.give_up_before(first.position + 1);
        }
    }

    /// Drops what is queued before `position` and waits no more for what is not.
    pub(crate) fn give_up_before(&mut self, position: u64) {
        self.count_lost(position);
        let end = position.min(self.next + self.capacity());
        for at in self.next..end {
            self.counters.discarded += u64::from(self.slots.take(at).is_some());
        }
        self.next = position;
    }

    fn count_lost(&mut self, before: u64) {
        if let Some(stream) = &self.stream {
            self.counters.lost += stream.unseen(self.next, before);
        }
    }

    /// Moves the timeline ahead without playing anything.
    pub(crate) fn skip(&mut self, units: i64) {
        if units > 0 {
            self.timeline.position += units;
            self.last_end += units;
            // Leads noted so far are reckoned from where the timeline was.
            if let Keeping::Fixed { drift, .. } = &mut self.keeping {
                drift.restart();
            }
        }
    }

    pub(crate) fn first_queued(&self) -> Option<Place> {
        self.first_queued_from(self.next)
    }

    /// The first frame queued at or after `position`, which is at or after the next.
    pub(crate) fn first_queued_from(&self, position: u64) -> Option<Place> {
        if self.slots.len() == 0 {
            return None;
        }
        (position..self.next + self.capacity())
            .find_map(|position| Some(Place { position, media: self.slots.media(position)? }))
    }

    /// Whether a frame beginning at `media` can no longer be played at its time.
    pub(crate) fn is_past(&self, media: i64) -> bool {
        media - self.timeline.position < -self.tolerance()
    }

    /// How far from its time a frame may be played: half a step, so that frames and steps of different
    /// sizes meet.
    fn tolerance(&self) -> i64 {
        self.step_units() / 2
    }

    pub(crate) fn step_units(&self) -> i64 {
        self.cadence.frame.min(self.limits.tick)
    }
}
