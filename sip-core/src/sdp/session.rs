//! A whole session description.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;

use super::address::{Address, Connection};
use super::attribute::Attributes;
use super::direction::Direction;
use super::error::SdpError;
use super::limits::Limits;
use super::media::Media;
use super::text::Text;
use super::{parse, write};

/// A session description (RFC 8866 §5), with every line kept.
///
/// Two descriptions are equal when they are written alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`
    pub origin: Origin,
    /// `s=`; `-` when there is nothing to say.
    pub name: Text,
    /// `i=`
    pub information: Option<Text>,
    /// `u=`
    pub uri: Option<Text>,
    /// `e=`
    pub emails: Vec<Text>,
    /// `p=`
    pub phones: Vec<Text>,
    /// `c=` of the session, for media that have none of their own.
    pub connection: Option<Connection>,
    /// `b=`
    pub bandwidths: Vec<Bandwidth>,
    /// `t=` with `r=` and `z=`
    pub times: Vec<Time>,
    /// `k=`, obsolete (RFC 8866 §5.12), carried.
    pub key: Option<Text>,
    /// `a=` of the session.
    pub attributes: Attributes,
    /// The streams.
    pub media: Vec<Media>,
}

/// An `o=` line (RFC 8866 §5.2): who made the description, and which version of it this is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// `-` when the host has no notion of users.
    pub username: Text,
    /// Makes the session unique, with the other fields.
    pub session_id: u64,
    /// Goes up by one with every change (RFC 3264 §8).
    pub session_version: u64,
    /// The machine.
    pub address: Address,
}

/// A `b=` line (RFC 8866 §5.8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bandwidth {
    /// `AS`, `CT`, `TIAS`, `RS`, `RR` …
    pub kind: Text,
    /// Kilobits a second for `AS` and `CT`, bits a second for `TIAS` (RFC 3890), `RS` and `RR` (RFC 3556).
    pub value: u64,
}

/// A `t=` line with the `r=` and `z=` lines that follow it (RFC 8866 §5.9 to §5.11).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Time {
    /// NTP seconds, 0 for a session that is not scheduled.
    pub start: u64,
    /// NTP seconds, 0 for no end.
    pub stop: u64,
    /// `r=`
    pub repeats: Vec<Text>,
    /// `z=`
    pub zone: Option<Text>,
}

impl SessionDescription {
    /// A description without media: `s=-`, `t=0 0`.
    pub fn new(origin: Origin) -> Self {
        Self { origin, times: vec![Time::default()], ..Self::without_times() }
    }

    /// A description of nothing, to be filled.
    #[inline]
    pub(super) const fn without_times() -> Self {
        Self {
            origin: Origin {
                username: Text::from_static("-"),
                session_id: 0,
                session_version: 0,
                address: Address::ipv4(Ipv4Addr::UNSPECIFIED),
            },
            name: Text::from_static("-"),
            information: None,
            uri: None,
            emails: Vec::new(),
            phones: Vec::new(),
            connection: None,
            bandwidths: Vec::new(),
            times: Vec::new(),
            key: None,
            attributes: Attributes::new(),
            media: Vec::new(),
        }
    }

    /// Reads a body. It is copied once; everything then shares that copy.
    ///
    /// # Errors
    ///
    /// Says line, offset and reason when the body is not a session description or is over a limit.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, SdpError> {
        parse::check_size(body, limits)?;
        parse::session(&Bytes::copy_from_slice(body), limits)
    }

    /// As [`parse`](Self::parse), sharing the bytes of a message instead of copying.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_bytes(body: &Bytes, limits: &Limits) -> Result<Self, SdpError> {
        parse::check_size(body, limits)?;
        parse::session(body, limits)
    }

    /// Appends the description, lines in the order of RFC 8866 §5 and ended by CRLF.
    pub fn write(&self, out: &mut Vec<u8>) {
        write::session(self, out);
    }

    /// The description as a message body.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(512);
        self.write(&mut out);
        // A session keeps its description: without room to spare.
        Bytes::from(out.into_boxed_slice())
    }

    /// The `c=` line that holds for a stream: its own, else the session's.
    pub fn connection_of<'a>(&'a self, media: &'a Media) -> Option<&'a Connection> {
        media.connections.first().or(self.connection.as_ref())
    }

    /// The direction that holds for a stream: its own, else the session's, else both ways.
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction().or_else(|| self.attributes.direction()).unwrap_or_default()
    }

    /// The first audio stream that is not declined.
    pub fn audio(&self) -> Option<&Media> {
        self.media.iter().find(|m| m.kind == super::MediaKind::Audio && m.port != 0)
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

impl Origin {
    /// An origin with user name `-`.
    pub fn new(session_id: u64, session_version: u64, address: IpAddr) -> Self {
        Self {
            username: Text::from_static("-"),
            session_id,
            session_version,
            address: address.into(),
        }
    }
}
