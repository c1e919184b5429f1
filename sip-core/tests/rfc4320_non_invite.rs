//! Non-INVITE transactions that do no harm (RFC 4320): no provisional response but 100, none of 408,
//! and nothing that comes too late. Whether and when a 100 is sent is the user's choice; the endpoint
//! sends none by itself.

mod common;

use core::time::Duration;

use common::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{Error, Event, Input, Noun};
use sip_core::proxy::{self, Hop, Ours, Proxy, RecordRoute};
use sip_core::transaction::Failure;
use sip_core::{Flow, Message, Method, Response, StatusCode, Transport};

/// Alice's OPTIONS has come to Bob.
fn asked(lab: &mut Lab) -> Asked {
    lab.request(Alice, Method::Options);
    lab.settle();
    lab.expect_request(Bob, Method::Options)
}

/// §4.1: any provisional response but 100 is refused to the user, and the request may be answered
/// all the same.
#[test]
fn no_provisional_response_but_100() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::with(transport, |_| {});
        let asked = asked(&mut lab);
        lab.clear_ladder();
        for code in [180, 181, 182, 183, 199] {
            let early = Response::to(&asked.request, StatusCode::new(code).unwrap());
            let outcome = lab.bob.respond(lab.now, asked.id, early);
            assert!(matches!(outcome, Err(Error::NotAllowed(_))), "{code}");
        }
        lab.ladder_is("");
        lab.respond(Bob, &asked, 200);
        lab.settle();
        lab.expect_response(Alice, 200);
        lab.rest();
    }
}

/// §4.1: until the user answers nothing is sent, so that no 100 comes before Timer E is at T2. Over
/// UDP a 100 after that, at 3.5 s, keeps the repetitions at T2; an answer still wins.
#[test]
fn a_100_is_sent_when_timer_e_has_settled() {
    let mut lab = Lab::new();
    let asked = asked(&mut lab);
    lab.run(ms(3_500));
    lab.ladder_is(
        "   0 --> OPTIONS
          500 --> OPTIONS
         1500 --> OPTIONS
         3500 --> OPTIONS",
    );
    lab.respond(Bob, &asked, 100);
    lab.settle();
    lab.expect_response(Alice, 100);
    lab.run(secs(8));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    // Each repetition gets the 100 again.
    lab.ladder_is(
        " 3500 <-- 100
          7500 --> OPTIONS
          7500 <-- 100
         11500 --> OPTIONS
         11500 <-- 100
         11500 <-- 200",
    );
    loop {
        match lab.event(Alice) {
            Event::Response { response, .. } if response.status.code() == 100 => {}
            Event::Response { response, .. } => break assert_eq!(response.status, StatusCode::OK),
            other => panic!("{other:?}"),
        }
    }
    lab.rest();
}

/// §4.2: after 64*T1 the asker has given up. Who still has not answered may not any more, and the
/// answer does not go out as a stray response.
#[test]
fn a_late_final_response_is_not_sent() {
    for (transport, trying) in
        [(Transport::Udp, false), (Transport::Udp, true), (Transport::Tcp, true)]
    {
        let mut lab = Lab::with(transport, |_| {});
        let asked = asked(&mut lab);
        if trying {
            lab.respond(Bob, &asked, 100);
        }
        lab.run(ms(31_999));
        lab.no_event(Bob);
        lab.run(ms(1));
        let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Unanswered };
        assert_eq!(lab.event(Bob), failed);
        lab.clear_ladder();
        for code in [200, 408, 500] {
            let late = Response::to(&asked.request, StatusCode::new(code).unwrap());
            let outcome = lab.bob.respond(lab.now, asked.id, late);
            assert_eq!(outcome, Err(Error::Gone(Noun::Server)), "{code}");
        }
        lab.ladder_is("");
        lab.rest();
    }
}

/// The last moment is early enough.
#[test]
fn an_answer_just_in_time_is_sent() {
    let mut lab = Lab::tcp();
    let asked = asked(&mut lab);
    lab.run(ms(31_999));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    lab.expect_response(Alice, 200);
    lab.rest();
}

