//! Locating servers (RFC 3263), with a script in place of DNS.

mod common;

use core::time::Duration;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{self, Endpoint, Event, Input};
use sip_core::header::{CallId, From, NameAddr, Via};
use sip_core::resolve::{
    Answer, Config, Destination, Dispatch, DispatchError, DispatchEvent, Error, Families, Kind,
    Naptr, Question, Record, Resolver, Srv, Target, Targets,
};
use sip_core::{
    Flow, HeaderName, Limits, Message, Method, Request, Response, StatusCode, Transmit, Transport,
    Uri,
};

const START: Duration = Duration::from_secs(100);

/// A zone: what is asked for, and the answer; all else is absent.
#[derive(Default)]
struct Zone {
    answers: BTreeMap<String, Answer>,
    asked: Vec<String>,
}

impl Zone {
    fn of(lines: &[&str]) -> Self {
        let mut zone = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words[at].parse().unwrap();
            let record = match words[1] {
                "A" | "AAAA" => Record::Address(words[2].parse().unwrap()),
                "SRV" => Record::Srv(Srv {
                    priority: number(2),
                    weight: number(3),
                    port: number(4),
                    target: words[5].to_owned(),
                }),
                _ => Record::Naptr(Naptr {
                    order: number(2),
                    preference: number(3),
                    flags: words[4].to_owned(),
                    service: words[5].to_owned(),
                    replacement: words[6].to_owned(),
                }),
            };
            let key = format!("{} {}", words[0], words[1]);
            match zone.answers.get_mut(&key) {
                Some(Answer::Found { records, .. }) => records.push(record),
                _ => {
                    zone.answers.insert(key, Answer::found(vec![record], 60));
                }
            }
        }
        zone
    }

    fn ask(&mut self, question: &Question) -> Answer {
        self.asked.push(question.to_string());
        self.answers.get(&question.to_string()).cloned().unwrap_or(Answer::absent(30))
    }

    fn serve(&mut self, now: Duration, resolver: &mut Resolver) {
        while let Some(question) = resolver.poll_question() {
            let answer = self.ask(&question);
            resolver.handle_answer(now, &question, answer);
        }
    }
}

fn resolver(configure: impl Fn(&mut Config)) -> Resolver {
    let mut config = Config::default();
    config.transports = vec![Transport::Udp, Transport::Tcp, Transport::Tls];
    configure(&mut config);
    Resolver::new(config, Box::new(ChaCha8Rng::seed_from_u64(1)))
}

fn destination(uri: &str) -> Destination {
    Destination::of(&uri.parse().unwrap()).unwrap()
}

fn find(zone: &mut Zone, resolver: &mut Resolver, uri: &str) -> Result<Targets, Error> {
    let id = resolver.resolve(START, destination(uri));
    zone.serve(START, resolver);
    let event = resolver.poll_event().expect("an outcome");
    assert_eq!(event.id, id);
    assert_eq!(resolver.lookups(), 0);
    event.outcome
}

fn texts(targets: &Targets) -> Vec<String> {
    targets.iter().map(Target::to_string).collect()
}

/// The targets of a URI in a zone, and what was asked for them.
fn located(zone: &[&str], uri: &str) -> (Vec<String>, Vec<String>) {
    let mut zone = Zone::of(zone);
    let targets = find(&mut zone, &mut resolver(|_| {}), uri).unwrap();
    (texts(&targets), zone.asked)
}

fn error(zone: &[&str], uri: &str) -> Error {
    find(&mut Zone::of(zone), &mut resolver(|_| {}), uri).unwrap_err()
}

/// The example of §4.1, with two servers for TCP.
const EXAMPLE: [&str; 8] = [
    "example.com NAPTR 50 50 s SIPS+D2T _sips._tcp.example.com.",
    "example.com NAPTR 90 50 s SIP+D2T _sip._tcp.example.com",
    "example.com NAPTR 100 50 S sip+d2u _sip._udp.example.com.",
    "_sip._tcp.example.com SRV 0 1 5060 server1.example.com.",
    "_sip._tcp.example.com SRV 1 2 5070 server2.example.com.",
    "_sips._tcp.example.com SRV 0 0 5061 server1.example.com.",
    "server1.example.com A 192.0.2.1",
    "server2.example.com A 192.0.2.2",
];

