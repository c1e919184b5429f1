//! REFER, Replaces and subscriptions, and what they race with.

use insta::assert_snapshot;
use sip_core::endpoint::{Ended, Event, Notice};
use sip_core::header::{self, Replaces, TypedHeader};
use sip_core::{DialogId, Method, Response, StatusCode, Token, Transport};

use crate::common::referral::{accept, refer};
use crate::common::*;

#[test]
fn a_refer_while_held() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.clear_ladder();
    // Alice puts Bob on hold and refers him before he has answered that.
    let hold = offering(skeleton(Method::Invite));
    lab.alice.request_in(lab.now, alices, hold).unwrap();
    lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let held = lab.expect_request(Bob, Method::Invite);
    let reports = accept(&mut lab).unwrap();
    let answer = describing(Response::to(&held.request, StatusCode::OK));
    lab.bob.respond(lab.now, held.id, answer).unwrap();
    lab.settle();
    lab.bob.report(lab.now, reports, StatusCode::OK).unwrap();
    while let Some(event) = lab.alice.poll_event() {
        if let Event::Response { response, .. } = event {
            assert_eq!(response.status, StatusCode::OK);
            lab.ack(Alice, alices);
        }
    }
    lab.settle();
    assert!(matches!(lab.event(Bob), Event::SubscriptionEnded { .. }));
    lab.expect_ack(Bob);
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 --> REFER
    0 <-- 202
    0 <-- NOTIFY
    0 <-- 200
    0 --> 200
    0 --> ACK
    0 <-- NOTIFY
    0 --> 200
    ");
}

fn replaces(lab: &Lab, bobs: DialogId) -> Replaces {
    let dialog = lab.bob.dialog(bobs).unwrap();
    let (local, remote) = (dialog.local_tag(), dialog.remote_tag());
    let text = format!("{};to-tag={local};from-tag={remote}", dialog.call_id().as_str());
    Replaces::parse(text.as_bytes()).unwrap()
}

fn invite_replacing(lab: &mut Lab, header: Replaces) {
    let mut invite = request(Method::Invite, Alice);
    invite.headers.push(header);
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.invite(now, invite, flow).unwrap();
    lab.settle();
}

#[test]
fn replaces_of_a_dialog_that_has_just_ended() {
    let mut lab = Lab::with(Transport::Udp, extended(&["replaces"]));
    let (alices, bobs) = lab.call();
    let header = replaces(&lab, bobs);
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    lab.clear_ladder();
    invite_replacing(&mut lab, header);
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 <-- 603
    0 --> ACK
    ");
    lab.expect_response(Alice, 200);
    lab.expect_response(Alice, 603);
    lab.no_event(Bob);
    lab.rest();
}

#[test]
fn the_replaced_call_ends_while_its_successor_is_answered() {
    let mut lab = Lab::with(Transport::Udp, extended(&["replaces"]));
    let (alices, bobs) = lab.call();
    let header = replaces(&lab, bobs);
    invite_replacing(&mut lab, header);
    let asked = lab.expect_request(Bob, Method::Invite);
    // The old call's BYE is under way as Bob accepts the new one.
    lab.request_in(Alice, alices, Method::Bye);
    let bye = lab.take_one("BYE");
    lab.clear_ladder();
    lab.respond(Bob, &asked, 200);
    lab.deliver(bye);
    lab.settle();
    assert!(matches!(lab.event(Bob), Event::Replaced { dialog, .. } if dialog == bobs));
    let theirs = lab.expect_request(Bob, Method::Bye);
    lab.respond(Bob, &theirs, 200);
    let ours = lab.event(Alice);
    assert!(matches!(ours, Event::Response { .. }), "{ours:?}");
    let crossed = lab.expect_request(Alice, Method::Bye);
    lab.respond(Alice, &crossed, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @"
    0 <-- 200
    0 <-- BYE
    0 --> 200
    0 <-- 200
    ");
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1));
}

#[test]
fn a_notify_overtakes_the_202() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    let ours = lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    accept(&mut lab).unwrap();
    lab.clear_ladder();
    let mut packets = lab.take();
    packets.reverse();
    for packet in packets {
        lab.deliver(packet);
    }
    lab.settle();
    match lab.event(Alice) {
        Event::Notified { subscription, .. } => assert_eq!(subscription, ours),
        other => panic!("{other:?}"),
    }
    lab.no_event(Alice);
    assert_snapshot!(lab.draw(), @"     0 --> 200");
}

#[test]
fn a_report_crosses_the_bye() {
    let mut lab = Lab::new();
    let (alices, _) = lab.call();
    lab.alice.refer_in(lab.now, alices, refer()).unwrap();
    lab.settle();
    let reports = accept(&mut lab).unwrap();
    lab.settle();
    assert!(matches!(lab.event(Alice), Event::Notified { .. }));
    lab.clear_ladder();
    lab.request_in(Alice, alices, Method::Bye);
    lab.bob.report(lab.now, reports, StatusCode::OK).unwrap();
    lab.settle();
    // The report is heard although the call is being ended.
    assert!(matches!(lab.event(Alice), Event::Notified { .. }));
    let bye = lab.expect_request_after(Bob, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    assert_snapshot!(lab.draw(), @"
    0 --> BYE
    0 <-- NOTIFY
    0 --> 200
    0 <-- 200
    ");
    lab.rest();
}

#[test]
fn an_unsubscription_crosses_the_end() {
    let mut lab = Lab::new();
    let mut watch = request(Method::Subscribe, Alice);
    watch.headers.push(header::Event::new(Token::from_static("dialog")));
    let (now, flow) = (lab.now, lab.flow(Alice));
    let ours = lab.alice.subscribe(now, watch, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Subscribe);
    let response = Response::to(&asked.request, StatusCode::OK);
    let theirs =
        lab.bob.accept_subscription(lab.now, asked.id, response, Notice::default()).unwrap();
    lab.settle();
    assert!(matches!(lab.event(Alice), Event::Notified { .. }));
    lab.clear_ladder();
    lab.alice.unsubscribe(lab.now, ours).unwrap();
    lab.bob.end_subscription(lab.now, theirs, "noresource", Notice::default()).unwrap();
    lab.settle();
    assert!(matches!(lab.event(Alice), Event::Notified { .. }));
    match lab.event(Alice) {
        Event::SubscriptionEnded { why: Ended::Terminated { reason, .. }, .. } => {
            assert_eq!(reason.as_deref(), Some("noresource"));
        }
        other => panic!("{other:?}"),
    }
    lab.no_event(Alice);
    assert!(matches!(lab.event(Bob), Event::SubscriptionEnded { .. }));
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @"
    0 --> SUBSCRIBE
    0 <-- NOTIFY
    0 <-- 481
    0 --> 200
    ");
    lab.rest();
}