/// §4.2: who has asked and heard nothing is told by its own transaction, at 64*T1 and not by a 408.
#[test]
fn silence_is_told_and_not_answered() {
    let mut lab = Lab::new();
    let id = lab.request(Alice, Method::Options);
    lab.settle();
    lab.expect_request(Bob, Method::Options);
    lab.run(secs(40));
    assert!(!lab.draw().contains("<--"), "nobody has answered");
    assert_eq!(lab.event(Alice), Event::Failed { id, reason: Failure::Timeout });
    lab.no_event(Alice);
    lab.rest();
}

const CALLER: &str = "192.0.2.9:5062";
const PHONE: &str = "192.0.2.101:5060";

fn flow(remote: &str) -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), remote.parse().unwrap())
}

/// A proxy that has forwarded an OPTIONS to one phone, and the OPTIONS as it was sent.
fn forwarded() -> (Proxy, sip_core::Request) {
    let config = proxy::Config::new(Ours::at(vec!["192.0.2.1:5060".parse().unwrap()]));
    let mut proxy = Proxy::new(config, Box::new(ChaCha8Rng::seed_from_u64(1)));
    let text = format!(
        "OPTIONS sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bKo\n\
         From: <sip:alice@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: c\n\
         CSeq: 7 OPTIONS\nMax-Forwards: 70\n\n"
    );
    let message = text.replace('\n', "\r\n").into();
    proxy.handle_input(Duration::ZERO, Input::Received { flow: flow(CALLER), message });
    let Some(proxy::Event::Request { id, .. }) = proxy.poll_event() else { panic!("no request") };
    let hop = Hop {
        target: Some(format!("sip:bob@{PHONE}").parse().unwrap()),
        flow: flow(PHONE),
        record_route: RecordRoute::No,
    };
    proxy.forward(Duration::ZERO, id, vec![hop]).unwrap();
    let sent = proxy.poll_transmit().unwrap();
    match Message::parse(sent.bytes, &sip_core::Limits::default()).unwrap() {
        Message::Request(request) => (proxy, request),
        Message::Response(response) => panic!("{response:?}"),
    }
}

/// Lets time pass; whether the caller was sent anything meanwhile.
fn caller_hears(proxy: &mut Proxy, until: Duration) -> bool {
    let mut heard = false;
    while let Some(next) = proxy.poll_timeout().filter(|next| *next <= until) {
        proxy.handle_timeout(next);
        while let Some(sent) = proxy.poll_transmit() {
            heard |= sent.flow.remote == flow(CALLER).remote;
        }
    }
    heard
}

/// §4.2: a proxy whose branch has timed out answers nothing: 408 would come too late and only make
/// storms of stray responses. A 408 that the phone sends ends there too.
#[test]
fn a_proxy_sends_no_408() {
    let (mut proxy, _) = forwarded();
    assert!(!caller_hears(&mut proxy, secs(100)));
    assert!(proxy.is_idle());

    let (mut proxy, request) = forwarded();
    let message = Response::to(&request, StatusCode::REQUEST_TIMEOUT).to_bytes();
    proxy.handle_input(secs(1), Input::Received { flow: flow(PHONE), message });
    assert_eq!(proxy.poll_transmit(), None);
    assert!(!caller_hears(&mut proxy, secs(100)));
}

/// §4.2: a response without a transaction is not forwarded.
#[test]
fn a_proxy_drops_late_responses() {
    let (mut proxy, request) = forwarded();
    caller_hears(&mut proxy, secs(100));
    let message = Response::to(&request, StatusCode::OK).to_bytes();
    proxy.handle_input(secs(100), Input::Received { flow: flow(PHONE), message });
    assert_eq!(proxy.poll_transmit(), None);
}

/// In time it is.
#[test]
fn a_proxy_forwards_what_comes_in_time() {
    let (mut proxy, request) = forwarded();
    assert!(!caller_hears(&mut proxy, secs(20)));
    let message = Response::to(&request, StatusCode::OK).to_bytes();
    proxy.handle_input(secs(20), Input::Received { flow: flow(PHONE), message });
    assert_eq!(proxy.poll_transmit().unwrap().flow, flow(CALLER));
}
