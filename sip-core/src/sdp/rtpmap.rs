//! `a=rtpmap` and `a=fmtp`: what a payload type number means.

use super::attribute::TypedAttribute;
use super::error::AttributeError;
use super::text::Text;

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
            encoding: Text::trusted(bytes::Bytes::copy_from_slice(parts.encoding)),
            clock_rate: parts.clock_rate,
            channels: parts.channels,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.payload_type.to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.encoding.as_bytes());
        out.push(b'/');
        out.extend_from_slice(self.clock_rate.to_string().as_bytes());
        if self.channels > 1 {
            out.push(b'/');
            out.extend_from_slice(self.channels.to_string().as_bytes());
        }
    }
}

/// A borrowed [`Rtpmap`].
pub(super) struct RtpmapParts<'a> {
    pub(super) payload_type: u8,
    pub(super) encoding: &'a [u8],
    pub(super) clock_rate: u32,
    pub(super) channels: u8,
}

impl<'a> RtpmapParts<'a> {
    pub(super) fn parse(value: &'a [u8]) -> Result<Self, AttributeError> {
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

/// `a=fmtp:<format> <parameters>` (RFC 8866 §6.15).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fmtp {
    /// The format, a payload type number for RTP.
    pub format: Text,
    /// The parameters as they stand, such as `0-16` or `mode-set=0,2;octet-align=1`.
    pub parameters: Text,
}

impl Fmtp {
    /// A parameter of the form `name=value`, names without regard to case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(self.parameters.as_str()?, name)
    }
}

impl TypedAttribute for Fmtp {
    const NAME: &'static str = "fmtp";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let (format, parameters) =
            fmtp_parts(value).ok_or_else(|| AttributeError::new("fmtp", 0))?;
        let own = |part: &[u8]| Text::trusted(bytes::Bytes::copy_from_slice(part));
        Ok(Self { format: own(format), parameters: own(parameters) })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.format.as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.parameters.as_bytes());
    }
}

/// The format and the parameters of an `a=fmtp` value.
pub(super) fn fmtp_parts(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value.trim_ascii();
    let space = memchr::memchr2(b' ', b'\t', value)?;
    let (format, parameters) = value.split_at_checked(space)?;
    Some((format, parameters.trim_ascii_start()))
}

/// The value of `name=value` among parameters separated by semicolons.
pub(super) fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A payload type number, what follows it, and where that begins.
pub(super) fn payload_type_and_rest(value: &[u8]) -> Option<(u8, &[u8], usize)> {
    let trimmed = value.trim_ascii_start();
    let space = memchr::memchr2(b' ', b'\t', trimmed)?;
    let (number_text, rest) = trimmed.split_at_checked(space)?;
    let payload_type = number::<u8>(number_text).filter(|&pt| pt < 128)?;
    let rest = rest.trim_ascii_start();
    Some((payload_type, rest, value.len().saturating_sub(rest.len())))
}

/// A decimal number that fits, digits only.
pub(super) fn number<T: core::str::FromStr>(text: &[u8]) -> Option<T> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// RFC 8866 §9: token.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| is_token_char(b))
}

fn is_token_char(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e)
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

    #[test]
    fn fmtp_parameters_by_name() {
        let fmtp = Fmtp::parse(b"99 mode-set=0,2; Octet-Align=1").unwrap();
        assert_eq!(fmtp.format, "99");
        assert_eq!(fmtp.parameter("octet-align"), Some("1"));
        assert_eq!(fmtp.parameter("crc"), None);
        assert!(Fmtp::parse(b"").is_err());
        assert!(Fmtp::parse(b"101").is_err());
    }
}
