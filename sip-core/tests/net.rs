//! Endpoints on real sockets (feature `tokio`).
#![cfg(feature = "tokio")]

use core::net::SocketAddr;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{self, Event, Input, within};
use sip_core::header::{From, NameAddr, Via};
use sip_core::net::{Config, Driver, Transports};
use sip_core::transaction::Failure;
use sip_core::{Endpoint, Flow, Method, Request, Response, StatusCode, Transport, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("nothing happened for a long time")
}

fn loopback(v6: bool) -> SocketAddr {
    if v6 { "[::1]:0".parse().unwrap() } else { "127.0.0.1:0".parse().unwrap() }
}

async fn driver(config: Config, v6: bool, seed: u64) -> (Driver, SocketAddr, SocketAddr) {
    let mut transports = Transports::new(config);
    let udp = transports.bind_udp(loopback(v6)).await.unwrap();
    let tcp = transports.bind_tcp(loopback(v6)).await.unwrap();
    let random = Box::new(ChaCha8Rng::seed_from_u64(seed));
    let endpoint = Endpoint::new(endpoint::Config::default(), random);
    (Driver::new(endpoint, transports), udp, tcp)
}

async fn next(driver: &mut Driver) -> Event {
    soon(driver.event()).await
}

fn request(method: Method, to: SocketAddr) -> Request {
    let uri: Uri = format!("sip:bob@{to}").parse().unwrap();
    let mut request = Request::new(method, uri);
    let from: Uri = "sip:alice@example.com".parse().unwrap();
    request.headers.push(From(NameAddr::new(from)));
    request
}

/// Answers everything 200 until it has answered a BYE.
async fn answer_calls(mut driver: Driver) -> Driver {
    loop {
        if let Event::Request { id, request, .. } = driver.event().await {
            let response = Response::to(&request, StatusCode::OK);
            driver.endpoint.respond(driver.now(), id, response).unwrap();
            if request.method == Method::Bye {
                driver.flush();
                return driver;
            }
        }
    }
}

async fn call(transport: Transport, v6: bool) {
    let (mut alice, alice_udp, alice_tcp) = driver(Config::default(), v6, 1).await;
    let (bob, bob_udp, bob_tcp) = driver(Config::default(), v6, 2).await;
    let (local, remote) = match transport {
        Transport::Udp => (alice_udp, bob_udp),
        _ => (alice_tcp, bob_tcp),
    };
    let bob = tokio::spawn(answer_calls(bob));
    let flow = Flow { transport, local, remote, connection: None };
    let now = alice.now();
    alice.endpoint.invite(now, request(Method::Invite, remote), flow).unwrap();
    let Event::Response { dialog: Some(dialog), response, flow, .. } = next(&mut alice).await
    else {
        panic!("no answer");
    };
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(flow.remote, remote);
    assert_eq!(flow.local, local, "Via and Contact have to name an address that listens");
    let via = response.headers.require::<Via>().unwrap();
    assert_eq!(via.sent_by.to_string(), local.to_string());
    assert_eq!(via.received(), Some(local.ip()));
    alice.endpoint.ack(now, dialog, None).unwrap();
    alice.endpoint.request_in(now, dialog, within(Method::Bye)).unwrap();
    let Event::Response { response, .. } = next(&mut alice).await else { panic!("no answer") };
    assert_eq!(response.status, StatusCode::OK);
    let bob = soon(bob).await.unwrap();
    // All of the call went over one connection, opened by Alice.
    let connections = usize::from(transport == Transport::Tcp);
    assert_eq!(bob.transports.connections(), connections);
    assert_eq!(alice.transports.connections(), connections);
    soon(alice.close()).await;
    soon(bob.close()).await;
}

#[tokio::test]
async fn a_call_over_udp() {
    call(Transport::Udp, false).await;
}

#[tokio::test]
async fn a_call_over_tcp() {
    call(Transport::Tcp, false).await;
}

#[tokio::test]
async fn calls_over_ipv6() {
    if UdpSocket::bind(loopback(true)).await.is_err() {
        println!("skipped: there is no IPv6 here");
        return;
    }
    call(Transport::Udp, true).await;
    call(Transport::Tcp, true).await;
}

