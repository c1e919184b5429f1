//! Finds the lines of a message.

use core::ops::Range;

use bytes::Bytes;

use super::response::is_reason;
use super::{Message, Method, ReasonPhrase, Request, Response, StatusCode};
use crate::error::{ParseError, ParseErrorKind};
use crate::header::{Headers, Known};
use crate::limits::{Limit, Limits};
use crate::text::{Token, is_token, trim};
use crate::uri::Uri;

/// What a scan found beside the header lines.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) start: Start,
    /// The body.
    pub(crate) body: Range<usize>,
    /// Whether the empty line after the headers is there.
    pub(crate) has_empty_line: bool,
}

/// The start line, as ranges of the input.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    Request { method: Range<usize>, uri: Range<usize> },
    Response { status: StatusCode, reason: Range<usize> },
}

/// One header line: offsets of its name, of its value with the white space before it, and of its
/// end without the CRLF.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLine {
    pub(crate) known: Known,
    pub(crate) start: usize,
    pub(crate) name_end: usize,
    pub(crate) value: usize,
    pub(crate) end: usize,
}

impl RawLine {
    /// The number of bytes, if the line is a Content-Length.
    pub(crate) fn content_length(&self, bytes: &[u8]) -> Result<Option<usize>, ParseError> {
        if self.known != Known::ContentLength {
            return Ok(None);
        }
        content_length(bytes.get(self.value..self.end).unwrap_or_default(), self.value).map(Some)
    }
}

/// Reads an owned message.
pub(crate) fn message(bytes: Bytes, limits: &Limits) -> Result<Message, ParseError> {
    let mut headers = Headers::received(bytes.clone(), limits);
    let scan = scan(&bytes, limits, |line| {
        headers.push_received(line.known, (line.start, line.name_end), line.value, line.end);
    })?;
    let body = bytes.slice(scan.body);
    Ok(match scan.start {
        Start::Request { method, uri } => {
            let at = uri.start;
            let uri = Uri::parse(bytes.get(uri).unwrap_or_default()).map_err(|error| {
                ParseError::new(ParseErrorKind::RequestUri(error.kind), at + error.offset)
            })?;
            let name = bytes.slice(method);
            let method = match core::str::from_utf8(&name).ok().and_then(Method::known) {
                Some(known) => known,
                None => Method::Other(
                    Token::new(name).ok_or(ParseError::new(ParseErrorKind::Method, at))?,
                ),
            };
            Message::Request(Request { method, uri, headers, body })
        }
        Start::Response { status, reason } => {
            let at = reason.start;
            let reason = ReasonPhrase::new(bytes.slice(reason))
                .ok_or(ParseError::new(ParseErrorKind::Control, at))?;
            Message::Response(Response { status, reason, headers, body })
        }
    })
}

/// Finds every line once, showing the header lines to `see`.
pub(crate) fn scan(
    bytes: &[u8],
    limits: &Limits,
    mut see: impl FnMut(RawLine),
) -> Result<Scan, ParseError> {
    let fail = |kind, at| Err(ParseError::new(kind, at));
    if bytes.len() > limits.bytes {
        return fail(ParseErrorKind::Limit(Limit::Bytes), limits.bytes);
    }
    let first = leading_line_ends(bytes);
    if first == bytes.len() {
        return fail(ParseErrorKind::Empty, 0);
    }
    let start_end = line_end(bytes, first)?;
    let start = start_line(bytes, first, start_end)?;

    let most = limits.header_bytes.min(usize::from(u16::MAX));
    let mut at = start_end + 2;
    let mut count = 0usize;
    let mut length = None;
    let mut has_empty_line = false;
    while at < bytes.len() {
        if bytes.get(at..at + 2) == Some(b"\r\n") {
            has_empty_line = true;
            at += 2;
            break;
        }
        let line = header_line(bytes, at)?;
        if line.end > most {
            return fail(ParseErrorKind::Limit(Limit::HeaderBytes), most);
        }
        if count == limits.headers {
            return fail(ParseErrorKind::Limit(Limit::Headers), at);
        }
        count += 1;
        at = line.end + 2;
        if let Some(number) = line.content_length(bytes)? {
            if length.is_some() {
                return fail(ParseErrorKind::ContentLengthRepeated, line.start);
            }
            length = Some((number, line.value));
        }
        see(line);
    }
    check_nul(bytes, first, at)?;

    let rest = bytes.len().saturating_sub(at);
    let body = match length {
        Some((length, _)) if length > limits.body => {
            return fail(ParseErrorKind::Limit(Limit::Body), at);
        }
        Some((length, offset)) if length > rest => {
            return fail(ParseErrorKind::BodyTruncated, offset);
        }
        Some((length, _)) => at..at + length,
        None if rest > limits.body => return fail(ParseErrorKind::Limit(Limit::Body), at),
        None => at..bytes.len(),
    };
    Ok(Scan { start, body, has_empty_line })
}

