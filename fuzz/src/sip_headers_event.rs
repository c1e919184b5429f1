use sip_core::header::*;

use crate::headers::{params, round_trips, with_headers};

/// Headers of subscriptions, publications and INFO packages.
pub fn sip_headers_event(lines: &[u8]) {
    with_headers(lines, |_, headers| {
        round_trips! { headers;
            AllowEvents Event Expires InfoPackage MinExpires RecvInfo SipEtag SipIfMatch
            SubscriptionState
        }
        for event in headers.all::<Event>().flatten() {
            assert_eq!(event.id(), event.params.get("id"));
            assert!(event.is(&event.package.as_str().to_ascii_uppercase()));
            params(&event.params);
        }
        for state in headers.all::<SubscriptionState>().flatten() {
            let _ = (state.expires(), state.reason(), state.retry_after());
            params(&state.params);
        }
        for package in headers.all::<InfoPackage>().flatten() {
            params(&package.params);
        }
    });
}
