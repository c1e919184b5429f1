//! What offer and answer agreed on.

use core::net::SocketAddr;

use super::codec::Codec;
use super::direction::Direction;
use super::telephone_event::TelephoneEvents;

/// The audio stream as both ends agreed, ready for a media machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Index of the stream's `m=` line.
    pub stream: usize,
    /// Where RTP goes. `None` when the peer gave a host name ([`remote_name`](Self::remote_name)), asked for
    /// silence with `0.0.0.0`, or has no stream.
    pub remote: Option<SocketAddr>,
    /// Where RTCP goes: the RTP address when multiplexed, else what `a=rtcp` says (RFC 3605), else the next
    /// port.
    pub remote_rtcp: Option<SocketAddr>,
    /// A host name and port that stand where an address should, to be looked up or learned by latching.
    pub remote_name: Option<(String, u16)>,
    /// Whether RTP and RTCP share one port, both ways (RFC 5761).
    pub rtcp_mux: bool,
    /// The codecs in common, the preferred one first; never empty unless the stream is over.
    pub codecs: Vec<NegotiatedCodec>,
    /// Telephone events at the clock rate of the first codec, else at any that both ends have.
    pub telephone_event: Option<NegotiatedTelephoneEvent>,
    /// Telephone events at every clock rate in common.
    pub telephone_events: Vec<NegotiatedTelephoneEvent>,
    /// Milliseconds of audio in each packet sent: what the peer asked for, within its `a=maxptime` and
    /// within 10 to 200.
    pub ptime_ms: u32,
    /// Which way media flow, seen from here.
    pub direction: Direction,
    /// Whether to send: the direction allows it and the peer did not ask for silence.
    pub send: bool,
    /// Whether media are to be expected.
    pub receive: bool,
}

impl Negotiated {
    /// The codec to send with, unless the stream is over.
    pub fn codec(&self) -> Option<&NegotiatedCodec> {
        self.codecs.first()
    }

    /// The codec that arrives under a payload type.
    pub fn codec_received(&self, payload_type: u8) -> Option<&NegotiatedCodec> {
        self.codecs.iter().find(|codec| codec.receive_payload_type == payload_type)
    }

    /// Telephone events that go with a codec, which is to say at its clock rate (RFC 4733 §2.1).
    pub fn telephone_event_for(&self, codec: &Codec) -> Option<&NegotiatedTelephoneEvent> {
        self.telephone_events.iter().find(|event| event.clock_rate == codec.clock_rate)
    }

    /// Whether the peer put us on hold: it neither receives, nor gave an address to send to.
    pub fn is_held(&self) -> bool {
        !self.send && !self.codecs.is_empty()
    }

    pub(super) fn over(stream: usize) -> Self {
        Self {
            stream,
            remote: None,
            remote_rtcp: None,
            remote_name: None,
            rtcp_mux: false,
            codecs: Vec::new(),
            telephone_event: None,
            telephone_events: Vec::new(),
            ptime_ms: 20,
            direction: Direction::Inactive,
            send: false,
            receive: false,
        }
    }
}

/// A codec in common, with the number that each side gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// The codec with our parameters, as our description has it.
    pub codec: Codec,
    /// The number to send with: the peer's.
    pub send_payload_type: u8,
    /// The number to expect: ours.
    pub receive_payload_type: u8,
    /// The peer's parameters: what it wants to be sent.
    pub fmtp: Option<String>,
}

/// `telephone-event` in common (RFC 4733).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NegotiatedTelephoneEvent {
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// The number to send with: the peer's.
    pub send_payload_type: u8,
    /// The number to expect: ours.
    pub receive_payload_type: u8,
    /// What the peer takes; the digits when it did not say.
    pub events: TelephoneEvents,
}
