//! CANCEL and what it races with (RFC 3261 §9).

use crate::common::*;
use sip_core::endpoint::{Error, Event, Noun};
use sip_core::transaction::{Failure, Tables};
use sip_core::{Method, Transport};

#[test]
fn a_ringing_call_is_cancelled() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.answer(Bob, &asked, 180);
    lab.alice.cancel(lab.now, call).unwrap();
    lab.settle();
    lab.ladder_is(
        "0 --> INVITE
         0 <-- 180
         0 --> CANCEL
         0 <-- 200
         0 <-- 487
         0 --> ACK",
    );
    assert_eq!(lab.event(Bob), Event::Cancelled { id: asked.id });
    assert_eq!(lab.expect_response(Alice, 487).id, call);
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (0, 0));
    lab.no_event(Alice);
    lab.no_event(Bob);
    lab.rest();
}

#[test]
fn the_responses_to_invite_and_cancel_have_one_to_tag() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    let ringing = lab.take_one("180");
    let tag = to_tag(&ringing.response());
    lab.deliver(ringing);
    lab.alice.cancel(lab.now, call).unwrap();
    let cancel = lab.take_one("CANCEL");
    lab.deliver(cancel);
    let answers = lab.take();
    assert_eq!(answers.len(), 2);
    for answer in answers {
        assert_eq!(to_tag(&answer.response()), tag);
    }
}

#[test]
fn a_cancel_finds_room_in_a_full_table() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        config.capacity.transactions = Tables { clients: 2, ..Tables::default() };
    });
    let (ringing, asked) = lab.invited();
    lab.answer(Bob, &asked, 180);
    // The wish for the second is remembered, and granted when the 100 comes into a full table.
    let silent = lab.invite(Alice);
    lab.alice.cancel(lab.now, silent).unwrap();
    lab.alice.cancel(lab.now, ringing).unwrap();
    lab.run(ms(300));
    assert_eq!(lab.expect_response(Alice, 487).id, ringing);
    lab.expect_response(Alice, 100);
    assert_eq!(lab.expect_response(Alice, 487).id, silent);
    assert!(matches!(lab.event(Bob), Event::Request { .. }));
    for _ in 0..2 {
        assert!(matches!(lab.event(Bob), Event::Cancelled { .. }));
    }
    lab.rest();
}

#[test]
fn before_a_provisional_response_the_cancel_waits() {
    let mut lab = Lab::new();
    let call = lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    lab.alice.cancel(lab.now, call).unwrap();
    assert!(lab.take().is_empty(), "nothing may be sent yet");
    lab.run(ms(100));
    lab.deliver(invite);
    lab.run(ms(300));
    lab.ladder_is(
        "  0 --> INVITE
         300 <-- 100
         300 --> CANCEL
         300 <-- 200
         300 <-- 487
         300 --> ACK",
    );
    lab.expect_response(Alice, 100);
    assert_eq!(lab.expect_response(Alice, 487).id, call);
    lab.expect_request(Bob, Method::Invite);
    assert!(matches!(lab.event(Bob), Event::Cancelled { .. }));
    lab.rest();
}

#[test]
fn a_cancel_that_waits_for_an_invite_nobody_hears_is_never_sent() {
    let mut lab = Lab::new();
    let call = lab.invite(Alice);
    lab.alice.cancel(lab.now, call).unwrap();
    lab.run_cut_off(secs(33));
    assert!(!lab.ladder.iter().any(|line| line.contains("CANCEL")));
    assert_eq!(lab.event(Alice), Event::Failed { id: call, reason: Failure::Timeout });
    lab.rest();
}

#[test]
fn a_final_response_makes_a_waiting_cancel_needless() {
    let mut lab = Lab::new();
    let call = lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    lab.alice.cancel(lab.now, call).unwrap();
    lab.deliver(invite);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 486);
    lab.settle();
    lab.ladder_is(
        "0 --> INVITE
         0 <-- 486
         0 --> ACK",
    );
    lab.expect_response(Alice, 486);
    lab.rest();
}

