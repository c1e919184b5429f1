//! A message read in place.

use super::check::{self, Policy};
use super::scan::{BATCH, Batch, NO_LINES, RawLine, Scan, header_line, scan_first};
use super::start::Start;
use super::{Method, StatusCode};
use crate::error::{HeaderError, ParseError, Rejection, ValueError};
use crate::header::{Bounds, HeaderName, HeaderView, Known, Line, Lines};
use crate::limits::Limits;
use crate::uri::UriRef;

/// A message read in place: nothing is copied and nothing is allocated.
#[derive(Clone, Debug)]
pub struct MessageView<'a> {
    bytes: &'a [u8],
    scan: Scan,
    /// The first lines; those beyond are found again when they are asked for.
    first: Batch,
    bounds: Bounds,
}

/// The start line of a message read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// A request line.
    Request {
        /// The method, as it was written.
        method: &'a str,
        /// The Request-URI, unread.
        uri: &'a [u8],
    },
    /// A status line.
    Response {
        /// The status code.
        status: StatusCode,
        /// The reason phrase.
        reason: &'a [u8],
    },
}

impl<'a> MessageView<'a> {
    /// Reads a message; see [`super::Message::parse`].
    ///
    /// # Errors
    ///
    /// When the lines make no SIP message. Unlike in an owned message, the Request-URI is not yet
    /// read: [`MessageView::uri`] does that.
    #[inline]
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<MessageView<'a>, ParseError> {
        let mut first = NO_LINES;
        let scan = scan_first(bytes, limits, &mut first)?;
        Ok(MessageView { bytes, scan, first, bounds: Bounds::of(limits) })
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'a> {
        match &self.scan.start {
            Start::Request { method, uri } => {
                StartLine::Request { method: text(method.of(self.bytes)), uri: uri.of(self.bytes) }
            }
            Start::Response { status, reason } => {
                StartLine::Response { status: *status, reason: reason.of(self.bytes) }
            }
        }
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.scan.start, Start::Request { .. })
    }

    /// The method of a request. Allocates when it is none that this crate knows.
    pub fn method(&self) -> Option<Method> {
        match self.start_line() {
            StartLine::Request { method, .. } => Some(Method::of_token(method.as_bytes())),
            StartLine::Response { .. } => None,
        }
    }

    /// The status of a response.
    pub fn status(&self) -> Option<StatusCode> {
        match self.scan.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The Request-URI of a request.
    ///
    /// # Errors
    ///
    /// When it is malformed; the offset is from byte 0 of the message.
    pub fn uri(&self) -> Result<Option<UriRef<'a>>, ValueError> {
        match &self.scan.start {
            Start::Request { uri, .. } => {
                let shift = |error: ValueError| error.shifted(uri.start());
                UriRef::parse(uri.of(self.bytes)).map(Some).map_err(shift)
            }
            Start::Response { .. } => Ok(None),
        }
    }

    /// The first value of a header; see [`crate::Headers::typed`].
    ///
    /// # Errors
    ///
    /// When the value is malformed.
    #[inline]
    pub fn typed<'b, T: HeaderView<'b>>(&'b self) -> Result<Option<T>, HeaderError> {
        crate::header::find(self)
    }

    /// The first value of a header that must be there.
    ///
    /// # Errors
    ///
    /// When it is absent or malformed.
    #[inline]
    pub fn require<'b, T: HeaderView<'b>>(&'b self) -> Result<T, HeaderError> {
        crate::header::require(self)
    }

    /// Every value of a header; see [`crate::Headers::all`].
    pub fn all<'b, T: HeaderView<'b>>(
        &'b self,
    ) -> impl Iterator<Item = Result<T, HeaderError>> + use<'a, 'b, T> {
        crate::header::all(self)
    }

    /// The values of a header line by line, unread: without the white space around, with folds.
    pub fn raw(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.named(name).map(|line| line.value())
    }

    /// Where the first value of a header starts, from byte 0 of the message.
    pub fn offset(&self, name: HeaderName) -> Option<usize> {
        self.named(name).next().map(|line| line.offset())
    }

    /// All header lines in order: name as it was written, and value without the white space around.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines().map(|line| (text(line.name()), line.value()))
    }

    /// The number of header lines.
    pub fn len(&self) -> usize {
        self.scan.headers
    }

    /// Whether there is no header line.
    pub fn is_empty(&self) -> bool {
        self.scan.headers == 0
    }

    /// The body: as many bytes as Content-Length says, or the rest.
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(self.scan.body.0..self.scan.body.1).unwrap_or_default()
    }

    /// Where the body starts, from byte 0 of the message.
    pub fn body_offset(&self) -> usize {
        self.scan.body.0
    }

    /// What follows the body, which is to be ignored in a datagram (§18.3).
    pub fn trailing(&self) -> &'a [u8] {
        self.bytes.get(self.scan.body.1..).unwrap_or_default()
    }

    /// Whether the empty line after the headers is there. Without it a datagram ended early, if
    /// at the end of a header line.
    pub fn has_empty_line(&self) -> bool {
        self.scan.has_empty_line
    }

    /// What every user agent must find in order before it works on a message; see
    /// [`super::Message::check`].
    ///
    /// # Errors
    ///
    /// What to answer to the request; a response is to be dropped.
    pub fn check(&self, policy: &Policy) -> Result<(), Rejection> {
        match &self.scan.start {
            Start::Request { method, uri } => {
                let start = check::Request {
                    method: text(method.of(self.bytes)),
                    uri: check::Target::Unread(uri.of(self.bytes), uri.start()),
                };
                check::request(start, self, policy)
            }
            Start::Response { .. } => check::response(self),
        }
    }
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}

