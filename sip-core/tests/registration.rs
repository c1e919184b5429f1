//! Registering, refreshing, failing over and unregistering (RFC 3261 §10.2, RFC 5626 §4).

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::Credentials;
use sip_core::auth::server::{self, Authenticator, Secret};
use sip_core::header::{CSeq, CallId, Contact, Expires, NameAddr, Route, Supported};
use sip_core::registrar::{self, AddressOfRecord, GruuKey, Registrar};
use sip_core::registration::{Config, Event, KeepAlive, Outbound, Outgoing, Reason, Registration};
use sip_core::{ConnectionId, Flow, HeaderName, Method, Request, Response, StatusCode, Transport};

const URN: &str = "urn:uuid:00000000-0000-1000-8000-000A95A0E128";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn config() -> Config {
    let aor = "sip:101@example.com".parse().unwrap();
    let mut config = Config::new(aor, "sip:101@192.0.2.9:5062".parse().unwrap());
    config.keep_alive = KeepAlive::Off;
    config
}

fn begin(config: Config) -> Registration {
    Registration::new(secs(0), config, Box::new(ChaCha8Rng::seed_from_u64(1))).unwrap()
}

fn udp() -> Flow {
    Flow::udp("192.0.2.9:5062".parse().unwrap(), "192.0.2.1:5060".parse().unwrap())
}

fn tcp(index: u32) -> Flow {
    Flow {
        transport: Transport::Tcp,
        connection: Some(ConnectionId { index, generation: 0 }),
        ..udp()
    }
}

fn next(registration: &mut Registration) -> Outgoing {
    registration.poll_request().expect("a REGISTER")
}

fn ok(request: &Request, lines: &[(HeaderName, &str)]) -> Response {
    let mut response = Response::to(request, StatusCode::OK);
    for (name, value) in lines {
        response.headers.push_raw(name.clone(), value.as_bytes()).unwrap();
    }
    response
}

fn number(request: &Request) -> u32 {
    request.headers.require::<CSeq>().unwrap().number
}

fn seconds(request: &Request) -> u32 {
    request.headers.require::<Expires>().unwrap().0
}

/// Answers every REGISTER with 200 and these lines; gives the requests.
fn accept(
    r: &mut Registration,
    now: Duration,
    flow: Flow,
    lines: &[(HeaderName, &str)],
) -> Vec<Outgoing> {
    let mut all = Vec::new();
    while let Some(outgoing) = r.poll_request() {
        let response = ok(&outgoing.request, lines);
        r.handle_response(now, outgoing.id, &response, flow);
        all.push(outgoing);
    }
    all
}

/// Lets time pass until there is something to send or to tell; gives the time.
fn run(r: &mut Registration) -> Duration {
    let now = r.poll_timeout().expect("something to wait for");
    r.handle_timeout(now);
    now
}

fn events(r: &mut Registration) -> Vec<Event> {
    core::iter::from_fn(|| r.poll_event()).collect()
}

/// When the next attempt after a failure is.
fn again(r: &mut Registration) -> Option<Duration> {
    match events(r).pop() {
        Some(Event::Failed { again, .. }) => again,
        event => panic!("{event:?}"),
    }
}

#[test]
fn it_refreshes_in_time_with_the_same_call_id_and_rising_numbers() {
    let mut r = begin(config());
    let first = next(&mut r);
    assert_eq!(first.request.method, Method::Register);
    assert_eq!(
        (first.request.uri.to_string(), first.hop.to_string()),
        ("sip:example.com".into(), "sip:example.com".into())
    );
    assert_eq!((seconds(&first.request), first.flow), (3600, None));
    assert!(first.request.headers.require::<Supported>().unwrap().contains("path"));
    // The contact's time counts, and not that of others or the header's.
    let answer = ok(
        &first.request,
        &[
            (HeaderName::Expires, "7"),
            (
                HeaderName::Contact,
                "<sip:other@192.0.2.9>;expires=9, <sip:101@192.0.2.9:5062>;expires=600",
            ),
        ],
    );
    r.handle_response(secs(1), first.id, &answer, udp());
    let [Event::Registered { expires, flow, reg_id: 1, .. }] = events(&mut r)[..] else {
        panic!("what?")
    };
    assert_eq!((expires, flow), (secs(600), udp()));
    assert!(r.is_registered());
    let now = run(&mut r);
    assert!((secs(271)..=secs(301)).contains(&now), "{now:?}");
    let second = next(&mut r);
    assert_eq!(second.flow, Some(udp()), "a refresh keeps to its flow");
    let call_id = |request: &Request| request.headers.require::<CallId>().unwrap();
    assert_eq!(call_id(&first.request), call_id(&second.request));
    assert_eq!(number(&second.request), number(&first.request) + 1);
    // A long one is refreshed ten minutes before its end, or a little earlier.
    let answer = ok(&second.request, &[(HeaderName::Expires, "7200")]);
    r.handle_response(now, second.id, &answer, udp());
    let waited = run(&mut r) - now;
    assert!((secs(5940)..=secs(6600)).contains(&waited), "{waited:?}");
}

