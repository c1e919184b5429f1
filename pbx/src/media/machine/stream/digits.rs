//! Digits of one stream, both ways. Neither half exists before the first digit.

use std::collections::VecDeque;
use std::time::Duration;

use rtp_core::session::Frame;
use rtp_core::telephone_event::{
    Event, EventCode, EventReceiver, EventReceiverConfig, EventReport, EventSender,
    EventSenderConfig,
};
use rtp_core::{ClockRate, Packet, PayloadType};

use super::super::playing::encode;
use crate::media::{Audio, CodecKind, EventPayload, tone};

/// Silence after a digit that is sent as tones (ITU-T Q.24 asks for 30 ms and more).
const PAUSE: Duration = Duration::from_millis(60);
/// Digits that may wait to be sent as tones.
const MAX_QUEUE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Digits {
    receiver: Option<Box<EventReceiver>>,
    sender: Option<Box<EventSender>>,
    tones: VecDeque<Audio>,
    tone: Option<Tone>,
}

/// A digit on its way as audio.
#[derive(Debug)]
struct Tone {
    audio: Audio,
    position: usize,
    /// On the outgoing stream's clock.
    timestamp: u32,
    next: Duration,
}

impl Digits {
    /// Queues a digit: as an event where the peer has agreed to them, else as tones.
    pub(super) fn queue(
        &mut self,
        events: Option<EventPayload>,
        clock_rate: ClockRate,
        digit: char,
        duration: Duration,
    ) {
        if events.is_some() {
            let sender = self.sender.get_or_insert_with(|| {
                Box::new(EventSender::new(EventSenderConfig {
                    clock_rate,
                    ..EventSenderConfig::default()
                }))
            });
            if let Some(code) = EventCode::from_digit(digit) {
                // A queue that is full has 64 digits before this one: nobody dials that.
                let _ = sender.press(code, duration);
            }
        } else if self.tones.len() < MAX_QUEUE
            && let Some(audio) = tone::dtmf(digit, duration)
        {
            self.tones.push_back(audio);
        }
    }

    /// Whether audio has to be left out in favour of a digit.
    pub(super) fn is_sending(&self) -> bool {
        self.tone.is_some() || self.sender.as_ref().is_some_and(|sender| sender.is_active())
    }

    pub(super) fn clear(&mut self) {
        self.sender = None;
        self.tones.clear();
        self.tone = None;
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let tone = match (&self.tone, self.tones.is_empty()) {
            (Some(tone), _) => Some(tone.next),
            (None, false) => Some(Duration::ZERO),
            (None, true) => None,
        };
        let sender = self.sender.as_ref().and_then(|sender| sender.poll_timeout());
        let receiver = self.receiver.as_ref().and_then(|receiver| receiver.poll_timeout());
        [tone, sender, receiver].into_iter().flatten().min()
    }

    /// The next packet of an event that is due; `clock` is where the outgoing stream stands.
    pub(super) fn event(
        &mut self,
        now: Duration,
        clock: u32,
        payload_type: PayloadType,
        payload: &mut [u8],
    ) -> Option<Frame> {
        let packet = self.sender.as_mut()?.poll_transmit(now, clock)?;
        payload.get_mut(..EventReport::LEN)?.copy_from_slice(&packet.payload);
        Some(Frame {
            payload_type,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload_len: EventReport::LEN,
        })
    }

    /// The next frame of a tone that is due.
    pub(super) fn tone(
        &mut self,
        now: Duration,
        clock: u32,
        (kind, payload_type): (&CodecKind, PayloadType),
        payload: &mut [u8],
    ) -> Option<Frame> {
        if self.tone.is_none() {
            let audio = self.tones.pop_front()?;
            self.tone = Some(Tone { audio, position: 0, timestamp: clock, next: now });
        }
        let tone = self.tone.as_mut()?;
        if tone.next > now {
            return None;
        }
        let rest = tone.audio.samples.get(tone.position..).unwrap_or_default();
        if rest.is_empty() {
            self.tone = None;
            return None;
        }
        let length = rest.len().min(payload.len());
        encode(kind, rest.get(..length)?, payload.get_mut(..length)?);
        let first = tone.position == 0;
        let timestamp = tone.timestamp;
        tone.position += length;
        tone.timestamp = tone.timestamp.wrapping_add(length as u32);
        tone.next += Duration::from_micros(length as u64 * 125);
        if tone.position >= tone.audio.samples.len() {
            tone.next += PAUSE;
        }
        Some(Frame { payload_type, timestamp, marker: first, payload_len: length })
    }

    /// Takes a packet of the peer's event; `Err` when it is malformed.
    pub(super) fn receive(
        &mut self,
        now: Duration,
        clock_rate: ClockRate,
        packet: &Packet<'_>,
    ) -> Result<(), rtp_core::telephone_event::EventError> {
        let receiver = self.receiver.get_or_insert_with(|| {
            Box::new(EventReceiver::new(EventReceiverConfig {
                clock_rate,
                ..EventReceiverConfig::default()
            }))
        });
        receiver.handle_packet(now, packet)
    }

    /// Lets time pass: an event whose end was lost ends.
    pub(super) fn handle_timeout(&mut self, now: Duration) {
        if let Some(receiver) = &mut self.receiver {
            receiver.handle_timeout(now);
        }
    }

    /// The next digit of the peer's that has ended.
    pub(super) fn ended(&mut self) -> Option<(char, Duration)> {
        loop {
            match self.receiver.as_mut()?.poll_event()? {
                Event::Ended { code, duration, .. } => {
                    if let Some(digit) = code.digit() {
                        return Some((digit, duration));
                    }
                }
                Event::Started(_) => {}
            }
        }
    }
}
