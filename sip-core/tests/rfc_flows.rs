//! The example messages of RFC 3665, 3515, 3327, 4916 and 5626.

mod support;

use sip_core::header::{Contact, From, RecordRoute, Route, To, Via};
use sip_core::{Limits, Message, MessageView};

#[test]
fn every_message_is_read_and_written_again() {
    let Some(cases) = support::cases("rfc-flows") else { return };
    assert_eq!(cases.len(), 227);
    for case in &cases {
        println!("{}", case.name);
        support::assert_fixed_point(&case.bytes);
    }
}

#[test]
fn every_address_is_read() {
    let Some(cases) = support::cases("rfc-flows") else { return };
    for case in &cases {
        let message = Message::parse(case.bytes.clone(), &Limits::default()).unwrap();
        let headers = message.headers();
        headers.require::<From>().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        headers.require::<To>().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        for result in [
            headers.all::<Via>().find_map(Result::err),
            headers.all::<Contact>().find_map(Result::err),
            headers.all::<Route>().find_map(Result::err),
            headers.all::<RecordRoute>().find_map(Result::err),
        ] {
            assert_eq!(result, None, "{}", case.name);
        }
    }
}

#[test]
fn every_cut_is_survived() {
    let Some(cases) = support::cases("rfc-flows") else { return };
    for case in cases.iter().step_by(7) {
        for cut in 0..case.bytes.len() {
            if let Ok(view) = MessageView::parse(&case.bytes[..cut], &Limits::default()) {
                let _ = view.check(&Default::default());
            }
        }
    }
}
