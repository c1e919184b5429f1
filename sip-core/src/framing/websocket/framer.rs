//! Messages out of frames.

use bytes::{Bytes, BytesMut};

use super::frame::{Head, Opcode, apply, close};
use super::{Close, Role, WebSocketError, WebSocketErrorKind};
use crate::limits::{Limit, Limits};

/// Reads the frames of a WebSocket connection and puts messages together.
///
/// Bytes go in with [`WebSocketFramer::push`] in pieces of any size, from the first one behind the
/// opening handshake ([`Upgrade`](crate::framing::Upgrade)) on; [`WebSocketFramer::next`] is then called
/// until it gives `None`. Where the pieces were cut makes no difference, nor does it into how many
/// frames a message was cut, nor which control frames stand between them. No more is held than
/// [`Limits::bytes`] and the last piece. No extension is spoken, so a reserved bit is an error.
///
/// ```
/// use sip_core::Limits;
/// use sip_core::framing::{Role, WebSocketFrame, WebSocketFramer, write_message};
///
/// let mut sent = Vec::new();
/// write_message(b"OPTIONS sip:h SIP/2.0\r\n\r\n", Some([1, 2, 3, 4]), &mut sent);
/// let mut framer = WebSocketFramer::new(Role::Server, &Limits::default());
/// framer.push(&sent);
/// let Some(WebSocketFrame::Message(message)) = framer.next()? else { panic!() };
/// assert_eq!(&message[..], b"OPTIONS sip:h SIP/2.0\r\n\r\n");
/// assert_eq!(framer.next()?, None);
/// # Ok::<(), sip_core::framing::WebSocketError>(())
/// ```
#[derive(Debug)]
pub struct WebSocketFramer {
    role: Role,
    most: usize,
    buffer: BytesMut,
    /// How many bytes went before the buffer.
    consumed: u64,
    /// The message whose first fragments have arrived.
    message: Option<Partial>,
    state: State,
}

#[derive(Debug)]
struct Partial {
    is_text: bool,
    bytes: BytesMut,
}

#[derive(Debug)]
enum State {
    Open,
    /// The peer said goodbye: whatever follows is nothing.
    Closed,
    Lost(WebSocketError),
}

/// What a connection is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSocketFrame {
    /// A message, for [`crate::Message::parse`]: of text or binary, which RFC 7118 §5 does not tell
    /// apart. It ends where the WebSocket message does, so Content-Length may be absent.
    Message(Bytes),
    /// A message of CRLF CRLF, the keep-alive of SIP (RFC 5626 §3.5.1): to be answered with one of
    /// CRLF by the side that took the connection.
    KeepAlive,
    /// A message of CRLF: the answer to it.
    KeepAliveAnswer,
    /// A ping, to be answered with [`write_pong`](super::write_pong) and the same bytes, 125 at most.
    Ping(Bytes),
    /// A pong, asked for or not.
    Pong(Bytes),
    /// The peer closes the connection: to be answered with [`write_close`](super::write_close), unless one was sent
    /// before. Nothing follows.
    Close(Option<Close>),
}

impl WebSocketFramer {
    /// For a new connection. Of the limits, [`Limits::bytes`] bounds a message.
    pub fn new(role: Role, limits: &Limits) -> WebSocketFramer {
        WebSocketFramer {
            role,
            most: limits.bytes,
            buffer: BytesMut::new(),
            consumed: 0,
            message: None,
            state: State::Open,
        }
    }

