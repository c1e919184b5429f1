//! INFO and its packages (RFC 6086).

mod common;

use common::*;
use sip_core::endpoint::{Config, Error};
use sip_core::header::{InfoPackage, RecvInfo};
use sip_core::{Method, Token, Transport};

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
