//! Twice the input takes at most three times the instructions, whatever the input is made of.
//!
//! The instructions are counted by valgrind, which runs this file's other test as its load.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use sip_core::framing::{Framer, Role, WebSocketFramer};
use sip_core::header::*;
use sip_core::message::multipart;
use sip_core::sdp::{self, Local, OfferAnswer, SessionDescription};
use sip_core::uri::{SipUri, Uri};
use sip_core::{Limits, Message, MessageView};

/// Set for the process that valgrind runs.
const UNDER_COUNT: &str = "SIP_CORE_UNDER_COUNT";

/// What a hostile peer may send much of, at a size.
type Load = (&'static str, fn(usize) -> Vec<u8>, fn(&[u8]));

const LOADS: &[Load] = &[
    ("header lines", |n| message("X: y\r\n".repeat(n)), read),
    ("folded lines", |n| message(format!("X: y{}\r\n", "\r\n z".repeat(n))), read),
    ("odd names", |n| message("x-UNKNOWN-name-of-length : y\r\n".repeat(n)), read),
    (
        "empty lines before",
        |n| ["\r\n".repeat(n), text(message(String::new()))].concat().into(),
        read,
    ),
    ("escaped NULs", |n| message(format!("X: {}\r\n", "\\\0".repeat(n))), read),
    ("tabs", |n| message(format!("X: {}\r\n", "\t".repeat(n))), read),
    ("beyond ASCII", |n| message(format!("X: {}\r\n", "я".repeat(n))), read),
    ("white space", |n| message(format!("X: {}y\r\n", " ".repeat(n))), read),
    ("Via elements", |n| list("Via", "SIP/2.0/UDP h;x=\",\"", n), vias),
    ("Via lines", |n| message("Via: SIP/2.0/UDP h\r\n".repeat(n)), vias),
    ("Contacts", |n| list("Contact", "\"a,\" <sip:a,b@h>", n), contacts),
    (
        "parameters",
        |n| list("Contact", &format!("<sip:a@h{}>{}", ";a".repeat(n), ";b=c".repeat(n)), 1),
        contacts,
    ),
    ("escapes", |n| list("Contact", &format!("<sip:{}@h>", "%41".repeat(n)), 1), contacts),
    (
        "quoted pairs",
        |n| list("Contact", &format!("\"{}\" <sip:h>", "\\\"".repeat(n)), 1),
        contacts,
    ),
    ("open quotes", |n| list("Contact", &"\"".repeat(n * 2 + 1), 1), contacts),
    ("open brackets", |n| list("Contact", &"<sip:a,".repeat(n), 1), contacts),
    ("labels", |n| list("Contact", &format!("<sip:{}>", "a.".repeat(n)), 1), contacts),
    ("hyphens", |n| list("Contact", &format!("<sip:a{}a>", "-".repeat(n)), 1), contacts),
    (
        "comments",
        |n| list("Retry-After", &format!("1 {}{}", "(".repeat(n), ")".repeat(n)), 1),
        others,
    ),
    ("tokens", |n| list("Supported", "timer", n), others),
    ("credentials", |n| list("Authorization", &format!("Basic {}", "a".repeat(n)), 1), others),
    ("other URIs", |n| format!("x:{}", "%20".repeat(n)).into(), uri),
    ("URI headers", |n| format!("sip:h?{}a=b", "a=b&".repeat(n)).into(), uri),
    ("frames byte by byte", |n| message("X: y\r\n".repeat(n)), frame),
    ("parts", |n| "--b\r\n\r\nx\r\n".repeat(n).into(), parts),
    ("boundaries that are none", |n| "\r\n--b-".repeat(n).into(), parts),
    ("WebSocket frames byte by byte", |n| b"\x89\x80abcd".repeat(n), web_socket),
    ("WebSocket fragments", |n| fragments(n), web_socket),
    ("SDP attributes", |n| sdp("a=x-y:z\r\n".repeat(n)), negotiate),
    ("SDP attributes that mean something", |n| sdp("a=rtpmap:97 x/8000\r\n".repeat(n)), negotiate),
    ("SDP attributes of the session", |n| session("a=sendrecv\r\n".repeat(n)), negotiate),
    ("SDP streams", |n| sdp("m=audio 4000 RTP/AVP 0\r\n".repeat(n)), negotiate),
    ("SDP streams with attributes", |n| sdp("m=video 4 RTP/AVP 0\r\na=x\r\n".repeat(n)), negotiate),
    ("SDP formats", |n| sdp(format!("m=audio 4 RTP/AVP 0{}\r\n", " 97".repeat(n))), negotiate),
    ("SDP connections", |n| sdp("c=IN IP4 192.0.2.1\r\n".repeat(n)), negotiate),
    ("SDP bandwidths", |n| session("b=AS:64\r\n".repeat(n)), negotiate),
    ("SDP times", |n| session("t=0 0\r\nr=1 1 0\r\n".repeat(n)), negotiate),
    ("SDP candidates", |n| sdp(format!("a={CANDIDATE}\r\n").repeat(n)), negotiate),
    ("SDP groups", |n| session(format!("a=group:BUNDLE{}\r\n", " a".repeat(n))), negotiate),
    ("SDP parameters", |n| sdp(format!("a=fmtp:0 {}\r\n", "a=b;".repeat(n))), negotiate),
    ("SDP long values", |n| sdp(format!("a=x:{}\r\n", "y".repeat(n * 8))), negotiate),
    ("SDP line feeds", |n| sdp("a=x\n".repeat(n)), negotiate),
];

const CANDIDATE: &str = "candidate:1 1 UDP 2130706431 192.0.2.1 8998 typ host";

/// Sizes: none, to be taken off, and two of which one is twice the other.
const SIZES: [usize; 3] = [1, 100, 200];

fn message(headers: String) -> Vec<u8> {
    format!("OPTIONS sip:h SIP/2.0\r\n{headers}Content-Length: 0\r\n\r\n").into()
}

fn list(name: &str, element: &str, count: usize) -> Vec<u8> {
    message(format!("{name}: {}\r\n", vec![element; count].join(",")))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn limits() -> Limits {
    let most = usize::MAX / 2;
    Limits { headers: most, values: most, params: most, ..Limits::default() }
}

fn read(bytes: &[u8]) {
    let view = MessageView::parse(bytes, &limits());
    let _ = black_box(view.map(|view| view.check(&Default::default())));
    let owned = Message::parse(Bytes::copy_from_slice(bytes), &limits());
    let _ = black_box(owned.map(|owned| owned.to_bytes()));
}

fn each<T: TypedHeader>(bytes: &[u8]) {
    let message = Message::parse(Bytes::copy_from_slice(bytes), &limits()).unwrap();
    for value in message.headers().all::<T>() {
        let _ = black_box(value);
    }
}

fn vias(bytes: &[u8]) {
    each::<Via>(bytes);
    let view = MessageView::parse(bytes, &limits()).unwrap();
    black_box(view.all::<ViaRef<'_>>().count());
    black_box(view.require::<ViaRef<'_>>().is_ok());
}

fn contacts(bytes: &[u8]) {
    each::<Contact>(bytes);
    let view = MessageView::parse(bytes, &limits()).unwrap();
    black_box(view.all::<ContactRef<'_>>().count());
}

fn others(bytes: &[u8]) {
    each::<RetryAfter>(bytes);
    each::<Supported>(bytes);
    each::<Authorization>(bytes);
}

fn uri(bytes: &[u8]) {
    let uri = Uri::parse(bytes).unwrap();
    black_box(uri.equivalent(&uri));
    black_box(uri.as_sip().map(SipUri::to_tel));
}

fn frame(bytes: &[u8]) {
    let mut framer = Framer::new(&limits());
    for byte in bytes {
        framer.push(&[*byte]);
        black_box(framer.next().unwrap());
    }
}

fn parts(bytes: &[u8]) {
    let kind = MediaType::parse("multipart/mixed;boundary=b").unwrap();
    let body = Bytes::copy_from_slice(bytes);
    let _ = black_box(multipart::parts(&kind, &body, &limits()));
}

/// A message of a client in fragments, pings between them.
fn fragments(count: usize) -> Vec<u8> {
    let middle = b"\x00\x81abcdx\x89\x80abcd".repeat(count);
    [b"\x01\x80abcd", &middle[..], b"\x80\x80abcd"].concat()
}

fn web_socket(bytes: &[u8]) {
    let mut framer = WebSocketFramer::new(Role::Server, &limits());
    for byte in bytes {
        framer.push(&[*byte]);
        while black_box(framer.next().unwrap()).is_some() {}
    }
}

fn session(lines: String) -> Vec<u8> {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n{lines}\
         m=audio 4000 RTP/AVP 0 101\r\n"
    )
    .into()
}

fn sdp(lines: String) -> Vec<u8> {
    let mut body = session("t=0 0\r\n".to_owned());
    body.extend_from_slice(lines.as_bytes());
    body
}

/// Reads a description, judges it, answers it and writes it.
fn negotiate(bytes: &[u8]) {
    let most = usize::MAX / 2;
    let limits = sdp::Limits {
        lines: most,
        media: most,
        attributes: most,
        formats: most,
        ..sdp::Limits::default()
    };
    let description = SessionDescription::parse(bytes, &limits).unwrap();
    black_box(description.faults().count());
    black_box(description.to_bytes());
    let mut dialog = OfferAnswer::new(Local::new([192, 0, 2, 2].into(), 4_000));
    dialog.receive_offer(&description).unwrap();
    black_box(dialog.make_answer().unwrap().0.to_bytes());
}

/// What valgrind writes a count for at each return.
#[inline(never)]
fn counted_step(work: fn(&[u8]), input: &[u8]) {
    work(black_box(input));
}

#[test]
fn load() {
    if std::env::var_os(UNDER_COUNT).is_none() {
        return;
    }
    for (_, input, work) in LOADS {
        for size in SIZES {
            // Once before, for whatever is set up at the first time.
            let input = input(size);
            work(&input);
            counted_step(*work, &input);
        }
    }
}

#[test]
fn twice_the_input_takes_at_most_three_times_the_instructions() {
    let valgrind = Command::new("valgrind").arg("--version").output();
    if std::env::var_os(UNDER_COUNT).is_some()
        || !valgrind.is_ok_and(|output| output.status.success())
    {
        println!("skipped: valgrind is not at hand");
        return;
    }
    let folder = std::env::temp_dir().join(format!("sip-core-linear-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let status = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=linear_time::counted_step",
            "--dump-after=linear_time::counted_step",
        ])
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "load", "--test-threads=1"])
        .env(UNDER_COUNT, "1")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let counts = counts(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(counts.len(), LOADS.len() * SIZES.len());
    for ((name, ..), counts) in LOADS.iter().zip(counts.chunks(SIZES.len())) {
        let [base, once, twice] = *counts else { unreachable!() };
        println!("{name}: {base}, {once}, {twice}");
        assert!(once > base && twice > once, "{name}: nothing was counted");
        assert!(twice - base <= 3 * (once - base), "{name}: {base}, {once}, {twice}");
    }
}

/// The counts of the dumps `out.1`, `out.2` …, in order.
fn counts(folder: &Path) -> Vec<u64> {
    (1..)
        .map(|number| folder.join(format!("out.{number}")))
        .map_while(|dump| std::fs::read_to_string(dump).ok())
        .filter(|dump| dump.contains("counted_step"))
        .map(|dump| {
            let line = dump.lines().find_map(|line| line.strip_prefix("summary: ")).unwrap();
            line.trim().parse().unwrap()
        })
        .collect()
}
