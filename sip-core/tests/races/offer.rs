//! Offers, PRACK, UPDATE and refreshes, and what they race with (RFC 3262, RFC 3311, RFC 4028).

use insta::assert_snapshot;
use sip_core::endpoint::{Error, Event};
use sip_core::transaction::Failure;
use sip_core::{Method, Response, StatusCode, Transport};

use crate::common::*;

#[test]
fn a_re_invite_crosses_a_bye() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    lab.request_in(Alice, alices, Method::Invite);
    let bye = lab.ask_in(Bob, bobs, Method::Bye);
    lab.respond(Alice, &bye, 200);
    lab.settle();
    // Bob is leaving: the re-INVITE finds no call any more.
    lab.expect_response(Alice, 481);
    lab.expect_response(Bob, 200);
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 <-- BYE
    0 <-- 481
    0 --> ACK
    0 --> 200
    ");
    lab.rest();
}

#[test]
fn an_update_crosses_a_re_invite() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    let update = offering(skeleton(Method::Update));
    lab.alice.request_in(lab.now, alices, update).unwrap();
    let reinvite = offering(skeleton(Method::Invite));
    lab.bob.request_in(lab.now, bobs, reinvite).unwrap();
    lab.settle();
    assert_snapshot!(lab.draw(), @"
    0 --> UPDATE
    0 <-- INVITE
    0 <-- 491
    0 --> 491
    0 <-- ACK
    ");
    lab.expect_response(Alice, 491);
    lab.expect_response(Bob, 491);
    // The side that did not make the Call-ID tries again first, and it works.
    let again = offering(skeleton(Method::Invite));
    lab.bob.request_after_glare(lab.now, bobs, again).unwrap();
    lab.run(secs(2));
    let asked = lab.expect_request(Alice, Method::Invite);
    let answer = describing(Response::to(&asked.request, StatusCode::OK));
    lab.alice.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    loop {
        match lab.event(Bob) {
            Event::Response { response, .. } if response.status.is_final() => {
                assert_eq!(response.status, StatusCode::OK);
                break;
            }
            Event::Response { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    lab.ack(Bob, bobs);
    lab.settle();
    lab.expect_ack(Alice);
}

#[test]
fn an_update_crosses_a_bye() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    let update = offering(skeleton(Method::Update));
    let asked = lab.alice.request_in(lab.now, alices, update).unwrap();
    let bye = lab.ask_in(Bob, bobs, Method::Bye);
    lab.respond(Alice, &bye, 200);
    assert_eq!(lab.expect_response(Alice, 481).id, asked);
    lab.settle();
    lab.expect_response(Bob, 200);
    assert_snapshot!(lab.draw(), @"
    0 --> UPDATE
    0 <-- BYE
    0 <-- 481
    0 --> 200
    ");
    lab.rest();
}

/// A call that Bob lets ring reliably.
fn ringing() -> (Lab, Asked) {
    let mut lab = Lab::with(Transport::Udp, extended(&["100rel"]));
    let asked = lab.called();
    let response = Response::to(&asked.request, StatusCode::RINGING);
    lab.bob.respond_reliably(lab.now, asked.id, response).unwrap();
    (lab, asked)
}

#[test]
fn a_prack_is_lost() {
    let (mut lab, asked) = ringing();
    let ringing = lab.take_one("180");
    lab.respond(Bob, &asked, 200);
    lab.deliver(ringing);
    lab.take_one("PRACK");
    lab.run(secs(1));
    assert_snapshot!(lab.draw(), @"
       0 --> INVITE
       0 <-- 180
       0 --> PRACK
     500 --> PRACK
     500 <-- 180
     500 <-- 200
     500 <-- 200
    1000 <-- 200
    ");
    lab.expect_response(Alice, 180);
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    lab.settle();
    assert!(matches!(lab.event(Bob), Event::Prack { .. }));
    lab.expect_ack(Bob);
}

#[test]
fn a_prack_crosses_the_487() {
    let (mut lab, asked) = ringing();
    let ringing = lab.take_one("180");
    lab.deliver(ringing);
    let prack = lab.take_one("PRACK");
    let told = lab.expect_response(Alice, 180);
    lab.alice.cancel(lab.now, told.id).unwrap();
    lab.settle();
    lab.deliver(prack);
    lab.settle();
    lab.expect_response(Alice, 487);
    lab.no_event(Alice);
    assert!(matches!(lab.event(Bob), Event::Cancelled { id } if id == asked.id));
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 <-- 180
    0 --> PRACK
    0 --> CANCEL
    0 <-- 200
    0 <-- 487
    0 --> ACK
    0 <-- 481
    ");
    lab.rest();
}

#[test]
fn the_caller_hangs_up_an_early_dialog_as_it_is_answered() {
    let (mut lab, asked) = ringing();
    let ringing = lab.take_one("180");
    lab.respond(Bob, &asked, 200);
    lab.deliver(ringing);
    let alices = lab.expect_response(Alice, 180).dialog.unwrap();
    // PRACK and BYE leave together; the 2xx that the PRACK sets free crosses the BYE.
    lab.request_in(Alice, alices, Method::Bye);
    let mut packets = lab.take();
    lab.deliver(packets.remove(0));
    let bye = packets.remove(0);
    let crossing = lab.take();
    lab.deliver(bye);
    for packet in crossing {
        lab.deliver(packet);
    }
    lab.settle();
    // The call is told, acknowledged and ended; Bob knows that it is over.
    let told = lab.expect_response(Alice, 200);
    lab.ack(Alice, told.dialog.unwrap());
    lab.settle();
    assert!(matches!(lab.event(Bob), Event::Prack { .. }));
    let bye = lab.expect_request(Bob, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    lab.ignore_events(Alice);
    lab.ignore_events(Bob);
    lab.rest();
}

#[test]
fn a_refresh_crosses_a_bye() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        extended(&["timer"])(config);
        config.session_timer.interval = 200;
    });
    let (alices, bobs) = lab.call();
    lab.run(secs(99));
    lab.clear_ladder();
    // The refresh is on its way when Bob leaves.
    lab.now += secs(1);
    let now = lab.now;
    lab.alice.handle_timeout(now);
    let bye = lab.ask_in(Bob, bobs, Method::Bye);
    lab.respond(Alice, &bye, 200);
    lab.settle();
    // Her refresh was answered 481, and she says BYE as well (RFC 4028 §10).
    let crossed = lab.expect_request(Bob, Method::Bye);
    lab.respond(Bob, &crossed, 200);
    lab.settle();
    lab.expect_response(Bob, 200);
    assert_snapshot!(lab.draw(), @"
    100000 --> UPDATE
    100000 <-- BYE
    100000 <-- 481
    100000 --> BYE
    100000 --> 200
    100000 <-- 200
    ");
    while let Some(event) = lab.alice.poll_event() {
        let ended = matches!(event, Event::SessionExpired { dialog, .. } if dialog == alices);
        let failed = matches!(
            event,
            Event::Failed { reason: Failure::Overtaken, .. } | Event::Response { .. }
        );
        assert!(ended || failed, "{event:?}");
    }
    assert!(matches!(
        lab.alice.request_in(lab.now, alices, skeleton(Method::Info)),
        Err(Error::Gone(_))
    ));
    lab.rest();
}
