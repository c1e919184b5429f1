//! INFO and its packages (RFC 6086).

mod common;

use common::*;
use insta::assert_snapshot;
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
    let asked = lab.called();
    assert!(asked.request.headers.require::<RecvInfo>().unwrap().contains("x-agent"));
    let (alices, _) = lab.established(&asked);
    lab.clear_ladder();
    let body = || sdp();
    lab.alice.info(lab.now, alices, Token::from_static("dtmf"), body()).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Info);
    assert!(asked.request.headers.require::<InfoPackage>().unwrap().is("dtmf"));
    lab.answer(Bob, &asked, 200);
    assert_snapshot!(lab.draw(), @r"
      0 --> INFO
      0 <-- 200
    ");
    let refused = lab.alice.info(lab.now, alices, Token::from_static("other"), body());
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
}

#[test]
fn an_unknown_package_gets_469() {
    let mut lab = Lab::with(Transport::Udp, with_packages);
    let (alices, _) = lab.call();
    lab.clear_ladder();
    let mut info = skeleton(Method::Info);
    info.headers.push(InfoPackage::new(Token::from_static("other")));
    lab.alice.request_in(lab.now, alices, info).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 469);
    assert!(told.response.headers.require::<RecvInfo>().unwrap().contains("dtmf"));
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @r"
      0 --> INFO
      0 <-- 469
    ");
    // An INFO of the old kind is the user's.
    lab.request_in(Alice, alices, Method::Info);
    lab.settle();
    lab.expect_request(Bob, Method::Info);
}

/// §4.2.2, §5.2.1: who takes no packages says so in a 469, and is asked for none.
#[test]
fn who_announces_nothing_is_sent_nothing() {
    let mut lab = Lab::with(Transport::Udp, |config| config.allow.push(Method::Info));
    let (alices, _) = lab.call();
    let refused = lab.alice.info(lab.now, alices, Token::from_static("dtmf"), sdp());
    assert!(matches!(refused, Err(Error::NotAllowed(_))));
    let mut info = skeleton(Method::Info);
    info.headers.push(InfoPackage::new(Token::from_static("dtmf")));
    lab.alice.request_in(lab.now, alices, info).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 469);
    let none = told.response.headers.raw(sip_core::HeaderName::RecvInfo).next();
    assert_eq!(none, Some(&b""[..]));
}

/// §5: INFO belongs to a call: outside of one there is nothing to inform.
#[test]
fn an_info_for_no_call_gets_481() {
    let mut lab = Lab::with(Transport::Udp, with_packages);
    let (alices, bobs) = lab.call();
    lab.bob.abandon(lab.now, bobs).unwrap();
    lab.clear_ladder();
    lab.alice.info(lab.now, alices, Token::from_static("dtmf"), sdp()).unwrap();
    lab.settle();
    lab.expect_response(Alice, 481);
    lab.no_event(Bob);
}
