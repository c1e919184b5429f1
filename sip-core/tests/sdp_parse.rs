//! RFC 8866: what is a session description, where a broken one is broken, and how large one may be.

use sip_core::sdp::{
    AddressFamily, Codec, Direction, Format, Limit, Limits, MediaKind, SdpError, SdpErrorKind,
    SessionDescription, Strictness,
};

const WHOLE: &str = "v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\n\
    i=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\ne=Jane Doe <jane@jdoe.example.com>\r\n\
    p=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\nb=CT:128\r\nb=X-YZ:99\r\nt=3724394400 3724398000\r\n\
    r=604800 3600 0 90000\r\nr=7d 1h 0 25h\r\nz=3730928400 -1h 3749680800 0\r\nt=0 0\r\nk=prompt\r\n\
    a=recvonly\r\na=group:LS 1 2\r\nm=audio 49170/2 RTP/AVP 0 8 97\r\ni=A Stream\r\n\
    c=IN IP4 233.252.0.1/127/3\r\nb=AS:64\r\nk=clear:x\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20\r\n\
    a=ptime:20\r\na=mid:1\r\na=x-odd:with:colons \r\nm=image 49172 UDPTL t38\r\nc=IN IP6 FF15::101/3\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\n";

fn strict(text: &str) -> Result<SessionDescription, SdpError> {
    SessionDescription::parse(text.as_bytes(), &Limits::strict())
}

fn lenient(text: &str) -> Result<SessionDescription, SdpError> {
    SessionDescription::parse(text.as_bytes(), &Limits::default())
}

/// A small valid body, one line replaced.
fn with(from: &str, to: &str) -> String {
    let body = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    assert!(body.contains(from), "{from}");
    body.replace(from, to)
}

fn fault(text: &str) -> (usize, usize, SdpErrorKind) {
    let error = strict(text).unwrap_err();
    (error.line, error.offset, error.kind)
}

#[test]
fn every_line_is_read_and_written_back() {
    let sdp = strict(WHOLE).unwrap();
    assert_eq!(sdp.to_string(), WHOLE);
    assert_eq!(sdp.origin.username, "jdoe");
    assert_eq!((sdp.origin.session_id, sdp.origin.session_version), (3_724_394_400, 3_724_394_405));
    assert_eq!(sdp.times.len(), 2);
    assert_eq!(sdp.times[0].repeats.len(), 2);
    assert_eq!(sdp.times[0].zone.as_ref().unwrap(), "3730928400 -1h 3749680800 0");
    assert_eq!(sdp.bandwidths[1].value, 99);
    assert_eq!(sdp.attributes.direction(), Some(Direction::RecvOnly));

    let audio = &sdp.media[0];
    assert_eq!((audio.port, audio.port_count), (49_170, Some(2)));
    assert_eq!(audio.formats, [Format::Payload(0), Format::Payload(8), Format::Payload(97)]);
    assert_eq!(audio.connections[0].ttl, Some(127));
    assert_eq!(audio.connections[0].count, Some(3));
    assert_eq!(audio.rtpmap(97), Some(("iLBC", 8_000, 1)));
    assert_eq!(audio.fmtp(97), Some("mode=20"));
    assert_eq!(audio.ptime(), Some(20));
    let odd = audio.attributes.iter().last().unwrap();
    assert_eq!((odd.name(), odd.value_str()), ("x-odd", Some("with:colons ")));

    assert_eq!(sdp.media[1].kind, MediaKind::Image);
    assert_eq!(sdp.media[1].protocol, *"udptl");
    assert_eq!(sdp.media[1].connections[0].address.family(), AddressFamily::V6);
    assert_eq!(sdp.media[1].connections[0].count, Some(3));
    assert_eq!(sdp.media[2].kind, MediaKind::Application);
    assert!(
        matches!(&sdp.media[2].formats[0], Format::Other(text) if *text == "webrtc-datachannel")
    );
}

#[test]
fn line_ends_of_both_kinds_and_missing_ones() {
    let crlf = with("s=-", "s=-");
    let expected = strict(&crlf).unwrap();
    for text in [crlf.replace("\r\n", "\n"), crlf.trim_end().to_owned(), format!("{crlf}\r\n\n")] {
        assert_eq!(strict(&text).as_ref(), Ok(&expected), "{text:?}");
    }
}

