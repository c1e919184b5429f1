//! One stream: an `m=` line and what follows it.

use core::fmt;

use super::address::Connection;
use super::attribute::{Attributes, RtpmapParts, fmtp_parts};
use super::direction::Direction;
use super::grammar::{is_token, number, payload_type_and_rest};
use super::session::Bandwidth;
use super::text::Text;

/// What kind of media a stream carries (RFC 8866 §8.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// `audio`
    Audio,
    /// `video`
    Video,
    /// `text`: real-time text.
    Text,
    /// `application`
    Application,
    /// `message`: MSRP.
    Message,
    /// `image`: T.38 fax.
    Image,
    /// Any other.
    Other(Text),
}

impl MediaKind {
    /// As written in the `m=` line.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Audio => b"audio",
            Self::Video => b"video",
            Self::Text => b"text",
            Self::Application => b"application",
            Self::Message => b"message",
            Self::Image => b"image",
            Self::Other(text) => text.as_bytes(),
        }
    }

    /// The same, which keeps no body alive.
    pub(super) fn detached(&self) -> Self {
        match self {
            Self::Other(text) => Self::Other(text.detached()),
            known => known.clone(),
        }
    }

    /// `None` when the text is no token. `share` makes a text of an unknown one.
    pub(super) fn parse(text: &[u8], share: impl FnOnce(&[u8]) -> Text) -> Option<Self> {
        Some(match text {
            b"audio" => Self::Audio,
            b"video" => Self::Video,
            b"text" => Self::Text,
            b"application" => Self::Application,
            b"message" => Self::Message,
            b"image" => Self::Image,
            other if is_token(other) => Self::Other(share(other)),
            _ => return None,
        })
    }
}

/// The transport of a stream, such as `RTP/AVP` (RFC 8866 §8.2.3). Compared without regard to case, since
/// T.38 gateways write both `udptl` and `UDPTL`.
#[derive(Clone, Eq)]
pub struct Protocol(Text);

impl Protocol {
    /// RTP over UDP (RFC 3551).
    pub const fn rtp_avp() -> Self {
        Self(Text::from_static("RTP/AVP"))
    }

    /// RTP over UDP with early feedback (RFC 4585).
    pub fn rtp_avpf() -> Self {
        Self(Text::from_static("RTP/AVPF"))
    }

    /// SRTP (RFC 3711).
    pub fn rtp_savp() -> Self {
        Self(Text::from_static("RTP/SAVP"))
    }

    /// T.38 over UDP (RFC 3362).
    pub fn udptl() -> Self {
        Self(Text::from_static("udptl"))
    }

    /// The usual ones without sharing the body; `share` makes a text of another.
    pub(super) fn parse(text: &[u8], share: impl FnOnce(&[u8]) -> Text) -> Option<Self> {
        match text {
            b"RTP/AVP" => Some(Self::rtp_avp()),
            b"RTP/SAVP" => Some(Self::rtp_savp()),
            other => Self::new(share(other)),
        }
    }

    /// The same, which keeps no body alive.
    pub(super) fn detached(&self) -> Self {
        match self.as_bytes() {
            b"RTP/AVP" => Self::rtp_avp(),
            _ => Self(self.0.detached()),
        }
    }

    /// Any: tokens joined by slashes. `None` for anything else.
    pub fn new(text: Text) -> Option<Self> {
        let valid = text.as_bytes().split(|&b| b == b'/').all(is_token);
        valid.then_some(Self(text))
    }

    /// As written.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether RTP is carried, in clear or not, so that formats are payload types.
    pub fn is_rtp(&self) -> bool {
        let text = self.as_bytes();
        text.starts_with(b"RTP/")
            || text.split(|&b| b == b'/').any(|part| part.eq_ignore_ascii_case(b"RTP"))
    }

    /// Whether this is plain RTP over UDP: `RTP/AVP` or `RTP/AVPF`.
    pub fn is_plain_rtp(&self) -> bool {
        *self == *"RTP/AVP" || *self == *"RTP/AVPF"
    }

    /// Whether RTP is protected: any SAVP or SAVPF profile.
    pub fn is_secure(&self) -> bool {
        let last = self.0.as_bytes().rsplit(|&b| b == b'/').next().unwrap_or_default();
        last.eq_ignore_ascii_case(b"SAVP") || last.eq_ignore_ascii_case(b"SAVPF")
    }
}

impl PartialEq for Protocol {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl PartialEq<str> for Protocol {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A media format of an `m=` line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// An RTP payload type, 0 to 127.
    Payload(u8),
    /// Anything else, such as `t38` or `webrtc-datachannel`.
    Other(Text),
}

impl Format {
    /// The same, which keeps no body alive.
    pub(super) fn detached(&self) -> Self {
        match self {
            Self::Payload(number) => Self::Payload(*number),
            Self::Other(text) => Self::Other(text.detached()),
        }
    }

    /// The payload type, for RTP.
    pub fn payload_type(&self) -> Option<u8> {
        match self {
            Self::Payload(payload_type) => Some(*payload_type),
            Self::Other(_) => None,
        }
    }
}

/// One stream (RFC 8866 §5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Audio, video and so on.
    pub kind: MediaKind,
    /// Where media are wanted; 0 says the stream is declined or over.
    pub port: u16,
    /// Number of ports, when written.
    pub port_count: Option<u16>,
    /// Transport.
    pub protocol: Protocol,
    /// Formats, the preferred one first.
    pub formats: Vec<Format>,
    /// `i=`
    pub information: Option<Text>,
    /// `c=`, several only for layered multicast.
    pub connections: Vec<Connection>,
    /// `b=`
    pub bandwidths: Vec<Bandwidth>,
    /// `k=`, obsolete (RFC 8866 §5.12), carried.
    pub key: Option<Text>,
    /// `a=`
    pub attributes: Attributes,
}