#[test]
fn naptr_then_srv_then_addresses() {
    let (targets, asked) = located(&EXAMPLE, "sip:bob@Example.com");
    assert_eq!(targets, ["TLS 192.0.2.1:5061", "TCP 192.0.2.1:5060", "TCP 192.0.2.2:5070"]);
    assert_eq!(
        asked,
        [
            "example.com NAPTR",
            "_sips._tcp.example.com SRV",
            "_sip._tcp.example.com SRV",
            "_sip._udp.example.com SRV",
            "server1.example.com A",
            "server2.example.com A",
        ]
    );
}

#[test]
fn sips_takes_nothing_but_tls() {
    assert_eq!(located(&EXAMPLE, "sips:bob@example.com").0, ["TLS 192.0.2.1:5061"]);
    let plain = &EXAMPLE[1..];
    assert_eq!(error(plain, "sips:bob@example.com"), Error::NoCommonTransport);
    let (targets, _) = located(&["a.net A 192.0.2.7"], "sips:a.net;transport=tcp");
    assert_eq!(targets, ["TLS 192.0.2.7:5061"]);
    // sips over UDP is a contradiction (RFC 3261 §26.2.2).
    assert_eq!(error(&["a.net A 192.0.2.7"], "sips:a.net;transport=udp"), Error::NoCommonTransport);
}

#[test]
fn a_transport_that_is_written_needs_no_naptr() {
    let (targets, asked) = located(&EXAMPLE, "sip:example.com;transport=tcp");
    assert_eq!(targets, ["TCP 192.0.2.1:5060", "TCP 192.0.2.2:5070"]);
    assert!(!asked.contains(&"example.com NAPTR".to_owned()));
}

#[test]
fn without_naptr_each_transport_is_asked_for() {
    let zone = [
        "_sip._udp.example.com SRV 0 0 5062 a.example.com",
        "_sips._tcp.example.com SRV 0 0 5063 a.example.com",
        "a.example.com A 192.0.2.1",
    ];
    assert_eq!(located(&zone, "sip:example.com").0, ["UDP 192.0.2.1:5062", "TLS 192.0.2.1:5063"]);
}

#[test]
fn without_any_service_the_name_itself_serves() {
    let zone = ["pbx.example.com A 192.0.2.1", "pbx.example.com A 192.0.2.2"];
    let (targets, _) = located(&zone, "sip:pbx.example.com");
    assert_eq!(targets, ["UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060"]);
    let (targets, _) = located(&zone, "sips:pbx.example.com");
    assert_eq!(targets, ["TLS 192.0.2.1:5061", "TLS 192.0.2.2:5061"]);
}

#[test]
fn a_port_asks_for_addresses_only() {
    let (targets, asked) = located(&EXAMPLE, "sip:server1.example.com:5080");
    assert_eq!(targets, ["UDP 192.0.2.1:5080"]);
    assert_eq!(asked, ["server1.example.com A"]);
    let (targets, _) = located(&EXAMPLE, "sip:x@elsewhere.net:5080;maddr=server2.example.com");
    assert_eq!(targets, ["UDP 192.0.2.2:5080"]);
}

#[test]
fn addresses_ask_nothing() {
    for (uri, target) in [
        ("sip:192.0.2.5", "UDP 192.0.2.5:5060"),
        ("sips:192.0.2.5", "TLS 192.0.2.5:5061"),
        ("sip:192.0.2.5;transport=tcp", "TCP 192.0.2.5:5060"),
        ("sip:[2001:db8::1]:5090", "UDP [2001:db8::1]:5090"),
    ] {
        let (targets, asked) = located(&[], uri);
        assert_eq!(targets, [target]);
        assert!(asked.is_empty());
    }
}

