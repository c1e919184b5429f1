//! TLS on real sockets (feature `tls`; RFC 5923). `rfc5922_domain_certificates.rs` has the names.
#![cfg(feature = "tls")]

mod net_support;

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use net_support::authority::Authority;
use net_support::tls::{flow, host, listening, server};
use net_support::{answer_all, driver, loopback, options, request, soon};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sip_core::endpoint::{Event, Input};
use sip_core::net::{ClientCertificates, Config, Identity, Roots, Tls, TlsError, Transports};
use sip_core::{Method, Transmit, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[tokio::test]
async fn a_connection_is_used_again_for_its_name_only() {
    let authority = Authority::new();
    let tls = server(&authority, &["a.net", "b.net"], ClientCertificates::Ignored);
    let (bob, remote) = listening(Config::default(), tls.clone()).await;
    tokio::spawn(answer_all(driver(bob, 2)));
    let (alice, local) = listening(Config::default(), tls).await;
    let mut alice = driver(alice, 1);
    let first = alice.transports.connect(&host("a.net"), flow(local, remote));
    assert_eq!(alice.transports.connect(&host("A.net"), flow(local, remote)), first);
    let other = alice.transports.connect(&host("b.net"), flow(local, remote));
    assert_ne!(first.connection, other.connection);
    for flow in [first, other, first] {
        let options = request(Method::Options, "sip:bob@a.net");
        alice.endpoint.request(alice.now(), options, flow).unwrap();
        let Event::Response { flow: via, .. } = soon(alice.event()).await else { panic!("none") };
        assert_eq!(via.connection, flow.connection);
    }
    assert_eq!(alice.transports.connections(), 2);
}

async fn by_hand(
    authority: &Authority,
    remote: SocketAddr,
    own: Option<&[&str]>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(names) => {
            let (chain, key) = authority.certificate(names);
            let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let stream = TcpStream::connect(remote).await?;
    let name = ServerName::try_from("example.com").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn a_client_proves_its_name_and_is_reached_over_its_own_connection() {
    let authority = Authority::new();
    let tls = server(&authority, &["example.com"], ClientCertificates::Asked);
    let (mut bob, remote) = listening(Config::default(), tls).await;
    let trunk = async {
        let mut stream = by_hand(&authority, remote, Some(&["trunk.net"])).await.unwrap();
        stream.write_all(options("TLS", "1", ";alias").as_bytes()).await.unwrap();
        stream
    };
    let (mut stream, input) = tokio::join!(soon(trunk), soon(bob.receive()));
    let Input::Received { flow: heard, .. } = input else { panic!("{input:?}") };
    assert!(bob.names(&heard).unwrap().proves(&host("trunk.net")));

    // The port of the Via, not the one that the connection came from (RFC 5923 §8).
    let there = flow(remote, SocketAddr::new(heard.remote.ip(), 5099));
    let back = bob.connect(&host("trunk.net"), there);
    assert_eq!(back.connection, heard.connection);
    bob.send(Transmit { flow: back, bytes: "NOTIFY".into() });
    let mut text = [0; 6];
    tokio::select! {
        read = soon(stream.read_exact(&mut text)) => { read.unwrap(); }
        input = bob.receive() => panic!("{input:?}"),
    }
    assert_eq!(&text, b"NOTIFY");
    let stranger = bob.connect(&host("other.net"), there);
    assert_ne!(stranger.connection, heard.connection);
    let address_only = bob.connect(&host("trunk.net"), flow(remote, heard.remote));
    assert_ne!(address_only.connection, heard.connection);
}

#[tokio::test]
async fn a_certificate_can_be_required() {
    let authority = Authority::new();
    for (clients, own, welcome) in [
        (ClientCertificates::Asked, None, true),
        (ClientCertificates::Required, None, false),
        (ClientCertificates::Required, Some(&["trunk.net"][..]), true),
    ] {
        let tls = server(&authority, &["example.com"], clients);
        let (mut bob, remote) = listening(Config::default(), tls).await;
        let phone = async {
            let mut stream = by_hand(&authority, remote, own).await.unwrap();
            // With TLS 1.3 the client learns of a refusal only when it reads.
            let _ = stream.write_all(options("TLS", "1", "").as_bytes()).await;
            let _ = stream.read(&mut [0]).await;
        };
        let phone = async {
            tokio::select! { () = phone => core::future::pending().await }
        };
        let input = tokio::select! {
            input = soon(bob.receive()) => input,
            () = phone => unreachable!(),
        };
        assert_eq!(matches!(input, Input::Received { .. }), welcome, "{clients:?} {own:?}");
    }
}

#[tokio::test]
async fn certificates_are_exchanged_while_connections_live() {
    let authority = Authority::new();
    let identity = authority.identity(&["old.net", "example.com"]);
    let tls = Tls::new(Roots::none(), Some(identity.clone()), ClientCertificates::Ignored).unwrap();
    let (bob, remote) = listening(Config::default(), tls).await;
    tokio::spawn(answer_all(driver(bob, 2)));
    let mut old = soon(by_hand(&authority, remote, None)).await.unwrap();
    let (chain, key) = authority.certificate(&["example.com", "new.net"]);
    assert!(matches!(identity.reload_pem(b"rubbish", key.as_bytes()), Err(TlsError::Certificate)));
    let (_, other_key) = authority.certificate(&["example.com"]);
    assert!(matches!(
        identity.reload_pem(chain.as_bytes(), other_key.as_bytes()),
        Err(TlsError::Identity(_))
    ));
    identity.reload_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let fresh = soon(by_hand(&authority, remote, None)).await.unwrap();
    let shown = |stream: &TlsStream<TcpStream>| {
        let certificates = stream.get_ref().1.peer_certificates().unwrap().to_vec();
        sip_core::net::ProvedNames::of(&certificates[0]).unwrap()
    };
    assert!(shown(&old).proves(&host("old.net")) && !shown(&old).proves(&host("new.net")));
    assert!(shown(&fresh).proves(&host("new.net")) && !shown(&fresh).proves(&host("old.net")));
    old.write_all(options("TLS", "1", "").as_bytes()).await.unwrap();
    let mut answer = [0; 11];
    soon(old.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"SIP/2.0 200");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let authority = Authority::new();
    let mut config = Config::default();
    config.handshake = Duration::from_millis(50);
    let tls = server(&authority, &["example.com"], ClientCertificates::Ignored);
    let (mut bob, remote) = listening(config, tls).await;
    let mut stream = TcpStream::connect(remote).await.unwrap();
    stream.write_all(&[22, 3, 1]).await.unwrap();
    let Input::FlowFailed { flow } = soon(bob.receive()).await else { panic!("a message") };
    assert_eq!((flow.transport, flow.remote), (Transport::Tls, stream.local_addr().unwrap()));
    assert_eq!(bob.connections(), 0);
}

#[tokio::test]
async fn plain_text_is_turned_away() {
    let authority = Authority::new();
    let tls = server(&authority, &["example.com"], ClientCertificates::Ignored);
    let (mut bob, remote) = listening(Config::default(), tls).await;
    let mut stream = TcpStream::connect(remote).await.unwrap();
    stream.write_all(options("TCP", "1", "").as_bytes()).await.unwrap();
    let input = soon(bob.receive()).await;
    assert!(matches!(input, Input::FlowFailed { .. }), "{input:?}");
}

#[tokio::test]
async fn who_cannot_listen_says_so() {
    let mut transports = Transports::new(Config::default());
    let error = transports.bind(Transport::Tls, loopback()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let tls = Tls::new(Roots::none(), None, ClientCertificates::Ignored).unwrap();
    transports.use_tls(tls);
    let error = transports.bind(Transport::Tls, loopback()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    let authority = Authority::new();
    let identity: Identity = authority.identity(&["example.com"]);
    let asked = Tls::new(Roots::none(), Some(identity), ClientCertificates::Required);
    assert!(matches!(asked, Err(TlsError::Roots)));
}

#[tokio::test]
async fn closing_writes_what_is_queued() {
    let authority = Authority::new();
    let tls = server(&authority, &["example.com"], ClientCertificates::Ignored);
    let (mut bob, remote) = listening(Config::default(), tls.clone()).await;
    let mut alice = Transports::new(Config::default());
    alice.use_tls(tls);
    let flow = alice.connect(&host("example.com"), flow(loopback(), remote));
    for n in 0..20 {
        let bytes = options("TLS", &n.to_string(), "").into();
        alice.send(Transmit { flow, bytes });
    }
    let closing = tokio::spawn(alice.close());
    for n in 0..20 {
        let Input::Received { message, .. } = soon(bob.receive()).await else { panic!("{n}") };
        assert!(String::from_utf8_lossy(&message).contains(&format!("Call-ID: {n}\r\n")));
    }
    assert!(matches!(soon(bob.receive()).await, Input::FlowFailed { .. }));
    soon(closing).await.unwrap();
}
