//! Requests within a dialog: order, glare, changed targets (RFC 3261 §12.2, §14).

use crate::common::*;
use sip_core::endpoint::Error;
use sip_core::header::{Contact, NameAddr, RetryAfter, Route};
use sip_core::{HeaderName, Method, Response, StatusCode};

#[test]
fn re_invites_cross() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    lab.request_in(Alice, alices, Method::Invite);
    lab.request_in(Bob, bobs, Method::Invite);
    lab.settle();
    lab.ladder_is(
        "0 --> INVITE
         0 <-- INVITE
         0 <-- 491
         0 --> 491
         0 --> ACK
         0 <-- ACK",
    );
    lab.expect_response(Alice, 491);
    lab.expect_response(Bob, 491);
    lab.no_event(Alice);
    lab.no_event(Bob);
    // The side that made the Call-ID waits longer (§14.1), so that they do not cross again.
    for _ in 0..100 {
        assert!((2100..=4000).contains(&lab.alice.glare_delay(alices).as_millis()));
        assert!(lab.bob.glare_delay(bobs).as_millis() <= 2000);
    }
    let asked = lab.ask_in(Bob, bobs, Method::Invite);
    lab.answer(Alice, &asked, 200);
    lab.ack(Bob, bobs);
    lab.settle();
    assert_eq!(lab.expect_ack(Alice).0, alices);
}

#[test]
fn only_one_invite_at_a_time() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.request_in(Alice, alices, Method::Invite);
    let second = lab.alice.request_in(lab.now, alices, skeleton(Method::Invite));
    assert_eq!(second, Err(Error::InviteInProgress));
    lab.settle();
    let crossing = lab.bob.request_in(lab.now, bobs, skeleton(Method::Invite));
    assert_eq!(crossing, Err(Error::InviteInProgress));
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 200);
    lab.settle();
    // Not before the ACK either.
    lab.expect_response(Alice, 200);
    assert!(lab.alice.request_in(lab.now, alices, skeleton(Method::Invite)).is_err());
    assert!(lab.bob.request_in(lab.now, bobs, skeleton(Method::Invite)).is_err());
    lab.ack(Alice, alices);
    lab.settle();
    lab.request_in(Bob, bobs, Method::Invite);
}

#[test]
fn a_second_invite_before_the_answer_to_the_first_gets_500_and_retry_after() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.request_in(Alice, alices, Method::Invite);
    let invite = lab.take_one("INVITE");
    let number = number(&invite.request());
    lab.deliver(invite.clone());
    lab.expect_request(Bob, Method::Invite);
    let second = String::from_utf8(invite.bytes.to_vec())
        .unwrap()
        .replace("branch=z9hG4bK", "branch=z9hG4bKx")
        .replace(&format!("{number} INVITE"), &format!("{} INVITE", number + 1));
    lab.deliver(Packet { bytes: second.into(), ..invite });
    let refusal = lab.take_one("500").response();
    assert!(refusal.headers.require::<RetryAfter>().unwrap().seconds <= 10);
    lab.no_event(Bob);
}

#[test]
fn an_invite_before_the_ack_of_the_last_is_told_to_wait() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let asked = lab.ask_in(Alice, alices, Method::Invite);
    lab.answer(Bob, &asked, 200);
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    let again = lab.request_in(Alice, alices, Method::Invite);
    lab.settle();
    assert_eq!(lab.expect_response(Alice, 491).id, again);
    lab.deliver(ack);
    assert_eq!(lab.expect_ack(Bob).0, bobs);
    lab.request_in(Alice, alices, Method::Invite);
    lab.settle();
    lab.expect_request(Bob, Method::Invite);
}

#[test]
fn a_request_out_of_order_gets_500() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.request_in(Alice, alices, Method::Info);
    let late = lab.take_one("INFO");
    lab.request_in(Alice, alices, Method::Options);
    lab.settle();
    lab.expect_request(Bob, Method::Options);
    lab.deliver(late);
    assert_eq!(lab.pump(), ["500"]);
    lab.no_event(Bob);
}

