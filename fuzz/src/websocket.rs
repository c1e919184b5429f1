use sip_core::Limits;
use sip_core::framing::{
    Close, Role, Upgrade, UpgradeAnswer, WebSocketError, WebSocketFrame, WebSocketFramer,
    write_close, write_message, write_ping, write_pong,
};

use crate::pieces::{cut_stream, pieces};

/// A WebSocket connection with a stranger, in pieces, and its opening handshake.
///
/// The first line says where the bytes behind it are cut: each of its bytes is the length of a piece, from the
/// start again after the last. The pieces give the frames that the whole gives, and the same error; no more is held
/// than the limits and the last piece; a frame that is written again reads as the same on the other side, whatever
/// its mask. A handshake that is taken is known by its answer, and not before its last byte.
pub fn websocket(data: &[u8]) {
    let (cuts, stream) = cut_stream(data);
    let tight = Limits { bytes: 60, ..Limits::default() };
    for limits in [Limits::default(), tight] {
        for role in [Role::Client, Role::Server] {
            let whole = read(stream, &[], role, &limits);
            assert_eq!(read(stream, cuts, role, &limits), whole);
            assert_eq!(read(stream, &[1], role, &limits), whole);
            for frame in &whole.frames {
                write_again(frame, cuts);
            }
        }
    }
    handshake(stream);
}

/// What a stream gave, and how much of it waits for more.
#[derive(Debug, PartialEq)]
struct Outcome {
    frames: Vec<WebSocketFrame>,
    error: Option<WebSocketError>,
    pending: usize,
}

fn read(stream: &[u8], cuts: &[u8], role: Role, limits: &Limits) -> Outcome {
    let mut framer = WebSocketFramer::new(role, limits);
    let mut outcome = Outcome { frames: Vec::new(), error: None, pending: 0 };
    for piece in pieces(stream, cuts) {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => outcome.frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert!(error.offset < stream.len() as u64, "{error}");
                    assert!(outcome.error.is_none_or(|first| first == error));
                    assert_eq!(framer.pending(), 0);
                    assert!(matches!(error.close_code(), 1002 | 1007 | 1009));
                    outcome.error = Some(error);
                    break;
                }
            }
        }
        // A control frame may wait beside a message; a head has at most 14 bytes.
        let most = limits.bytes + 125 + 14 + piece.len();
        assert!(framer.pending() <= most, "{} bytes are held", framer.pending());
    }
    for frame in &outcome.frames {
        match frame {
            WebSocketFrame::Message(bytes) => assert!(bytes.len() <= limits.bytes),
            WebSocketFrame::Ping(bytes) | WebSocketFrame::Pong(bytes) => {
                assert!(bytes.len() <= 125)
            }
            _ => {}
        }
    }
    outcome.pending = framer.pending();
    outcome
}

/// As a client and as a server.
fn write_again(frame: &WebSocketFrame, mask: &[u8]) {
    let mask = mask.first_chunk().copied().unwrap_or([1, 2, 3, 4]);
    for (mask, role) in [(Some(mask), Role::Server), (None, Role::Client)] {
        let mut out = Vec::new();
        match frame {
            WebSocketFrame::Message(bytes) => write_message(bytes, mask, &mut out),
            WebSocketFrame::KeepAlive => write_message(b"\r\n\r\n", mask, &mut out),
            WebSocketFrame::KeepAliveAnswer => write_message(b"\r\n", mask, &mut out),
            WebSocketFrame::Ping(bytes) => write_ping(bytes, mask, &mut out),
            WebSocketFrame::Pong(bytes) => write_pong(bytes, mask, &mut out),
            WebSocketFrame::Close(why) => write_close(why.as_ref().map(checked), mask, &mut out),
        }
        let again = read(&out, &[], role, &Limits::default());
        assert_eq!(again.frames, [frame.clone()]);
        assert_eq!((again.error, again.pending), (None, 0));
    }
}

fn checked(close: &Close) -> &Close {
    assert!(matches!(close.code, 1000..=1014 | 3000..=4999) && close.reason.len() <= 123);
    close
}

fn handshake(stream: &[u8]) {
    if let Ok(Some((upgrade, length))) = Upgrade::read(stream) {
        assert_eq!(Upgrade::read(&stream[..length]), Ok(Some((upgrade.clone(), length))));
        assert_eq!(Upgrade::read(&stream[..length - 1]).ok().flatten(), None);
        let answer = upgrade.accept();
        assert_eq!(UpgradeAnswer::read(answer.as_bytes(), &upgrade), Ok(Some(answer.len())));
        let again = Upgrade::read(upgrade.to_string().as_bytes()).unwrap().unwrap().0;
        assert_eq!(again.accept(), answer);
    }
    let asked = Upgrade::new("h", "/", [7; 16]);
    if let Ok(Some(length)) = UpgradeAnswer::read(stream, &asked) {
        assert!(length <= stream.len());
    }
}
