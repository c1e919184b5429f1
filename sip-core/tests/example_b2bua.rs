//! The example `b2bua` between two telephones, on sockets.
#![cfg(feature = "tokio")]

#[allow(dead_code, unreachable_pub)]
#[path = "../examples/b2bua.rs"]
mod b2bua;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip_core::endpoint::{Config, Event, within};
use sip_core::header::{CSeq, CallId, ContentType, From, NameAddr};
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::{Endpoint, Flow, Method, Request, Response, SipUri, StatusCode};

async fn party() -> (Driver, SocketAddr) {
    let mut transports = Transports::new(Default::default());
    let local = transports.bind_udp(([127, 0, 0, 1], 0).into()).await.unwrap();
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    (Driver::new(endpoint, transports), local)
}

fn invite(to: SocketAddr) -> Request {
    let mut request = Request::new(Method::Invite, SipUri::new("600", to.ip(), Some(to.port())));
    request.headers.push(From(NameAddr::new(SipUri::new("101", to.ip(), None))));
    request.headers.push(ContentType::sdp());
    request.body = Bytes::from_static(b"v=0 caller\r\n");
    request
}

/// Lets the bridge work until the future is done.
async fn with_bridge<T>(bridge: &mut (Driver, b2bua::Bridge), done: impl Future<Output = T>) -> T {
    let (driver, bridge) = bridge;
    tokio::pin!(done);
    let limit = tokio::time::sleep(Duration::from_secs(60));
    tokio::pin!(limit);
    loop {
        tokio::select! {
            event = driver.event() => bridge.handle(driver, event),
            value = &mut done => {
                driver.flush();
                return value;
            }
            () = &mut limit => panic!("nothing happens"),
        }
    }
}

/// The next event that is no provisional response.
async fn next(driver: &mut Driver) -> Event {
    loop {
        match driver.event().await {
            Event::Response { response, .. } if response.status.is_provisional() => {}
            event => return event,
        }
    }
}

#[tokio::test]
async fn a_call_has_two_legs() {
    let (mut alice, alices) = party().await;
    let (mut bob, bobs) = party().await;
    let (driver, own) = party().await;
    let mut bridge = (driver, b2bua::Bridge::new(Flow::udp(own, bobs)));

    alice.endpoint.invite(alice.now(), invite(own), Flow::udp(alices, own)).unwrap();
    alice.flush();
    let Event::Request { id, request, .. } = with_bridge(&mut bridge, next(&mut bob)).await else {
        panic!("no call")
    };
    assert_eq!(&request.body[..], b"v=0 caller\r\n");
    let legs_id = request.headers.require::<CallId>().unwrap();
    let mut answer = Response::to(&request, StatusCode::OK);
    answer.headers.push(ContentType::sdp());
    answer.body = Bytes::from_static(b"v=0 callee\r\n");
    let at_bob = bob.endpoint.respond(bob.now(), id, answer).unwrap().unwrap();
    bob.flush();
    let Event::Response { response, dialog, .. } = with_bridge(&mut bridge, next(&mut alice)).await
    else {
        panic!("no answer")
    };
    assert_eq!(&response.body[..], b"v=0 callee\r\n");
    assert_ne!(response.headers.require::<CallId>().unwrap(), legs_id, "two dialogs");
    let dialog = dialog.unwrap();
    alice.endpoint.ack(alice.now(), dialog, None).unwrap();
    alice.flush();
    let acknowledged = with_bridge(&mut bridge, next(&mut bob)).await;
    assert!(matches!(acknowledged, Event::Ack { dialog, .. } if dialog == at_bob));

    // Bob leaves, and Alice hears of it.
    bob.endpoint.request_in(bob.now(), at_bob, within(Method::Bye)).unwrap();
    bob.flush();
    let Event::Request { request, .. } = with_bridge(&mut bridge, next(&mut alice)).await else {
        panic!("no BYE")
    };
    assert_eq!(request.method, Method::Bye);
}

#[tokio::test]
async fn a_refusal_and_a_cancel_pass_through() {
    let (mut alice, alices) = party().await;
    let (mut bob, bobs) = party().await;
    let (driver, own) = party().await;
    let mut bridge = (driver, b2bua::Bridge::new(Flow::udp(own, bobs)));
    for cancels in [false, true] {
        let call = alice.endpoint.invite(alice.now(), invite(own), Flow::udp(alices, own)).unwrap();
        alice.flush();
        let Event::Request { id, request, .. } = with_bridge(&mut bridge, next(&mut bob)).await
        else {
            panic!("no call")
        };
        let status = if cancels { StatusCode::RINGING } else { StatusCode::BUSY_HERE };
        bob.endpoint.respond(bob.now(), id, Response::to(&request, status)).unwrap();
        bob.flush();
        if cancels {
            let ringing = with_bridge(&mut bridge, alice.event()).await;
            assert!(matches!(ringing, Event::Response { .. }));
            alice.endpoint.cancel(alice.now(), call).unwrap();
            alice.flush();
            let cancelled = with_bridge(&mut bridge, next(&mut bob)).await;
            assert!(matches!(cancelled, Event::Cancelled { .. }));
        }
        let Event::Response { response, .. } = with_bridge(&mut bridge, next(&mut alice)).await
        else {
            panic!("no outcome")
        };
        assert_eq!(response.status.code(), if cancels { 487 } else { 486 });
        assert_eq!(response.headers.require::<CSeq>().unwrap().method, Method::Invite);
    }
}
