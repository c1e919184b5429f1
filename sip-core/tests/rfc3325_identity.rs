//! Asserted identities and the border of trust (RFC 3325, RFC 3323).

use sip_core::header::NameAddr;
use sip_core::proxy::identity::{Trust, admit, assert, release, wants_privacy};
use sip_core::{HeaderName, Limits, Request};

fn request(uri: &str, lines: &str) -> Request {
    let text = format!(
        "INVITE {uri} SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKa\n{lines}\
         From: <sip:alice@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: c\n\
         CSeq: 7 INVITE\n\n"
    );
    Request::parse(text.replace('\n', "\r\n").into(), &Limits::default()).unwrap()
}

#[test]
fn identities_cross_borders_as_rfc_3325_says() {
    let lines = "P-Asserted-Identity: <sip:forged@x>\nRemote-Party-ID: <sip:forged@x>\n\
                 P-Preferred-Identity: <sip:sales@example.com>\n";
    let mut request = request("sip:b@x", lines);
    admit(&mut request.headers, Trust::Trusted);
    assert!(request.headers.contains(HeaderName::PAssertedIdentity));
    admit(&mut request.headers, Trust::Untrusted);
    assert!(!request.headers.contains(HeaderName::PAssertedIdentity));
    assert!(!request.headers.contains(HeaderName::RemotePartyId));
    assert(&mut request.headers, [NameAddr::parse("<sip:alice@example.com>").unwrap()]);
    assert!(!request.headers.contains(HeaderName::PPreferredIdentity));

    for (privacy, to, named, left) in [
        (None, Trust::Untrusted, true, None),
        (Some("none"), Trust::Untrusted, true, Some("none")),
        (Some("id"), Trust::Trusted, true, Some("id")),
        (Some("id"), Trust::Untrusted, false, None),
        (Some("id;critical"), Trust::Untrusted, false, None),
        (Some("user;id"), Trust::Untrusted, false, Some("user")),
        (Some("?="), Trust::Untrusted, false, Some("?=")),
    ] {
        let mut sent = request.clone();
        if let Some(privacy) = privacy {
            sent.headers.push_raw(HeaderName::Privacy, privacy.as_bytes()).unwrap();
        }
        release(&mut sent.headers, to);
        assert_eq!(sent.headers.contains(HeaderName::PAssertedIdentity), named, "{privacy:?}");
        let rest = sent.headers.raw(HeaderName::Privacy).next();
        assert_eq!(rest, left.map(str::as_bytes), "{privacy:?}");
    }
    let full = "Remote-Party-ID: <sip:a@x>;privacy=full\n";
    assert!(wants_privacy(&self::request("sip:b@x", full).headers, "id"));
    assert!(!wants_privacy(&self::request("sip:b@x", "").headers, "id"));
}
