//! Digest algorithms in SIP (RFC 8760): which are offered, in what order, and which is taken.
//! What digests cover is in `rfc7616_digest.rs`.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::Algorithm;
use sip_core::auth::client::{Credentials, Error};
use sip_core::auth::server::{Authenticator, Config, Rejection, Secret};
use sip_core::header::{Authorization, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate};
use sip_core::{HeaderName, Limits, Request, Response, StatusCode};

const NOW: Duration = Duration::from_secs(1000);

fn register() -> Request {
    let text = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\n\
        From: <sip:101@example.com>;tag=1\nTo: <sip:101@example.com>\nCall-ID: a\n\
        CSeq: 1 REGISTER\nMax-Forwards: 70\n\n";
    Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap()
}

fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

fn server(algorithms: &[Algorithm], proxy: bool) -> Authenticator {
    let mut config = Config::default();
    config.algorithms = algorithms.to_vec();
    config.proxy = proxy;
    Authenticator::new("example.com", [7; 32], config)
}

fn secret(username: &str) -> Option<Secret> {
    (username == "101").then(|| Secret::Password("secret".to_owned()))
}

fn phone() -> Credentials {
    Credentials::new("101", "secret")
}

fn offered(challenge: &Response) -> Vec<String> {
    let offers = challenge.headers.all::<WwwAuthenticate>();
    offers.map(|offer| offer.unwrap().algorithm().unwrap().into_owned()).collect()
}

/// The challenge with its offers in another order or with other names.
fn changed(challenge: &Response, change: impl FnOnce(&mut Vec<WwwAuthenticate>)) -> Response {
    let mut challenge = challenge.clone();
    let mut offers: Vec<_> =
        challenge.headers.all::<WwwAuthenticate>().map(Result::unwrap).collect();
    change(&mut offers);
    challenge.headers.remove(HeaderName::WwwAuthenticate);
    for offer in offers {
        challenge.headers.push(offer);
    }
    challenge
}

/// The algorithm that a phone takes.
fn taken(challenge: &Response) -> Result<String, Error> {
    let mut request = register();
    phone().authorize(&mut request, challenge, &mut random())?;
    let credentials = request.headers.require::<Authorization>().unwrap();
    Ok(credentials.algorithm().unwrap().into_owned())
}

/// §2.3: a header for each algorithm, in the order of the server's preference, each complete.
#[test]
fn each_algorithm_has_a_header_in_order_of_preference() {
    use Algorithm::{Md5, Sha256, Sha512_256};
    for order in [&[Sha512_256, Sha256, Md5][..], &[Sha256, Md5], &[Md5, Sha256], &[Sha256]] {
        let challenge = server(order, false).challenge(NOW, &register(), false, &mut random());
        assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
        let names: Vec<&str> = order.iter().map(|algorithm| algorithm.as_str()).collect();
        assert_eq!(offered(&challenge), names);
        for offer in challenge.headers.all::<WwwAuthenticate>().map(Result::unwrap) {
            assert_eq!(offer.realm().as_deref(), Some("example.com"));
            assert!(offer.nonce().is_some_and(|nonce| !nonce.is_empty()));
        }
    }
}

/// §2.4: the client takes the topmost that it understands, not the strongest: the order is the
/// server's.
#[test]
fn the_topmost_is_taken() {
    use Algorithm::{Md5, Sha256, Sha512_256};
    for order in [[Sha512_256, Sha256, Md5], [Sha256, Sha512_256, Md5], [Md5, Sha256, Sha512_256]] {
        let mut server = server(&order, false);
        let challenge = server.challenge(NOW, &register(), false, &mut random());
        assert_eq!(taken(&challenge).unwrap(), order[0].as_str());
        let mut request = register();
        phone().authorize(&mut request, &challenge, &mut random()).unwrap();
        assert_eq!(server.verify(NOW, &request, &secret).unwrap().algorithm, order[0]);
        assert_eq!(request.headers.all::<Authorization>().count(), 1, "one answer is enough");
    }
}

/// §2.4: what is not understood is passed over; when nothing is left the request is not sent again.
#[test]
fn unknown_algorithms_are_passed_over() {
    let server = server(&[Algorithm::Sha512_256, Algorithm::Sha256], false);
    let challenge = server.challenge(NOW, &register(), false, &mut random());
    let rename = |offer: &mut WwwAuthenticate| {
        offer.params_mut().set_token("algorithm", "SHA3-512").unwrap();
    };
    let first = changed(&challenge, |offers| rename(&mut offers[0]));
    assert_eq!(taken(&first).unwrap(), "SHA-256");
    let all = changed(&challenge, |offers| offers.iter_mut().for_each(rename));
    assert_eq!(taken(&all), Err(Error::Unsupported));
}

/// §2.3: another realm above does not hide ours.
#[test]
fn the_order_is_that_of_our_realm() {
    let server = server(&[Algorithm::Sha256, Algorithm::Md5], false);
    let challenge = server.challenge(NOW, &register(), false, &mut random());
    let challenge = changed(&challenge, |offers| {
        offers[0].params_mut().set_quoted("realm", "elsewhere.net").unwrap();
    });
    let mut request = register();
    phone().for_realm("example.com").authorize(&mut request, &challenge, &mut random()).unwrap();
    let credentials = request.headers.require::<Authorization>().unwrap();
    assert_eq!(credentials.algorithm().as_deref(), Some("MD5"));
}

/// §2.1: every algorithm goes through, at a server and at a proxy.
#[test]
fn every_algorithm_is_accepted_where_it_is_offered() {
    for algorithm in Algorithm::ALL {
        for proxy in [false, true] {
            let mut server = server(&[algorithm], proxy);
            let mut request = register();
            let challenge = server.challenge(NOW, &request, false, &mut random());
            assert_eq!(challenge.headers.all::<ProxyAuthenticate>().count(), usize::from(proxy));
            phone().authorize(&mut request, &challenge, &mut random()).unwrap();
            assert_eq!(request.headers.all::<ProxyAuthorization>().count(), usize::from(proxy));
            let verified = server.verify(NOW, &request, &secret).unwrap();
            assert_eq!((verified.algorithm, &*verified.username), (algorithm, "101"));
        }
    }
}

/// A response has the length of its hash: 32 or 64 digits (§2.5).
#[test]
fn responses_have_the_length_of_their_hash() {
    for algorithm in Algorithm::ALL {
        let mut request = register();
        let challenge = server(&[algorithm], false).challenge(NOW, &request, false, &mut random());
        phone().authorize(&mut request, &challenge, &mut random()).unwrap();
        let text = String::from_utf8(request.to_bytes().to_vec()).unwrap();
        let response = text.split("response=\"").nth(1).unwrap().split('"').next().unwrap();
        let digits = if algorithm.as_str().starts_with("MD5") { 32 } else { 64 };
        assert_eq!(response.len(), digits, "{algorithm}");
        assert!(response.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{response}");
    }
}

/// What was not offered is not accepted: nobody talks a server down to MD5.
#[test]
fn an_algorithm_that_was_not_offered_is_challenged_again() {
    let weak = server(&[Algorithm::Md5], false);
    let mut strong = server(&[Algorithm::Sha256], false);
    let mut request = register();
    // The nonce is good at both: they share the key.
    let challenge = weak.challenge(NOW, &request, false, &mut random());
    phone().authorize(&mut request, &challenge, &mut random()).unwrap();
    let outcome = strong.verify(NOW, &request, &secret).map(|verified| verified.username);
    assert_eq!(outcome, Err(Rejection::Challenge { stale: false, failed: false }));
}
