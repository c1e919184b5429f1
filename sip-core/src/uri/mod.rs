//! SIP, SIPS and tel URIs; every other scheme is carried unread (RFC 3261 §19.1, RFC 3966).

mod compare;
mod escape;
mod host;
mod params;
mod sip;
mod tel;

use core::fmt;
use core::str::FromStr;

pub use escape::{escape_user, unescape};
pub use host::{Host, HostName, HostPort, HostRef};
pub(crate) use host::{RawHost, write_ipv4};
pub use params::{UriParam, UriParams};
pub use sip::{SipUri, SipUriRef};
pub use tel::TelUri;

use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, Part, class, str};

/// A URI. Equality (`==`) is of the text, part by part; whether two URIs name the same resource
/// is asked with [`Uri::equivalent`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:` (RFC 3261 §19.1).
    Sip(SipUri),
    /// `tel:` (RFC 3966).
    Tel(TelUri),
    /// Any other scheme.
    Other(OtherUri),
}

impl Uri {
    /// Reads a URI, the whole of `text`.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `text`.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Uri, ValueError> {
        UriRef::parse(text.as_ref()).map(|uri| uri.to_uri())
    }

    /// The SIP or SIPS URI, if it is one.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Uri::Sip(uri) => Some(uri),
            _ => None,
        }
    }

    /// The tel URI, if it is one.
    pub fn as_tel(&self) -> Option<&TelUri> {
        match self {
            Uri::Tel(uri) => Some(uri),
            _ => None,
        }
    }

    /// The scheme, as it was written: `sip`.
    pub fn scheme(&self) -> &str {
        match self {
            Uri::Sip(uri) if uri.is_secure() => "sips",
            Uri::Sip(_) => "sip",
            Uri::Tel(_) => "tel",
            Uri::Other(uri) => uri.scheme(),
        }
    }

    /// The service that a URN of RFC 5031 asks for: `sos` for `urn:service:sos`. Labels are in
    /// the case in which they were written.
    pub fn service(&self) -> Option<&str> {
        match self {
            Uri::Other(uri) if uri.scheme().eq_ignore_ascii_case("urn") => {
                let (namespace, service) = uri.opaque().split_once(':')?;
                namespace.eq_ignore_ascii_case("service").then_some(service)
            }
            _ => None,
        }
    }

    /// Whether this URN asks for an emergency service: `urn:service:sos` or below (RFC 5031).
    pub fn is_emergency(&self) -> bool {
        self.service()
            .and_then(|service| service.split('.').next())
            .is_some_and(|label| label.eq_ignore_ascii_case("sos"))
    }

    /// Whether both name the same resource, by RFC 3261 §19.1.4 and RFC 3966 §4. Not
    /// transitive: a parameter that only one side has is mostly left out of account.
    pub fn equivalent(&self, other: &Uri) -> bool {
        compare::equivalent(self, other)
    }

    /// The text, as [`Display`](fmt::Display) writes it, without the formatter's machinery.
    pub fn to_text(&self) -> String {
        // Most have less.
        let mut text = String::with_capacity(64);
        // Writing to a String cannot fail.
        let _ = self.put(&mut text);
        text
    }
}

impl Uri {
    /// Appends the text.
    pub(crate) fn put(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Uri::Sip(uri) => uri.put(out),
            Uri::Tel(uri) => write!(out, "{uri}"),
            Uri::Other(uri) => out.write_str(uri.as_str()),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.put(f)
    }
}

impl FromStr for Uri {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uri::parse(text)
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Uri::Sip(uri)
    }
}

impl From<TelUri> for Uri {
    fn from(uri: TelUri) -> Self {
        Uri::Tel(uri)
    }
}

/// A URI of a scheme that is not read: scheme and the rest as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherUri {
    text: Box<str>,
    colon: usize,
}

