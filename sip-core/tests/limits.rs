//! Every limit holds, and the error names it.

use bytes::Bytes;
use sip_core::error::{Fault, ParseErrorKind, ValueErrorKind};
use sip_core::framing::{Frame, Framer};
use sip_core::header::{Contact, MediaType, Via};
use sip_core::message::multipart::{self, MultipartError};
use sip_core::{Limit, Limits, Message, MessageView, ParseError, Response, StatusCode};

fn message(headers: &str, body: &str) -> Bytes {
    let length = body.len();
    format!("OPTIONS sip:h SIP/2.0\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into()
}

/// What both kinds of message say; that they say the same is checked too.
fn parse(bytes: &Bytes, limits: &Limits) -> Result<Message, ParseError> {
    let owned = Message::parse(bytes.clone(), limits);
    let view = MessageView::parse(bytes, limits).map(|view| view.len());
    assert_eq!(owned.as_ref().map(|message| message.headers().len()), view.as_ref().copied());
    owned
}

fn refused(bytes: &Bytes, limits: &Limits, limit: Limit, status: StatusCode) {
    let error = parse(bytes, limits).unwrap_err();
    assert_eq!(error.kind, ParseErrorKind::Limit(limit));
    assert_eq!((error.status(), error.fault()), (status, Fault::Limit));
    assert!(error.to_string().contains(&limit.to_string()), "{error}");
}

#[test]
fn bytes() {
    let message = message("", "body");
    let limits = |bytes| Limits { bytes, ..Limits::default() };
    parse(&message, &limits(message.len())).unwrap();
    refused(&message, &limits(message.len() - 1), Limit::Bytes, StatusCode::MESSAGE_TOO_LARGE);
}

#[test]
fn header_bytes() {
    let message = message("X: 0123456789\r\n", "a body that is long enough");
    let head = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let limits = |header_bytes| Limits { header_bytes, ..Limits::default() };
    parse(&message, &limits(head)).unwrap();
    for most in 0..head {
        refused(&message, &limits(most), Limit::HeaderBytes, StatusCode::MESSAGE_TOO_LARGE);
    }
    for most in [head - 1, head] {
        let mut framer = Framer::new(&limits(most));
        framer.push(&message);
        assert_eq!(framer.next().is_ok(), most == head);
    }
}

/// Offsets of lines are kept in 16 bits, whatever the limits say.
#[test]
fn header_bytes_beyond_what_offsets_reach() {
    let limits = Limits { bytes: 1 << 20, header_bytes: 1 << 20, ..Limits::default() };
    let mut accepted = 0;
    let mut refused = 0;
    for length in 65_400..65_560 {
        for line in ["X: {}\r\n", "Proxy-Authorization-Of-Mine: {}\r\nl: 0\r\n", "\u{fe}{}: x\r\n"]
        {
            let line = line.replace("{}", &"y".repeat(length));
            let bytes = Bytes::from(format!("OPTIONS sip:h SIP/2.0\r\n{line}\r\n"));
            match parse(&bytes, &limits) {
                Ok(message) => {
                    accepted += 1;
                    assert!(message.to_bytes().len() >= length);
                }
                Err(_) => refused += 1,
            }
            let mut framer = Framer::new(&limits);
            framer.push(&bytes);
            let _ = framer.next();
            let _ = Response::to_malformed(&bytes, StatusCode::BAD_REQUEST);
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused");
}

#[test]
fn headers() {
    let limits = |headers| Limits { headers, ..Limits::default() };
    for count in [0, 1, 31, 32, 33, 63, 64, 65, 200] {
        let message = message(&"X: y\r\n".repeat(count), "");
        assert_eq!(parse(&message, &limits(count + 1)).unwrap().headers().len(), count + 1);
        refused(&message, &limits(count), Limit::Headers, StatusCode::BAD_REQUEST);
    }
    let folded = message(&"X: y\r\n z\r\n".repeat(40), "");
    assert_eq!(parse(&folded, &limits(41)).unwrap().headers().len(), 41);
    refused(&folded, &limits(40), Limit::Headers, StatusCode::BAD_REQUEST);
}

#[test]
fn values() {
    let limits = Limits { values: 3, ..Limits::default() };
    let vias = |count| message(&"Via: SIP/2.0/UDP a, SIP/2.0/UDP b\r\n".repeat(count), "");
    let two = parse(&vias(1), &limits).unwrap();
    assert!(two.headers().all::<Via>().all(|via| via.is_ok()));
    let four = parse(&vias(2), &limits).unwrap();
    let error = four.headers().all::<Via>().nth(3).unwrap().unwrap_err();
    assert_eq!(error.kind, ValueErrorKind::Limit(Limit::Values));
    assert_eq!((error.fault(), error.status()), (Fault::Limit, StatusCode::BAD_REQUEST));
    assert_eq!(four.headers().all::<Via>().count(), 4);
}

#[test]
fn params() {
    let limits = Limits { params: 3, ..Limits::default() };
    let contact = |count| message(&format!("m: <sip:h>{}\r\n", ";a".repeat(count)), "");
    assert!(parse(&contact(3), &limits).unwrap().headers().require::<Contact>().is_ok());
    let error = parse(&contact(4), &limits).unwrap().headers().require::<Contact>().unwrap_err();
    assert_eq!(error.kind, ValueErrorKind::Limit(Limit::Params));
}

#[test]
fn body() {
    let limits = |body| Limits { body, ..Limits::default() };
    let counted = message("", "body");
    parse(&counted, &limits(4)).unwrap();
    refused(&counted, &limits(3), Limit::Body, StatusCode::MESSAGE_TOO_LARGE);
    let open = Bytes::from_static(b"OPTIONS sip:h SIP/2.0\r\n\r\nbody");
    parse(&open, &limits(4)).unwrap();
    refused(&open, &limits(3), Limit::Body, StatusCode::MESSAGE_TOO_LARGE);
}

#[test]
fn nesting() {
    let kind = MediaType::parse("multipart/mixed;boundary=b").unwrap();
    let body =
        Bytes::from_static(b"--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n\r\n");
    let limits = Limits { nesting: 2, ..Limits::default() };
    let outer = multipart::parts(&kind, &body, &limits).unwrap();
    assert_eq!(outer[0].parts(1, &limits).unwrap().len(), 1);
    assert_eq!(outer[0].parts(2, &limits), Err(MultipartError::Limit(Limit::Nesting)));
}

/// However much a peer sends on a stream, no more is held than a message and a piece.
#[test]
fn streams_hold_no_more_than_a_message() {
    let limits = Limits { bytes: 2_000, header_bytes: 1_000, body: 1_000, ..Limits::default() };
    let mut framer = Framer::new(&limits);
    let piece = [b'a'; 100];
    let mut most = 0;
    for _ in 0..1_000 {
        framer.push(&piece);
        let lost = framer.next().is_err();
        most = most.max(framer.pending());
        if lost {
            break;
        }
    }
    assert!(most <= 1_100, "{most}");
    assert!(framer.next().is_err());
    let mut framer = Framer::new(&limits);
    for _ in 0..1_000 {
        framer.push(&message("", &"b".repeat(900)));
        assert!(matches!(framer.next(), Ok(Some(Frame::Message(_)))));
        assert_eq!(framer.pending(), 0);
    }
}
