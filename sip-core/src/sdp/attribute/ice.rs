//! ICE in the description (RFC 8839), carried: no check is made here and none is demanded.

use core::fmt;

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{is_token, number, own, words};
use crate::sdp::text::Text;

/// `a=candidate` (RFC 8839 §5.1).
///
/// ```
/// use sip_core::sdp::{Candidate, TypedAttribute};
///
/// let candidate = Candidate::parse(b"1 1 UDP 2130706431 203.0.113.141 8998 typ host")?;
/// assert_eq!((candidate.component, candidate.port), (1, 8998));
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// 1 to 32 letters, digits, `+` and `/`.
    pub foundation: Text,
    /// 1 for RTP, 2 for RTCP; 1 to 256.
    pub component: u16,
    /// `UDP`, or another token.
    pub transport: Text,
    /// 1 to 2³¹ − 1.
    pub priority: u32,
    /// An address or host name, `.local` names among them.
    pub address: Text,
    /// UDP port.
    pub port: u16,
    /// `host`, `srflx`, `prflx`, `relay`.
    pub kind: Text,
    /// What follows in pairs of name and value: `raddr`, `rport` and extensions.
    pub extensions: Vec<(Text, Text)>,
}

/// `a=ice-ufrag`: 4 to 256 letters, digits, `+` and `/` (RFC 8839 §5.4).
///
/// ```
/// use sip_core::sdp::{IceUfrag, TypedAttribute};
///
/// assert!(IceUfrag::parse(b"8hhY").is_ok());
/// assert!(IceUfrag::parse(b"8hh").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IceUfrag(pub Text);

/// `a=ice-pwd`: 22 to 256 letters, digits, `+` and `/` (RFC 8839 §5.4). Its `Debug` form hides it.
///
/// ```
/// use sip_core::sdp::{IcePwd, TypedAttribute};
///
/// assert!(IcePwd::parse(b"asd88fgpdd777uzjYhagZg").is_ok());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IcePwd(pub Text);

impl Candidate {
    /// The value of an extension, such as `raddr`.
    pub fn extension(&self, name: &str) -> Option<&Text> {
        self.extensions.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl TypedAttribute for Candidate {
    const NAME: &'static str = "candidate";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let mut parts = words(value);
        let mut next = || parts.next().unwrap_or((value.len(), b""));
        let fault = |at| AttributeError::new("candidate", at);
        let check = |(at, text): (usize, &[u8]), valid: bool| {
            if valid { Ok(own(text)) } else { Err(fault(at)) }
        };
        let word = next();
        let foundation = check(word, is_ice_text(word.1, 1, 32))?;
        let (at, text) = next();
        let component = number(text).filter(|c| (1..=256).contains(c)).ok_or(fault(at))?;
        let word = next();
        let transport = check(word, is_token(word.1))?;
        let (at, text) = next();
        let priority = number(text).ok_or(fault(at))?;
        let word = next();
        let address = check(word, !word.1.is_empty())?;
        let (at, text) = next();
        let port = number(text).ok_or(fault(at))?;
        let (at, text) = next();
        if text != b"typ" {
            return Err(fault(at));
        }
        let word = next();
        let kind = check(word, is_token(word.1))?;
        let mut extensions = Vec::new();
        loop {
            match (next(), next()) {
                ((_, b""), _) => break,
                ((at, _), (_, b"")) => return Err(fault(at)),
                ((_, name), (_, value)) => extensions.push((own(name), own(value))),
            }
        }
        Ok(Self { foundation, component, transport, priority, address, port, kind, extensions })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.foundation.as_bytes());
        out.extend_from_slice(format!(" {} ", self.component).as_bytes());
        out.extend_from_slice(self.transport.as_bytes());
        out.extend_from_slice(format!(" {} ", self.priority).as_bytes());
        out.extend_from_slice(self.address.as_bytes());
        out.extend_from_slice(format!(" {} typ ", self.port).as_bytes());
        out.extend_from_slice(self.kind.as_bytes());
        for text in self.extensions.iter().flat_map(|(name, value)| [name, value]) {
            out.push(b' ');
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl TypedAttribute for IceUfrag {
    const NAME: &'static str = "ice-ufrag";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let value = value.trim_ascii();
        let valid = is_ice_text(value, 4, 256);
        valid.then(|| Self(own(value))).ok_or(AttributeError::new(Self::NAME, 0))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl TypedAttribute for IcePwd {
    const NAME: &'static str = "ice-pwd";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let value = value.trim_ascii();
        let valid = is_ice_text(value, 22, 256);
        valid.then(|| Self(own(value))).ok_or(AttributeError::new(Self::NAME, 0))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl fmt::Debug for IcePwd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IcePwd(…)")
    }
}

/// RFC 8839 §5.1: ice-char.
fn is_ice_text(text: &[u8], least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_round_trip() {
        for text in [
            "1 1 UDP 2130706431 203.0.113.141 8998 typ host",
            "2 2 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
            "x+/ 256 tcp 1 abc.local 9 typ relay raddr ::1 rport 0 tcptype passive generation 0",
        ] {
            let mut out = Vec::new();
            Candidate::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn broken_candidates_say_where() {
        let offset = |text: &str| Candidate::parse(text.as_bytes()).unwrap_err().offset;
        assert_eq!(offset(""), 0);
        assert_eq!(offset(&format!("{} 1 UDP 1 1.1.1.1 1 typ host", "F".repeat(300))), 0);
        assert_eq!(offset("1 257 UDP 1 1.1.1.1 1 typ host"), 2);
        assert_eq!(offset("1 1 UDP 4294967296 1.1.1.1 1 typ host"), 8);
        assert_eq!(offset("1 1 UDP 1 1.1.1.1 65536 typ host"), 18);
        assert_eq!(offset("1 1 UDP 1 1.1.1.1 1 host"), 20);
        assert_eq!(offset("1 1 UDP 1 1.1.1.1 1 typ"), 23);
        assert_eq!(offset("1 1 UDP 1 1.1.1.1 1 typ host raddr"), 29);
    }
}
