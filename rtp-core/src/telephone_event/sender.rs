//! The sending side: a queue of events becomes packets (RFC 4733 section 2.5.1).
//!
//! ```text
//!          press                 duration reached              three end packets sent
//!   Idle ---------> Updating -----------------------> Ending ------------------------> Idle
//!                   ^      | 0xFFFF ticks passed                                    (pause)
//!                   |      v
//!                   +-- SegmentEnding: three packets of full duration, then a new timestamp
//! ```

use alloc::collections::VecDeque;
use core::time::Duration;

use super::{EventCode, EventReport};
use crate::ClockRate;

/// How events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSenderConfig {
    /// The clock of the telephone-event payload type, which is that of the audio beside it.
    pub clock_rate: ClockRate,
    /// Time between two packets of an event; the RFC recommends the audio's packet time, up to
    /// 50 ms.
    pub interval: Duration,
    /// Level below 0 dBm0, in dB, 0 to 63.
    pub volume: u8,
    /// The least silence between two events.
    pub pause: Duration,
    /// Events that may wait.
    pub max_queue: usize,
}

impl Default for EventSenderConfig {
    /// 8 kHz, a packet every 20 ms, -10 dBm0, 60 ms between digits, 64 digits waiting.
    fn default() -> EventSenderConfig {
        EventSenderConfig {
            clock_rate: ClockRate::HZ_8000,
            interval: Duration::from_millis(20),
            volume: 10,
            pause: Duration::from_millis(60),
            max_queue: 64,
        }
    }
}

/// A packet to be sent: give it a payload type and a sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// Set on the first packet of an event.
    pub marker: bool,
    /// When the event (or this segment of a long one) began, by the clock of the outgoing stream.
    pub timestamp: u32,
    /// The payload.
    pub payload: [u8; EventReport::LEN],
}

/// The event was not queued. The caller's misuse, or a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PressError {
    /// An event has to last.
    #[error("a telephone event of no duration cannot be sent")]
    NoDuration,
    /// [`EventSenderConfig::max_queue`] events wait.
    #[error("{0} telephone events are waiting to be sent")]
    QueueFull(usize),
}

/// Sends events one after the other.
#[derive(Debug, Clone)]
pub struct EventSender {
    config: EventSenderConfig,
    queue: VecDeque<Press>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    code: EventCode,
    /// `None` while the key is down.
    duration: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Idle { ready: Duration },
    Active(Active),
}

#[derive(Debug, Clone, Copy)]
struct Active {
    code: EventCode,
    began: Duration,
    /// Ticks that the event lasts; `None` while the key is down.
    total: Option<u64>,
    /// The timestamp of the segment being sent, and the ticks of the event before it.
    timestamp: u32,
    segment_start: u64,
    next: Duration,
    first: bool,
    volume: u8,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Updating,
    SegmentEnding { left: u8 },
    Ending { left: u8 },
}

/// How often the last packet of an event or segment is sent (section 2.5.1.4).
const END_PACKETS: u8 = 3;

impl EventSender {
    /// A sender with nothing to send.
    pub fn new(config: EventSenderConfig) -> EventSender {
        EventSender {
            config,
            queue: VecDeque::with_capacity(config.max_queue.min(64)),
            state: State::Idle { ready: Duration::ZERO },
        }
    }

    /// Queues an event of known duration.
    ///
    /// # Errors
    ///
    /// [`PressError`]: the event is not queued.
    pub fn press(&mut self, code: EventCode, duration: Duration) -> Result<(), PressError> {
        if self.config.clock_rate.ticks(duration) == 0 {
            return Err(PressError::NoDuration);
        }
        self.enqueue(Press { code, duration: Some(duration) })
    }

    /// Queues an event that lasts until [`EventSender::release`].
    ///
    /// # Errors
    ///
    /// [`PressError::QueueFull`]: the event is not queued.
    pub fn hold(&mut self, code: EventCode) -> Result<(), PressError> {
        self.enqueue(Press { code, duration: None })
    }

    /// The key that is down is let go at `now`. One that has not been sent yet lasts one packet.
    pub fn release(&mut self, now: Duration) {
        let clock_rate = self.config.clock_rate;
        match &mut self.state {
            State::Active(active) if active.total.is_none() => {
                let total = clock_rate.ticks(now.saturating_sub(active.began));
                active.total = Some(total.max(1));
            }
            _ => {
                for press in &mut self.queue {
                    press.duration.get_or_insert(self.config.interval);
                }
            }
        }
    }

