//! Who is let in: the RFC's answers to wrong credentials, and nothing for anybody without any.

mod office;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use office::{PASSWORD, Scene, exchange_address, phone_address, trunk_address};
use pbx::directory::Party;
use pbx::exchange::Event;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::Credentials;
use sip_core::header::{
    Allow, CSeq, CallId, Contact, ContentType, From, MaxForwards, NameAddr, To, UserAgent, Via,
    WwwAuthenticate,
};
use sip_core::{Limits, Message, Method, Request, Response, SipUri, TypedHeader};
use testkit::{Datagram, Seen};

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.66\r\ns=-\r\nc=IN IP4 192.0.2.66\r\nt=0 0\r\n\
                     m=audio 4000 RTP/AVP 8\r\n";

fn stranger() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 66], 5060))
}

/// A request as somebody at `source` writes it by hand.
fn request(method: Method, from: &str, to: &str, source: SocketAddr, n: u32) -> Request {
    let host = exchange_address().ip();
    let mut request = Request::new(method.clone(), SipUri::new(to, host, Some(5060)));
    let via = format!("SIP/2.0/UDP {source};branch=z9hG4bK{n};rport");
    request.headers.push(Via::parse(via.as_bytes()).unwrap());
    request.headers.push(MaxForwards(70));
    let mut name = NameAddr::new(SipUri::new(from, host, None));
    name.set_tag("a").unwrap();
    request.headers.push(From(name));
    request.headers.push(To(NameAddr::new(SipUri::new(to, host, None))));
    request.headers.push(CallId::new(&format!("call-{n}")).unwrap());
    request.headers.push(CSeq { number: n, method: method.clone() });
    request.headers.push(Contact::new(SipUri::new(from, source.ip(), Some(source.port()))));
    if method == Method::Invite {
        request.headers.push(ContentType::sdp());
        request.body = Bytes::from_static(SDP);
    }
    request
}

/// Sends a request past every endpoint and returns what came back.
fn answers(scene: &mut Scene, request: &Request, source: SocketAddr) -> Vec<Response> {
    scene.world.network().forget();
    let now = scene.world.now();
    let datagram = Datagram { source, destination: exchange_address(), bytes: request.to_bytes() };
    scene.world.network().send(now, datagram);
    scene.run_for(Duration::from_millis(400));
    let passages = scene.world.network().passages();
    passages
        .iter()
        .filter(|passage| passage.datagram.destination == source)
        .filter_map(|passage| {
            match Message::parse(passage.datagram.bytes.clone(), &Limits::default()) {
                Ok(Message::Response(response)) => Some(response),
                _ => None,
            }
        })
        // Without an ACK earlier refusals are repeated all the while.
        .filter(|response| {
            let same = |a: &Response, b: &Request| {
                a.headers.require::<Via>().unwrap().branch()
                    == b.headers.require::<Via>().unwrap().branch()
            };
            same(response, request)
        })
        .collect()
}

fn status(scene: &mut Scene, request: &Request, source: SocketAddr) -> u16 {
    answers(scene, request, source).last().map_or(0, |response| response.status.code())
}

/// The request again, with credentials for the challenge of `response`.
fn authorized(request: &Request, response: &Response, user: &str, password: &str) -> Request {
    let mut again = request.clone();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    Credentials::new(user, password).authorize(&mut again, response, &mut random).unwrap();
    branch(&mut again, "again");
    again
}

/// Makes it another transaction.
fn branch(request: &mut Request, name: &str) {
    let mut text = Vec::new();
    request.headers.require::<Via>().unwrap().write(&mut text);
    let text = String::from_utf8(text).unwrap();
    let text = text.replace("branch=z9hG4bK", &format!("branch=z9hG4bK{name}"));
    request.headers.set(Via::parse(text.as_bytes()).unwrap());
}

fn nobody_was_called(scene: &Scene) {
    assert_eq!(scene.seen(2), [], "no extension heard of it");
    assert!(scene.office().records.is_empty());
    let started = |event: &(Duration, Event)| matches!(event.1, Event::Started { .. });
    assert!(!scene.office().events.iter().any(started));
}

