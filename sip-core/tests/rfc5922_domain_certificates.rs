//! Whom a certificate proves (RFC 5922), on real sockets (feature `tls`).
#![cfg(feature = "tls")]

mod net_support;

use net_support::authority::Authority;
use net_support::tls::{flow, host, listening, server};
use net_support::{answer_all, driver, loopback, request, soon};
use sip_core::endpoint::Event;
use sip_core::net::{ClientCertificates, Config, Tls, Transports};
use sip_core::transaction::Failure;
use sip_core::{Method, StatusCode};

/// Asks OPTIONS of `name` at a server whose certificate has `names`; whether it was answered.
async fn reaches(names: &[&str], name: Option<&str>, trusted: bool) -> bool {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = server(if trusted { &ours } else { &theirs }, names, ClientCertificates::Ignored);
    let (bob, remote) = listening(Config::default(), tls).await;
    tokio::spawn(answer_all(driver(bob, 2)));
    let mut alice = Transports::new(Config::default());
    alice.use_tls(Tls::new(ours.roots(), None, ClientCertificates::Ignored).unwrap());
    let mut alice = driver(alice, 1);
    let mut flow = flow(loopback(), remote);
    if let Some(name) = name {
        flow = alice.transports.connect(&host(name), flow);
    }
    let options = request(Method::Options, "sip:bob@example.com");
    let id = alice.endpoint.request(alice.now(), options, flow).unwrap();
    match soon(alice.event()).await {
        Event::Response { response, .. } => {
            assert_eq!(response.status, StatusCode::OK);
            assert_eq!(alice.transports.connections(), 1);
            let proved = alice.transports.names(&flow);
            assert!(name.is_none_or(|name| proved.unwrap().proves(&host(name))));
            true
        }
        event => {
            assert_eq!(event, Event::Failed { id, reason: Failure::Transport(flow) });
            assert_eq!(alice.transports.connections(), 0);
            false
        }
    }
}

#[tokio::test]
async fn a_server_proves_the_name_that_was_asked_for() {
    assert!(reaches(&["example.com"], Some("example.com"), true).await);
    assert!(reaches(&["sip:example.com", "other.net"], Some("EXAMPLE.com"), true).await);
    assert!(reaches(&["127.0.0.1"], None, true).await);
}

#[tokio::test]
async fn a_server_that_does_not_prove_its_name_gets_nothing() {
    for names in [&["example.org"][..], &["*.example.com"], &["sip:a.net", "pbx.example.com"]] {
        assert!(!reaches(names, Some("pbx.example.com"), true).await, "{names:?}");
    }
    assert!(!reaches(&["example.com"], None, true).await, "an address has to be proved too");
    assert!(!reaches(&["example.com"], Some("example.com"), false).await, "a stranger signed it");
}

/// §7.1: where a certificate has SIP URIs, its DNS names do not count; a URI with a user is a person's
/// and names no domain.
#[tokio::test]
async fn sip_uris_come_before_dns_names() {
    let both = ["sip:example.com", "other.net"];
    assert!(reaches(&both, Some("example.com"), true).await);
    assert!(!reaches(&both, Some("other.net"), true).await);
    assert!(!reaches(&["sip:alice@example.com"], Some("example.com"), true).await);
}

/// §7.2: a name proves itself and nothing below or above it.
#[tokio::test]
async fn names_match_as_a_whole() {
    for other in ["sub.example.com", "com", "xexample.com", "example.com.net"] {
        assert!(!reaches(&["example.com"], Some(other), true).await, "{other}");
    }
}
