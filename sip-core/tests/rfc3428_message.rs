//! MESSAGE (RFC 3428): a text outside dialogs, taken only by who says so.

mod common;

use common::*;
use sip_core::endpoint::Event;
use sip_core::{HeaderName, Method, Response, StatusCode, Transport};

#[test]
fn messages_are_taken_only_where_allow_names_them() {
    let mut lab = Lab::new();
    lab.request(Alice, Method::Message);
    lab.settle();
    let told = lab.expect_response(Alice, 405);
    assert!(told.response.headers.contains(HeaderName::Allow));
    lab.no_event(Bob);
    lab.rest();

    let mut lab = Lab::with(Transport::Udp, |config| config.allow.push(Method::Message));
    lab.request(Alice, Method::Message);
    lab.settle();
    match lab.event(Bob) {
        Event::Request { id, request, .. } => {
            let response = Response::to(&request, StatusCode::ACCEPTED);
            lab.bob.respond(lab.now, id, response).unwrap();
        }
        other => panic!("{other:?}"),
    }
    lab.settle();
    assert!(!lab.expect_response(Alice, 202).response.headers.contains(HeaderName::Contact));
    lab.rest();
}
