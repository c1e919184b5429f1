//! Loops told from spirals (RFC 5393 §4); `stateful_proxy.rs` has Max-Breadth on the wire.

mod common;

use common::proxying::{checked, request, request_of};
use sip_core::proxy::{Refusal, routing_mark};

#[test]
fn a_loop_is_told_from_a_spiral() {
    let first = request("sip:b@example.com", "");
    let mark = routing_mark(&first).unwrap();
    let via =
        format!("Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bK0123456789abcdef{mark:016x}\n");
    assert_eq!(checked(&request("sip:b@example.com", &via)), Err(Refusal::Loop));
    // Retargeted or rerouted it is a spiral, and another request is none of it.
    for (uri, more) in [
        ("sip:c@example.com", ""),
        ("sip:b@example.com;x=y", ""),
        ("sip:b@example.com", "Route: <sip:other;lr>\n"),
    ] {
        assert_eq!(checked(&request(uri, &format!("{via}{more}"))), Ok(()), "{uri} {more}");
    }
    let stranger = via.replace("proxy.example.com", "proxy.example.net");
    assert_eq!(checked(&request("sip:b@example.com", &stranger)), Ok(()));
    // An ACK or CANCEL gets the mark of its INVITE.
    let ack = request_of("ACK", "sip:b@example.com", "Proxy-Authorization: Digest realm=\"x\"\n");
    assert_eq!(routing_mark(&ack).unwrap(), mark);
}
