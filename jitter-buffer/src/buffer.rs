use core::time::Duration;

use crate::cadence::Cadence;
use crate::held::Held;
use crate::keeping::Keeping;
use crate::late_run::LateRun;
use crate::limits::Limits;
use crate::slots::Slots;
use crate::statistics::{Delays, Jitter};
use crate::stream::{Header, Placement, Stream};
use crate::timeline::Timeline;
use crate::units::MediaClock;
use crate::{Config, ConfigError, Mode, Playout, PushOutcome, Reanchor, Statistics};

/// Puts packets back in order and plays them at an even pace. See the [crate's page](crate) for how.
///
/// It has no clock: `now` is the time since an arbitrary start, the same for both methods. It allocates
/// when made and never after; the work of a call is bounded by the capacity.
#[derive(Debug)]
pub struct JitterBuffer<T> {
    pub(crate) config: Config,
    pub(crate) clock: MediaClock,
    pub(crate) limits: Limits,
    pub(crate) slots: Slots<T>,
    /// `None` before the first packet.
    pub(crate) stream: Option<Stream>,
    pub(crate) timeline: Timeline,
    pub(crate) cadence: Cadence,
    pub(crate) keeping: Keeping,
    pub(crate) jitter: Jitter,
    /// The position to be played next. Queued frames lie less than the capacity behind it.
    pub(crate) next: u64,
    /// The first position that was ever to be played; nothing before it counts as lost.
    pub(crate) first: u64,
    /// The media time at which the last frame played ended.
    pub(crate) last_end: i64,
    /// How long the last concealment or silence lasts.
    pub(crate) step: i64,
    /// Whether the last step was silence.
    pub(crate) silent: bool,
    /// Whether the last step found the buffer empty.
    pub(crate) dry: bool,
    pub(crate) held: Option<Held<T>>,
    pub(crate) late_run: Option<LateRun>,
    pub(crate) counters: Statistics,
    pub(crate) delays: Delays,
}

impl<T> JitterBuffer<T> {
    /// Makes an empty buffer with all its memory.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the configuration makes no sense.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let clock = config.validate()?;
        let tick = clock.units(config.tick);
        let cadence = Cadence::new(clock, config.frame);
        Ok(Self {
            config,
            clock,
            limits: Limits::new(&config, clock),
            slots: Slots::new(config.capacity),
            stream: None,
            timeline: Timeline::new(tick, 0, 0),
            step: cadence.frame.min(tick),
            cadence,
            keeping: Keeping::new(&config, clock),
            jitter: Jitter::default(),
            next: 0,
            first: 0,
            last_end: 0,
            silent: false,
            dry: false,
            held: None,
            late_run: None,
            counters: Statistics::default(),
            delays: Delays::default(),
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
        let header = Header { sequence, timestamp, ssrc };
        self.counters.received += 1;
        self.place(header, self.clock.units(now), payload)
    }

    /// Gives what is to be played next. Call it at each tick, until there is a tick's worth of audio
    /// or it says [`Playout::NotReady`]; where tick and frame are of one length and nothing is
    /// stretched, that is once.
    pub fn pull(&mut self, now: Duration) -> Playout<T> {
        let now = self.clock.units(now);
        if self.stream.is_none() || self.timeline.is_early(now) {
            return Playout::NotReady;
        }
        if !self.timeline.started {
            self.start(now);
        }
        let (playout, units) = match self.keeping {
            Keeping::Fixed { .. } => self.next_fixed(),
            Keeping::Adaptive(_) => self.next_adaptive(now),
        };
        self.timeline.advance(now, units);
        playout
    }

    /// Says that what was pulled last was made `units` longer (or shorter, when negative) than it would
    /// have been, in timestamp units: the answer to [`Playout::Stretch`], once and before the next pull.
    /// Nothing needs to be said when nothing was changed.
    pub fn stretched(&mut self, units: i32) {
        let units = i64::from(units).clamp(-self.limits.max_delay, self.limits.max_delay);
        if let Keeping::Adaptive(adaptive) = &mut self.keeping
            && let Some(budget) = &mut adaptive.budget
        {
            budget.spend(units);
        }
        self.timeline.lengthen(units);
        let change = self.clock.duration(units.abs());
        if units > 0 {
            self.counters.lengthened += change;
        } else {
            self.counters.shortened += change;
        }
    }

    /// How long the last [`Playout::Conceal`] or [`Playout::Silence`] lasts: at most a tick.
    pub fn step(&self) -> Duration {
        self.clock.duration(self.step)
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
        let duration = |units| self.clock.duration(units);
        Statistics {
            queued: self.slots.len(),
            jitter: duration(self.jitter.units()),
            target: duration(self.target_delay()),
            delay: duration(self.delays.newest),
            nominal: duration(self.delays.nominal),
            maximum: self.config.max_delay.min(self.config.frame * self.config.capacity as u32),
            high_water: duration(self.delays.high),
            low_water: duration(self.delays.low),
            ..self.counters
        }
    }

    /// Begins a reporting interval: [`Statistics::high_water`] and [`Statistics::low_water`] start from
    /// the delay of now.
    pub fn begin_interval(&mut self) {
        self.delays.begin_interval();
    }

    /// Drops what waits and forgets the stream and the statistics, as if new.
    pub fn reset(&mut self) {
        self.slots.clear();
        self.stream = None;
        self.cadence = Cadence::new(self.clock, self.config.frame);
        self.keeping = Keeping::new(&self.config, self.clock);
        self.jitter = Jitter::default();
        self.held = None;
        self.late_run = None;
        self.counters = Statistics::default();
        self.delays = Delays::default();
    }
}

impl<T> JitterBuffer<T> {
    fn place(&mut self, header: Header, now: i64, payload: T) -> PushOutcome {
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

    /// Takes the packet after a held one, which [`push`](Self::push) has counted.
    pub(crate) fn push_counted(&mut self, header: Header, now: i64, payload: T) -> PushOutcome {
        self.place(header, now, payload)
    }

    /// How many frames will never be played.
    pub(crate) fn given_up(&self) -> u64 {
        self.counters.lost + self.counters.discarded
    }

    /// The delay aimed at, in units.
    pub(crate) fn target_delay(&self) -> i64 {
        match (&self.keeping, self.config.mode) {
            (Keeping::Adaptive(adaptive), _) => adaptive.target.delay(),
            (_, Mode::Fixed { delay }) => self.clock.units(delay),
            _ => 0,
        }
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.config.capacity as u64
    }
}
