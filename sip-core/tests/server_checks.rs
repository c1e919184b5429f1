//! What a user agent server answers by itself (RFC 3261 §8.2, §12.2.2, §18).

mod common;

use common::*;
use sip_core::endpoint::{Config, Error, Event, Input, Noun};
use sip_core::header::{RetryAfter, Unsupported};
use sip_core::transaction::Tables;
use sip_core::{HeaderName, Message, Method, Response, StatusCode, Token, Transport};

/// A message as it may come from anywhere.
fn arrive(lab: &mut Lab, text: &str) -> Vec<Response> {
    let flow = lab.flow(Bob);
    let message = text.replace('\n', "\r\n").into();
    lab.bob.handle_input(lab.now, Input::Received { flow, message });
    lab.take().iter().map(Packet::response).collect()
}

fn options(extra: &str) -> String {
    format!(
        "OPTIONS sip:bob@192.0.2.2 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx{}\n\
         From: <sip:a@x>;tag=1\nTo: <sip:bob@x>\nCall-ID: 1\nCSeq: 1 OPTIONS\nMax-Forwards: 70\n{extra}\n",
        extra.len()
    )
}

#[test]
fn merged_requests_get_482() {
    let mut lab = Lab::new();
    lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    lab.deliver(invite.clone());
    let asked = lab.expect_request(Bob, Method::Invite);
    let text = String::from_utf8(invite.bytes.to_vec()).unwrap();
    let other_way = text.replace("branch=z9hG4bK", "branch=z9hG4bKother");
    lab.deliver(Packet { bytes: other_way.into(), ..invite });
    assert_eq!(lab.take_one("482").response().status, StatusCode::LOOP_DETECTED);
    lab.no_event(Bob);
    lab.respond(Bob, &asked, 200);
}

#[test]
fn required_extensions_get_420_unless_they_are_supported() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        config.supported = vec![Token::from_static("timer")];
    });
    let answers = arrive(&mut lab, &options("Require: timer, 100rel\nRequire: replaces\n"));
    assert_eq!(answers[0].status, StatusCode::BAD_EXTENSION);
    let missing = answers[0].headers.require::<Unsupported>().unwrap();
    assert!(missing.contains("100rel") && missing.contains("replaces"));
    assert!(!missing.contains("timer"));
    lab.no_event(Bob);
    let supported = options("Require: Timer\n").replace("Call-ID: 1", "Call-ID: 2");
    assert!(arrive(&mut lab, &supported).is_empty());
    lab.expect_request(Bob, Method::Options);
}

#[test]
fn a_dialog_that_is_not_there_gets_481() {
    let mut lab = Lab::new();
    let answers = arrive(&mut lab, &options("").replace("<sip:bob@x>", "<sip:bob@x>;tag=nobody"));
    assert_eq!(answers[0].status, StatusCode::CALL_DOES_NOT_EXIST);
    assert_eq!(lab.bob.statistics().unknown_dialogs, 1);
    lab.no_event(Bob);
}

#[test]
fn broken_requests_are_answered() {
    let mut lab = Lab::new();
    let broken = [
        (options("").replace("SIP/2.0\nVia", "SIP/3.0\nVia"), 505),
        (options("").replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), 400),
        (options("").replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"), 400),
        (options("").replace("Call-ID: 1\n", ""), 400),
        (options("").replace("sip:bob@192.0.2.2", "http://x/"), 416),
        (options("Content-Length: 5\n"), 400),
        (options("Contact: <sip:broken\n"), 400),
    ];
    for (n, (text, status)) in broken.into_iter().enumerate() {
        let text = text.replace("branch=z9hG4bK", &format!("branch=z9hG4bK{n}-"));
        let answers = arrive(&mut lab, &text);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.code()).collect();
        // What CSeq or Call-ID do not say cannot be answered by a message that needs them.
        if text.contains("one OPTIONS") || !text.contains("Call-ID") {
            assert!(statuses.is_empty() || statuses == [status], "{text}");
        } else {
            assert_eq!(statuses, [status], "{text}");
        }
        assert!(matches!(lab.event(Bob), Event::Malformed { .. }), "{text}");
        lab.no_event(Bob);
    }
    assert_eq!(lab.bob.statistics().malformed, 7);
    lab.rest();
}