#[test]
fn an_invite_without_credentials_reaches_nobody() {
    let mut scene = Scene::new(2);
    for (n, (from, to)) in
        [("101", "102"), ("102", "102"), ("nobody", "102"), ("101", "600"), ("101", "94951234567")]
            .into_iter()
            .enumerate()
    {
        let invite = request(Method::Invite, from, to, stranger(), n as u32 + 1);
        let answers = answers(&mut scene, &invite, stranger());
        let last = answers.last().unwrap();
        assert_eq!(last.status.code(), 401, "{from} to {to}");
        let challenges: Vec<_> =
            last.headers.all::<WwwAuthenticate>().map(|challenge| challenge.unwrap().0).collect();
        assert_eq!(challenges.len(), 2, "SHA-256 and MD5");
        assert!(challenges.iter().all(|challenge| !challenge.stale()));
    }
    // A telephone's own address proves nothing either.
    let invite = request(Method::Invite, "101", "102", phone_address(1), 77);
    assert_eq!(status(&mut scene, &invite, phone_address(1)), 401);
    nobody_was_called(&scene);
    // Nor does the trunk's address with another port.
    let near = SocketAddr::new(trunk_address().ip(), 5061);
    let invite = request(Method::Invite, "101", "102", near, 78);
    assert_eq!(status(&mut scene, &invite, near), 401);
    nobody_was_called(&scene);
}

#[test]
fn wrong_passwords_and_unknown_extensions_look_alike() {
    let mut scene = Scene::new(2);
    let mut texts = Vec::new();
    for (n, (user, password)) in [("101", "wrong"), ("999", PASSWORD)].into_iter().enumerate() {
        let n = 10 * (n as u32 + 1);
        let invite = request(Method::Invite, user, "102", stranger(), n);
        let challenge = answers(&mut scene, &invite, stranger()).pop().unwrap();
        let again = authorized(&invite, &challenge, user, password);
        let refusal = answers(&mut scene, &again, stranger()).pop().unwrap();
        assert_eq!(refusal.status.code(), 401);
        let stale = refusal.headers.require::<WwwAuthenticate>().unwrap().0.stale();
        assert!(!stale, "the password is wrong, not the nonce");
        let names: Vec<String> = refusal.headers.iter().map(|(name, _)| name.to_string()).collect();
        texts.push((refusal.reason.to_string(), names));
    }
    assert_eq!(texts[0], texts[1]);
    nobody_was_called(&scene);
    let refused = scene.office().events.iter().filter(|(_, event)| {
        matches!(event, Event::Refused { source, status: 401, .. } if *source == stranger())
    });
    assert_eq!(refused.count(), 2, "guessing is told");
}

#[test]
fn telephones_that_stumble_over_sha_256_are_offered_md5_alone() {
    let mut scene = Scene::new(2);
    for (agent, offered) in [("baresip v1.0.0 (x86_64/linux)", 1), ("baresip v3.1.0", 2), ("x", 2)]
    {
        let mut invite = request(Method::Invite, "101", "102", stranger(), agent.len() as u32);
        invite.headers.push(UserAgent::new(agent).unwrap());
        let challenge = answers(&mut scene, &invite, stranger()).pop().unwrap();
        assert_eq!(challenge.headers.all::<WwwAuthenticate>().count(), offered, "{agent}");
    }
}

#[test]
fn credentials_for_another_realm_are_challenged_again() {
    let mut scene = Scene::new(2);
    let invite = request(Method::Invite, "101", "102", stranger(), 1);
    let mut challenge = answers(&mut scene, &invite, stranger()).pop().unwrap();
    let mut text = challenge.headers.require::<WwwAuthenticate>().unwrap().0;
    text.params_mut().set_quoted("realm", "elsewhere").unwrap();
    challenge.headers.set(WwwAuthenticate(text));
    let again = authorized(&invite, &challenge, "101", PASSWORD);
    assert_eq!(status(&mut scene, &again, stranger()), 401);
    nobody_was_called(&scene);
}

