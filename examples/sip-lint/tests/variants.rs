//! One thing at a time is written otherwise, as implementations and test suites do: what the grammar and the rules of
//! RFC 3261 say to it.

mod common;

use common::{verdict, verdicts};

const NONE: u64 = 0;

/// Headers of a request without faults.
const HEADERS: &[(&str, &str)] = &[
    ("Via", "SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds"),
    ("Max-Forwards", "70"),
    ("To", "Bob <sip:bob@biloxi.com>"),
    ("From", "Alice <sip:alice@atlanta.com>;tag=1928301774"),
    ("Call-ID", "a84b4c76e66710@pc33.atlanta.com"),
    ("CSeq", "314159 OPTIONS"),
    ("Contact", "<sip:alice@pc33.atlanta.com>"),
];

/// An OPTIONS with another value of one header; of one that is not among the usual, with it as well.
fn with(name: &str, value: &str) -> String {
    let mut text = "OPTIONS sip:bob@biloxi.com SIP/2.0\r\n".to_owned();
    for (usual, usual_value) in HEADERS {
        let value = if *usual == name { value } else { usual_value };
        text.push_str(&format!("{usual}: {value}\r\n"));
    }
    if HEADERS.iter().all(|(usual, _)| *usual != name) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n"
}

fn with_line(line: &str) -> String {
    with("Via", HEADERS[0].1).replace("OPTIONS sip:bob@biloxi.com SIP/2.0", line)
}

fn with_uri(uri: &str) -> String {
    with_line(&format!("OPTIONS {uri} SIP/2.0"))
}

fn invite(headers: &str, body: &str) -> String {
    let text = with("Via", HEADERS[0].1).replace("OPTIONS", "INVITE");
    text.replace("\r\n\r\n", &format!("\r\n{headers}\r\n{body}"))
}

fn expect(message: impl AsRef<[u8]>, answer: u64) {
    let message = message.as_ref();
    let verdict = verdict(message);
    let status = verdict["status"].as_u64().unwrap_or(NONE);
    assert_eq!(status, answer, "{}\n{verdict}", String::from_utf8_lossy(message));
    assert_eq!(verdict["verdict"] == "reject", matches!(answer, 400 | 505), "{verdict}");
    if answer == NONE {
        assert_eq!(verdict["roundtrip"], true, "{}", String::from_utf8_lossy(message));
    }
}

#[test]
fn vias() {
    for (value, answer) in [
        ("SIP / 2.0 / UDP  h : 5060 ; branch = z9hG4bK7 ; rport", NONE),
        ("SIP/2.0/UDP\r\n h\r\n\t;branch=z9hG4bK7", NONE),
        ("sip/2.0/udp h;BRANCH=Z9HG4BK1", NONE),
        ("SIP/2.0/UNKNOWN h", NONE),
        ("SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/TCP b:5061;branch=z9hG4bK2", NONE),
        ("SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255;branch=z9hG4bK1", NONE),
        ("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK1", NONE),
        ("SIP/2.0/UDP h;x=\"a,b;c\";branch=z9hG4bK1", NONE),
        ("SIP/2.0/UDP my_host.example;branch=z9hG4bK1", NONE),
        ("SIP/2.0/UDP a;branch=z9hG4bK1, garbage", 400),
        ("SIP/2.0/UDP a;branch=z9hG4bK1,,SIP/2.0/UDP b;branch=z9hG4bK2", 400),
        ("SIP/2.0/UDP a;branch=z9hG4bK1,", 400),
        (",SIP/2.0/UDP a;branch=z9hG4bK1", 400),
        ("SIP/2.0/UDP a;branch=z9hG4bK1;", 400),
        ("SIP/2.0/UDP a;branch=z9hG4bK", 400),
        ("SIP/2.0/UDP a;branch", 400),
        ("SIP/2.0/UDP a;branch=", 400),
        ("SIP/2.0/UDP ;branch=z9hG4bK1", 400),
        ("SIP/2.0 a;branch=z9hG4bK1", 400),
        ("SIP/2.0/UDP a:99999;branch=z9hG4bK1", 400),
        ("SIP/2.0/UDP a;x=\"b;branch=z9hG4bK1", 400),
        ("SIP/2.0/UDP a;branch=z9hG4bK1 (a comment)", 400),
        ("", 400),
    ] {
        expect(with("Via", value), answer);
    }
}