#[tokio::test]
async fn one_port_serves_both_families() {
    let both = (core::net::Ipv4Addr::LOCALHOST, core::net::Ipv6Addr::LOCALHOST);
    // The port that is free for one family may be taken in the other; another one is not.
    let mut transports = Transports::new(Config::default());
    let (v4, v6) = loop {
        match transports.bind_dual(Transport::Tcp, both, 0).await {
            Ok(bound) => break bound,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse),
        }
    };
    let Some(v6) = v6 else {
        println!("skipped: there is no IPv6 here");
        return;
    };
    assert_eq!(v4.port(), v6.port());
    let mut streams =
        [TcpStream::connect(v4).await.unwrap(), TcpStream::connect(v6).await.unwrap()];
    for stream in &mut streams {
        stream.write_all(b"\r\n\r\n").await.unwrap();
        let mut pong = [0; 2];
        tokio::select! {
            read = soon(stream.read_exact(&mut pong)) => { read.unwrap(); }
            input = transports.receive() => panic!("{input:?}"),
        }
    }
}

#[tokio::test]
async fn a_refused_connection_fails_the_request() {
    let (mut alice, _, tcp) = driver(Config::default(), false, 1).await;
    // Bound, so that nobody else gets the port, and not listening.
    let deaf = TcpSocket::new_v4().unwrap();
    deaf.bind(loopback(false)).unwrap();
    let nobody = deaf.local_addr().unwrap();
    let flow = Flow::tcp(tcp, nobody);
    let now = alice.now();
    let id = alice.endpoint.request(now, request(Method::Options, nobody), flow).unwrap();
    let event = next(&mut alice).await;
    assert_eq!(event, Event::Failed { id, reason: Failure::Transport(flow) });
}

#[tokio::test]
async fn a_lost_connection_fails_what_waits_for_an_answer() {
    let (mut alice, _, tcp) = driver(Config::default(), false, 1).await;
    let listener = TcpListener::bind(loopback(false)).await.unwrap();
    let peer = listener.local_addr().unwrap();
    let flow = Flow::tcp(tcp, peer);
    let now = alice.now();
    let id = alice.endpoint.request(now, request(Method::Options, peer), flow).unwrap();
    alice.flush();
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    let mut buffer = [0; 100];
    soon(stream.read(&mut buffer)).await.unwrap();
    drop(stream);
    let event = next(&mut alice).await;
    assert_eq!(event, Event::Failed { id, reason: Failure::Transport(flow) });
    assert_eq!(alice.transports.connections(), 0);
}

#[tokio::test]
async fn transports_that_are_not_there_fail() {
    let (mut alice, udp, _) = driver(Config::default(), false, 1).await;
    let flow = Flow { transport: Transport::Tls, local: udp, remote: udp, connection: None };
    let now = alice.now();
    let id = alice.endpoint.request(now, request(Method::Options, udp), flow).unwrap();
    let event = next(&mut alice).await;
    assert_eq!(event, Event::Failed { id, reason: Failure::Transport(flow) });
}

#[tokio::test]
async fn a_message_in_pieces_and_two_in_one() {
    let (mut bob, _, tcp) = driver(Config::default(), false, 1).await;
    let mut stream = TcpStream::connect(tcp).await.unwrap();
    let message = |n: u32| {
        format!(
            "OPTIONS sip:bob@x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{n}\r\n\
             From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: {n}\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\nContent-Length: 2\r\n\r\nhi"
        )
    };
    let all = [message(1), message(2), message(3)].concat();
    let (head, rest) = all.split_at(100);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(rest.as_bytes()).await.unwrap();
    for _ in 0..3 {
        let Event::Request { id, request, .. } = next(&mut bob).await else { panic!("what?") };
        assert_eq!(&request.body[..], b"hi");
        let response = Response::to(&request, StatusCode::OK);
        bob.endpoint.respond(bob.now(), id, response).unwrap();
        bob.flush();
    }
    let mut answers = String::new();
    while answers.matches("SIP/2.0 200 OK").count() < 3 {
        let mut buffer = [0; 2000];
        let length = soon(stream.read(&mut buffer)).await.unwrap();
        assert!(length > 0);
        answers.push_str(core::str::from_utf8(&buffer[..length]).unwrap());
    }
}

#[tokio::test]
async fn pings_get_pongs() {
    let mut transports = Transports::new(Config::default());
    let tcp = transports.bind_tcp(loopback(false)).await.unwrap();
    let mut stream = TcpStream::connect(tcp).await.unwrap();
    stream.write_all(b"\r\n\r\n").await.unwrap();
    let mut pong = [0; 2];
    tokio::select! {
        read = soon(stream.read_exact(&mut pong)) => { read.unwrap(); }
        input = transports.receive() => panic!("{input:?}"),
    }
    assert_eq!(&pong, b"\r\n");
}

