//! What a listener at the end of a path hears: packets in order and at an even pace.

use std::time::Duration;

use jitter_buffer::audio::Playback;
use jitter_buffer::{Config, JitterBuffer, Mode};
use packet_ring::pool::{PacketBuf, PacketPool};
use rtp_core::Packet;

use super::CodecKind;
use super::concealment::G711Concealment;

/// Samples a second.
const RATE: u32 = 8_000;
/// Samples in the longest packet taken and in the longest tick: 60 ms.
pub(super) const LONGEST: usize = 480;
/// The delay follows the network from 40 ms up, which is where it begins. Nobody waits for what is recorded
/// or echoed, so that giving these back would only cost sound: frames stretched at each small wave.
const MODE: Mode =
    Mode::Adaptive { least: Duration::from_millis(40), most: Duration::from_millis(400) };
/// A source that has sent nothing for so long says nothing: what is heard is not worth sending on. The
/// buffer holds no packet longer than that.
const PATIENCE: Duration = Duration::from_millis(500);
/// An ear this far behind goes on from now, rather than hear everything at once.
const MAX_LAG: Duration = Duration::from_millis(200);

/// An ear: a jitter buffer whose delay follows the network, and what makes sound of it.
///
/// Its tick is a frame: what it hears can be sent on, or written down, as one piece.
#[derive(Debug)]
pub(super) struct Hearing {
    buffer: JitterBuffer<Voice>,
    playback: Playback<G711Concealment>,
    tick: Duration,
    next: Duration,
    last_packet: Duration,
}

/// A tick's sound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// How many samples there are.
    pub(super) count: usize,
    /// When it is to be heard.
    pub(super) at: Duration,
    /// Whether the source says anything.
    pub(super) sounds: bool,
}

impl Heard {
    /// Its time in samples since the machine's arbitrary start.
    pub(super) fn timestamp(&self) -> u32 {
        (self.at.as_micros() / 125) as u32
    }
}

/// The payload of a packet.
#[derive(Debug)]
struct Voice {
    law: Law,
    octets: PacketBuf,
}

#[derive(Clone, Copy, Debug)]
enum Law {
    A,
    Mu,
}

impl Hearing {
    /// `ptime_ms`: how long packets are expected to be, and the tick; 10 to 60 ms.
    pub(super) fn new(now: Duration, ptime_ms: u32) -> Self {
        let tick = Duration::from_millis(u64::from(ptime_ms.clamp(10, 60)));
        let mut config = Config::new(RATE, tick);
        config.mode = MODE;
        Self {
            buffer: JitterBuffer::new(config)
                .unwrap_or_else(|_| unreachable!("the configuration is a valid one")),
            playback: Playback::new(RATE, G711Concealment::default()),
            tick,
            // Packets will come about a frame apart from now on: ticks between them leave either
            // side the most room.
            next: now + tick / 2,
            last_packet: now,
        }
    }

    /// Takes a packet of G.711; others are not heard. `false`: there is no buffer to keep it in.
    pub(super) fn take(
        &mut self,
        now: Duration,
        kind: &CodecKind,
        packet: &Packet<'_>,
        pool: &PacketPool,
    ) -> bool {
        let law = match kind {
            CodecKind::Pcma => Law::A,
            CodecKind::Pcmu => Law::Mu,
            CodecKind::Other(_) => return true,
        };
        let payload = packet.payload();
        let payload = payload.get(..LONGEST).unwrap_or(payload);
        let Some(mut octets) = pool.take() else { return false };
        if octets.extend_from_slice(payload).is_err() {
            return true;
        }
        let (number, timestamp) = (packet.sequence_number(), packet.timestamp());
        self.buffer.push(number, timestamp, packet.ssrc().0, now, Voice { law, octets });
        self.last_packet = now;
        true
    }

    pub(super) fn poll_timeout(&self) -> Duration {
        self.next
    }

    /// The next tick's sound, when it is due.
    pub(super) fn handle_timeout(
        &mut self,
        now: Duration,
        samples: &mut [i16; LONGEST],
    ) -> Option<Heard> {
        if now < self.next {
            return None;
        }
        if now - self.next > MAX_LAG {
            self.next = now;
        }
        let tick = self.next;
        self.next += self.tick;
        let count = self.playback.samples(self.tick).min(LONGEST);
        let samples = samples.get_mut(..count)?;
        let plays = self.playback.tick(&mut self.buffer, tick, samples, |voice, pcm| {
            let length = voice.octets.len().min(pcm.len());
            let (octets, pcm) = (voice.octets.get(..length), pcm.get_mut(..length));
            if let (Some(octets), Some(pcm)) = (octets, pcm) {
                match voice.law {
                    Law::A => codec_g711::alaw::decode(octets, pcm),
                    Law::Mu => codec_g711::ulaw::decode(octets, pcm),
                };
            }
            length
        });
        Some(Heard {
            count,
            at: tick,
            sounds: plays && tick.saturating_sub(self.last_packet) <= PATIENCE,
        })
    }
}
