//! The digest calculation (RFC 7616 §3.4, RFC 8760), shared by client and server.

use core::fmt;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// A digest algorithm as the `algorithm` parameter names it.
///
/// The order of the variants is the order of preference, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Algorithm {
    /// `MD5`, what every SIP phone knows. Broken as a hash; usable here only because nothing
    /// better is everywhere.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`.
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
}

impl Algorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Md5Sess,
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512_256,
        Self::Sha512_256Sess,
    ];

    /// Reads the parameter, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The parameter's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The same algorithm without `-sess`: what a stored digest depends on.
    pub const fn hash(self) -> Self {
        match self {
            Self::Md5 | Self::Md5Sess => Self::Md5,
            Self::Sha256 | Self::Sha256Sess => Self::Sha256,
            Self::Sha512_256 | Self::Sha512_256Sess => Self::Sha512_256,
        }
    }

    const fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess)
    }

    /// The hash of `parts` joined by colons, in hexadecimal.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Hex {
        match self.hash() {
            Self::Sha256 => hex_digest::<Sha256>(parts),
            Self::Sha512_256 => hex_digest::<Sha512_256>(parts),
            _ => hex_digest::<Md5>(parts),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The quality of protection of a digest (RFC 7616 §3.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Qop {
    /// `auth`: method and URI are covered.
    Auth,
    /// `auth-int`: the body too.
    AuthInt,
}

impl Qop {
    /// Reads the parameter, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| qop.as_str().eq_ignore_ascii_case(name))
    }

    /// The parameter's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// What a digest response covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covered<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) nonce: &'a str,
    /// `qop`, `nc` as eight digits and `cnonce`; `None` is the calculation of RFC 2069.
    pub(crate) protection: Option<(Qop, &'a str, &'a str)>,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) body: &'a [u8],
}

/// `H(username ":" realm ":" password)`, the secret that a server may store instead of the
/// password. `algorithm` is used without its `-sess`.
pub fn stored_digest(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> String {
    stored_hex(algorithm, username, realm, password).as_str().to_owned()
}

pub(super) fn stored_hex(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> Hex {
    algorithm.digest(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()])
}

impl Covered<'_> {
    /// The `response` parameter, from the stored digest.
    pub(crate) fn response(&self, stored: &str) -> Hex {
        let algorithm = self.algorithm;
        let cnonce = self.protection.map_or("", |(_, _, cnonce)| cnonce);
        let session = algorithm.is_session().then(|| {
            algorithm.digest(&[stored.as_bytes(), self.nonce.as_bytes(), cnonce.as_bytes()])
        });
        let a1 = session.as_ref().map_or(stored.as_bytes(), Hex::as_bytes);
        let a2 = match self.protection {
            Some((Qop::AuthInt, _, _)) => {
                let body = algorithm.digest(&[self.body]);
                algorithm.digest(&[self.method.as_bytes(), self.uri.as_bytes(), body.as_bytes()])
            }
            _ => algorithm.digest(&[self.method.as_bytes(), self.uri.as_bytes()]),
        };
        match self.protection {
            Some((qop, count, cnonce)) => algorithm.digest(&[
                a1,
                self.nonce.as_bytes(),
                count.as_bytes(),
                cnonce.as_bytes(),
                qop.as_str().as_bytes(),
                a2.as_bytes(),
            ]),
            None => algorithm.digest(&[a1, self.nonce.as_bytes(), a2.as_bytes()]),
        }
    }
}

fn hex_digest<D: Digest>(parts: &[&[u8]]) -> Hex {
    let mut hash = D::new();
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    Hex::of(&hash.finalize())
}

/// Lower-case hexadecimal of up to 32 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    digits: [u8; Hex::MOST],
    length: usize,
}

impl Default for Hex {
    /// Of no bytes.
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Hex {
    const MOST: usize = 64;

    /// Takes digits as somebody else has written them; `false` when there are too many.
    pub(crate) fn set_lower_case(&mut self, text: &str) -> bool {
        let Some(digits) = self.digits.get_mut(..text.len()) else { return false };
        digits.copy_from_slice(text.as_bytes());
        digits.make_ascii_lowercase();
        self.length = text.len();
        true
    }

    /// Of the first 32 bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [b'0'; Self::MOST];
        let (pairs, _) = digits.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(bytes) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        Self { digits, length: (bytes.len() * 2).min(Self::MOST) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        // Digits are ASCII.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// The `N` bytes of hexadecimal text; `None` when it is none.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2617 §3.5.
    #[test]
    fn rfc_2617_example() {
        let stored =
            stored_digest(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
        let covered = Covered {
            algorithm: Algorithm::Md5,
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            protection: Some((Qop::Auth, "00000001", "0a4f113b")),
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
        };
        assert_eq!(covered.response(&stored).as_str(), "6629fae49393a05397450978507c4ef1");
    }

    /// The examples of RFC 7616 §3.9.1.
    #[test]
    fn rfc_7616_examples() {
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let stored =
                stored_digest(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            let covered = Covered {
                algorithm,
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                protection: Some((
                    Qop::Auth,
                    "00000001",
                    "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                )),
                method: "GET",
                uri: "/dir/index.html",
                body: b"",
            };
            assert_eq!(covered.response(&stored).as_str(), response);
        }
    }

    /// The calculation of RFC 2069 without quality of protection; the values of its §2.4 as
    /// corrected by erratum 749.
    #[test]
    fn rfc_2069_example() {
        let stored = stored_digest(Algorithm::Md5, "Mufasa", "testrealm@host.com", "CircleOfLife");
        let covered = Covered {
            algorithm: Algorithm::Md5,
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            protection: None,
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
        };
        assert_eq!(covered.response(&stored).as_str(), "1949323746fe6a43ef61f9606e7febea");
    }

    #[test]
    fn session_and_body_change_the_response() {
        let stored = stored_digest(Algorithm::Sha512_256, "a", "b", "c");
        let covered = |algorithm, qop, body| Covered {
            algorithm,
            nonce: "n",
            protection: Some((qop, "00000001", "c")),
            method: "INVITE",
            uri: "sip:b",
            body,
        };
        let plain = covered(Algorithm::Sha512_256, Qop::Auth, b"x").response(&stored);
        let session = covered(Algorithm::Sha512_256Sess, Qop::Auth, b"x").response(&stored);
        let body = covered(Algorithm::Sha512_256, Qop::AuthInt, b"x").response(&stored);
        let other = covered(Algorithm::Sha512_256, Qop::AuthInt, b"y").response(&stored);
        let all = [plain, session, body, other].map(|hex| hex.as_str().to_owned());
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.len(), 64);
            assert!(all[n + 1..].iter().all(|another| another != one));
        }
    }

    #[test]
    fn hexadecimal_both_ways() {
        assert_eq!(Hex::of(&[0, 255, 16]).as_str(), "00ff10");
        assert_eq!(Hex::of(&[1; 40]).as_str(), "01".repeat(32));
        assert_eq!(unhex("00fF10"), Some([0, 255, 16]));
        assert_eq!(unhex::<1>("0"), None);
        assert_eq!(unhex::<1>("0g"), None);
        assert_eq!(unhex::<1>("000"), None);
        assert_eq!(unhex::<2>("00"), None);
    }
}
