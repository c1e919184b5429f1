//! Transactions with peers of RFC 2543, whose Via has no branch with the magic cookie
//! (RFC 3261 §17.2.3): Request-URI, tags, Call-ID, CSeq and the top Via tell what belongs together.

mod common;

use common::*;
use sip_core::endpoint::{Event, Input};
use sip_core::header::CSeq;
use sip_core::{Method, Response, StatusCode};

const INVITE: &str = "INVITE sip:bob@192.0.2.2 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060\n\
     From: <sip:a@x>;tag=1\nTo: <sip:bob@x>\nCall-ID: old\nCSeq: 1 INVITE\n\
     Contact: <sip:a@192.0.2.1>\n\n";

const OPTIONS: &str = "OPTIONS sip:bob@192.0.2.2 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060\n\
     From: <sip:a@x>;tag=1\nTo: <sip:bob@x>\nCall-ID: old\nCSeq: 1 OPTIONS\n\n";

/// What the old peer sends reaches Bob; his answers to it.
fn arrive(lab: &mut Lab, text: &str) -> Vec<Response> {
    let flow = lab.flow(Bob);
    let message = text.replace('\n', "\r\n").into();
    lab.bob.handle_input(lab.now, Input::Received { flow, message });
    lab.take().iter().map(Packet::response).collect()
}

/// The ACK or CANCEL for [`INVITE`].
fn follows(method: &str, tag: Option<&str>) -> String {
    let to = tag.map_or("To: <sip:bob@x>".to_owned(), |tag| format!("To: <sip:bob@x>;tag={tag}"));
    INVITE.replace("INVITE", method).replace("To: <sip:bob@x>", &to)
}

/// The same with a branch that means nothing, as some wrote it.
fn variants(text: &str) -> [String; 2] {
    [text.to_owned(), text.replace("192.0.2.1:5060\n", "192.0.2.1:5060;branch=7\n")]
}

#[test]
fn a_retransmission_is_absorbed_and_answered_again() {
    for options in variants(OPTIONS) {
        let mut lab = Lab::new();
        assert!(arrive(&mut lab, &options).is_empty());
        let asked = lab.expect_request(Bob, Method::Options);
        assert!(arrive(&mut lab, &options).is_empty(), "there is no answer yet");
        lab.no_event(Bob);
        lab.respond(Bob, &asked, 200);
        let answer = lab.take_one("200").response();
        for _ in 0..3 {
            assert_eq!(arrive(&mut lab, &options), core::slice::from_ref(&answer));
        }
        lab.no_event(Bob);
        lab.rest();
    }
}

#[test]
fn a_refused_invite_is_repeated_until_its_ack() {
    for invite in variants(INVITE) {
        let mut lab = Lab::new();
        assert!(arrive(&mut lab, &invite).is_empty());
        let asked = lab.expect_request(Bob, Method::Invite);
        lab.respond(Bob, &asked, 486);
        let refusal = lab.take_one("486").response();
        assert_eq!(arrive(&mut lab, &invite), core::slice::from_ref(&refusal));
        lab.run_cut_off(ms(500));
        lab.ladder_is(
            "  0 <-- 486
               0 <-- 486
             500 <-- 486",
        );
        // The ACK has our tag, which the INVITE had not.
        let ack = follows("ACK", Some(&to_tag(&refusal)));
        let ack = if invite == INVITE { ack } else { variants(&ack)[1].clone() };
        assert!(arrive(&mut lab, &ack).is_empty());
        lab.run(secs(4));
        lab.ladder_is("");
        lab.no_event(Bob);
        lab.rest();
    }
}

/// An ACK with another number is of another INVITE.
#[test]
fn the_ack_of_another_invite_ends_nothing() {
    let mut lab = Lab::new();
    arrive(&mut lab, INVITE);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 486);
    let tag = to_tag(&lab.take_one("486").response());
    let ack = follows("ACK", Some(&tag)).replace("CSeq: 1", "CSeq: 2");
    assert!(arrive(&mut lab, &ack).is_empty());
    lab.clear_ladder();
    lab.run_cut_off(ms(500));
    lab.ladder_is("500 <-- 486");
}

