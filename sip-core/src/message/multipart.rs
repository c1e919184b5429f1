//! Bodies of several parts (RFC 2046 §5.1, RFC 5621).

use bytes::Bytes;
use memchr::memmem;
use thiserror::Error;

use super::scan;
use crate::error::{Fault, HeaderError, ParseError};
use crate::header::{ContentDisposition, ContentType, Headers, MediaType};
use crate::limits::{Limit, Limits};
use crate::text::Token;

/// One part of a body.
///
/// ```
/// use bytes::Bytes;
/// use sip_core::Limits;
/// use sip_core::header::{ContentType, MediaType};
/// use sip_core::message::multipart;
///
/// let kind = MediaType::parse("multipart/mixed;boundary=unique")?;
/// let body = Bytes::from_static(
///     b"--unique\r\nContent-Type: text/plain\r\n\r\nhello\r\n--unique\r\n\r\nworld\r\n--unique--\r\n",
/// );
/// let parts = multipart::parts(&kind, &body, &Limits::default())?;
/// assert_eq!(parts.len(), 2);
/// assert!(parts[0].headers.require::<ContentType>()?.is("text", "plain"));
/// assert_eq!(&parts[1].body[..], b"world");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The headers: Content-Type and its kin.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
}

/// A body that cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// The type is not `multipart/…`.
    #[error("the media type is not multipart")]
    NotMultipart,
    /// The type has no boundary, or one that is longer than 70 characters or has others than RFC
    /// 2046 allows.
    #[error("no valid boundary")]
    Boundary,
    /// No boundary starts the first part.
    #[error("no part")]
    NoPart,
    /// The headers of a part are malformed. The offset is from the first byte of the body.
    #[error("headers of a part: {0}")]
    Head(ParseError),
    /// A limit was reached.
    #[error("more {0} than the limit")]
    Limit(Limit),
}

impl MultipartError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            MultipartError::Limit(_) => Fault::Limit,
            _ => Fault::Peer,
        }
    }
}

/// Takes a body apart. Parts are slices of it. What stands before the first boundary and behind
/// the last is left out, and a last boundary that is missing is not missed.
///
/// There may be [`Limits::values`] parts. Parts that are multipart themselves are left whole; see
/// [`Part::parts`].
///
/// # Errors
///
/// When the body is not of several parts, or malformed.
pub fn parts(kind: &MediaType, body: &Bytes, limits: &Limits) -> Result<Vec<Part>, MultipartError> {
    if !kind.kind.as_str().eq_ignore_ascii_case("multipart") {
        return Err(MultipartError::NotMultipart);
    }
    let boundary = kind.params.text("boundary").ok_or(MultipartError::Boundary)?;
    if !is_boundary(boundary.as_bytes()) {
        return Err(MultipartError::Boundary);
    }
    let delimiter = format!("--{boundary}");
    let mut delimiters = Delimiters::new(body, delimiter.as_bytes());
    let mut start =
        delimiters.next().filter(|first| !first.closes).ok_or(MultipartError::NoPart)?;
    let mut parts = Vec::new();
    loop {
        if parts.len() == limits.values {
            return Err(MultipartError::Limit(Limit::Values));
        }
        let end = delimiters.next();
        let until = end.map_or(body.len(), |end| end.from.max(start.to));
        parts.push(part(body, start.to, until, limits)?);
        match end {
            Some(next) if !next.closes => start = next,
            _ => return Ok(parts),
        }
    }
}

