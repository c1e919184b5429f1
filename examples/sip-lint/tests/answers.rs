//! What a UAS answers, and what it does not mind.

mod common;

use common::verdict;

/// A request without faults, and with these lines more, before its body.
fn request(method: &str, more: &str, body: &str) -> String {
    let text = format!(
        "{method} sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nMax-Forwards: 70\n\
         From: <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID: 1\nCSeq: 1 {method}\nContact: <sip:a@h>\n{more}"
    );
    format!("{}\r\n{body}", text.replace('\n', "\r\n"))
}

fn status(message: impl AsRef<[u8]>) -> u64 {
    verdict(message)["status"].as_u64().unwrap_or(0)
}

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                     m=audio 4000 RTP/AVP 0\r\n";

#[test]
fn methods() {
    for (method, answer) in [
        ("INVITE", 0),
        ("ACK", 0),
        ("OPTIONS", 0),
        ("BYE", 481),
        ("CANCEL", 481),
        ("REGISTER", 0),
        ("MESSAGE", 0),
        ("INFO", 481),
        ("UPDATE", 481),
        ("NOTIFY", 481),
        ("SUBSCRIBE", 489),
        ("PUBLISH", 489),
        // What they cannot do without is missing.
        ("REFER", 400),
        ("PRACK", 400),
        ("BREW", 501),
        ("invite", 501),
    ] {
        assert_eq!(status(request(method, "", "")), answer, "{method}");
    }
    assert_eq!(status(request("REFER", "Refer-To: <sip:c@h>\n", "")), 0);
    assert_eq!(status(request("REFER", "Refer-To: <sip:c@h>\nr: <sip:d@h>\n", "")), 400);
    assert_eq!(status(request("PRACK", "RAck: 1 1 INVITE\n", "")), 481);
    assert_eq!(status(request("SUBSCRIBE", "o: presence\n", "")), 0);
}

#[test]
fn the_order_of_answers() {
    let tagged = |text: String| text.replace("<sip:b@h>", "<sip:b@h>;tag=2");
    for (message, answer) in [
        (request("BREW", "Require: x\n", "").replace("sip:bob@example.com", "tel:+1"), 501),
        (request("OPTIONS", "Require: x\n", "").replace("sip:bob@example.com", "tel:+1"), 416),
        (request("OPTIONS", "", "").replace("sip:bob", "sips:bob"), 0),
        (tagged(request("INVITE", "Require: 100rel, x\n", OFFER)), 420),
        (tagged(request("INVITE", "c: text/html\n", "<p>")), 415),
        (tagged(request("INVITE", "", "")), 481),
        (tagged(request("OPTIONS", "", "")), 481),
        // No registration is in a dialog.
        (tagged(request("REGISTER", "", "")), 0),
        // Nothing is answered to an ACK, and a CANCEL requires nothing.
        (tagged(request("ACK", "Require: x\n", "")), 0),
        (request("CANCEL", "Require: x\n", ""), 481),
    ] {
        assert_eq!(status(&message), answer, "{message}");
    }
}

#[test]
fn syntax() {
    let plain = || request("OPTIONS", "", "");
    for (message, answer) in [
        (plain().replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505),
        (plain().replace("SIP/2.0\r\nVia", "sIP/1.0\r\nVia"), 505),
        (plain().replace("SIP/2.0\r\nVia", "SIP/2.0\r\nX"), 400),
        (plain().replace("From:", "X:"), 400),
        (plain().replace("To:", "X:"), 400),
        (plain().replace("Call-ID:", "X:"), 400),
        (plain().replace("CSeq:", "X:"), 400),
        (plain().replace("1 OPTIONS", "4294967296 OPTIONS"), 400),
        (plain().replace("1 OPTIONS", "1 INVITE"), 400),
        (plain().replace("sip:bob@example.com", "sip:bob@example.com?x=y"), 400),
        (plain().replace("sip:bob@example.com", "sip:bob@"), 400),
        (plain().replace("<sip:a@h>;tag=1", "<sip:a@h"), 400),
        (request("OPTIONS", "Call-ID: 2\n", ""), 400),
        (request("OPTIONS", "Content-Length: 5\n", "abc"), 400),
        (request("OPTIONS", "Content-Length: 5\n", "abcdefgh"), 415),
        (request("OPTIONS", "Require: ;\n", ""), 400),
        (request("OPTIONS", "no colon\n", ""), 400),
        // These harm nobody.
        (plain().replace("Max-Forwards: 70\r\n", ""), 0),
        (plain().replace(": 70", ": 0"), 0),
        (plain().replace(": 70", ": 300"), 0),
        (plain().replace(": 70", ": many"), 400),
        (request("OPTIONS", "Expires: soon\nDate: now\nSubject: a\nSubject: b\n", ""), 0),
        (plain().replace("Contact", "m").replace("From", "f").replace("To", "t"), 0),
        (format!("\r\n\r\n{}", plain()), 0),
        (plain().replace("\r\n\r\n", "\r\n"), 0),
        (format!("{}\r\n\r\n", plain()), 0),
    ] {
        assert_eq!(status(&message), answer, "{message}");
        let is_rejected = matches!(answer, 400 | 505);
        assert_eq!(verdict(&message)["verdict"] == "reject", is_rejected, "{message}");
    }
}