#[test]
fn the_session_name_may_be_empty() {
    assert!(strict(&with("s=-", "s=")).unwrap().name.is_empty());
    assert_eq!(strict(&with("s=-", "s= ")).unwrap().to_string(), with("s=-", "s= "));
}

#[test]
fn text_of_other_encodings_is_kept() {
    let mut body = with("s=-", "s=\u{1}").into_bytes();
    let at = body.iter().position(|&b| b == 1).unwrap();
    body[at] = 0xe9;
    let sdp = SessionDescription::parse(&body, &Limits::strict()).unwrap();
    assert_eq!(sdp.name.as_str(), None);
    assert_eq!(&sdp.to_bytes()[..], body);
}

#[test]
fn static_payload_types_need_no_rtpmap() {
    let sdp = strict(&with("RTP/AVP 0", "RTP/AVP 0 9 96 31\r\na=rtpmap:0 PCMU")).unwrap();
    let media = &sdp.media[0];
    assert_eq!(Codec::of(media, 0), Some(Codec::PCMU));
    assert_eq!(Codec::of(media, 9), Some(Codec::G722));
    assert_eq!(Codec::of(media, 96), None);
    assert_eq!(Codec::of(media, 31).unwrap().clock_rate, 90_000);
}

#[test]
fn broken_bodies_say_line_offset_and_reason() {
    use SdpErrorKind::{
        AddressType, ControlByte, Malformed, Missing, NotALine, OutOfOrder, Overflow, Repeated,
        UnknownType,
    };
    for (from, to, line, at, kind) in [
        ("v=0", "v=1", 1, "1\r\no", Malformed(b'v')),
        ("v=0", "v=", 1, "\r\no", Malformed(b'v')),
        ("v=0\r\n", "", 1, "o=", Missing(b'v')),
        ("s=-", "v=0\r\ns=-", 3, "v=0\r\ns", Repeated(b'v')),
        ("o=- 1 1 IN IP4 192.0.2.1\r\n", "", 5, "", Missing(b'o')),
        ("s=-\r\n", "", 5, "", Missing(b's')),
        ("t=0 0\r\n", "", 5, "", Missing(b't')),
        ("c=IN IP4 192.0.2.1\r\n", "", 5, "", Missing(b'c')),
        ("s=-", "s=-\r\ns=+", 4, "s=+", Repeated(b's')),
        ("s=-", "x=-", 3, "x=-", UnknownType(b'x')),
        ("s=-", "S=-", 3, "S=-", UnknownType(b'S')),
        ("s=-", "s", 3, "s\r", NotALine),
        ("s=-", "", 3, "\r\nc", NotALine),
        ("s=-", " s=-", 3, " s=", NotALine),
        ("s=-", "s=a\rb", 3, "\rb", ControlByte(b'\r')),
        ("s=-", "s=\0", 3, "\0", ControlByte(0)),
        ("t=0 0", "t=7", 5, "\r\nm", Malformed(b't')),
        ("t=0 0", "t=0 x", 5, "x", Malformed(b't')),
        ("t=0 0", "t=0 0 7", 5, "7", Malformed(b't')),
        ("t=0 0", "t=0  7", 5, " 7", Malformed(b't')),
        ("t=0 0", "t=0\t7", 5, "0\t7", Malformed(b't')),
        (
            "o=- 1 1 IN IP4 192.0.2.1",
            "o=- 1 1 IN IP4 192.0.2.\t1",
            2,
            "192.0.2.\t",
            Malformed(b'o'),
        ),
        ("t=0 0", "t=0 18446744073709551616", 5, "184", Overflow(b't')),
        ("t=0 0", "t=0 0\r\nc=IN IP4 h", 6, "c=IN IP4 h", Repeated(b'c')),
        ("o=- 1 1", "o=- 18446744073709551616 1", 2, "184", Overflow(b'o')),
        ("o=- 1 1", "o=- 1 -1", 2, "-1", Malformed(b'o')),
        ("o=- 1 1 IN", "o=- 1 1 AF", 2, "AF", AddressType(b'o')),
        ("c=IN IP4", "c=IN IP7", 4, "IP7", AddressType(b'c')),
        ("c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.256", 4, "192.0.2.256", Malformed(b'c')),
        ("c=IN IP4 192.0.2.1", "c=IN IP4 2001:db8::1", 4, "2001", Malformed(b'c')),
        ("c=IN IP4 192.0.2.1", "c=IN IP4 224.0.0.1/256", 4, "256", Overflow(b'c')),
        ("c=IN IP4 192.0.2.1", "c=IN IP4 224.0.0.1/1/1/7", 4, "7", Malformed(b'c')),
        ("c=IN IP4 192.0.2.1", "c=IN IP4 ", 4, " \r\nt", Malformed(b'c')),
        ("t=0 0", "b=AS\r\nt=0 0", 5, "AS", Malformed(b'b')),
        ("t=0 0", "b=AS:x\r\nt=0 0", 5, "x", Malformed(b'b')),
        ("t=0 0", "b=AS:18446744073709551616\r\nt=0 0", 5, "184", Overflow(b'b')),
        ("s=-\r\n", "b=AS:1\r\ns=-\r\n", 4, "s=-", OutOfOrder(b's')),
        ("s=-", "s=-\r\nr=1 1", 4, "r=", OutOfOrder(b'r')),
        ("m=audio 4000", "m=audio 65536", 6, "65536", Overflow(b'm')),
        ("m=audio 4000", "m=audio 4000/0", 6, "0 RTP", Malformed(b'm')),
        ("m=audio 4000", "m=audio 4000/65536", 6, "65536", Overflow(b'm')),
        ("m=audio 4000", "m=audio x", 6, "x", Malformed(b'm')),
        ("m=audio 4000", "m=au:dio 4000", 6, "au:dio", Malformed(b'm')),
        ("RTP/AVP 0", "RTP/AVP", 6, "\r\n", Malformed(b'm')),
        ("RTP/AVP 0", "RTP//AVP 0", 6, "RTP//", Malformed(b'm')),
        ("RTP/AVP 0", "RTP/AVP 128", 6, "128", Overflow(b'm')),
        ("RTP/AVP 0", "RTP/AVP 0 4294967296", 6, "4294967296", Overflow(b'm')),
        ("RTP/AVP 0", "RTP/AVP 0\r\ns=+", 7, "s=+", OutOfOrder(b's')),
        ("RTP/AVP 0", "RTP/AVP 0\r\na=x\r\nc=IN IP4 h", 8, "c=IN IP4 h", OutOfOrder(b'c')),
        ("RTP/AVP 0", "RTP/AVP 0\r\na=", 7, "\r\n", Malformed(b'a')),
        ("RTP/AVP 0", "RTP/AVP 0\r\n\r\nm=audio 1 RTP/AVP 0", 7, "\r\nm", NotALine),
    ] {
        let text = with(from, to);
        let (found_line, offset, found) = fault(&text);
        assert_eq!((found_line, found), (line, kind), "{from:?} -> {to:?}");
        let rest = &text[offset..];
        assert!(rest.starts_with(at) && (!at.is_empty() || rest.is_empty()), "{to:?}: {rest:?}");
    }
    assert_eq!(fault(""), (1, 0, Missing(b'v')));
    assert_eq!(strict("").unwrap_err().status().code(), 400);
}

