//! Non-INVITE transactions that do no harm (RFC 4320): no provisional response but 100, that not before
//! the asker's Timer E is at T2 and always then; none of 408, and nothing that comes too late.

mod common;

use core::time::Duration;

use common::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{Error, Event, Input, Noun};
use sip_core::proxy::{self, Hop, Ours, Proxy, RecordRoute};
use sip_core::transaction::Failure;
use sip_core::{Flow, HeaderName, Message, Method, Response, StatusCode, Transport};

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
        lab.answer(Bob, &asked, 200);
        lab.rest();
    }
}

/// §4.1: as long as Timer E is on its way to T2 nothing is sent over UDP; then a 100 goes out by
/// itself, which each repetition gets again, and an answer still wins.
#[test]
fn a_100_is_sent_when_timer_e_has_come_to_t2() {
    let mut lab = Lab::new();
    let asked = asked(&mut lab);
    lab.run(ms(3_499));
    lab.ladder_is(
        "   0 --> OPTIONS
          500 --> OPTIONS
         1500 --> OPTIONS",
    );
    lab.no_event(Alice);
    lab.now = ms(3_500);
    lab.bob.handle_timeout(lab.now);
    lab.settle();
    lab.expect_response(Alice, 100);
    lab.run(secs(8));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    lab.ladder_is(
        " 3500 <-- 100
          3500 --> OPTIONS
          3500 <-- 100
          7500 --> OPTIONS
          7500 <-- 100
         11500 --> OPTIONS
         11500 <-- 100
         11500 <-- 200",
    );
    match lab.event_after_100s(Alice) {
        Event::Response { response, .. } => assert_eq!(response.status, StatusCode::OK),
        other => panic!("{other:?}"),
    }
    lab.rest();
}

/// §4.1: the 100 does not depend on the transport; over TCP nothing else is sent meanwhile.
#[test]
fn over_tcp_a_100_is_sent_as_well() {
    let mut lab = Lab::tcp();
    let asked = asked(&mut lab);
    lab.run(secs(10));
    lab.ladder_is(
        "   0 --> OPTIONS
         3500 <-- 100",
    );
    lab.expect_response(Alice, 100);
    lab.answer(Bob, &asked, 200);
    lab.rest();
}

/// §4.1: over TCP a user may send 100 at any time, and the endpoint then sends none.
#[test]
fn over_tcp_the_user_may_send_100_at_once() {
    let mut lab = Lab::tcp();
    let asked = asked(&mut lab);
    lab.respond(Bob, &asked, 100);
    lab.run(ms(31_999));
    lab.ladder_is(
        "   0 --> OPTIONS
            0 <-- 100",
    );
    lab.no_event(Bob);
    lab.run(ms(1));
    let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Unanswered };
    assert_eq!(lab.event(Bob), failed);
    lab.rest();
}

/// §4.1: over UDP the user's 100 is refused until one was sent, and then is one more.
#[test]
fn over_udp_the_user_may_send_no_100_too_early() {
    let mut lab = Lab::new();
    let asked = asked(&mut lab);
    let trying = || Response::to(&asked.request, StatusCode::TRYING);
    for at in [0, 500, 3_499] {
        lab.run(ms(at) - lab.now);
        let outcome = lab.bob.respond(lab.now, asked.id, trying());
        assert!(matches!(outcome, Err(Error::NotAllowed(_))), "{at}");
    }
    assert!(!lab.draw().contains("<--"), "nobody has answered");
    lab.run(ms(1));
    lab.bob.respond(lab.now, asked.id, trying()).unwrap();
    lab.settle();
    assert!(lab.draw().ends_with("3500 <-- 100"));
}

/// §4.1: whoever has answered sends no 100, and neither does whoever ignores the request.
#[test]
fn no_100_after_an_answer() {
    for ignores in [false, true] {
        let mut lab = Lab::new();
        let asked = asked(&mut lab);
        lab.clear_ladder();
        match ignores {
            true => lab.bob.ignore(lab.now, asked.id),
            false => drop(lab.respond(Bob, &asked, 200)),
        }
        lab.run_cut_off(secs(3));
        // As if each repetition had been lost as well.
        lab.run_cut_off(secs(30));
        assert!(!lab.draw().contains("100"));
    }
}

