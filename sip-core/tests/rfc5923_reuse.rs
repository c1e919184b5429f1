//! Reuse of connections (RFC 5923): who asks for it, and how. The side that grants it is in
//! `net_tls.rs`, where certificates are.

mod common;

use common::{Alice, Lab, request};
use sip_core::endpoint::{Address, Config, Endpoint, Input};
use sip_core::header::Via;
use sip_core::{Flow, HostPort, Limits, Message, Method, Request, Response, StatusCode, Transport};

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

const NOW: core::time::Duration = core::time::Duration::ZERO;

fn endpoint(alias: bool) -> Endpoint {
    let mut config = Config::default();
    config.alias = alias;
    // The port that we listen on, not the one that our connection comes from (§8.1).
    config.address = Address::by(|_| HostPort::parse("pbx.example.com:5061").unwrap());
    Endpoint::new(config, Box::new(ChaCha8Rng::seed_from_u64(1)))
}

fn flow(transport: Transport) -> Flow {
    let [local, remote] = ["192.0.2.1:40000", "192.0.2.2:5061"].map(|at| at.parse().unwrap());
    Flow { transport, local, remote, connection: None }
}

/// The top Via of the next request that is sent.
fn next(endpoint: &mut Endpoint) -> (Request, Via) {
    let sent = endpoint.poll_transmit().expect("a request");
    let Message::Request(request) = Message::parse(sent.bytes, &Limits::default()).unwrap() else {
        panic!("a response")
    };
    let via = request.headers.require().unwrap();
    (request, via)
}

#[test]
fn only_tls_asks_for_reuse_and_only_when_told_to() {
    for (alias, transport, expected) in [
        (true, Transport::Tls, true),
        (true, Transport::Tcp, false),
        (true, Transport::Udp, false),
        (true, Transport::Wss, false),
        (false, Transport::Tls, false),
    ] {
        let mut endpoint = endpoint(alias);
        endpoint.request(NOW, request(Method::Options, Alice), flow(transport)).unwrap();
        let (_, via) = next(&mut endpoint);
        assert_eq!(via.params.get("alias").is_some(), expected, "{alias} {transport}");
        assert_eq!(via.sent_by.to_string(), "pbx.example.com:5061");
    }
}

#[test]
fn every_request_of_a_call_asks() {
    let mut endpoint = endpoint(true);
    let invite = request(Method::Invite, Alice);
    endpoint.invite(NOW, invite, flow(Transport::Tls)).unwrap();
    let (invite, _) = next(&mut endpoint);
    let mut response = Response::to(&invite, StatusCode::OK);
    response.set_to_tag("b").unwrap();
    response.headers.push_raw(sip_core::HeaderName::Contact, "<sips:bob@192.0.2.2:5061>").unwrap();
    let message = response.to_bytes();
    endpoint.handle_input(NOW, Input::Received { flow: flow(Transport::Tls), message });
    let dialog = match endpoint.poll_event() {
        Some(sip_core::endpoint::Event::Response { dialog: Some(dialog), .. }) => dialog,
        other => panic!("{other:?}"),
    };
    endpoint.ack(NOW, dialog, None).unwrap();
    endpoint.request_in(NOW, dialog, sip_core::endpoint::within(Method::Bye)).unwrap();
    for method in [Method::Ack, Method::Bye] {
        let (request, via) = next(&mut endpoint);
        assert_eq!((request.method, via.params.get("alias")), (method, Some("")));
    }
}

#[test]
fn who_is_not_told_to_writes_none_in_a_whole_call() {
    let mut lab = Lab::tcp();
    lab.invite(Alice);
    assert!(
        lab.take_one("INVITE")
            .request()
            .headers
            .require::<Via>()
            .unwrap()
            .params
            .get("alias")
            .is_none()
    );
}
