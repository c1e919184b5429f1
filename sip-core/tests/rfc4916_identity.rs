//! Connected identity (RFC 4916), INFO packages (RFC 6086) and MESSAGE (RFC 3428).

mod common;

use common::*;
use sip_core::endpoint::{Config, Error, Event};
use sip_core::header::{From, InfoPackage, NameAddr, RecvInfo, To};
use sip_core::{HeaderName, Method, Response, StatusCode, Token, Transport};

fn with_identity() -> Lab {
    Lab::with(Transport::Udp, extended(&["from-change"]))
}

#[test]
fn the_callee_says_who_has_answered() {
    let mut lab = with_identity();
    let (alices, bobs) = lab.call();
    let carol = NameAddr::parse("\"Carol\" <sip:carol@example.com>").unwrap();
    lab.bob.set_identity(bobs, carol).unwrap();
    lab.request_in(Bob, bobs, Method::Update);
    lab.settle();
    let asked = lab.expect_request(Alice, Method::Update);
    let From(from) = asked.request.headers.require().unwrap();
    assert_eq!(from.uri.to_string(), "sip:carol@example.com");
    lab.respond(Alice, &asked, 200);
    lab.settle();
    lab.expect_response(Bob, 200);
    // From now on Alice speaks to Carol; the tags are what they were.
    lab.request_in(Alice, alices, Method::Info);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Info);
    assert_eq!(asked.dialog, Some(bobs));
    let To(to) = asked.request.headers.require().unwrap();
    assert_eq!(to.uri.to_string(), "sip:carol@example.com");
}

#[test]
fn who_does_not_know_it_keeps_the_old_name() {
    let mut lab = Lab::new();
    let (_, bobs) = lab.call();
    let carol = NameAddr::parse("<sip:carol@example.com>").unwrap();
    assert!(matches!(lab.bob.set_identity(bobs, carol), Err(Error::NotAllowed(_))));
}

fn with_packages(config: &mut Config) {
    config.allow.push(Method::Info);
    config.info_packages = vec![Token::from_static("dtmf"), Token::from_static("x-agent")];
}

#[test]
fn packages_are_announced_and_kept_to() {
    let mut lab = Lab::with(Transport::Udp, with_packages);
    let (alices, _) = lab.call();
    let body = || sdp();
    lab.alice.info(lab.now, alices, Token::from_static("dtmf"), body()).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Info);
    assert!(asked.request.headers.require::<InfoPackage>().unwrap().is("dtmf"));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    lab.expect_response(Alice, 200);
    let refused = lab.alice.info(lab.now, alices, Token::from_static("other"), body());
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
}

#[test]
fn an_unknown_package_gets_469() {
    let mut lab = Lab::with(Transport::Udp, with_packages);
    let (alices, _) = lab.call();
    let mut info = skeleton(Method::Info);
    info.headers.push(InfoPackage::new(Token::from_static("other")));
    lab.alice.request_in(lab.now, alices, info).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 469);
    assert!(told.response.headers.require::<RecvInfo>().unwrap().contains("dtmf"));
    lab.no_event(Bob);
    // An INFO of the old kind is the user's.
    lab.request_in(Alice, alices, Method::Info);
    lab.settle();
    lab.expect_request(Bob, Method::Info);
}

#[test]
fn messages_are_taken_only_where_allow_names_them() {
    let mut lab = Lab::new();
    lab.request(Alice, Method::Message);
    lab.settle();
    let told = lab.expect_response(Alice, 405);
    assert!(told.response.headers.contains(HeaderName::Allow));
    lab.no_event(Bob);
    lab.rest();

    let mut lab = Lab::with(Transport::Udp, |config| config.allow.push(Method::Message));
    lab.request(Alice, Method::Message);
    lab.settle();
    match lab.event(Bob) {
        Event::Request { id, request, .. } => {
            let response = Response::to(&request, StatusCode::ACCEPTED);
            lab.bob.respond(lab.now, id, response).unwrap();
        }
        other => panic!("{other:?}"),
    }
    lab.settle();
    assert!(!lab.expect_response(Alice, 202).response.headers.contains(HeaderName::Contact));
    lab.rest();
}