#[test]
fn what_is_not_there_is_said() {
    assert_eq!(error(&[], "sip:nobody.example.com"), Error::NoSuchName);
    let denial = ["_sip._udp.a.net SRV 0 0 0 ."];
    assert_eq!(error(&denial, "sip:a.net;transport=udp"), Error::NoSuchService);
    let strange = ["a.net NAPTR 1 1 s SIP+D2S _sip._sctp.a.net", "a.net A 192.0.2.1"];
    assert_eq!(error(&strange, "sip:a.net"), Error::NoCommonTransport);
    assert_eq!(error(&["a.net A 192.0.2.1"], "sip:a.net;transport=sctp"), Error::NoCommonTransport);
    let mut zone = Zone::default();
    zone.answers.insert("a.net A".to_owned(), Answer::Failed);
    assert_eq!(find(&mut zone, &mut resolver(|_| {}), "sip:a.net:5060"), Err(Error::Unreachable));
}

#[test]
fn families_are_asked_for_in_their_order() {
    let zone = ["a.net A 192.0.2.1", "a.net AAAA 2001:db8::1"];
    let cases: [(Families, &[&str]); 4] = [
        (Families::V4, &["UDP 192.0.2.1:5"]),
        (Families::V6, &["UDP [2001:db8::1]:5"]),
        (Families::V4First, &["UDP 192.0.2.1:5", "UDP [2001:db8::1]:5"]),
        (Families::V6First, &["UDP [2001:db8::1]:5", "UDP 192.0.2.1:5"]),
    ];
    for (families, expected) in cases {
        let mut resolver = resolver(|config| config.families = families);
        let targets = find(&mut Zone::of(&zone), &mut resolver, "sip:a.net:5").unwrap();
        assert_eq!(texts(&targets), expected);
    }
}

#[test]
fn answers_and_denials_are_kept_for_their_time() {
    let mut resolver = resolver(|config| config.longest_denial = Duration::from_secs(10));
    let mut zone = Zone::of(&["a.net A 192.0.2.1"]);
    for (after, questions) in [
        // The address holds for 60 s, the three denials of services for 10.
        (0, 5),
        (9, 0),
        (10, 4),
        (59, 4),
        (60, 1),
    ] {
        let now = START + Duration::from_secs(after);
        zone.asked.clear();
        resolver.resolve(now, destination("sip:a.net"));
        zone.serve(now, &mut resolver);
        assert!(resolver.poll_event().unwrap().outcome.is_ok());
        assert_eq!(zone.asked.len(), questions, "after {after} s: {:?}", zone.asked);
    }
    resolver.forget();
    assert_eq!(resolver.answers(), 0);
}

#[test]
fn an_answer_that_holds_for_no_time_serves_its_lookup() {
    let mut zone = Zone::default();
    let address = Record::Address([192, 0, 2, 1].into());
    zone.answers.insert("a.net A".to_owned(), Answer::found(vec![address], 0));
    let mut resolver = resolver(|_| {});
    for _ in 0..2 {
        assert!(find(&mut zone, &mut resolver, "sip:a.net:5060").is_ok());
    }
    assert_eq!(zone.asked.len(), 2);
}

#[test]
fn one_question_serves_all_who_wait_and_silence_ends_in_failure() {
    let mut resolver = resolver(|_| {});
    let first = resolver.resolve(START, destination("sip:a.net:5060"));
    let second = resolver.resolve(START, destination("sip:A.NET.:5061"));
    let dropped = resolver.resolve(START, destination("sip:a.net:5062"));
    let question = resolver.poll_question().unwrap();
    assert_eq!(question, Question::new("a.net", Kind::A));
    assert_eq!(resolver.poll_question(), None);
    resolver.cancel(dropped);
    let deadline = resolver.poll_timeout().unwrap();
    assert_eq!(deadline, START + Duration::from_secs(5));
    resolver.handle_timeout(deadline);
    for id in [first, second] {
        let event = resolver.poll_event().unwrap();
        assert_eq!((event.id, event.outcome), (id, Err(Error::Unreachable)));
    }
    assert_eq!(resolver.poll_event(), None);
    assert_eq!(resolver.poll_timeout(), None);
    // For a while nobody is asked again.
    resolver.resolve(deadline, destination("sip:a.net:5060"));
    assert_eq!(resolver.poll_question(), None);
    assert!(resolver.poll_event().unwrap().outcome.is_err());
}