#[test]
fn a_cancel_finds_its_invite() {
    for (invite, cancel) in variants(INVITE).into_iter().zip(variants(&follows("CANCEL", None))) {
        let mut lab = Lab::new();
        arrive(&mut lab, &invite);
        let asked = lab.expect_request(Bob, Method::Invite);
        let answers = arrive(&mut lab, &cancel);
        let mut codes: Vec<_> = answers.iter().map(|answer| answer.status.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [200, 487]);
        assert!(matches!(lab.event(Bob), Event::Cancelled { id } if id == asked.id));
        let terminated = answers.iter().find(|answer| answer.status.code() == 487).unwrap();
        assert_eq!(terminated.headers.require::<CSeq>().unwrap().method, Method::Invite);
    }
}

#[test]
fn a_cancel_of_another_invite_finds_nothing() {
    for (this, other) in [
        ("CSeq: 1", "CSeq: 2"),
        ("Call-ID: old", "Call-ID: older"),
        ("tag=1", "tag=2"),
        ("sip:bob@192.0.2.2 ", "sip:carol@192.0.2.2 "),
        ("192.0.2.1:5060\n", "192.0.2.1:5070\n"),
        ("192.0.2.1:5060\n", "192.0.2.1:5060;branch=7\n"),
    ] {
        let mut lab = Lab::new();
        arrive(&mut lab, INVITE);
        lab.expect_request(Bob, Method::Invite);
        let answers = arrive(&mut lab, &follows("CANCEL", None).replace(this, other));
        let codes: Vec<_> = answers.iter().map(|answer| answer.status.code()).collect();
        assert_eq!(codes, [481], "{other}");
        lab.no_event(Bob);
    }
}

/// Whatever of the nine parts differs, it is another transaction.
#[test]
fn another_number_is_a_new_transaction() {
    for (this, other) in
        [("CSeq: 1", "CSeq: 2"), ("Call-ID: old", "Call-ID: new"), ("OPTIONS", "INFO")]
    {
        let mut lab = Lab::with(sip_core::Transport::Udp, |config| config.allow.push(Method::Info));
        arrive(&mut lab, OPTIONS);
        let asked = lab.expect_request(Bob, Method::Options);
        lab.respond(Bob, &asked, 200);
        lab.take_one("200");
        let next = OPTIONS.replace(this, other);
        let answers = arrive(&mut lab, &next);
        match answers.first() {
            // INFO belongs into a dialog.
            Some(answer) => assert_eq!(answer.status, StatusCode::CALL_DOES_NOT_EXIST),
            None => assert!(matches!(lab.event(Bob), Event::Request { id, .. } if id != asked.id)),
        }
    }
}

/// A call from an old phone: 2xx, its ACK, and the BYE, all without a branch.
#[test]
fn a_whole_call() {
    let mut lab = Lab::new();
    arrive(&mut lab, INVITE);
    let asked = lab.expect_request(Bob, Method::Invite);
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    let tag = to_tag(&lab.take_one("200").response());
    // The INVITE comes again; the 2xx is not the transaction's to repeat (RFC 6026 §7.1).
    assert!(arrive(&mut lab, INVITE).is_empty());
    assert!(arrive(&mut lab, &follows("ACK", Some(&tag))).is_empty());
    assert_eq!(lab.expect_ack(Bob).0, bobs);
    let bye = follows("BYE", Some(&tag)).replace("CSeq: 1", "CSeq: 2");
    assert!(arrive(&mut lab, &bye).is_empty());
    let asked = lab.expect_request(Bob, Method::Bye);
    assert_eq!(asked.dialog, Some(bobs));
    lab.respond(Bob, &asked, 200);
    assert_eq!(lab.take_one("200").response().status, StatusCode::OK);
    assert_eq!(arrive(&mut lab, &bye).len(), 1);
    lab.rest();
}

/// Our own requests have the cookie, and a response that lost our branch is nobody's.
#[test]
fn responses_need_our_branch() {
    let mut lab = Lab::new();
    lab.request(Alice, Method::Options);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Options);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert!(text.contains(";branch=z9hG4bK"));
    for stripped in
        [text.replace(";branch=z9hG4bK", ";x="), text.replace(";branch=z9hG4bK", ";branch=")]
    {
        lab.deliver(Packet { bytes: stripped.into(), ..answer.clone() });
        lab.no_event(Alice);
    }
    assert_eq!(lab.alice.statistics().stray_responses, 2);
    lab.deliver(answer);
    lab.expect_response(Alice, 200);
}
