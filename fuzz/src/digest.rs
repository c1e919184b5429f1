use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::{self, Error};
use sip_core::auth::server::{Authenticator, Config, Rejection, Secret};
use sip_core::auth::{Algorithm, stored_digest};
use sip_core::header::{
    Authorization, CSeq, Credentials, ProxyAuthenticate, ProxyAuthorization, WwwAuthenticate,
};
use sip_core::{HeaderName, Limits, Message, Request, Response, StatusCode};

const REALM: &str = "example.com";
const PASSWORD: &str = "open sesame";
const NOW: Duration = Duration::from_secs(1_000);

/// The headers of a challenge and of credentials, from strangers to both sides.
///
/// A server lets nobody in who does not know a password, takes credentials of those who do once, and keeps no more
/// nonces than it may. A client answers a challenge once, in a form that can be read, or leaves the request as it
/// was.
pub fn digest(data: &[u8]) {
    let mut bytes = b"SIP/2.0 401 Unauthorized\r\n".to_vec();
    bytes.extend_from_slice(data);
    let parsed = Message::parse(Bytes::from(bytes), &Limits::default());
    let Ok(Message::Response(response)) = parsed else { return };
    let mut request = base();
    request.headers.copy(HeaderName::Authorization, &response.headers);
    request.headers.copy(HeaderName::ProxyAuthorization, &response.headers);

    for settings in 0..4 {
        let mut config = Config::default();
        config.nonces = 2;
        config.proxy = settings & 1 != 0;
        config.auth_int = settings & 2 != 0;
        config.match_uri = settings & 1 == 0;
        if config.auth_int {
            config.algorithms = Algorithm::ALL.to_vec();
        }
        server(&request, config);
    }
    for status in [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED] {
        let response = Response { status, ..response.clone() };
        for realm in [None, Some(REALM)] {
            client(&request, &response, realm);
        }
    }
}

fn base() -> Request {
    let bytes = Bytes::from_static(
        b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
          From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 1\r\n\
          CSeq: 7 REGISTER\r\nContent-Length: 4\r\n\r\nbody",
    );
    Request::parse(bytes, &Limits::default()).unwrap()
}

/// Alice has a password; of Bob only the digest for MD5 is kept.
fn secret(username: &str) -> Option<Secret> {
    match username {
        "alice" => Some(Secret::Password(PASSWORD.to_owned())),
        "bob" => {
            let digest = stored_digest(Algorithm::Md5, username, REALM, PASSWORD);
            Some(Secret::Digests(vec![(Algorithm::Md5, digest)]))
        }
        _ => None,
    }
}

fn server(request: &Request, config: Config) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut server = Authenticator::new(REALM, [7; 32], config.clone());
    let verdict = server.verify(NOW, request, &secret);
    assert!(verdict.is_err(), "{verdict:?} without a password");

    let challenge = server.challenge(NOW, request, true, &mut random);
    let challenge = Response::parse(challenge.to_bytes(), &Limits::default()).unwrap();
    let nonce = if config.proxy {
        challenge.headers.require::<ProxyAuthenticate>().unwrap().nonce().unwrap().into_owned()
    } else {
        challenge.headers.require::<WwwAuthenticate>().unwrap().nonce().unwrap().into_owned()
    };
    let given: Vec<Credentials> = if config.proxy {
        request.headers.all::<ProxyAuthorization>().flatten().map(|given| given.0).collect()
    } else {
        request.headers.all::<Authorization>().flatten().map(|given| given.0).collect()
    };
    for given in given.into_iter().filter(Credentials::is_digest).take(4) {
        let username = given.username().unwrap_or_default().into_owned();
        let algorithm =
            given.algorithm().map_or(Some(Algorithm::Md5), |name| Algorithm::parse(&name));
        let Some(algorithm) = algorithm else { continue };
        let real = stored_digest(algorithm, &username, REALM, PASSWORD);
        let guess = stored_digest(algorithm, &username, REALM, "no password at all");
        for (stored, knows) in [("", false), (&*guess, false), (&*real, true)] {
            let mut given = given.clone();
            given.params_mut().set_quoted("nonce", &nonce).unwrap();
            let Some(answer) = response(&given, algorithm, stored, request) else { continue };
            given.params_mut().set_quoted("response", &answer).unwrap();
            let mut request = request.clone();
            if config.proxy {
                request.headers.set(ProxyAuthorization(given));
            } else {
                request.headers.set(Authorization(given));
            }
            match server.verify(NOW, &request, &secret) {
                Ok(verified) => {
                    assert!(knows, "{username:?} without a password");
                    assert_eq!((&verified.username, verified.algorithm), (&username, algorithm));
                    assert!(config.algorithms.contains(&algorithm));
                    let md5 = algorithm.hash() == Algorithm::Md5;
                    assert!(username == "alice" || (username == "bob" && md5), "{username:?}");
                    let again = server.verify(NOW, &request, &secret);
                    let stale = Rejection::Challenge { stale: true, failed: false };
                    assert_eq!(again, Err(stale), "taken twice");
                }
                Err(Rejection::Challenge { stale, failed }) => assert!(!(stale && failed)),
                Err(Rejection::BadRequest(why)) => assert!(!why.is_empty()),
            }
            assert!(server.nonces_in_use() <= config.nonces);
        }
    }
}

