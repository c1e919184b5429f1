//! SIP over WebSocket on real sockets (feature `ws`; RFC 7118).
#![cfg(feature = "ws")]

mod net_support;

use core::net::SocketAddr;
use core::time::Duration;

use futures_util::{SinkExt, StreamExt};
use net_support::{answer_all, driver, loopback, options, request, soon};
use sip_core::endpoint::{Event, Input};
use sip_core::net::{Config, Transports};
use sip_core::{Flow, Method, StatusCode, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

async fn listening(config: Config) -> (Transports, SocketAddr) {
    let mut transports = Transports::new(config);
    let address = transports.bind(Transport::Ws, loopback()).await.unwrap();
    (transports, address)
}

/// A browser: one connection, with the subprotocols that it offers.
async fn browser(
    remote: SocketAddr,
    protocols: Option<&'static str>,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let stream = TcpStream::connect(remote).await.unwrap();
    let mut request = format!("ws://{remote}/").into_client_request().unwrap();
    if let Some(protocols) = protocols {
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocols.parse().unwrap());
    }
    let (socket, response) = client_async(request, stream).await?;
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
    Ok(socket)
}

async fn text(socket: &mut WebSocketStream<TcpStream>) -> String {
    match soon(socket.next()).await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn text_and_binary_messages_are_answered_where_they_came_from() {
    let (bob, remote) = listening(Config::default()).await;
    tokio::spawn(answer_all(driver(bob, 1)));
    let mut socket = soon(browser(remote, Some("chat, sip"))).await.unwrap();
    // A browser cannot listen: its Via names nobody (RFC 7118 §5).
    let ask =
        |n: &str| options("WS", n, ";rport").replace("127.0.0.1:5099", "df7jal23ls0d.invalid");
    socket.send(Message::text(ask("1"))).await.unwrap();
    let answer = text(&mut socket).await;
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
    assert!(answer.contains(";received=127.0.0.1"), "{answer}");
    socket.send(Message::binary(ask("2"))).await.unwrap();
    assert!(text(&mut socket).await.contains("Call-ID: 2\r\n"));
    // Two messages of SIP are never in one of WebSocket, nor one in two; fragments are WebSocket's.
    socket.send(Message::text("\r\n\r\n")).await.unwrap();
    assert_eq!(text(&mut socket).await, "\r\n");
    socket.send(Message::Ping("x".into())).await.unwrap();
    let pong = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong("x".into()));
    socket.send(Message::Close(None)).await.unwrap();
    let close = soon(socket.next()).await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(_)), "{close:?}");
}

#[tokio::test]
async fn frames_of_nothing_do_no_harm() {
    let (bob, remote) = listening(Config::default()).await;
    tokio::spawn(answer_all(driver(bob, 1)));
    let mut socket = soon(browser(remote, Some("sip"))).await.unwrap();
    for _ in 0..1_000 {
        socket.send(Message::text("")).await.unwrap();
        socket.send(Message::binary("")).await.unwrap();
        socket.send(Message::Pong("".into())).await.unwrap();
    }
    socket.send(Message::text(options("WS", "1", ";rport"))).await.unwrap();
    let answer = text(&mut socket).await;
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn our_own_client_speaks_it_too() {
    let (bob, remote) = listening(Config::default()).await;
    tokio::spawn(answer_all(driver(bob, 2)));
    let mut alice = driver(Transports::new(Config::default()), 1);
    let flow = Flow { transport: Transport::Ws, local: loopback(), remote, connection: None };
    for _ in 0..3 {
        let options = request(Method::Options, "sip:bob@example.com");
        alice.endpoint.request(alice.now(), options, flow).unwrap();
        let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
        assert_eq!(response.status, StatusCode::OK);
    }
    assert_eq!(alice.transports.connections(), 1);
}

#[tokio::test]
async fn who_does_not_offer_sip_is_turned_away() {
    let (mut bob, remote) = listening(Config::default()).await;
    for protocols in [None, Some("chat, sipx")] {
        let (refused, failed) = tokio::join!(soon(browser(remote, protocols)), soon(bob.receive()));
        let Err(Error::Http(response)) = refused else { panic!("{refused:?}") };
        assert_eq!(response.status(), 400);
        assert!(matches!(failed, Input::FlowFailed { .. }), "{failed:?}");
    }
    assert_eq!(bob.connections(), 0);
}

#[tokio::test]
async fn a_message_too_long_ends_the_connection() {
    let mut config = Config::default();
    config.message.bytes = 1000;
    let (mut bob, remote) = listening(config).await;
    let phone = tokio::spawn(async move {
        let mut socket = browser(remote, Some("sip")).await.unwrap();
        let _ = socket.send(Message::text("x".repeat(1001))).await;
        socket
    });
    let input = soon(bob.receive()).await;
    assert!(matches!(input, Input::FlowFailed { .. }), "{input:?}");
    soon(phone).await.unwrap();
}

/// Waits for the connection's end with a peer that has sent `head` behind its handshake.
async fn ends(config: Config, upgrade: bool, head: &[u8]) {
    let (mut bob, remote) = listening(config).await;
    let mut stream = TcpStream::connect(remote).await.unwrap();
    if upgrade {
        let handshake = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Protocol: sip\r\n\r\n";
        stream.write_all(handshake.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        tokio::select! {
            // Who is stopped for a while finds the answer there, and the time limit over.
            biased;
            read = soon(stream.read_exact(&mut answer)) => { read.unwrap(); }
            input = bob.receive() => panic!("{input:?}"),
        }
        assert_eq!(&answer, b"HTTP/1.1 101");
    }
    stream.write_all(head).await.unwrap();
    let input = soon(bob.receive()).await;
    assert!(matches!(input, Input::FlowFailed { .. }), "{input:?}");
    assert_eq!(bob.connections(), 0);
}

#[tokio::test]
async fn handshakes_messages_and_silence_are_limited_in_time() {
    let short = Duration::from_millis(50);
    let mut config = Config::default();
    config.handshake = short;
    ends(config, false, b"GET / HTTP/1.1\r\n").await;
    let mut config = Config::default();
    config.partial = short;
    // The head of a masked frame of 100 bytes, and little of it.
    ends(config, true, &[0x81, 0x80 | 100, 1, 2, 3, 4, 5]).await;
    let mut config = Config::default();
    config.idle = short;
    ends(config, true, b"").await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn over_tls() {
    use net_support::authority::Authority;
    use sip_core::net::{ClientCertificates, Tls};

    let authority = Authority::new();
    let identity = authority.identity(&["example.com"]);
    let tls = Tls::new(authority.roots(), Some(identity), ClientCertificates::Ignored).unwrap();
    let mut bob = Transports::new(Config::default());
    bob.use_tls(tls.clone());
    let remote = bob.bind(Transport::Wss, loopback()).await.unwrap();
    tokio::spawn(answer_all(driver(bob, 2)));
    let mut alice = Transports::new(Config::default());
    alice.use_tls(tls);
    let mut alice = driver(alice, 1);
    let flow = Flow { transport: Transport::Wss, local: loopback(), remote, connection: None };
    let name = sip_core::Host::parse("example.com").unwrap();
    let flow = alice.transports.connect(&name, flow);
    let options = request(Method::Options, "sip:bob@example.com");
    alice.endpoint.request(alice.now(), options, flow).unwrap();
    let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
    assert_eq!(response.status, StatusCode::OK);
}
