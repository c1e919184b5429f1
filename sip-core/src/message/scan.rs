//! Finds the lines of a message.

use bytes::Bytes;

use super::start::{Start, plain_request_line, start_line};
use super::{Message, Method, ReasonPhrase, Request, Response};
use crate::error::{ParseError, ParseErrorKind};
use crate::header::{Headers, Known, SHORT};
use crate::limits::{Limit, Limits};
use crate::text::{Token, from_below, is_token, trim};
use crate::uri::Uri;

/// What a scan found beside the header lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    pub(crate) start: Start,
    /// The number of header lines.
    pub(crate) headers: usize,
    /// The body.
    pub(crate) body: (usize, usize),
    /// Whether the empty line after the headers is there.
    pub(crate) has_empty_line: bool,
}

/// One header line: where it starts, where its value starts with the white space before it, and
/// where it ends without the CRLF. Header sections are no longer than these numbers reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawLine {
    pub(crate) start: u16,
    pub(crate) value: u16,
    pub(crate) end: u16,
    pub(crate) known: Known,
}

/// Lines are found in batches: what is common fits in one.
pub(crate) type Batch = [RawLine; BATCH];
pub(crate) const BATCH: usize = 32;

/// Lines not yet found.
pub(crate) const NO_LINES: Batch =
    [RawLine { start: 0, value: 0, end: 0, known: Known::Other }; BATCH];

impl RawLine {
    /// The name as it was written.
    pub(crate) fn name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let colon = usize::from(self.value).saturating_sub(1);
        trim(bytes.get(usize::from(self.start)..colon).unwrap_or_default())
    }

    /// The value with the white space around it.
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(usize::from(self.value)..usize::from(self.end)).unwrap_or_default()
    }

    /// Where the next line starts.
    pub(crate) fn next(&self) -> usize {
        usize::from(self.end) + 2
    }
}

/// Reads an owned message.
pub(crate) fn message(bytes: &Bytes, limits: &Limits) -> Result<Message, ParseError> {
    let mut headers = Headers::received(bytes.clone(), limits);
    let mut first = NO_LINES;
    let scan = scan(bytes, limits, &mut first, |lines| headers.push_received(lines))?;
    let body = bytes.slice(scan.body.0..scan.body.1);
    Ok(match scan.start {
        Start::Request { method, uri } => {
            let at = uri.start();
            let uri = Uri::parse(uri.of(bytes)).map_err(|error| {
                ParseError::new(ParseErrorKind::RequestUri(error.kind), at + error.offset)
            })?;
            let known = core::str::from_utf8(method.of(bytes)).ok().and_then(Method::known);
            // The scan has checked that it is a token.
            let method =
                known.unwrap_or_else(|| Method::Other(Token::checked(bytes.slice(method.range()))));
            Message::Request(Request { method, uri, headers, body })
        }
        Start::Response { status, reason } => {
            let at = reason.start();
            let reason = ReasonPhrase::new(bytes.slice(reason.range()))
                .ok_or(ParseError::new(ParseErrorKind::Control, at))?;
            Message::Response(Response { status, reason, headers, body })
        }
    })
}

/// Finds every line once, leaving the first ones in `first`.
pub(crate) fn scan_first(
    bytes: &[u8],
    limits: &Limits,
    first: &mut Batch,
) -> Result<Scan, ParseError> {
    scan(bytes, limits, first, |_| ())
}

/// Finds every line once. The first header lines are left in `first`; `see` is shown all of them,
/// batch by batch.
fn scan(
    bytes: &[u8],
    limits: &Limits,
    first: &mut Batch,
    mut see: impl FnMut(&[RawLine]),
) -> Result<Scan, ParseError> {
    let fail = |kind, at| Err(ParseError::new(kind, at));
    if bytes.len() > limits.bytes {
        return fail(ParseErrorKind::Limit(Limit::Bytes), limits.bytes);
    }
    let begin = leading_line_ends(bytes);
    if begin == bytes.len() {
        return fail(ParseErrorKind::Empty, 0);
    }
    let mut walk = Walk::new(bytes, limits);
    let head = walk.head;
    let (start, start_end) = match plain_request_line(head, begin) {
        Some(plain) => plain,
        None => {
            let end = line_end(head, begin).map_err(|error| walk.beyond(error))?;
            (start_line(head, begin, end)?, end)
        }
    };
    walk.at = start_end + 2;
    let mut headers = walk.batch(first)?;
    see(first.get(..headers).unwrap_or_default());
    while walk.state == State::More {
        let mut lines = NO_LINES;
        let count = walk.batch(&mut lines)?;
        see(lines.get(..count).unwrap_or_default());
        headers += count;
    }

    let at = walk.at;
    let has_empty_line = walk.state == State::EmptyLine;
    let length = match walk.length {
        Some(line) => Some((content_length(line.value(bytes), usize::from(line.value))?, line)),
        None => None,
    };
    let rest = bytes.len().saturating_sub(at);
    let body = match length {
        Some((length, _)) if length > limits.body => {
            return fail(ParseErrorKind::Limit(Limit::Body), at);
        }
        Some((length, line)) if length > rest => {
            return fail(ParseErrorKind::BodyTruncated, usize::from(line.value));
        }
        Some((length, _)) => (at, at + length),
        None if rest > limits.body => return fail(ParseErrorKind::Limit(Limit::Body), at),
        None => (at, bytes.len()),
    };
    Ok(Scan { start, headers, body, has_empty_line })
}

