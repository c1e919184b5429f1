//! Service-Route (RFC 3608): what a registrar tells, and what a phone does with it.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::header::{NameAddr, Route, ServiceRoute};
use sip_core::registrar::{self, AddressOfRecord, Registrar};
use sip_core::registration::{Config, KeepAlive, Registration};
use sip_core::{Flow, HeaderName, Limits, Method, Request, Response, StatusCode};

fn flow() -> Flow {
    Flow::udp("192.0.2.9:5062".parse().unwrap(), "192.0.2.1:5060".parse().unwrap())
}

fn registration() -> Registration {
    let aor = "sip:101@example.com".parse().unwrap();
    let mut config = Config::new(aor, "sip:101@192.0.2.9:5062".parse().unwrap());
    config.keep_alive = KeepAlive::Off;
    let random = Box::new(ChaCha8Rng::seed_from_u64(1));
    Registration::new(Duration::ZERO, config, random).unwrap()
}

/// Answers the REGISTER that is due.
fn accept(registration: &mut Registration, now: Duration, service_route: Option<&str>) {
    let outgoing = registration.poll_request().expect("a REGISTER");
    let mut response = Response::to(&outgoing.request, StatusCode::OK);
    if let Some(route) = service_route {
        response.headers.push_raw(HeaderName::ServiceRoute, route.as_bytes()).unwrap();
    }
    registration.handle_response(now, outgoing.id, &response, flow());
}

/// The Route of a request that is sent through the registration.
fn routes(registration: &Registration, own: &[&str]) -> Vec<String> {
    let uri: sip_core::Uri = "sip:bob@b.net".parse().unwrap();
    let mut request = Request::new(Method::Invite, uri);
    for route in own {
        request.headers.push(Route(NameAddr::parse(route).unwrap()));
    }
    registration.add_route(&mut request);
    request.headers.all::<Route>().map(|route| route.unwrap().uri.to_string()).collect()
}

/// §6.1: the phone goes that way, in that order, and then its own.
#[test]
fn it_is_put_before_other_routes() {
    let mut phone = registration();
    assert_eq!(routes(&phone, &["<sip:p3.net;lr>"]), ["sip:p3.net;lr"]);
    accept(&mut phone, Duration::ZERO, Some("<sip:p1.net;lr>, <sip:p2.net;lr>"));
    let expected = ["sip:p1.net;lr", "sip:p2.net;lr", "sip:p3.net;lr"];
    assert_eq!(routes(&phone, &["<sip:p3.net;lr>"]), expected);
    assert_eq!(routes(&phone, &[]), expected[..2]);
}

/// §6.1: each answer says the route anew, also that there is none.
#[test]
fn the_next_answer_takes_its_place() {
    let mut phone = registration();
    accept(&mut phone, Duration::ZERO, Some("<sip:p1.net;lr>, <sip:p2.net;lr>"));
    for next in [Some("<sip:p9.net;lr>"), None] {
        let now = phone.poll_timeout().unwrap();
        phone.handle_timeout(now);
        accept(&mut phone, now, next);
        assert_eq!(phone.service_route().len(), usize::from(next.is_some()));
    }
    assert!(routes(&phone, &[]).is_empty());
}

/// §6.3: the registrar tells what it was given, in order, with each 200 and to no one refused.
#[test]
fn the_registrar_tells_it() {
    let mut config = registrar::Config::default();
    config.service_route = ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
        .map(|hop| NameAddr::parse(hop).unwrap())
        .to_vec();
    let mut registrar = Registrar::new(config);
    let aor = AddressOfRecord::new("101", "example.com");
    for (number, contact) in [(1, "Contact: <sip:a@b>\n"), (2, "")] {
        let text = format!(
            "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{number}\n\
             From: <sip:101@example.com>;tag=1\nTo: <sip:101@example.com>\nCall-ID: a\n\
             CSeq: {number} REGISTER\nMax-Forwards: 70\n{contact}\n"
        );
        let text = text.replace('\n', "\r\n");
        let request = Request::parse(text.into(), &Limits::default()).unwrap();
        let answer = registrar.register(Duration::ZERO, &aor, &request, flow()).unwrap();
        let route: Vec<String> =
            answer.headers.all::<ServiceRoute>().map(|hop| hop.unwrap().uri.to_string()).collect();
        assert_eq!(route, ["sip:p1.example.com;lr", "sip:p2.example.com;lr"], "{contact}");
    }
}
