//! A message read in place.

use super::check::{self, Policy};
use super::scan::{RawLine, Scan, Start, header_line, scan};
use super::{Method, StatusCode};
use crate::error::{HeaderError, ParseError, Rejection, ValueError};
use crate::header::{Bounds, HeaderName, HeaderValues, HeaderView, Known, Line, Lines};
use crate::limits::Limits;
use crate::text::trim;
use crate::uri::UriRef;

/// A message read in place: nothing is copied and nothing is allocated.
#[derive(Clone, Debug)]
pub struct MessageView<'a> {
    bytes: &'a [u8],
    scan: Scan,
    index: [Entry; INDEXED],
    count: usize,
    bounds: Bounds,
}

/// Lines that the view remembers; those beyond are found again when they are asked for.
const INDEXED: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u16,
    value: u16,
    end: u16,
    known: Known,
}

const NO_ENTRY: Entry = Entry { start: 0, value: 0, end: 0, known: Known::Other };

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
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<MessageView<'a>, ParseError> {
        let mut index = [NO_ENTRY; INDEXED];
        let mut count = 0;
        let scan = scan(bytes, limits, |line| {
            if let Some(entry) = index.get_mut(count) {
                *entry = Entry::of(line);
            }
            count += 1;
        })?;
        Ok(MessageView { bytes, scan, index, count, bounds: Bounds::of(limits) })
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'a> {
        match &self.scan.start {
            Start::Request { method, uri } => StartLine::Request {
                method: text(self.bytes.get(method.clone())),
                uri: self.bytes.get(uri.clone()).unwrap_or_default(),
            },
            Start::Response { status, reason } => StartLine::Response {
                status: *status,
                reason: self.bytes.get(reason.clone()).unwrap_or_default(),
            },
        }
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.scan.start, Start::Request { .. })
    }

    /// The method of a request. Allocates when it is none that this crate knows.
    pub fn method(&self) -> Option<Method> {
        match self.start_line() {
            StartLine::Request { method, .. } => Some(Method::of_token(method)),
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
                UriRef::parse(self.bytes.get(uri.clone()).unwrap_or_default())
                    .map(Some)
                    .map_err(|error| error.shifted(uri.start))
            }
            Start::Response { .. } => Ok(None),
        }
    }

    /// The first value of a header; see [`crate::Headers::typed`].
    ///
    /// # Errors
    ///
    /// When the value is malformed.
    pub fn typed<'b, T: HeaderView<'b>>(&'b self) -> Result<Option<T>, HeaderError> {
        crate::header::find(self)
    }

    /// The first value of a header that must be there.
    ///
    /// # Errors
    ///
    /// When it is absent or malformed.
    pub fn require<'b, T: HeaderView<'b>>(&'b self) -> Result<T, HeaderError> {
        crate::header::require(self)
    }

    /// Every value of a header; see [`crate::Headers::all`].
    pub fn all<'b, T: HeaderView<'b>>(
        &'b self,
    ) -> impl Iterator<Item = Result<T, HeaderError>> + use<'a, 'b, T> {
        HeaderValues::new(self)
    }

    /// The values of a header line by line, unread: without the white space around, with folds.
    pub fn raw<'b>(&'b self, name: &'b HeaderName) -> impl Iterator<Item = &'b [u8]> {
        self.lines().filter(move |line| line.is(name)).map(|line| line.value)
    }

    /// All header lines in order: name as it was written, and value without the white space around.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines().map(|line| (text(Some(line.name)), line.value))
    }

    /// The number of header lines.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no header line.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The body: as many bytes as Content-Length says, or the rest.
    pub fn body(&self) -> &'a [u8] {
        self.bytes.get(self.scan.body.clone()).unwrap_or_default()
    }

    /// What follows the body, which is to be ignored in a datagram (§18.3).
    pub fn trailing(&self) -> &'a [u8] {
        self.bytes.get(self.scan.body.end..).unwrap_or_default()
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
                let target = self.bytes.get(uri.clone()).unwrap_or_default();
                let start = check::Request {
                    method: text(self.bytes.get(method.clone())),
                    uri: check::Target::Unread(target, uri.start),
                };
                check::request(start, self, policy)
            }
            Start::Response { .. } => check::response(self),
        }
    }
}

fn text(bytes: Option<&[u8]>) -> &str {
    core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
}

impl Entry {
    fn of(line: RawLine) -> Entry {
        // The scan refuses header sections longer than this.
        let offset = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        Entry {
            start: offset(line.start),
            value: offset(line.value),
            end: offset(line.end),
            known: line.known,
        }
    }

    fn line<'a>(&self, bytes: &'a [u8]) -> Line<'a> {
        let (start, end) = (usize::from(self.start), usize::from(self.end));
        let untrimmed = bytes.get(usize::from(self.value)..end).unwrap_or_default();
        let leading = untrimmed.len() - crate::text::trim_start(untrimmed).len();
        let name = bytes.get(start..usize::from(self.value).saturating_sub(1)).unwrap_or_default();
        Line {
            known: self.known,
            name: trim(name),
            value: trim(untrimmed),
            offset: usize::from(self.value) + leading,
        }
    }
}

impl MessageView<'_> {
    fn entry(&self, at: usize) -> Option<Entry> {
        if at >= self.count {
            return None;
        }
        if let Some(entry) = self.index.get(at) {
            return Some(*entry);
        }
        // Beyond the index: walk on from the last line in it.
        let mut next = usize::from(self.index[INDEXED - 1].end) + 2;
        for _ in INDEXED..at {
            next = header_line(self.bytes, next).ok()?.end + 2;
        }
        header_line(self.bytes, next).ok().map(Entry::of)
    }
}

impl Lines for MessageView<'_> {
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let indexed = self.index.iter().take(self.count).copied();
        let mut next = usize::from(self.index[INDEXED - 1].end) + 2;
        let beyond = (INDEXED..self.count).map_while(move |_| {
            let line = header_line(self.bytes, next).ok()?;
            next = line.end + 2;
            Some(Entry::of(line))
        });
        indexed.chain(beyond).map(|entry| entry.line(self.bytes))
    }

    fn line_from(&self, index: usize, name: &HeaderName) -> Option<(Line<'_>, usize)> {
        let mut at = index;
        loop {
            let line = self.entry(at)?.line(self.bytes);
            at += 1;
            if line.is(name) {
                return Some((line, at));
            }
        }
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }
}
