//! Requests at a proxy, for the rules of `sip_core::proxy`.

use sip_core::proxy::{Ours, Refusal, check, routing_mark};
use sip_core::{Limits, Request};

/// What the proxy is called.
pub fn ours() -> Ours {
    Ours::at(vec!["proxy.example.com".parse().unwrap(), "192.0.2.1:5060".parse().unwrap()])
}

/// A request as it comes to a proxy, with further lines.
pub fn request_of(method: &str, uri: &str, lines: &str) -> Request {
    let text = format!(
        "{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKa;rport\n{lines}\
         From: <sip:alice@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: c\n\
         CSeq: 7 {method}\n\n"
    );
    Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap()
}

/// The same as an INVITE.
pub fn request(uri: &str, lines: &str) -> Request {
    request_of("INVITE", uri, lines)
}

/// Whether the proxy would let it pass.
pub fn checked(request: &Request) -> Result<(), Refusal> {
    check(request, &ours(), &[], routing_mark(request).unwrap())
}
