//! Alice refers Bob to Carol (RFC 3515).

use sip_core::endpoint::{Event, SubscriptionId};
use sip_core::header::{NameAddr, ReferTo};
use sip_core::{Method, Request, Response, StatusCode};

use super::{Alice, Bob, Lab, skeleton};

/// The REFER, for a call.
pub fn refer() -> Request {
    let mut request = skeleton(Method::Refer);
    request.headers.push(ReferTo(NameAddr::parse("<sip:carol@192.0.2.3>").unwrap()));
    request
}

/// Bob accepts: what his reports go by, if any are wanted.
pub fn accept(lab: &mut Lab) -> Option<SubscriptionId> {
    let asked = lab.expect_request(Bob, Method::Refer);
    let response = Response::to(&asked.request, StatusCode::ACCEPTED);
    lab.bob.accept_refer(lab.now, asked.id, response).unwrap()
}

/// The NOTIFY of which Alice is told, with this status line as its body.
pub fn expect_report(lab: &mut Lab, line: &str) -> Request {
    match lab.event(Alice) {
        Event::Notified { request, .. } => {
            assert_eq!(&request.body[..], line.as_bytes());
            request
        }
        other => panic!("{other:?}"),
    }
}