/// The headers of a part of a body, and where its own body starts.
pub(super) fn part(bytes: &Bytes, limits: &Limits) -> Result<(Headers, usize), ParseError> {
    let mut headers = Headers::received(bytes.clone(), limits);
    let mut walk = Walk::new(bytes, limits);
    while walk.state == State::More {
        let mut lines = NO_LINES;
        let count = walk.batch(&mut lines)?;
        headers.push_received(lines.get(..count).unwrap_or_default());
    }
    Ok((headers, walk.at))
}

/// Finds header lines.
struct Walk<'a> {
    /// The message as far as its head may reach.
    head: &'a [u8],
    is_cut: bool,
    /// Where the next line starts; at the end, where the body does.
    at: usize,
    /// Lines that may yet come.
    left: usize,
    /// The Content-Length.
    length: Option<RawLine>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There may be more lines.
    More,
    /// The empty line was found.
    EmptyLine,
    /// The head ended without it.
    End,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8], limits: &Limits) -> Walk<'a> {
        // Looking no further than the limit spares a comparison for each line.
        let most = limits.header_bytes.min(usize::from(u16::MAX));
        let head = bytes.get(..most).unwrap_or(bytes);
        Walk {
            head,
            is_cut: head.len() < bytes.len(),
            at: 0,
            left: limits.headers,
            length: None,
            state: State::More,
        }
    }

    /// What a line that does not end means, if the head was cut.
    fn beyond(&self, error: ParseError) -> ParseError {
        match error.kind {
            ParseErrorKind::Truncated if self.is_cut => {
                let kind = ParseErrorKind::Limit(Limit::HeaderBytes);
                ParseError::new(kind, self.head.len())
            }
            _ => error,
        }
    }

    /// Finds lines until the batch is full or the head ends; gives their number. First the ends
    /// of all, then their names: each loop alone fits the registers. That holds where no line is
    /// folded, as in nearly all messages.
    fn batch(&mut self, lines: &mut Batch) -> Result<usize, ParseError> {
        let (at, length) = (self.at, self.length);
        let mut count = self.find_ends(lines).map_err(|error| self.beyond(error))?;
        if self.read_names(lines.get_mut(..count).unwrap_or_default())?
            || self.head.get(self.at).is_some_and(is_space) && self.state == State::More
        {
            (self.at, self.length, self.state) = (at, length, State::More);
            count = self.find_folded(lines).map_err(|error| self.beyond(error))?;
        }
        if self.state == State::End && self.is_cut {
            // What is not looked at could be headers as well as a body.
            return Err(self.beyond(ParseError::new(ParseErrorKind::Truncated, self.at)));
        }
        match lines.get(..count).and_then(|lines| lines.get(self.left)) {
            Some(line) => {
                let kind = ParseErrorKind::Limit(Limit::Headers);
                Err(ParseError::new(kind, usize::from(line.start)))
            }
            None => {
                self.left -= count;
                Ok(count)
            }
        }
    }

    fn find_ends(&mut self, lines: &mut Batch) -> Result<usize, ParseError> {
        let head = self.head;
        let mut start = self.at;
        let mut rest = head.get(start..).unwrap_or_default();
        let mut count = 0;
        for line in lines {
            let end = loop {
                rest = from_below::<0x20>(rest);
                let at = head.len() - rest.len();
                match rest.split_first_chunk() {
                    Some((b"\r\n", after)) => {
                        rest = after;
                        break at;
                    }
                    None if start == head.len() => {
                        (self.at, self.state) = (start, State::End);
                        return Ok(count);
                    }
                    _ => {
                        let at = odd_control(head, start, at)?;
                        rest = head.get(at..).unwrap_or_default();
                    }
                }
            };
            if end == start {
                (self.at, self.state) = (end + 2, State::EmptyLine);
                return Ok(count);
            }
            // The head is no longer than these numbers reach.
            (line.start, line.end) = (start as u16, end as u16);
            count += 1;
            start = end + 2;
        }
        self.at = start;
        Ok(count)
    }

    /// Reads the names of lines; stops with `true` at one that goes on from the line before.
    fn read_names(&mut self, lines: &mut [RawLine]) -> Result<bool, ParseError> {
        for line in lines.iter_mut() {
            if !read_name(self.head, line) {
                let start = usize::from(line.start);
                if self.head.get(start).is_some_and(is_space) {
                    return Ok(true);
                }
                read_any_name(self.head, line)?;
            }
            if line.known == Known::ContentLength {
                self.found_length(*line)?;
            }
        }
        Ok(false)
    }

    /// The same as the two above, for lines that may be folded.
    #[cold]
    fn find_folded(&mut self, lines: &mut Batch) -> Result<usize, ParseError> {
        let mut count = 0;
        for line in lines {
            let rest = self.head.get(self.at..).unwrap_or_default();
            if rest.starts_with(b"\r\n") {
                self.at += 2;
                self.state = State::EmptyLine;
                break;
            }
            if rest.is_empty() {
                self.state = State::End;
                break;
            }
            *line = header_line(self.head, self.at)?;
            if line.known == Known::ContentLength {
                self.found_length(*line)?;
            }
            self.at = line.next();
            count += 1;
        }
        Ok(count)
    }

    fn found_length(&mut self, line: RawLine) -> Result<(), ParseError> {
        if self.length.is_some() {
            let kind = ParseErrorKind::ContentLengthRepeated;
            return Err(ParseError::new(kind, usize::from(line.start)));
        }
        self.length = Some(line);
        Ok(())
    }
}

