use sip_core::MessageView;
use sip_core::header::*;
use sip_core::proxy::MaxBreadth;

use crate::headers::{address, addresses, round_trips, with_headers};

/// Headers of addresses and routes: Via, Route and their like, From, To, Contact, and what tells requests apart.
pub fn sip_headers_routing(lines: &[u8]) {
    with_headers(lines, |view, headers| {
        round_trips! { headers;
            CSeq CallId Contact From MaxBreadth MaxForwards Path RecordRoute ReplyTo Route ServiceRoute To Via
        }
        addresses! { view, headers;
            FromRef From PathRef Path RecordRouteRef RecordRoute ReplyToRef ReplyTo RouteRef Route
            ServiceRouteRef ServiceRoute ToRef To
        }
        for contact in headers.all::<Contact>().flatten().take(20) {
            if let Some(contact) = contact.address() {
                address(contact.clone());
            }
        }
        in_place(view, headers);
    });
}

/// Types that end in `Ref` say what their owners say, errors included.
fn in_place(view: &MessageView<'_>, headers: &Headers) {
    let vias = view.all::<ViaRef<'_>>().map(|via| via.map(|via| via.to_via()));
    assert!(vias.eq(headers.all::<Via>()));
    for (borrowed, owned) in view.all::<ViaRef<'_>>().zip(headers.all::<Via>()) {
        let (Ok(borrowed), Ok(owned)) = (borrowed, owned) else { continue };
        assert_eq!(borrowed.branch(), owned.branch());
        assert_eq!(borrowed.transaction(), owned.transaction());
        assert_eq!((borrowed.received(), borrowed.rport()), (owned.received(), owned.rport()));
        let _ = (owned.maddr(), owned.ttl(), owned.port_or_default());
    }
    let numbers =
        view.all::<CSeqRef<'_>>().map(|r| r.map(|cseq| (cseq.number(), cseq.method().to_owned())));
    let owned = headers.all::<CSeq>().map(|r| r.map(|cseq| (cseq.number, cseq.method.to_string())));
    assert!(numbers.eq(owned));
    let ids = view.all::<CallIdRef<'_>>().map(|r| r.map(|id| id.as_str().to_owned()));
    assert!(ids.eq(headers.all::<CallId>().map(|r| r.map(|id| id.to_string()))));
}
