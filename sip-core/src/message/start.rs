//! The start line (RFC 3261 §7.1, §7.2).

use core::ops::Range;

use super::StatusCode;
use super::response::is_reason;
use crate::error::{ParseError, ParseErrorKind};
use crate::text::{class, from_below, is, is_token};

/// The start line. Like those of headers its offsets are of 16 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    Request { method: Span, uri: Span },
    Response { status: StatusCode, reason: Span },
}

/// A part of the head: its start and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(u16, u16);

impl Span {
    /// Takes offsets that are known to be small enough.
    fn new(start: usize, end: usize) -> Span {
        Span(start as u16, end as u16)
    }

    pub(crate) fn start(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn range(self) -> Range<usize> {
        usize::from(self.0)..usize::from(self.1)
    }

    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range()).unwrap_or_default()
    }
}

/// A request line such as nearly all are, and its end.
#[inline(always)]
pub(super) fn plain_request_line(head: &[u8], start: usize) -> Option<(Start, usize)> {
    const TAIL: &[u8; 10] = b" SIP/2.0\r\n";
    let line = head.get(start..)?;
    let method = line.iter().position(|byte| !is(*byte, class::TOKEN)).filter(|end| *end > 0)?;
    let [b' ', uri @ ..] = line.get(method..)? else { return None };
    let rest = from_below::<0x21>(uri);
    if rest.first_chunk() != Some(TAIL) || rest.len() == uri.len() {
        return None;
    }
    let (uri, end) = (head.len() - uri.len(), head.len() - rest.len());
    let method = Span::new(start, start + method);
    Some((Start::Request { method, uri: Span::new(uri, end) }, end + TAIL.len() - 2))
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
            method: Span::new(start, start + space),
            uri: Span::new(start + uri, start + uri + length),
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
    Ok(Start::Response { status, reason: Span::new(start + reason, start + line.len()) })
}

/// `"SIP" "/" 1*DIGIT "." 1*DIGIT`
fn is_version(text: &[u8]) -> bool {
    let Some((name, number)) = text.split_at_checked(4) else { return false };
    if !name.eq_ignore_ascii_case(b"SIP/") {
        return false;
    }
    let mut parts = number.split(|byte| *byte == b'.');
    let is_number = |part: Option<&[u8]>| {
        part.is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_digit))
    };
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}
