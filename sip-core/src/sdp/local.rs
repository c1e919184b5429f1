//! What this end has to offer.

use core::net::IpAddr;

use super::codec::Codec;
use super::direction::Direction;

/// This end of an audio stream: where it listens and what it speaks.
///
/// A plain record; change it between offers and the next description says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where media are received, as the peer sees it.
    pub address: IpAddr,
    /// RTP port. Not 0.
    pub port: u16,
    /// Makes `o=` unique with the address; draw it at random. Fixed once a description was sent.
    pub session_id: u64,
    /// Version of the first description; below 2⁶², so that it never wraps.
    pub session_version: u64,
    /// Codecs, the preferred one first. `telephone-event` does not belong here.
    pub codecs: Vec<Codec>,
    /// Take an offer of any codec, for a call whose other leg decides (see [`Relay`](super::Relay)).
    /// Default false.
    pub pass_through: bool,
    /// Whether telephone events are sent and understood (RFC 4733). Default true.
    pub telephone_event: bool,
    /// Milliseconds of audio wanted in a packet; `None` leaves it to the peer. Default `None`.
    pub ptime: Option<u32>,
    /// The most milliseconds of audio in a packet that can be received. Default `None`.
    pub max_ptime: Option<u32>,
    /// Which way media may flow: [`Direction::SendOnly`] or [`Direction::Inactive`] puts the peer on hold.
    /// This is the wish; an answer also heeds what was offered. Default both ways.
    pub direction: Direction,
    /// Whether RTP and RTCP may share the port (RFC 5761). Default false.
    pub rtcp_mux: bool,
    /// RTCP port when it is not the next one (RFC 3605). Default `None`.
    pub rtcp_port: Option<u16>,
    /// Whose order of codecs our answers follow.
    pub order: CodecOrder,
    /// How many codecs our answers name.
    pub answer_with: AnswerWith,
}

/// Whose order of codecs an answer follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CodecOrder {
    /// Our own, [`Local::codecs`].
    #[default]
    Local,
    /// The offer's, as RFC 3264 §6.1 recommends to an answerer without preferences.
    Offer,
}

/// How many codecs an answer names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnswerWith {
    /// All in common: the peer may change between them at any packet.
    #[default]
    All,
    /// Only the first.
    First,
}

impl Local {
    /// PCMA, PCMU and telephone events at an address.
    pub fn new(address: IpAddr, port: u16) -> Self {
        Self {
            address,
            port,
            session_id: 0,
            session_version: 0,
            codecs: vec![Codec::PCMA, Codec::PCMU],
            pass_through: false,
            telephone_event: true,
            ptime: None,
            max_ptime: None,
            direction: Direction::SendRecv,
            rtcp_mux: false,
            rtcp_port: None,
            order: CodecOrder::Local,
            answer_with: AnswerWith::All,
        }
    }
}