impl OtherUri {
    /// The scheme, as it was written.
    pub fn scheme(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    /// Everything after the first colon.
    pub fn opaque(&self) -> &str {
        self.text.get(self.colon + 1..).unwrap_or_default()
    }

    /// The whole URI.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for OtherUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A URI read in place: nothing is copied, escapes stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriRef<'a> {
    /// `sip:` or `sips:`.
    Sip(SipUriRef<'a>),
    /// `tel:`, checked, as text after the scheme.
    Tel(&'a str),
    /// Any other scheme.
    Other {
        /// The scheme, as it was written.
        scheme: &'a str,
        /// Everything after the first colon.
        opaque: &'a str,
    },
}

impl<'a> UriRef<'a> {
    /// Reads a URI, the whole of `text`.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `text`.
    pub fn parse(text: &'a [u8]) -> Result<UriRef<'a>, ValueError> {
        Part::fits(text)?;
        let mut cursor = Cursor::new(text);
        let uri = UriRef::read(&mut cursor)?;
        if !cursor.is_end() {
            return Err(ValueError::new(ValueErrorKind::Trailing, cursor.at()));
        }
        Ok(uri)
    }

    /// Reads a URI and stops behind it. The cursor's text must fit into parts.
    #[inline(always)]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<UriRef<'a>, ValueError> {
        match cursor.rest() {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', rest @ ..] => {
                cursor.set_rest(rest);
                return SipUriRef::read(cursor, false).map(UriRef::Sip);
            }
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', rest @ ..] => {
                cursor.set_rest(rest);
                return SipUriRef::read(cursor, true).map(UriRef::Sip);
            }
            _ => {}
        }
        UriRef::read_other(cursor)
    }

    #[cold]
    fn read_other(cursor: &mut Cursor<'a>) -> Result<UriRef<'a>, ValueError> {
        let scheme = scheme(cursor)?;
        if scheme.eq_ignore_ascii_case("tel") {
            return tel::check(cursor).map(UriRef::Tel);
        }
        let before = cursor.rest();
        loop {
            cursor.run(class::URIC);
            match cursor.peek() {
                Some(b'%') => escape::check(cursor)?,
                // RFC 3986 has brackets and fragments, which RFC 2396 had not.
                Some(b'[' | b']' | b'#') => cursor.advance(1),
                _ => break,
            }
        }
        let opaque = str(cursor.since(before));
        if opaque.is_empty() {
            return Err(cursor.expected("more than a scheme"));
        }
        Ok(UriRef::Other { scheme, opaque })
    }

    /// Copies it.
    pub fn to_uri(&self) -> Uri {
        match self {
            UriRef::Sip(uri) => Uri::Sip(uri.to_sip_uri()),
            UriRef::Tel(text) => Uri::Tel(TelUri::copy(text)),
            UriRef::Other { scheme, opaque } => Uri::Other(OtherUri {
                text: format!("{scheme}:{opaque}").into(),
                colon: scheme.len(),
            }),
        }
    }

    /// The scheme, in lower case if it is known.
    pub fn scheme(&self) -> &'a str {
        match self {
            UriRef::Sip(uri) if uri.is_secure() => "sips",
            UriRef::Sip(_) => "sip",
            UriRef::Tel(_) => "tel",
            UriRef::Other { scheme, .. } => scheme,
        }
    }
}

/// Passes `scheme ":"`.
fn scheme<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, ValueError> {
    let before = cursor.rest();
    if !cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
        return Err(cursor.expected("a URI"));
    }
    while let Some(byte) = cursor.peek() {
        if !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.') {
            break;
        }
        cursor.advance(1);
    }
    let scheme = str(cursor.since(before));
    if !cursor.eat(b':') {
        cursor.set_rest(before);
        return Err(cursor.expected("a URI with a scheme"));
    }
    Ok(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        assert_eq!(Uri::parse("SIPS:h").unwrap().scheme(), "sips");
        assert_eq!(Uri::parse("sIp:h").unwrap().to_string(), "sip:h");
        assert_eq!(Uri::parse("tel:+1-201").unwrap().scheme(), "tel");
        let other = Uri::parse("soap.beep://192.0.2.103:3002").unwrap();
        assert_eq!(other.scheme(), "soap.beep");
        assert_eq!(other.to_string(), "soap.beep://192.0.2.103:3002");
        assert!(Uri::parse("http://[2001:db8::1]/x?y#z").is_ok());
        for none in ["", ":", "x", "1:x", "x:", "sip", "x y:z", "isbn:a b", "x:%zz", "x:\"", "x:я"]
        {
            assert!(Uri::parse(none).is_err(), "{none:?}");
        }
    }

    #[test]
    fn emergency_services() {
        let sos = Uri::parse("URN:service:SOS.fire").unwrap();
        assert_eq!(sos.service(), Some("SOS.fire"));
        assert!(sos.is_emergency());
        assert!(!Uri::parse("urn:service:counseling").unwrap().is_emergency());
        assert!(!Uri::parse("urn:service:sosa").unwrap().is_emergency());
        assert_eq!(Uri::parse("urn:isbn:1").unwrap().service(), None);
    }
}