#[test]
fn nobody_refreshed_and_it_runs_out() {
    let mut r = begin(config());
    accept(&mut r, secs(0), udp(), &[(HeaderName::Expires, "100")]);
    events(&mut r);
    run(&mut r);
    next(&mut r);
    // No answer comes, not even a failure.
    assert_eq!(run(&mut r), secs(100));
    assert_eq!(events(&mut r), [Event::Lost { reg_id: 1 }]);
    assert!(!r.is_registered());
}

#[test]
fn too_brief_is_asked_for_longer_and_only_once() {
    let mut configuration = config();
    configuration.expires = 60;
    let mut r = begin(configuration);
    let brief = |outgoing: &Outgoing, least: &str| {
        let mut response = Response::to(&outgoing.request, StatusCode::INTERVAL_TOO_BRIEF);
        response.headers.push_raw(HeaderName::MinExpires, least.as_bytes()).unwrap();
        response
    };
    let first = next(&mut r);
    r.handle_response(secs(0), first.id, &brief(&first, "600"), udp());
    let second = next(&mut r);
    assert_eq!(seconds(&second.request), 600);
    r.handle_response(secs(0), second.id, &brief(&second, "600"), udp());
    assert_eq!(again(&mut r), None, "a server that is never content");
    assert_eq!(r.poll_request(), None);
}

#[test]
fn a_challenge_is_answered_and_wrong_passwords_are_not_repeated() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut office = Authenticator::new("example.com", [1; 32], server::Config::default());
    let secret = |_: &str| Some(Secret::Password("right".to_owned()));
    for (password, works) in [("right", true), ("wrong", false)] {
        let mut configuration = config();
        configuration.credentials = Some(Credentials::new("101", password));
        let mut r = begin(configuration);
        let first = next(&mut r);
        let challenge = office.challenge(secs(0), &first.request, false, &mut random);
        r.handle_response(secs(0), first.id, &challenge, udp());
        let second = next(&mut r);
        assert_eq!(
            (second.flow, number(&second.request)),
            (Some(udp()), number(&first.request) + 1)
        );
        let verified = office.verify(secs(0), &second.request, &secret);
        assert_eq!(verified.is_ok(), works);
        if works {
            let answer = ok(&second.request, &[]);
            r.handle_response(secs(0), second.id, &answer, udp());
            assert!(r.is_registered());
            // The next one counts on from there.
            run(&mut r);
            assert_eq!(number(&next(&mut r).request), number(&second.request) + 1);
        } else {
            let challenge = office.challenge(secs(0), &second.request, false, &mut random);
            r.handle_response(secs(0), second.id, &challenge, udp());
            let [Event::Failed { reason: Reason::Credentials(_), again: None, .. }] =
                events(&mut r)[..]
            else {
                panic!("what?")
            };
            assert_eq!((r.poll_request(), r.poll_timeout()), (None, None));
        }
    }
}

#[test]
fn refusals_are_final_unless_configured() {
    for (pause, expected) in [(None, None), (Some(secs(300)), Some(secs(305)))] {
        let mut configuration = config();
        configuration.retry_refused = pause;
        let mut r = begin(configuration);
        let first = next(&mut r);
        let response = Response::to(&first.request, StatusCode::FORBIDDEN);
        r.handle_response(secs(5), first.id, &response, udp());
        assert_eq!(again(&mut r), expected);
        assert_eq!(r.poll_timeout(), expected);
    }
    let mut r = begin(config());
    next(&mut r);
    r.refresh(secs(9));
    assert_eq!(r.poll_request(), None, "one is under way");
}

