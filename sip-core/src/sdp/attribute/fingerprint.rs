//! `a=fingerprint`: the certificate that a DTLS peer will show.

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{is_token, own, words};
use crate::sdp::text::Text;

/// `a=fingerprint:<hash function> <hexadecimal bytes joined by colons>` (RFC 8122 §5).
///
/// ```
/// use sip_core::sdp::{Fingerprint, TypedAttribute};
///
/// let print = Fingerprint::parse(b"sha-1 4A:AD:B9:B1")?;
/// assert_eq!(print.bytes, [0x4a, 0xad, 0xb9, 0xb1]);
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// `sha-256` and so on; compared without regard to case.
    pub hash: Text,
    /// The hash of the certificate. Read in either case, written in capitals.
    pub bytes: Vec<u8>,
}

impl TypedAttribute for Fingerprint {
    const NAME: &'static str = "fingerprint";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let fault = |at| AttributeError::new("fingerprint", at);
        let mut parts = words(value);
        let hash = parts.next().map(|(_, text)| text).filter(|text| is_token(text));
        let hash = hash.map(own).ok_or(fault(0))?;
        let (at, hex) = parts.next().ok_or(fault(value.len()))?;
        let bytes: Option<Vec<u8>> = hex.split(|&b| b == b':').map(byte).collect();
        let bytes = bytes.ok_or(fault(at))?;
        match parts.next() {
            None => Ok(Self { hash, bytes }),
            Some((at, _)) => Err(fault(at)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.hash.as_bytes());
        for (index, byte) in self.bytes.iter().enumerate() {
            out.push(if index == 0 { b' ' } else { b':' });
            out.extend_from_slice(format!("{byte:02X}").as_bytes());
        }
    }
}

fn byte(text: &[u8]) -> Option<u8> {
    let (&[high, low], 2) = (text.first_chunk::<2>()?, text.len()) else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_in_capitals() {
        let mut out = Vec::new();
        Fingerprint::parse(b"SHA-256 0a:FF:00").unwrap().write(&mut out);
        assert_eq!(out, b"SHA-256 0A:FF:00");
    }

    #[test]
    fn broken_ones_say_where() {
        let offset = |text: &str| Fingerprint::parse(text.as_bytes()).unwrap_err().offset;
        assert_eq!(offset(""), 0);
        assert_eq!(offset("sha-1"), 5);
        assert_eq!(offset("sha-1 4A:B"), 6);
        assert_eq!(offset("sha-1 4A:"), 6);
        assert_eq!(offset("sha-1 4AB"), 6);
        assert_eq!(offset("sha-1 4A x"), 9);
    }
}
