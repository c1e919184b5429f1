//! Digest authentication from challenge to acceptance (RFC 7616, RFC 3261 §22).

mod common;

use core::time::Duration;

use common::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::{Credentials, Error};
use sip_core::auth::server::{Authenticator, Config, Rejection, Secret};
use sip_core::auth::{Algorithm, stored_digest};
use sip_core::header::{Authorization, CSeq, CallId, From, ProxyAuthorization};
use sip_core::{HeaderName, Limits, Method, Request, Response, StatusCode};

const REALM: &str = "example.com";

struct Bench {
    now: Duration,
    server: Authenticator,
    random: ChaCha8Rng,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(configure: impl Fn(&mut Config)) -> Self {
        let mut config = Config::default();
        configure(&mut config);
        Self {
            now: secs(1000),
            server: Authenticator::new(REALM, [7; 32], config),
            random: ChaCha8Rng::seed_from_u64(7),
        }
    }

    fn verify(&mut self, request: &Request) -> Result<String, Rejection> {
        self.server.verify(self.now, request, &secret).map(|verified| verified.username)
    }

    fn challenge(&mut self, request: &Request, stale: bool) -> Response {
        self.server.challenge(self.now, request, stale, &mut self.random)
    }

    /// The request with the answer to a fresh challenge.
    fn authorized(&mut self, password: &str) -> Request {
        let mut request = invite();
        let challenge = self.challenge(&request, false);
        Credentials::new("101", password)
            .authorize(&mut request, &challenge, &mut self.random)
            .unwrap();
        request
    }
}

fn secret(username: &str) -> Option<Secret> {
    (username == "101").then(|| Secret::Password("secret".to_owned()))
}

fn invite() -> Request {
    let mut request = request(Method::Invite, Alice);
    let mut from = request.headers.require::<From>().unwrap();
    from.set_tag("a").unwrap();
    request.headers.set(from);
    request.headers.push(CallId::new("call").unwrap());
    request.headers.push(CSeq { number: 1, method: Method::Invite });
    request
}

fn challenged(stale: bool, failed: bool) -> Result<String, Rejection> {
    Err(Rejection::Challenge { stale, failed })
}

#[test]
fn a_challenge_is_answered_and_accepted_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        for auth_int in [false, true] {
            let mut bench = Bench::with(|config| {
                config.algorithms = vec![algorithm];
                config.auth_int = auth_int;
            });
            let request = bench.authorized("secret");
            let credentials = request.headers.require::<Authorization>().unwrap();
            assert_eq!(credentials.algorithm().as_deref(), Some(algorithm.as_str()));
            assert_eq!(bench.verify(&request), Ok("101".to_owned()));
        }
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let mut bench = Bench::new();
    let wrong = bench.authorized("guess");
    assert_eq!(bench.verify(&wrong), challenged(false, true));
    let mut unknown = invite();
    let challenge = bench.challenge(&unknown, false);
    Credentials::new("999", "secret")
        .authorize(&mut unknown, &challenge, &mut bench.random)
        .unwrap();
    assert_eq!(bench.verify(&unknown), challenged(false, true));
    let one = bench.challenge(&wrong, false).to_bytes().len();
    assert_eq!(one, bench.challenge(&unknown, false).to_bytes().len());
}

/// For nobody the same work is done as for somebody, with a password of its own; it opens nothing.
#[test]
fn what_is_computed_for_nobody_lets_nobody_in() {
    let other = vec![(Algorithm::Md5, stored_digest(Algorithm::Md5, "102", REALM, "secret"))];
    let secrets = |name: &str| (name == "102").then(|| Secret::Digests(other.clone()));
    for name in ["999", "102"] {
        let mut bench = Bench::with(|config| config.algorithms = vec![Algorithm::Sha256]);
        let mut request = invite();
        let challenge = bench.challenge(&request, false);
        Credentials::new(name, "no password at all")
            .authorize(&mut request, &challenge, &mut bench.random)
            .unwrap();
        let verdict = bench.server.verify(bench.now, &request, &secrets);
        assert_eq!(verdict.map(|verified| verified.username), challenged(false, true), "{name}");
    }
}