#[test]
fn an_expired_nonce_is_stale_and_a_used_one_too() {
    let mut scene = Scene::new(2);
    let invite = request(Method::Invite, "101", "555", phone_address(1), 1);
    let challenge = answers(&mut scene, &invite, phone_address(1)).pop().unwrap();
    let again = authorized(&invite, &challenge, "101", PASSWORD);
    assert_eq!(status(&mut scene, &again, phone_address(1)), 404, "good: nobody has 555");
    // The same credentials once more, in another call.
    let mut replay = again.clone();
    replay.headers.set(CallId::new("replay").unwrap());
    branch(&mut replay, "replay");
    let refusal = answers(&mut scene, &replay, phone_address(1)).pop().unwrap();
    assert_eq!(refusal.status.code(), 401);
    // And a fresh answer to a challenge that is too old.
    scene.run_for_seconds(600);
    let late = request(Method::Invite, "101", "555", phone_address(1), 30);
    let late = authorized(&late, &challenge, "101", PASSWORD);
    let refusal = answers(&mut scene, &late, phone_address(1)).pop().unwrap();
    assert_eq!(refusal.status.code(), 401);
    assert!(refusal.headers.require::<WwwAuthenticate>().unwrap().0.stale());
    let fresh = authorized(&late, &refusal, "101", PASSWORD);
    assert_eq!(status(&mut scene, &fresh, phone_address(1)), 404);
}

#[test]
fn nobody_calls_as_somebody_else() {
    let mut scene = Scene::new(3);
    // 103 proves that it is 103 and claims to be 101.
    let invite = request(Method::Invite, "101", "102", phone_address(3), 1);
    let challenge = answers(&mut scene, &invite, phone_address(3)).pop().unwrap();
    let again = authorized(&invite, &challenge, "103", PASSWORD);
    assert_eq!(status(&mut scene, &again, phone_address(3)), 403);
    // Nor does it register as 101.
    let mut register = request(Method::Register, "103", "101", phone_address(3), 5);
    register.uri = SipUri::new("", exchange_address().ip(), None).into();
    let challenge = answers(&mut scene, &register, phone_address(3)).pop().unwrap();
    let again = authorized(&register, &challenge, "103", PASSWORD);
    assert_eq!(status(&mut scene, &again, phone_address(3)), 403);
    nobody_was_called(&scene);
}

#[test]
fn a_trunk_is_known_by_its_address_and_reaches_the_office_only() {
    let mut scene = Scene::new(2);
    let invite = request(Method::Invite, "+74955550100", "102", trunk_address(), 1);
    assert_eq!(status(&mut scene, &invite, trunk_address()), 180);
    assert_eq!(scene.seen(2), [Seen::Called]);
    // Not out again over the trunk: that would be somebody's telephone bill.
    let outwards = request(Method::Invite, "+74955550100", "94951234567", trunk_address(), 2);
    assert_eq!(status(&mut scene, &outwards, trunk_address()), 404);
    scene.run_for_seconds(60);
    let record = scene.office().records.last().unwrap();
    let number = "+74955550100".to_owned();
    assert_eq!(record.caller, Party::Trunk { trunk: "city".into(), number });
}

#[test]
fn options_are_answered_and_other_methods_refused() {
    let mut scene = Scene::new(1);
    let options = request(Method::Options, "x", "", stranger(), 1);
    let answer = answers(&mut scene, &options, stranger()).pop().unwrap();
    assert_eq!(answer.status.code(), 200);
    assert!(answer.headers.require::<Allow>().unwrap().contains(&Method::Invite));
    for (n, method) in [Method::Message, Method::Subscribe, Method::Publish].into_iter().enumerate()
    {
        let other = request(method.clone(), "101", "101", stranger(), 10 + n as u32);
        let answer = answers(&mut scene, &other, stranger()).pop().unwrap();
        assert_eq!(answer.status.code(), 405, "{method}");
        assert!(answer.headers.require::<Allow>().is_ok());
    }
    let info = request(Method::Info, "101", "101", stranger(), 20);
    assert_eq!(status(&mut scene, &info, stranger()), 481);
    let bye = request(Method::Bye, "101", "101", stranger(), 30);
    let mut in_dialog = bye.clone();
    let mut to = in_dialog.headers.require::<To>().unwrap();
    to.set_tag("unknown").unwrap();
    in_dialog.headers.set(to);
    assert_eq!(status(&mut scene, &in_dialog, stranger()), 481);
}

#[test]
fn an_extension_that_is_not_registered_cannot_be_reached() {
    let mut scene =
        Scene::unregistered(2, testkit::Faults::NONE, 7, pbx::exchange::Settings::default());
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(1), [Seen::Refused(480)]);
    assert_eq!(scene.record().cause, pbx::call::Cause::SUBSCRIBER_ABSENT);
    scene.act(2, |bob, now| bob.register(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(2), [Seen::Registered(200)]);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(1);
    assert!(scene.seen(2).contains(&Seen::Called));
}