#[test]
fn failures_go_round_the_servers_then_pause_and_the_pause_grows() {
    let mut configuration = config();
    configuration.servers =
        ["sip:a.net", "sip:b.net", "sip:c.net"].map(|s| s.parse().unwrap()).to_vec();
    let mut r = begin(configuration);
    let mut now = secs(0);
    let mut pauses = Vec::new();
    for round in 0..4 {
        for server in ["sip:a.net", "sip:b.net", "sip:c.net"] {
            let outgoing = next(&mut r);
            assert_eq!(outgoing.hop.to_string(), server, "round {round}");
            let route: Route = outgoing.request.headers.require().unwrap();
            assert_eq!(route.uri.to_string(), format!("{server};lr"));
            match round {
                0 => r.handle_failure(now, outgoing.id),
                _ => {
                    let busy = Response::to(&outgoing.request, StatusCode::SERVICE_UNAVAILABLE);
                    r.handle_response(now, outgoing.id, &busy, udp());
                }
            }
        }
        let pause = again(&mut r).unwrap() - now;
        pauses.push(pause);
        now = run(&mut r);
    }
    for (pause, least) in pauses.iter().zip([30, 60, 120, 240]) {
        assert!((secs(least)..=secs(2 * least)).contains(pause), "{pauses:?}");
    }
    // One that works is kept to.
    let outgoing = next(&mut r);
    r.handle_failure(now, outgoing.id);
    accept(&mut r, now, udp(), &[]);
    run(&mut r);
    assert_eq!(next(&mut r).hop.to_string(), "sip:b.net");
}

#[test]
fn retry_after_is_heeded() {
    let mut r = begin(config());
    let first = next(&mut r);
    let mut busy = Response::to(&first.request, StatusCode::SERVICE_UNAVAILABLE);
    busy.headers.push_raw(HeaderName::RetryAfter, b"999").unwrap();
    r.handle_response(secs(1), first.id, &busy, udp());
    assert_eq!(again(&mut r), Some(secs(1000)));
}

#[test]
fn unregistering_ends_everything_even_without_an_answer() {
    let mut r = begin(config());
    accept(&mut r, secs(0), udp(), &[]);
    events(&mut r);
    r.unregister(secs(10));
    let bye = next(&mut r);
    assert_eq!((seconds(&bye.request), bye.flow), (0, Some(udp())));
    assert!(r.poll_timeout().is_none_or(|at| at >= secs(3600)));
    r.handle_failure(secs(42), bye.id);
    assert_eq!(events(&mut r), [Event::Unregistered]);
    assert!(!r.is_registered() && r.poll_timeout().is_none());
    // While the first one is under way: it may have been taken.
    let mut r = begin(config());
    let first = next(&mut r);
    r.unregister(secs(0));
    let bye = next(&mut r);
    assert_eq!(seconds(&bye.request), 0);
    r.handle_response(secs(0), first.id, &ok(&first.request, &[]), udp());
    assert!(!r.is_registered(), "a late answer changes nothing");
    r.handle_response(secs(0), bye.id, &ok(&bye.request, &[]), udp());
    assert_eq!(events(&mut r), [Event::Unregistered]);
}

#[test]
fn a_new_contact_is_registered_at_once() {
    let mut r = begin(config());
    accept(&mut r, secs(0), udp(), &[]);
    r.set_contact(secs(9), NameAddr::parse("<sip:101@203.0.113.7:40000>").unwrap());
    let contact: Contact = next(&mut r).request.headers.require().unwrap();
    assert_eq!(contact.address().unwrap().uri.to_string(), "sip:101@203.0.113.7:40000");
}

fn two_flows() -> Config {
    let mut configuration = config();
    configuration.servers = ["sip:a.net", "sip:b.net"].map(|s| s.parse().unwrap()).to_vec();
    configuration.instance = Some(URN.to_owned());
    configuration.outbound = Some(Outbound { flows: 9 });
    configuration
}