/// Judges a control character other than a CRLF: where to look on behind it. Those that start no
/// line and end no string are left to the grammar of the value.
#[cold]
fn odd_control(bytes: &[u8], start: usize, at: usize) -> Result<usize, ParseError> {
    match bytes.get(at..).unwrap_or_default() {
        [] | [b'\r'] => Err(ParseError::new(ParseErrorKind::Truncated, start)),
        [b'\r' | b'\n', ..] => Err(ParseError::new(ParseErrorKind::LineEnd, at)),
        // A NUL may stand behind the backslash of a quoted string, and nowhere else.
        [0, ..] if at == start || bytes.get(at - 1) != Some(&b'\\') => {
            Err(ParseError::new(ParseErrorKind::Control, at))
        }
        _ => Ok(at + 1),
    }
}

/// Reads the name of a line whose ends are known, if it is short and right before its colon.
#[inline(always)]
fn read_name(head: &[u8], line: &mut RawLine) -> bool {
    let start = usize::from(line.start);
    let Some(name) = head.get(start..start + SHORT).and_then(|name| name.first_chunk()) else {
        return false;
    };
    let Some((known, colon)) = Known::at_start(name) else { return false };
    line.known = known;
    line.value = line.start + colon as u16 + 1;
    known != Known::Other || is_other(name, colon)
}

/// Whether a name that is not known is one at all.
fn is_other(name: &[u8; SHORT], colon: usize) -> bool {
    name.get(colon) == Some(&b':') && is_token(name.get(..colon).unwrap_or_default())
}

/// The same for any name, with white space before its colon.
fn read_any_name(head: &[u8], line: &mut RawLine) -> Result<(), ParseError> {
    let start = usize::from(line.start);
    let text = head.get(start..usize::from(line.end)).unwrap_or_default();
    // Folds are for values: none stands before the colon (§25.1, HCOLON).
    let colon = memchr::memchr2(b':', b'\r', text);
    let Some(colon) = colon.filter(|at| text.get(*at) == Some(&b':')) else {
        return Err(ParseError::new(ParseErrorKind::Colon, start));
    };
    line.value = line.start + colon as u16 + 1;
    let name = line.name(head);
    line.known = Known::find(name);
    if line.known == Known::Other && !is_token(name) || text.first().is_some_and(is_space) {
        return Err(ParseError::new(ParseErrorKind::HeaderName, start));
    }
    Ok(())
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// One line, wherever it is.
pub(crate) fn header_line(bytes: &[u8], start: usize) -> Result<RawLine, ParseError> {
    let mut end = line_end(bytes, start)?;
    while bytes.get(end + 2).is_some_and(is_space) {
        end = line_end(bytes, end + 2)?;
    }
    let (Ok(start), Ok(end)) = (u16::try_from(start), u16::try_from(end)) else {
        return Err(ParseError::new(ParseErrorKind::Limit(Limit::HeaderBytes), start));
    };
    let mut line = RawLine { start, value: start, end, known: Known::Other };
    if !read_name(bytes, &mut line) {
        read_any_name(bytes, &mut line)?;
    }
    Ok(line)
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
                // What the grammar has no place for is not sent back either.
                if memchr::memchr(0, line.value(section)).is_none() {
                    headers.push_received(&[line]);
                }
                at = line.next();
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
    let mut at = from;
    loop {
        let rest = from_below::<0x20>(bytes.get(at..).unwrap_or_default());
        at = bytes.len() - rest.len();
        if rest.starts_with(b"\r\n") {
            return Ok(at);
        }
        at = odd_control(bytes, from, at)?;
    }
}

/// What a Content-Length says, its untrimmed value standing at `at`.
pub(crate) fn content_length(value: &[u8], at: usize) -> Result<usize, ParseError> {
    // So many digits, leading zeros included, fit into the sum below.
    const MOST: usize = 19;
    let digits = trim(value);
    let mut length = 0u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 || digits.len() > MOST {
            return Err(ParseError::new(ParseErrorKind::ContentLength, at));
        }
        length = length * 10 + u64::from(digit);
    }
    match u32::try_from(length) {
        Ok(length) if !digits.is_empty() => Ok(length as usize),
        _ => Err(ParseError::new(ParseErrorKind::ContentLength, at)),
    }
}