#[test]
fn stored_digests_do_as_well_as_the_password() {
    let mut bench = Bench::new();
    let request = bench.authorized("secret");
    let digests = |algorithm| {
        Secret::Digests(vec![(algorithm, stored_digest(algorithm, "101", REALM, "secret"))])
    };
    let now = bench.now;
    let md5_only = bench.server.verify(now, &request, &|_| Some(digests(Algorithm::Md5)));
    assert!(md5_only.is_err());
    let sha = bench.server.verify(now, &request, &|_| Some(digests(Algorithm::Sha256)));
    assert_eq!(sha.unwrap().username, "101");
}

#[test]
fn a_nonce_is_good_for_its_lifetime() {
    let mut bench = Bench::new();
    let request = bench.authorized("secret");
    bench.now += secs(300);
    assert_eq!(bench.verify(&request), Ok("101".to_owned()));
    let request = bench.authorized("secret");
    bench.now += secs(301);
    assert_eq!(bench.verify(&request), challenged(true, false));
    // Only who knows the password learns that the nonce is to blame.
    let request = bench.authorized("guess");
    bench.now += secs(301);
    assert_eq!(bench.verify(&request), challenged(false, true));
}

#[test]
fn a_stale_challenge_is_answered_without_asking_and_once() {
    let mut bench = Bench::new();
    let mut request = bench.authorized("secret");
    bench.now += secs(301);
    let challenge = bench.challenge(&request, true);
    let credentials = Credentials::new("101", "secret");
    credentials.authorize(&mut request, &challenge, &mut bench.random).unwrap();
    assert_eq!(request.headers.all::<Authorization>().count(), 1);
    assert_eq!(bench.verify(&request), Ok("101".to_owned()));
    // The very same challenge again, though it says stale.
    let again = credentials.authorize(&mut request, &challenge, &mut bench.random);
    assert_eq!(again, Err(Error::Refused));
}

#[test]
fn a_replay_is_seen() {
    let mut bench = Bench::new();
    let request = bench.authorized("secret");
    assert_eq!(bench.verify(&request), Ok("101".to_owned()));
    assert_eq!(bench.verify(&request), challenged(true, false));
}

#[test]
fn the_nonce_of_another_run_is_stale_and_a_forged_one_too() {
    let mut bench = Bench::new();
    let request = bench.authorized("secret");
    bench.server = Authenticator::new(REALM, [8; 32], Config::default());
    assert_eq!(bench.verify(&request), challenged(true, false));
    // With the same key, but a clock that starts anew.
    bench.server = Authenticator::new(REALM, [7; 32], Config::default());
    bench.now = secs(1);
    assert_eq!(bench.verify(&request), challenged(true, false));
}

#[test]
fn credentials_of_other_realms_and_schemes_are_passed_over() {
    let mut bench = Bench::new();
    let mut other = invite();
    let mut elsewhere = Authenticator::new("elsewhere", [7; 32], Config::default());
    let challenge = elsewhere.challenge(bench.now, &other, false, &mut bench.random);
    let for_ours = Credentials::new("101", "secret").for_realm(REALM);
    assert_eq!(
        for_ours.authorize(&mut other, &challenge, &mut bench.random),
        Err(Error::OtherRealm)
    );
    Credentials::new("101", "secret").authorize(&mut other, &challenge, &mut bench.random).unwrap();
    assert_eq!(bench.verify(&other), challenged(false, false));
    assert!(elsewhere.verify(bench.now, &other, &secret).is_ok());
    other.headers.push_raw(HeaderName::Authorization, b"Basic Zm9vOmJhcg==").unwrap();
    assert_eq!(bench.verify(&other), challenged(false, false));
}

#[test]
fn method_body_and_uri_are_bound() {
    let mut bench = Bench::with(|config| config.auth_int = true);
    let good = bench.authorized("secret");
    let mut other = good.clone();
    other.method = Method::Bye;
    assert_eq!(bench.verify(&other), challenged(false, true));
    let mut other = good.clone();
    other.uri = "sip:+7900@example.com".parse().unwrap();
    assert!(matches!(bench.verify(&other), Err(Rejection::BadRequest(_))));
    // A parameter is no other resource, and phones differ in what they repeat.
    let mut same = good.clone();
    same.uri = format!("{};transport=udp", good.uri).parse().unwrap();
    assert_eq!(bench.verify(&same), Ok("101".to_owned()));
}

