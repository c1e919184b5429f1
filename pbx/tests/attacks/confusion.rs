//! Messages that mean one thing to one reader and another to the next: headers smuggled in, lines broken, and
//! data that would be code somewhere else.

use std::time::Duration;

use sip_core::{Limits, Message};
use testkit::{Answering, Seen};

use crate::by_hand::{SDP, ask, authorized, guarded, received, request, send, status, stranger};
use crate::office::{PASSWORD, Scene, phone_address};

/// 101 calls 102 with these header lines and this body; what 102's telephone is sent, and the status.
fn call_with(scene: &mut Scene, n: u32, more: &str, body: &str) -> (u16, Vec<String>) {
    let source = phone_address(1);
    scene.answering(2, Answering::Never);
    let invite = request("INVITE", "102", source, n, more, body);
    let Some(challenge) = ask(scene, source, invite.clone()).pop() else { return (0, Vec::new()) };
    if challenge.status.code() != 401 {
        return (challenge.status.code(), Vec::new());
    }
    let status = status(scene, source, authorized(&invite, &challenge, "101", PASSWORD));
    let sent = received(scene, phone_address(2));
    (status, sent.into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect())
}

#[test]
fn nothing_of_the_callers_headers_reaches_the_other_leg_unread() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    let more = "Content-Type: application/sdp\r\nX-Smuggled: yes\r\nSubject: a\r\n b\r\n\
                P-Asserted-Identity: <sip:+74955550100@h>\r\nRemote-Party-ID: <sip:boss@h>\r\n\
                Alert-Info: <http://192.0.2.66/ring.wav>\r\nCall-Info: <http://192.0.2.66/>\r\n\
                Privacy: none\r\nRoute: <sip:192.0.2.66;lr>\r\n";
    let (status, sent) = call_with(&mut scene, 1, more, SDP);
    assert_eq!((status, sent.len()), (180, 1));
    for smuggled in
        ["X-Smuggled", "Subject", "P-Asserted", "Remote-Party", "Alert-Info", "Call-Info", "Route:"]
    {
        assert!(!sent[0].contains(smuggled), "{smuggled} in\n{}", sent[0]);
    }
}

#[test]
fn a_line_break_in_a_name_breaks_no_line_on_the_other_leg() {
    for (n, name) in [
        "\"a\\\r\nX-Injected: 1\r\n\"",
        "\"a\rX-Injected: 1\"",
        "\"a\nX-Injected: 1\"",
        "%0d%0aX-Injected:%201",
        "\"a\\\u{0}X-Injected\"",
    ]
    .into_iter()
    .enumerate()
    {
        let mut scene = guarded(2, pbx::front::Settings::default());
        scene.answering(2, Answering::Never);
        let source = phone_address(1);
        let invite =
            request("INVITE", "102", source, n as u32, "Content-Type: application/sdp\r\n", SDP)
                .replace("From: <sip", &format!("From: {name} <sip"));
        if let Some(challenge) = ask(&mut scene, source, invite.clone()).pop()
            && challenge.status.code() == 401
            && Message::parse(invite.clone().into(), &Limits::default()).is_ok()
        {
            send(&mut scene, source, authorized(&invite, &challenge, "101", PASSWORD));
        }
        scene.run_for(Duration::from_millis(100));
        for bytes in received(&mut scene, phone_address(2)) {
            let Ok(message) = Message::parse(bytes.clone(), &Limits::default()) else {
                panic!("{}", bytes.escape_ascii())
            };
            let Message::Request(request) = message else { continue };
            let names = request.headers.iter().map(|(name, _)| name.to_string());
            assert!(
                !names.into_iter().any(|name| name.eq_ignore_ascii_case("X-Injected")),
                "{name}"
            );
        }
    }
}

#[test]
fn two_content_lengths_or_one_that_lies_make_no_second_message() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    let inner = request("INVITE", "102", stranger(), 2, "", "");
    for (n, lengths) in [
        "Content-Length: 0\r\nContent-Length: 9999\r\n",
        "Content-Length: 0\r\nl: 5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 0x10\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let outer = request("OPTIONS", "x", stranger(), 10 + n as u32, "", "")
            .replace("Content-Length: 0\r\n", lengths);
        let answers = ask(&mut scene, stranger(), format!("{outer}{inner}"));
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.code()).collect();
        assert!(
            statuses.iter().all(|status| [200, 400].contains(status)),
            "{lengths}: {statuses:?}"
        );
        assert!(answers.len() <= 1, "what lies inside was not answered");
    }
}

