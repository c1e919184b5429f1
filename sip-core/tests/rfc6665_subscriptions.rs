//! Subscriptions (RFC 6665): subscriber and notifier, with refreshes, forks and every way to end.

mod common;

use bytes::Bytes;
use common::*;
use insta::assert_snapshot;
use sip_core::dialog::DialogTag;
use sip_core::endpoint::{Ended, Error, Event, Notice, SubscriptionId};
use sip_core::header::{
    self, ContentType, Expires, From, MediaType, MinExpires, RecordRoute, SubscriptionState, To,
};
use sip_core::{Method, Request, Response, StatusCode, Token, Transport};

fn watching(expires: u32) -> Request {
    let mut request = request(Method::Subscribe, Alice);
    request.headers.push(header::Event::new(Token::from_static("message-summary")));
    request.headers.push(Expires(expires));
    request
}

fn state(text: &'static str) -> Notice {
    let kind = MediaType::parse("application/simple-message-summary").unwrap();
    Notice::active(ContentType(kind), Bytes::from_static(text.as_bytes()))
}

fn subscribe(lab: &mut Lab, expires: u32) -> SubscriptionId {
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.subscribe(now, watching(expires), flow).unwrap()
}

fn accept(lab: &mut Lab) -> SubscriptionId {
    let asked = lab.expect_request(Bob, Method::Subscribe);
    let response = Response::to(&asked.request, StatusCode::OK);
    lab.bob.accept_subscription(lab.now, asked.id, response, state("waiting: no")).unwrap()
}

fn expect_notified(lab: &mut Lab) -> (SubscriptionId, Request) {
    match lab.event(Alice) {
        Event::Notified { subscription, request, .. } => (subscription, request),
        other => panic!("{other:?}"),
    }
}

fn expect_ended(lab: &mut Lab, side: Side) -> (SubscriptionId, Ended) {
    match lab.event(side) {
        Event::SubscriptionEnded { subscription, why } => (subscription, why),
        other => panic!("{other:?}"),
    }
}

fn terminated(reason: &str) -> Ended {
    Ended::Terminated { reason: Some(reason.to_owned()), retry_after: None }
}

/// Both sides, with the first NOTIFY told.
fn established(lab: &mut Lab, expires: u32) -> (SubscriptionId, SubscriptionId) {
    let ours = subscribe(lab, expires);
    lab.settle();
    let theirs = accept(lab);
    lab.settle();
    let (told, request) = expect_notified(lab);
    assert_eq!(told, ours);
    assert_eq!(&request.body[..], b"waiting: no");
    (ours, theirs)
}

#[test]
fn a_subscription_lives_is_refreshed_and_ends() {
    let mut lab = Lab::new();
    let (ours, theirs) = established(&mut lab, 600);
    lab.run(secs(600));
    lab.bob.notify(lab.now, theirs, state("waiting: yes")).unwrap();
    lab.settle();
    lab.alice.unsubscribe(lab.now, ours).unwrap();
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
           0 --> SUBSCRIBE
           0 <-- 200
           0 <-- NOTIFY
           0 --> 200
      568000 --> SUBSCRIBE
      568000 <-- 200
      568000 <-- NOTIFY
      568000 --> 200
      600000 <-- NOTIFY
      600000 --> 200
      600000 --> SUBSCRIBE
      600000 <-- 200
      600000 <-- NOTIFY
      600000 --> 200
    ");
    let bodies: Vec<Bytes> = (0..3).map(|_| expect_notified(&mut lab).1.body).collect();
    assert_eq!(bodies, ["waiting: no", "waiting: yes", "waiting: yes"]);
    assert_eq!(expect_ended(&mut lab, Alice), (ours, terminated("timeout")));
    assert!(matches!(
        lab.event(Bob),
        Event::Resubscribed { subscription, expires: 600 } if subscription == theirs
    ));
    assert_eq!(expect_ended(&mut lab, Bob), (theirs, terminated("timeout")));
    assert!(lab.bob.notify(lab.now, theirs, state("")).is_err());
    lab.rest();
}

