//! Between in-band tones and telephone events (RFC 4733), both ways.
//!
//! ```text
//!            audio ──> Detector ──digit──> EventSender ──> packets       (ToEvents)
//!            audio <── Generator <──digit── EventReceiver <── packets    (ToTones)
//! ```

use core::time::Duration;

use super::{Detector, DetectorConfig, Digit, Event, Generator, GeneratorConfig};
use crate::Packet;
use crate::telephone_event::{
    self, EventError, EventPacket, EventReceiver, EventReceiverConfig, EventSender,
    EventSenderConfig,
};

/// Turns the digits in a stream of audio into telephone events.
#[derive(Debug, Clone)]
pub struct ToEvents {
    detector: Detector,
    sender: EventSender,
    dropped: u64,
}

impl ToEvents {
    /// At the beginning of a stream.
    pub fn new(detector: DetectorConfig, sender: EventSenderConfig) -> ToEvents {
        ToEvents { detector: Detector::new(detector), sender: EventSender::new(sender), dropped: 0 }
    }

    /// Takes audio, 16-bit linear at 8 kHz, in pieces of any length. The events that it makes due are sent by
    /// [`ToEvents::poll_transmit`].
    ///
    /// An event begins when its digit is known, some 36 ms after the tone did, and lasts as long as the tone.
    pub fn handle_audio(&mut self, samples: &[i16]) {
        let (sender, dropped) = (&mut self.sender, &mut self.dropped);
        self.detector.process(samples, |event| match event {
            Event::Started { digit, level, .. } => {
                sender.set_volume(libm::roundf((-level.0).clamp(0.0, 63.0)) as u8);
                *dropped += u64::from(sender.hold(digit.event()).is_err());
            }
            Event::Ended { duration, .. } => sender.release_after(duration),
        });
    }

    /// Is audio to be left out now? While a digit is down or its event is being sent, so that the receiver does
    /// not hear it twice. What of the tone was sent before it was known cannot be called back.
    pub fn is_muted(&self) -> bool {
        self.detector.current().is_some() || self.sender.is_active()
    }

    /// When to call [`ToEvents::poll_transmit`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.sender.poll_timeout()
    }

    /// The packet that is due at `now`; see [`EventSender::poll_transmit`].
    pub fn poll_transmit(&mut self, now: Duration, timestamp: u32) -> Option<EventPacket> {
        self.sender.poll_transmit(now, timestamp)
    }

    /// Digits that found no room to wait.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Turns telephone events into tones in a stream of audio.
#[derive(Debug, Clone)]
pub struct ToTones {
    receiver: EventReceiver,
    generator: Generator,
    min_duration: Duration,
    dropped: u64,
}

impl ToTones {
    /// At the beginning of a stream. A tone lasts as long as its event, `min_duration` at least: 40 ms are what
    /// receivers need, whatever the peer sends.
    pub fn new(
        receiver: EventReceiverConfig,
        generator: GeneratorConfig,
        min_duration: Duration,
    ) -> ToTones {
        ToTones {
            receiver: EventReceiver::new(receiver),
            generator: Generator::new(generator),
            min_duration,
            dropped: 0,
        }
    }

    /// Takes a packet of the telephone-event payload type that came at `now`.
    ///
    /// # Errors
    ///
    /// [`EventError`]: the peer's fault; nothing of the packet was used.
    pub fn handle_packet(&mut self, now: Duration, packet: &Packet<'_>) -> Result<(), EventError> {
        let outcome = self.receiver.handle_packet(now, packet);
        self.follow();
        outcome
    }

    /// When to call [`ToTones::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.receiver.poll_timeout()
    }

    /// Lets time pass until `now`: an event whose end was lost ends.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.receiver.handle_timeout(now);
        self.follow();
    }

    /// Writes the next samples over the stream's audio; see [`Generator::fill`].
    pub fn fill(&mut self, audio: &mut [i16]) -> bool {
        self.generator.fill(audio)
    }

    /// Digits that found no room to wait.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn follow(&mut self) {
        while let Some(event) = self.receiver.poll_event() {
            match event {
                telephone_event::Event::Started(code) => {
                    if let Some(digit) = Digit::from_event(code) {
                        self.dropped += u64::from(self.generator.hold(digit).is_err());
                    }
                }
                telephone_event::Event::Ended { code, duration, .. } => {
                    if Digit::from_event(code).is_some() {
                        self.generator.release_after(duration.max(self.min_duration));
                    }
                }
            }
        }
    }
}
