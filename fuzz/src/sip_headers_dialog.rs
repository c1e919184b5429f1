use sip_core::TypedHeader;
use sip_core::header::*;

use crate::headers::{addresses, params, round_trips, with_headers};

/// Headers that name other dialogs and move calls: Refer-To, Replaces, Join and their like.
pub fn sip_headers_dialog(lines: &[u8]) {
    with_headers(lines, |view, headers| {
        round_trips! { headers;
            InReplyTo Join Reason ReferSub ReferTo ReferredBy Replaces TargetDialog
        }
        addresses! { view, headers; ReferToRef ReferTo ReferredByRef ReferredBy }
        for reason in headers.all::<Reason>().flatten() {
            params(&reason.params);
            let Some(cause) = reason.cause() else { continue };
            let again = Reason::with_cause(reason.protocol.clone(), cause, "\"\\\r\n\u{1},;");
            assert_eq!((again.cause(), &again.protocol), (Some(cause), &reason.protocol));
            let mut written = Vec::new();
            again.write(&mut written);
            assert_eq!(Reason::parse(&written), Ok(again));
        }
        for replaces in headers.all::<Replaces>().flatten() {
            assert_eq!(replaces.early_only(), replaces.params.contains("early-only"));
            assert!(!replaces.params.contains("to-tag") && !replaces.params.contains("from-tag"));
            assert!(!replaces.to_tag.is_empty() && !replaces.from_tag.is_empty());
            params(&replaces.params);
        }
        for target in headers.all::<ReferTo>().flatten() {
            let Some(uri) = target.uri.as_sip() else { continue };
            for (name, value) in uri.headers() {
                if let (true, Ok(replaces)) =
                    (name.eq_ignore_ascii_case("replaces"), Replaces::parse(value.as_bytes()))
                {
                    let mut again = uri.clone();
                    again.clear_headers();
                    let mut written = Vec::new();
                    replaces.write(&mut written);
                    again =
                        again.with_header("Replaces", String::from_utf8(written).unwrap()).unwrap();
                    let (_, value) = again.headers().next().unwrap();
                    assert_eq!(Replaces::parse(value.as_bytes()), Ok(replaces));
                }
            }
        }
    });
}
