//! The sending half: one SSRC whose sequence numbers and timestamps go on when the source changes
//! (RFC 3550 section 5.1).
//!
//! A listener hears one stream, whatever it is made of: the other leg's packets, a prompt, a tone.
//! Each source numbers its packets in its own way; the [`Sender`] maps that to one numbering
//! without gaps other than those of the source itself. A gap in a relayed source (a loss on the
//! first hop) stays a gap, so that the listener can conceal it.

use core::time::Duration;

use rand_core::Rng;

use crate::header::Header;
use crate::rtcp::{RelayedStream, SenderInfo};
use crate::run::{Renumbering, Run};
use crate::{ClockRate, NtpTime, Packet, PayloadType, Ssrc};

/// A packet of a local source (a player, a mixer, a tone), as that source counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub payload_type: PayloadType,
    /// Ticks on the source's own time line; only differences matter. Silence that is not sent shows
    /// as a step.
    pub timestamp: u32,
    /// The first packet after silence.
    pub marker: bool,
    /// Octets of payload, for the counts in sender reports.
    pub payload_len: usize,
}

/// Numbers the packets of one outgoing stream.
#[derive(Debug, Clone)]
pub struct Sender {
    ssrc: Ssrc,
    clock_rate: ClockRate,
    next_sequence: u16,
    newest: Newest,
    source: Source,
    packets: u64,
    octets: u64,
    last_sent: Option<Duration>,
}

/// The newest timestamp that went out, and when.
#[derive(Debug, Clone, Copy)]
struct Newest {
    timestamp: u32,
    at: Duration,
    /// What one packet usually adds.
    step: u32,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    /// The next packet's source begins.
    New,
    Local {
        timestamp_offset: u32,
    },
    Relayed {
        ssrc: Ssrc,
        timestamp_offset: u32,
        sequence_offset: u16,
        highest: u16,
        /// Packets before this one were numbered by an older offset, or belong to the time before
        /// this source; sent now they would repeat a number.
        floor: u16,
    },
}

/// A step of a relayed source's sequence numbers that makes it another source.
const MAX_DROPOUT: u16 = 3_000;
/// How far back a relayed packet may lie and still be sent on.
const MAX_MISORDER: u16 = 100;
/// A source's clock this far from the real one has been set anew. Long telephone events repeat
/// their first timestamp for up to 8.2 s at 8 kHz.
const MAX_CLOCK_STEP: Duration = Duration::from_secs(10);

impl Sender {
    /// A stream that begins with a random sequence number and timestamp, from `rng`, which should
    /// be hard to predict (RFC 3550 section 5.1).
    ///
    /// The sequence number is below 2^15, so that its first wrap is far off: an SRTP receiver that
    /// missed the beginning could not know of it (RFC 4568 section 6.4).
    pub fn new(ssrc: Ssrc, clock_rate: ClockRate, rng: &mut (impl Rng + ?Sized)) -> Sender {
        let random = rng.next_u64();
        Sender {
            ssrc,
            clock_rate,
            next_sequence: random as u16 & 0x7fff,
            newest: Newest {
                timestamp: (random >> 32) as u32,
                at: Duration::ZERO,
                step: clock_rate.hz() / 50,
            },
            source: Source::New,
            packets: 0,
            octets: 0,
            last_sent: None,
        }
    }

    /// The stream's SSRC.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Takes another SSRC, after a collision: for receivers a new stream begins.
    pub(crate) fn set_ssrc(&mut self, ssrc: Ssrc) {
        self.ssrc = ssrc;
        self.packets = 0;
        self.octets = 0;
        self.source = Source::New;
    }

    /// The rate of the timestamps.
    pub fn clock_rate(&self) -> ClockRate {
        self.clock_rate
    }

    /// The next packet comes from another source: it goes on where the stream is and has the
    /// marker.
    ///
    /// To be called between two local sources. Not needed when a relayed source's SSRC changes, nor
    /// between a local source and a relayed one, nor when a local time line goes back: these are
    /// seen.
    pub fn switch_source(&mut self) {
        self.source = Source::New;
    }