#[test]
fn malformed_credentials_get_400() {
    let mut bench = Bench::new();
    let good = bench.authorized("secret");
    let value =
        String::from_utf8(good.headers.raw(HeaderName::Authorization).next().unwrap().to_vec())
            .unwrap();
    for broken in [
        value.replace("nc=00000001", "nc=1"),
        value.replace("nc=00000001", "nc=zzzzzzzz"),
        value.replace(", nc=00000001", ""),
        value.replace("cnonce", "nonsense"),
        value.replace("qop=auth", "qop=auth-conf"),
        value.replace("qop=auth, ", ""),
        value.replace("username", "uzername"),
        value.replace("uri=", "url="),
        value.replace("response=", "answer="),
    ] {
        let mut request = good.clone();
        request.headers.remove(HeaderName::Authorization);
        request.headers.push_raw(HeaderName::Authorization, broken.as_bytes()).unwrap();
        assert!(matches!(bench.verify(&request), Err(Rejection::BadRequest(_))), "{broken}");
    }
    // An algorithm that is not offered is challenged again.
    for other in ["algorithm=SHA-512-256", "algorithm=ROT13"] {
        let mut request = good.clone();
        request.headers.remove(HeaderName::Authorization);
        let value = value.replace("algorithm=SHA-256", other);
        request.headers.push_raw(HeaderName::Authorization, value.as_bytes()).unwrap();
        assert_eq!(bench.verify(&request), challenged(false, false), "{other}");
    }
    assert_eq!(bench.verify(&good), Ok("101".to_owned()));
}

/// Nobody's secret is the empty text: not that of a user who does not exist, and not that of one
/// whose stored digests are for other algorithms.
#[test]
fn an_empty_secret_opens_nothing() {
    let md5_only = |username: &str| {
        let digest = stored_digest(Algorithm::Md5, "101", REALM, "secret");
        (username == "101").then(|| Secret::Digests(vec![(Algorithm::Md5, digest)]))
    };
    for username in ["nobody", "101", ""] {
        let mut bench = Bench::new();
        let mut request = invite();
        let challenge = bench.challenge(&request, false);
        Credentials::new(username, "guess")
            .authorize(&mut request, &challenge, &mut bench.random)
            .unwrap();
        let mut given = request.headers.require::<Authorization>().unwrap();
        let hash = |text: String| {
            let parts: Vec<&str> = text.splitn(3, ':').collect();
            stored_digest(Algorithm::Sha256, parts[0], parts[1], parts[2])
        };
        let forged = hash(format!(
            ":{}:00000001:{}:auth:{}",
            given.nonce().unwrap(),
            given.cnonce().unwrap(),
            hash(format!("INVITE:{}", given.uri().unwrap())),
        ));
        given.params_mut().set_quoted("response", &forged).unwrap();
        request.headers.set(given);
        let verdict = bench.server.verify(bench.now, &request, &md5_only);
        let refused = Rejection::Challenge { stale: false, failed: true };
        assert_eq!(verdict, Err(refused), "{username:?}");
    }
}

