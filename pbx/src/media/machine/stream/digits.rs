//! Digits of one stream, both ways. Neither half exists before the first digit.

use std::collections::VecDeque;
use std::time::Duration;

use rtp_core::dtmf::{self, Detector, DetectorConfig, Digit, Generator, GeneratorConfig};
use rtp_core::session::Frame;
use rtp_core::telephone_event::{
    Event, EventCode, EventReceiver, EventReceiverConfig, EventReport, EventSender,
    EventSenderConfig,
};
use rtp_core::{ClockRate, Packet, PayloadType};

use super::super::playing::{LONGEST, encode};
use crate::media::{CodecKind, EventPayload};

#[derive(Debug, Default)]
pub(super) struct Digits {
    receiver: Option<Box<EventReceiver>>,
    sender: Option<Box<EventSender>>,
    tones: Option<Box<Tones>>,
    ear: Option<Box<Ear>>,
}

/// Digits on their way as audio.
#[derive(Debug)]
struct Tones {
    generator: Generator,
    /// When the next frame is due, and its place on the outgoing stream's clock; `None` before the first.
    next: Option<(Duration, u32)>,
}

/// Digits found in what the peer says.
#[derive(Debug)]
struct Ear {
    detector: Detector,
    ended: VecDeque<(char, Duration)>,
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
        } else if let Some(digit) = Digit::from_char(digit) {
            let tones = self.tones.get_or_insert_with(|| {
                let generator = Generator::new(GeneratorConfig::default());
                Box::new(Tones { generator, next: None })
            });
            // As above.
            let _ = tones.generator.press(digit, duration);
        }
    }

    /// Whether audio has to be left out in favour of a digit.
    pub(super) fn is_sending(&self) -> bool {
        self.tones.is_some() || self.sender.as_ref().is_some_and(|sender| sender.is_active())
    }

    pub(super) fn clear(&mut self) {
        self.sender = None;
        self.tones = None;
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let tone =
            self.tones.as_ref().map(|tones| tones.next.map_or(Duration::ZERO, |next| next.0));
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
        let tones = self.tones.as_mut()?;
        let mut samples = [0; LONGEST];
        let samples = samples.get_mut(..payload.len())?;
        loop {
            let (due, timestamp) = tones.next.unwrap_or((now, clock));
            if due > now {
                return None;
            }
            let begins = tones.generator.current().is_none();
            if !tones.generator.fill(samples) {
                self.tones = None;
                return None;
            }
            let length = samples.len() as u32;
            let frame = Duration::from_micros(u64::from(length) * 125);
            tones.next = Some((due + frame, timestamp.wrapping_add(length)));
            // The pause between two digits is not sent: the peer hears nothing anyway.
            if samples.iter().any(|sample| *sample != 0) {
                encode(kind, samples, payload);
                let payload_len = payload.len();
                return Some(Frame { payload_type, timestamp, marker: begins, payload_len });
            }
        }
    }

    /// Listens for digits in the sound itself.
    pub(super) fn hear(&mut self, samples: &[i16]) {
        let ear = self.ear.get_or_insert_with(|| {
            let detector = Detector::new(DetectorConfig::default());
            Box::new(Ear { detector, ended: VecDeque::new() })
        });
        ear.detector.process(samples, |event| {
            if let dtmf::Event::Ended { digit, duration, .. } = event {
                ear.ended.push_back((digit.as_char(), duration));
            }
        });
    }

    /// Nobody listens for digits in the sound any more.
    pub(super) fn stop_hearing(&mut self) {
        self.ear = None;
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
        if let Some(heard) = self.ear.as_mut().and_then(|ear| ear.ended.pop_front()) {
            return Some(heard);
        }
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