#[test]
fn what_telephones_send_is_taken_unless_strict() {
    for (from, to) in [
        ("s=-\r\n", ""),
        ("t=0 0\r\n", ""),
        ("c=IN IP4 192.0.2.1\r\n", ""),
        ("s=-\r\n", "a=x\r\ns=-\r\n"),
        ("RTP/AVP 0", "RTP/AVP 0\r\na=ptime:20\r\nc=IN IP4 192.0.2.1"),
        ("t=0 0", "t=0  0"),
        ("RTP/AVP 0", "RTP/AVP  0"),
        ("RTP/AVP 0", "RTP/AVP"),
        ("RTP/AVP 0", "RTP/AVP 0\r\na="),
        ("RTP/AVP 0", "RTP/AVP 0\r\na=odd name:x"),
        ("o=- 1", "o=John Q. Public 1"),
    ] {
        let text = with(from, to);
        assert!(strict(&text).is_err() || to.contains("odd name"), "{to:?}");
        let read = lenient(&text).unwrap();
        let again = lenient(&read.to_string()).unwrap();
        assert_eq!(read, again, "{to:?}");
    }
    assert_eq!(
        lenient(&with("o=- 1", "o=John Q. Public 1")).unwrap().origin.username,
        "John Q. Public"
    );
}

