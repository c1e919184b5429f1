use core::time::Duration;

use crate::cadence::Cadence;
use crate::drift::Drift;
use crate::slots::{Frame, Slots};
use crate::statistics::Jitter;
use crate::stream::{Header, Place, Placement, Stream};
use crate::timeline::Timeline;
use crate::units::MediaClock;
use crate::{Config, ConfigError, Playout, PushOutcome, Reanchor, Statistics};

/// Puts packets back in order and plays them at an even pace. See the [crate's page](crate) for how.
///
/// It has no clock: `now` is the time since an arbitrary start, the same for both methods. It allocates
/// when made and never after; the work of a call is bounded by the capacity.
#[derive(Debug)]
pub struct JitterBuffer<T> {
    config: Config,
    clock: MediaClock,
    limits: Limits,
    slots: Slots<T>,
    /// `None` before the first packet.
    stream: Option<Stream>,
    timeline: Timeline,
    cadence: Cadence,
    drift: Drift,
    jitter: Jitter,
    /// The position to be played next. Queued frames lie less than the capacity behind it.
    next: u64,
    /// The first position that was ever to be played; nothing before it counts as lost.
    first: u64,
    /// The media time at which the last frame played ended.
    last_end: i64,
    /// Steps to be filled while the timeline stands, which lengthens the delay.
    hold: i64,
    /// Whether the last step was silence.
    silent: bool,
    /// Whether the last step found the buffer empty.
    dry: bool,
    held: Option<Held<T>>,
    late_run: Option<LateRun>,
    counters: Statistics,
}

impl<T> JitterBuffer<T> {
    /// Makes an empty buffer with all its memory.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the configuration makes no sense.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let clock = config.validate()?;
        Ok(Self {
            config,
            clock,
            limits: Limits {
                delay: clock.units(config.delay()),
                tick: clock.units(config.tick),
                max_delay: clock.units(config.max_delay),
                conceal: clock.units(config.conceal_limit),
                reach: clock.units(REACH),
            },
            slots: Slots::new(config.capacity),
            stream: None,
            timeline: Timeline::new(clock, config.tick, 0, Duration::ZERO),
            cadence: Cadence::new(clock, config.frame),
            drift: Drift::default(),
            jitter: Jitter::default(),
            next: 0,
            first: 0,
            last_end: 0,
            hold: 0,
            silent: false,
            dry: false,
            held: None,
            late_run: None,
            counters: Statistics::default(),
        })
    }

    /// Takes a packet: its RTP sequence number, timestamp and SSRC, the time of its arrival, and
    /// whatever is to come out again when it is due.
    ///
    /// One packet is one frame. Packets that are not frames of this stream's clock (telephone events
    /// repeat one timestamp) are the caller's to divert.
    pub fn push(
        &mut self,
        sequence: u16,
        timestamp: u32,
        ssrc: u32,
        now: Duration,
        payload: T,
    ) -> PushOutcome {
        self.counters.received += 1;
        let header = Header { sequence, timestamp, ssrc };
        let Some(stream) = &self.stream else {
            return self.begin(header, now, payload);
        };
        let oldest_media = stream.newest().media - self.limits.reach;
        match stream.place(header, oldest_media) {
            Placement::Newest(place) => self.push_newest(header, place, now, payload),
            Placement::Older(place) => self.push_older(header, place, now, payload),
            Placement::Duplicate => {
                self.counters.duplicates += 1;
                PushOutcome::Duplicate
            }
            Placement::Far => self.push_far(header, now, payload),
            Placement::OtherSource => self.reanchor(Reanchor::Ssrc, header, 0, now, payload),
        }
    }

    /// Gives what is to be played next. Call it at each tick, until there is a tick's worth of audio
    /// or it says [`Playout::NotReady`]; where tick and frame are of one length, that is once.
    pub fn pull(&mut self, now: Duration) -> Playout<T> {
        if self.stream.is_none() || self.timeline.is_early(now) {
            return Playout::NotReady;
        }
        if !self.timeline.started {
            self.start(now);
        }
        let (playout, units) = self.next_playout();
        self.timeline.advance(now, units);
        playout
    }

    /// How long one [`Playout::Conceal`] or [`Playout::Silence`] lasts: a frame, or a tick when that is
    /// shorter.
    pub fn step(&self) -> Duration {
        self.clock.duration(self.step_units())
    }

    /// Frames waiting now.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no frame waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the buffer was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Counters and measures as of now; cheap enough for every tick.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            queued: self.slots.len(),
            jitter: self.clock.duration(self.jitter.units()),
            target: self.config.delay(),
            ..self.counters
        }
    }

    /// Drops what waits and forgets the stream and the statistics, as if new.
    pub fn reset(&mut self) {
        self.slots.clear();
        self.stream = None;
        self.cadence = Cadence::new(self.clock, self.config.frame);
        self.drift.restart();
        self.jitter = Jitter::default();
        self.held = None;
        self.late_run = None;
        self.counters = Statistics::default();
    }
}

