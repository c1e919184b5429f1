//! MESSAGE (RFC 3428): a text outside dialogs, taken only by who says so.

mod common;

use common::*;
use insta::assert_snapshot;
use sip_core::header::{Accept, ContentType, MediaType};
use sip_core::{HeaderName, Method, Request, Response, StatusCode, Transport};

fn lab() -> Lab {
    Lab::with(Transport::Udp, |config| config.allow.push(Method::Message))
}

/// §4: a MESSAGE with its text.
fn message(mut request: Request) -> Request {
    let kind = MediaType::parse("text/plain").unwrap();
    request.headers.push(ContentType(kind));
    request.body = "Watson, come here.".into();
    request
}

fn send(lab: &mut Lab) {
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.request(now, message(request(Method::Message, Alice)), flow).unwrap();
}

/// §7: who takes none says which methods it takes, and its user is not bothered.
#[test]
fn who_does_not_allow_messages_refuses_them() {
    let mut lab = Lab::new();
    send(&mut lab);
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> MESSAGE
      0 <-- 405
    ");
    let told = lab.expect_response(Alice, 405);
    let allow = told.response.headers.raw(HeaderName::Allow).next().unwrap().to_vec();
    assert!(!String::from_utf8(allow).unwrap().contains("MESSAGE"));
    lab.no_event(Bob);
    lab.rest();
}

/// §7: the text arrives whole; the 2xx has no body and no Contact, and neither makes a dialog.
#[test]
fn a_text_arrives_and_makes_no_dialog() {
    for code in [200, 202] {
        let mut lab = lab();
        send(&mut lab);
        lab.settle();
        let asked = lab.expect_request(Bob, Method::Message);
        assert_eq!(asked.request.body, "Watson, come here.");
        let ContentType(kind) = asked.request.headers.require().unwrap();
        assert_eq!(kind.to_string(), "text/plain");
        // §4 forbids Contact in MESSAGE.
        assert!(!asked.request.headers.contains(HeaderName::Contact));
        lab.respond(Bob, &asked, code);
        lab.settle();
        let told = lab.expect_response(Alice, code);
        assert!(!told.response.headers.contains(HeaderName::Contact));
        assert!(told.response.body.is_empty() && told.dialog.is_none());
        assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (0, 0));
        lab.rest();
    }
}

/// A repeated MESSAGE is the same text: it is told once and answered each time.
#[test]
fn a_repeated_text_is_told_once() {
    let mut lab = lab();
    send(&mut lab);
    let sent = lab.take_one("MESSAGE");
    lab.deliver(sent.clone());
    let asked = lab.expect_request(Bob, Method::Message);
    lab.deliver(sent.clone());
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    lab.deliver(sent);
    lab.no_event(Bob);
    assert_eq!(lab.take_one("200").bytes, answer.bytes);
    lab.deliver(answer.clone());
    lab.expect_response(Alice, 200);
    lab.deliver(answer);
    lab.no_event(Alice);
    lab.rest();
}

/// What the phone cannot show is refused with what it can.
#[test]
fn a_kind_of_text_that_is_not_understood_gets_415() {
    let mut lab = lab();
    send(&mut lab);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Message);
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let mut response = Response::to(&asked.request, status);
    response.headers.push(Accept(vec![MediaType::parse("text/html").unwrap()]));
    lab.bob.respond(lab.now, asked.id, response).unwrap();
    lab.settle();
    assert!(lab.expect_response(Alice, 415).response.headers.contains(HeaderName::Accept));
}

/// §4: a text in a call goes the way of the call, and leaves it as it is.
#[test]
fn a_text_in_a_call_leaves_it_alone() {
    let mut lab = lab();
    let (alices, bobs) = lab.call();
    lab.clear_ladder();
    lab.alice.request_in(lab.now, alices, message(skeleton(Method::Message))).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Message);
    assert_eq!(asked.dialog, Some(bobs));
    lab.answer(Bob, &asked, 200);
    assert_snapshot!(lab.draw(), @r"
      0 --> MESSAGE
      0 <-- 200
    ");
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1));
}
