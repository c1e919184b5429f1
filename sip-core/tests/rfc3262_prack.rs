//! Reliable provisional responses (RFC 3262), the caller's side and the callee's.

mod common;

use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Error, Event};
use sip_core::header::{CSeq, RAck, RSeq, Require};
use sip_core::transaction::Failure;
use sip_core::{Method, Response, StatusCode, Token, Transport};

fn lab() -> Lab {
    Lab::with(Transport::Udp, extended(&["100rel"]))
}

fn ring_reliably(lab: &mut Lab, asked: &Asked) -> sip_core::DialogId {
    let response = Response::to(&asked.request, StatusCode::RINGING);
    lab.bob.respond_reliably(lab.now, asked.id, response).unwrap().unwrap()
}

fn expect_prack(lab: &mut Lab, side: Side) -> sip_core::Request {
    match lab.event(side) {
        Event::Prack { request, .. } => request,
        other => panic!("{other:?} and no PRACK"),
    }
}

#[test]
fn a_reliable_180_is_acknowledged_and_the_call_goes_on() {
    let mut lab = lab();
    let asked = lab.called();
    ring_reliably(&mut lab, &asked);
    lab.run(secs(1));
    let told = lab.expect_response(Alice, 180);
    assert!(told.response.headers.require::<Require>().unwrap().contains("100rel"));
    let number = told.response.headers.require::<RSeq>().unwrap().0;
    let prack = expect_prack(&mut lab, Bob);
    let rack: RAck = prack.headers.require().unwrap();
    let invite: CSeq = asked.request.headers.require().unwrap();
    assert_eq!(rack, RAck { response: number, cseq: invite });
    let (alices, _) = lab.established(&asked);
    assert_snapshot!(lab.draw(), @r"
         0 --> INVITE
         0 <-- 180
         0 --> PRACK
         0 <-- 200
      1000 <-- 200
      1000 --> ACK
    ");
    lab.no_event(Alice);
    lab.alice.abandon(lab.now, alices).unwrap();
    let bobs = asked.dialog.or_else(|| lab.bob.find_dialog(&bob_tag(&lab, &told.response)));
    lab.bob.abandon(lab.now, bobs.unwrap()).unwrap();
    lab.rest();
}

/// The dialog as Bob names it.
fn bob_tag(_: &Lab, response: &Response) -> sip_core::dialog::DialogTag {
    use sip_core::header::{CallId, From};
    let call_id: CallId = response.headers.require().unwrap();
    let from = response.headers.require::<From>().unwrap();
    sip_core::dialog::DialogTag::new(
        call_id.as_str(),
        &to_tag(response),
        from.tag().unwrap_or_default(),
    )
}

#[test]
fn a_lost_180_is_repeated_until_the_prack_with_doubling_intervals() {
    let mut lab = lab();
    let asked = lab.called();
    lab.answer(Bob, &asked, 100);
    ring_reliably(&mut lab, &asked);
    lab.run_cut_off(ms(7_600));
    assert_snapshot!(lab.draw(), @"
       0 --> INVITE
       0 <-- 100
       0 <-- 180
     500 <-- 180
    1500 <-- 180
    3500 <-- 180
    7500 <-- 180
    ");
    lab.run(secs(10));
    assert_snapshot!(lab.draw(), @r"
     15500 <-- 180
     15500 --> PRACK
     15500 <-- 200
    ");
    lab.expect_response(Alice, 180);
    lab.no_event(Alice);
    expect_prack(&mut lab, Bob);
    lab.respond(Bob, &asked, 486);
    lab.settle();
    lab.rest();
}

#[test]
fn a_lost_prack_is_repeated_and_the_180_is_told_once() {
    let mut lab = lab();
    let asked = lab.called();
    ring_reliably(&mut lab, &asked);
    let ringing = lab.take_one("180");
    lab.deliver(ringing);
    lab.take_one("PRACK");
    lab.run(secs(2));
    assert_snapshot!(lab.draw(), @r"
         0 --> INVITE
         0 <-- 180
         0 --> PRACK
       500 --> PRACK
       500 <-- 180
       500 <-- 200
    ");
    lab.expect_response(Alice, 180);
    lab.no_event(Alice);
    expect_prack(&mut lab, Bob);
    lab.no_event(Bob);
    lab.respond(Bob, &asked, 486);
    lab.settle();
    lab.rest();
}

#[test]
fn responses_wait_for_each_other_and_the_2xx_for_them() {
    let mut lab = lab();
    let asked = lab.called();
    ring_reliably(&mut lab, &asked);
    let queued = Response::to(&asked.request, StatusCode::QUEUED);
    lab.bob.respond_reliably(lab.now, asked.id, queued).unwrap();
    lab.respond(Bob, &asked, 200);
    let late = Response::to(&asked.request, StatusCode::OK);
    assert!(matches!(lab.bob.respond(lab.now, asked.id, late), Err(Error::Gone(_))));
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 180
      0 --> PRACK
      0 <-- 200
      0 <-- 182
      0 --> PRACK
      0 <-- 200
      0 <-- 200
    ");
    let first = lab.expect_response(Alice, 180).response.headers.require::<RSeq>().unwrap();
    let second = lab.expect_response(Alice, 182).response.headers.require::<RSeq>().unwrap();
    assert_eq!(second.0, first.0 + 1);
    lab.expect_response(Alice, 200);
}

#[test]
fn a_refusal_does_not_wait() {
    let mut lab = lab();
    let asked = lab.called();
    ring_reliably(&mut lab, &asked);
    let lost = lab.take();
    lab.respond(Bob, &asked, 486);
    lab.settle();
    lab.run(secs(10));
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 180
      0 <-- 486
      0 --> ACK
    ");
    // The 180 comes after all, and nobody cares.
    for packet in lost {
        lab.deliver(packet);
    }
    assert_snapshot!(lab.draw(), @"");
    lab.rest();
}

#[test]
fn without_a_prack_the_call_is_refused() {
    let mut lab = lab();
    let asked = lab.called();
    lab.answer(Bob, &asked, 100);
    ring_reliably(&mut lab, &asked);
    let _ = lab.respond(Bob, &asked, 200);
    lab.run_cut_off(secs(32));
    match lab.event(Bob) {
        Event::ResponseFailed { id, reason } => {
            assert_eq!((id, reason), (asked.id, Failure::Timeout));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.bob.dialogs(), 0);
    lab.run(secs(64));
    // The 504 came through at last.
    lab.expect_response(Alice, 504);
    lab.rest();
}

#[test]
fn an_invite_that_requires_100rel_gets_nothing_else() {
    let mut lab = Lab::with(Transport::Udp, extended(&["100rel"]));
    let mut invite = request(Method::Invite, Alice);
    invite.headers.push(Require(vec![Token::from_static("100rel")]));
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, invite, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    // The user knows nothing of it.
    let told = lab.answer(Bob, &asked, 180);
    assert!(told.response.headers.require::<RSeq>().is_ok());
    expect_prack(&mut lab, Bob);
    lab.respond(Bob, &asked, 603);
    lab.settle();
    lab.rest();
}

#[test]
fn who_does_not_support_100rel_is_not_troubled_with_it() {
    let mut lab = Lab::new();
    lab.bob = {
        let with = Lab::with(Transport::Udp, extended(&["100rel"]));
        with.bob
    };
    let asked = lab.called();
    let response = Response::to(&asked.request, StatusCode::RINGING);
    let refused = lab.bob.respond_reliably(lab.now, asked.id, response);
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
    lab.respond(Bob, &asked, 180);
    lab.settle();
    assert!(!lab.expect_response(Alice, 180).response.headers.contains(sip_core::HeaderName::RSeq));
    lab.respond(Bob, &asked, 486);
    lab.settle();
    lab.rest();
}

#[test]
fn a_prack_for_nothing_gets_481() {
    let mut lab = lab();
    let (alices, _) = lab.call();
    lab.clear_ladder();
    let mut prack = skeleton(Method::Prack);
    prack.headers.push(RAck { response: 7, cseq: CSeq::new(1, Method::Invite) });
    lab.alice.request_in(lab.now, alices, prack).unwrap();
    lab.settle();
    lab.expect_response(Alice, 481);
    lab.no_event(Bob);
    let bare = skeleton(Method::Prack);
    assert!(matches!(lab.alice.request_in(lab.now, alices, bare), Err(Error::NotAllowed(_))));
}

#[test]
fn responses_out_of_order_are_dropped() {
    let mut lab = lab();
    let asked = lab.called();
    ring_reliably(&mut lab, &asked);
    let first = lab.take_one("180");
    let mut skipped = first.response();
    let number = skipped.headers.require::<RSeq>().unwrap().0;
    lab.deliver(first.clone());
    lab.settle();
    lab.expect_response(Alice, 180);
    lab.clear_ladder();
    // One that is two ahead, and the first once more.
    skipped.headers.set(RSeq(number + 2));
    lab.deliver(Packet { bytes: skipped.to_bytes(), ..first.clone() });
    lab.deliver(first);
    assert_snapshot!(lab.draw(), @"");
    lab.no_event(Alice);
}

#[test]
fn an_offer_in_the_response_is_answered_in_the_prack() {
    let mut lab = lab();
    let asked = lab.called();
    let progress = describing(Response::to(&asked.request, StatusCode::SESSION_PROGRESS));
    lab.bob.respond_reliably(lab.now, asked.id, progress).unwrap();
    lab.settle();
    let alices = lab.expect_response(Alice, 183).dialog.unwrap();
    // Neither may offer now.
    let update = offering(skeleton(Method::Update));
    let refused = lab.alice.request_in(lab.now, alices, update);
    assert_eq!(refused, Err(Error::OfferInProgress));
    let prack = lab.alice.prack(lab.now, alices, sdp()).unwrap();
    lab.settle();
    assert!(!expect_prack(&mut lab, Bob).body.is_empty());
    assert_eq!(lab.expect_response(Alice, 200).id, prack);
    assert!(matches!(lab.alice.prack(lab.now, alices, sdp()), Err(Error::NotAllowed(_))));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 183
      0 --> PRACK
      0 <-- 200
      0 <-- 200
    ");
}

#[test]
fn the_callees_bye_waits_for_prack_2xx_and_ack() {
    let mut lab = lab();
    let asked = lab.called();
    let bobs = ring_reliably(&mut lab, &asked);
    lab.respond(Bob, &asked, 200);
    let bye = lab.request_in(Bob, bobs, Method::Bye);
    lab.settle();
    lab.expect_response(Alice, 180);
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    lab.settle();
    let asked = lab.expect_request(Alice, Method::Bye);
    lab.respond(Alice, &asked, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 180
      0 --> PRACK
      0 <-- 200
      0 <-- 200
      0 --> ACK
      0 <-- BYE
      0 --> 200
    ");
    expect_prack(&mut lab, Bob);
    lab.expect_ack(Bob);
    assert_eq!(lab.expect_response(Bob, 200).id, bye);
    lab.rest();
}

#[test]
fn a_cancel_beats_a_2xx_that_waits_for_prack() {
    let mut lab = lab();
    let (call, asked) = lab.invited();
    ring_reliably(&mut lab, &asked);
    let ringing = lab.take_one("180");
    lab.respond(Bob, &asked, 200);
    lab.deliver(ringing);
    let prack = lab.take_one("PRACK");
    lab.alice.cancel(lab.now, call).unwrap();
    lab.settle();
    lab.expect_response(Alice, 180);
    assert_eq!(lab.expect_response(Alice, 487).id, call);
    assert!(matches!(lab.event(Bob), Event::Cancelled { id } if id == asked.id));
    lab.clear_ladder();
    lab.deliver(prack);
    lab.settle();
    assert_snapshot!(lab.draw(), @"     0 <-- 481");
    lab.rest();
}

#[test]
fn a_bye_that_waits_for_a_prack_which_never_comes_is_told() {
    let mut lab = lab();
    let asked = lab.called();
    let bobs = ring_reliably(&mut lab, &asked);
    lab.respond(Bob, &asked, 200);
    let bye = lab.request_in(Bob, bobs, Method::Bye);
    lab.run_cut_off(secs(33));
    match lab.event(Bob) {
        Event::Failed { id, reason } => assert_eq!((id, reason), (bye, Failure::Overtaken)),
        other => panic!("{other:?}"),
    }
    lab.run(secs(64));
    lab.rest();
}

#[test]
fn a_re_invite_may_be_answered_reliably_too() {
    let mut lab = lab();
    let (alices, _) = lab.call();
    lab.clear_ladder();
    let reinvite = offering(skeleton(Method::Invite));
    lab.alice.request_in(lab.now, alices, reinvite).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let progress = describing(Response::to(&asked.request, StatusCode::SESSION_PROGRESS));
    lab.bob.respond_reliably(lab.now, asked.id, progress).unwrap();
    lab.settle();
    lab.expect_response(Alice, 183);
    expect_prack(&mut lab, Bob);
    lab.answer(Bob, &asked, 200);
    lab.ack(Alice, alices);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 183
      0 --> PRACK
      0 <-- 200
      0 <-- 200
      0 --> ACK
    ");
}
