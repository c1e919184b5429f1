//! `a=crypto`: SRTP keys in the description.

use core::fmt;

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{is_token, number, own, words, write_number};
use crate::sdp::text::Text;

/// `a=crypto:<tag> <crypto-suite> <key-params> [<session-params>]` (RFC 4568 §9.1), carried: the keys are
/// neither decoded nor judged here. Its `Debug` form hides them.
///
/// ```
/// use sip_core::sdp::{Crypto, TypedAttribute};
///
/// let crypto = Crypto::parse(b"1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:4")?;
/// assert!(crypto.is_suite("aes_cm_128_hmac_sha1_80"));
/// assert_eq!(crypto.keys[0].inline_parts().nth(2), Some("1:4"));
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Crypto {
    /// 0 to 999,999,999; the answer names the one taken.
    pub tag: u32,
    /// Crypto suite, such as `AES_CM_128_HMAC_SHA1_80`.
    pub suite: Text,
    /// At least one.
    pub keys: Vec<CryptoKey>,
    /// Session parameters, such as `UNENCRYPTED_SRTCP` or `KDR=1`.
    pub session_parameters: Vec<Text>,
}

/// One key of an `a=crypto` line: `<method>:<info>`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CryptoKey {
    /// `inline` is the only one in use.
    pub method: Text,
    /// For `inline`: Base64 of key and salt, then lifetime and MKI after bars.
    pub info: Text,
}

impl Crypto {
    /// Whether this is the suite; names are compared without regard to case, as peers write them in any.
    pub fn is_suite(&self, name: &str) -> bool {
        self.suite.as_bytes().eq_ignore_ascii_case(name.as_bytes())
    }
}

impl CryptoKey {
    /// The parts of the info between bars: key and salt in Base64, lifetime, MKI with its length.
    pub fn inline_parts(&self) -> impl Iterator<Item = &str> {
        self.info.as_str().unwrap_or_default().split('|')
    }
}

impl TypedAttribute for Crypto {
    const NAME: &'static str = "crypto";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let mut parts = words(value);
        let mut next = || parts.next().unwrap_or((value.len(), b""));
        let fault = |at| AttributeError::new("crypto", at);
        let (at, tag) = next();
        let tag = number(tag).filter(|_| tag.len() <= 9).ok_or(fault(at))?;
        let (at, suite) = next();
        let suite = is_token(suite).then(|| own(suite)).ok_or(fault(at))?;
        let (at, keys) = next();
        let keys: Option<Vec<_>> = keys.split(|&b| b == b';').map(key).collect();
        let keys = keys.ok_or(fault(at))?;
        let session_parameters = parts.map(|(_, text)| own(text)).collect();
        Ok(Self { tag, suite, keys, session_parameters })
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_number(out, self.tag.into());
        out.push(b' ');
        out.extend_from_slice(self.suite.as_bytes());
        for (index, key) in self.keys.iter().enumerate() {
            out.push(if index == 0 { b' ' } else { b';' });
            out.extend_from_slice(key.method.as_bytes());
            out.push(b':');
            out.extend_from_slice(key.info.as_bytes());
        }
        for parameter in &self.session_parameters {
            out.push(b' ');
            out.extend_from_slice(parameter.as_bytes());
        }
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {} …)", self.tag, self.suite)
    }
}

impl fmt::Debug for CryptoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CryptoKey({}:…)", self.method)
    }
}

fn key(text: &[u8]) -> Option<CryptoKey> {
    let colon = memchr::memchr(b':', text)?;
    let (method, info) = (text.get(..colon)?, text.get(colon + 1..)?);
    let valid = is_token(method) && !info.is_empty() && info.iter().all(u8::is_ascii_graphic);
    valid.then(|| CryptoKey { method: own(method), info: own(info) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for text in [
            "1 AES_CM_128_HMAC_SHA1_80 inline:WnD7c1ksDGs+dIefCEo8omPg4uO8DYIinNGL5yxQ",
            "0 F8_128_HMAC_SHA1_80 inline:MTIz|2^20|1:4;inline:QUJj|2^20|2:4 FEC_ORDER=FEC_SRTP KDR=1",
            "999999999 X other:1",
        ] {
            let mut out = Vec::new();
            Crypto::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn broken_lines_say_where() {
        let offset = |text: &str| Crypto::parse(text.as_bytes()).unwrap_err().offset;
        assert_eq!(offset(""), 0);
        assert_eq!(offset("x S inline:k"), 0);
        assert_eq!(offset("1234567890 S inline:k"), 0);
        assert_eq!(offset("1"), 1);
        assert_eq!(offset("1 S"), 3);
        assert_eq!(offset("1 S inline"), 4);
        assert_eq!(offset("1 S inline:"), 4);
        assert_eq!(offset("1 S inline:a;"), 4);
    }

    #[test]
    fn keys_stay_out_of_logs() {
        let line = b"1 AES_CM_128_HMAC_SHA1_80 inline:SECRETSECRET";
        assert!(!format!("{:?}", Crypto::parse(line).unwrap()).contains("SECRET"));
        let mut list = crate::sdp::Attributes::new();
        list.push("crypto", line).unwrap();
        assert!(!format!("{list:?}").contains("SECRET"));
    }
}