#[test]
fn registrations() {
    for (more, answer) in [
        ("Contact: *\nExpires: 0\n", 400),
        ("Contact: <sip:a@h>;expires=soon\n", 0),
        ("Contact: <sip:a@h\n", 400),
    ] {
        assert_eq!(status(request("REGISTER", more, "")), answer, "{more}");
    }
    let star =
        request("REGISTER", "Expires: 0\n", "").replace("<sip:a@h>\r\nExpires", "*\r\nExpires");
    assert_eq!(status(&star), 0);
    assert_eq!(status(star.replace("Expires: 0", "Expires: 1")), 400);
    assert_eq!(status(request("REGISTER", "", "").replace("<sip:b@h>", "<isbn:1>")), 400);
}

#[test]
fn bodies() {
    let invite = |more: &str, body: &str| status(request("INVITE", more, body));
    let sdp = "Content-Type: application/sdp\n";
    assert_eq!(invite(sdp, OFFER), 0);
    assert_eq!(invite(sdp, &OFFER.replace("AVP 0", "AVP 4294967296")), 400);
    assert_eq!(invite(sdp, &OFFER.replace("v=0\r\n", "")), 488);
    assert_eq!(invite(sdp, "v=0\r\n"), 488);
    assert_eq!(invite(sdp, "(SDP not shown)"), 488);
    assert_eq!(invite("", OFFER), 415);
    assert_eq!(invite("Content-Type: application\n", OFFER), 400);
    assert_eq!(invite("c: text/plain\nContent-Disposition: icon;handling=optional\n", "x"), 0);
    assert_eq!(invite(&format!("{sdp}e: gzip\n"), OFFER), 415);
    assert_eq!(invite(&format!("{sdp}e: identity\n"), OFFER), 0);
    assert_eq!(invite(&format!("{sdp}Accept: text/plain\n"), OFFER), 406);
    assert_eq!(invite(&format!("{sdp}Accept: application/*\n"), OFFER), 0);
    assert_eq!(invite("c: application/pkcs7-mime;smime-type=enveloped-data\n", "x"), 493);
    // What its Content-Length cut is left to the session.
    let cut = format!("{sdp}Content-Length: {}\n", OFFER.len() - 20);
    assert_eq!(invite(&cut, OFFER), 0);

    let mixed = "Content-Type: multipart/mixed;boundary=b\n";
    let parts = |other: &str| {
        format!(
            "--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b\r\n{other}\r\n\r\nx\r\n--b--\r\n"
        )
    };
    assert_eq!(invite(mixed, &parts("Content-Type: text/html")), 415);
    let optional =
        parts("Content-Type: text/html\r\nContent-Disposition: render;handling=optional");
    assert_eq!(invite(mixed, &optional), 0);
    assert_eq!(invite(&mixed.replace("mixed", "alternative"), &parts("c: text/html")), 0);
    assert_eq!(invite(mixed, &optional.replace("4000", "70000")), 400);
    assert_eq!(invite("Content-Type: multipart/mixed\n", "x"), 415);

    assert_eq!(status(request("MESSAGE", "c: text/plain\n", "hello")), 0);
    assert_eq!(status(request("MESSAGE", "c: image/png\n", "hello")), 415);
}

#[test]
fn descriptions() {
    for (from, to, answer) in [
        ("", "", 0),
        ("\r\n", "\n", 0),
        ("AVP 0", "AVP 18", 488),
        ("audio", "video", 488),
        ("c=IN IP4 192.0.2.1\r\n", "", 488),
        ("s=-", "s=", 0),
        ("t=0 0\r\n", "t=0 0\r\nx-=1\r\n", 400),
        ("AVP 0", "AVP", 400),
        ("AVP 0", "AVP 0\r\nm=video 0 RTP/AVP", 0),
        ("4000 RTP", "4000 RTP/AVP 0\r\na=rtpmap:0\r\nm=video 0 RTP", 0),
        ("v=0\r\n", "", 400),
        ("v=0", "v=1", 400),
        ("s=-\r\n", "", 400),
        ("t=0 0\r\n", "", 400),
        ("s=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n", "t=0 0\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n", 400),
        ("m=audio 4000 RTP/AVP 0\r\n", "", 400),
        ("4000", "70000", 400),
        ("AVP 0", "AVP 4294967296", 400),
        ("IP4 192", "IP5 192", 400),
    ] {
        let body = OFFER.replacen(from, to, if from == "\r\n" { 99 } else { 1 });
        let verdict = common::verdicts(["--json", "--sdp", "-"], body.as_bytes()).remove(0);
        assert_eq!(verdict["kind"], "sdp");
        assert_eq!(verdict["status"].as_u64().unwrap_or(0), answer, "{body}");
        assert_eq!(verdict["verdict"] == "reject", answer == 400, "{body}");
    }
}

#[test]
fn responses() {
    let ok = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
              To: <sip:b@h>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:b@h>\r\n\r\n";
    for (text, code, is_dropped) in [
        (ok.to_owned(), 200, false),
        (ok.replace(" OK", ""), 200, false),
        (ok.replace("200 OK", "699 Ну"), 699, false),
        (ok.replace("Call-ID", "X"), 200, true),
        (ok.replace("1 INVITE", "one INVITE"), 200, true),
        (ok.replace("SIP/2.0 200", "SIP/7.0 200"), 200, true),
        (ok.replace("200", "1000"), 1000, true),
        (ok.replace("Contact", "Content-Length: 9\r\nContact"), 200, true),
    ] {
        let verdict = verdict(&text);
        assert_eq!(verdict["kind"], "response");
        assert_eq!(verdict["code"], code, "{text}");
        assert!(verdict["status"].is_null() && verdict["method"].is_null());
        assert_eq!(verdict["verdict"] == "reject", is_dropped, "{text}");
    }
}