/// Reads until the other side closes the connection; gives what came.
async fn read_to_the_end(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is an end as well.
    let _ = soon(stream.read_to_end(&mut all)).await;
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_message_that_trickles_in_loses_its_connection() {
    let mut config = Config::default();
    config.partial = Duration::from_millis(50);
    let mut transports = Transports::new(config);
    let tcp = transports.bind_tcp(loopback(false)).await.unwrap();
    let (read, mut write) = TcpStream::connect(tcp).await.unwrap().into_split();
    let trickle = tokio::spawn(async move {
        while write.write_all(b"O").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        write
    });
    let Input::FlowFailed { .. } = soon(transports.receive()).await else { panic!("a message") };
    let write = soon(trickle).await.unwrap();
    drop((read, write));
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let mut config = Config::default();
    config.idle = Duration::from_millis(50);
    let mut transports = Transports::new(config);
    let tcp = transports.bind_tcp(loopback(false)).await.unwrap();
    let stream = TcpStream::connect(tcp).await.unwrap();
    let Input::FlowFailed { flow } = soon(transports.receive()).await else { panic!("a message") };
    assert_eq!(flow.remote, stream.local_addr().unwrap());
    assert_eq!(read_to_the_end(stream).await, "");
    assert_eq!(transports.connections(), 0);
}

#[tokio::test]
async fn lost_framing_is_answered_and_closed() {
    let (mut bob, _, tcp) = driver(Config::default(), false, 1).await;
    let mut stream = TcpStream::connect(tcp).await.unwrap();
    let text = "OPTIONS sip:bob@x SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n\
                From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
                Max-Forwards: 70\r\nContent-Length: 99999999999999999999\r\n\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let reading = tokio::spawn(read_to_the_end(stream));
    let Event::Malformed { answered, .. } = next(&mut bob).await else { panic!("what?") };
    assert_eq!(answered, Some(StatusCode::BAD_REQUEST));
    let answer = tokio::select! {
        answer = reading => answer.unwrap(),
        event = bob.event() => panic!("{event:?}"),
    };
    assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
}

#[tokio::test]
async fn connections_are_limited_for_each_address() {
    let mut config = Config::default();
    config.connections_each = 2;
    let mut transports = Transports::new(config);
    let tcp = transports.bind_tcp(loopback(false)).await.unwrap();
    let kept = [TcpStream::connect(tcp).await.unwrap(), TcpStream::connect(tcp).await.unwrap()];
    let third = TcpStream::connect(tcp).await.unwrap();
    tokio::select! {
        rest = read_to_the_end(third) => assert_eq!(rest, ""),
        input = transports.receive() => panic!("{input:?}"),
    }
    assert_eq!(transports.connections(), 2);
    drop(kept);
    for _ in 0..2 {
        soon(transports.receive()).await;
    }
    // There is room again.
    let mut fourth = TcpStream::connect(tcp).await.unwrap();
    fourth.write_all(b"\r\n\r\n").await.unwrap();
    let mut pong = [0; 2];
    tokio::select! {
        read = soon(fourth.read_exact(&mut pong)) => { read.unwrap(); }
        input = transports.receive() => panic!("{input:?}"),
    }
}

#[tokio::test]
async fn closing_writes_what_is_queued() {
    let (mut alice, _, tcp) = driver(Config::default(), false, 1).await;
    let listener = TcpListener::bind(loopback(false)).await.unwrap();
    let peer = listener.local_addr().unwrap();
    let now = alice.now();
    for _ in 0..20 {
        let flow = Flow::tcp(tcp, peer);
        alice.endpoint.request(now, request(Method::Options, peer), flow).unwrap();
    }
    let reading = tokio::spawn(async move {
        let (stream, _) = soon(listener.accept()).await.unwrap();
        read_to_the_end(stream).await
    });
    soon(alice.close()).await;
    let text = soon(reading).await.unwrap();
    assert_eq!(text.matches("OPTIONS sip:bob").count(), 20);
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let mut transports = Transports::new(Config::default());
    let udp = transports.bind_udp(loopback(false)).await.unwrap();
    let error = transports.bind_udp(udp).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let tcp = transports.bind_tcp(loopback(false)).await.unwrap();
    let error = transports.bind_tcp(tcp).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_peer_that_does_not_read_does_not_grow_the_queue() {
    let mut config = Config::default();
    config.queue = 4;
    let mut transports = Transports::new(config);
    let tcp = transports.bind_tcp(loopback(false)).await.unwrap();
    let listener = TcpListener::bind(loopback(false)).await.unwrap();
    let flow = Flow::tcp(tcp, listener.local_addr().unwrap());
    let bytes = bytes::Bytes::from(vec![b'x'; 60_000]);
    // Nobody runs between these, so that the queue cannot drain.
    for _ in 0..5 {
        transports.send(sip_core::Transmit { flow, bytes: bytes.clone() });
    }
    let Input::FlowFailed { .. } = soon(transports.receive()).await else { panic!("a message") };
    assert_eq!(transports.connections(), 0);
}
