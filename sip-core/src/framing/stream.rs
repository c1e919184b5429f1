//! TCP and TLS: Content-Length tells where a message ends.

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use crate::error::{ParseError, ParseErrorKind};
use crate::header::Known;
use crate::limits::{Limit, Limits};
use crate::message::{scan, start};

/// Cuts a byte stream into messages and keep-alives.
///
/// Bytes go in with [`Framer::push`] in pieces of any size; [`Framer::next`] is then called until
/// it gives `None`. Where the pieces were cut makes no difference to what comes out. Each byte is
/// looked at once, and no more is held than [`Limits::bytes`] and the last piece.
///
/// ```
/// use sip_core::Limits;
/// use sip_core::framing::{Frame, Framer};
///
/// let mut framer = Framer::new(&Limits::default());
/// framer.push(b"\r\n\r\nOPTIONS sip:h SIP/2.0\r\nl: 2\r\n\r\nhiOPT");
/// assert_eq!(framer.next()?, Some(Frame::KeepAlive));
/// let Some(Frame::Message(message)) = framer.next()? else { panic!() };
/// assert!(message.ends_with(b"\r\n\r\nhi"));
/// assert_eq!(framer.next()?, None);
/// assert_eq!(framer.pending(), 3);
/// # Ok::<(), sip_core::framing::FramingError>(())
/// ```
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    expects_pongs: bool,
    buffer: BytesMut,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between messages.
    Idle,
    /// Within the start line and the headers: where the present line starts, and how far it is
    /// known to hold no line end.
    Head { line: usize, seen: usize },
    /// Head complete, this many bytes in all.
    Body { whole: usize },
    /// Framing is lost for good.
    Lost(FramingError),
}

/// What a stream is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message, for [`crate::Message::parse`]. Nothing but its length has been looked at.
    Message(Bytes),
    /// A ping, CRLF CRLF: to be answered with CRLF by the side that took the connection.
    KeepAlive,
    /// A pong: CRLF.
    Pong,
}

/// The end of a message cannot be known, so the connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("framing is lost: {error}")]
pub struct FramingError {
    /// Why. The offset is from the first byte of [`FramingError::head`].
    pub error: ParseError,
    /// What had arrived of the message, for an answer before the connection is closed.
    pub head: Bytes,
}

impl Framer {
    /// For a connection that the peer has opened: it pings with CRLF CRLF.
    pub fn new(limits: &Limits) -> Framer {
        Framer {
            limits: limits.clone(),
            expects_pongs: false,
            buffer: BytesMut::new(),
            state: State::Idle,
        }
    }

    /// For a connection that we have opened: the peer answers our pings with CRLF, so that every
    /// CRLF between messages is a [`Frame::Pong`] at once.
    pub fn expecting_pongs(limits: &Limits) -> Framer {
        Framer { expects_pongs: true, ..Framer::new(limits) }
    }

