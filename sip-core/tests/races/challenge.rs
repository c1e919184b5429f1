//! Challenges and redirects, and what they race with (RFC 3261 §8.1.3.4, §8.1.3.5, §22).

use insta::assert_snapshot;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::{Credentials, Error};
use sip_core::auth::server::{Authenticator, Config, Rejection, Secret};
use sip_core::header::Contact;
use sip_core::{Method, Request, Response, SipUri, StatusCode};

use crate::common::*;

struct Guard {
    authenticator: Authenticator,
    random: ChaCha8Rng,
}

fn secret(username: &str) -> Option<Secret> {
    (username == "101").then(|| Secret::Password("secret".to_owned()))
}

impl Guard {
    fn new(realm: &str, proxy: bool) -> Self {
        let mut config = Config::default();
        config.proxy = proxy;
        Self {
            authenticator: Authenticator::new(realm, [9; 32], config),
            random: ChaCha8Rng::seed_from_u64(5),
        }
    }

    /// The challenge that a request deserves, if it does.
    fn challenge(&mut self, lab: &Lab, request: &Request) -> Option<Response> {
        match self.authenticator.verify(lab.now, request, &secret) {
            Ok(_) => None,
            Err(Rejection::Challenge { stale, .. }) => {
                Some(self.authenticator.challenge(lab.now, request, stale, &mut self.random))
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// Alice calls, and tries again with credentials as long as they are asked for. Bob's guards are
/// asked in this order; the statuses that Alice was told.
fn call_past(lab: &mut Lab, guards: &mut [&mut Guard]) -> Vec<u16> {
    let mut attempt = request(Method::Invite, Alice);
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let flow = lab.flow(Alice);
    let mut told = Vec::new();
    for _ in 0..8 {
        lab.alice.invite(lab.now, attempt.clone(), flow).unwrap();
        lab.settle();
        let asked = lab.expect_request(Bob, Method::Invite);
        let challenge = guards.iter_mut().find_map(|guard| guard.challenge(lab, &asked.request));
        let response = challenge.unwrap_or_else(|| Response::to(&asked.request, StatusCode::OK));
        let code = response.status.code();
        lab.bob.respond(lab.now, asked.id, response).unwrap();
        lab.settle();
        let answer = lab.expect_response(Alice, code);
        told.push(code);
        if code == 200 {
            lab.ack(Alice, answer.dialog.unwrap());
            lab.settle();
            lab.expect_ack(Bob);
            return told;
        }
        let credentials = Credentials::new("101", "secret");
        credentials.authorize(&mut attempt, &answer.response, &mut random).unwrap();
        // Time passes between attempts, more than a nonce lives where the guard wants it so.
        lab.run(ms(10));
    }
    told
}

#[test]
fn a_401_then_a_407() {
    let mut lab = Lab::new();
    let mut server = Guard::new("example.com", false);
    let mut proxy = Guard::new("proxy.example.com", true);
    let told = call_past(&mut lab, &mut [&mut server, &mut proxy]);
    // The first credentials are sent along with the second: nobody asks twice, but the server's nonce
    // was used by then, so that it gives another.
    assert_eq!(told, [401, 407, 401, 200]);
    assert_snapshot!(lab.draw(), @"
     0 --> INVITE
     0 <-- 401
     0 --> ACK
    10 --> INVITE
    10 <-- 407
    10 --> ACK
    20 --> INVITE
    20 <-- 401
    20 --> ACK
    30 --> INVITE
    30 <-- 200
    30 --> ACK
    ");
}

#[test]
fn a_stale_nonce() {
    let mut lab = Lab::new();
    let mut guard = Guard::new("example.com", false);
    let mut attempt = request(Method::Invite, Alice);
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let flow = lab.flow(Alice);
    let credentials = Credentials::new("101", "secret");
    let mut told = Vec::new();
    for wait in [0, 600, 0] {
        lab.alice.invite(lab.now, attempt.clone(), flow).unwrap();
        // The nonce expires while the second attempt is on its way.
        lab.now += secs(wait);
        lab.settle();
        let asked = lab.expect_request(Bob, Method::Invite);
        let challenge = guard.challenge(&lab, &asked.request);
        let response = challenge.unwrap_or_else(|| Response::to(&asked.request, StatusCode::OK));
        let code = response.status.code();
        lab.bob.respond(lab.now, asked.id, response).unwrap();
        lab.settle();
        let answer = lab.expect_response(Alice, code);
        told.push(code);
        if code == 401 {
            credentials.authorize(&mut attempt, &answer.response, &mut random).unwrap();
        }
    }
    assert_eq!(told, [401, 401, 200], "the stale one is answered without asking for a password");
}

#[test]
fn a_wrong_password_is_not_tried_twice() {
    let mut lab = Lab::new();
    let mut guard = Guard::new("example.com", false);
    let mut attempt = request(Method::Invite, Alice);
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let flow = lab.flow(Alice);
    let credentials = Credentials::new("101", "wrong");
    let mut verdicts = Vec::new();
    for _ in 0..2 {
        lab.alice.invite(lab.now, attempt.clone(), flow).unwrap();
        lab.settle();
        let asked = lab.expect_request(Bob, Method::Invite);
        let challenge = guard.challenge(&lab, &asked.request).unwrap();
        lab.bob.respond(lab.now, asked.id, challenge).unwrap();
        lab.settle();
        let answer = lab.expect_response(Alice, 401);
        verdicts.push(credentials.authorize(&mut attempt, &answer.response, &mut random));
    }
    assert_eq!(verdicts, [Ok(()), Err(Error::Refused)]);
    lab.rest();
}

#[test]
fn a_cancel_crosses_the_401() {
    let mut lab = Lab::new();
    let mut guard = Guard::new("example.com", false);
    let (call, asked) = lab.invited();
    lab.answer(Bob, &asked, 100);
    lab.clear_ladder();
    lab.alice.cancel(lab.now, call).unwrap();
    let challenge = guard.challenge(&lab, &asked.request).unwrap();
    lab.bob.respond(lab.now, asked.id, challenge).unwrap();
    lab.settle();
    // The 401 is the outcome; the CANCEL finds a call that has one, and is answered all the same.
    assert_eq!(lab.expect_response(Alice, 401).id, call);
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @"
    0 --> CANCEL
    0 <-- 401
    0 <-- 200
    0 --> ACK
    ");
    lab.rest();
}

#[test]
fn a_redirect_to_self() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let mut redirect = Response::to(&asked.request, StatusCode::MOVED_TEMPORARILY);
    let own = asked.request.uri.clone();
    redirect.headers.push(Contact::new(own));
    lab.bob.respond(lab.now, asked.id, redirect).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 302);
    let contact = told.response.headers.typed::<Contact>().unwrap().unwrap();
    // The caller sees that the new address is the one it has just tried (§8.1.3.4: a set of tried URIs).
    let target = contact.address().unwrap().uri.clone();
    assert!(target.equivalent(&request(Method::Invite, Alice).uri));
    // One that tries all the same with the Call-ID and a higher number gets an ordinary call, no loop
    // of the endpoint's making.
    let mut again = request(Method::Invite, Alice);
    again.uri = target;
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, again, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.answer(Bob, &asked, 486);
    assert_snapshot!(lab.draw(), @"
    0 --> INVITE
    0 <-- 302
    0 --> ACK
    0 --> INVITE
    0 <-- 486
    0 --> ACK
    ");
    lab.rest();
}

#[test]
fn a_redirect_crosses_the_cancel() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.answer(Bob, &asked, 180);
    lab.clear_ladder();
    let mut redirect = Response::to(&asked.request, StatusCode::MOVED_TEMPORARILY);
    let host = "192.0.2.9".parse::<core::net::IpAddr>().unwrap();
    redirect.headers.push(Contact::new(SipUri::new("elsewhere", host, None)));
    lab.alice.cancel(lab.now, call).unwrap();
    lab.bob.respond(lab.now, asked.id, redirect).unwrap();
    lab.settle();
    assert_eq!(lab.expect_response(Alice, 302).id, call);
    // A user that follows it now would call somebody it has given up.
    lab.no_event(Alice);
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @"
    0 --> CANCEL
    0 <-- 302
    0 <-- 200
    0 --> ACK
    ");
    lab.rest();
}
