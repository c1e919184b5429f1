//! Connected identity (RFC 4916).

mod common;

use common::*;
use sip_core::endpoint::Error;
use sip_core::header::{From, NameAddr, To};
use sip_core::{Method, Transport};

fn with_identity() -> Lab {
    Lab::with(Transport::Udp, extended(&["from-change"]))
}

#[test]
fn the_callee_says_who_has_answered() {
    let mut lab = with_identity();
    let (alices, bobs) = lab.call();
    let carol = NameAddr::parse("\"Carol\" <sip:carol@example.com>").unwrap();
    lab.bob.set_identity(bobs, carol).unwrap();
    lab.request_in(Bob, bobs, Method::Update);
    lab.settle();
    let asked = lab.expect_request(Alice, Method::Update);
    let From(from) = asked.request.headers.require().unwrap();
    assert_eq!(from.uri.to_string(), "sip:carol@example.com");
    lab.respond(Alice, &asked, 200);
    lab.settle();
    lab.expect_response(Bob, 200);
    // From now on Alice speaks to Carol; the tags are what they were.
    lab.request_in(Alice, alices, Method::Info);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Info);
    assert_eq!(asked.dialog, Some(bobs));
    let To(to) = asked.request.headers.require().unwrap();
    assert_eq!(to.uri.to_string(), "sip:carol@example.com");
}

#[test]
fn who_does_not_know_it_keeps_the_old_name() {
    let mut lab = Lab::new();
    let (_, bobs) = lab.call();
    let carol = NameAddr::parse("<sip:carol@example.com>").unwrap();
    assert!(matches!(lab.bob.set_identity(bobs, carol), Err(Error::NotAllowed(_))));
}
