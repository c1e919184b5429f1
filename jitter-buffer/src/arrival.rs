//! What arrives: where a packet goes.

use crate::buffer::JitterBuffer;
use crate::held::Held;
use crate::keeping::Keeping;
use crate::late_run::LateRun;
use crate::slots::Frame;
use crate::stream::{Header, Place, Stream};
use crate::timeline::Timeline;
use crate::{PushOutcome, Reanchor};

impl<T> JitterBuffer<T> {
    pub(crate) fn begin(&mut self, header: Header, now: i64, payload: T) -> PushOutcome {
        let stream = Stream::new(header);
        let place = stream.newest();
        let delay = self.target_delay();
        self.timeline = Timeline::new(self.limits.tick, place.media, now + delay);
        self.stream = Some(stream);
        self.next = place.position;
        self.first = place.position;
        self.last_end = place.media;
        self.silent = false;
        self.dry = false;
        self.jitter.restart(now - place.media);
        self.keep_from(now - place.media);
        if let Keeping::Fixed { drift, .. } = &mut self.keeping {
            drift.note(delay, now);
        }
        self.enqueue(place, now, payload);
        PushOutcome::Queued
    }

    pub(crate) fn push_newest(
        &mut self,
        header: Header,
        place: Place,
        now: i64,
        payload: T,
    ) -> PushOutcome {
        let Some(newest) = self.stream.as_ref().map(Stream::newest) else {
            return PushOutcome::Late;
        };
        let ahead = (place.position - newest.position) as i64;
        let step = place.media - newest.media;
        let excess = step - ahead * self.cadence.frame;
        let lead = self.timeline.lead(place.media, now);

        let jumps_ahead = lead > self.limits.max_delay
            && (excess > self.cadence.frame || step > self.limits.max_delay);
        if step < 0 || jumps_ahead {
            return self.reanchor(Reanchor::Timestamp, header, ahead, now, payload);
        }
        let is_fixed = matches!(self.keeping, Keeping::Fixed { .. });
        if lead < -self.limits.max_delay && (is_fixed || excess != 0) {
            // A sender that stopped its clock during a pause, or a path that became this much slower.
            let reason = if excess == 0 { Reanchor::Delay } else { Reanchor::Timestamp };
            return self.reanchor(reason, header, ahead, now, payload);
        }
        if is_fixed && self.is_past(place.media) {
            let run = self.late_run.get_or_insert(LateRun::new(now));
            if run.proves(now, self.limits.late_time) {
                return self.reanchor(Reanchor::Delay, header, ahead, now, payload);
            }
        } else {
            self.late_run = None;
        }

        if let Some(stream) = &mut self.stream {
            stream.follow(header, place);
        }
        if ahead == 1 {
            self.cadence.note(step);
        }
        self.note_arrival(place.media, now);
        self.delays.newest = lead;
        let frame = self.cadence.frame;
        match &mut self.keeping {
            Keeping::Fixed { drift, .. } => {
                if let Some(longest) = drift.note(lead, now) {
                    self.correct(longest);
                }
            }
            Keeping::Adaptive(adaptive) => {
                adaptive.target.note(now - place.media, step.min(ahead * frame), frame);
            }
        }
        self.release_held();
        self.enqueue_unless_past(place, now, payload)
    }

    pub(crate) fn push_older(
        &mut self,
        header: Header,
        place: Place,
        now: i64,
        payload: T,
    ) -> PushOutcome {
        let Some(stream) = &mut self.stream else { return PushOutcome::Late };
        stream.see(place, header.timestamp);
        let newest = stream.newest().position;
        self.note_arrival(place.media, now);
        if let Keeping::Adaptive(adaptive) = &mut self.keeping {
            adaptive.target.note_overtaken(now - place.media, self.cadence.frame);
        }
        self.counters.reordered += 1;
        let is_before_first = place.position < self.next;
        if is_before_first && !self.timeline.started && newest - place.position < self.capacity() {
            // The first packet to come was not the first one sent.
            self.next = place.position;
            self.first = self.first.min(place.position);
            self.timeline.position = self.timeline.position.min(place.media);
        } else if is_before_first && place.position >= self.first {
            self.counters.lost = self.counters.lost.saturating_sub(1);
        }
        self.enqueue_unless_past(place, now, payload)
    }