#[test]
fn addresses() {
    for (value, answer) in [
        (r#""J Rosenberg \\\"" <sip:a@h>;tag=9"#, NONE),
        ("\"Иван Ж\" <sip:i@h>;tag=1", NONE),
        ("\"\" <sip:i@h>;tag=1", NONE),
        ("\"A\"<sip:i@h>;tag=1", NONE),
        ("\"A\tB\"\t<sip:i@h>\t;\ttag=1", NONE),
        ("Hi I'm Joe <sip:i@h>;tag=1", NONE),
        ("sip:i@h;tag=1", NONE),
        ("<sip:i,j;k?l@h>;tag=1", NONE),
        ("<sip:i@h>", NONE),
        ("<tel:+1234>;tag=1", NONE),
        ("<http://www.example.com>;tag=1", NONE),
        ("  \"A\"\r\n  <sip:i@h>  ;  tag  =  1  ", NONE),
        ("<sip:i@h>;tag=1;x=\"a;b,c\\\"d\";y=[::1]", NONE),
        // `method` is a token, which has more characters than other parameters of URIs.
        ("<sip:i@h;method=A`B>;tag=1", NONE),
        ("<sip:i@h;a`b=c>;tag=1", 400),
        ("Bell, Alexander <sip:a.g.bell@bell-tel.com>;tag=43", 400),
        ("\"Alice <sip:i@h>;tag=1", 400),
        ("\"\\\" <sip:i@h>;tag=1", 400),
        ("\"A\u{1}\" <sip:i@h>;tag=1", 400),
        ("\"A\\é\" <sip:i@h>;tag=1", 400),
        ("<sip:i@h;tag=1", 400),
        ("<sip:i@h>;tag=1;tag=2", 400),
        ("<sip:i@h>;tag=", 400),
        ("<sip:i@h>;tag", 400),
        ("<sip:i@h> junk;tag=1", 400),
        ("< sip:i@h >;tag=1", 400),
        ("<<sip:i@h>>;tag=1", 400),
        ("sip:i,j@h;tag=1", 400),
        ("sip:i@h?Route=x;tag=1", 400),
        ("<sip:a@h>;tag=1, <sip:b@h>;tag=2", 400),
        ("Alice;tag=1", 400),
        ("<>;tag=1", 400),
        ("*", 400),
        ("", 400),
    ] {
        expect(with("From", value), answer);
    }
    let many: Vec<_> = (0..70).map(|n| format!("<sip:a{n}@h;p={n}>;q=0.{}", n % 10)).collect();
    expect(with("Contact", &many.join(",")), NONE);
    expect(with("Contact", "mailto:watson@bell-telephone.com"), NONE);
    expect(with("Contact", "<sip:a@>"), 400);
    expect(with("Route", "<sip:p1.example.com;lr>,\r\n\t<sip:p2.example.com;lr>"), NONE);
    expect(with("Route", "<sip:p1.example.com;lr"), 400);
    expect(with("Record-Route", "sip:x;lr>"), 400);
}

#[test]
fn numbers() {
    for (name, value, answer) in [
        ("CSeq", "0 OPTIONS", NONE),
        ("CSeq", "0009 \t OPTIONS  ", NONE),
        ("CSeq", "2147483647 OPTIONS", NONE),
        ("CSeq", "4294967296 OPTIONS", 400),
        ("CSeq", "-1 OPTIONS", 400),
        ("CSeq", "+1 OPTIONS", 400),
        ("CSeq", "0x10 OPTIONS", 400),
        ("CSeq", "1", 400),
        ("CSeq", "1 OPTIONS x", 400),
        ("CSeq", "1 options", 400),
        ("CSeq", "1 OPTIONS, 2 OPTIONS", 400),
        ("Max-Forwards", "0070", NONE),
        ("Max-Forwards", "999999999999999999999", NONE),
        ("Max-Forwards", "+70", 400),
        ("Max-Forwards", "70.5", 400),
        ("Max-Forwards", "70, 71", 400),
        ("Content-Length", "0000", NONE),
        ("Content-Length", "\r\n 0", NONE),
        ("Content-Length", "", 400),
        ("Content-Length", "-1", 400),
        ("Content-Length", "0x0", 400),
        ("Content-Length", "0, 0", 400),
        ("Content-Length", "0 (x)", 400),
        ("Content-Length", "99999999999999999999", 400),
        // Nobody needs these.
        ("Expires", "9999999999999", NONE),
        ("Retry-After", "120 (I'm in a (nested) meeting)", NONE),
        ("Retry-After", "soon", NONE),
        ("Date", "Fri, 01 Jan 2010 16:00:00 EST", NONE),
        ("Warning", "overture", NONE),
        ("Timestamp", "54.25 .5", NONE),
    ] {
        expect(with(name, value), answer);
    }
}

#[test]
fn request_uris() {
    for (uri, answer) in [
        ("SIP:bob@biloxi.com", NONE),
        ("sips:bob@biloxi.com", NONE),
        ("sip:[2001:db8::10]:5060;transport=tcp", NONE),
        ("sip:b%6Fb%40x@biloxi.com", NONE),
        ("sip:b%00@h", NONE),
        ("sip:b;x=1?z/&=+$,o@biloxi.com", NONE),
        ("sip:+1-212-555-1212:1234@gateway.com;user=phone", NONE),
        ("sip:a@b;lr=on", NONE),
        ("tel:+12015550123", 416),
        ("urn:service:sos", 416),
        ("http://example.com/", 416),
        ("nobodyknows:foo", 416),
        ("bob@biloxi.com", 400),
        ("*", 400),
        ("<sip:bob@biloxi.com>", 400),
        ("sip:bob smith@biloxi.com", 400),
        ("sip:2001:db8::10", 400),
        ("sip:[2001:db8::10", 400),
        ("sip:[1::2::3]", 400),
        ("sip:b%6gb@biloxi.com", 400),
        ("sip:bob@biloxi.com:65536", 400),
        ("sip:bob@biloxi.com:", 400),
        ("sip:@biloxi.com", 400),
        ("sip:", 400),
        ("sip:bob@1.2.3.400", 400),
        ("sip:bob@a..b", 400),
        ("sip:a@b@c", 400),
        ("sip:a@b;", 400),
        ("sip:a@b;;lr", 400),
        ("sip:bób@h", 400),
        ("sip:bob@biloxi.com?Subject=x", 400),
    ] {
        expect(with_uri(uri), answer);
    }
}

#[test]
fn start_lines_and_lines() {
    for (line, answer) in [
        ("OPTIONS sip:bob@biloxi.com sip/2.0", NONE),
        ("OPTIONS sip:bob@biloxi.com SIP/7.0", 505),
        ("OPTIONS sip:bob@biloxi.com SIP/1.0", 505),
        ("OPTIONS sip:bob@biloxi.com SIP/2", 400),
        ("OPTIONS sip:bob@biloxi.com HTTP/1.1", 400),
        ("OPTIONS  sip:bob@biloxi.com SIP/2.0", 400),
        ("OPTIONS sip:bob@biloxi.com SIP/2.0 ", 400),
        ("OPTIONS\tsip:bob@biloxi.com\tSIP/2.0", 400),
        ("OPTIONS sip:bob@biloxi.com", 400),
        ("OPT@IONS sip:bob@biloxi.com SIP/2.0", 400),
        ("FOOBAR sip:bob@biloxi.com SIP/2.0", 501),
        ("OPTIONS sip:bob@biloxi.com SIP/2.0\r\n X: y", 400),
    ] {
        expect(with_line(line), answer);
    }
    let plain = with("Via", HEADERS[0].1);
    for (from, to, answer) in [
        ("To:", "tO\t :", NONE),
        ("From", "f", NONE),
        ("From", "F", NONE),
        ("Call-ID", "I", NONE),
        ("Max-Forwards: 70", "X-Empty:\r\nX: \"unterminated\r\nX-é: \t", 400),
        ("Max-Forwards: 70", "X-Empty:\r\nX: \"unterminated\r\nX: Ж é 日本", NONE),
        ("Max-Forwards: 70", "Max-Forwards 70", 400),
        ("Max-Forwards: 70", "Foo Bar: x", 400),
        ("Max-Forwards: 70", ": x", 400),
        ("Max-Forwards: 70", "X: a\0b", 400),
        ("Max-Forwards: 70", "X: a\rb", 400),
        ("Contact", "Via: SIP/2.0/TCP x;branch=z9hG4bK9\r\nContact", NONE),
        ("Contact", "Via: SIP/2.0/TCP\r\nContact", 400),
        ("Contact", "i: x\r\nContact", 400),
        ("Contact", "Subject: a\r\ns: b\r\nContact", NONE),
    ] {
        expect(plain.replace(from, to), answer);
    }
    let headers = plain.find("\r\n").unwrap() + 2;
    for (bytes, answer) in [
        (&plain.as_bytes()[..headers], 400),
        (&plain.as_bytes()[..headers - 2], 400),
        (&plain.as_bytes()[..100], 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
        (b"\0\x01\0\0\x21\x12\xa4\x42............", 400),
    ] {
        expect(bytes, answer);
    }
}

const OFFER: &str = "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.1.1\r\ns=-\r\nc=IN IP4 127.0.1.1\r\n\
                     t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

#[test]
fn bodies() {
    let sdp = "Content-Type: application/sdp\r\n";
    for (headers, answer) in [
        ("c: Application/SDP ; charset=\"utf-8\"\r\n", NONE),
        ("c: application\r\n", 400),
        ("c: text/plain\r\n", 415),
        ("", 415),
        (&format!("{sdp}Content-Length:   {}\r\n", OFFER.len()), NONE),
        (&format!("{sdp}Content-Length: 9999\r\n"), 400),
        (&format!("{sdp}c: application/sdp\r\n"), 400),
        (&format!("{sdp}e: gzip\r\n"), 415),
        // Whoever does not know what a body is for refuses it, unless it may be left aside (§20.11).
        (&format!("{sdp}Content-Disposition: session\r\n"), NONE),
        (&format!("{sdp}Content-Disposition: early-something\r\n"), 415),
        (&format!("{sdp}Content-Disposition: foo;handling=required\r\n"), 415),
        (&format!("{sdp}Content-Disposition: foo;handling=optional\r\n"), NONE),
        // An answer cannot be given to one that takes none (§20.1).
        (&format!("{sdp}Accept: */*;q=0.1\r\n"), NONE),
        (&format!("{sdp}Accept:\r\n"), 406),
        (&format!("{sdp}Accept: */*, application/sdp;q=0\r\n"), 406),
        (&format!("{sdp}Accept: ;;;\r\n"), NONE),
        (&format!("{sdp}Require: 100rel\r\n"), 420),
        (&format!("{sdp}Require: a b\r\n"), 400),
        (&format!("{sdp}Proxy-Require: foo\r\n"), NONE),
    ] {
        expect(invite(headers, OFFER), answer);
    }
    let part = "--b b\r\nContent-Type: application/sdp\r\nContent-Disposition: foo\r\n\r\n";
    let body = format!("preamble\r\n{part}{OFFER}\r\n--b b--\r\nepilogue");
    let mixed = "Content-Type: multipart/mixed;boundary=\"b b\"\r\n";
    expect(invite(mixed, &body), 415);
    expect(invite(mixed, &body.replace(": foo", ": session")), NONE);
}

#[test]
fn responses() {
    let ok = with_line("SIP/2.0 200 OK").replace("Max-Forwards: 70\r\n", "");
    for (from, to, code, is_dropped) in [
        ("200 OK", "200 ", 200, false),
        ("200 OK", "486 Занято", 486, false),
        ("SIP/2.0 200", "sip/2.0 200", 200, false),
        ("314159 OPTIONS", "1 FOO", 200, false),
        ("200 OK", "503 X\r\nRetry-After: soon", 503, false),
        ("200 OK", "0200 X", 200, true),
        ("200 OK", "200\tOK", 200, true),
        ("200 OK", "99 X", 99, true),
        ("200 OK", "2000 X", 2000, true),
        ("200 OK", "200 O\u{1}K", 200, true),
        ("200 OK", "200 O\r\n K", 200, true),
        ("<sip:bob@biloxi.com>", "<sip:bob", 200, true),
        ("<sip:alice@pc33", "<sip:alice@", 200, true),
        ("pc33.atlanta.com;", "255.255.255.255;", 200, true),
    ] {
        let text = ok.replace(from, to);
        let found = verdict(&text);
        assert_eq!((&found["kind"], &found["code"]), (&"response".into(), &code.into()), "{text}");
        assert_eq!(found["verdict"] == "reject", is_dropped, "{text}\n{found}");
    }
}

#[test]
fn descriptions() {
    for (from, to, answer) in [
        ("user1 ", "John Q Doe ", NONE),
        ("s=-", "s= ", NONE),
        ("53655765", "18446744073709551615", NONE),
        ("53655765", "18446744073709551616", 400),
        ("IN IP4 127.0.1.1\r\nt", "IN IP6 2001:db8::1\r\nt", NONE),
        ("IN IP4 127.0.1.1\r\nt", "IN IP4 2001:db8::1\r\nt", 400),
        ("IN IP4 127.0.1.1\r\nt", "IN IP4 127.0.1.1/256\r\nt", 400),
        ("IN IP4 127.0.1.1\r\nt", "IN IP4\r\nt", 400),
        ("t=0 0", "b=AS:64\r\nt=0 0\r\nr=604800 3600 0 90000", NONE),
        ("t=0 0", "b=AS\r\nt=0 0", 400),
        ("t=0 0", "t=0", 400),
        ("t=0 0", "t=now later", 400),
        ("6000 ", "6000/2 ", NONE),
        ("6000 ", "6000/0 ", 400),
        ("6000 ", "65536 ", 400),
        ("AVP 0", "AVP 0 128", 400),
        ("RTP/AVP", "RTP/SAVP", 488),
        ("audio", "AUDIO", 488),
        ("a=rtpmap:0 PCMU/8000", "a=rtpmap:0", NONE),
        ("a=rtpmap:0 PCMU/8000", "a=x:Ж\r\na=foo bar", NONE),
        ("a=rtpmap:0 PCMU/8000", "a=x\0", 400),
        ("a=rtpmap:0 PCMU/8000", "foo", 400),
        ("a=rtpmap:0 PCMU/8000", " folded", 400),
        ("a=rtpmap:0 PCMU/8000", "\r\na=x", 400),
        ("a=rtpmap:0 PCMU/8000", "s=-", 400),
    ] {
        let body = OFFER.replacen(from, to, 1);
        assert_ne!(body, OFFER);
        let found = verdicts(["--json", "--sdp", "-"], body.as_bytes()).remove(0);
        assert_eq!(found["status"].as_u64().unwrap_or(NONE), answer, "{body}\n{found}");
        assert_eq!(found["verdict"] == "reject", answer == 400, "{body}\n{found}");
    }
}