#[test]
fn a_200_crosses_the_cancel() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.answer(Bob, &asked, 180);

    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    let answer = lab.take_one("200");
    lab.alice.cancel(lab.now, call).unwrap();
    let cancel = lab.take_one("CANCEL");
    lab.deliver(answer);
    lab.deliver(cancel);
    lab.settle();

    // The call is up whatever Alice wished: she acknowledges it and hangs up.
    let dialog = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, dialog);
    lab.request_in(Alice, dialog, Method::Bye);
    lab.settle();
    assert_eq!(lab.expect_ack(Bob).0, bobs);
    let bye = lab.expect_request(Bob, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    lab.ladder_is(
        "0 --> INVITE
         0 <-- 180
         0 <-- 200
         0 --> CANCEL
         0 <-- 200
         0 --> ACK
         0 --> BYE
         0 <-- 200",
    );
    lab.expect_response(Alice, 200);
    lab.no_event(Bob);
    lab.no_event(Alice);
    lab.rest();
}

#[test]
fn lost_cancels_and_487s_are_sent_again() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    lab.settle();
    lab.alice.cancel(lab.now, call).unwrap();
    let first = lab.take_one("CANCEL");
    lab.run_cut_off(ms(400));
    lab.now = ms(500);
    lab.alice.handle_timeout(lab.now);
    let second = lab.take_one("CANCEL");
    assert_eq!(first.bytes, second.bytes);
    lab.deliver(second);
    let lost = lab.take();
    assert_eq!(lost.iter().map(Packet::name).collect::<Vec<_>>(), ["200", "487"]);
    // Timer G of the INVITE, and timer E of the CANCEL, which gets its 200 once more.
    lab.run(secs(2));
    lab.ignore_events(Bob);
    lab.expect_response(Alice, 180);
    assert_eq!(lab.expect_response(Alice, 487).id, call);
    lab.no_event(Alice);
    lab.rest();
}

#[test]
fn a_cancelled_invite_that_nobody_ends_fails_after_64_t1() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    lab.run(secs(50));
    lab.ignore_events(Alice);
    lab.alice.cancel(lab.now, call).unwrap();
    lab.alice.cancel(lab.now, call).unwrap();
    lab.run_cut_off(ms(31_999));
    lab.no_event(Alice);
    lab.run_cut_off(ms(1));
    assert_eq!(lab.event(Alice), Event::Failed { id: call, reason: Failure::Timeout });
    assert_eq!(lab.alice.dialogs(), 0);
    let response = sip_core::Response::to(&asked.request, sip_core::StatusCode::BUSY_HERE);
    lab.bob.respond(lab.now, asked.id, response).unwrap();
    lab.rest();
}

#[test]
fn what_cannot_be_cancelled() {
    let mut lab = Lab::new();
    let options = lab.request(Alice, Method::Options);
    assert!(matches!(lab.alice.cancel(lab.now, options), Err(Error::NotAllowed(_))));
    lab.settle();
    lab.ignore_events(Bob);
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 486);
    lab.settle();
    assert_eq!(lab.alice.cancel(lab.now, call), Err(Error::Gone(Noun::Client)));
}

#[test]
fn the_user_is_too_late_to_answer_a_cancelled_call() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    lab.settle();
    lab.alice.cancel(lab.now, call).unwrap();
    lab.settle();
    let response = sip_core::Response::to(&asked.request, sip_core::StatusCode::OK);
    assert_eq!(lab.bob.respond(lab.now, asked.id, response), Err(Error::Gone(Noun::Server)));
    lab.rest();
}

#[test]
fn a_cancel_for_nothing_is_answered_481() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    lab.settle();
    lab.alice.cancel(lab.now, call).unwrap();
    let cancel = lab.take_one("CANCEL");
    let other = String::from_utf8(cancel.bytes.to_vec())
        .unwrap()
        .replace("branch=z9hG4bK", "branch=z9hG4bKx");
    lab.deliver(Packet { bytes: other.into(), ..cancel });
    assert_eq!(lab.pump(), ["481"]);
    lab.no_event(Bob);
}

#[test]
fn a_cancelled_re_invite_leaves_the_call_up() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let again = lab.request_in(Alice, alices, Method::Invite);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(asked.dialog, Some(bobs));
    lab.run(ms(200));
    lab.expect_response(Alice, 100);
    lab.alice.cancel(lab.now, again).unwrap();
    lab.settle();
    assert_eq!(lab.event(Bob), Event::Cancelled { id: asked.id });
    assert_eq!(lab.expect_response(Alice, 487).dialog, Some(alices));
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1));
    // The next one is free to go.
    lab.request_in(Bob, bobs, Method::Invite);
    lab.settle();
    lab.expect_request(Alice, Method::Invite);
}
