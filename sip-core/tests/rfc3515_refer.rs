//! REFER (RFC 3515), with its reports as sipfrag.

mod common;

use common::referral::{accept, expect_report, refer};
use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Ended, Error, Event};
use sip_core::header::NameAddr;
use sip_core::header::{ReferTo, SubscriptionState};
use sip_core::{HeaderName, Method, StatusCode, Transport};

#[test]
fn the_referee_reports_until_the_end() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.clear_ladder();
    let ours = lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let theirs = accept(&mut lab).unwrap();
    lab.settle();
    for status in [StatusCode::RINGING, StatusCode::OK] {
        lab.bob.report(lab.now, theirs, status).unwrap();
        lab.settle();
    }
    assert_snapshot!(lab.draw(), @r"
      0 --> REFER
      0 <-- 202
      0 <-- NOTIFY
      0 --> 200
      0 <-- NOTIFY
      0 --> 200
      0 <-- NOTIFY
      0 --> 200
    ");
    expect_report(&mut lab, "SIP/2.0 100 Trying\r\n");
    expect_report(&mut lab, "SIP/2.0 180 Ringing\r\n");
    let last = expect_report(&mut lab, "SIP/2.0 200 OK\r\n");
    let state: SubscriptionState = last.headers.require().unwrap();
    assert_eq!((state.is("terminated"), state.reason()), (true, Some("noresource")));
    let Event::SubscriptionEnded { subscription, .. } = lab.event(Alice) else { panic!() };
    assert_eq!(subscription, ours);
    assert!(matches!(lab.event(Bob), Event::SubscriptionEnded { .. }));
    assert!(matches!(lab.bob.report(lab.now, theirs, StatusCode::OK), Err(Error::Gone(_))));
    assert_eq!(lab.alice.dialogs(), 1, "the call is still up");
}

#[test]
fn two_referrals_are_told_apart() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    let first = lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    let second = lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let one = accept(&mut lab).unwrap();
    let other = accept(&mut lab).unwrap();
    lab.settle();
    lab.bob.report(lab.now, other, StatusCode::BUSY_HERE).unwrap();
    lab.bob.report(lab.now, one, StatusCode::OK).unwrap();
    lab.settle();
    let mut ended = Vec::new();
    while let Some(event) = lab.alice.poll_event() {
        if let Event::SubscriptionEnded { subscription, .. } = event {
            ended.push(subscription);
        }
    }
    assert_eq!(ended, [second, first]);
}

#[test]
fn the_reports_go_on_when_the_call_is_over() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let theirs = accept(&mut lab).unwrap();
    lab.settle();
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    expect_report(&mut lab, "SIP/2.0 100 Trying\r\n");
    lab.expect_response(Alice, 200);
    assert!(lab.bob.dialog(bobs).is_some());
    lab.bob.report(lab.now, theirs, StatusCode::OK).unwrap();
    lab.settle();
    expect_report(&mut lab, "SIP/2.0 200 OK\r\n");
    lab.rest();
}

#[test]
fn a_referral_that_the_user_forgets_ends_by_itself() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    accept(&mut lab);
    lab.run(secs(181));
    expect_report(&mut lab, "SIP/2.0 100 Trying\r\n");
    expect_report(&mut lab, "SIP/2.0 100 Trying\r\n");
    assert!(matches!(lab.event(Alice), Event::SubscriptionEnded { .. }));
    assert_eq!((lab.alice.subscriptions(), lab.bob.subscriptions()), (0, 0));
}

#[test]
fn a_refused_refer_is_told_with_its_response() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Refer);
    lab.respond(Bob, &asked, 603);
    lab.settle();
    match lab.event(Alice) {
        Event::SubscriptionEnded { why: Ended::Refused(response), .. } => {
            assert_eq!(response.status, StatusCode::DECLINE);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(lab.alice.subscriptions(), 0);
}

#[test]
fn a_refer_outside_a_dialog_makes_one() {
    let mut lab = Lab::new();
    let mut refer = request(Method::Refer, Alice);
    refer.headers.push(ReferTo(NameAddr::parse("<sip:carol@192.0.2.3>").unwrap()));
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.refer(now, refer, flow).unwrap();
    lab.settle();
    let theirs = accept(&mut lab).unwrap();
    lab.settle();
    expect_report(&mut lab, "SIP/2.0 100 Trying\r\n");
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1));
    lab.bob.report(lab.now, theirs, StatusCode::BUSY_HERE).unwrap();
    lab.settle();
    expect_report(&mut lab, "SIP/2.0 486 Busy Here\r\n");
    lab.rest();
}

#[test]
fn a_refer_needs_one_refer_to() {
    let mut lab = Lab::with(Transport::Udp, |config| config.allow.push(Method::Refer));
    let (alices, _) = lab.call();
    assert!(lab.alice.refer_in(lab.now, alices, skeleton(Method::Refer)).is_err());
    // A peer that does not care.
    lab.request_in(Alice, alices, Method::Refer);
    lab.settle();
    lab.expect_response(Alice, 400);
    assert!(!matches!(lab.bob.poll_event(), Some(Event::Request { .. })));
}

#[test]
fn users_that_do_it_by_hand_still_can() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let id = lab.alice.request_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Refer);
    assert_eq!(lab.answer(Bob, &asked, 202).id, id);
    let asked = lab.ask_in(Bob, bobs, Method::Notify);
    assert!(!asked.request.headers.contains(HeaderName::Event));
    lab.respond(Alice, &asked, 200);
    lab.settle();
}
