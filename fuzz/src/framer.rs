use sip_core::framing::{Frame, Framer, FramingError};
use sip_core::{Limits, MessageView};

use crate::pieces::{cut_stream, pieces};

/// A byte stream from a stranger, in pieces.
///
/// The first line says where the stream behind it is cut: each of its bytes is the length of a piece, from the
/// start again after the last. The pieces give the frames that the whole gives, and the same error; no byte is
/// lost or read twice; no more is held than the limits and the last piece; what is measured by the framer is
/// measured alike by the parser; a connection that has lost its framing stays lost.
pub fn framer(data: &[u8]) {
    let (cuts, stream) = cut_stream(data);
    let tight = Limits { bytes: 200, header_bytes: 150, body: 40, ..Limits::default() };
    for limits in [Limits::default(), tight] {
        for pongs in [false, true] {
            let whole = read(stream, &[], &limits, pongs);
            assert_eq!(read(stream, cuts, &limits, pongs), whole);
            assert_eq!(read(stream, &[1], &limits, pongs), whole);
            check(stream, &whole, &limits);
        }
    }
}

/// What a stream gave, and how much of it waits for more.
#[derive(Debug, PartialEq)]
struct Outcome {
    frames: Vec<Frame>,
    error: Option<sip_core::ParseError>,
    pending: usize,
}

fn read(stream: &[u8], cuts: &[u8], limits: &Limits, pongs: bool) -> Outcome {
    let mut framer = if pongs { Framer::expecting_pongs(limits) } else { Framer::new(limits) };
    let mut outcome = Outcome { frames: Vec::new(), error: None, pending: 0 };
    for piece in pieces(stream, cuts) {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => outcome.frames.push(frame),
                Ok(None) => break,
                Err(FramingError { error, head }) => {
                    assert!(error.offset <= head.len().max(limits.bytes), "{error}");
                    assert!(outcome.error.as_ref().is_none_or(|first| *first == error));
                    assert_eq!(framer.pending(), 0);
                    outcome.error = Some(error);
                    break;
                }
            }
        }
        assert!(
            framer.pending() <= limits.bytes + piece.len(),
            "{} bytes are held",
            framer.pending()
        );
    }
    outcome.pending = framer.pending();
    outcome
}

fn check(stream: &[u8], outcome: &Outcome, limits: &Limits) {
    let mut at = 0;
    for frame in &outcome.frames {
        at += match frame {
            Frame::KeepAlive => 4,
            Frame::Pong => 2,
            Frame::Message(bytes) => {
                assert!(bytes.len() <= limits.bytes);
                assert_eq!(stream.get(at..at + bytes.len()), Some(&bytes[..]));
                if let Ok(view) = MessageView::parse(bytes, limits) {
                    assert!(view.has_empty_line() && view.trailing().is_empty());
                    assert!(view.body().len() <= limits.body);
                }
                bytes.len()
            }
        };
    }
    if outcome.error.is_none() {
        assert_eq!(at + outcome.pending, stream.len(), "no byte is lost");
    }
}
