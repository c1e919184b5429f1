//! Messages shaped after published advisories and bug reports on SIP stacks.

mod support;

use bytes::Bytes;
use sip_core::framing::{Frame, Framer};
use sip_core::header::{Diversion, HeaderName, Identity, Via, Warning};
use sip_core::{Limits, Message};
use support::{Case, Outcome, case, cases, outcome, request};

fn advisories() -> Option<Vec<Case>> {
    cases("own-regress")
}

#[test]
fn every_message_does_what_the_manifest_says() {
    let Some(cases) = advisories() else { return };
    assert_eq!(cases.len(), 42);
    // Names of deliberate deviations would stand here.
    support::assert_outcomes(&cases, &[]);
}

/// Those for which the manifest leaves the choice, and those that are no messages.
#[test]
fn choices() {
    let Some(cases) = advisories() else { return };
    let bad = Outcome::Answer(400);
    for (name, expected) in [
        ("AST-2018-004-accept-x1000", bad),
        ("GHSA-64qc-auth-null", Outcome::Accept),
        ("GHSA-2grh-from-control", bad),
        ("cl-two-same", bad),
        ("bare-lf-all", Outcome::Drop),
        ("bare-cr", bad),
        ("many-via-200", bad),
        ("keepalive-double-crlf", Outcome::Drop),
        ("stun-on-sip-port", Outcome::Drop),
        ("opensips-3589-lf-sdp", Outcome::Accept),
    ] {
        assert_eq!(outcome(&case(&cases, name).bytes), expected, "{name}");
    }
}

#[test]
fn what_is_read_is_written_again() {
    let Some(cases) = advisories() else { return };
    for case in &cases {
        if Message::parse(case.bytes.clone(), &Limits::default()).is_ok() {
            support::assert_fixed_point(&case.bytes);
        }
    }
}

#[test]
fn streams_refuse_what_datagrams_refuse() {
    let Some(cases) = advisories() else { return };
    for (name, is_refused) in [
        ("CVE-2026-23457-cl-2p32+32", true),
        ("rfc4475-ncl-text", true),
        ("cl-plus", true),
        ("cl-two-same", true),
        ("bare-lf-all", true),
        ("bare-cr", true),
        ("obs-fold-cl", false),
        ("leading-crlf", false),
        ("ws-before-colon", false),
    ] {
        let mut framer = Framer::new(&Limits::default());
        framer.push(&case(&cases, name).bytes);
        let mut answer = framer.next();
        while matches!(answer, Ok(Some(Frame::KeepAlive | Frame::Pong))) {
            answer = framer.next();
        }
        match answer {
            Ok(Some(Frame::Message(_))) => assert!(!is_refused, "{name}"),
            Err(_) => assert!(is_refused, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn pings_are_no_messages() {
    let Some(cases) = advisories() else { return };
    let mut framer = Framer::new(&Limits::default());
    framer.push(&case(&cases, "keepalive-double-crlf").bytes);
    assert_eq!(framer.next(), Ok(Some(Frame::KeepAlive)));
    assert_eq!(framer.next(), Ok(None));
}

#[test]
fn a_removed_header_is_gone_in_all_its_spellings() {
    let Some(cases) = advisories() else { return };
    let mut request = request(&cases, "CVE-2020-28361-header-smuggle");
    assert_eq!(request.headers.remove(HeaderName::parse("X-Secret").unwrap()), 3);
    let written = request.to_bytes().to_ascii_lowercase();
    assert!(!written.windows(8).any(|window| window == b"x-secret"));
}

#[test]
fn what_a_peer_claims_is_overwritten() {
    let Some(cases) = advisories() else { return };
    let mut request = request(&cases, "via-received-spoof");
    let mut via = request.headers.require::<Via>().unwrap();
    via.set_received([198, 51, 100, 7].into());
    via.set_rport(Some(5062));
    request.headers.set_front(via);
    let text = String::from_utf8(request.to_bytes().to_vec()).unwrap();
    assert!(text.contains(
        "Via: SIP/2.0/UDP 127.0.0.1;received=198.51.100.7;rport=5062;branch=z9hG4bKx\r\n"
    ));
    assert!(!text.contains("203.0.113.1"));
}

#[test]
fn odd_headers_are_malformed_on_demand_only() {
    let Some(cases) = advisories() else { return };
    let diverted = request(&cases, "CVE-2021-33056-odd-diversion");
    assert!(diverted.headers.all::<Diversion>().all(|value| value.is_err()));
    assert!(request(&cases, "sngrep-541-empty-warning").headers.typed::<Warning>().is_err());
    let identity = request(&cases, "GHSA-mrq5-identity-no-semicolon");
    assert_eq!(identity.headers.require::<Identity>().unwrap().as_str(), "abcdef");
}

#[test]
fn every_cut_and_every_changed_byte_is_survived() {
    let Some(cases) = advisories() else { return };
    for case in cases.iter().filter(|case| case.bytes.len() < 1000) {
        for at in 0..case.bytes.len() {
            outcome(&Bytes::copy_from_slice(&case.bytes[..at]));
            for byte in *b"\0\r\n \":,\xff" {
                let mut changed = case.bytes.to_vec();
                changed[at] = byte;
                outcome(&changed.into());
            }
        }
    }
}
