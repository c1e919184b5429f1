use sip_core::TypedHeader;
use sip_core::header::*;

use crate::headers::{round_trips, with_headers};

/// Headers of challenges, of credentials, and of what a server says after them; what both sides do with those
/// is another target's.
pub fn sip_headers_auth(lines: &[u8]) {
    with_headers(lines, |_, headers| {
        round_trips! { headers;
            AuthenticationInfo Authorization ProxyAuthenticate ProxyAuthenticationInfo
            ProxyAuthorization WwwAuthenticate
        }
        for credentials in headers.all::<Authorization>().flatten() {
            let _ = (credentials.nc(), credentials.username(), credentials.userhash());
            let _ =
                (credentials.realm(), credentials.nonce(), credentials.uri(), credentials.qop());
            let mut again = credentials.0.clone();
            again.params_mut().set_quoted("nonce", "\"a\\b, c").unwrap();
            assert_eq!(again.nonce().as_deref(), Some("\"a\\b, c"));
            let again = Authorization(again);
            let mut written = Vec::new();
            again.write(&mut written);
            assert_eq!(Authorization::parse(&written), Ok(again));
        }
        for challenge in headers.all::<WwwAuthenticate>().flatten() {
            let _ = (challenge.qop(), challenge.stale(), challenge.domain());
            let _ = (challenge.realm(), challenge.nonce(), challenge.algorithm());
        }
    });
}