    /// Takes bytes that have arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Open) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame or message, or `None` when more bytes are needed, and after a close.
    ///
    /// # Errors
    ///
    /// When the peer breaks the protocol; every later call gives the same error.
    // An iterator would end at the first `None`, and this does not.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<WebSocketFrame>, WebSocketError> {
        loop {
            match self.state {
                State::Open => {}
                State::Closed => return Ok(None),
                State::Lost(error) => return Err(error),
            }
            let step = Head::read(&self.buffer, self.role).and_then(|head| match head {
                Some(head) => self.frame(head),
                None => Ok(Step::More),
            });
            match step {
                Ok(Step::More) => return Ok(None),
                Ok(Step::On) => {}
                Ok(Step::Give(frame)) => {
                    if matches!(frame, WebSocketFrame::Close(_)) {
                        self.forget(State::Closed);
                    }
                    return Ok(Some(frame));
                }
                Err(kind) => {
                    let error = WebSocketError { kind, offset: self.consumed };
                    self.forget(State::Lost(error));
                }
            }
        }
    }

    /// Bytes that wait for the rest of their message. While there are any, a driver should wait a
    /// bounded time only.
    pub fn pending(&self) -> usize {
        self.buffer.len() + self.message.as_ref().map_or(0, |message| message.bytes.len())
    }

    fn forget(&mut self, state: State) {
        self.state = state;
        self.buffer = BytesMut::new();
        self.message = None;
    }

    /// A frame whose head is known: waits for the rest of it.
    fn frame(&mut self, head: Head) -> Result<Step, WebSocketErrorKind> {
        let most = match (&self.message, head.opcode) {
            (None, Opcode::Continuation) => return Err(WebSocketErrorKind::NothingToContinue),
            (Some(_), Opcode::Text | Opcode::Binary) => {
                return Err(WebSocketErrorKind::Interleaved);
            }
            (Some(message), Opcode::Continuation) => self.most - message.bytes.len(),
            (_, Opcode::Text | Opcode::Binary) => self.most,
            // Those have a bound of their own.
            _ => usize::MAX,
        };
        let Some(length) = usize::try_from(head.length).ok().filter(|length| *length <= most)
        else {
            return Err(WebSocketErrorKind::Limit(Limit::Bytes));
        };
        if self.buffer.len() - head.bytes < length {
            return Ok(Step::More);
        }
        let mut payload = self.buffer.split_to(head.bytes + length).split_off(head.bytes);
        if let Some(mask) = head.mask {
            apply(mask, &mut payload);
        }
        let step = match head.opcode {
            Opcode::Ping => Step::Give(WebSocketFrame::Ping(payload.freeze())),
            Opcode::Pong => Step::Give(WebSocketFrame::Pong(payload.freeze())),
            Opcode::Close => Step::Give(WebSocketFrame::Close(close(&payload)?)),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => self.data(head, payload)?,
        };
        self.consumed += (head.bytes + length) as u64;
        Ok(step)
    }

    /// A message, or a part of one.
    fn data(&mut self, head: Head, payload: BytesMut) -> Result<Step, WebSocketErrorKind> {
        let message = match self.message.take() {
            Some(mut message) => {
                message.bytes.extend_from_slice(&payload);
                message
            }
            None => Partial { is_text: head.opcode == Opcode::Text, bytes: payload },
        };
        if !head.is_last {
            self.message = Some(message);
            return Ok(Step::On);
        }
        if message.is_text && core::str::from_utf8(&message.bytes).is_err() {
            return Err(WebSocketErrorKind::Utf8);
        }
        Ok(Step::Give(match &message.bytes[..] {
            b"\r\n\r\n" => WebSocketFrame::KeepAlive,
            b"\r\n" => WebSocketFrame::KeepAliveAnswer,
            _ => WebSocketFrame::Message(message.bytes.freeze()),
        }))
    }
}

/// What came of a look at the buffer.
enum Step {
    More,
    On,
    Give(WebSocketFrame),
}

#[cfg(test)]
mod tests {
    use super::super::frame::write;
    use super::super::{write_close, write_message};
    use super::*;
    use crate::error::Fault;

    const MASK: Option<[u8; 4]> = Some([0x37, 0xfa, 0x21, 0x3d]);