/// Writes parts as a body, between lines of `boundary`.
///
/// The boundary must not occur in the parts: one of some 20 random characters does not.
///
/// # Errors
///
/// When the boundary is not one: 1 to 70 of the characters that RFC 2046 allows.
pub fn write(parts: &[Part], boundary: &str) -> Result<Bytes, MultipartError> {
    if !is_boundary(boundary.as_bytes()) {
        return Err(MultipartError::Boundary);
    }
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        part.headers.write_as_they_are(&mut out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&part.body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(out.into())
}

/// The media type of a body of several parts: `multipart/<subtype>;boundary="…"`.
///
/// # Errors
///
/// When the boundary is not one: 1 to 70 of the characters that RFC 2046 allows.
pub fn media_type(subtype: Token, boundary: &str) -> Result<MediaType, MultipartError> {
    let mut kind = MediaType {
        kind: Token::from_static("multipart"),
        subtype,
        params: crate::header::Params::default(),
    };
    if !is_boundary(boundary.as_bytes()) || kind.params.set("boundary", Some(boundary)).is_err() {
        return Err(MultipartError::Boundary);
    }
    Ok(kind)
}

impl Part {
    /// A part of a media type.
    pub fn new(kind: MediaType, body: impl Into<Bytes>) -> Part {
        let mut headers = Headers::new();
        headers.set(ContentType(kind));
        Part { headers, body: body.into() }
    }

    /// The media type; `text/plain` when none is given (RFC 2046 §5.1).
    ///
    /// # Errors
    ///
    /// When it is malformed.
    pub fn media_type(&self) -> Result<MediaType, HeaderError> {
        let given = self.headers.typed::<ContentType>()?.map(|kind| kind.0);
        Ok(given.unwrap_or_else(|| MediaType {
            kind: Token::from_static("text"),
            subtype: Token::from_static("plain"),
            params: crate::header::Params::default(),
        }))
    }

    /// What to do with the part, if that is said.
    ///
    /// # Errors
    ///
    /// When it is malformed.
    pub fn disposition(&self) -> Result<Option<ContentDisposition>, HeaderError> {
        self.headers.typed()
    }

    /// The parts of a part that is multipart itself, `depth` levels below the message's body:
    /// at [`Limits::nesting`] it goes no further.
    ///
    /// # Errors
    ///
    /// When the part is not of several parts, or malformed, or too deep.
    pub fn parts(&self, depth: usize, limits: &Limits) -> Result<Vec<Part>, MultipartError> {
        if depth >= limits.nesting {
            return Err(MultipartError::Limit(Limit::Nesting));
        }
        let kind = self.media_type().map_err(|_| MultipartError::NotMultipart)?;
        parts(&kind, &self.body, limits)
    }
}

/// `bcharsnospace`, and spaces but at the end; at most 70.
fn is_boundary(boundary: &[u8]) -> bool {
    let is_allowed = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'\'' | b'(' | b')' | b'+' | b'_' | b',' | b'-' | b'.')
            || matches!(byte, b'/' | b':' | b'=' | b'?' | b' ')
    };
    matches!(boundary.len(), 1..=70)
        && boundary.iter().all(is_allowed)
        && boundary.last() != Some(&b' ')
}

/// A line of the boundary: where it starts, with the CRLF that belongs to it, and where it ends.
#[derive(Clone, Copy)]
struct Delimiter {
    from: usize,
    to: usize,
    /// Whether it is the last: `--boundary--`.
    closes: bool,
}

/// Finds lines of the boundary, each byte of the body once.
struct Delimiters<'a> {
    body: &'a [u8],
    length: usize,
    found: memmem::FindIter<'a, 'a>,
}

impl<'a> Delimiters<'a> {
    fn new(body: &'a [u8], delimiter: &'a [u8]) -> Self {
        Delimiters { body, length: delimiter.len(), found: memmem::find_iter(body, delimiter) }
    }
}

impl Iterator for Delimiters<'_> {
    type Item = Delimiter;

    fn next(&mut self) -> Option<Delimiter> {
        loop {
            let at = self.found.next()?;
            let from = match self.body.get(..at)? {
                [] => 0,
                [.., b'\r', b'\n'] => at - 2,
                _ => continue,
            };
            let after = self.body.get(at + self.length..)?;
            let (closes, rest) = match after {
                [b'-', b'-', rest @ ..] => (true, rest),
                _ => (false, after),
            };
            // Padding that mail gateways may add.
            let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let to = self.body.len() - rest.len() + padding;
            match rest.get(padding..)? {
                [b'\r', b'\n', ..] => return Some(Delimiter { from, to: to + 2, closes }),
                [] => return Some(Delimiter { from, to, closes }),
                _ => {}
            }
        }
    }
}

