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
    for (n, (name, is_well_formed)) in [
        ("\"a\\\r\nX-Injected: 1\r\n\"", false),
        ("\"a\rX-Injected: 1\"", false),
        ("\"a\nX-Injected: 1\"", false),
        ("%0d%0aX-Injected:%201", false),
        ("\"a\\\u{0}X-Injected\"", true),
        ("\"a\r\n X-Injected: 1\"", true),
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
        let challenge = ask(&mut scene, source, invite.clone()).pop();
        match challenge.filter(|challenge| challenge.status.code() == 401) {
            Some(challenge) => {
                send(&mut scene, source, authorized(&invite, &challenge, "101", PASSWORD));
            }
            None => assert!(!is_well_formed, "{name:?}"),
        }
        scene.run_for(Duration::from_millis(100));
        let sent = received(&mut scene, phone_address(2));
        assert_eq!(sent.len(), usize::from(is_well_formed), "{name:?}");
        for bytes in sent {
            assert!(Message::parse(bytes.clone(), &Limits::default()).is_ok());
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            // The name is the directory's, whatever the caller writes.
            assert!(!text.contains("X-Injected") && !text.contains('\0'), "{text}");
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
        // One answer: what lies inside gets none.
        assert_eq!(statuses, [400], "{lengths}");
    }
}

#[test]
fn code_of_other_languages_is_text_here() {
    let mut scene = guarded(2, pbx::front::Settings::default());
    for (n, number) in [
        "102'%20OR%20'1'='1",
        "102';DROP%20TABLE%20record;--",
        "102%00",
        "%24%7Bjndi%3Aldap%3A%2F%2F192.0.2.66%2Fa%7D",
        "..%2f..%2fetc%2fpasswd",
        "102%0d%0aBYE",
    ]
    .into_iter()
    .enumerate()
    {
        let source = phone_address(1);
        let invite =
            request("INVITE", number, source, n as u32, "Content-Type: application/sdp\r\n", SDP);
        let challenge = ask(&mut scene, source, invite.clone()).pop().expect(number);
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
    let wrapped = format!("--b0\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b0--\r\n");
    for (n, (expected, more, body)) in [
        (415, "Content-Type: multipart/mixed;boundary=b0\r\n", bomb.as_str()),
        (415, "Content-Type: multipart/mixed;boundary=b0\r\n", &wrapped),
        (415, "Content-Type: application/gzip\r\n", SDP),
        (415, "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", "\u{1f}\u{8b}"),
        (415, "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n", SDP),
        (400, "Content-Type: application/sdp\r\n", "v=0\r\nm=audio"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, sent) = call_with(&mut scene, n as u32, more, body);
        assert_eq!(status, expected, "{more}");
        assert_eq!(sent.len(), 0);
    }
    // A description with more lines than anybody needs.
    let lines = "a=rtpmap:8 PCMA/8000\r\n".repeat(2_000);
    let (status, _) =
        call_with(&mut scene, 9, "Content-Type: application/sdp\r\n", &format!("{SDP}{lines}"));
    assert_eq!(status, 413);
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
    // An answer of another telephone to a call that was answered, and a BYE of somebody who knows what the
    // INVITE said, and so one tag of two.
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
    let ours = header("From").trim_end().rsplit_once(";tag=").unwrap().1.to_owned();
    let call_id = header("Call-ID").trim_end().to_owned();
    for (n, tag, expected) in [(77, "", 481), (78, ours.as_str(), 481)] {
        let mut bye = request("BYE", "102", stranger(), n, "", "")
            .replace(&format!("Call-ID: call-{n}"), &call_id);
        if !tag.is_empty() {
            bye = bye.replace(">\r\nCall-ID", &format!(">;tag={tag}\r\nCall-ID"));
            assert!(bye.contains(tag));
        }
        assert_eq!(status(&mut scene, stranger(), bye), expected, "{tag}");
    }
    scene.run_for_seconds(3);
    assert!(scene.phone(1).is_busy() && scene.phone(2).is_busy(), "the call goes on");
    assert_eq!(scene.office().media.streams(), streams);
    let media = "192.0.2.66:4000".parse().unwrap();
    assert_eq!(received(&mut scene, media).len(), 0, "where the forged answer wants the voice");
}