// What arrives.
impl<T> JitterBuffer<T> {
    fn begin(&mut self, header: Header, now: Duration, payload: T) -> PushOutcome {
        let stream = Stream::new(header);
        let place = stream.newest();
        let start = now.saturating_add(self.config.delay());
        self.timeline = Timeline::new(self.clock, self.config.tick, place.media, start);
        self.stream = Some(stream);
        self.next = place.position;
        self.first = place.position;
        self.last_end = place.media;
        self.hold = 0;
        self.silent = false;
        self.dry = false;
        self.jitter.restart(now, place.media);
        self.drift.note(self.limits.delay, now);
        self.enqueue(place, now, payload);
        PushOutcome::Queued
    }

    fn push_newest(
        &mut self,
        header: Header,
        place: Place,
        now: Duration,
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
        if lead < -self.limits.max_delay {
            // A sender that stopped its clock during a pause, or a path that became this much slower.
            let reason = if excess == 0 { Reanchor::Delay } else { Reanchor::Timestamp };
            return self.reanchor(reason, header, ahead, now, payload);
        }
        if self.is_past(place.media) {
            let run = self.late_run.get_or_insert(LateRun { since: now, packets: 0 });
            run.packets += 1;
            if run.packets >= LATE_PACKETS && now.saturating_sub(run.since) >= LATE_TIME {
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
        self.counters.delay = self.clock.duration(lead);
        if let Some(longest) = self.drift.note(lead, now) {
            self.correct(longest);
        }
        self.release_held();
        self.enqueue_unless_past(place, now, payload)
    }

    fn push_older(
        &mut self,
        header: Header,
        place: Place,
        now: Duration,
        payload: T,
    ) -> PushOutcome {
        let Some(stream) = &mut self.stream else { return PushOutcome::Late };
        stream.see(place, header.timestamp);
        let newest = stream.newest().position;
        self.note_arrival(place.media, now);
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

    fn push_far(&mut self, header: Header, now: Duration, payload: T) -> PushOutcome {
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
                // This one is counted already, and follows the one just anchored.
                self.counters.received -= 1;
                let Header { sequence, timestamp, ssrc } = header;
                match self.push(sequence, timestamp, ssrc, now, payload) {
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
    fn reanchor(
        &mut self,
        reason: Reanchor,
        header: Header,
        ahead: i64,
        now: Duration,
        payload: T,
    ) -> PushOutcome {
        let Some(stream) = &mut self.stream else { return PushOutcome::Late };
        let newest = stream.newest();
        let place = Place {
            position: newest.position.saturating_add_signed(ahead.max(1)),
            media: (newest.media + self.cadence.frame)
                .max(self.timeline.media_at(self.limits.delay, now)),
        };
        stream.reanchor(header, place);
        self.jitter.restart(now, place.media);
        self.drift.restart();
        self.late_run = None;
        self.hold = 0;
        self.release_held();
        self.counters.reanchors += 1;
        self.counters.delay = self.clock.duration(self.timeline.lead(place.media, now));
        self.enqueue(place, now, payload);
        PushOutcome::Reanchored(reason)
    }

    fn enqueue_unless_past(&mut self, place: Place, now: Duration, payload: T) -> PushOutcome {
        if place.position < self.next || self.is_past(place.media) {
            self.counters.late += 1;
            return PushOutcome::Late;
        }
        self.enqueue(place, now, payload);
        PushOutcome::Queued
    }

    fn enqueue(&mut self, place: Place, now: Duration, payload: T) {
        let oldest = (place.position + 1).saturating_sub(self.capacity());
        if self.next < oldest {
            let discarded = self.counters.discarded;
            self.give_up_before(oldest);
            if discarded != self.counters.discarded {
                let due = place.media - self.timeline.media_at(self.limits.delay, now);
                let gap = self.first_queued().map(|first| first.media - self.timeline.position);
                self.skip(gap.map_or(due, |gap| gap.min(due)));
            }
        }
        let Place { position, media } = place;
        self.slots.insert(Frame { position, media, payload });
        self.counters.most_queued = self.counters.most_queued.max(self.slots.len());

        let lead = self.timeline.lead(media, now);
        if lead > self.limits.max_delay {
            self.skip(lead - self.limits.delay);
            self.discard_past();
        }
    }

    /// Brings the delay back to what it should be, given the lead of the fastest of many packets.
    fn correct(&mut self, longest_lead: i64) {
        let (delay, frame) = (self.limits.delay, self.cadence.frame);
        // The first packet sets the delay and may itself have been slow: by as much as the delay,
        // where the delay is well chosen. The pull that plays it comes up to a tick after its time.
        // So much is no reason to discard anything.
        let upper = delay + delay.max(2 * frame) + self.limits.tick;
        if longest_lead > upper {
            let frames = (longest_lead - upper + frame - 1) / frame;
            self.skip(frames * frame);
        } else if longest_lead < delay - frame {
            self.hold = (delay - longest_lead) / self.step_units();
        }
    }

    fn note_arrival(&mut self, media: i64, now: Duration) {
        let clock = self.clock;
        self.jitter.note(now, media, |then, now| clock.units_between(then, now));
    }

    fn release_held(&mut self) {
        self.counters.discarded += u64::from(self.held.take().is_some());
    }
}

// What is played.
impl<T> JitterBuffer<T> {
    fn start(&mut self, now: Duration) {
        self.first = self.next;
        self.last_end = self.timeline.position;
        self.timeline.start(now);
    }

    /// What comes next and how many units it lasts.
    fn next_playout(&mut self) -> (Playout<T>, i64) {
        let step = self.step_units();
        if self.hold > 0 {
            self.hold -= 1;
            return (self.fill(self.silent), step);
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
        (self.fill(silent), step)
    }

    fn play(&mut self, frame: Frame<T>) -> (Playout<T>, i64) {
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

    fn fill(&mut self, silent: bool) -> Playout<T> {
        self.silent = silent;
        if silent {
            self.counters.silent += 1;
            Playout::Silence
        } else {
            self.counters.concealed += 1;
            Playout::Conceal
        }
    }

    /// Drops queued frames whose playout time has passed.
    fn discard_past(&mut self) {
        while let Some(first) = self.first_queued()
            && self.is_past(first.media)
        {
            self.give_up_before(first.position + 1);
        }
    }

    /// Drops what is queued before `position` and waits no more for what is not.
    fn give_up_before(&mut self, position: u64) {
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
    fn skip(&mut self, units: i64) {
        if units > 0 {
            self.timeline.position += units;
            self.last_end += units;
            // Leads noted so far are reckoned from where the timeline was.
            self.drift.restart();
        }
    }

    fn first_queued(&self) -> Option<Place> {
        if self.slots.len() == 0 {
            return None;
        }
        (self.next..self.next + self.capacity())
            .find_map(|position| Some(Place { position, media: self.slots.media(position)? }))
    }

    /// Whether a frame beginning at `media` can no longer be played at its time.
    fn is_past(&self, media: i64) -> bool {
        media - self.timeline.position < -self.tolerance()
    }

    /// How far from its time a frame may be played: half a step, so that frames and steps of different
    /// sizes meet.
    fn tolerance(&self) -> i64 {
        self.step_units() / 2
    }

    fn step_units(&self) -> i64 {
        self.cadence.frame.min(self.limits.tick)
    }

    fn capacity(&self) -> u64 {
        self.config.capacity as u64
    }
}

/// The configuration's durations, in timestamp units.
#[derive(Debug)]
struct Limits {
    delay: i64,
    tick: i64,
    max_delay: i64,
    conceal: i64,
    /// How far a packet can be behind the newest.
    reach: i64,
}

/// A packet more than this behind the newest is not a late one: reordering stays within 100 packets
/// of at most 120 ms, and silences between them seldom last so long.
const REACH: Duration = Duration::from_secs(60);

/// A packet that may be the first of new numbers, or a stray one.
#[derive(Debug)]
struct Held<T> {
    header: Header,
    arrival: Duration,
    payload: T,
}

impl<T> Held<T> {
    /// Whether `header` is of the same source and `by` packets later.
    fn precedes(&self, header: Header, by: u16) -> bool {
        self.header.ssrc == header.ssrc && self.header.sequence.wrapping_add(by) == header.sequence
    }
}

/// New packets have been coming late only.
#[derive(Debug)]
struct LateRun {
    since: Duration,
    packets: u32,
}

/// Late packets for so long are no delay spike that passes by itself, so the timeline gives in.
const LATE_TIME: Duration = Duration::from_millis(400);
/// A few packets, between silences, prove nothing.
const LATE_PACKETS: u32 = 5;
