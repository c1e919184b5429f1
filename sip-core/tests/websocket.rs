//! SIP over WebSocket: whatever the frames and wherever the cuts, the messages are those that were sent.

use proptest::prelude::*;
use sip_core::framing::{
    Role, Upgrade, UpgradeAnswer, WebSocketFrame, WebSocketFramer, write_message, write_ping,
};
use sip_core::{Limits, Message, Method};

/// A message in fragments of these lengths, a ping behind each but the last.
fn fragments(message: &[u8], lengths: &[usize], mask: Option<[u8; 4]>) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut rest = message;
    let mut pings = 0;
    for (number, length) in lengths.iter().enumerate() {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        let at = out.len();
        write_message(piece, mask, &mut out);
        // Binary as the first fragment, a continuation after it; none is the last.
        out[at] = if number == 0 { 0x02 } else { 0x00 };
        write_ping(&[number as u8], mask, &mut out);
        pings += 1;
        rest = after;
    }
    let at = out.len();
    write_message(rest, mask, &mut out);
    out[at] = if lengths.is_empty() { 0x82 } else { 0x80 };
    (out, pings)
}

proptest! {
    #[test]
    fn messages_arrive_as_they_were_sent(
        messages in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..300), prop::collection::vec(0usize..100, 0..5)),
            1..5,
        ),
        mask in prop::option::of(any::<[u8; 4]>()),
        pieces in prop::collection::vec(1usize..50, 1..20),
    ) {
        let role = if mask.is_some() { Role::Server } else { Role::Client };
        let mut framer = WebSocketFramer::new(role, &Limits::default());
        let (mut sent, mut pings) = (Vec::new(), 0);
        for (message, lengths) in &messages {
            let (bytes, count) = fragments(message, lengths, mask);
            sent.extend(bytes);
            pings += count;
        }
        let (mut got, mut pinged) = (Vec::new(), 0);
        let mut rest = &sent[..];
        for length in pieces.iter().cycle() {
            let (piece, after) = rest.split_at((*length).min(rest.len()));
            framer.push(piece);
            while let Some(frame) = framer.next().unwrap() {
                match frame {
                    WebSocketFrame::Message(bytes) => got.push(bytes.to_vec()),
                    WebSocketFrame::KeepAlive => got.push(b"\r\n\r\n".to_vec()),
                    WebSocketFrame::KeepAliveAnswer => got.push(b"\r\n".to_vec()),
                    WebSocketFrame::Ping(_) => pinged += 1,
                    other => panic!("{other:?}"),
                }
            }
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let expected: Vec<_> = messages.into_iter().map(|(message, _)| message).collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!((pinged, framer.pending()), (pings, 0));
    }
}

/// RFC 7118 §8.1: a browser opens the connection and registers.
#[test]
fn a_browser_registers() {
    let upgrade = Upgrade::new("proxy.example.com", "/", [1; 16]);
    let mut to_server = upgrade.to_string().into_bytes();
    // No Content-Length is needed: the message ends where the WebSocket message does.
    let register = b"REGISTER sip:proxy.example.com SIP/2.0\r\n\
        Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKasudf\r\nFrom: sip:alice@example.com;tag=65bnmj.34asd\r\n\
        To: sip:alice@example.com\r\nCall-ID: aiuy7k9njasd\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n\
        Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>\r\n\r\n";
    let mask = Some([9, 8, 7, 6]);
    write_message(register, mask, &mut to_server);

    let (asked, head) = Upgrade::read(&to_server).unwrap().unwrap();
    let answer = asked.accept();
    assert_eq!(UpgradeAnswer::read(answer.as_bytes(), &upgrade), Ok(Some(answer.len())));
    let mut framer = WebSocketFramer::new(Role::Server, &Limits::default());
    framer.push(&to_server[head..]);
    let Some(WebSocketFrame::Message(bytes)) = framer.next().unwrap() else { panic!("no message") };
    let Message::Request(request) = Message::parse(bytes, &Limits::default()).unwrap() else {
        panic!("no request");
    };
    assert_eq!(request.method, Method::Register);
    request.check(&Default::default()).unwrap();
}