/// Lets a real registrar answer, each server over a connection of its own.
fn office(r: &mut Registration, registrar: &mut Registrar, now: Duration) {
    let aor = AddressOfRecord::new("101", "example.com");
    while let Some(outgoing) = r.poll_request() {
        let new = if outgoing.hop.to_string() == "sip:a.net" { tcp(1) } else { tcp(2) };
        let flow = outgoing.flow.unwrap_or(new);
        let answer = registrar.register(now, &aor, &outgoing.request, flow);
        let answer = answer.unwrap_or_else(|rejection| rejection.response(&outgoing.request));
        r.handle_response(now, outgoing.id, &answer, flow);
    }
}

#[test]
fn with_outbound_there_is_a_flow_to_each_server() {
    let mut table = registrar::Config::default();
    table.gruu = Some(GruuKey::new([1; 32]));
    let mut registrar = Registrar::new(table);
    let mut r = begin(two_flows());
    office(&mut r, &mut registrar, secs(0));
    let registered = events(&mut r);
    for (event, number) in registered.iter().zip([1, 2]) {
        let Event::Registered { reg_id, flow, public_gruu, temporary_gruu, .. } = event else {
            panic!("{event:?}")
        };
        assert_eq!((*reg_id, *flow), (number, tcp(number)));
        assert_eq!(
            public_gruu.as_ref().unwrap().to_string(),
            format!("sip:101@example.com;gr={URN}")
        );
        assert!(temporary_gruu.is_some());
    }
    assert_eq!((registered.len(), registrar.len()), (2, 2));

    // One dies young: after a pause it comes back, while the other one stays.
    r.handle_flow_failed(secs(5), tcp(2));
    registrar.flow_failed(&tcp(2));
    assert_eq!(events(&mut r), [Event::Lost { reg_id: 2 }]);
    assert_eq!(r.flows().collect::<Vec<_>>(), [(1, tcp(1))]);
    let now = run(&mut r);
    assert!((secs(95)..=secs(185)).contains(&now), "{now:?}");
    office(&mut r, &mut registrar, now);
    assert_eq!(registrar.len(), 2);
    events(&mut r);

    // One that has stood for long comes back at once.
    r.handle_flow_failed(now + secs(120), tcp(2));
    registrar.flow_failed(&tcp(2));
    office(&mut r, &mut registrar, now + secs(120));
    assert_eq!(registrar.len(), 2);

    r.unregister(now + secs(200));
    office(&mut r, &mut registrar, now + secs(200));
    assert!(registrar.is_empty());
    assert_eq!(events(&mut r).pop(), Some(Event::Unregistered));
}

#[test]
fn a_registrar_without_outbound_gets_one_flow() {
    let mut table = registrar::Config::default();
    table.outbound = false;
    let mut registrar = Registrar::new(table);
    let mut r = begin(two_flows());
    office(&mut r, &mut registrar, secs(0));
    assert_eq!((registrar.len(), r.flows().count()), (1, 1));
    let now = run(&mut r);
    let refresh = next(&mut r);
    let contact: Contact = refresh.request.headers.require().unwrap();
    assert!(!contact.address().unwrap().params.contains("reg-id"));
    assert!(now > secs(600));
}