#[test]
fn a_notify_that_overtakes_the_200_begins_the_subscription() {
    let mut lab = Lab::new();
    let ours = subscribe(&mut lab, 600);
    lab.settle();
    accept(&mut lab);
    let mut packets = lab.take();
    packets.reverse();
    for packet in packets {
        lab.deliver(packet);
    }
    lab.settle();
    assert_eq!(expect_notified(&mut lab).0, ours);
    lab.no_event(Alice);
    assert_snapshot!(lab.draw(), @r"
      0 --> SUBSCRIBE
      0 <-- 200
      0 <-- NOTIFY
      0 --> 200
    ");
}

#[test]
fn forks_have_subscriptions_of_their_own() {
    let mut lab = Lab::new();
    let ours = subscribe(&mut lab, 600);
    lab.settle();
    accept(&mut lab);
    lab.take();
    let notify = lab.ladder.len();
    assert!(notify > 0);
    // Two notifiers, as a forking proxy would make them.
    let first = notify_from(&mut lab, "one");
    let second = notify_from(&mut lab, "two");
    lab.deliver(first);
    lab.deliver(second);
    assert_eq!(expect_notified(&mut lab).0, ours);
    let Event::SubscriptionForked { from, subscription } = lab.event(Alice) else { panic!() };
    assert_eq!(from, ours);
    assert_eq!(expect_notified(&mut lab).0, subscription);
    assert_eq!(lab.alice.dialogs(), 2);
}

#[test]
fn a_hostile_network_cannot_fork_without_end() {
    let mut lab = Lab::with(Transport::Udp, |config| config.capacity.forks = 3);
    subscribe(&mut lab, 600);
    lab.settle();
    accept(&mut lab);
    lab.take();
    for n in 0..10 {
        let notify = notify_from(&mut lab, &format!("n{n}"));
        lab.deliver(notify);
    }
    assert_eq!((lab.alice.dialogs(), lab.alice.subscriptions()), (3, 3));
}

/// A NOTIFY of another notifier than Bob.
fn notify_from(lab: &mut Lab, tag: &str) -> Packet {
    let asked = lab.ladder.iter().any(|line| line.ends_with("SUBSCRIBE"));
    assert!(asked);
    let template = lab.bob_subscribe.clone().unwrap();
    let call_id = template.headers.require::<header::CallId>().unwrap();
    let own = template.headers.require::<From>().unwrap().0;
    let text = format!(
        "NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{tag}\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@example.com>;tag={tag}\r\nTo: <sip:alice@example.com>;tag={}\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 NOTIFY\r\nContact: <sip:bob@192.0.2.2>\r\n\
         Event: message-summary\r\nSubscription-State: active;expires=500\r\n\
         Content-Length: 0\r\n\r\n",
        own.tag().unwrap()
    );
    Packet { from: Bob, flow: lab.flow(Bob), bytes: text.into() }
}

#[test]
fn without_a_notify_timer_n_ends_it() {
    let mut lab = Lab::new();
    let ours = subscribe(&mut lab, 600);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Subscribe);
    // A notifier that says 200 and nothing else.
    let mut response = Response::to(&asked.request, StatusCode::OK);
    response.headers.set(Expires(600));
    lab.bob.respond(lab.now, asked.id, response).unwrap();
    lab.run(secs(31));
    lab.no_event(Alice);
    lab.run(secs(1));
    assert_eq!(expect_ended(&mut lab, Alice), (ours, Ended::TimedOut));
    lab.rest();
}

#[test]
fn refusals_are_told_with_their_response() {
    let mut lab = Lab::new();
    let ours = subscribe(&mut lab, 600);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Subscribe);
    let mut response = Response::to(&asked.request, StatusCode::INTERVAL_TOO_BRIEF);
    response.headers.set(MinExpires(3600));
    lab.bob.respond(lab.now, asked.id, response).unwrap();
    lab.settle();
    match expect_ended(&mut lab, Alice) {
        (id, Ended::Refused(response)) => {
            assert_eq!(id, ours);
            assert_eq!(response.headers.require::<MinExpires>().unwrap().0, 3600);
        }
        other => panic!("{other:?}"),
    }
    lab.no_event(Alice);
    lab.rest();
}

#[test]
fn an_event_is_required() {
    let mut lab = Lab::with(Transport::Udp, |config| config.allow.push(Method::Subscribe));
    lab.request(Alice, Method::Subscribe);
    lab.settle();
    lab.no_event(Bob);
    lab.expect_response(Alice, 489);
    lab.rest();
}

#[test]
fn the_notifier_ends_it() {
    let mut lab = Lab::new();
    let (ours, theirs) = established(&mut lab, 600);
    lab.clear_ladder();
    lab.bob.end_subscription(lab.now, theirs, "noresource", state("gone")).unwrap();
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 <-- NOTIFY
      0 --> 200
    ");
    let (_, notify) = expect_notified(&mut lab);
    let said: SubscriptionState = notify.headers.require().unwrap();
    assert!(said.is("terminated"));
    assert_eq!(expect_ended(&mut lab, Alice), (ours, terminated("noresource")));
    assert_eq!(expect_ended(&mut lab, Bob), (theirs, terminated("noresource")));
    let again = lab.bob.end_subscription(lab.now, theirs, "noresource", state(""));
    assert!(matches!(again, Err(Error::Gone(_))));
    lab.rest();
}

#[test]
fn a_subscription_that_nobody_refreshes_expires_on_both_sides() {
    let mut lab = Lab::new();
    let (ours, theirs) = established(&mut lab, 60);
    // From now on nothing arrives.
    lab.run_cut_off(secs(100));
    lab.ignore_events(Alice);
    assert_eq!(expect_ended(&mut lab, Bob), (theirs, terminated("timeout")));
    assert_eq!((lab.alice.subscriptions(), lab.bob.subscriptions()), (0, 0));
    let _ = ours;
    lab.rest();
}

