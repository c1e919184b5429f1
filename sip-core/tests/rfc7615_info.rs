//! Authentication-Info (RFC 7615, RFC 7616 §3.5): next nonces, the server's proof, and a client that
//! answers no challenge twice.

mod common;

use bytes::Bytes;
use common::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::Algorithm;
use sip_core::auth::client::{Credentials, Error};
use sip_core::auth::server::{Authenticator, Config, Rejection, Secret};
use sip_core::auth::session::{Proof, Session};
use sip_core::header::{
    AuthenticationInfo, Authorization, CSeq, CallId, From, ProxyAuthenticationInfo, WwwAuthenticate,
};
use sip_core::{Flow, Method, Request, Response, StatusCode};

struct Bench {
    server: Authenticator,
    client: Session,
    random: ChaCha8Rng,
}

fn secret(username: &str) -> Option<Secret> {
    (username == "101").then(|| Secret::Password("secret".to_owned()))
}

impl Bench {
    fn new(configure: impl Fn(&mut Config)) -> Self {
        let mut config = Config::default();
        configure(&mut config);
        Self {
            server: Authenticator::new("example.com", [7; 32], config),
            client: Session::new(Credentials::new("101", "secret")),
            random: ChaCha8Rng::seed_from_u64(3),
        }
    }

    fn message(number: u32) -> Request {
        let mut request = request(Method::Message, Alice);
        let mut from = request.headers.require::<From>().unwrap();
        from.set_tag("a").unwrap();
        request.headers.set(from);
        request.headers.push(CallId::new("call").unwrap());
        request.headers.push(CSeq { number, method: Method::Message });
        request.body = Bytes::from_static(b"hello");
        request
    }

