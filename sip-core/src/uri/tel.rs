//! Telephone numbers as URIs (RFC 3966).

use core::fmt;
use core::str::FromStr;

use super::params::UriParam;
use super::sip::SipUri;
use super::{Host, Uri, escape, params};
use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, str};

/// `tel:+1-201-555-0123;ext=22` or `tel:7042;phone-context=example.com`.
///
/// ```
/// use sip_core::uri::TelUri;
///
/// let uri: TelUri = "tel:+1-201-555-0123;ext=22".parse()?;
/// assert!(uri.is_global());
/// assert_eq!(uri.digits(), "+12015550123");
/// assert_eq!(uri.param("ext"), Some("22"));
/// # Ok::<(), sip_core::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelUri {
    // Number and parameters, without the scheme.
    text: Box<str>,
}

impl TelUri {
    /// A global number: `+` and digits, visual separators allowed.
    ///
    /// # Errors
    ///
    /// When `number` is not that.
    pub fn global(number: &str) -> Result<TelUri, ValueError> {
        if !number.starts_with('+') {
            return Err(ValueError::expected("+ before a global number", 0));
        }
        TelUri::from_parts(number)
    }

    /// A local number, which has a meaning only within `context`: a domain name or the leading
    /// digits of a global number (RFC 3966 §5.1.5).
    ///
    /// # Errors
    ///
    /// When either is malformed.
    pub fn local(number: &str, context: &str) -> Result<TelUri, ValueError> {
        TelUri::from_parts(&format!("{number};phone-context={context}"))
    }

    fn from_parts(text: &str) -> Result<TelUri, ValueError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let uri = TelUri::copy(check(&mut cursor)?);
        if !cursor.is_end() {
            return Err(ValueError::new(ValueErrorKind::Trailing, cursor.at()));
        }
        Ok(uri)
    }

    /// Takes text that [`check`] has passed.
    pub(super) fn copy(text: &str) -> TelUri {
        TelUri { text: text.into() }
    }

    /// The number as it was written, with its visual separators.
    pub fn number(&self) -> &str {
        self.text.split(';').next().unwrap_or_default()
    }

    /// The number without visual separators; letters of a local number in upper case.
    pub fn digits(&self) -> String {
        digits(self.number()).collect()
    }

    /// Whether the number is complete: it starts with `+`.
    pub fn is_global(&self) -> bool {
        self.text.starts_with('+')
    }

    /// The parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = UriParam<'_>> + Clone {
        params::iter(&self.text)
    }

    /// The value of a parameter as it was written; an empty text for a flag.
    pub fn param(&self, name: &str) -> Option<&str> {
        params::find(&self.text, name).map(|param| param.value.unwrap_or_default())
    }

    /// The `phone-context` that gives a local number its meaning.
    pub fn phone_context(&self) -> Option<&str> {
        self.param("phone-context")
    }

    /// The number as the user part of a SIP URI at `host`, with `user=phone` (RFC 3261 §19.1.6).
    pub fn to_sip(&self, host: impl Into<Host>) -> SipUri {
        let mut uri =
            SipUri::new("", host, None).with_user_escaped(&escape::escape_tel(&self.text));
        uri.params_mut().append("user", "phone");
        uri
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}", self.text)
    }
}

impl FromStr for TelUri {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Uri::parse(text)? {
            Uri::Tel(uri) => Ok(uri),
            _ => Err(ValueError::expected("tel:", 0)),
        }
    }
}

/// A number without its visual separators.
pub(super) fn digits(number: &str) -> impl Iterator<Item = char> + Clone {
    number
        .chars()
        .filter(|character| !matches!(character, '-' | '.' | '(' | ')'))
        .map(|character| character.to_ascii_uppercase())
}

/// Passes a number and its parameters.
pub(super) fn check<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, ValueError> {
    let before = cursor.rest();
    let global = cursor.eat(b'+');
    let mut some = false;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'0'..=b'9' => some = true,
            b'a'..=b'f' | b'A'..=b'F' | b'*' | b'#' if !global => some = true,
            b'-' | b'.' | b'(' | b')' => {}
            _ => break,
        }
        cursor.advance(1);
    }
    if !some {
        return Err(cursor.expected("a digit"));
    }
    let after = cursor.at();
    let from = cursor.rest();
    params::check(cursor)?;
    let parameters = str(cursor.since(from));
    if !global && params::find(parameters, "phone-context").is_none() {
        return Err(ValueError::expected("phone-context after a local number", after));
    }
    Ok(str(cursor.since(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let uri: TelUri = "TEL:7042;phone-context=example.com".parse().unwrap();
        assert!(!uri.is_global());
        assert_eq!(uri.phone_context(), Some("example.com"));
        assert_eq!(uri.to_string(), "tel:7042;phone-context=example.com");
        let uri: TelUri = "tel:863-1234;phone-context=+1-914-555".parse().unwrap();
        assert_eq!(uri.digits(), "8631234");
        assert_eq!(TelUri::global("+358-555-1234567").unwrap().digits(), "+3585551234567");
        assert!(TelUri::local("*21#", "pbx.example.com").is_ok());
        for text in
            ["tel:", "tel:+", "tel:7042", "tel:+1a", "tel:+1;", "tel:+1 2", "tel:-", "sip:+1@h"]
        {
            assert!(text.parse::<TelUri>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_become_sip_uris() {
        let uri: TelUri = "tel:+358-555-1234567;postd=pp22".parse().unwrap();
        let sip = uri.to_sip(Host::parse("foo.com").unwrap());
        assert_eq!(sip.to_string(), "sip:+358-555-1234567;postd=pp22@foo.com;user=phone");
        assert_eq!(sip.to_tel(), Some(uri));
    }
}
