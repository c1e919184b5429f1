//! BYE and what it races with (RFC 3261 §15, RFC 5407 §3).

use crate::common::*;
use sip_core::endpoint::{ClientId, Error, Event, Noun, ServerId};
use sip_core::transaction::Failure;
use sip_core::{DialogId, Method};

#[test]
fn byes_cross() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    let one = lab.request_in(Alice, alices, Method::Bye);
    let other = lab.request_in(Bob, bobs, Method::Bye);
    lab.settle();
    let at_bob = lab.expect_request(Bob, Method::Bye);
    let at_alice = lab.expect_request(Alice, Method::Bye);
    assert_eq!((at_alice.dialog, at_bob.dialog), (Some(alices), Some(bobs)));
    lab.respond(Alice, &at_alice, 200);
    lab.respond(Bob, &at_bob, 200);
    lab.settle();
    lab.ladder_is(
        "0 --> BYE
         0 <-- BYE
         0 --> 200
         0 <-- 200",
    );
    assert_eq!(lab.expect_response(Alice, 200).id, one);
    assert_eq!(lab.expect_response(Bob, 200).id, other);
    lab.no_event(Alice);
    lab.no_event(Bob);
    lab.rest();
}

#[test]
fn a_bye_that_comes_when_all_is_over_gets_481() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.request_in(Bob, bobs, Method::Bye);
    let late = lab.take_one("BYE");
    lab.hang_up(Alice, alices);
    lab.clear_ladder();
    lab.deliver(late);
    lab.settle();
    lab.ladder_is("0 --> 481");
    lab.no_event(Alice);
    lab.expect_response(Bob, 481);
    lab.rest();
}

#[test]
fn bye_overtakes_the_ack() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let alices = lab.answer(Bob, &asked, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    lab.deliver(ack);
    lab.clear_ladder();
    // The 2xx is not sent again, and the ACK that belongs to nothing is not answered.
    lab.run(secs(5));
    lab.ladder_is("");
    assert_eq!(lab.bob.statistics().stray_acks, 1);
    lab.no_event(Bob);
    lab.rest();
}

#[test]
fn the_callees_bye_waits_for_the_ack() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    let bye = lab.request_in(Bob, bobs, Method::Bye);
    lab.settle();
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.run(ms(300));
    lab.ladder_is(
        "0 --> INVITE
         0 <-- 200",
    );
    lab.ack(Alice, alices);
    lab.settle();
    let asked = lab.expect_request(Alice, Method::Bye);
    lab.respond(Alice, &asked, 200);
    lab.settle();
    lab.ladder_is(
        "300 --> ACK
         300 <-- BYE
         300 --> 200",
    );
    assert_eq!(lab.expect_ack(Bob).0, bobs);
    assert_eq!(lab.expect_response(Bob, 200).id, bye);
    lab.rest();
}

#[test]
fn the_callees_bye_goes_out_when_no_ack_comes() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    let bye = lab.request_in(Bob, bobs, Method::Bye);
    // Alice's user never acknowledges.
    lab.run(secs(32));
    lab.expect_response(Alice, 200);
    let asked = lab.expect_request(Alice, Method::Bye);
    lab.respond(Alice, &asked, 200);
    lab.settle();
    // One outcome, that of the BYE.
    assert_eq!(lab.expect_response(Bob, 200).id, bye);
    lab.no_event(Bob);
    lab.rest();
}

#[test]
fn the_peer_hangs_up_while_our_bye_waits() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    let bye = lab.request_in(Bob, bobs, Method::Bye);
    lab.settle();
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    lab.take_one("ACK");
    let asked = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &asked, 200);
    lab.settle();
    assert_eq!(lab.event(Bob), Event::Failed { id: bye, reason: Failure::Overtaken });
    lab.rest();
}

#[test]
fn a_caller_who_hangs_up_at_once_acknowledges_first() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let alices = lab.answer(Bob, &asked, 200).dialog.unwrap();
    lab.request_in(Alice, alices, Method::Bye);
    lab.settle();
    lab.ladder_is(
        "0 --> INVITE
         0 <-- 200
         0 --> ACK
         0 --> BYE",
    );
}

#[test]
fn the_dialog_is_gone_when_nobody_answers_the_bye() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let bye = lab.request_in(Alice, alices, Method::Bye);
    lab.run_cut_off(secs(32));
    assert_eq!(lab.event(Alice), Event::Failed { id: bye, reason: Failure::Timeout });
    assert_eq!(lab.alice.dialogs(), 0);
    lab.bob.abandon(lab.now, bobs).unwrap();
    lab.rest();
}

#[test]
fn a_challenged_bye_may_be_tried_again() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    let asked = lab.ask_in(Alice, alices, Method::Bye);
    lab.answer(Bob, &asked, 401);
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1));
    lab.hang_up(Alice, alices);
    lab.rest();
}

#[test]
fn nothing_but_bye_is_welcome_after_our_bye() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.request_in(Alice, alices, Method::Bye);
    let bye = lab.take_one("BYE");
    assert_eq!(
        lab.alice.request_in(lab.now, alices, skeleton(Method::Info)),
        Err(Error::Gone(Noun::Dialog))
    );
    // A re-INVITE against the BYE.
    lab.request_in(Bob, bobs, Method::Invite);
    lab.settle();
    lab.expect_response(Bob, 481);
    lab.no_event(Alice);
    lab.deliver(bye);
    let asked = lab.expect_request(Bob, Method::Bye);
    lab.answer(Bob, &asked, 200);
    lab.rest();
}

/// Alice hangs up: her INVITE, which is still open, ends with it on both sides.
fn a_bye_ends(lab: &mut Lab, alices: DialogId, invite: ClientId, asked: ServerId) {
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    assert_eq!(lab.event(Bob), Event::Cancelled { id: asked });
    lab.settle();
    lab.expect_response(Alice, 200);
    assert_eq!(lab.expect_response(Alice, 487).id, invite);
    lab.rest();
}

#[test]
fn a_bye_ends_the_invite_that_is_still_open() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    let again = lab.request_in(Alice, alices, Method::Invite);
    lab.settle();
    let invite = lab.expect_request(Bob, Method::Invite);
    a_bye_ends(&mut lab, alices, again, invite.id);
}

#[test]
fn a_caller_may_bye_an_early_dialog_and_a_callee_may_not() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    let bobs = lab.respond(Bob, &asked, 180).unwrap();
    assert!(matches!(
        lab.bob.request_in(lab.now, bobs, skeleton(Method::Bye)),
        Err(Error::NotAllowed(_))
    ));
    lab.settle();
    let alices = lab.expect_response(Alice, 180).dialog.unwrap();
    a_bye_ends(&mut lab, alices, call, asked.id);
}

#[test]
fn a_bye_that_the_user_forgets_ends_the_dialog_all_the_same() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    let asked = lab.ask_in(Alice, alices, Method::Bye);
    lab.run(secs(33));
    assert_eq!(lab.event(Bob), Event::ResponseFailed { id: asked.id, reason: Failure::Unanswered });
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (0, 0));
    lab.rest();
}
