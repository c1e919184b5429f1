//! Replaces (RFC 3891): which dialog is meant, and what is answered when it is not to be had.

mod common;

use common::naming::{TO_FROM, invite_with, naming};
use common::*;
use insta::assert_snapshot;
use sip_core::dialog::DialogId;
use sip_core::endpoint::{Event, Named};
use sip_core::header::{Join, Replaces, TypedHeader};
use sip_core::{Method, Transport};

fn lab() -> Lab {
    Lab::with(Transport::Udp, extended(&["replaces", "join"]))
}

fn replaces(lab: &Lab, bobs: DialogId, more: &str) -> Replaces {
    naming(lab, bobs, TO_FROM, more)
}

#[test]
fn a_call_takes_the_place_of_another() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    lab.clear_ladder();
    let header = replaces(&lab, bobs, "");
    invite_with(&mut lab, header);
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(lab.bob.named(asked.id), Some(Named::Replaces(bobs)));
    let new = lab.respond(Bob, &asked, 200).unwrap();
    match lab.event(Bob) {
        Event::Replaced { dialog, by, bye } => {
            assert_eq!((dialog, by), (bobs, new));
            assert!(bye.is_some());
        }
        other => panic!("{other:?}"),
    }
    lab.settle();
    lab.expect_response(Alice, 200);
    let bye = lab.expect_request(Alice, Method::Bye);
    lab.respond(Alice, &bye, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 <-- 200
    0 <-- BYE
    0 --> 200
    ");
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1));
}

#[test]
fn a_call_that_never_was_gets_481_and_one_that_has_just_ended_603() {
    let mut lab = lab();
    let (alices, bobs) = lab.call();
    let ended = replaces(&lab, bobs, "");
    let stranger: Replaces = Replaces::parse(b"nobody;to-tag=1;from-tag=2").unwrap();
    invite_with(&mut lab, stranger);
    lab.expect_response(Alice, 481);
    lab.hang_up(Alice, alices);
    invite_with(&mut lab, ended.clone());
    lab.expect_response(Alice, 603);
    lab.no_event(Bob);
    // It is not remembered for ever.
    lab.run(secs(33));
    invite_with(&mut lab, ended);
    lab.expect_response(Alice, 481);
    lab.rest();
}

#[test]
fn a_call_that_is_being_ended_gets_603() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    let header = replaces(&lab, bobs, "");
    lab.request_in(Bob, bobs, Method::Bye);
    lab.take_one("BYE");
    invite_with(&mut lab, header);
    lab.expect_response(Alice, 603);
}

#[test]
fn early_only_does_not_take_an_answered_call() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    let header = replaces(&lab, bobs, ";early-only");
    invite_with(&mut lab, header);
    lab.expect_response(Alice, 486);
    lab.no_event(Bob);
}

#[test]
fn a_call_that_rings_here_is_not_to_be_taken() {
    let mut lab = lab();
    let asked = lab.called();
    let bobs = lab.respond(Bob, &asked, 180).unwrap();
    lab.settle();
    lab.expect_response(Alice, 180);
    let header = replaces(&lab, bobs, "");
    invite_with(&mut lab, header);
    lab.expect_response(Alice, 481);
}

#[test]
fn a_call_that_we_let_ring_is_cancelled_when_it_is_replaced() {
    let mut lab = lab();
    // Bob calls Alice, and before she answers her other telephone takes the call over.
    let call = lab.invite(Bob);
    lab.settle();
    let ringing = lab.expect_request(Alice, Method::Invite);
    lab.respond(Alice, &ringing, 180).unwrap();
    lab.settle();
    let bobs = lab.expect_response(Bob, 180).dialog.unwrap();
    lab.clear_ladder();
    let header = replaces(&lab, bobs, ";early-only");
    invite_with(&mut lab, header);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 200).unwrap();
    assert!(matches!(lab.event(Bob), Event::Replaced { bye: None, .. }));
    lab.settle();
    assert_eq!(lab.expect_response(Bob, 487).id, call);
    lab.expect_response(Alice, 200);
    assert!(matches!(lab.event(Alice), Event::Cancelled { id } if id == ringing.id));
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 <-- 200
    0 <-- CANCEL
    0 --> 200
    0 --> 487
    0 <-- ACK
    ");
}

#[test]
fn replaces_and_join_exclude_each_other() {
    let mut lab = lab();
    let (_, bobs) = lab.call();
    let mut invite = request(Method::Invite, Alice);
    invite.headers.push(replaces(&lab, bobs, ""));
    invite.headers.push(naming::<Join>(&lab, bobs, TO_FROM, ""));
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.invite(now, invite, flow).unwrap();
    lab.settle();
    lab.expect_response(Alice, 400);
    let mut twice = request(Method::Invite, Alice);
    twice.headers.push(replaces(&lab, bobs, ""));
    twice.headers.push(replaces(&lab, bobs, ""));
    lab.alice.invite(now, twice, flow).unwrap();
    lab.settle();
    lab.expect_response(Alice, 400);
}

#[test]
fn who_does_not_support_replaces_sees_an_ordinary_call() {
    let mut lab = Lab::new();
    let (_, bobs) = lab.call();
    let header = replaces(&lab, bobs, "");
    invite_with(&mut lab, header);
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(lab.bob.named(asked.id), None);
    lab.respond(Bob, &asked, 200);
    lab.settle();
    lab.no_event(Bob);
}