    /// The header for a packet of a local source that is sent at `now`.
    pub fn send(&mut self, now: Duration, frame: Frame) -> Header<'static> {
        let offset = match self.source {
            Source::Local { timestamp_offset } => {
                let timestamp = frame.timestamp.wrapping_add(timestamp_offset);
                let back = timestamp.wrapping_sub(self.newest.timestamp) as i32;
                (back >= 0 && self.is_near(now, timestamp)).then_some(timestamp_offset)
            }
            _ => None,
        };
        let switched = offset.is_none();
        let timestamp_offset =
            offset.unwrap_or_else(|| self.continuation(now).wrapping_sub(frame.timestamp));
        self.source = Source::Local { timestamp_offset };
        let sequence_number = self.next_sequence;
        self.next_sequence = sequence_number.wrapping_add(1);
        let timestamp = frame.timestamp.wrapping_add(timestamp_offset);
        self.note_sent(now, timestamp, frame.payload_len);
        Header {
            marker: frame.marker || switched,
            ..Header::new(frame.payload_type, sequence_number, timestamp, self.ssrc)
        }
    }

    /// The header for a relayed packet that is sent on at `now` as `payload_type`, with a payload
    /// of `payload_len` octets (other than the packet's when it is transcoded).
    ///
    /// Both streams have to run on the same clock rate. `None` when the packet is a repetition, or
    /// so late that its number has been used otherwise: it is to be dropped.
    pub fn relay(
        &mut self,
        now: Duration,
        packet: &Packet<'_>,
        payload_type: PayloadType,
        payload_len: usize,
    ) -> Option<Header<'static>> {
        let number = packet.sequence_number();
        let (sequence_number, timestamp, marker) = match self.step_of(now, packet) {
            Step::Ahead { sequence_offset, timestamp_offset } => {
                if let Source::Relayed { highest, .. } = &mut self.source {
                    *highest = number;
                }
                let sequence_number = number.wrapping_add(sequence_offset);
                self.next_sequence = sequence_number.wrapping_add(1);
                let timestamp = packet.timestamp().wrapping_add(timestamp_offset);
                (sequence_number, timestamp, packet.marker())
            }
            Step::Late { sequence_offset, timestamp_offset } => (
                number.wrapping_add(sequence_offset),
                packet.timestamp().wrapping_add(timestamp_offset),
                packet.marker(),
            ),
            Step::Useless => return None,
            Step::NewSource => {
                let sequence_number = self.next_sequence;
                let timestamp = self.continuation(now);
                self.source = Source::Relayed {
                    ssrc: packet.ssrc(),
                    timestamp_offset: timestamp.wrapping_sub(packet.timestamp()),
                    sequence_offset: sequence_number.wrapping_sub(number),
                    highest: number,
                    floor: number,
                };
                self.next_sequence = sequence_number.wrapping_add(1);
                (sequence_number, timestamp, true)
            }
        };
        self.note_sent(now, timestamp, payload_len);
        Some(Header { marker, ..Header::new(payload_type, sequence_number, timestamp, self.ssrc) })
    }

    /// Notes the packets of a run that has ended: they have been sent on.
    pub fn end_run(&mut self, run: &Run) {
        if run.packets() == 0 {
            return;
        }
        let Renumbering { sequence_offset, timestamp_offset, .. } = *run.renumbering();
        if let Source::Relayed { ssrc, highest, .. } = &mut self.source
            && *ssrc == run.ssrc()
        {
            *highest = run.number();
            self.next_sequence = run.number().wrapping_add(sequence_offset).wrapping_add(1);
            self.newest.timestamp = run.timestamp().wrapping_add(timestamp_offset);
            self.newest.at = run.last();
        }
        self.packets += run.packets();
        self.octets += run.octets();
        self.last_sent = Some(run.last());
    }

    /// The source that is relayed now and its newest number, how it is numbered anew, and how far its timestamps go
    /// with each packet; `None` when its next packet would not simply be sent on.
    pub(crate) fn relaying(&self) -> Option<(Ssrc, u16, Renumbering)> {
        let Source::Relayed { ssrc, timestamp_offset, sequence_offset, highest, .. } = self.source
        else {
            return None;
        };
        let Newest { timestamp, at, step } = self.newest;
        let is_steady = (1..=self.clock_rate.hz() / 5).contains(&step);
        (is_steady && self.last_sent == Some(at)).then_some((
            ssrc,
            highest,
            Renumbering { ssrc: self.ssrc, sequence_offset, timestamp_offset, timestamp, step },
        ))
    }

    /// Leaves out a relayed packet that is consumed here (a digit for a menu, audio that a digit
    /// replaces): the numbers close up behind it, so that the listener sees no loss.
    pub fn withhold(&mut self, packet: &Packet<'_>) {
        let number = packet.sequence_number();
        if let Source::Relayed { ssrc, sequence_offset, highest, floor, .. } = &mut self.source
            && *ssrc == packet.ssrc()
            && (1..MAX_DROPOUT).contains(&number.wrapping_sub(*highest))
        {
            *sequence_offset = sequence_offset.wrapping_sub(1);
            *highest = number;
            *floor = number.wrapping_add(1);
            self.next_sequence = floor.wrapping_add(*sequence_offset);
        }
    }

    /// The header for a packet put between those of the source, at a timestamp of the *outgoing*
    /// stream (see [`Sender::timestamp_at`]): telephone events beside relayed audio.
    pub fn insert(&mut self, now: Duration, frame: Frame) -> Header<'static> {
        let sequence_number = self.next_sequence;
        self.next_sequence = sequence_number.wrapping_add(1);
        if let Source::Relayed { sequence_offset, highest, floor, .. } = &mut self.source {
            *sequence_offset = sequence_offset.wrapping_add(1);
            *floor = highest.wrapping_add(1);
        }
        self.note_sent(now, frame.timestamp, frame.payload_len);
        Header {
            marker: frame.marker,
            ..Header::new(frame.payload_type, sequence_number, frame.timestamp, self.ssrc)
        }
    }

    /// Where the outgoing stream's clock is at `now`.
    pub fn timestamp_at(&self, now: Duration) -> u32 {
        if self.last_sent.is_none() {
            return self.newest.timestamp;
        }
        let elapsed = self.clock_rate.ticks(now.saturating_sub(self.newest.at));
        self.newest.timestamp.wrapping_add(elapsed as u32)
    }

    /// What is done to the stream that is relayed now, so that a listener's feedback can be said in
    /// its sender's terms ([`crate::rtcp::Feedback::translate`]); `sender` is our SSRC in the
    /// session that it comes from. `None` while a local source speaks.
    pub fn relayed(&self, sender: Ssrc) -> Option<RelayedStream> {
        match self.source {
            Source::Relayed { ssrc, sequence_offset, .. } => {
                Some(RelayedStream { sender, incoming: ssrc, outgoing: self.ssrc, sequence_offset })
            }
            _ => None,
        }
    }

    /// When the last packet went out.
    pub fn last_sent(&self) -> Option<Duration> {
        self.last_sent
    }

    /// Packets sent.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Octets of payload sent.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// What a sender report sent at `now` says.
    pub fn sender_info(&self, now: Duration, ntp_time: NtpTime) -> SenderInfo {
        SenderInfo {
            ntp_time,
            rtp_timestamp: self.timestamp_at(now),
            packet_count: self.packets as u32,
            octet_count: self.octets as u32,
        }
    }

    fn step_of(&self, now: Duration, packet: &Packet<'_>) -> Step {
        let Source::Relayed { ssrc, timestamp_offset, sequence_offset, highest, floor } =
            self.source
        else {
            return Step::NewSource;
        };
        let number = packet.sequence_number();
        let ahead = number.wrapping_sub(highest);
        if ssrc != packet.ssrc()
            || !self.is_near(now, packet.timestamp().wrapping_add(timestamp_offset))
        {
            return Step::NewSource;
        }
        match (ahead, ahead.wrapping_neg()) {
            (0, _) => Step::Useless,
            (1..MAX_DROPOUT, _) => Step::Ahead { sequence_offset, timestamp_offset },
            (_, ..MAX_MISORDER) if (number.wrapping_sub(floor) as i16) < 0 => Step::Useless,
            (_, ..MAX_MISORDER) => Step::Late { sequence_offset, timestamp_offset },
            _ => Step::NewSource,
        }
    }

    /// Is `timestamp` where the clock may be at `now`?
    fn is_near(&self, now: Duration, timestamp: u32) -> bool {
        let off = timestamp.wrapping_sub(self.timestamp_at(now)) as i32;
        u64::from(off.unsigned_abs()) <= self.clock_rate.ticks(MAX_CLOCK_STEP)
    }

    /// The timestamp of the first packet of a new source.
    fn continuation(&self, now: Duration) -> u32 {
        if self.last_sent.is_none() {
            return self.newest.timestamp;
        }
        // Two sources may change within one packet's time; the clock goes on all the same.
        let least = self.newest.timestamp.wrapping_add(self.newest.step);
        let due = self.timestamp_at(now);
        if (due.wrapping_sub(least) as i32) < 0 { least } else { due }
    }

    fn note_sent(&mut self, now: Duration, timestamp: u32, payload_len: usize) {
        let ahead = timestamp.wrapping_sub(self.newest.timestamp);
        let first = self.last_sent.is_none();
        if first || (1..1 << 31).contains(&ahead) {
            if !first && ahead <= self.clock_rate.hz() / 5 {
                self.newest.step = ahead;
            }
            self.newest.timestamp = timestamp;
            self.newest.at = now;
        }
        self.packets += 1;
        self.octets += payload_len as u64;
        self.last_sent = Some(now);
    }
}

enum Step {
    Ahead { sequence_offset: u16, timestamp_offset: u32 },
    Late { sequence_offset: u16, timestamp_offset: u32 },
    Useless,
    NewSource,
}
