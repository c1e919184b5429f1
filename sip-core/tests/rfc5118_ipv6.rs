//! The IPv6 messages of RFC 5118.

mod support;

use core::net::IpAddr;

use sip_core::header::{Contact, Via};
use sip_core::uri::Host;
use support::{Case, cases, request};

fn ipv6() -> Option<Vec<Case>> {
    cases("rfc5118")
}

#[test]
fn every_message_does_what_the_manifest_says() {
    let Some(cases) = ipv6() else { return };
    assert_eq!(cases.len(), 12);
    support::assert_outcomes(&cases, &[]);
}

#[test]
fn what_is_read_is_written_again() {
    let Some(cases) = ipv6() else { return };
    for case in cases.iter().filter(|case| case.name != "ipv6-bad") {
        support::assert_fixed_point(&case.bytes);
    }
}

#[test]
fn hosts_and_ports() {
    let Some(cases) = ipv6() else { return };
    for (name, host, port) in [
        ("ipv6-good", "2001:db8::10", None),
        ("port-ambiguous", "2001:db8::10:5070", None),
        ("port-unambiguous", "2001:db8::10", Some(5070)),
        ("ipv6-bug-abnf-3-colons", "2001:db8::192.0.2.1", None),
        ("ipv6-correct-abnf-2-colons", "2001:db8::192.0.2.1", None),
    ] {
        let request = request(&cases, name);
        let uri = request.uri.as_sip().unwrap();
        let host: IpAddr = host.parse().unwrap();
        assert_eq!((uri.host().ip(), uri.port()), (Some(host), port), "{name}");
    }
}

#[test]
fn received_with_and_without_brackets() {
    let Some(cases) = ipv6() else { return };
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let via = request(&cases, name).headers.require::<Via>().unwrap();
        assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()), "{name}");
    }
}

#[test]
fn both_families_in_one_message() {
    let Some(cases) = ipv6() else { return };
    let headers = request(&cases, "mult-ip-in-header").headers;
    let vias: Vec<_> = headers.all::<Via>().map(Result::unwrap).collect();
    let hosts: Vec<_> = vias.iter().map(|via| via.sent_by.to_string()).collect();
    assert_eq!(hosts, ["[2001:db8::9:1]:6050", "192.0.2.1", "[2001:db8::9:255]"]);
    assert_eq!(vias[2].received(), Some([192, 0, 2, 200].into()));
}

#[test]
fn mapped_addresses() {
    let Some(cases) = ipv6() else { return };
    let contact = request(&cases, "ipv4-mapped-ipv6").headers.require::<Contact>().unwrap();
    let uri = contact.address().unwrap().uri.as_sip().unwrap();
    assert_eq!(uri.host(), &Host::V6("::ffff:192.0.2.2".parse().unwrap()));
}