#[test]
fn what_nobody_may_answer_is_not_answered() {
    let mut lab = Lab::new();
    for text in [
        "".to_owned(),
        "\n\n\n\n".to_owned(),
        "rubbish".to_owned(),
        options("").replace("Via:", "Nothing:"),
        options("").replace("OPTIONS", "ACK"),
        options("").replace("OPTIONS", "ACK").replace("1 ACK", "1 BYE"),
        options("").replace("OPTIONS", "ACK").replace("SIP/2.0\n", "SIP/7.0\n"),
        "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.2\n\n".to_owned(),
        "SIP/2.0 2000 OK\nVia: SIP/2.0/UDP 192.0.2.2\nCSeq: 1 OPTIONS\n\n".to_owned(),
    ] {
        assert!(arrive(&mut lab, &text).is_empty(), "{text}");
    }
    lab.ignore_events(Bob);
    lab.rest();
}

#[test]
fn methods_are_the_users() {
    let mut lab = Lab::new();
    assert!(arrive(&mut lab, &options("").replace("OPTIONS", "BREW")).is_empty());
    let Event::Request { id, request, .. } = lab.event(Bob) else { panic!("no request") };
    let refusal = Response::to(&request, StatusCode::METHOD_NOT_ALLOWED);
    lab.bob.respond(lab.now, id, refusal).unwrap();
    let answer = lab.take_one("405").response();
    assert!(answer.headers.contains(HeaderName::Allow));
}

#[test]
fn only_an_invite_is_answered_provisionally() {
    let mut lab = Lab::new();
    arrive(&mut lab, &options(""));
    let asked = lab.expect_request(Bob, Method::Options);
    let progress = Response::to(&asked.request, StatusCode::SESSION_PROGRESS);
    assert!(matches!(lab.bob.respond(lab.now, asked.id, progress), Err(Error::NotAllowed(_))));
    lab.respond(Bob, &asked, 200);
    let again = Response::to(&asked.request, StatusCode::OK);
    assert_eq!(lab.bob.respond(lab.now, asked.id, again), Err(Error::Gone(Noun::Server)));
}

#[test]
fn a_full_house_says_503_and_when_to_come_back() {
    let tables = |config: &mut Config, servers| {
        config.capacity.transactions = Tables { servers, ..Tables::default() };
    };
    let mut lab = Lab::with(Transport::Udp, |config| tables(config, 2));
    for n in 0..1000 {
        let text = options(&format!("X: {}\n", "x".repeat(n % 60)))
            .replace("Call-ID: 1", &format!("Call-ID: {n}"))
            .replace("branch=z9hG4bK", &format!("branch=z9hG4bK{n}-"));
        let answers = arrive(&mut lab, &text);
        if n < 2 {
            assert!(answers.is_empty());
            continue;
        }
        assert_eq!(answers[0].status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answers[0].headers.require::<RetryAfter>().unwrap().seconds >= 5);
        // Nothing is kept, and yet the same request gets the same answer (§8.2.7).
        assert_eq!(arrive(&mut lab, &text), answers);
    }
    assert_eq!(lab.bob.transactions(), 2);
    assert_eq!(lab.bob.statistics().refused, 2 * 998);
}