#[test]
fn spaces_at_the_end_of_a_line_harm_nobody() {
    for (from, to) in
        [("RTP/AVP 0", "RTP/AVP 0 "), ("t=0 0", "t=0 0 "), ("192.0.2.1\r\nt", "192.0.2.1 \r\nt")]
    {
        assert_eq!(strict(&with(from, to)), strict(&with("s=-", "s=-")), "{to:?}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused_even_when_lenient() {
    for (from, to) in [
        ("RTP/AVP 0", "RTP/AVP 4294967296"),
        ("m=audio 4000", "m=audio 70000"),
        ("o=- 1 1", "o=- 1 99999999999999999999"),
        ("t=0 0", "t=0 99999999999999999999"),
        ("t=0 0", "b=AS:99999999999999999999\r\nt=0 0"),
    ] {
        let error = lenient(&with(from, to)).unwrap_err();
        assert!(matches!(error.kind, SdpErrorKind::Overflow(_)), "{to}: {error}");
    }
}

#[test]
fn each_limit_is_named() {
    let base = with("s=-", "s=-");
    let check = |limits: Limits, text: &str, limit: Limit| {
        let error = SessionDescription::parse(text.as_bytes(), &limits).unwrap_err();
        assert_eq!(error.kind, SdpErrorKind::Limit(limit), "{error}");
        assert_eq!(error.status().code(), 413);
    };
    let size = base.len();
    check(Limits { bytes: size - 1, ..Limits::default() }, &base, Limit::Bytes);
    assert!(
        SessionDescription::parse(base.as_bytes(), &Limits { bytes: size, ..Limits::default() })
            .is_ok()
    );
    check(Limits { line_bytes: 23, ..Limits::default() }, &base, Limit::LineBytes);
    check(Limits { lines: 5, ..Limits::default() }, &base, Limit::Lines);
    check(Limits { media: 0, ..Limits::default() }, &base, Limit::Media);
    check(Limits { formats: 0, ..Limits::default() }, &base, Limit::Formats);
    let attributes = format!("{base}a=x\r\na=y\r\n");
    check(Limits { attributes: 1, ..Limits::default() }, &attributes, Limit::Attributes);

    let many = |line: &str, times: usize| base.clone() + &line.repeat(times);
    check(Limits::default(), &many("a=x\r\n", 513), Limit::Attributes);
    check(Limits::default(), &many("m=audio 1 RTP/AVP 0\r\n", 32), Limit::Media);
    check(Limits::default(), &many("b=AS:1\r\n", 2_000), Limit::Lines);
    check(
        Limits::default(),
        &base.replace("AVP 0", &format!("AVP{}", " 0".repeat(129))),
        Limit::Formats,
    );
    check(Limits::default(), &many("a=x\r\n", 20_000), Limit::Bytes);
}

#[test]
fn strictness_is_an_ordinary_setting() {
    assert_eq!(Limits::strict(), Limits { strictness: Strictness::Strict, ..Limits::default() });
}

#[test]
fn control_characters_in_words_are_refused() {
    for origin in [
        "-\u{1}\u{c} 7 2 IN IP4 h",
        "-\u{1} 7 2 IN IP4 h",
        "- 7\u{b}2 IN IP4 h",
        "a b\u{1} 7 2 IN IP4 h",
    ] {
        let body = format!("v=0\r\no={origin}\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n");
        let error = SessionDescription::parse(body.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(error.kind, SdpErrorKind::Malformed(b'o'), "{origin:?}");
    }
}
