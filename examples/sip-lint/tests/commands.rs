//! Files, standard input and exit statuses.

mod common;

use std::fs;

use common::lint;

const OPTIONS: &str = "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
     From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

#[test]
fn keys_are_as_documented() {
    let output = lint(["--json", "-"], OPTIONS.as_bytes());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "{\"file\":\"-\",\"verdict\":\"accept\",\"kind\":\"request\",\"method\":\"OPTIONS\",\"status\":null,\
         \"code\":null,\"problems\":[],\"roundtrip\":true}\n"
    );
    let broken = OPTIONS.replace("<sip:a@h>", "<sip:a@h");
    let at = broken.find("\r\nTo:").unwrap();
    let output = lint(["--json", "-"], broken.as_bytes());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!(
            "{{\"file\":\"-\",\"verdict\":\"reject\",\"kind\":\"request\",\"method\":\"OPTIONS\",\"status\":400,\
             \"code\":null,\"problems\":[{{\"header\":\"From\",\"offset\":{at},\"text\":\"expected > after the URI\"}}],\
             \"roundtrip\":true}}\n"
        )
    );
}

#[test]
fn people_are_told_header_place_and_answer() {
    let broken = OPTIONS.replace("1 OPTIONS", "x OPTIONS");
    let at = broken.find("x OPTIONS").unwrap();
    let output = lint(["-"], broken.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        format!(
            "-: OPTIONS request: rejected, a UAS answers 400 Bad Request\n  byte {at}, CSeq: expected a number\n"
        )
    );
    assert!(output.status.success(), "it was judged");
    let text = lint(["-"], b"SIP/2.0 200 OK\r\n\r\n").stdout;
    assert!(
        String::from_utf8(text).unwrap().starts_with("-: 200 response: rejected, it is dropped\n")
    );
    let text = lint(["--sdp", "-"], b"v=1\r\n").stdout;
    assert!(
        String::from_utf8(text)
            .unwrap()
            .contains("session description: rejected, a UAS answers 400")
    );
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.sip");
    fs::write(&good, OPTIONS).unwrap();
    let missing = folder.path().join("missing.sip");
    let output = lint([&missing, &good], b"");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("missing.sip") && told.lines().count() == 1, "{told}");
    assert!(
        String::from_utf8(output.stdout).unwrap().contains("good.sip: OPTIONS request: accepted")
    );
    assert_eq!(lint([folder.path()], b"").status.code(), Some(1));
    assert_eq!(lint([""; 0], b"").status.code(), Some(2));
    assert_eq!(lint(["--xml", "-"], b"").status.code(), Some(2));
}

#[test]
fn no_bytes_and_odd_bytes() {
    for (bytes, verdict, status) in [
        (&b""[..], "reject", Some(400)),
        (b"\r\n\r\n", "accept", None),
        (b"\0", "reject", Some(400)),
        (b"\xff\xfe\r\n\r\n", "reject", Some(400)),
        (b"GET / HTTP/1.1\r\n\r\n", "reject", Some(400)),
        (&[b'a'; 70_000], "accept", Some(513)),
    ] {
        let found = common::verdict(bytes);
        assert_eq!((&found["verdict"], found["status"].as_u64()), (&verdict.into(), status));
    }
}