#[test]
fn a_proxy_and_a_server_challenge_one_request() {
    let mut bench = Bench::new();
    let mut proxy = Bench::with(|config| config.proxy = true);
    proxy.server = Authenticator::new("proxy", [9; 32], {
        let mut config = Config::default();
        config.proxy = true;
        config
    });
    let credentials = Credentials::new("101", "secret");
    let mut request = bench.authorized("secret");
    let challenge = proxy.challenge(&request, false);
    assert_eq!(challenge.status, StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    credentials.authorize(&mut request, &challenge, &mut proxy.random).unwrap();
    assert_eq!(request.headers.all::<Authorization>().count(), 1);
    assert_eq!(request.headers.all::<ProxyAuthorization>().count(), 1);
    assert!(proxy.verify(&request).is_ok() && bench.verify(&request).is_ok());
}

#[test]
fn a_refused_password_is_not_tried_again() {
    let mut bench = Bench::new();
    let mut request = bench.authorized("guess");
    let challenge = bench.challenge(&request, false);
    let credentials = Credentials::new("101", "guess");
    let before = request.clone();
    assert_eq!(
        credentials.authorize(&mut request, &challenge, &mut bench.random),
        Err(Error::Refused)
    );
    assert_eq!(request, before);
    let answer = Response::to(&request, StatusCode::OK);
    assert_eq!(
        credentials.authorize(&mut request, &answer, &mut bench.random),
        Err(Error::NoChallenge)
    );
}

#[test]
fn a_challenge_with_the_greatest_number_is_answered() {
    let mut bench = Bench::new();
    let mut request = invite();
    let mut challenge = bench.challenge(&request, false);
    challenge.headers.set(CSeq { number: u32::MAX, method: Method::Invite });
    Credentials::new("101", "secret")
        .authorize(&mut request, &challenge, &mut bench.random)
        .unwrap();
    assert_eq!(request.headers.require::<CSeq>().unwrap().number, 0);
}

#[test]
fn the_window_of_nonces_is_bounded() {
    let mut bench = Bench::with(|config| config.nonces = 10);
    let mut first = None;
    for _ in 0..1000 {
        let request = bench.authorized("secret");
        assert!(bench.verify(&request).is_ok());
        first.get_or_insert(request);
        bench.now += Duration::from_millis(1);
    }
    assert_eq!(bench.server.nonces_in_use(), 10);
    assert_eq!(bench.verify(&first.unwrap()), challenged(true, false));
}

#[test]
fn a_call_is_challenged_and_goes_through() {
    let mut lab = Lab::new();
    let mut bench = Bench::new();
    let flow = lab.flow(Alice);
    let mut attempt = request(Method::Invite, Alice);
    lab.alice.invite(lab.now, attempt.clone(), flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let mut challenge = bench.challenge(&asked.request, false);
    challenge.headers.remove(HeaderName::Contact);
    lab.bob.respond(lab.now, asked.id, challenge).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 401);
    Credentials::new("101", "secret")
        .authorize(&mut attempt, &told.response, &mut bench.random)
        .unwrap();
    lab.alice.invite(lab.now, attempt, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(bench.verify(&asked.request), Ok("101".to_owned()));
    let call_id = asked.request.headers.require::<CallId>().unwrap();
    assert_eq!(call_id, told.response.headers.require::<CallId>().unwrap());
    let alices = lab.answer(Bob, &asked, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    // The ACK cannot be challenged: it carries the credentials along (§22.1).
    assert!(lab.take_one("ACK").request().headers.contains(HeaderName::Authorization));
    lab.ladder_is(
        "0 --> INVITE
         0 <-- 401
         0 --> ACK
         0 --> INVITE
         0 <-- 200
         0 --> ACK",
    );
}

/// Quotes, backslashes and letters beyond ASCII in user, password and realm, and a long body.
#[test]
fn odd_names_are_digested_by_every_algorithm() {
    let realm = "the \"old\" \\ office";
    let secret =
        |user: &str| (user == "\u{fc}ser\"x").then(|| Secret::Password("p\u{e4}ss".to_owned()));
    for algorithm in Algorithm::ALL {
        let config = || {
            let mut config = Config::default();
            (config.algorithms, config.auth_int) = (vec![algorithm], true);
            config
        };
        let mut server = Authenticator::new(realm, [3; 32], config());
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut request = invite();
        request.body = "x".repeat(5000).into();
        let challenge = server.challenge(secs(1), &request, false, &mut random).to_bytes();
        // A server that insists on the body.
        let text = String::from_utf8_lossy(&challenge).replace("auth,auth-int", "auth-int");
        let challenge = Response::parse(text.into_bytes().into(), &Limits::default()).unwrap();
        let phone = Credentials::new("\u{fc}ser\"x", "p\u{e4}ss").for_realm(realm);
        phone.authorize(&mut request, &challenge, &mut random).unwrap();
        let request = Request::parse(request.to_bytes(), &Limits::default()).unwrap();
        let mut changed = request.clone();
        changed.body = "y".repeat(5000).into();
        let refused = server.verify(secs(2), &changed, &secret).map(|verified| verified.username);
        assert_eq!(refused, challenged(false, true), "{algorithm}");
        assert!(server.verify(secs(2), &request, &secret).is_ok(), "{algorithm}");
        let again = server.verify(secs(2), &request, &secret).map(|verified| verified.username);
        assert_eq!(again, challenged(true, false), "{algorithm}: a replay");
    }
}