    pub(crate) fn push_far(&mut self, header: Header, now: i64, payload: T) -> PushOutcome {
        let held = self.held.take();
        match held {
            Some(held) if held.precedes(header, 0) => {
                self.counters.duplicates += 1;
                self.held = Some(held);
                PushOutcome::Duplicate
            }
            Some(held) if held.precedes(header, 1) => {
                let reason = match &self.stream {
                    Some(stream) if stream.ssrc() != header.ssrc => Reanchor::Ssrc,
                    _ => Reanchor::Sequence,
                };
                self.reanchor(reason, held.header, 0, held.arrival, held.payload);
                match self.push_counted(header, now, payload) {
                    PushOutcome::Queued => PushOutcome::Reanchored(reason),
                    other => other,
                }
            }
            other => {
                self.counters.discarded += u64::from(other.is_some());
                self.held = Some(Held { header, arrival: now, payload });
                PushOutcome::Held
            }
        }
    }

    /// Begins a new timeline with this packet, `ahead` packets after the newest as far as that is
    /// known. It follows what is queued, and waits at least the delay aimed at.
    pub(crate) fn reanchor(
        &mut self,
        reason: Reanchor,
        header: Header,
        ahead: i64,
        now: i64,
        payload: T,
    ) -> PushOutcome {
        let delay = self.target_delay();
        let Some(stream) = &mut self.stream else { return PushOutcome::Late };
        let newest = stream.newest();
        let place = Place {
            position: newest.position.saturating_add_signed(ahead.max(1)),
            media: (newest.media + self.cadence.frame).max(self.timeline.media_at(delay, now)),
        };
        stream.reanchor(header, place);
        self.jitter.restart(now - place.media);
        self.keep_from(now - place.media);
        self.late_run = None;
        self.release_held();
        self.counters.reanchors += 1;
        self.delays.newest = self.timeline.lead(place.media, now);
        self.enqueue(place, now, payload);
        PushOutcome::Reanchored(reason)
    }

    fn enqueue_unless_past(&mut self, place: Place, now: i64, payload: T) -> PushOutcome {
        // An adaptive delay may give way to what is late; a fixed one does not.
        let is_late = matches!(self.keeping, Keeping::Fixed { .. }) && self.is_past(place.media);
        if place.position < self.next || is_late {
            self.counters.late += 1;
            return PushOutcome::Late;
        }
        self.enqueue(place, now, payload);
        PushOutcome::Queued
    }

    fn enqueue(&mut self, place: Place, now: i64, payload: T) {
        let oldest = (place.position + 1).saturating_sub(self.capacity());
        if self.next < oldest {
            let discarded = self.counters.discarded;
            self.give_up_before(oldest);
            if discarded != self.counters.discarded {
                let delay = self.target_delay();
                let due = place.media - self.timeline.media_at(delay, now);
                let gap = self.first_queued().map(|first| first.media - self.timeline.position);
                self.skip(gap.map_or(due, |gap| gap.min(due)));
            }
        }
        let Place { position, media } = place;
        self.slots.insert(Frame { position, media, payload });
        self.counters.most_queued = self.counters.most_queued.max(self.slots.len());

        let lead = self.timeline.lead(media, now);
        if lead > self.limits.max_delay {
            self.skip(lead - self.target_delay());
            self.discard_past();
        }
    }

    /// Brings the delay back to what it should be, given the lead of the fastest of many packets.
    fn correct(&mut self, longest_lead: i64) {
        let (delay, frame) = (self.target_delay(), self.cadence.frame);
        // The first packet sets the delay and may itself have been slow: by as much as the delay,
        // where the delay is well chosen. The pull that plays it comes up to a tick after its time.
        // So much is no reason to discard anything.
        let upper = delay + delay.max(2 * frame) + self.limits.tick;
        if longest_lead > upper {
            let frames = (longest_lead - upper + frame - 1) / frame;
            self.skip(frames * frame);
        } else if longest_lead < delay - frame {
            let steps = (delay - longest_lead) / self.step_units();
            if let Keeping::Fixed { hold, .. } = &mut self.keeping {
                *hold = steps;
            }
        }
    }

    /// Measures the delay anew from a packet of this transit.
    fn keep_from(&mut self, transit: i64) {
        match &mut self.keeping {
            Keeping::Fixed { drift, hold } => {
                drift.restart();
                *hold = 0;
            }
            Keeping::Adaptive(adaptive) => adaptive.target.restart(transit),
        }
    }

    fn note_arrival(&mut self, media: i64, now: i64) {
        self.jitter.note(now - media);
    }

    fn release_held(&mut self) {
        self.counters.discarded += u64::from(self.held.take().is_some());
    }
}
