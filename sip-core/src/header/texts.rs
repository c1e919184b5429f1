//! Headers that are text: Subject, User-Agent and their kin (RFC 3261 §20.35, §20.36, §20.41).

use core::fmt;

use super::{HeaderName, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{is_token, trim};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes text, white space around it removed.
            ///
            /// # Errors
            ///
            /// When it has a control character other than a tab.
            pub fn new(text: impl AsRef<str>) -> Result<Self, HeaderError> {
                $name::parse(text.as_ref().as_bytes())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from($name(text): $name) -> String {
                text
            }
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                text(value).map($name).map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.0.as_bytes());
            }
        }
    )* };
}

texts! {
    /// What the call is about (RFC 3261 §20.36).
    ///
    /// Grammar: `[ TEXT-UTF8-TRIM ]`
    ///
    /// Example: `Subject: Need more boxes`
    Subject;
    /// The software of the client (RFC 3261 §20.41): `Softphone Beta1.5`.
    ///
    /// Grammar: `( product / comment ) *( LWS ( product / comment ) )`
    ///
    /// Example: `User-Agent: Softphone Beta1.5`
    UserAgent;
    /// The software of the server (RFC 3261 §20.35).
    ///
    /// Grammar: `( product / comment ) *( LWS ( product / comment ) )`
    ///
    /// Example: `Server: HomeServer v2`
    Server;
    /// The organisation of the sender (RFC 3261 §20.25).
    ///
    /// Grammar: `[ TEXT-UTF8-TRIM ]`
    ///
    /// Example: `Organization: Boxes by Bob`
    Organization;
    /// A signature over the request (RFC 8224 §4); carried, not read.
    ///
    /// Grammar: `token "." token "." token *( ";" generic-param )`
    ///
    /// Example: `Identity: eyJhbGciOi;info=<https://biloxi.example.org/biloxi.cer>`
    Identity;
    /// The name of a body, so that headers can point to it (RFC 8262 §3.2): `<target123@example.com>`.
    ///
    /// Grammar: `"<" id-left "@" id-right ">"`
    ///
    /// Example: `Content-ID: <target123@atlanta.example.com>`
    ContentId;
    /// The access network of the sender (RFC 7315 §4.4); carried, not read.
    ///
    /// Grammar: `access-type *( ";" access-info ) *( "," … )`
    ///
    /// Example: `P-Access-Network-Info: IEEE-802.11`
    PAccessNetworkInfo;
}

macro_rules! tokens {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes a token.
            ///
            /// # Errors
            ///
            /// When it is none.
            pub fn new(token: &str) -> Result<Self, HeaderError> {
                $name::parse(token.as_bytes())
            }

            /// The token.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                let token = trim(value);
                if !is_token(token) {
                    return Err(ValueError::expected("a token", 0).of(HeaderName::$name));
                }
                Ok($name(String::from_utf8_lossy(token).into_owned()))
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.0.as_bytes());
            }
        }
    )* };
}

tokens! {
    /// How urgent the call is (RFC 3261 §20.26): `emergency`, `urgent`, `normal`, `non-urgent`.
    ///
    /// Grammar: `"emergency" / "urgent" / "normal" / "non-urgent" / token`
    ///
    /// Example: `Priority: emergency`
    Priority;
    /// The version of MIME (RFC 3261 §20.24): `1.0`.
    ///
    /// Grammar: `1*DIGIT "." 1*DIGIT`
    ///
    /// Example: `MIME-Version: 1.0`
    MimeVersion;
    /// The name of published state (RFC 3903 §11.3.1).
    ///
    /// Grammar: `token`
    ///
    /// Example: `SIP-ETag: dx200xyz`
    SipEtag;
    /// The published state that a PUBLISH is about (RFC 3903 §11.3.2).
    ///
    /// Grammar: `token`
    ///
    /// Example: `SIP-If-Match: dx200xyz`
    SipIfMatch;
    /// Whether proxies may route by a [`super::Geolocation`] (RFC 6442 §4.2): `yes` or `no`.
    ///
    /// Grammar: `"yes" / "no" / token`
    ///
    /// Example: `Geolocation-Routing: no`
    GeolocationRouting;
}

/// Text of any UTF-8 but control characters; folds become one space.
fn text(value: &[u8]) -> Result<String, ValueError> {
    let text = core::str::from_utf8(value)
        .map_err(|error| ValueError::new(ValueErrorKind::Utf8, error.valid_up_to()))?;
    if !value.iter().any(u8::is_ascii_control) {
        return Ok(text.trim_matches(' ').to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    for (index, line) in text.split("\r\n").enumerate() {
        if index > 0 {
            plain.push(' ');
        }
        plain.push_str(if index > 0 { line.trim_start_matches([' ', '\t']) } else { line });
    }
    match plain
        .char_indices()
        .find(|(_, character)| character.is_ascii_control() && *character != '\t')
    {
        Some((at, _)) => Err(ValueError::expected("no control character", at)),
        None => Ok(plain.trim_matches([' ', '\t']).to_owned()),
    }
}

/// Writes text within a comment, as [`super::date::comment`] reads it: the caller's parentheses
/// are kept if they match, otherwise escaped.
pub(super) fn write_comment(text: &str, out: &mut Vec<u8>) {
    let whole = format!("({text})");
    let mut cursor = crate::text::Cursor::new(whole.as_bytes());
    if super::date::comment(&mut cursor).is_ok_and(|inner| inner == text) && cursor.is_end() {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for &byte in text.as_bytes() {
        match byte {
            b'\r' | b'\n' => out.push(b' '),
            b'(' | b')' | b'\\' | 0x00..=0x08 | 0x0b..=0x0c | 0x0e..=0x1f | 0x7f => {
                out.extend([b'\\', byte]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(Subject::parse(b"").unwrap().as_str(), "");
        assert_eq!(Subject::parse(b"a\r\n  b").unwrap().as_str(), "a b");
        assert_eq!(UserAgent::new(" Телефон 1 (x) ").unwrap().as_str(), "Телефон 1 (x)");
        for text in ["a\nb", "a\rb", "a\0b", "a\u{1b}[2J"] {
            assert!(Subject::new(text).is_err(), "{text:?}");
        }
        assert!(Subject::parse(b"\xff").is_err());
        assert!(SipEtag::new("a b").is_err() && SipEtag::new("dx200xyz").is_ok());
    }

    #[test]
    fn comments_stay_closed() {
        for text in ["a", "a (b) c", "a ) b", "a ( b", "a\\", "a\r\nb", "a \\) b"] {
            let mut out = vec![b'('];
            write_comment(text, &mut out);
            out.push(b')');
            let written = String::from_utf8(out).unwrap();
            let mut cursor = crate::text::Cursor::new(written.as_bytes());
            super::super::date::comment(&mut cursor).unwrap();
            assert!(cursor.is_end(), "{text:?} -> {written:?}");
        }
    }
}