#[test]
fn code_of_other_languages_is_text_here() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    for (n, number) in [
        "102'%20OR%20'1'='1",
        "102';DROP%20TABLE%20record;--",
        "102%00",
        "%24%7Bjndi:ldap:%2F%2F192.0.2.66%2Fa%7D",
        "..%2f..%2fetc%2fpasswd",
        "102%0d%0aBYE",
    ]
    .into_iter()
    .enumerate()
    {
        let source = phone_address(1);
        let invite =
            request("INVITE", number, source, n as u32, "Content-Type: application/sdp\r\n", SDP);
        let Some(challenge) = ask(&mut scene, source, invite.clone()).pop() else { continue };
        if challenge.status.code() != 401 {
            continue;
        }
        let code = status(&mut scene, source, authorized(&invite, &challenge, "101", PASSWORD));
        assert_eq!(code, 404, "{number}");
    }
    assert_eq!(scene.seen(2), []);
    // As a user name of credentials it finds nobody.
    let register = request("REGISTER", "101", stranger(), 50, "", "");
    let challenge = ask(&mut scene, stranger(), register.clone()).pop().unwrap();
    let injected = authorized(&register, &challenge, "101", PASSWORD)
        .replace("username=\"101\"", "username=\"101' OR 1=1 --\"");
    assert_eq!(status(&mut scene, stranger(), injected), 401);
}

#[test]
fn bodies_of_many_parts_and_compressed_ones_are_refused_before_they_are_unpacked() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    let mut bomb = String::new();
    for depth in 0..500 {
        bomb.push_str(&format!(
            "--b{depth}\r\nContent-Type: multipart/mixed;boundary=b{}\r\n\r\n",
            depth + 1
        ));
    }
    for (n, (more, body)) in [
        ("Content-Type: multipart/mixed;boundary=b0\r\n", bomb.as_str()),
        ("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "\u{1f}\u{8b}"),
        ("Content-Type: application/sdp\r\n", "v=0\r\nm=audio"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, sent) = call_with(&mut scene, n as u32, more, body);
        assert!([400, 415, 488].contains(&status), "{more}: {status}");
        assert_eq!(sent.len(), 0);
    }
    // A description with more lines than anybody needs.
    let lines = "a=rtpmap:8 PCMA/8000\r\n".repeat(2_000);
    let (status, _) =
        call_with(&mut scene, 9, "Content-Type: application/sdp\r\n", &format!("{SDP}{lines}"));
    assert!([0, 400, 413, 488, 513].contains(&status), "{status}");
    assert_eq!(scene.seen(2), []);
}

#[test]
fn an_answer_out_of_state_changes_nothing() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    scene.answering(2, Answering::After(Duration::from_secs(1)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(2);
    assert!(scene.seen(1).contains(&Seen::Accepted), "{:?}", scene.seen(1));
    let streams = scene.office().media.streams();
    // Responses to nothing, an ACK with a description, and a BYE for a dialog that is another's.
    let passages = scene.world.network().passages().to_vec();
    let invite = passages
        .iter()
        .find(|passage| {
            passage.datagram.bytes.starts_with(b"INVITE")
                && passage.datagram.destination == phone_address(2)
        })
        .expect("the call");
    let text = String::from_utf8(invite.datagram.bytes.to_vec()).unwrap();
    let header = |name: &str| {
        text.lines().find(|line| line.starts_with(name)).map(|line| format!("{line}\r\n")).unwrap()
    };
    let forged = format!(
        "SIP/2.0 200 OK\r\n{}{}{}{}{}Contact: <sip:x@203.0.113.66>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}",
        header("Via"),
        header("From"),
        header("To").replace("\r\n", ";tag=forged\r\n"),
        header("Call-ID"),
        header("CSeq"),
        SDP.len()
    );
    send(&mut scene, stranger(), forged);
    let bye = request("BYE", "102", stranger(), 77, "", "")
        .replace("Call-ID: call-77", header("Call-ID").trim_end());
    send(&mut scene, stranger(), bye);
    scene.run_for_seconds(3);
    assert!(scene.phone(1).is_busy() && scene.phone(2).is_busy(), "the call goes on");
    assert_eq!(scene.office().media.streams(), streams);
}