#[test]
fn the_contact_changes_in_mid_dialog() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let moved = |port: u16| {
        Contact::Address(NameAddr::parse(format!("<sip:moved@192.0.2.1:{port}>")).unwrap())
    };
    // Refused: nothing changes.
    let mut request = skeleton(Method::Invite);
    request.headers.push(moved(5061));
    lab.alice.request_in(lab.now, alices, request).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.answer(Bob, &asked, 488);
    assert_eq!(lab.bob.dialog(bobs).unwrap().target().to_string(), "sip:alice@192.0.2.1:5060");

    // Accepted: the caller has moved, and so has the callee in the answer.
    let mut request = skeleton(Method::Invite);
    request.headers.push(moved(5062));
    lab.alice.request_in(lab.now, alices, request).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let mut answer = Response::to(&asked.request, StatusCode::OK);
    answer.headers.push(Contact::Address(NameAddr::parse("<sip:bob@192.0.2.2:5063>").unwrap()));
    lab.bob.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    lab.expect_response(Alice, 200);
    lab.ack(Alice, alices);
    assert_eq!(lab.take_one("ACK").request().uri.to_string(), "sip:bob@192.0.2.2:5063");

    lab.request_in(Bob, bobs, Method::Info);
    let info = lab.take().into_iter().find(|packet| packet.name() == "INFO").unwrap();
    assert_eq!(info.request().uri.to_string(), "sip:moved@192.0.2.1:5062");
    assert_eq!(info.flow.remote.port(), 5062);
}

#[test]
fn the_route_set_survives_a_re_invite() {
    let mut lab = Lab::new();
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, request(Method::Invite, Alice), flow).unwrap();
    let invite = lab.take_one("INVITE");
    let text = String::from_utf8(invite.bytes.to_vec()).unwrap().replacen(
        "\r\n",
        "\r\nRecord-Route: <sip:192.0.2.2;lr>\r\n",
        1,
    );
    lab.deliver(Packet { bytes: text.into(), ..invite });
    let asked = lab.expect_request(Bob, Method::Invite);
    let (alices, bobs) = lab.established(&asked);

    // No Record-Route in the re-INVITE nor in its answer.
    lab.request_in(Alice, alices, Method::Invite);
    let invite = lab.take_one("INVITE");
    assert!(!invite.request().headers.contains(HeaderName::RecordRoute));
    lab.deliver(invite);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.answer(Bob, &asked, 200);
    lab.ack(Alice, alices);
    lab.settle();
    for (side, dialog) in [(Alice, alices), (Bob, bobs)] {
        assert_eq!(lab.endpoint(side).dialog(dialog).unwrap().routes().len(), 1, "{side:?}");
    }
    lab.request_in(Alice, alices, Method::Bye);
    let bye = lab.take_one("BYE").request();
    assert_eq!(bye.headers.require::<Route>().unwrap().uri.to_string(), "sip:192.0.2.2;lr");
}

#[test]
fn a_strict_router_becomes_the_request_uri() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let mut answer = Response::to(&asked.request, StatusCode::OK);
    for route in ["<sip:192.0.2.2:5072;lr>", "<sip:192.0.2.2:5071>"] {
        answer.headers.push(sip_core::header::RecordRoute(NameAddr::parse(route).unwrap()));
    }
    lab.bob.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    assert_eq!(ack.request().uri.to_string(), "sip:192.0.2.2:5071");
    assert_eq!(ack.flow.remote.port(), 5071);
    let routes: Vec<String> =
        ack.request().headers.all::<Route>().map(|route| route.unwrap().uri.to_string()).collect();
    assert_eq!(routes, ["sip:192.0.2.2:5072;lr", "sip:bob@192.0.2.2:5060"]);
}

#[test]
fn numbers_rise_and_ack_has_that_of_its_invite() {
    let mut lab = Lab::new();
    lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    let first = number(&invite.request());
    lab.deliver(invite);
    let asked = lab.expect_request(Bob, Method::Invite);
    let alices = lab.answer(Bob, &asked, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    assert_eq!(number(&ack.request()), first);
    lab.deliver(ack);
    for step in 1..4 {
        lab.request_in(Alice, alices, Method::Info);
        assert_eq!(number(&lab.take_one("INFO").request()), first + step);
    }
}