/// The header lines of something like a request that are well-formed as lines, up to the first
/// empty line or, where lines end in other ways, the end. `None` if it is no request, or an ACK.
pub(crate) fn salvage(bytes: &[u8]) -> Option<Headers> {
    let first = leading_line_ends(bytes);
    let start_end = line_end(bytes, first).ok()?;
    let line = bytes.get(first..start_end)?;
    let method = line.split(|byte| *byte == b' ').next()?;
    if !is_token(method) || method == b"ACK" {
        return None;
    }
    let limits = Limits::default();
    let section = bytes.get(..bytes.len().min(limits.header_bytes))?;
    let mut headers = Headers::received(Bytes::copy_from_slice(section), &limits);
    let mut at = start_end + 2;
    while headers.len() < limits.headers
        && section.get(at..at + 2).is_some_and(|two| two != b"\r\n")
    {
        match header_line(section, at) {
            Ok(line) => {
                let value = section.get(line.value..line.end)?;
                // What the grammar has no place for is not sent back either.
                if memchr::memchr(0, value).is_none() {
                    headers.push_received(
                        line.known,
                        (line.start, line.name_end),
                        line.value,
                        line.end,
                    );
                }
                at = line.end + 2;
            }
            Err(_) => match line_end(section, at) {
                Ok(end) => at = end + 2,
                Err(_) => break,
            },
        }
    }
    Some(headers)
}

/// Empty lines before a message are ignored (§7.5).
fn leading_line_ends(bytes: &[u8]) -> usize {
    let mut at = 0;
    while bytes.get(at..at + 2) == Some(b"\r\n") {
        at += 2;
    }
    at
}

/// The end of the line at `from`: the offset of its CRLF.
pub(crate) fn line_end(bytes: &[u8], from: usize) -> Result<usize, ParseError> {
    let rest = bytes.get(from..).unwrap_or_default();
    match memchr::memchr2(b'\r', b'\n', rest) {
        Some(length) if rest.get(length..length + 2) == Some(b"\r\n") => Ok(from + length),
        Some(length) if length + 1 == rest.len() && rest.get(length) == Some(&b'\r') => {
            Err(ParseError::new(ParseErrorKind::Truncated, from))
        }
        Some(length) => Err(ParseError::new(ParseErrorKind::LineEnd, from + length)),
        None => Err(ParseError::new(ParseErrorKind::Truncated, from)),
    }
}

pub(crate) fn header_line(bytes: &[u8], start: usize) -> Result<RawLine, ParseError> {
    let mut end = line_end(bytes, start)?;
    while matches!(bytes.get(end + 2), Some(b' ' | b'\t')) {
        end = line_end(bytes, end + 2)?;
    }
    let line = bytes.get(start..end).unwrap_or_default();
    let Some(colon) = memchr::memchr(b':', line) else {
        return Err(ParseError::new(ParseErrorKind::Colon, start));
    };
    let mut name = line.get(..colon).unwrap_or_default();
    while let [before @ .., b' ' | b'\t'] = name {
        name = before;
    }
    let known = Known::find(name);
    if known == Known::Other && !is_token(name) {
        return Err(ParseError::new(ParseErrorKind::HeaderName, start));
    }
    Ok(RawLine { known, start, name_end: start + name.len(), value: start + colon + 1, end })
}