impl Media {
    /// A stream without attributes.
    pub fn new(kind: MediaKind, port: u16, protocol: Protocol, formats: Vec<Format>) -> Self {
        Self { kind, port, protocol, formats, ..Self::empty() }
    }

    /// A stream of audio over RTP, to be filled.
    #[inline]
    pub(super) const fn empty() -> Self {
        Self {
            kind: MediaKind::Audio,
            port: 0,
            port_count: None,
            protocol: Protocol::rtp_avp(),
            formats: Vec::new(),
            information: None,
            connections: Vec::new(),
            bandwidths: Vec::new(),
            key: None,
            attributes: Attributes::new(),
        }
    }

    /// The same stream declined: port 0, same medium, transport and formats, nothing else (RFC 3264 §6).
    #[must_use]
    pub fn declined(&self) -> Self {
        let mut formats = self.formats.clone();
        if formats.is_empty() {
            // The grammar wants one, whatever the peer left out.
            let any = || Format::Other(Text::from_static("*"));
            formats.push(if self.protocol.is_rtp() { Format::Payload(0) } else { any() });
        }
        Self::new(self.kind.clone(), 0, self.protocol.clone(), formats)
    }

    /// The payload types of an RTP stream, the preferred one first.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.formats.iter().filter_map(Format::payload_type)
    }

    /// Encoding name, clock rate and channels that `a=rtpmap` gives a payload type; `None` when there is no
    /// such line or it is malformed.
    pub fn rtpmap(&self, payload_type: u8) -> Option<(&str, u32, u8)> {
        let of_it = |value: &&[u8]| {
            payload_type_and_rest(value).is_some_and(|(number, ..)| number == payload_type)
        };
        let mut values = self.attributes.values("rtpmap").filter(of_it);
        values.find_map(|value| RtpmapParts::parse(value).ok())?.named()
    }

    /// The parameters that `a=fmtp` gives a payload type.
    pub fn fmtp(&self, payload_type: u8) -> Option<&str> {
        self.fmtps().find(|(number, _)| *number == payload_type).map(|(_, parameters)| parameters)
    }

    /// Milliseconds of media in a packet that the writer would like to receive (RFC 8866 §6.4), at least 1;
    /// fractions are rounded up. `None` when absent, malformed, or larger than any number here.
    pub fn ptime(&self) -> Option<u32> {
        self.attributes.values("ptime").next().and_then(milliseconds)
    }

    /// The most milliseconds of media in a packet (RFC 8866 §6.5), read as [`ptime`](Self::ptime).
    pub fn max_ptime(&self) -> Option<u32> {
        self.attributes.values("maxptime").next().and_then(milliseconds)
    }

    /// The direction written at this level; see [`SessionDescription::direction`](super::SessionDescription::direction_of).
    pub fn direction(&self) -> Option<Direction> {
        self.attributes.direction()
    }

    /// Whether RTP and RTCP may share the port (RFC 5761).
    pub fn rtcp_mux(&self) -> bool {
        self.attributes.contains("rtcp-mux")
    }

    pub(super) fn rtpmaps(&self) -> impl Iterator<Item = RtpmapParts<'_>> {
        self.attributes.values("rtpmap").filter_map(|value| RtpmapParts::parse(value).ok())
    }

    /// The parameters of each payload type that has some.
    pub(super) fn fmtps(&self) -> impl Iterator<Item = (u8, &str)> {
        self.attributes.values("fmtp").filter_map(|value| {
            let (format, parameters) = fmtp_parts(value)?;
            Some((number(format)?, core::str::from_utf8(parameters).ok()?))
        })
    }
}

/// RFC 8866 §9: non-zero-int-or-real.
pub(super) fn milliseconds(value: &[u8]) -> Option<u32> {
    let value = value.trim_ascii();
    let (whole, fraction) = match memchr::memchr(b'.', value) {
        Some(dot) => (value.get(..dot)?, value.get(dot + 1..)?),
        None => (value, &b"0"[..]),
    };
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let up = u32::from(fraction.iter().any(|&b| b != b'0'));
    number::<u32>(whole)?.checked_add(up).filter(|&ms| ms > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ptime(value: &str) -> Option<u32> {
        milliseconds(value.as_bytes())
    }

    #[test]
    fn packet_times() {
        assert_eq!(ptime("20"), Some(20));
        assert_eq!(ptime("2.5"), Some(3));
        assert_eq!(ptime("20.0"), Some(20));
        assert_eq!(ptime(" 30 "), Some(30));
        for broken in ["", "0", "0.0", "-20", "4294967296", "20ms", "1.", ".5", "4294967295.5"] {
            assert_eq!(ptime(broken), None, "{broken}");
        }
    }

    #[test]
    fn protocols() {
        let protocol = |text: &'static str| Protocol::new(Text::from_static(text)).unwrap();
        assert_eq!(protocol("UDPTL"), Protocol::udptl());
        assert!(protocol("UDP/TLS/RTP/SAVPF").is_rtp());
        assert!(protocol("UDP/TLS/RTP/SAVPF").is_secure());
        assert!(!protocol("RTP/XAVP").is_plain_rtp());
        assert!(!protocol("TCP/MSRP").is_rtp());
        assert!(Protocol::new(Text::from_static("RTP//AVP")).is_none());
    }
}
