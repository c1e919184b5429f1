use sip_core::header::*;

use crate::headers::{addresses, params, round_trips, with_headers};

/// Headers of bodies and capabilities, and texts about both sides.
pub fn sip_headers_content(lines: &[u8]) {
    with_headers(lines, |view, headers| {
        round_trips! { headers;
            Accept AcceptEncoding AcceptLanguage AlertInfo Allow CallInfo ContentDisposition
            ContentEncoding ContentId ContentLanguage ContentLength ContentType ErrorInfo MimeVersion
            Organization Priority Server Subject UserAgent
        }
        addresses! { view, headers;
            AlertInfoRef AlertInfo CallInfoRef CallInfo ErrorInfoRef ErrorInfo
        }
        for accept in headers.all::<Accept>().flatten() {
            assert!(accept.0.iter().all(|kind| kind.q() <= 1000 && kind.admits(kind)));
        }
        for encodings in headers.all::<AcceptEncoding>().flatten() {
            assert!(encodings.0.iter().all(|coding| coding.q() <= 1000));
        }
        for content in headers.all::<ContentType>().flatten() {
            assert!(content.0.is(content.0.kind.as_str(), content.0.subtype.as_str()));
            params(&content.0.params);
        }
        for disposition in headers.all::<ContentDisposition>().flatten() {
            let _ = disposition.is_optional();
            params(&disposition.params);
        }
        for allow in headers.all::<Allow>().flatten() {
            assert!(allow.0.iter().all(|method| allow.contains(method)));
        }
    });
}