/// RFC 3261 §8.2.6: the 100 is that to the request, without a To tag, its Timestamp with the delay.
#[test]
fn a_100_is_made_of_its_request() {
    for (stamp, told) in [("54", "54 3.500"), ("54.21 0.5", "54.21 0.5")] {
        let mut lab = Lab::new();
        let mut options = request(Method::Options, Alice);
        options.headers.push_raw(HeaderName::Timestamp, stamp).unwrap();
        lab.alice.request(lab.now, options, lab.flow(Alice)).unwrap();
        let sent = lab.take_one("OPTIONS");
        lab.deliver(sent.clone());
        let asked = lab.expect_request(Bob, Method::Options);
        lab.now = ms(3_500);
        lab.bob.handle_timeout(lab.now);
        let trying = lab.take().into_iter().find(|packet| packet.from == Bob).unwrap();
        let mut expected = Response::to(&asked.request, StatusCode::TRYING);
        expected.headers.remove(HeaderName::Timestamp);
        let trying = trying.response();
        let stamps: Vec<_> = trying.headers.raw(HeaderName::Timestamp).collect();
        assert_eq!(stamps, [told.as_bytes()]);
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId] {
            let of = |response: &Response| -> Vec<Vec<u8>> {
                response.headers.raw(name.clone()).map(<[u8]>::to_vec).collect()
            };
            assert_eq!(of(&trying), of(&expected), "{name}");
        }
        assert!(trying.headers.raw(HeaderName::Via).all(|via| via.ends_with(b";rport=5060")));
        assert_eq!(to_tag(&trying), "");
    }
}

/// The time follows T1 and T2.
#[test]
fn the_time_until_100_follows_t1_and_t2() {
    for (t1, t2, at) in [(500, 4000, 3500), (100, 4000, 6300), (500, 500, 500), (10, 100, 150)] {
        let mut lab = Lab::with(Transport::Udp, |config| {
            config.timing.t1 = ms(t1);
            config.timing.t2 = ms(t2);
        });
        asked(&mut lab);
        lab.run_cut_off(ms(at - 1));
        assert!(!lab.draw().contains("<--"), "{t1} {t2}");
        lab.run_cut_off(ms(1));
        assert!(lab.draw().contains("<-- 100"), "{t1} {t2}");
    }
}

/// §4.2: after 64*T1 the asker has given up. Who still has not answered may not any more, and the
/// answer does not go out as a stray response.
#[test]
fn a_late_final_response_is_not_sent() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::with(transport, |_| {});
        let asked = asked(&mut lab);
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
    lab.expect_response(Alice, 100);
    lab.answer(Bob, &asked, 200);
    lab.rest();
}

/// §4.2: a user's own 408 is refused at any time, and the request may be answered otherwise. Who has
/// no answer gives none.
#[test]
fn a_user_sends_no_408() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::with(transport, |_| {});
        let asked = asked(&mut lab);
        lab.clear_ladder();
        let late = || Response::to(&asked.request, StatusCode::REQUEST_TIMEOUT);
        for _ in 0..2 {
            let outcome = lab.bob.respond(lab.now, asked.id, late());
            assert!(matches!(outcome, Err(Error::NotAllowed(_))));
            let outcome = lab.bob.respond_alone(lab.now, asked.id, late());
            assert!(matches!(outcome, Err(Error::NotAllowed(_))));
            lab.run_cut_off(secs(20));
        }
        let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Unanswered };
        assert_eq!(lab.event(Bob), failed);
        assert!(!lab.draw().contains("408"));
    }
}

/// An INVITE is answered 408: its sender does not time out by itself once it has heard of progress.
#[test]
fn an_invite_may_be_answered_408() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.answer(Bob, &asked, 408);
    lab.rest();
}

/// §4.2: a 408 of a server that knows no RFC 4320 is an outcome in time, and means nothing when Timer
/// F has said the same before.
#[test]
fn a_408_is_heard_in_time_only() {
    for late in [false, true] {
        let mut lab = Lab::new();
        let id = lab.request(Alice, Method::Options);
        let sent = lab.take_one("OPTIONS");
        let timed_out = Response::to(&sent.request(), StatusCode::REQUEST_TIMEOUT).to_bytes();
        let packet = Packet { from: Bob, flow: lab.flow(Bob), bytes: timed_out };
        lab.run_cut_off(if late { secs(32) } else { secs(31) });
        lab.deliver(packet.clone());
        lab.deliver(packet);
        match lab.event(Alice) {
            Event::Failed { id: failed, reason: Failure::Timeout } if late => {
                assert_eq!(failed, id)
            }
            Event::Response { response, .. } if !late => {
                assert_eq!(response.status, StatusCode::REQUEST_TIMEOUT);
            }
            other => panic!("{other:?}"),
        }
        lab.no_event(Alice);
    }
}