fn part(body: &Bytes, from: usize, to: usize, limits: &Limits) -> Result<Part, MultipartError> {
    let part = body.slice(from..to);
    let (headers, start) = scan::part(&part, limits).map_err(|error| {
        MultipartError::Head(ParseError { offset: error.offset + from, ..error })
    })?;
    let body = part.slice(start..);
    Ok(Part { headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(boundary: &str, body: &[u8]) -> Result<Vec<Part>, MultipartError> {
        let kind = media_type(Token::from_static("mixed"), boundary).unwrap();
        parts(&kind, &Bytes::copy_from_slice(body), &Limits::default())
    }

    fn bodies(boundary: &str, body: &[u8]) -> Vec<String> {
        let parts = split(boundary, body).unwrap();
        parts.iter().map(|part| String::from_utf8_lossy(&part.body).into_owned()).collect()
    }

    #[test]
    fn preambles_padding_and_false_boundaries() {
        let body = b"preamble --b\r\n--b \t\r\nA: 1\r\n\r\none --b\r\n--bc\r\n--b\r\n\r\ntwo\r\n\r\n--b--\r\n--b\r\nx";
        assert_eq!(bodies("b", body), ["one --b\r\n--bc", "two\r\n"]);
    }

    #[test]
    fn empty_parts() {
        assert_eq!(bodies("b", b"--b\r\n\r\n--b\r\n\r\n--b--"), ["", ""]);
        assert_eq!(bodies("b", b"--b\r\n--b\r\n--b--"), ["", ""]);
        assert_eq!(bodies("b", b"--b\r\nA: 1\r\n\r\n--b--"), [""]);
        assert_eq!(bodies("b", b"--b\r\n\r\nno end"), ["no end"]);
    }

    #[test]
    fn bodies_that_are_none() {
        assert_eq!(split("b", b""), Err(MultipartError::NoPart));
        assert_eq!(split("b", b"--b--"), Err(MultipartError::NoPart));
        assert_eq!(split("b", b"x--b\r\n"), Err(MultipartError::NoPart));
        let head = split("b", b"--b\r\nA\r\n\r\n--b--");
        assert!(matches!(head, Err(MultipartError::Head(error)) if error.offset == 5));
        let limits = Limits { values: 2, ..Limits::default() };
        let kind = media_type(Token::from_static("mixed"), "b").unwrap();
        let many = Bytes::from("--b\r\n".repeat(3));
        assert_eq!(parts(&kind, &many, &limits), Err(MultipartError::Limit(Limit::Values)));
        for boundary in ["", " ", "a ", "a\"b", &"a".repeat(71)] {
            assert!(media_type(Token::from_static("mixed"), boundary).is_err(), "{boundary:?}");
        }
        let text = MediaType::parse("text/plain").unwrap();
        assert_eq!(parts(&text, &many, &limits), Err(MultipartError::NotMultipart));
    }

    #[test]
    fn parts_within_parts() {
        let inner = vec![Part::new(MediaType::parse("application/sdp").unwrap(), "v=0")];
        let inner_kind = media_type(Token::from_static("related"), "in ner").unwrap();
        let outer = vec![Part::new(inner_kind, write(&inner, "in ner").unwrap())];
        let body = write(&outer, "outer").unwrap();
        let kind = media_type(Token::from_static("mixed"), "outer").unwrap();
        let limits = Limits { nesting: 2, ..Limits::default() };
        let read = parts(&kind, &body, &limits).unwrap();
        assert_eq!(read, outer);
        assert_eq!(read[0].parts(1, &limits), Ok(inner));
        assert_eq!(read[0].parts(2, &limits), Err(MultipartError::Limit(Limit::Nesting)));
    }
}