    /// A frame written by hand.
    fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut out = Vec::new();
        write(Opcode::Text, payload, mask, &mut out);
        out[0] = first;
        out
    }

    type Outcome = (Vec<WebSocketFrame>, Option<(WebSocketErrorKind, u64)>, usize);

    fn read(role: Role, limits: &Limits, pieces: &[&[u8]]) -> Outcome {
        let mut framer = WebSocketFramer::new(role, limits);
        let mut frames = Vec::new();
        for piece in pieces {
            framer.push(piece);
            loop {
                match framer.next() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => {
                        framer.push(b"\x81\0");
                        assert_eq!(framer.next(), Err(error));
                        return (frames, Some((error.kind, error.offset)), framer.pending());
                    }
                }
            }
        }
        (frames, None, framer.pending())
    }

    /// What a stream gives whole, cut in two anywhere, and byte by byte.
    fn outcome(role: Role, stream: &[u8]) -> Outcome {
        let limits = Limits { bytes: 70_000, ..Limits::default() };
        let whole = read(role, &limits, &[stream]);
        for cut in (0..stream.len()).step_by(stream.len() / 300 + 1) {
            let (one, other) = stream.split_at(cut);
            assert_eq!(read(role, &limits, &[one, other]), whole, "cut at {cut}");
        }
        assert_eq!(read(role, &limits, &stream.chunks(1).collect::<Vec<_>>()), whole);
        whole
    }

    fn given(role: Role, stream: &[u8]) -> Vec<WebSocketFrame> {
        let (frames, error, pending) = outcome(role, stream);
        assert_eq!((error, pending), (None, 0));
        frames
    }

    fn refused(stream: &[u8]) -> WebSocketErrorKind {
        let (frames, error, _) = outcome(Role::Client, stream);
        assert_eq!(frames, []);
        error.expect("an error").0
    }

    fn message(bytes: &[u8]) -> WebSocketFrame {
        WebSocketFrame::Message(Bytes::copy_from_slice(bytes))
    }

    /// The examples of RFC 6455 §5.7.
    #[test]
    fn as_the_rfc_has_it() {
        assert_eq!(given(Role::Client, b"\x81\x05Hello"), [message(b"Hello")]);
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        assert_eq!(given(Role::Server, masked), [message(b"Hello")]);
        assert_eq!(given(Role::Client, b"\x01\x03Hel\x80\x02lo"), [message(b"Hello")]);
        let ping = given(Role::Client, b"\x89\x05Hello");
        assert_eq!(ping, [WebSocketFrame::Ping(Bytes::from_static(b"Hello"))]);
        let pong = given(Role::Server, b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        assert_eq!(pong, [WebSocketFrame::Pong(Bytes::from_static(b"Hello"))]);
        let mut written = Vec::new();
        write_message(b"Hello", MASK, &mut written);
        assert_eq!(written, masked);
    }

    #[test]
    fn lengths_of_each_form() {
        for length in [0, 1, 3, 4, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = vec![b'x'; length];
            for (role, mask) in [(Role::Client, None), (Role::Server, MASK)] {
                let mut stream = Vec::new();
                write_message(&payload, mask, &mut stream);
                assert_eq!(given(role, &stream), [message(&payload)], "{length}");
            }
        }
        assert_eq!(refused(b"\x82\x7e\0\x7d"), WebSocketErrorKind::Length);
        assert_eq!(refused(b"\x82\x7f\0\0\0\0\0\0\xff\xff"), WebSocketErrorKind::Length);
        assert_eq!(refused(b"\x82\x7f\x80\0\0\0\0\0\0\0"), WebSocketErrorKind::Length);
        let limit = WebSocketErrorKind::Limit(Limit::Bytes);
        assert_eq!(refused(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), limit);
        assert_eq!(refused(b"\x82\x7f\0\0\0\0\0\x01\x11\x71"), limit);
    }

    #[test]
    fn control_frames_between_fragments() {
        let stream = [
            frame(0x01, b"OPTIONS sip:", MASK),
            frame(0x89, b"1", MASK),
            frame(0x00, b"", MASK),
            frame(0x8a, b"", MASK),
            frame(0x00, b"h SIP/2.0", MASK),
            frame(0x89, &[7; 125], MASK),
            frame(0x80, b"\r\n\r\n", MASK),
            frame(0x82, b"\xff", MASK),
        ]
        .concat();
        assert_eq!(
            given(Role::Server, &stream),
            [
                WebSocketFrame::Ping(Bytes::from_static(b"1")),
                WebSocketFrame::Pong(Bytes::new()),
                WebSocketFrame::Ping(Bytes::from_static(&[7; 125])),
                message(b"OPTIONS sip:h SIP/2.0\r\n\r\n"),
                message(b"\xff"),
            ]
        );
    }

    #[test]
    fn what_fragments_may_not_do() {
        assert_eq!(refused(b"\x80\x01x"), WebSocketErrorKind::NothingToContinue);
        assert_eq!(refused(b"\x00\x00"), WebSocketErrorKind::NothingToContinue);
        assert_eq!(refused(b"\x01\x01x\x81\x01y"), WebSocketErrorKind::Interleaved);
        assert_eq!(refused(b"\x02\x01x\x02\x01y"), WebSocketErrorKind::Interleaved);
        for control in [0x08, 0x09, 0x0a] {
            assert_eq!(refused(&[control, 0]), WebSocketErrorKind::ControlFragmented);
            assert_eq!(refused(&[control | 0x80, 126]), WebSocketErrorKind::ControlTooLong);
            assert_eq!(refused(&[control | 0x80, 127]), WebSocketErrorKind::ControlTooLong);
        }
    }

    #[test]
    fn reserved_bits_opcodes_and_masks() {
        for bit in [0x10, 0x20, 0x40] {
            assert_eq!(refused(&[0x81 | bit, 0]), WebSocketErrorKind::ReservedBit);
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(refused(&[0x80 | opcode, 0]), WebSocketErrorKind::Opcode(opcode));
        }
        assert_eq!(refused(b"\x81\x80"), WebSocketErrorKind::Masked);
        let (_, error, _) = outcome(Role::Server, b"\x89\x80abcd\x81\x05Hello");
        assert_eq!(error, Some((WebSocketErrorKind::Unmasked, 6)));
    }

    #[test]
    fn text_is_utf_8() {
        let russian = "Тема".as_bytes();
        let (one, other) = russian.split_at(3);
        let halves = [frame(0x01, one, None), frame(0x80, other, None)].concat();
        assert_eq!(given(Role::Client, &halves), [message(russian)]);
        for bad in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xd0"] {
            assert_eq!(refused(&frame(0x81, bad, None)), WebSocketErrorKind::Utf8);
            assert_eq!(given(Role::Client, &frame(0x82, bad, None)), [message(bad)]);
        }
        let mut out = Vec::new();
        write_message(b"\xff", None, &mut out);
        assert_eq!(out, b"\x82\x01\xff");
    }

    #[test]
    fn closes() {
        let closed = |payload: &[u8]| outcome(Role::Client, &frame(0x88, payload, None));
        let why = |code, reason: &str| Some(Close { code, reason: reason.to_owned() });
        assert_eq!(closed(b"").0, [WebSocketFrame::Close(None)]);
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999] {
            let payload = [&u16::to_be_bytes(code)[..], "до свидания".as_bytes()].concat();
            assert_eq!(closed(&payload).0, [WebSocketFrame::Close(why(code, "до свидания"))]);
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
            let error = closed(&u16::to_be_bytes(code)).1;
            assert_eq!(error, Some((WebSocketErrorKind::CloseCode, 0)), "{code}");
            let mut out = Vec::new();
            write_close(why(code, "x").as_ref(), None, &mut out);
            assert_eq!(out, [0x88, 0]);
        }
        assert_eq!(closed(b"\x03").1, Some((WebSocketErrorKind::CloseCode, 0)));
        assert_eq!(closed(b"\x03\xe8\xff").1, Some((WebSocketErrorKind::Utf8, 0)));
        // Whatever follows is nothing, not even a fault.
        let after = [frame(0x88, b"", None), vec![0xff; 9]].concat();
        assert_eq!(given(Role::Client, &after), [WebSocketFrame::Close(None)]);
        // A reason is cut off at a character.
        let mut out = Vec::new();
        write_close(why(1000, &"я".repeat(99)).as_ref(), MASK, &mut out);
        assert_eq!(given(Role::Server, &out), [WebSocketFrame::Close(why(1000, &"я".repeat(61)))]);
    }

    #[test]
    fn keep_alives_of_sip() {
        let stream = [frame(0x81, b"\r\n\r\n", None), frame(0x82, b"\r\n", None)].concat();
        assert_eq!(
            given(Role::Client, &stream),
            [WebSocketFrame::KeepAlive, WebSocketFrame::KeepAliveAnswer]
        );
    }

    #[test]
    fn messages_are_bounded_however_they_are_cut() {
        let limits = Limits { bytes: 10, ..Limits::default() };
        let of = |pieces: &[Vec<u8>]| read(Role::Client, &limits, &[&pieces.concat()]);
        assert_eq!(of(&[frame(0x81, &[b'x'; 10], None)]).0, [message(&[b'x'; 10])]);
        let limit = WebSocketErrorKind::Limit(Limit::Bytes);
        assert_eq!(of(&[frame(0x81, &[b'x'; 11], None)]).1, Some((limit, 0)));
        let parts =
            [frame(0x01, b"123456", None), frame(0x00, b"1234", None), frame(0, b"1", None)];
        let (frames, error, pending) = of(&parts);
        assert_eq!((frames, error, pending), (vec![], Some((limit, 14)), 0));
        // A control frame has a bound of its own.
        assert_eq!(of(&[frame(0x89, &[0; 125], None)]).0.len(), 1);
        let error = WebSocketError { kind: limit, offset: 0 };
        assert_eq!((error.close_code(), error.fault()), (1009, Fault::Limit));
        // What is announced and does not come costs nothing.
        let mut framer = WebSocketFramer::new(Role::Client, &Limits::default());
        framer.push(b"\x82\x7e\xff\xff");
        assert_eq!((framer.next(), framer.pending()), (Ok(None), 4));
    }
}
