//! What can be wrong with a message, where, whose fault it is, and what a UAS answers.

use std::borrow::Cow;

use thiserror::Error;

use crate::header::HeaderName;
use crate::limits::Limit;
use crate::message::StatusCode;

/// Who has to change something for the error to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer sent something that the standard does not allow.
    Peer,
    /// The peer went past a configured limit; another configuration might let it through.
    Limit,
    /// The caller of this library asked for something impossible.
    Caller,
}

/// The bytes are no SIP message that can be worked on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Where, from byte 0 of the input.
    pub offset: usize,
}

/// What makes bytes unreadable as a SIP message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1), no message.
    #[error("no message, only line ends")]
    Empty,
    /// The first line is neither a request line nor a status line (§7.1, §7.2).
    #[error("the first line is no request line and no status line")]
    StartLine,
    /// The method is not a token.
    #[error("the method is not a token")]
    Method,
    /// The Request-URI is malformed.
    #[error("the Request-URI is malformed: {0}")]
    RequestUri(ValueErrorKind),
    /// The version is not SIP/2.0.
    #[error("the version is not SIP/2.0")]
    Version,
    /// The status code is not three digits from 100 to 699.
    #[error("the status code is not in 100..=699")]
    StatusCode,
    /// A CR or LF that is not part of a CRLF.
    #[error("a lone CR or LF")]
    LineEnd,
    /// A control character that the grammar has no place for.
    #[error("a control character")]
    Control,
    /// A header line without a colon.
    #[error("a header line without a colon")]
    Colon,
    /// A header name that is not a token.
    #[error("a header name that is not a token")]
    HeaderName,
    /// The input ends within a line.
    #[error("the message ends within a line")]
    Truncated,
    /// Content-Length is not a number, or too great to be one.
    #[error("Content-Length is not a number of bytes")]
    ContentLength,
    /// Content-Length is given more than once.
    #[error("Content-Length is given more than once")]
    ContentLengthRepeated,
    /// Content-Length is absent on a stream, which cannot do without (§18.3).
    #[error("Content-Length is missing")]
    ContentLengthMissing,
    /// Content-Length is greater than what arrived.
    #[error("the body is shorter than Content-Length says")]
    BodyTruncated,
    /// A limit was reached.
    #[error("more {0} than the limit")]
    Limit(Limit),
}

impl ParseError {
    pub(crate) const fn new(kind: ParseErrorKind, offset: usize) -> Self {
        ParseError { kind, offset }
    }

    /// What a UAS answers when the message was a request: 400, 505 or 513. A response is
    /// dropped instead (§8.1.3.3, §18.3).
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ParseErrorKind::Version => StatusCode::VERSION_NOT_SUPPORTED,
            ParseErrorKind::Limit(Limit::Bytes | Limit::HeaderBytes | Limit::Body) => {
                StatusCode::MESSAGE_TOO_LARGE
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The header at fault, when it is one.
    pub fn header(&self) -> Option<HeaderName> {
        match self.kind {
            ParseErrorKind::ContentLength
            | ParseErrorKind::ContentLengthRepeated
            | ParseErrorKind::ContentLengthMissing
            | ParseErrorKind::BodyTruncated => Some(HeaderName::ContentLength),
            _ => None,
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self.kind {
            ParseErrorKind::Limit(_) => Fault::Limit,
            _ => Fault::Peer,
        }
    }
}

/// A header is absent or malformed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{header}: {kind} at byte {offset}")]
pub struct HeaderError {
    /// The header.
    pub header: HeaderName,
    /// Where: from byte 0 of the message when the header was read from one, otherwise from the
    /// first byte of the value. 0 when the header is missing.
    pub offset: usize,
    /// What is wrong.
    pub kind: ValueErrorKind,
}

impl HeaderError {
    /// What a UAS answers: 400, or 505 for a Via of another SIP version.
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ValueErrorKind::Version => StatusCode::VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self.kind {
            ValueErrorKind::Limit(_) => Fault::Limit,
            _ => Fault::Peer,
        }
    }

    /// Whether the header is absent, rather than malformed.
    pub fn is_missing(&self) -> bool {
        self.kind == ValueErrorKind::Missing
    }
}

/// A value does not follow its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct ValueError {
    /// What is wrong.
    pub kind: ValueErrorKind,
    /// Where, from the first byte of the value.
    pub offset: usize,
}

/// How a value breaks its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueErrorKind {
    /// The header is absent.
    #[error("missing")]
    Missing,
    /// The header may stand only once, or a parameter may, and it stands more often.
    #[error("given more than once")]
    Repeated,
    /// Something else must stand here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// More text after the end of the value.
    #[error("unexpected text after the value")]
    Trailing,
    /// The text is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// A quoted string that does not end.
    #[error("a quoted string without its end")]
    Quote,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("a % without two hexadecimal digits")]
    Escape,
    /// A number that is out of its range.
    #[error("a number out of range")]
    Range,
    /// A host that is no name, IPv4 address or IPv6 reference.
    #[error("a malformed host")]
    Host,
    /// A version that is not 2.0.
    #[error("a version that is not SIP/2.0")]
    Version,
    /// A value that contradicts another part of the message.
    #[error("does not agree with {0}")]
    Mismatch(&'static str),
    /// A limit was reached.
    #[error("more {0} than the limit")]
    Limit(Limit),
}

impl ValueError {
    pub(crate) const fn new(kind: ValueErrorKind, offset: usize) -> Self {
        ValueError { kind, offset }
    }

    pub(crate) const fn expected(what: &'static str, offset: usize) -> Self {
        ValueError { kind: ValueErrorKind::Expected(what), offset }
    }

    /// The same error of a text that starts `base` bytes later.
    pub(crate) const fn shifted(self, base: usize) -> Self {
        ValueError { kind: self.kind, offset: self.offset + base }
    }

    pub(crate) fn of(self, header: HeaderName) -> HeaderError {
        HeaderError { header, offset: self.offset, kind: self.kind }
    }
}

/// Why every UAS refuses a request before a transaction is made for it; for a response, why it
/// is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{status}: {}{text} at byte {offset}", .header.as_ref().map(|h| format!("{h}: ")).unwrap_or_default())]
pub struct Rejection {
    /// What to answer.
    pub status: StatusCode,
    /// The header at fault; none when it is the start line.
    pub header: Option<HeaderName>,
    /// Where, from byte 0 of the message; 0 when something is missing, and for the Request-URI of
    /// an owned message, which is no longer where it was.
    pub offset: usize,
    /// Why, in words fit for a log or a Warning.
    pub text: Cow<'static, str>,
}
