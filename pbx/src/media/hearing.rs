//! What a listener at the end of a path hears: packets in order and at an even pace.

use std::time::Duration;

use jitter_buffer::audio::{Playback, Repetition};
use jitter_buffer::{Config, JitterBuffer, Mode};
use rtp_core::Packet;

use super::CodecKind;

/// Samples a second.
const RATE: u32 = 8_000;
/// How often a listener's sound card asks: half a frame keeps the delay a tick's half lower.
const TICK: Duration = Duration::from_millis(10);
/// A tick's samples.
pub(super) const TICK_SAMPLES: usize = 80;
/// Samples in the longest packet taken, 60 ms. What is longer is cut.
const LONGEST: usize = 480;

/// An ear: a jitter buffer that follows the network, and what makes sound of it.
#[derive(Debug)]
pub(super) struct Hearing {
    buffer: JitterBuffer<Octets>,
    playback: Playback<Repetition>,
    next: Duration,
    /// Samples heard so far, which is the time stamp of the next.
    heard: u32,
}

/// The payload of a packet.
struct Octets {
    law: Law,
    length: usize,
    octets: [u8; LONGEST],
}

#[derive(Clone, Copy)]
enum Law {
    A,
    Mu,
}

impl std::fmt::Debug for Octets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} octets", self.length)
    }
}

impl Hearing {
    pub(super) fn new(now: Duration, ptime: Duration) -> Self {
        let sensible = Duration::from_millis(10)..=Duration::from_millis(60);
        let frame = if sensible.contains(&ptime) { ptime } else { Duration::from_millis(20) };
        let mut config = Config::new(RATE, frame);
        config.tick = TICK;
        config.mode = Mode::ADAPTIVE;
        Self {
            buffer: JitterBuffer::new(config)
                .unwrap_or_else(|_| unreachable!("the configuration is a valid one")),
            playback: Playback::new(RATE, Repetition::new(RATE)),
            next: now + TICK,
            heard: 0,
        }
    }

    /// Takes a packet of G.711; others are not heard.
    pub(super) fn take(&mut self, now: Duration, kind: &CodecKind, packet: &Packet<'_>) {
        let law = match kind {
            CodecKind::Pcma => Law::A,
            CodecKind::Pcmu => Law::Mu,
            CodecKind::Other(_) => return,
        };
        let payload = packet.payload();
        let length = payload.len().min(LONGEST);
        let mut octets = [0; LONGEST];
        if let (Some(to), Some(from)) = (octets.get_mut(..length), payload.get(..length)) {
            to.copy_from_slice(from);
        }
        let payload = Octets { law, length, octets };
        let (number, timestamp) = (packet.sequence_number(), packet.timestamp());
        self.buffer.push(number, timestamp, packet.ssrc().0, now, payload);
    }

    pub(super) fn poll_timeout(&self) -> Duration {
        self.next
    }

    /// The next tick's sound and its time stamp, when it is due.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> Option<(u32, [i16; TICK_SAMPLES])> {
        if now < self.next {
            return None;
        }
        let tick = self.next;
        self.next += TICK;
        let mut samples = [0; TICK_SAMPLES];
        self.playback.tick(&mut self.buffer, tick, &mut samples, |payload, pcm| {
            let length = payload.length.min(pcm.len());
            let octets = payload.octets.get(..length).unwrap_or_default();
            let Some(pcm) = pcm.get_mut(..octets.len()) else { return 0 };
            match payload.law {
                Law::A => codec_g711::alaw::decode(octets, pcm),
                Law::Mu => codec_g711::ulaw::decode(octets, pcm),
            };
            length
        });
        let timestamp = self.heard;
        self.heard = self.heard.wrapping_add(TICK_SAMPLES as u32);
        Some((timestamp, samples))
    }
}