/// The `response` that a client with this stored digest gives (RFC 7616 §3.4.1).
fn response(
    given: &Credentials,
    algorithm: Algorithm,
    stored: &str,
    request: &Request,
) -> Option<String> {
    let (nonce, uri) = (given.nonce()?, given.uri()?);
    let (count, cnonce, qop) = (given.params().get("nc")?, given.cnonce()?, given.qop()?);
    let is_session = algorithm != algorithm.hash();
    let a1 = if is_session {
        hash(algorithm, &format!("{stored}:{nonce}:{cnonce}"))?
    } else {
        stored.to_owned()
    };
    let mut a2 = format!("{}:{uri}", request.method);
    let qop = qop.to_ascii_lowercase();
    if qop == "auth-int" {
        // The hashes of `body`, which has no colons for `hash` to part it at.
        a2.push_str(match algorithm.hash() {
            Algorithm::Sha256 => {
                ":230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"
            }
            Algorithm::Sha512_256 => {
                ":20abacb46c589a9a7b4072e9440563090018efc0d5ef25fda303e0a8a3eb8aaf"
            }
            _ => ":841a2d689ad86bd1611447453c22c6fc",
        });
    }
    let a2 = hash(algorithm, &a2)?;
    hash(algorithm, &format!("{a1}:{nonce}:{count}:{cnonce}:{qop}:{a2}"))
}

/// The hash of a text with two colons or more: a stored digest is that of three parts.
fn hash(algorithm: Algorithm, text: &str) -> Option<String> {
    let mut parts = text.splitn(3, ':');
    Some(stored_digest(algorithm, parts.next()?, parts.next()?, parts.next()?))
}

fn client(request: &Request, response: &Response, realm: Option<&str>) {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut credentials = client::Credentials::new("alice", PASSWORD);
    credentials.realm = realm.map(str::to_owned);
    let mut answered = request.clone();
    if credentials.authorize(&mut answered, response, &mut random).is_err() {
        assert_eq!(&answered, request, "an error changes nothing");
        return;
    }
    let asked = response.headers.require::<CSeq>().unwrap().number;
    let number = asked.wrapping_add(1) & 0x7fff_ffff;
    assert_eq!(answered.headers.require::<CSeq>().unwrap().number, number);
    let written = Request::parse(answered.to_bytes(), &Limits::default()).unwrap();
    assert_eq!(written, answered);
    let given: Vec<Credentials> = if response.status == StatusCode::UNAUTHORIZED {
        written.headers.all::<Authorization>().map(|given| given.unwrap().0).collect()
    } else {
        written.headers.all::<ProxyAuthorization>().map(|given| given.unwrap().0).collect()
    };
    let last = given.last().unwrap();
    assert!(last.is_digest() && last.nonce().is_some());
    assert_eq!(last.username().as_deref(), Some("alice"));
    assert_eq!(last.uri().as_deref(), Some("sip:example.com"));
    assert!(realm.is_none() || last.realm().as_deref() == realm);
    let before = answered.clone();
    let again = credentials.authorize(&mut answered, response, &mut random);
    assert_eq!((again, answered), (Err(Error::Refused), before), "a challenge is answered once");
}