#[test]
fn memory_is_bounded() {
    let mut resolver = resolver(|config| {
        config.lookups = 2;
        config.answers = 3;
        config.targets = 4;
    });
    for n in 0..3 {
        resolver.resolve(START, destination(&format!("sip:h{n}.net:5060")));
    }
    assert_eq!(resolver.lookups(), 2);
    assert_eq!(resolver.poll_event().unwrap().outcome, Err(Error::Full));
    let lines: Vec<String> = (0..50)
        .map(|n| format!("_sip._udp.big.net SRV 0 0 5060 h{n}.big.net"))
        .chain((0..50).map(|n| format!("h{n}.big.net A 192.0.2.{n}")))
        .collect();
    let mut zone = Zone::of(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    zone.serve(START, &mut resolver);
    while resolver.poll_event().is_some() {}
    let targets = find(&mut zone, &mut resolver, "sip:big.net;transport=udp").unwrap();
    assert_eq!(targets.len(), 4);
    assert!(zone.asked.len() <= 2 + 1 + 4, "{:?}", zone.asked);
    assert!(resolver.answers() <= 3);
}

#[test]
fn what_failed_is_tried_last_for_a_while() {
    let zone = ["a.net A 192.0.2.1", "a.net A 192.0.2.2"];
    let mut zone = Zone::of(&zone);
    let mut resolver = resolver(|_| {});
    let targets = find(&mut zone, &mut resolver, "sip:a.net:5060").unwrap();
    resolver.avoid(START, targets.first().unwrap(), Some(Duration::from_secs(7)));
    let mut at = |seconds| {
        let now = START + Duration::from_secs(seconds);
        resolver.resolve(now, destination("sip:a.net:5060"));
        texts(&resolver.poll_event().unwrap().outcome.unwrap())
    };
    assert_eq!(at(6), ["UDP 192.0.2.2:5060", "UDP 192.0.2.1:5060"]);
    assert_eq!(at(7), ["UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060"]);
}

#[test]
fn long_requests_go_by_tcp_first() {
    let targets = || {
        find(&mut Zone::of(&EXAMPLE), &mut resolver(|_| {}), "sip:server1.example.com:5060")
            .unwrap()
    };
    assert_eq!(texts(&targets().for_size(1300, None)), ["UDP 192.0.2.1:5060"]);
    let both = ["TCP 192.0.2.1:5060", "UDP 192.0.2.1:5060"];
    assert_eq!(texts(&targets().for_size(1301, None)), both);
    assert_eq!(texts(&targets().for_size(9000, Some(9200))), ["UDP 192.0.2.1:5060"]);
    assert_eq!(texts(&targets().for_size(9001, Some(9200))), both);
}

/// An endpoint behind a dispatch, and what it has sent.
struct Desk {
    endpoint: Endpoint,
    dispatch: Dispatch,
    zone: Zone,
    now: Duration,
}

impl Desk {
    fn new(zone: &[&str]) -> Self {
        let random = |seed| Box::new(ChaCha8Rng::seed_from_u64(seed));
        Self {
            endpoint: Endpoint::new(endpoint::Config::default(), random(1)),
            dispatch: Dispatch::new(resolver(|_| {}), random(2)),
            zone: Zone::of(zone),
            now: START,
        }
    }

    fn ways(target: &Target) -> Option<Flow> {
        let local = "192.0.2.99:5060".parse().unwrap();
        let (transport, remote) = (target.transport, target.address);
        // No way by TLS here.
        (transport != Transport::Tls).then_some(Flow { transport, local, remote, connection: None })
    }

    fn run(&mut self) {
        self.zone.serve(self.now, &mut self.dispatch.resolver);
        self.dispatch.settle(self.now, &mut self.endpoint, &mut Self::ways);
    }

    fn sent(&mut self) -> Transmit {
        self.endpoint.poll_transmit().expect("something to send")
    }

    /// The next event that is not dealt with.
    fn event(&mut self) -> Option<Event> {
        while let Some(event) = self.endpoint.poll_event() {
            let kept =
                self.dispatch.handle_event(self.now, event, &mut self.endpoint, &mut Self::ways);
            if kept.is_some() {
                return kept;
            }
        }
        None
    }

    fn answer(&mut self, transmit: &Transmit, status: StatusCode, more: &str) {
        let request = parse(transmit);
        let mut response = Response::to(&request, status);
        response.set_to_tag("t").unwrap();
        let text = String::from_utf8(response.to_bytes().to_vec()).unwrap();
        let message = text.replacen("\r\n\r\n", &format!("\r\n{more}\r\n"), 1).into();
        self.endpoint.handle_input(self.now, Input::Received { flow: transmit.flow, message });
    }
}

fn parse(transmit: &Transmit) -> Request {
    match Message::parse(transmit.bytes.clone(), &Limits::default()).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn options(uri: &str) -> Request {
    let mut request = Request::new(Method::Options, uri.parse::<Uri>().unwrap());
    request.headers.push(From(NameAddr::new("sip:a@b.net".parse::<Uri>().unwrap())));
    request
}

fn place(transmit: &Transmit) -> String {
    format!("{} {}", transmit.flow.transport, transmit.flow.remote)
}

#[test]
fn a_request_goes_on_to_the_next_server_after_503_and_after_a_failure() {
    let mut desk = Desk::new(&EXAMPLE);
    let id = desk.dispatch.send(desk.now, options("sip:bob@example.com")).unwrap();
    assert!(desk.endpoint.poll_transmit().is_none(), "nothing is known yet");
    desk.run();
    // TLS comes first, and there is no way by it.
    let first = desk.sent();
    assert_eq!(place(&first), "TCP 192.0.2.1:5060");
    desk.answer(&first, StatusCode::SERVICE_UNAVAILABLE, "Retry-After: 90\r\n");
    assert_eq!(desk.event(), None, "another attempt follows");
    let second = desk.sent();
    assert_eq!(place(&second), "TCP 192.0.2.2:5070");
    let (one, other) = (parse(&first), parse(&second));
    let call_id = |request: &Request| request.headers.require::<CallId>().unwrap();
    let branch =
        |request: &Request| request.headers.require::<Via>().unwrap().branch().map(str::to_owned);
    assert_eq!(call_id(&one), call_id(&other));
    assert_ne!(branch(&one), branch(&other));
    let mut clients = Vec::new();
    while let Some(event) = desk.dispatch.poll_event() {
        let DispatchEvent::Sent { id: of, client, .. } = event else { panic!("{event:?}") };
        assert_eq!(of, id);
        clients.push(client);
    }
    assert_eq!(clients.len(), 2);
    // The last one's failure is the request's.
    desk.endpoint.handle_input(desk.now, Input::FlowFailed { flow: second.flow });
    let event = desk.event();
    assert!(matches!(event, Some(Event::Failed { id, .. }) if id == clients[1]), "{event:?}");
    assert!(desk.dispatch.is_empty());

    // The server that wanted 90 s gets them, the other one its 30.
    for (after, expected) in
        [(0, "TCP 192.0.2.1:5060"), (31, "TCP 192.0.2.2:5070"), (91, "TCP 192.0.2.1:5060")]
    {
        desk.now = START + Duration::from_secs(after);
        desk.dispatch.send(desk.now, options("sip:bob@example.com")).unwrap();
        desk.run();
        let sent = desk.sent();
        assert_eq!(place(&sent), expected, "after {after} s");
        desk.answer(&sent, StatusCode::OK, "");
        assert!(matches!(desk.event(), Some(Event::Response { .. })));
    }
}

#[test]
fn an_answer_of_any_other_kind_is_the_answer() {
    let mut desk = Desk::new(&EXAMPLE);
    desk.dispatch.send(desk.now, options("sip:bob@example.com")).unwrap();
    desk.run();
    let sent = desk.sent();
    desk.answer(&sent, StatusCode::NOT_FOUND, "");
    assert!(matches!(desk.event(), Some(Event::Response { .. })));
    assert!(desk.endpoint.poll_transmit().is_none() && desk.dispatch.is_empty());
}

#[test]
fn a_time_out_goes_on_too() {
    let mut desk = Desk::new(&["a.net A 192.0.2.1", "a.net A 192.0.2.2"]);
    desk.dispatch.send(desk.now, options("sip:a.net:5060")).unwrap();
    desk.run();
    assert_eq!(place(&desk.sent()), "UDP 192.0.2.1:5060");
    desk.now += Duration::from_secs(33);
    desk.endpoint.handle_timeout(desk.now);
    while let Some(repeated) = desk.endpoint.poll_transmit() {
        assert_eq!(place(&repeated), "UDP 192.0.2.1:5060");
    }
    assert_eq!(desk.event(), None);
    assert_eq!(place(&desk.sent()), "UDP 192.0.2.2:5060");
}

#[test]
fn a_long_request_falls_back_to_udp_when_tcp_is_refused() {
    let mut desk = Desk::new(&["a.net A 192.0.2.1"]);
    let mut request = options("sip:a.net:5060");
    request.body = vec![b'x'; 2000].into();
    desk.dispatch.send(desk.now, request).unwrap();
    desk.run();
    let first = desk.sent();
    assert_eq!(place(&first), "TCP 192.0.2.1:5060");
    assert!(first.bytes.windows(12).any(|text| text == b"SIP/2.0/TCP "));
    desk.endpoint.handle_input(desk.now, Input::FlowFailed { flow: first.flow });
    assert_eq!(desk.event(), None);
    let second = desk.sent();
    assert_eq!(place(&second), "UDP 192.0.2.1:5060");
    assert!(second.bytes.windows(12).any(|text| text == b"SIP/2.0/UDP "));
}

#[test]
fn what_cannot_be_sent_is_said() {
    let mut desk = Desk::new(&["a.net A 192.0.2.1"]);
    for (uri, expected) in [
        ("sip:nobody.net", DispatchError::Unresolved(Error::NoSuchName)),
        ("sips:a.net", DispatchError::NoWay),
    ] {
        let id = desk.dispatch.send(desk.now, options(uri)).unwrap();
        desk.run();
        let Some(DispatchEvent::Unsent { id: of, error }) = desk.dispatch.poll_event() else {
            panic!("sent")
        };
        assert_eq!((of, error), (id, expected));
    }
    let tel = desk.dispatch.send(desk.now, options("tel:+1234"));
    assert_eq!(tel.unwrap_err(), DispatchError::NotSip);
    assert!(desk.dispatch.is_empty());
}

#[test]
fn a_route_and_not_the_request_uri_is_the_next_hop() {
    let mut desk = Desk::new(&["proxy.net A 192.0.2.4"]);
    let mut request = options("sip:bob@example.com");
    request.headers.push_raw(HeaderName::Route, b"<sip:proxy.net:5060;lr>").unwrap();
    desk.dispatch.send(desk.now, request).unwrap();
    desk.run();
    assert_eq!(place(&desk.sent()), "UDP 192.0.2.4:5060");
}

#[test]
fn a_dialog_whose_contact_is_a_name_is_followed_there() {
    let mut desk = Desk::new(&["host.net A 192.0.2.8"]);
    let mut invite = options("sip:bob@192.0.2.1");
    invite.method = Method::Invite;
    let flow = Desk::ways(&Target {
        transport: Transport::Udp,
        address: "192.0.2.1:5060".parse().unwrap(),
        host: sip_core::Host::parse("192.0.2.1").unwrap(),
    });
    desk.endpoint.invite(desk.now, invite, flow.unwrap()).unwrap();
    let sent = desk.sent();
    desk.answer(&sent, StatusCode::OK, "Contact: <sip:bob@host.net:5070>\r\n");
    let Some(Event::Response { dialog: Some(dialog), .. }) = desk.event() else { panic!("none") };
    desk.endpoint.ack(desk.now, dialog, None).unwrap();
    desk.sent();
    let bye = endpoint::within(Method::Bye);
    desk.dispatch.send_in(desk.now, &desk.endpoint, dialog, bye.clone()).unwrap();
    desk.run();
    let sent = desk.sent();
    assert_eq!((place(&sent), parse(&sent).method), ("UDP 192.0.2.8:5070".to_owned(), Method::Bye));
    desk.answer(&sent, StatusCode::OK, "");
    assert!(matches!(desk.event(), Some(Event::Response { .. })));
    assert!(desk.dispatch.send_in(desk.now, &desk.endpoint, dialog, bye).is_err());
}

/// A call to a contact that is a host name, answered and not yet acknowledged.
fn answered(desk: &mut Desk) -> sip_core::DialogId {
    let mut invite = options("sip:bob@192.0.2.1");
    invite.method = Method::Invite;
    let flow = Flow::udp("192.0.2.99:5060".parse().unwrap(), "192.0.2.1:5060".parse().unwrap());
    desk.endpoint.invite(desk.now, invite, flow).unwrap();
    let sent = desk.sent();
    desk.answer(&sent, StatusCode::OK, "Contact: <sip:bob@host.net:5070>\r\n");
    let Some(Event::Response { dialog: Some(dialog), .. }) = desk.event() else { panic!("none") };
    dialog
}

#[test]
fn an_ack_goes_to_the_host_that_the_contact_names_or_else_where_the_call_is() {
    for (zone, expected) in [
        ("host.net A 192.0.2.8", "UDP 192.0.2.8:5070"),
        ("other.net A 192.0.2.8", "UDP 192.0.2.1:5060"),
    ] {
        let mut desk = Desk::new(&[zone]);
        let dialog = answered(&mut desk);
        desk.dispatch.ack(desk.now, &mut desk.endpoint, dialog, Some(common::sdp())).unwrap();
        assert!(desk.endpoint.poll_transmit().is_none(), "it is looked up first");
        assert!(!desk.dispatch.is_empty());
        desk.run();
        let sent = desk.sent();
        assert_eq!((place(&sent), parse(&sent).method), (expected.to_owned(), Method::Ack));
        assert_eq!(parse(&sent).body, common::sdp().1);
        assert!(desk.dispatch.is_empty());
    }
}

#[test]
fn a_call_that_is_cancelled_while_it_is_looked_up_is_not_made() {
    let mut desk = Desk::new(&EXAMPLE);
    let mut invite = options("sip:bob@example.com");
    invite.method = Method::Invite;
    let id = desk.dispatch.send(desk.now, invite).unwrap();
    desk.dispatch.cancel(desk.now, id, &mut desk.endpoint).unwrap();
    desk.run();
    assert!(desk.endpoint.poll_transmit().is_none());
    let Some(DispatchEvent::Unsent { id: of, error }) = desk.dispatch.poll_event() else {
        panic!("sent")
    };
    assert_eq!((of, error), (id, DispatchError::Cancelled));
    assert!(desk.dispatch.cancel(desk.now, id, &mut desk.endpoint).is_err());
    assert!(desk.dispatch.is_empty());
}

/// Nobody answers a call that its user has cancelled: it is not made again elsewhere.
#[test]
fn a_cancelled_call_does_not_go_on_to_the_next_server() {
    let mut desk = Desk::new(&EXAMPLE);
    let mut invite = options("sip:bob@example.com");
    invite.method = Method::Invite;
    let id = desk.dispatch.send(desk.now, invite).unwrap();
    desk.run();
    desk.sent();
    desk.dispatch.cancel(desk.now, id, &mut desk.endpoint).unwrap();
    desk.now += Duration::from_secs(33);
    desk.endpoint.handle_timeout(desk.now);
    while let Some(sent) = desk.endpoint.poll_transmit() {
        assert_eq!(parse(&sent).method, Method::Invite, "repetitions");
    }
    assert!(matches!(desk.event(), Some(Event::Failed { .. })));
    desk.run();
    assert!(desk.endpoint.poll_transmit().is_none(), "and no other server is called");
    assert!(desk.dispatch.is_empty());
}
