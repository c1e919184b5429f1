//! Files, standard input, captures and exit statuses.

mod common;

use std::fs;

use common::{lint, verdicts};

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

/// A UDP or TCP packet in an Ethernet frame.
fn frame(protocol: u8, transport: &[u8], flags: u16) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend((20 + transport.len() as u16).to_be_bytes());
    frame.extend([0, 9]);
    frame.extend(flags.to_be_bytes());
    frame.extend([64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend(transport);
    frame
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x13, 0xc4, 0x13, 0xc4];
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

fn tcp(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0x13, 0xc4, 0x13, 0xc5];
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

/// Frames with a datagram, what is no SIP, a fragmented datagram, and a connection whose segments come out of
/// order and twice.
fn frames() -> Vec<Vec<u8>> {
    const WHOLE: u16 = 0x4000;
    const MORE: u16 = 0x2000;
    let broken = OPTIONS.replace("CSeq", "X");
    let datagram = udp(OPTIONS.as_bytes());
    let (first, second) = datagram.split_at(64);
    let stream = [OPTIONS, "\r\n\r\n", &broken].concat().into_bytes();
    let part =
        |from: usize, to: usize| tcp(u32::MAX.wrapping_add(from as u32), 0x18, &stream[from..to]);
    vec![
        frame(17, &udp(OPTIONS.as_bytes()), WHOLE),
        frame(17, &udp(b"\x80\x00no SIP"), WHOLE),
        frame(17, &udp(b"\r\n\r\n"), WHOLE),
        frame(17, first, MORE),
        frame(17, second, 8),
        frame(6, &tcp(u32::MAX - 1, 2, b""), WHOLE),
        frame(6, &part(0, 10), WHOLE),
        frame(6, &part(100, stream.len()), WHOLE),
        frame(6, &part(0, 20), WHOLE),
        frame(6, &part(15, 120), WHOLE),
        vec![1, 2, 3],
    ]
}

fn pcap() -> Vec<u8> {
    let mut file = vec![
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0,
    ];
    for frame in frames() {
        file.extend([0; 8]);
        file.extend((frame.len() as u32).to_le_bytes().repeat(2));
        file.extend(frame);
    }
    file
}

fn pcapng() -> Vec<u8> {
    let block = |kind: u32, content: &[u8]| {
        let mut padded = content.to_vec();
        padded.resize(content.len().next_multiple_of(4), 0);
        let length = (12 + padded.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, &padded, &length].concat()
    };
    let mut file = block(
        0x0a0d_0d0a,
        &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    );
    file.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0]));
    for frame in frames() {
        let mut content = vec![0; 12];
        content.extend((frame.len() as u32).to_le_bytes().repeat(2));
        content.extend(frame);
        file.extend(block(6, &content));
    }
    file
}

#[test]
fn captures() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("call.pcap", pcap()), ("call.pcapng", pcapng())] {
        let path = folder.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let found: Vec<_> = verdicts(["--json".as_ref(), path.as_os_str()], b"")
            .iter()
            .map(|verdict| {
                let file = verdict["file"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
                (file, verdict["status"].as_u64())
            })
            .collect();
        let expected = [("1", None), ("5", None), ("10", None), ("10", Some(400))];
        assert_eq!(found, expected.map(|(packet, status)| (packet.to_owned(), status)), "{name}");

        // From the standard input as well; one that is cut is told, after what could be judged.
        assert_eq!(verdicts(["--json", "-"], &bytes).len(), 4);
        let cut = lint(["--json", "-"], &bytes[..bytes.len() - 1]);
        assert_eq!(cut.status.code(), Some(1));
        assert_eq!(cut.stdout.split(|byte| *byte == b'\n').count(), 4 + 1);
        assert!(String::from_utf8(cut.stderr).unwrap().contains("incomplete"));
        for at in (0..bytes.len()).step_by(37) {
            let _ = lint(["-"], &bytes[..at]);
        }
    }
}
