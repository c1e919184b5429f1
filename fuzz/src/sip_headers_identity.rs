use sip_core::Token;
use sip_core::header::*;

use crate::headers::{addresses, round_trips, with_headers};

/// Headers that say who calls, who was called before, what of it is private, and where the caller is.
pub fn sip_headers_identity(lines: &[u8]) {
    with_headers(lines, |view, headers| {
        round_trips! { headers;
            Diversion Geolocation GeolocationError GeolocationRouting HistoryInfo Identity IdentityInfo
            PAccessNetworkInfo PAssertedIdentity PAssociatedUri PCalledPartyId PEarlyMedia
            PPreferredIdentity Privacy RemotePartyId
        }
        addresses! { view, headers;
            DiversionRef Diversion GeolocationRef Geolocation HistoryInfoRef HistoryInfo
            IdentityInfoRef IdentityInfo PAssertedIdentityRef PAssertedIdentity
            PAssociatedUriRef PAssociatedUri PCalledPartyIdRef PCalledPartyId
            PPreferredIdentityRef PPreferredIdentity RemotePartyIdRef RemotePartyId
        }
        for entry in headers.all::<HistoryInfo>().flatten() {
            assert_eq!(entry.index(), entry.params.get("index"));
        }
        for privacy in headers.all::<Privacy>().flatten() {
            let upper = |value: &Token| value.as_str().to_ascii_uppercase();
            assert!(privacy.0.iter().all(|value| privacy.contains(&upper(value))));
        }
    });
}
