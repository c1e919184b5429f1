//! UPDATE and whose turn it is to offer (RFC 3311 §5, RFC 6337), and trying again after 491.

mod common;

use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Error, Event};
use sip_core::header::{Contact, RetryAfter};
use sip_core::transaction::Failure;
use sip_core::{DialogId, Method, Response, SipUri, StatusCode, Transport};

fn update(lab: &mut Lab, side: Side, dialog: DialogId) -> Result<(), Error> {
    let (now, request) = (lab.now, offering(skeleton(Method::Update)));
    lab.endpoint(side).request_in(now, dialog, request).map(drop)
}

/// Alice has offered in her INVITE, Bob rings: her dialog and his.
fn ringing(lab: &mut Lab) -> (DialogId, DialogId, Asked) {
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.invite(now, offering(request(Method::Invite, Alice)), flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let bobs = lab.respond(Bob, &asked, 180).unwrap();
    lab.settle();
    let alices = lab.expect_response(Alice, 180).dialog.unwrap();
    lab.clear_ladder();
    (alices, bobs, asked)
}

#[test]
fn an_update_changes_the_session_and_the_target() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    let mut request = offering(skeleton(Method::Update));
    let uri = SipUri::new("elsewhere", "192.0.2.1".parse::<core::net::IpAddr>().unwrap(), None);
    request.headers.push(Contact::new(uri));
    lab.alice.request_in(lab.now, alices, request).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Update);
    let answer = describing(Response::to(&asked.request, StatusCode::OK));
    lab.bob.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    lab.expect_response(Alice, 200);
    assert_snapshot!(lab.draw(), @r"
      0 --> UPDATE
      0 <-- 200
    ");
    let target = lab.bob.dialog(bobs).unwrap().target().to_string();
    assert_eq!(target, "sip:elsewhere@192.0.2.1");
    // And the next one may come.
    update(&mut lab, Bob, bobs).unwrap();
}

#[test]
fn before_the_answer_to_the_first_offer_nobody_may_offer() {
    let mut lab = Lab::new();
    let (alices, bobs, asked) = ringing(&mut lab);
    assert_eq!(update(&mut lab, Alice, alices), Err(Error::OfferInProgress));
    assert_eq!(update(&mut lab, Bob, bobs), Err(Error::OfferInProgress));
    let answer = describing(Response::to(&asked.request, StatusCode::OK));
    lab.bob.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    lab.expect_response(Alice, 200);
    lab.ack(Alice, alices);
    lab.settle();
    update(&mut lab, Alice, alices).unwrap();
}

#[test]
fn an_early_update_waits_for_a_reliable_answer() {
    let mut lab = Lab::with(Transport::Udp, extended(&["100rel"]));
    let (alices, bobs, asked) = ringing(&mut lab);
    let progress = describing(Response::to(&asked.request, StatusCode::SESSION_PROGRESS));
    lab.bob.respond_reliably(lab.now, asked.id, progress).unwrap();
    lab.settle();
    lab.expect_response(Alice, 183);
    assert!(matches!(lab.event(Bob), Event::Prack { .. }));
    update(&mut lab, Alice, alices).unwrap();
    lab.settle();
    let early = lab.expect_request(Bob, Method::Update);
    let answer = describing(Response::to(&early.request, StatusCode::OK));
    lab.bob.respond(lab.now, early.id, answer).unwrap();
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 <-- 183
      0 --> PRACK
      0 <-- 200
      0 --> UPDATE
      0 <-- 200
    ");
    update(&mut lab, Bob, bobs).unwrap();
}

#[test]
fn offers_that_cross_get_491() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    update(&mut lab, Alice, alices).unwrap();
    update(&mut lab, Bob, bobs).unwrap();
    lab.settle();
    lab.expect_response(Alice, 491);
    lab.expect_response(Bob, 491);
    assert_snapshot!(lab.draw(), @"
    0 --> UPDATE
    0 <-- UPDATE
    0 <-- 491
    0 --> 491
    ");
    lab.no_event(Alice);
    lab.no_event(Bob);
}