    /// Sends a request until it is accepted; how often it was challenged, and what it was answered.
    fn send(&mut self, mut request: Request) -> (u32, Request, Response) {
        self.client.authorize(&mut request, &mut self.random).unwrap();
        let mut challenges = 0;
        loop {
            match self.server.verify(secs(1), &request, &secret) {
                Ok(_) => {
                    let mut response = Response::to(&request, StatusCode::OK);
                    response.body = Bytes::from_static(b"good morning");
                    let random = &mut self.random;
                    self.server.inform(secs(1), &request, &mut response, &secret, random);
                    return (challenges, request, response);
                }
                Err(Rejection::Challenge { stale, .. }) => {
                    challenges += 1;
                    let random = &mut self.random;
                    let challenge = self.server.challenge(secs(1), &request, stale, random);
                    self.client.challenged(&mut request, &challenge, &mut self.random).unwrap();
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn the_next_request_is_not_challenged_and_the_server_proves_itself() {
    for algorithm in Algorithm::ALL {
        for (auth_int, proxy) in [(false, false), (true, false), (false, true)] {
            let mut bench = Bench::new(|config| {
                config.algorithms = vec![algorithm];
                config.auth_int = auth_int;
                config.proxy = proxy;
            });
            let (challenges, request, response) = bench.send(Bench::message(1));
            assert_eq!(challenges, 1);
            assert_eq!(bench.client.answered(&request, &response), Ok(Proof::Known));
            let nonces: Vec<String> = (2..5)
                .map(|number| {
                    let (challenges, request, response) = bench.send(Bench::message(number));
                    assert_eq!(challenges, 0, "{algorithm}");
                    assert_eq!(bench.client.answered(&request, &response), Ok(Proof::Known));
                    format!("{:?}", request.headers)
                })
                .collect();
            assert!(nonces.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}

#[test]
fn without_a_next_nonce_the_old_one_is_counted() {
    let mut bench = Bench::new(|_| {});
    let (_, first, _) = bench.send(Bench::message(1));
    for expected in [2, 3] {
        let (challenges, request, _) = bench.send(Bench::message(expected));
        assert_eq!(challenges, 0);
        let sent = request.headers.require::<Authorization>().unwrap();
        assert_eq!(sent.nc().unwrap(), Some(expected));
        assert_eq!(sent.nonce(), first.headers.require::<Authorization>().unwrap().nonce());
    }
}

#[test]
fn a_server_that_does_not_know_the_secret_is_found_out() {
    let mut bench = Bench::new(|_| {});
    let (_, request, response) = bench.send(Bench::message(1));
    let mut forged = response.clone();
    let mut info = forged.headers.require::<AuthenticationInfo>().unwrap();
    info.0.set_quoted("rspauth", "00000000000000000000000000000000").unwrap();
    forged.headers.set(info);
    assert_eq!(bench.client.answered(&request, &forged), Err(Error::Forged));
    // Nor may the proof of another request be used.
    let mut moved = response.clone();
    let mut info = moved.headers.require::<AuthenticationInfo>().unwrap();
    info.0.set_quoted("cnonce", "another").unwrap();
    moved.headers.set(info);
    assert_eq!(bench.client.answered(&request, &moved), Err(Error::Forged));
    assert_eq!(bench.client.answered(&request, &response), Ok(Proof::Known));
}

#[test]
fn with_auth_int_the_body_of_the_response_is_covered() {
    let mut bench = Bench::new(|config| config.auth_int = true);
    let (_, mut request, _) = bench.send(Bench::message(1));
    // The client prefers auth; one that insists on auth-int has its body covered.
    let mut response = Response::to(&request, StatusCode::OK);
    response.body = Bytes::from_static(b"good morning");
    let mut sent = request.headers.require::<Authorization>().unwrap();
    sent.0.params_mut().set_token("qop", "auth-int").unwrap();
    request.headers.set(sent);
    bench.server.inform(secs(1), &request, &mut response, &secret, &mut bench.random);
    assert_eq!(bench.client.clone().answered(&request, &response), Ok(Proof::Known));
    response.body = Bytes::from_static(b"good evening");
    assert_eq!(bench.client.answered(&request, &response), Err(Error::Forged));
}

#[test]
fn a_response_without_info_proves_nothing() {
    let mut bench = Bench::new(|_| {});
    let (_, request, mut response) = bench.send(Bench::message(1));
    response.headers.remove(sip_core::HeaderName::AuthenticationInfo);
    assert_eq!(bench.client.answered(&request, &response), Ok(Proof::None));
}

#[test]
fn no_challenge_is_answered_twice() {
    let mut bench = Bench::new(|_| {});
    let mut request = Bench::message(1);
    let challenge = bench.server.challenge(secs(1), &request, false, &mut bench.random);
    bench.client.challenged(&mut request, &challenge, &mut bench.random).unwrap();
    let same = bench.client.challenged(&mut request, &challenge, &mut bench.random);
    assert_eq!(same, Err(Error::Refused));
    // Not even in another request.
    let mut other = Bench::message(2);
    let same = bench.client.challenged(&mut other, &challenge, &mut bench.random);
    assert_eq!(same, Err(Error::Refused));
}

#[test]
fn a_server_that_calls_everything_stale_is_not_followed_for_ever() {
    let mut bench = Bench::new(|_| {});
    let mut request = Bench::message(1);
    let mut answered = 0;
    for _ in 0..10 {
        let stale = bench.server.challenge(secs(1), &request, true, &mut bench.random);
        if bench.client.challenged(&mut request, &stale, &mut bench.random).is_ok() {
            answered += 1;
        }
    }
    assert_eq!(answered, 1);
}

#[test]
fn who_is_not_known_learns_nothing() {
    let bench = Bench::new(|_| {});
    let mut random = bench.random;
    let mut request = Bench::message(1);
    let challenge = bench.server.challenge(secs(1), &request, false, &mut random);
    let stranger = Credentials::new("999", "secret");
    stranger.authorize(&mut request, &challenge, &mut random).unwrap();
    let mut response = Response::to(&request, StatusCode::OK);
    bench.server.inform(secs(1), &request, &mut response, &secret, &mut random);
    assert!(response.headers.typed::<AuthenticationInfo>().unwrap().is_none());
    assert!(response.headers.typed::<ProxyAuthenticationInfo>().unwrap().is_none());
}

/// Unknown users and wrong passwords: the same code, the same header lines, the same text.
#[test]
fn unknown_users_and_wrong_passwords_cannot_be_told_apart() {
    let refusal = |username: &str, password: &str| {
        let mut server = Authenticator::new("example.com", [7; 32], Config::default());
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut request = Bench::message(1);
        let challenge = server.challenge(secs(1), &request, false, &mut random);
        let credentials = Credentials::new(username, password);
        credentials.authorize(&mut request, &challenge, &mut random).unwrap();
        let verdict = server.verify(secs(1), &request, &secret);
        let Err(Rejection::Challenge { stale, failed }) = verdict else { panic!("let in") };
        assert_eq!((stale, failed), (false, true));
        server.challenge(secs(1), &request, stale, &mut random)
    };
    let (unknown, wrong) = (refusal("999", "guess"), refusal("101", "guess"));
    assert_eq!(unknown.to_bytes(), wrong.to_bytes());
    assert_eq!(unknown.headers.all::<WwwAuthenticate>().count(), 2);
}

#[test]
fn only_the_own_next_hop_is_answered() {
    let challenge = |bench: &mut Bench, request: &Request| {
        bench.server.challenge(secs(1), request, false, &mut bench.random)
    };
    let from =
        |address: &str| Flow::udp("192.0.2.9:5060".parse().unwrap(), address.parse().unwrap());
    let (ours, theirs) = (from("192.0.2.1:5060"), from("192.0.2.1:5062"));
    for bound in [true, false] {
        let mut bench = Bench::new(|_| {});
        if bound {
            bench.client = bench.client.with(ours.remote);
        } else {
            // The first who is answered is the one.
            let mut request = Bench::message(1);
            let asks = challenge(&mut bench, &request);
            let random = &mut bench.random;
            bench.client.challenged_over(&mut request, &asks, &ours, random).unwrap();
        }
        let mut request = Bench::message(2);
        let asks = challenge(&mut bench, &request);
        let before = request.to_bytes();
        let random = &mut bench.random;
        let refused = bench.client.challenged_over(&mut request, &asks, &theirs, random);
        assert_eq!((refused, request.to_bytes()), (Err(Error::OtherNextHop), before));
        bench.client.challenged_over(&mut request, &asks, &ours, random).unwrap();
        assert!(bench.server.verify(secs(1), &request, &secret).is_ok());
        let again = bench.client.challenged_over(&mut request, &asks, &ours, random);
        assert_eq!(again, Err(Error::Refused), "nor is he answered twice");
    }
}
