//! `a=rtpmap`: what a payload type number means.

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{is_token, number, own, payload_type_and_rest, write_number};
use crate::sdp::text::Text;

/// `a=rtpmap:<payload type> <encoding name>/<clock rate>[/<channels>]` (RFC 8866 §6.6).
///
/// ```
/// use sip_core::sdp::{Rtpmap, TypedAttribute};
///
/// let map = Rtpmap::parse(b"96 opus/48000/2")?;
/// assert_eq!((map.payload_type, map.clock_rate, map.channels), (96, 48_000, 2));
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rtpmap {
    /// 0 to 127.
    pub payload_type: u8,
    /// Name of the encoding; compared without regard to case (RFC 8866 §6.6).
    pub encoding: Text,
    /// RTP clock rate in Hz, at least 1.
    pub clock_rate: u32,
    /// Audio channels, 1 when not written.
    pub channels: u8,
}

impl TypedAttribute for Rtpmap {
    const NAME: &'static str = "rtpmap";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let parts = RtpmapParts::parse(value)?;
        Ok(Self {
            payload_type: parts.payload_type,
            encoding: own(parts.encoding),
            clock_rate: parts.clock_rate,
            channels: parts.channels,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, self.payload_type.into());
        out.push(b' ');
        out.extend_from_slice(self.encoding.as_bytes());
        out.push(b'/');
        write_number(out, self.clock_rate.into());
        if self.channels > 1 {
            out.push(b'/');
            write_number(out, self.channels.into());
        }
    }
}

/// A borrowed [`Rtpmap`].
pub(in crate::sdp) struct RtpmapParts<'a> {
    pub(in crate::sdp) payload_type: u8,
    pub(in crate::sdp) encoding: &'a [u8],
    pub(in crate::sdp) clock_rate: u32,
    pub(in crate::sdp) channels: u8,
}

impl<'a> RtpmapParts<'a> {
    /// Encoding name, clock rate and channels.
    pub(in crate::sdp) fn named(&self) -> Option<(&'a str, u32, u8)> {
        Some((core::str::from_utf8(self.encoding).ok()?, self.clock_rate, self.channels))
    }

    pub(in crate::sdp) fn parse(value: &'a [u8]) -> Result<Self, AttributeError> {
        let fault = |offset| AttributeError::new("rtpmap", offset);
        let (payload_type, rest, at) = payload_type_and_rest(value).ok_or(fault(0))?;
        let mut parts = rest.trim_ascii_end().split(|&b| b == b'/');
        let encoding = parts.next().unwrap_or_default();
        if !is_token(encoding) {
            return Err(fault(at));
        }
        let rate_at = at + encoding.len() + 1;
        let clock_rate = parts
            .next()
            .and_then(number::<u32>)
            .filter(|&rate| rate > 0)
            .ok_or(fault(rate_at.min(value.len())))?;
        // Some encodings use the third part for other parameters; whatever is no channel count is one.
        let channels = match parts.next() {
            None => 1,
            Some(text) => number::<u8>(text).filter(|&n| n > 0).ok_or(fault(rate_at))?,
        };
        Ok(Self { payload_type, encoding, clock_rate, channels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtpmap_round_trips() {
        for text in ["0 PCMU/8000", "96 opus/48000/2", "127 G726-32/8000", "9 x.y!z/1"] {
            let mut out = Vec::new();
            Rtpmap::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn broken_rtpmaps_say_where() {
        let offset = |text: &str| Rtpmap::parse(text.as_bytes()).unwrap_err().offset;
        assert_eq!(offset("31 LPC"), 6);
        assert_eq!(offset("128 X/8000"), 0);
        assert_eq!(offset("4294967296 X/8000"), 0);
        assert_eq!(offset("96 X/4294967296"), 5);
        assert_eq!(offset("96 X/0"), 5);
        assert_eq!(offset("96 X/8000/256"), 5);
        assert_eq!(offset("96  /8000"), 4);
        assert_eq!(offset(""), 0);
        assert_eq!(offset("96"), 0);
    }
}
