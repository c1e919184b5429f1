//! What is sent again, when, and that it is the same to the byte (RFC 3261 §17).

mod common;

use common::*;
use sip_core::endpoint::Event;
use sip_core::transaction::Failure;
use sip_core::{Method, Response, StatusCode, Transport};

#[test]
fn a_request_without_answer_is_repeated_and_fails() {
    let mut lab = Lab::new();
    let id = lab.request(Alice, Method::Options);
    lab.run_cut_off(secs(40));
    lab.ladder_is(
        "    0 --> OPTIONS
           500 --> OPTIONS
          1500 --> OPTIONS
          3500 --> OPTIONS
          7500 --> OPTIONS
         11500 --> OPTIONS
         15500 --> OPTIONS
         19500 --> OPTIONS
         23500 --> OPTIONS
         27500 --> OPTIONS
         31500 --> OPTIONS",
    );
    assert_eq!(lab.event(Alice), Event::Failed { id, reason: Failure::Timeout });
    lab.rest();
}

#[test]
fn nothing_is_repeated_on_a_reliable_transport() {
    let mut lab = Lab::tcp();
    let id = lab.request(Alice, Method::Options);
    let call = lab.invite(Alice);
    lab.run_cut_off(secs(40));
    lab.ladder_is(
        "0 --> OPTIONS
         0 --> INVITE",
    );
    for expected in [id, call] {
        let event = lab.event(Alice);
        assert_eq!(event, Event::Failed { id: expected, reason: Failure::Timeout });
    }
    lab.rest();
}

#[test]
fn repetitions_are_equal_to_the_byte() {
    let mut lab = Lab::new();
    lab.invite(Alice);
    let first = lab.take_one("INVITE");
    for _ in 0..3 {
        while lab.wire.is_empty() {
            let next = lab.alice.poll_timeout().unwrap();
            lab.now = next;
            lab.alice.handle_timeout(next);
            lab.pump();
        }
        assert_eq!(lab.take_one("INVITE").bytes, first.bytes);
    }
    lab.deliver(first.clone());
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 180);
    let ringing = lab.take_one("180");
    for _ in 0..3 {
        lab.deliver(first.clone());
        assert_eq!(lab.take_one("180").bytes, ringing.bytes);
    }
    lab.respond(Bob, &asked, 486);
    let refusal = lab.take_one("486");
    lab.deliver(first.clone());
    assert_eq!(lab.take_one("486").bytes, refusal.bytes);
    lab.deliver(refusal.clone());
    let ack = lab.take_one("ACK");
    for _ in 0..3 {
        lab.deliver(refusal.clone());
        assert_eq!(lab.take_one("ACK").bytes, ack.bytes);
    }
    lab.deliver(ack);
    // The INVITE that is still under way is absorbed.
    lab.deliver(first);
    assert_eq!(lab.pump(), [""; 0]);
    lab.no_event(Bob);
    lab.rest();
}

#[test]
fn a_repeated_request_is_told_once_and_answered_again() {
    let mut lab = Lab::new();
    lab.request(Alice, Method::Options);
    let request = lab.take_one("OPTIONS");
    lab.deliver(request.clone());
    let asked = lab.expect_request(Bob, Method::Options);
    lab.deliver(request.clone());
    assert_eq!(lab.pump(), [""; 0], "there is no answer yet");
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    lab.run(secs(10));
    lab.clear_ladder();
    lab.deliver(request.clone());
    let again = lab.take_one("200");
    assert_eq!(again.bytes, answer.bytes);
    lab.no_event(Bob);
    lab.deliver(answer);
    lab.deliver(again);
    lab.expect_response(Alice, 200);
    lab.no_event(Alice);
    lab.rest();
}

#[test]
fn a_repeated_invite_after_the_2xx_makes_no_second_call() {
    let mut lab = Lab::new();
    lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    lab.deliver(invite.clone());
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.established(&asked);
    lab.run(secs(31));
    lab.deliver(invite);
    lab.settle();
    lab.no_event(Bob);
    assert_eq!(lab.bob.dialogs(), 1);
}

#[test]
fn a_refusal_without_ack_is_repeated_and_told() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 603);
    lab.run_cut_off(secs(32));
    lab.ladder_is(
        "    0 --> INVITE
             0 <-- 603
           500 --> INVITE
           500 <-- 603
          1500 --> INVITE
          1500 <-- 603
          3500 --> INVITE
          3500 <-- 603
          7500 --> INVITE
          7500 <-- 603
         11500 <-- 603
         15500 --> INVITE
         15500 <-- 603
         19500 <-- 603
         23500 <-- 603
         27500 <-- 603
         31500 --> INVITE
         31500 <-- 603",
    );
    assert_eq!(lab.event(Bob), Event::ResponseFailed { id: asked.id, reason: Failure::Timeout });
    lab.rest();
}

#[test]
fn provisional_answers_slow_a_request_down_to_t2() {
    let mut lab = Lab::new();
    lab.request(Alice, Method::Options);
    let asked = lab.take_one("OPTIONS");
    // Whoever knows no RFC 4320 sends a 100 at once.
    let trying = Response::to(&asked.request(), StatusCode::TRYING).to_bytes();
    lab.deliver(Packet { from: Bob, flow: lab.flow(Bob), bytes: trying });
    lab.expect_response(Alice, 100);
    lab.run_cut_off(secs(13));
    lab.ladder_is(
        "    0 --> OPTIONS
           500 --> OPTIONS
          4500 --> OPTIONS
          8500 --> OPTIONS
         12500 --> OPTIONS",
    );
}

#[test]
fn on_tcp_the_transactions_are_gone_when_they_have_ended() {
    let mut lab = Lab::with(Transport::Tcp, |_| {});
    lab.request(Alice, Method::Options);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Options);
    lab.respond(Bob, &asked, 200);
    lab.settle();
    lab.run(ms(1));
    lab.ignore_events(Alice);
    assert!(lab.alice.is_idle() && lab.bob.is_idle());
}