    /// The key that is down was down for `duration`, which is only known now; what has been told already is
    /// not taken back. One that has not been sent yet lasts that long, one packet at least.
    pub fn release_after(&mut self, duration: Duration) {
        let (clock_rate, interval) = (self.config.clock_rate, self.config.interval);
        match &mut self.state {
            State::Active(active) if active.total.is_none() => {
                let told = clock_rate.ticks(active.next.saturating_sub(active.began));
                active.total = Some(clock_rate.ticks(duration).max(told).max(1));
            }
            _ => {
                for press in &mut self.queue {
                    press.duration.get_or_insert(duration.max(interval));
                }
            }
        }
    }

    /// The level of events from the next one on, below 0 dBm0, in dB, 0 to 63.
    pub fn set_volume(&mut self, volume: u8) {
        self.config.volume = volume;
    }

    /// Forgets the events that have not begun.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Is an event being sent? The audio that it replaces is to be left out meanwhile.
    pub fn is_active(&self) -> bool {
        matches!(self.state, State::Active(_))
    }

    /// Is nothing being sent, and nothing waiting?
    pub fn is_idle(&self) -> bool {
        !self.is_active() && self.queue.is_empty()
    }

    /// When to call [`EventSender::poll_transmit`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.state {
            State::Active(active) => Some(active.next),
            State::Idle { ready } => (!self.queue.is_empty()).then_some(ready),
        }
    }

    /// The packet that is due at `now`. `timestamp` is where the outgoing stream's clock stands (see
    /// [`Sender::timestamp_at`](crate::session::Sender::timestamp_at)); it counts when an event
    /// begins.
    pub fn poll_transmit(&mut self, now: Duration, timestamp: u32) -> Option<EventPacket> {
        let mut active = match self.state {
            State::Active(active) if now >= active.next => active,
            State::Idle { ready } if now >= ready => self.begin(now, timestamp)?,
            _ => return None,
        };
        let packet = self.next_packet(&mut active);
        active.next += self.config.interval;
        if active.next <= now {
            // A driver that comes late gets no burst of packets to make up for it.
            active.next = now + self.config.interval;
        }
        self.state = match active.phase {
            Phase::Ending { left: 0 } => {
                let duration = self.config.clock_rate.duration(active.total.unwrap_or(0));
                State::Idle { ready: active.next.max(active.began + duration + self.config.pause) }
            }
            _ => State::Active(active),
        };
        Some(packet)
    }

    fn enqueue(&mut self, press: Press) -> Result<(), PressError> {
        if self.queue.len() >= self.config.max_queue {
            return Err(PressError::QueueFull(self.queue.len()));
        }
        self.queue.push_back(press);
        Ok(())
    }

    fn begin(&mut self, now: Duration, timestamp: u32) -> Option<Active> {
        let press = self.queue.pop_front()?;
        Some(Active {
            code: press.code,
            began: now,
            total: press.duration.map(|duration| self.config.clock_rate.ticks(duration).max(1)),
            timestamp,
            segment_start: 0,
            next: now,
            first: true,
            volume: self.config.volume,
            phase: Phase::Updating,
        })
    }

    fn next_packet(&self, active: &mut Active) -> EventPacket {
        const FULL: u64 = u16::MAX as u64;
        if active.phase == (Phase::SegmentEnding { left: 0 }) {
            active.segment_start += FULL;
            active.timestamp = active.timestamp.wrapping_add(u32::from(u16::MAX));
            active.phase = Phase::Updating;
        }
        // Like audio, a packet tells of the interval that begins with it.
        let until = active.next.saturating_sub(active.began) + self.config.interval;
        let lasted = self.config.clock_rate.ticks(until).max(1);
        let lasted = active.total.map_or(lasted, |total| lasted.min(total));
        let in_segment = lasted.saturating_sub(active.segment_start);
        active.phase = match active.phase {
            Phase::Updating if in_segment > FULL => Phase::SegmentEnding { left: END_PACKETS },
            Phase::Updating if active.total == Some(lasted) => Phase::Ending { left: END_PACKETS },
            phase => phase,
        };
        let end = match &mut active.phase {
            Phase::Updating => false,
            Phase::SegmentEnding { left } => {
                *left -= 1;
                false
            }
            Phase::Ending { left } => {
                *left -= 1;
                true
            }
        };
        let report = EventReport {
            code: active.code,
            end,
            volume: active.volume,
            duration: u16::try_from(in_segment).unwrap_or(u16::MAX),
        };
        EventPacket {
            marker: core::mem::take(&mut active.first),
            timestamp: active.timestamp,
            payload: report.to_bytes(),
        }
    }
}
