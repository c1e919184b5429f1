//! Packets in a row, counted beside the session that they belong to.
//!
//! Nearly every packet that is relayed is the next one of its source, and that is all that a latch, a session and
//! a sender note of it. A [`Run`] knows what the next one looks like and counts those that come; the three are told when
//! it ends, which has to be before anything else is done with them.
//!
//! ```text
//!   Run::begin --> continues? --- yes: counted; renumber, send on ---+
//!                    ^   |                                           |
//!                    |   no: Latch::end_run, Session::end_run,       |
//!                    |       Sender::end_run, and the packet to them |
//!                    +-----------------------------------------------+
//! ```

use core::time::Duration;

use crate::packet::FIXED_HEADER_LEN;
use crate::session::Sender;
use crate::stats::Jitter;
use crate::{Packet, PayloadType, Session, Ssrc};

/// A source that is silent for longer begins another run: by then its clock may have to be set anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Packets of one source in a row: numbers without a gap, timestamps a step apart.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    ssrc: Ssrc,
    /// Number and timestamp of the newest packet, as its source has them.
    number: u16,
    timestamp: u32,
    renumbering: Renumbering,
    jitter: Jitter,
    last: Duration,
    packets: u64,
    octets: u64,
}

impl Run {
    /// The run that the newest packet belongs to which came in by `received`, as `payload_type`, and was sent on by
    /// `sent` at `now`. `None` when the next one may be more than the next one.
    ///
    /// The payload type and the latch's verdict are the caller's to compare.
    pub fn begin(
        now: Duration,
        received: &Session,
        payload_type: PayloadType,
        sent: &Sender,
    ) -> Option<Run> {
        let (ssrc, highest, renumbering) = sent.relaying()?;
        let (number, jitter) = received.position(ssrc, payload_type)?;
        let timestamp = renumbering.timestamp.wrapping_sub(renumbering.timestamp_offset);
        (number == highest && sent.last_sent() == Some(now)).then_some(Run {
            ssrc,
            number,
            timestamp,
            renumbering,
            jitter,
            last: now,
            packets: 0,
            octets: 0,
        })
    }

    /// Whether `packet`, which came at `now`, is the next one of the run; then it is counted.
    #[inline]
    pub fn continues(&mut self, now: Duration, packet: &Packet<'_>) -> bool {
        let number = self.number.wrapping_add(1);
        let timestamp = self.timestamp.wrapping_add(self.renumbering.step);
        if packet.sequence_number() != number
            || packet.timestamp() != timestamp
            || packet.ssrc() != self.ssrc
            || now.saturating_sub(self.last) > LONGEST_PAUSE
        {
            return false;
        }
        (self.number, self.timestamp, self.last) = (number, timestamp, now);
        self.jitter.arrived(now, timestamp);
        self.packets += 1;
        self.octets += packet.payload().len() as u64;
        true
    }

    /// Gives the newest packet, in whose front this header lies, the numbers to send it on with.
    #[inline]
    pub fn renumber(&self, header: &mut [u8; FIXED_HEADER_LEN], payload_type: PayloadType) {
        let Renumbering { ssrc, sequence_offset, timestamp_offset, .. } = self.renumbering;
        let [_, kind, s1, s0, t3, t2, t1, t0, c3, c2, c1, c0] = header;
        *kind = *kind & 0x80 | payload_type.value();
        [*s1, *s0] = self.number.wrapping_add(sequence_offset).to_be_bytes();
        [*t3, *t2, *t1, *t0] = self.timestamp.wrapping_add(timestamp_offset).to_be_bytes();
        [*c3, *c2, *c1, *c0] = ssrc.0.to_be_bytes();
    }

    /// The source.
    pub fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Packets counted, without the one that the run began after.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Their payload, in octets.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// When the newest packet came.
    pub fn last(&self) -> Duration {
        self.last
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn timestamp(&self) -> u32 {
        self.timestamp
    }

    pub(crate) fn renumbering(&self) -> &Renumbering {
        &self.renumbering
    }

    pub(crate) fn jitter(&self) -> &Jitter {
        &self.jitter
    }
}

/// What a sender does to the numbers of a source that it relays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renumbering {
    /// Our SSRC.
    pub(crate) ssrc: Ssrc,
    /// What is added to each sequence number.
    pub(crate) sequence_offset: u16,
    /// What is added to each timestamp.
    pub(crate) timestamp_offset: u32,
    /// The newest timestamp that went out.
    pub(crate) timestamp: u32,
    /// What each packet adds to it.
    pub(crate) step: u32,
}
