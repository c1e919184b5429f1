//! The receiving side: packets become events, each once (RFC 4733 section 2.5.2).
//!
//! An event is known by its timestamp. Any one of its packets is enough for it to be reported, so a
//! digit is lost only when all of its packets are; what more packets add is a better duration.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::{EventCode, EventError, EventReport};
use crate::{ClockRate, Packet, Ssrc};

/// How events are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventReceiverConfig {
    /// The clock of the telephone-event payload type.
    pub clock_rate: ClockRate,
    /// An event of which nothing more has come for this long has ended.
    pub timeout: Duration,
    /// Events that wait to be polled; the oldest gives way.
    pub max_events: usize,
}

impl Default for EventReceiverConfig {
    /// 8 kHz; 250 ms, five of the longest intervals that RFC 4733 recommends; 32 events.
    fn default() -> EventReceiverConfig {
        EventReceiverConfig {
            clock_rate: ClockRate::HZ_8000,
            timeout: Duration::from_millis(250),
            max_events: 32,
        }
    }
}

/// What the peer's user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An event has begun.
    Started(EventCode),
    /// The event that began last has ended.
    Ended {
        /// Which.
        code: EventCode,
        /// How long it lasted, as far as packets told.
        duration: Duration,
        /// Did a packet say so? Else it may have lasted longer.
        complete: bool,
    },
}

/// Follows the telephone events of one stream.
#[derive(Debug, Clone)]
pub struct EventReceiver {
    config: EventReceiverConfig,
    newest: Option<(Ssrc, u16)>,
    current: Option<Current>,
    /// The event that ended last: what comes of it later is a repetition.
    ended: Option<(EventCode, u32)>,
    events: VecDeque<Event>,
    events_lost: u64,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    code: EventCode,
    timestamp: u32,
    /// Ticks in the segments before this one.
    before: u64,
    duration: u16,
    last: Duration,
}

/// Reports that are read from one packet. With the end of an event before them, they make no more events than
/// wait by default: whoever polls after each packet loses none.
const MAX_REPORTS: usize = 15;
/// A packet behind the newest by no more than this is late; beyond, the numbers have begun anew.
const MAX_MISORDER: u16 = 100;
/// The next segment of a long event begins this many ticks after the one before: 0xFFFF by the RFC,
/// somewhat less with peers that split at a packet boundary.
const SEGMENT: core::ops::RangeInclusive<u32> = 60_000..=0xffff;

impl EventReceiver {
    /// A receiver that has seen nothing.
    pub fn new(config: EventReceiverConfig) -> EventReceiver {
        EventReceiver {
            config,
            newest: None,
            current: None,
            ended: None,
            events: VecDeque::with_capacity(config.max_events),
            events_lost: 0,
        }
    }

    /// Takes a packet of the telephone-event payload type that came at `now`.
    ///
    /// # Errors
    ///
    /// [`EventError`]: the peer's fault; nothing of the packet was used.
    pub fn handle_packet(&mut self, now: Duration, packet: &Packet<'_>) -> Result<(), EventError> {
        self.handle_timeout(now);
        let reports = EventReport::parse(packet.payload())?;
        let number = packet.sequence_number();
        let mut late = false;
        match self.newest {
            Some((ssrc, newest)) if ssrc == packet.ssrc() => {
                late = newest.wrapping_sub(number) <= MAX_MISORDER;
            }
            Some(_) => {
                // Another source: its timestamps have nothing to do with those before.
                self.end(false);
                self.ended = None;
            }
            None => {}
        }
        if !late {
            self.newest = Some((packet.ssrc(), number));
        }
        let mut timestamp = packet.timestamp();
        let mut marker = packet.marker();
        for report in reports.take(MAX_REPORTS) {
            self.handle_report(now, timestamp, marker, late, report);
            timestamp = timestamp.wrapping_add(u32::from(report.duration));
            marker = false;
        }
        Ok(())
    }

    /// When to call [`EventReceiver::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.current.map(|current| current.last + self.config.timeout)
    }

    /// Lets time pass until `now`: an event whose end was lost ends.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_some_and(|due| now >= due) {
            self.end(false);
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Events that nobody polled in time.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    /// The event that is going on.
    pub fn current(&self) -> Option<EventCode> {
        self.current.map(|current| current.code)
    }

    fn handle_report(
        &mut self,
        now: Duration,
        timestamp: u32,
        marker: bool,
        late: bool,
        report: EventReport,
    ) {
        // Zero is for states, which DTMF has none of (section 2.3.5).
        if report.duration == 0 || self.ended == Some((report.code, timestamp)) {
            return;
        }
        match &mut self.current {
            Some(current) if current.code == report.code && current.timestamp == timestamp => {
                current.duration = current.duration.max(report.duration);
                current.last = now;
            }
            // Of an event before the current one; that has been reported.
            _ if late => return,
            Some(current)
                if current.code == report.code
                    && !marker
                    && SEGMENT.contains(&timestamp.wrapping_sub(current.timestamp)) =>
            {
                current.before += u64::from(timestamp.wrapping_sub(current.timestamp));
                current.timestamp = timestamp;
                current.duration = report.duration;
                current.last = now;
            }
            _ => {
                self.end(false);
                self.current = Some(Current {
                    code: report.code,
                    timestamp,
                    before: 0,
                    duration: report.duration,
                    last: now,
                });
                self.push(Event::Started(report.code));
            }
        }
        if report.end {
            self.end(true);
        }
    }

    fn end(&mut self, complete: bool) {
        let Some(current) = self.current.take() else { return };
        self.ended = Some((current.code, current.timestamp));
        let ticks = current.before + u64::from(current.duration);
        let duration = self.config.clock_rate.duration(ticks);
        self.push(Event::Ended { code: current.code, duration, complete });
    }

    fn push(&mut self, event: Event) {
        if self.events.len() >= self.config.max_events && self.events.pop_front().is_some() {
            self.events_lost += 1;
        }
        self.events.push_back(event);
    }
}