#[test]
fn an_update_and_a_re_invite_that_cross_get_491() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    update(&mut lab, Alice, alices).unwrap();
    let reinvite = offering(skeleton(Method::Invite));
    lab.bob.request_in(lab.now, bobs, reinvite).unwrap();
    lab.settle();
    lab.expect_response(Alice, 491);
    lab.expect_response(Bob, 491);
    update(&mut lab, Alice, alices).unwrap();
    lab.settle();
    lab.expect_request(Bob, Method::Update);
}

#[test]
fn a_second_update_before_the_answer_to_the_first_gets_500() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    // Two without offers are no clash of offers, but still too many.
    lab.request_in(Alice, alices, Method::Update);
    let asked = lab.ask_in(Alice, alices, Method::Update);
    lab.no_event(Bob);
    let refused = lab.expect_response(Alice, 500);
    assert!(refused.response.headers.require::<RetryAfter>().unwrap().seconds <= 10);
    lab.answer(Bob, &asked, 200);
    lab.request_in(Alice, alices, Method::Update);
    lab.settle();
    lab.expect_request(Bob, Method::Update);
    assert_eq!(update(&mut lab, Bob, bobs), Ok(()));
}

#[test]
fn an_update_that_nobody_answers_does_not_block_for_ever() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    update(&mut lab, Alice, alices).unwrap();
    lab.settle();
    lab.expect_request(Bob, Method::Update);
    lab.run(secs(33));
    assert!(matches!(lab.event_after_100s(Alice), Event::Failed { .. }));
    assert!(matches!(lab.event(Bob), Event::ResponseFailed { .. }));
    update(&mut lab, Bob, bobs).unwrap();
}

#[test]
fn a_delayed_offer_is_answered_in_the_ack() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let offer = describing(Response::to(&asked.request, StatusCode::OK));
    let bobs = lab.bob.respond(lab.now, asked.id, offer).unwrap().unwrap();
    lab.settle();
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    assert_eq!(update(&mut lab, Alice, alices), Err(Error::OfferInProgress));
    assert_eq!(update(&mut lab, Bob, bobs), Err(Error::OfferInProgress));
    lab.alice.ack(lab.now, alices, Some(sdp())).unwrap();
    lab.settle();
    assert!(!lab.expect_ack(Bob).1.body.is_empty());
    update(&mut lab, Bob, bobs).unwrap();
}

#[test]
fn after_491_the_owner_of_the_call_id_waits_longer() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    for (side, dialog) in [(Alice, alices), (Bob, bobs)] {
        let (now, request) = (lab.now, offering(skeleton(Method::Update)));
        lab.endpoint(side).request_after_glare(now, dialog, request).unwrap();
    }
    for _ in 0..500 {
        lab.run(ms(10));
        for side in [Alice, Bob] {
            while let Some(event) = lab.endpoint(side).poll_event() {
                if let Event::Request { id, request, .. } = event {
                    let now = lab.now;
                    let answer = describing(Response::to(&request, StatusCode::OK));
                    lab.endpoint(side).respond(now, id, answer).unwrap();
                }
            }
        }
    }
    let ladder = lab.draw();
    let times: Vec<u64> = ladder
        .lines()
        .filter(|line| line.ends_with("UPDATE"))
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect();
    let [bobs_time, alices_time] = times[..] else { panic!("{ladder}") };
    assert!(bobs_time <= 2000, "{ladder}");
    assert!((2100..=4000).contains(&alices_time), "{ladder}");
}

#[test]
fn a_retry_whose_dialog_has_ended_is_told() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let request = offering(skeleton(Method::Update));
    let retry = lab.alice.request_after_glare(lab.now, alices, request).unwrap();
    let bye = lab.ask_in(Bob, bobs, Method::Bye);
    lab.respond(Alice, &bye, 200);
    lab.run(secs(5));
    lab.ignore_events(Bob);
    match lab.event(Alice) {
        Event::Failed { id, reason } => assert_eq!((id, reason), (retry, Failure::Overtaken)),
        other => panic!("{other:?}"),
    }
    lab.rest();
}