/// Lines of a message, those of the first batch remembered.
#[derive(Clone)]
struct RawLines<'a> {
    bytes: &'a [u8],
    first: core::slice::Iter<'a, RawLine>,
    /// Where the next line beyond the first batch starts, and how many there are.
    at: usize,
    beyond: usize,
}

impl Iterator for RawLines<'_> {
    type Item = RawLine;

    #[inline]
    fn next(&mut self) -> Option<RawLine> {
        match self.first.next() {
            Some(line) => Some(*line),
            None if self.beyond == 0 => None,
            None => {
                self.beyond -= 1;
                let line = header_line(self.bytes, self.at).ok()?;
                self.at = line.next();
                Some(line)
            }
        }
    }
}

impl MessageView<'_> {
    #[inline]
    fn raw_lines(&self) -> RawLines<'_> {
        let count = self.scan.headers.min(BATCH);
        RawLines {
            bytes: self.bytes,
            first: self.first.get(..count).unwrap_or_default().iter(),
            at: self.first.last().map_or(0, RawLine::next),
            beyond: self.scan.headers - count,
        }
    }
}

impl Lines for MessageView<'_> {
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.raw_lines().map(|line| Line::received(self.bytes, line))
    }

    fn names(&self) -> impl Iterator<Item = Known> {
        self.raw_lines().map(|line| line.known)
    }

    #[inline]
    fn named(&self, name: HeaderName) -> impl Iterator<Item = Line<'_>> {
        let known = name.resolve();
        let same = self.raw_lines().filter(move |line| {
            line.known == known
                && (known != Known::Other
                    || line.name(self.bytes).eq_ignore_ascii_case(name.as_str().as_bytes()))
        });
        same.map(|line| Line::received(self.bytes, line))
    }

    #[inline(always)]
    fn first_known(&self, known: Known) -> Option<Line<'_>> {
        let lines = self.first.get(..self.scan.headers).unwrap_or(&self.first);
        match lines.iter().find(|line| line.known == known) {
            Some(line) => Some(Line::received(self.bytes, *line)),
            None if self.scan.headers > BATCH => self.lines().find(|line| line.known == known),
            None => None,
        }
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}