/// §4.2: who has asked and got no answer is told by its own transaction, at 64*T1 and not by a 408.
#[test]
fn silence_is_told_and_not_answered() {
    let mut lab = Lab::new();
    let id = lab.request(Alice, Method::Options);
    lab.settle();
    lab.expect_request(Bob, Method::Options);
    lab.run(secs(40));
    let ladder = lab.draw();
    assert!(ladder.lines().all(|line| !line.contains("<--") || line.ends_with("<-- 100")));
    let failed = Event::Failed { id, reason: Failure::Timeout };
    assert_eq!(lab.event_after_100s(Alice), failed);
    lab.no_event(Alice);
    lab.rest();
}

const CALLER: &str = "192.0.2.9:5062";
const PHONE: &str = "192.0.2.101:5060";

fn flow(remote: &str) -> Flow {
    Flow::udp("192.0.2.1:5060".parse().unwrap(), remote.parse().unwrap())
}

/// A proxy that was sent an OPTIONS.
fn asked_of_a_proxy() -> (Proxy, proxy::ContextId) {
    let config = proxy::Config::new(Ours::at(vec!["192.0.2.1:5060".parse().unwrap()]));
    let mut proxy = Proxy::new(config, Box::new(ChaCha8Rng::seed_from_u64(1)));
    let text = format!(
        "OPTIONS sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP {CALLER};branch=z9hG4bKo\n\
         From: <sip:alice@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: c\n\
         CSeq: 7 OPTIONS\nMax-Forwards: 70\n\n"
    );
    let message = text.replace('\n', "\r\n").into();
    proxy.handle_input(Duration::ZERO, Input::Received { flow: flow(CALLER), message });
    match proxy.poll_event() {
        Some(proxy::Event::Request { id, .. }) => (proxy, id),
        other => panic!("{other:?}"),
    }
}

/// A proxy that has forwarded it to one phone, and the OPTIONS as it was sent.
fn forwarded() -> (Proxy, sip_core::Request) {
    let (mut proxy, id) = asked_of_a_proxy();
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

/// Lets time pass: what the caller is sent meanwhile, and when in milliseconds.
fn caller_hears(proxy: &mut Proxy, until: Duration) -> Vec<(u128, u16)> {
    let mut heard = Vec::new();
    while let Some(next) = proxy.poll_timeout().filter(|next| *next <= until) {
        proxy.handle_timeout(next);
        while let Some(sent) = proxy.poll_transmit() {
            if sent.flow.remote == flow(CALLER).remote {
                let response = Response::parse(sent.bytes, &sip_core::Limits::default()).unwrap();
                heard.push((next.as_millis(), response.status.code()));
            }
        }
    }
    heard
}

/// §4.2: a proxy whose branch has timed out answers nothing: 408 would come too late and only make
/// storms of stray responses. A 408 that the phone sends ends there too, and one of the proxy's user.
/// That it takes long is told after 3.5 s.
#[test]
fn a_proxy_sends_no_408() {
    let (mut proxy, _) = forwarded();
    assert_eq!(caller_hears(&mut proxy, secs(100)), [(3500, 100)]);
    assert!(proxy.is_idle());

    let (mut proxy, request) = forwarded();
    let message = Response::to(&request, StatusCode::REQUEST_TIMEOUT).to_bytes();
    proxy.handle_input(secs(1), Input::Received { flow: flow(PHONE), message });
    assert_eq!(proxy.poll_transmit(), None);
    assert_eq!(caller_hears(&mut proxy, secs(100)), [(3500, 100)]);
    assert!(proxy.is_idle());

    let (mut proxy, id) = asked_of_a_proxy();
    proxy.respond(secs(1), id, Response::new(StatusCode::REQUEST_TIMEOUT));
    assert_eq!((proxy.poll_transmit(), proxy.poll_event()), (None, None));
    assert_eq!(caller_hears(&mut proxy, secs(100)), [(3500, 100)]);
    assert!(proxy.is_idle());
}

/// §4.1: nor does it forward a provisional response.
#[test]
fn a_proxy_forwards_no_provisional_response() {
    for code in [100, 180, 182, 199] {
        let (mut proxy, request) = forwarded();
        let message = Response::to(&request, StatusCode::new(code).unwrap()).to_bytes();
        proxy.handle_input(secs(1), Input::Received { flow: flow(PHONE), message });
        assert_eq!(proxy.poll_transmit(), None, "{code}");
        assert_eq!(caller_hears(&mut proxy, secs(20)), [(3500, 100)], "{code}");
    }
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
    assert_eq!(caller_hears(&mut proxy, secs(20)), [(3500, 100)]);
    let message = Response::to(&request, StatusCode::OK).to_bytes();
    proxy.handle_input(secs(20), Input::Received { flow: flow(PHONE), message });
    assert_eq!(proxy.poll_transmit().unwrap().flow, flow(CALLER));
}