#[test]
fn a_first_hop_without_outbound_is_used_without() {
    let mut r = begin(two_flows());
    let first = next(&mut r);
    assert!(first.request.headers.require::<Supported>().unwrap().contains("outbound"));
    let lacks = Response::to(&first.request, StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    r.handle_response(secs(0), first.id, &lacks, udp());
    let second = next(&mut r);
    assert!(!second.request.headers.require::<Supported>().unwrap().contains("outbound"));
}

#[test]
fn a_stream_that_does_not_answer_its_ping_is_dead() {
    let mut configuration = config();
    configuration.keep_alive = KeepAlive::Lines { every: None };
    let mut r = begin(configuration);
    accept(&mut r, secs(0), tcp(1), &[(HeaderName::FlowTimer, "100")]);
    events(&mut r);
    let now = run(&mut r);
    assert!((secs(80)..=secs(100)).contains(&now), "{now:?}");
    let ping = r.poll_transmit().unwrap();
    assert_eq!((ping.flow, &ping.bytes[..]), (tcp(1), &b"\r\n\r\n"[..]));
    assert!(!r.handle_keep_alive(now, tcp(2), b"\r\n"), "another flow's");
    assert!(!r.handle_keep_alive(now, tcp(1), b"SIP/2.0 200 OK\r\n"));
    assert!(r.handle_keep_alive(now + secs(9), tcp(1), b"\r\n"));
    let now = run(&mut r);
    assert!(r.poll_transmit().is_some());
    assert_eq!(run(&mut r), now + secs(10));
    assert_eq!(events(&mut r), [Event::Lost { reg_id: 1 }]);
    // It had stood for longer than two minutes.
    assert_eq!(next(&mut r).flow, None);
}

#[test]
fn over_udp_lines_are_sent_and_nothing_is_expected() {
    let mut configuration = config();
    configuration.keep_alive = KeepAlive::Lines { every: None };
    let mut r = begin(configuration);
    accept(&mut r, secs(0), udp(), &[]);
    let mut last = secs(0);
    for _ in 0..10 {
        let now = run(&mut r);
        assert!((last + Duration::from_millis(23_200)..=last + secs(29)).contains(&now));
        assert_eq!(&r.poll_transmit().unwrap().bytes[..], b"\r\n\r\n");
        last = now;
    }
    assert!(r.is_registered());
}

#[test]
fn stun_notices_another_address_and_silence() {
    let mut configuration = config();
    configuration.keep_alive = KeepAlive::Stun { every: Some(secs(20)) };
    let mut r = begin(configuration.clone());
    accept(&mut r, secs(0), udp(), &[]);
    events(&mut r);
    // The answer of a server that sees us at a port of 192.0.2.1.
    let answer = |request: &[u8], port: u16| {
        let mut bytes = vec![1, 1, 0, 12];
        bytes.extend_from_slice(&request[4..]);
        bytes.extend_from_slice(&[0, 0x20, 0, 8, 0, 1]);
        bytes.extend_from_slice(&(port ^ 0x2112).to_be_bytes());
        bytes.extend_from_slice(&[0xe1, 0x12, 0xa6, 0x43]);
        bytes
    };
    for port in [4000, 4000] {
        let now = run(&mut r);
        let request = r.poll_transmit().unwrap().bytes;
        assert_eq!(request.len(), 20);
        assert!(
            r.handle_keep_alive(now, udp(), &answer(&[&request[..8], &[0; 12]].concat(), 1)),
            "not ours"
        );
        assert!(r.handle_keep_alive(now, udp(), &answer(&request, port)));
        assert!(r.is_registered());
    }
    let now = run(&mut r);
    let request = r.poll_transmit().unwrap().bytes;
    assert!(r.handle_keep_alive(now, udp(), &answer(&request, 4001)));
    assert_eq!(events(&mut r), [Event::Lost { reg_id: 1 }]);

    let mut r = begin(configuration);
    accept(&mut r, secs(0), udp(), &[]);
    events(&mut r);
    let first = run(&mut r);
    let mut asked = vec![r.poll_transmit().unwrap()];
    while r.is_registered() {
        let now = run(&mut r);
        asked.extend(r.poll_transmit());
        assert!(now <= first + Duration::from_millis(39_500));
    }
    assert_eq!(asked.len(), 7);
    assert!(asked.windows(2).all(|pair| pair[0] == pair[1]), "it is one transaction");
}

#[test]
fn text_that_no_header_holds_forges_none() {
    let mut configuration = config();
    configuration.instance = Some("urn:x\r\nEvil: \"yes".to_owned());
    let mut r = begin(configuration);
    let bytes = next(&mut r).request.to_bytes();
    let again = Request::parse(bytes, &sip_core::Limits::default()).unwrap();
    assert!(!again.headers.contains(HeaderName::from_static("Evil")));
}

/// Answers a REGISTER with a redirection.
fn redirect(r: &mut Registration, now: Duration, outgoing: &Outgoing, contacts: &str) {
    let mut response = Response::to(&outgoing.request, StatusCode::MOVED_TEMPORARILY);
    response.headers.push_raw(HeaderName::Contact, contacts).unwrap();
    r.handle_response(now, outgoing.id, &response, udp());
}

#[test]
fn a_redirection_is_followed_and_the_registration_stays_there() {
    let mut config = config();
    config.servers = vec!["sip:edge.example.com".parse().unwrap()];
    let mut r = begin(config);
    let first = next(&mut r);
    redirect(
        &mut r,
        secs(1),
        &first,
        "<sip:b.example.com>;q=0.5, <sip:a.example.com;method=BYE?X=y>",
    );
    let second = next(&mut r);
    assert_eq!(
        (second.request.uri.to_string(), second.hop.to_string(), second.flow),
        ("sip:a.example.com".into(), "sip:a.example.com".into(), None)
    );
    assert!(!second.request.headers.contains(HeaderName::Route), "it goes there directly");
    let of = |outgoing: &Outgoing| outgoing.request.headers.require::<CallId>().unwrap();
    assert_eq!(of(&first), of(&second));
    assert_eq!(number(&second.request), number(&first.request) + 1);
    // The best does not answer; the other does.
    r.handle_failure(secs(2), second.id);
    let third = next(&mut r);
    assert_eq!(third.hop.to_string(), "sip:b.example.com");
    let there = tcp(7);
    r.handle_response(secs(3), third.id, &ok(&third.request, &[]), there);
    assert!(matches!(events(&mut r)[..], [Event::Registered { .. }]));
    // Refreshes stay with it, and on its flow.
    run(&mut r);
    let refresh = next(&mut r);
    assert_eq!((refresh.hop.to_string(), refresh.flow), ("sip:b.example.com".into(), Some(there)));
    // When it fails they go back to where they were sent from, and not over its flow.
    r.handle_failure(secs(3000), refresh.id);
    assert!(matches!(events(&mut r)[..], [Event::Failed { .. }]));
    run(&mut r);
    let back = next(&mut r);
    assert_eq!((back.hop.to_string(), back.flow), ("sip:edge.example.com".into(), None));
    assert_eq!(back.request.uri.to_string(), "sip:example.com");
}

#[test]
fn redirections_in_a_circle_end() {
    // To itself: a refusal, as nothing else is left.
    let mut r = begin(config());
    let first = next(&mut r);
    redirect(&mut r, secs(1), &first, "<sip:EXAMPLE.com>");
    assert_eq!(again(&mut r), None);
    // Between two: a failure, after which the first is asked again some time later.
    let mut r = begin(config());
    let first = next(&mut r);
    redirect(&mut r, secs(1), &first, "<sip:a.example.com>");
    let second = next(&mut r);
    redirect(&mut r, secs(1), &second, "<sip:example.com>");
    assert!(again(&mut r).is_some());
    assert!(r.poll_request().is_none());
    run(&mut r);
    assert_eq!(next(&mut r).hop.to_string(), "sip:example.com");
    // And a chain without end.
    let mut r = begin(config());
    for hop in 1..=5 {
        let outgoing = next(&mut r);
        redirect(&mut r, secs(1), &outgoing, &format!("<sip:{hop}.example.com>"));
    }
    let last = next(&mut r);
    assert_eq!(last.hop.to_string(), "sip:5.example.com");
    redirect(&mut r, secs(1), &last, "<sip:6.example.com>");
    assert!(again(&mut r).is_some());
}

#[test]
fn redirections_are_not_followed_where_they_must_not_be() {
    let mut unwilling = config();
    unwilling.redirections = 0;
    let mut r = begin(unwilling);
    let first = next(&mut r);
    redirect(&mut r, secs(1), &first, "<sip:a.example.com>");
    assert_eq!(again(&mut r), None);
    // From what is secured by TLS there is no way to what is not.
    let aor = "sips:101@example.com".parse().unwrap();
    let mut r = begin(Config::new(aor, "sips:101@192.0.2.9:5061".parse().unwrap()));
    let first = next(&mut r);
    redirect(&mut r, secs(1), &first, "<sip:a.example.com>, <sips:b.example.com>");
    let second = next(&mut r);
    assert_eq!(second.hop.to_string(), "sips:b.example.com");
    // Whoever is leaving is not led on.
    r.unregister(secs(2));
    let last = next(&mut r);
    redirect(&mut r, secs(3), &last, "<sips:c.example.com>");
    assert_eq!(events(&mut r).pop(), Some(Event::Unregistered));
    assert!(r.poll_request().is_none());
}
