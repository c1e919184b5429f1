use sip_core::TypedHeader;
use sip_core::header::*;

use crate::headers::{params, round_trips, with_headers};

/// Headers of session timers, reliable responses and extensions, and those of times and warnings.
pub fn sip_headers_session(lines: &[u8]) {
    with_headers(lines, |_, headers| {
        round_trips! { headers;
            Date FlowTimer MinSe ProxyRequire RAck RSeq Require RetryAfter SessionExpires Supported
            Timestamp Unsupported Warning
        }
        for session in headers.all::<SessionExpires>().flatten() {
            params(&session.params);
            for refresher in [Refresher::Uac, Refresher::Uas] {
                let session = session.clone().with_refresher(refresher);
                assert_eq!(session.refresher(), Some(refresher));
                let mut written = Vec::new();
                session.write(&mut written);
                assert_eq!(SessionExpires::parse(&written), Ok(session));
            }
        }
        for date in headers.all::<Date>().flatten() {
            assert_eq!(Date::from_unix(date.to_unix()).to_unix(), date.to_unix());
        }
        for after in headers.all::<RetryAfter>().flatten() {
            params(&after.params);
        }
        for warning in headers.all::<Warning>().flatten() {
            assert!((100..=999).contains(&warning.code()));
            let again = Warning::new(warning.code(), warning.agent(), warning.text.clone());
            assert_eq!(again, Ok(warning));
        }
        for tags in headers.all::<Require>().flatten() {
            assert!(tags.0.iter().all(|tag| tags.contains(&tag.as_str().to_ascii_uppercase())));
        }
    });
}
