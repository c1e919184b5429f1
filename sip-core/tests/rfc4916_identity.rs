//! Connected identity (RFC 4916).

mod common;

use common::*;
use insta::assert_snapshot;
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
    lab.clear_ladder();
    let carol = NameAddr::parse("\"Carol\" <sip:carol@example.com>").unwrap();
    lab.bob.set_identity(bobs, carol).unwrap();
    let asked = lab.ask_in(Bob, bobs, Method::Update);
    let From(from) = asked.request.headers.require().unwrap();
    assert_eq!(from.uri.to_string(), "sip:carol@example.com");
    lab.answer(Alice, &asked, 200);
    // From now on Alice speaks to Carol; the tags are what they were.
    let asked = lab.ask_in(Alice, alices, Method::Info);
    assert_eq!(asked.dialog, Some(bobs));
    let To(to) = asked.request.headers.require().unwrap();
    assert_eq!(to.uri.to_string(), "sip:carol@example.com");
    lab.respond(Bob, &asked, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 <-- UPDATE
      0 --> 200
      0 --> INFO
      0 <-- 200
    ");
}

/// §4.4.1: a re-INVITE tells it as well, and each side may change its own name.
#[test]
fn a_re_invite_says_who_speaks_now() {
    let mut lab = with_identity();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    let dave = NameAddr::parse("<sip:dave@example.com>").unwrap();
    lab.alice.set_identity(alices, dave).unwrap();
    let asked = lab.ask_in(Alice, alices, Method::Invite);
    let From(from) = asked.request.headers.require().unwrap();
    assert_eq!(from.uri.to_string(), "sip:dave@example.com");
    assert_eq!(from.tag(), Some(lab.alice.dialog(alices).unwrap().local_tag()));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    lab.acknowledge();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 200
      0 --> ACK
    ");
    // Bob hangs up on Dave.
    let bye = lab.ask_in(Bob, bobs, Method::Bye);
    assert_eq!(bye.dialog, Some(alices));
    let To(to) = bye.request.headers.require().unwrap();
    assert_eq!(to.uri.to_string(), "sip:dave@example.com");
}

/// §4.4.2: nobody is renamed by a peer that has not agreed to it.
#[test]
fn a_name_that_changes_unasked_is_not_learned() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.request_in(Bob, bobs, Method::Invite);
    let sent = lab.take_one("INVITE");
    let text = String::from_utf8(sent.bytes.to_vec()).unwrap();
    let forged = text.replace("From: <sip:bob@", "From: <sip:mallory@");
    assert_ne!(text, forged);
    lab.deliver(Packet { bytes: forged.into(), ..sent });
    lab.expect_request(Alice, Method::Invite);
    lab.request_in(Alice, alices, Method::Info);
    let To(to) = lab.take_one("INFO").request().headers.require().unwrap();
    assert_eq!(to.uri.to_string(), "sip:bob@example.com");
}

#[test]
fn who_does_not_know_it_keeps_the_old_name() {
    let mut lab = Lab::new();
    let (_, bobs) = lab.call();
    let carol = NameAddr::parse("<sip:carol@example.com>").unwrap();
    assert!(matches!(lab.bob.set_identity(bobs, carol), Err(Error::NotAllowed(_))));
}