#[test]
fn a_subscriber_that_is_gone_is_forgotten() {
    let mut lab = Lab::new();
    let (_, theirs) = established(&mut lab, 600);
    let dialog = lab.alice.find_dialog(&alices_tag(&lab)).unwrap();
    lab.alice.abandon(lab.now, dialog).unwrap();
    lab.ignore_events(Alice);
    lab.bob.notify(lab.now, theirs, state("more")).unwrap();
    lab.settle();
    assert_eq!(expect_ended(&mut lab, Bob), (theirs, Ended::Unreachable));
    lab.rest();
}

fn alices_tag(lab: &Lab) -> DialogTag {
    let request = lab.bob_subscribe.as_ref().unwrap();
    let call_id = request.headers.require::<header::CallId>().unwrap();
    let from = request.headers.require::<From>().unwrap().0;
    let to = lab.bob_notify.as_ref().unwrap().headers.require::<From>().unwrap().0;
    let tags = (from.tag().unwrap().to_owned(), to.tag().unwrap().to_owned());
    DialogTag::new(call_id.as_str(), &tags.0, &tags.1)
}

#[test]
fn only_the_newest_state_waits_for_the_answer_to_the_last() {
    let mut lab = Lab::new();
    let (_, theirs) = established(&mut lab, 600);
    lab.clear_ladder();
    for text in ["one", "two", "three"] {
        lab.bob.notify(lab.now, theirs, state(text)).unwrap();
    }
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 <-- NOTIFY
      0 --> 200
      0 <-- NOTIFY
      0 --> 200
    ");
    assert_eq!(expect_notified(&mut lab).1.body, "one");
    assert_eq!(expect_notified(&mut lab).1.body, "three");
}

#[test]
fn a_fetch_gets_one_notify() {
    let mut lab = Lab::new();
    let ours = subscribe(&mut lab, 0);
    lab.settle();
    let theirs = accept(&mut lab);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> SUBSCRIBE
      0 <-- 200
      0 <-- NOTIFY
      0 --> 200
    ");
    expect_notified(&mut lab);
    assert_eq!(expect_ended(&mut lab, Alice), (ours, terminated("timeout")));
    assert_eq!(expect_ended(&mut lab, Bob), (theirs, terminated("timeout")));
    lab.rest();
}

#[test]
fn an_unsubscription_before_the_first_notify_is_answered_481() {
    let mut lab = Lab::new();
    let ours = subscribe(&mut lab, 600);
    lab.settle();
    lab.alice.unsubscribe(lab.now, ours).unwrap();
    assert_eq!(expect_ended(&mut lab, Alice).0, ours);
    let theirs = accept(&mut lab);
    lab.settle();
    assert_eq!(expect_ended(&mut lab, Bob), (theirs, Ended::Unreachable));
    lab.rest();
}

#[test]
fn a_subscription_in_a_call_outlives_it() {
    let mut lab = Lab::new();
    let (alices, bobs) = lab.call();
    let mut watch = skeleton(Method::Subscribe);
    watch.headers.push(header::Event::new(Token::from_static("dialog")));
    let ours = lab.alice.subscribe_in(lab.now, alices, watch).unwrap();
    lab.settle();
    let theirs = accept(&mut lab);
    lab.settle();
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    expect_notified(&mut lab);
    lab.expect_response(Alice, 200);
    assert!(lab.alice.dialog(alices).is_some() && lab.bob.dialog(bobs).is_some());
    // Of the call nothing is left.
    let refused = lab.alice.request_in(lab.now, alices, skeleton(Method::Info));
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
    lab.clear_ladder();
    lab.bob.end_subscription(lab.now, theirs, "noresource", state("")).unwrap();
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 <-- NOTIFY
      0 --> 200
    ");
    expect_notified(&mut lab);
    assert_eq!(expect_ended(&mut lab, Alice).0, ours);
    lab.rest();
}

#[test]
fn the_route_set_comes_from_both_requests() {
    let mut lab = Lab::new();
    let mut request = watching(600);
    request.headers.push(RecordRoute::parse_one("<sip:192.0.2.2;lr>"));
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.subscribe(now, request, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Subscribe);
    let response = Response::to(&asked.request, StatusCode::OK);
    lab.bob.accept_subscription(lab.now, asked.id, response, state("")).unwrap();
    let packets = lab.take();
    let accepted = packets[0].response();
    assert!(accepted.headers.contains(sip_core::HeaderName::RecordRoute));
    assert!(accepted.headers.require::<To>().unwrap().tag().is_some());
    assert!(packets[1].request().headers.contains(sip_core::HeaderName::Route));
}

trait ParseOne {
    fn parse_one(text: &str) -> Self;
}

impl ParseOne for RecordRoute {
    fn parse_one(text: &str) -> Self {
        RecordRoute(header::NameAddr::parse(text).unwrap())
    }
}