/// A NUL may stand behind the backslash of a quoted string, and nowhere else.
fn check_nul(bytes: &[u8], from: usize, to: usize) -> Result<(), ParseError> {
    let section = bytes.get(from..to).unwrap_or_default();
    for at in memchr::memchr_iter(0, section) {
        if at == 0 || section.get(at - 1) != Some(&b'\\') {
            return Err(ParseError::new(ParseErrorKind::Control, from + at));
        }
    }
    Ok(())
}

fn content_length(value: &[u8], at: usize) -> Result<usize, ParseError> {
    let error = ParseError::new(ParseErrorKind::ContentLength, at);
    let digits = trim(value);
    if digits.is_empty() {
        return Err(error);
    }
    let mut length = 0usize;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return Err(error);
        }
        length = length
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(usize::from(digit - b'0')))
            .filter(|length| u32::try_from(*length).is_ok())
            .ok_or(error.clone())?;
    }
    Ok(length)
}

pub(crate) fn start_line(bytes: &[u8], start: usize, end: usize) -> Result<Start, ParseError> {
    let line = bytes.get(start..end).unwrap_or_default();
    if line.get(..4).is_some_and(|sip| sip.eq_ignore_ascii_case(b"SIP/")) {
        return status_line(line, start);
    }
    let fail = |kind, at| Err(ParseError::new(kind, start + at));
    let Some(space) = memchr::memchr(b' ', line) else {
        return fail(ParseErrorKind::StartLine, 0);
    };
    if !is_token(line.get(..space).unwrap_or_default()) {
        return fail(ParseErrorKind::Method, 0);
    }
    let uri = space + 1;
    let after = line.get(uri..).unwrap_or_default();
    let Some(length) = memchr::memchr(b' ', after).filter(|length| *length > 0) else {
        return fail(ParseErrorKind::StartLine, uri);
    };
    let version = uri + length + 1;
    match line.get(version..).unwrap_or_default() {
        text if text.eq_ignore_ascii_case(b"SIP/2.0") => Ok(Start::Request {
            method: start..start + space,
            uri: start + uri..start + uri + length,
        }),
        text if is_version(text) => fail(ParseErrorKind::Version, version),
        _ => fail(ParseErrorKind::StartLine, version),
    }
}

fn status_line(line: &[u8], start: usize) -> Result<Start, ParseError> {
    let fail = |kind, at| Err(ParseError::new(kind, start + at));
    let space = memchr::memchr(b' ', line).unwrap_or(line.len());
    let version = line.get(..space).unwrap_or_default();
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        let kind =
            if is_version(version) { ParseErrorKind::Version } else { ParseErrorKind::StartLine };
        return fail(kind, 0);
    }
    let rest = line.get(space + 1..).unwrap_or_default();
    let digits = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
    let status = match rest.get(..digits) {
        Some([a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9']) => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            StatusCode::new(digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        _ => None,
    };
    let Some(status) = status else { return fail(ParseErrorKind::StatusCode, space + 1) };
    let reason = (space + 1 + digits + 1).min(line.len());
    if !is_reason(line.get(reason..).unwrap_or_default()) {
        return fail(ParseErrorKind::Control, reason);
    }
    Ok(Start::Response { status, reason: start + reason..start + line.len() })
}

/// `"SIP" "/" 1*DIGIT "." 1*DIGIT`
fn is_version(text: &[u8]) -> bool {
    let Some((b"SIP/" | b"sip/" | b"Sip/", number)) = text.split_at_checked(4) else {
        return false;
    };
    let mut parts = number.split(|byte| *byte == b'.');
    let is_number = |part: Option<&[u8]>| {
        part.is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_digit))
    };
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}
