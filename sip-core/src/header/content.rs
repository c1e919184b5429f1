//! What a body is and what bodies are wanted (RFC 3261 §20.1, §20.11, §20.15).

use core::fmt;

use super::params::{Params, ParamsRef, q_value};
use super::{HeaderName, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::text::{Cursor, Elements, Token};

/// A media type with parameters: `multipart/mixed;boundary=unique`. Type and subtype are compared
/// without regard to case by [`MediaType::is`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType {
    /// The type: `application`; `*` in an Accept.
    pub kind: Token,
    /// The subtype: `sdp`; `*` in an Accept.
    pub subtype: Token,
    /// The parameters.
    pub params: Params,
}

impl MediaType {
    /// Reads `type "/" subtype *( ";" parameter )`.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    pub fn parse(value: impl AsRef<[u8]>) -> Result<MediaType, ValueError> {
        let mut cursor = Cursor::of(value.as_ref())?;
        cursor.lws();
        let kind = Token::copy(cursor.token("a media type")?);
        if !cursor.separator(b'/') {
            return Err(cursor.expected("/ after the type"));
        }
        let subtype = Token::copy(cursor.token("a media subtype")?);
        let params = ParamsRef::read(&mut cursor, |_, _| Ok(()))?.to_params();
        cursor.end()?;
        Ok(MediaType { kind, subtype, params })
    }

    /// Whether it is this type and subtype: `is("application", "sdp")`.
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.as_str().eq_ignore_ascii_case(kind)
            && self.subtype.as_str().eq_ignore_ascii_case(subtype)
    }

    /// Whether this range of an Accept admits a type: `*` admits all.
    pub fn admits(&self, other: &MediaType) -> bool {
        let admits = |range: &Token, name: &Token| {
            range.as_str() == "*" || range.as_str().eq_ignore_ascii_case(name.as_str())
        };
        admits(&self.kind, &other.kind) && admits(&self.subtype, &other.subtype)
    }

    /// The preference in thousandths, 0 to 1000; 1000 when there is none or it is malformed.
    pub fn q(&self) -> u16 {
        self.params.get("q").and_then(|q| q_value(q).ok()).unwrap_or(1000)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

/// The media type of the body (RFC 3261 §20.15): `application/sdp`.
///
/// Grammar: `m-type "/" m-subtype *( ";" m-attribute "=" m-value )`
///
/// Example: `Content-Type: text/html; charset=ISO-8859-4`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentType(pub MediaType);

impl ContentType {
    /// `application/sdp`.
    pub fn sdp() -> ContentType {
        ContentType(MediaType {
            kind: Token::from_static("application"),
            subtype: Token::from_static("sdp"),
            params: Params::default(),
        })
    }
}

impl core::ops::Deref for ContentType {
    type Target = MediaType;

    fn deref(&self) -> &MediaType {
        &self.0
    }
}

impl TypedHeader for ContentType {
    const NAME: HeaderName = HeaderName::ContentType;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        MediaType::parse(value).map(ContentType).map_err(|error| error.of(HeaderName::ContentType))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.kind.as_str().as_bytes());
        out.push(b'/');
        out.extend_from_slice(self.0.subtype.as_str().as_bytes());
        out.extend_from_slice(self.0.params.as_str().as_bytes());
    }
}

/// The media types that the sender takes (RFC 3261 §20.1). An empty list means none at all.
///
/// Grammar: `[ media-range *( ";" ( "q=" qvalue / generic-param ) ) *( "," … ) ]`
///
/// Example: `Accept: application/sdp;level=1, application/x-private, text/html`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Accept(pub Vec<MediaType>);

impl Accept {
    /// Whether the list admits a type: the ranges that name it most closely decide, and `q=0` is a no.
    pub fn admits(&self, kind: &MediaType) -> bool {
        let closeness = |range: &MediaType| {
            u8::from(range.kind.as_str() != "*") + u8::from(range.subtype.as_str() != "*")
        };
        let ranges = self.0.iter().filter(|range| range.admits(kind));
        ranges.map(|range| (closeness(range), range.q() > 0)).max().is_some_and(|(_, yes)| yes)
    }
}

impl TypedHeader for Accept {
    const NAME: HeaderName = HeaderName::Accept;
    const SHAPE: Shape = Shape::Whole;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let mut types = Vec::new();
        if !crate::text::trim(value).is_empty() {
            for (at, element) in Elements::new(value) {
                let kind = MediaType::parse(element);
                types.push(kind.map_err(|error| error.shifted(at).of(HeaderName::Accept))?);
            }
        }
        Ok(Accept(types))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let types: Vec<_> = self.0.iter().map(MediaType::to_string).collect();
        out.extend_from_slice(types.join(", ").as_bytes());
    }

    fn merge(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

/// What to do with the body (RFC 3261 §20.11): `session`, or `early-session;handling=optional`.
///
/// Grammar: `( "render" / "session" / "icon" / "alert" / token ) *( ";" ( "handling=" … / generic-param ) )`
///
/// Example: `Content-Disposition: early-session;handling=optional`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentDisposition {
    /// The disposition: `session`, `render`, `icon`, `alert` …
    pub kind: Token,
    /// The parameters, such as `handling`.
    pub params: Params,
}

impl ContentDisposition {
    /// Whether a UAS that cannot handle the body may ignore it: `handling=optional`.
    pub fn is_optional(&self) -> bool {
        self.params.get("handling").is_some_and(|value| value.eq_ignore_ascii_case("optional"))
    }
}

impl TypedHeader for ContentDisposition {
    const NAME: HeaderName = HeaderName::ContentDisposition;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        super::lists::token_and_params(value)
            .map(|(kind, params)| ContentDisposition { kind, params })
            .map_err(|error| error.of(HeaderName::ContentDisposition))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{}{}", self.kind, self.params).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        let kind = MediaType::parse("multipart / mixed ; boundary=\"a b\"").unwrap();
        assert!(kind.is("Multipart", "MIXED"));
        assert_eq!(kind.params.text("boundary").as_deref(), Some("a b"));
        for value in ["", "a", "a/", "/b", "a/b/c", "a/b;", "a b/c"] {
            assert!(MediaType::parse(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn accepted_types() {
        let accept = Accept::parse(b"application/*;q=0.5, text/plain").unwrap();
        assert!(accept.admits(&ContentType::sdp()));
        assert!(!accept.admits(&MediaType::parse("text/html").unwrap()));
        for (accept, admits) in [
            ("application/sdp;q=0", false),
            ("*/*, application/sdp;q=0.0", false),
            ("*/*;q=0, application/*", true),
            ("application/sdp;level=1;q=0, application/sdp", true),
            ("", false),
        ] {
            let list = Accept::parse(accept.as_bytes()).unwrap();
            assert_eq!(list.admits(&ContentType::sdp()), admits, "{accept}");
        }
        assert_eq!(accept.0[0].q(), 500);
        assert_eq!(Accept::parse(b" ").unwrap().0, []);
        assert!(Accept::parse(b"a/b,,c/d").is_err());
    }

    #[test]
    fn dispositions() {
        let disposition = ContentDisposition::parse(b"early-session;handling=optional").unwrap();
        assert!(disposition.is_optional());
    }
}
