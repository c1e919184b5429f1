//! What the machine says itself: prompts, tones and digits.

use std::time::Duration;

use rtp_core::PayloadType;
use rtp_core::session::Frame;

use super::stream::{Activity, Player, StreamState};
use super::{Machine, Transmit};
use crate::media::{Audio, CodecKind, Event, PortId};

/// A player this far behind begins anew from now, rather than send a burst.
const MAX_LAG: Duration = Duration::from_millis(200);

/// Longest packet: 60 ms at 8 kHz.
pub(super) const LONGEST: usize = 480;

pub(super) fn begin(now: Duration, audio: Audio, token: u64) -> Activity {
    Activity::Playing(Player { audio, token, position: 0, clock: 0, next: now })
}

impl Machine {
    /// Sends the frames of a player that are due.
    pub(super) fn play(&mut self, now: Duration, port: PortId) {
        loop {
            let Some(stream) = self.streams.get_mut(&port) else { return };
            let length = stream.frame_samples();
            let Activity::Playing(player) = &mut stream.activity else { return };
            if player.next > now {
                return;
            }
            if now - player.next > MAX_LAG {
                player.next = now;
            }
            player.next += Duration::from_micros(length as u64 * 125);
            let timestamp = player.clock;
            player.clock = player.clock.wrapping_add(length as u32);
            let mut samples = [0; LONGEST];
            let finished = player.fill(samples.get_mut(..length).unwrap_or_default());
            let token = player.token;
            if finished {
                stream.activity = Activity::Idle;
            }
            self.send_samples(now, port, timestamp, samples.get(..length).unwrap_or_default());
            if finished {
                self.events.push_back(Event::Played { port, token });
                return;
            }
        }
    }

    /// Encodes and sends one frame of our own, in the peer's preferred law.
    pub(super) fn send_samples(
        &mut self,
        now: Duration,
        port: PortId,
        timestamp: u32,
        samples: &[i16],
    ) {
        let Some(stream) = self.streams.get_mut(&port) else { return };
        let Some((kind, payload_type)) = stream.law() else { return };
        let Some(destination) = stream.destination() else { return };
        if stream.is_sending_digit() {
            return;
        }
        let Some(mut packet) = self.pool.take() else {
            self.counters.no_buffer += 1;
            return;
        };
        let frame = Frame { payload_type, timestamp, marker: false, payload_len: samples.len() };
        let header = stream.session.sender_mut().send(now, frame);
        if packet.set_len(12 + samples.len()).is_err() || header.write(&mut packet).is_err() {
            return;
        }
        encode(&kind, samples, packet.get_mut(12..).unwrap_or_default());
        stream.record_sent(now, (header.ssrc.0, header.timestamp), samples);
        self.transmits.push_back(Transmit { port, destination, packet });
    }

    /// Sends the packets of telephone events, or of tones, that are due.
    pub(super) fn send_digits(&mut self, now: Duration, port: PortId) {
        loop {
            let Some(stream) = self.streams.get_mut(&port) else { return };
            let Some(destination) = stream.destination() else {
                stream.drop_digits();
                return;
            };
            let mut payload = [0; LONGEST];
            let Some(piece) = stream.next_digit_piece(now, &mut payload) else { return };
            let Some(mut packet) = self.pool.take() else {
                self.counters.no_buffer += 1;
                return;
            };
            let header = stream.session.sender_mut().insert(now, piece);
            let length = piece.payload_len;
            if packet.set_len(12 + length).is_ok()
                && header.write(&mut packet).is_ok()
                && let (Some(to), Some(from)) = (packet.get_mut(12..), payload.get(..length))
            {
                to.copy_from_slice(from);
                self.transmits.push_back(Transmit { port, destination, packet });
            }
        }
    }
}

impl Player {
    /// Fills a frame; `true` when the audio has come to its end.
    fn fill(&mut self, frame: &mut [i16]) -> bool {
        for slot in frame {
            if self.position >= self.audio.samples.len() {
                if !self.audio.repeat || self.audio.samples.is_empty() {
                    return true;
                }
                self.position = 0;
            }
            *slot = self.audio.samples.get(self.position).copied().unwrap_or(0);
            self.position += 1;
        }
        !self.audio.repeat && self.position >= self.audio.samples.len()
    }
}

impl StreamState {
    /// The law to speak: the first G.711 codec agreed on, with the payload type the peer gave it.
    pub(super) fn law(&self) -> Option<(CodecKind, PayloadType)> {
        self.agreed
            .codecs
            .iter()
            .find(|codec| matches!(codec.kind, CodecKind::Pcma | CodecKind::Pcmu))
            .map(|codec| (codec.kind.clone(), PayloadType::from_octet(codec.send_payload_type)))
    }

    /// Samples in each packet we make.
    pub(super) fn frame_samples(&self) -> usize {
        (self.agreed.ptime_ms.clamp(10, 60) * 8) as usize
    }
}

pub(super) fn encode(kind: &CodecKind, samples: &[i16], octets: &mut [u8]) {
    match kind {
        CodecKind::Pcma => codec_g711::alaw::encode(samples, octets),
        _ => codec_g711::ulaw::encode(samples, octets),
    };
}