#[test]
fn dialogs_are_limited() {
    let mut lab = Lab::with(Transport::Udp, |config| config.capacity.dialogs = 1);
    lab.call();
    let (now, flow) = (lab.now, lab.flow(Alice));
    assert_eq!(
        lab.alice.invite(now, request(Method::Invite, Alice), flow),
        Err(Error::Full(Noun::Dialog))
    );
    let invite = options("Contact: <sip:a@192.0.2.1>\n").replace("OPTIONS", "INVITE");
    assert_eq!(arrive(&mut lab, &invite)[0].status, StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_user_that_does_not_listen_is_not_buried() {
    let mut lab = Lab::with(Transport::Udp, |config| config.capacity.events = 3);
    for n in 0..10 {
        let text = options(&"X: 1\n".repeat(n)).replace("Call-ID: 1", &format!("Call-ID: {n}"));
        let refused = !arrive(&mut lab, &text).is_empty();
        assert_eq!(refused, n >= 3);
    }
    arrive(&mut lab, "rubbish");
    let mut events = 0;
    while lab.bob.poll_event().is_some() {
        events += 1;
    }
    assert_eq!(events, 3);
}

#[test]
fn client_tables_are_limited() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        config.capacity.transactions = Tables { clients: 1, ..Tables::default() };
    });
    lab.request(Alice, Method::Options);
    let (now, flow) = (lab.now, lab.flow(Alice));
    assert_eq!(
        lab.alice.request(now, request(Method::Options, Alice), flow),
        Err(Error::Full(Noun::Client))
    );
    lab.run_cut_off(secs(33));
    lab.rest();
}

#[test]
fn stray_responses_are_counted_and_dropped() {
    let mut lab = Lab::new();
    lab.request(Alice, Method::Options);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Options);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    let two_vias = text.replacen("\r\n", "\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKtop\r\n", 1);
    let not_ours = text.replace("branch=z9hG4bK", "branch=z9hG4bKx");
    let other_method = text.replace(" OPTIONS", " INVITE");
    for text in [two_vias, not_ours, other_method] {
        lab.deliver(Packet { bytes: text.into(), ..answer.clone() });
        lab.no_event(Alice);
    }
    assert_eq!(lab.alice.statistics().stray_responses, 3);
    lab.deliver(answer);
    lab.expect_response(Alice, 200);
}

#[test]
fn every_answer_of_ours_can_be_read() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 200);
    let Message::Response(answer) = lab.take_one("200").message() else { panic!("a request") };
    answer.check().unwrap();
}

/// Whatever the method and whatever it lacks or brings, there is one answer, and nothing stays behind.
#[test]
fn every_method_is_answered_whatever_it_brings() {
    let mut lab =
        Lab::with(Transport::Udp, extended(&["100rel", "timer", "replaces", "norefersub"]));
    let flow = lab.flow(Bob);
    let mut branch = 0;
    for method in [
        "INVITE",
        "BYE",
        "ACK",
        "CANCEL",
        "PRACK",
        "UPDATE",
        "REFER",
        "SUBSCRIBE",
        "NOTIFY",
        "PUBLISH",
        "MESSAGE",
        "INFO",
        "REGISTER",
        "OPTIONS",
        "FOO",
    ] {
        for brings in [
            "",
            "Contact: <sip:a@h>\n",
            "Contact: *\n",
            "RAck: 1 1 INVITE\n",
            "Event: dialog\nContact: <sip:a@h>\n",
            "Replaces: 1;to-tag=1;from-tag=2\nContact: <sip:a@h>\n",
            "Require: 100rel\nSupported: timer\nSession-Expires: 10\nContact: <sip:a@h>\n",
        ] {
            for to_tag in ["", ";tag=zz"] {
                branch += 1;
                let text = format!(
                    "{method} sip:b@192.0.2.2 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKm{branch}\n\
                     Max-Forwards: 70\nFrom: <sip:a@h>;tag=1\nTo: <sip:b@h>{to_tag}\nCall-ID: {branch}\n\
                     CSeq: 1 {method}\n{brings}\n"
                );
                let message = text.replace('\n', "\r\n").into();
                lab.bob.handle_input(lab.now, Input::Received { flow, message });
                while let Some(event) = lab.bob.poll_event() {
                    if let Event::Request { id, request, .. } = event {
                        let refusal = Response::to(&request, StatusCode::NOT_IMPLEMENTED);
                        lab.bob.respond(lab.now, id, refusal).unwrap();
                    }
                }
                let answers = lab.take();
                let expected = usize::from(method != "ACK");
                assert_eq!(answers.len(), expected, "{method} {brings} {to_tag}");
                assert!(answers.iter().all(|answer| answer.response().status.is_final()));
            }
        }
    }
    lab.run(secs(40));
    lab.ignore_events(Bob);
    assert!(lab.bob.is_idle(), "{:?}", lab.bob);
}