    /// Takes bytes that have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Lost(_)) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// When framing is lost; every later call gives the same error.
    // An iterator would end at the first `None`, and this does not.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, FramingError> {
        loop {
            match &self.state {
                State::Idle => match self.idle() {
                    Some(frame) => return Ok(Some(frame)),
                    None if matches!(self.state, State::Idle) => return Ok(None),
                    None => {}
                },
                State::Head { line, seen } => match self.head(*line, *seen) {
                    Ok(Some(next)) => self.state = next,
                    Ok(None) => return Ok(None),
                    Err(error) => self.state = self.lost(error),
                },
                State::Body { whole } => {
                    if self.buffer.len() < *whole {
                        return Ok(None);
                    }
                    let message = self.buffer.split_to(*whole).freeze();
                    self.state = State::Idle;
                    return Ok(Some(Frame::Message(message)));
                }
                State::Lost(error) => return Err(error.clone()),
            }
        }
    }

    /// Bytes that wait for the rest of their frame. While there are any, a driver should wait a
    /// bounded time only.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Between messages: line ends, or the first byte of a message.
    fn idle(&mut self) -> Option<Frame> {
        match &self.buffer[..] {
            [] | [b'\r'] => None,
            [b'\r', b'\n', ..] if self.expects_pongs => {
                self.consume(2);
                Some(Frame::Pong)
            }
            [b'\r', b'\n', b'\r', b'\n', ..] => {
                self.consume(4);
                Some(Frame::KeepAlive)
            }
            [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => None,
            [b'\r', b'\n', ..] => {
                self.consume(2);
                Some(Frame::Pong)
            }
            _ => {
                self.state = State::Head { line: 0, seen: 0 };
                None
            }
        }
    }

    fn consume(&mut self, count: usize) {
        let _ = self.buffer.split_to(count);
    }

    /// Looks for the end of lines up to the empty one.
    fn head(&mut self, line: usize, seen: usize) -> Result<Option<State>, ParseError> {
        let bytes = &self.buffer[..];
        let (mut line, mut seen) = (line, seen);
        let most = self.limits.header_bytes.min(self.limits.bytes).min(usize::from(u16::MAX));
        loop {
            let rest = bytes.get(seen..).unwrap_or_default();
            let end = seen + memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            if end > most {
                return Err(ParseError::new(ParseErrorKind::Limit(Limit::HeaderBytes), most));
            }
            match bytes.get(end..).unwrap_or_default() {
                [] | [b'\r'] => {
                    self.state = State::Head { line, seen: end };
                    return Ok(None);
                }
                [b'\r', b'\n', ..] => {}
                _ => return Err(ParseError::new(ParseErrorKind::LineEnd, end)),
            }
            if line == 0 {
                self.start_line(end)?;
            }
            seen = end + 2;
            if end == line {
                let length = content_length(bytes.get(..line).unwrap_or_default())?;
                let whole = seen + length;
                if length > self.limits.body {
                    return Err(ParseError::new(ParseErrorKind::Limit(Limit::Body), seen));
                }
                if whole > self.limits.bytes {
                    return Err(ParseError::new(ParseErrorKind::Limit(Limit::Bytes), seen));
                }
                return Ok(Some(State::Body { whole }));
            }
            line = seen;
        }
    }

    /// What is no SIP at all is seen at its first line; other faults leave the framing whole.
    fn start_line(&self, end: usize) -> Result<(), ParseError> {
        match start::start_line(&self.buffer, 0, end) {
            Err(error)
                if matches!(error.kind, ParseErrorKind::StartLine | ParseErrorKind::Method) =>
            {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    fn lost(&mut self, error: ParseError) -> State {
        let head = self.buffer.split().freeze();
        State::Lost(FramingError { error, head })
    }
}

/// The Content-Length of a head, which a stream cannot do without. Lines that are otherwise
/// malformed are left to the parser: their message is refused, the next one is not.
fn content_length(head: &[u8]) -> Result<usize, ParseError> {
    let mut found = None;
    let mut at = scan::line_end(head, 0)? + 2;
    while at < head.len() {
        match scan::header_line(head, at) {
            Ok(line) => {
                if line.known == Known::ContentLength {
                    let start = usize::from(line.start);
                    if found.is_some() {
                        let kind = ParseErrorKind::ContentLengthRepeated;
                        return Err(ParseError::new(kind, start));
                    }
                    found = Some(scan::content_length(line.value(head), start)?);
                }
                at = line.next();
            }
            Err(_) => at = scan::line_end(head, at)? + 2,
        }
    }
    found.ok_or(ParseError::new(ParseErrorKind::ContentLengthMissing, head.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"\r\n\r\nOPTIONS sip:a SIP/2.0\r\nX: y\r\nContent-Length   :\r\n\t 3 \r\n\r\nabc\
        SIP/2.0 200 OK\r\nL:0\r\n\r\n\r\nINVITE sip:b SIP/2.0\r\nl: 4\r\nbad line\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut framer = Framer::new(&Limits::default());
        let mut frames = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(frame) = framer.next().unwrap() {
                frames.push(frame);
            }
        }
        assert_eq!(framer.pending(), 2);
        frames
    }

    fn refused(stream: &[u8], limits: &Limits) -> ParseErrorKind {
        let mut framer = Framer::new(limits);
        for byte in stream {
            framer.push(&[*byte]);
            match framer.next() {
                Ok(None) => {}
                Ok(Some(frame)) => panic!("{frame:?}"),
                Err(error) => {
                    framer.push(b"OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n");
                    assert_eq!(framer.next(), Err(error.clone()));
                    assert_eq!(framer.pending(), 0);
                    return error.error.kind;
                }
            }
        }
        panic!("still waiting");
    }

    #[test]
    fn cuts_make_no_difference() {
        let whole = frames(&[STREAM]);
        let kinds: Vec<_> = whole
            .iter()
            .map(|frame| match frame {
                Frame::Message(bytes) => bytes.len(),
                Frame::KeepAlive => 1,
                Frame::Pong => 0,
            })
            .collect();
        assert_eq!(kinds, [1, 60, 23, 0, 44, 1]);
        for cut in 0..=STREAM.len() {
            let (one, other) = STREAM.split_at(cut);
            assert_eq!(frames(&[one, other]), whole, "cut at {cut}");
        }
        assert_eq!(frames(&STREAM.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn pongs_come_at_once() {
        let mut framer = Framer::expecting_pongs(&Limits::default());
        framer.push(b"\r\n");
        assert_eq!(framer.next(), Ok(Some(Frame::Pong)));
        framer.push(b"\r\n\r\n");
        assert_eq!(framer.next(), Ok(Some(Frame::Pong)));
        assert_eq!(framer.next(), Ok(Some(Frame::Pong)));
        assert_eq!(framer.next(), Ok(None));
    }

    #[test]
    fn hostile_lengths() {
        let limits = Limits::default();
        for (length, kind) in [
            ("l: -999", ParseErrorKind::ContentLength),
            ("l: +0", ParseErrorKind::ContentLength),
            ("l: five", ParseErrorKind::ContentLength),
            ("l:", ParseErrorKind::ContentLength),
            ("l: 1 2", ParseErrorKind::ContentLength),
            ("l: 0x1", ParseErrorKind::ContentLength),
            ("l: 4294967328", ParseErrorKind::ContentLength),
            ("l: 18446744073709551616", ParseErrorKind::ContentLength),
            ("l: 4294967295", ParseErrorKind::Limit(Limit::Body)),
            ("l: 65500", ParseErrorKind::Limit(Limit::Bytes)),
            ("l: 0\r\nContent-Length: 0", ParseErrorKind::ContentLengthRepeated),
            ("X: 0", ParseErrorKind::ContentLengthMissing),
            ("X: 0\nl: 0", ParseErrorKind::LineEnd),
            ("X: 0\rl: 0", ParseErrorKind::LineEnd),
        ] {
            let stream = format!("OPTIONS sip:a SIP/2.0\r\nVia: x\r\n{length}\r\n\r\n");
            assert_eq!(refused(stream.as_bytes(), &limits), kind, "{length:?}");
        }
    }

    #[test]
    fn endless_heads() {
        let limits = Limits { header_bytes: 100, ..Limits::default() };
        let long = [b'a'; 200];
        let kind = ParseErrorKind::Limit(Limit::HeaderBytes);
        assert_eq!(refused(&long, &limits), kind);
        let lines = b"OPTIONS sip:a SIP/2.0\r\n".iter().chain(b"X: y\r\n".iter().cycle().take(200));
        assert_eq!(refused(&lines.copied().collect::<Vec<_>>(), &limits), kind);
    }

    #[test]
    fn other_protocols() {
        let limits = Limits::default();
        for stream in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01\x02\n", b"\r\rx", b"hello\r\n"] {
            refused(stream, &limits);
        }
    }
}
