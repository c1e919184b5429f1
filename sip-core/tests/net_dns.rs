//! Answers from name servers (feature `resolver`): one of our own on 127.0.0.1.
#![cfg(feature = "resolver")]

mod net_support;

use core::net::SocketAddr;

use net_support::{answer_all, driver, loopback, request, soon};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::Event;
use sip_core::net::{Config, Dns, Transports};
use sip_core::resolve::{self, Answer, Dispatch, Kind, Naptr, Question, Record, Resolver, Srv};
use sip_core::{Method, StatusCode, Transport};
use tokio::net::UdpSocket;

fn name(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn text(text: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(text.len()).unwrap()];
    out.extend_from_slice(text.as_bytes());
    out
}

/// What the name server knows: name, type, time to live, data.
type Zone = Vec<(&'static str, u16, u32, Vec<u8>)>;

/// Answers from `zone`; denies all else for 17 s, and fails for `broken.example`.
async fn serve(socket: UdpSocket, zone: Zone) {
    let mut buffer = [0; 512];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
        let query = &buffer[..length];
        let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
        let question = &query[12..end];
        let asked = question[..question.len() - 4].to_ascii_lowercase();
        let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
        let found: Vec<_> =
            zone.iter().filter(|(n, k, ..)| name(n) == asked && *k == kind).collect();
        let known = zone.iter().any(|(n, ..)| name(n) == asked);
        let code = match (asked == name("broken.example"), known) {
            (true, _) => 2,
            (false, true) => 0,
            (false, false) => 3,
        };
        let mut out = query[..2].to_vec();
        out.extend_from_slice(&[0x84, 0x80 | code, 0, 1]);
        out.extend_from_slice(&u16::try_from(found.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&[0, u8::from(found.is_empty() && code != 2), 0, 0]);
        out.extend_from_slice(question);
        for (_, kind, ttl, data) in &found {
            out.extend_from_slice(&[0xc0, 12]);
            out.extend_from_slice(&kind.to_be_bytes());
            out.extend_from_slice(&[0, 1]);
            out.extend_from_slice(&ttl.to_be_bytes());
            out.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
            out.extend_from_slice(data);
        }
        if found.is_empty() && code != 2 {
            let mut soa = [name("ns.example"), name("admin.example")].concat();
            soa.extend([1u32, 60, 60, 60, 17].iter().flat_map(|number| number.to_be_bytes()));
            out.extend_from_slice(&name("example"));
            out.extend_from_slice(&[0, 6, 0, 1, 0, 0, 0, 99]);
            out.extend_from_slice(&u16::try_from(soa.len()).unwrap().to_be_bytes());
            out.extend_from_slice(&soa);
        }
        socket.send_to(&out, peer).await.unwrap();
    }
}

async fn server(zone: Zone) -> SocketAddr {
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(serve(socket, zone));
    address
}

fn srv(port: u16, target: &str) -> Vec<u8> {
    let mut data = vec![0, 3, 0, 7];
    data.extend_from_slice(&port.to_be_bytes());
    data.extend_from_slice(&name(target));
    data
}

#[tokio::test]
async fn every_kind_of_answer_is_read() {
    let mut naptr = vec![0, 50, 0, 60];
    naptr.extend([text("s"), text("SIP+D2T"), text("")].concat());
    naptr.extend(name("_sip._tcp.pbx.example"));
    let zone: Zone = vec![
        ("pbx.example", 35, 300, naptr),
        ("_sip._tcp.pbx.example", 33, 200, srv(5070, "host.example")),
        ("host.example", 1, 100, vec![192, 0, 2, 1]),
        ("host.example", 1, 90, vec![192, 0, 2, 2]),
        ("host.example", 28, 80, [vec![0x20, 1, 0x0d, 0xb8], vec![0; 11], vec![1]].concat()),
    ];
    let mut dns = Dns::with_servers(&[server(zone).await]).unwrap();
    let address = |text: &str| Record::Address(text.parse().unwrap());
    let cases = [
        (
            Question::new("pbx.example", Kind::Naptr),
            Answer::found(
                vec![Record::Naptr(Naptr {
                    order: 50,
                    preference: 60,
                    flags: "s".to_owned(),
                    service: "SIP+D2T".to_owned(),
                    replacement: "_sip._tcp.pbx.example.".to_owned(),
                })],
                300,
            ),
        ),
        (
            Question::new("_sip._tcp.pbx.example", Kind::Srv),
            Answer::found(
                vec![Record::Srv(Srv {
                    priority: 3,
                    weight: 7,
                    port: 5070,
                    target: "host.example.".to_owned(),
                })],
                200,
            ),
        ),
        (
            Question::new("host.example", Kind::A),
            Answer::found(vec![address("192.0.2.1"), address("192.0.2.2")], 90),
        ),
        (
            Question::new("host.example", Kind::Aaaa),
            Answer::found(vec![address("2001:db8::1")], 80),
        ),
        (Question::new("pbx.example", Kind::A), Answer::absent(17)),
        (Question::new("nobody.example", Kind::A), Answer::absent(17)),
        (Question::new("broken.example", Kind::A), Answer::Failed),
    ];
    for (question, expected) in cases {
        dns.ask(question.clone());
        let (asked, mut answer) = soon(dns.answer()).await;
        assert_eq!(asked, question);
        if let Answer::Found { records, .. } = &mut answer {
            records.sort_by_key(|record| format!("{record:?}"));
        }
        assert_eq!(answer, expected, "{question}");
    }
}

#[tokio::test]
async fn a_request_for_a_name_finds_its_server() {
    let mut bob = Transports::new(Config::default());
    let address = bob.bind_tcp(loopback()).await.unwrap();
    tokio::spawn(answer_all(driver(bob, 2)));
    let zone: Zone = vec![
        ("_sip._tcp.pbx.example", 33, 60, srv(address.port(), "host.example")),
        ("host.example", 1, 60, vec![127, 0, 0, 1]),
    ];
    let mut dns = Dns::with_servers(&[server(zone).await]).unwrap();
    let mut alice = Transports::new(Config::default());
    alice.bind_udp(loopback()).await.unwrap();
    alice.bind_tcp(loopback()).await.unwrap();
    let mut alice = driver(alice, 1);
    let random = |seed| Box::new(ChaCha8Rng::seed_from_u64(seed));
    let resolver = Resolver::new(resolve::Config::default(), random(3));
    let mut dispatch = Dispatch::new(resolver, random(4));
    dispatch.send(alice.now(), request(Method::Options, "sip:bob@pbx.example")).unwrap();
    let event = soon(async {
        loop {
            while let Some(question) = dispatch.resolver.poll_question() {
                dns.ask(question);
            }
            let now = alice.now();
            dispatch.settle(now, &mut alice.endpoint, &mut alice.transports);
            tokio::select! {
                (question, answer) = dns.answer() => {
                    dispatch.resolver.handle_answer(alice.now(), &question, answer);
                }
                event = alice.event() => return event,
            }
        }
    })
    .await;
    let Event::Response { response, flow, .. } = event else { panic!("{event:?}") };
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!((flow.transport, flow.remote), (Transport::Tcp, address));
}
