//! Twice the input takes at most three times the instructions, whatever the input is made of.
//!
//! The instructions are counted by valgrind, which runs this file's other test as its load.

use std::hint::black_box;

use std::process::Command;

use bytes::Bytes;
use sip_core::framing::{Framer, Role, WebSocketFramer};
use sip_core::header::*;
use sip_core::message::multipart;
use sip_core::sdp::{self, Local, OfferAnswer, SessionDescription};
use sip_core::uri::{SipUri, Uri};
use sip_core::{HeaderName, Limits, Message, MessageView, TypedHeader};

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
    (
        "parameters of credentials",
        |n| {
            let params = (0..n).map(|at| format!(",a{at}=\"b\"")).collect::<String>();
            list("Authorization", &format!("Digest a=b{params}"), 1)
        },
        others,
    ),
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

/// A typed header: how its value begins, what a hostile peer may write again and again, and how it ends.
type Value = (&'static str, HeaderName, [&'static str; 3], fn(&[u8]));

/// Every typed header, family by family.
const HEADERS: &[Value] = {
    macro_rules! headers {
        ($($name:ident $start:literal $more:literal $end:literal;)*) => {
            &[$((stringify!($name), HeaderName::$name, [$start, $more, $end], survive::<$name>)),*]
        };
    }
    headers! {
        // Addresses and routes.
        Via "SIP/2.0/UDP h;branch=z9hG4bK1" ";a=b" "";
        Via "SIP/2.0/UDP h" ", SIP / 2.0 / TCP [::1] : 5060 ;rport" "";
        From "\"a\" <sip:a@h>;tag=1" ";a=\"b\\c\"" "";
        To "" "a " "<sip:b@h>;tag=1";
        ReplyTo "<sip:a@h>" " ; a = b" "";
        Contact "<sip:a@h>;q=0.5" ", \"b\" <sips:b@[::1]>;expires=1" "";
        Route "<sip:a;lr>" ",<sip:b;lr>;x" "";
        RecordRoute "<sip:a;lr>" ",<sip:b;lr>;x" "";
        Path "<sip:a;lr>" ",<sip:b;lr>;ob" "";
        ServiceRoute "<sip:a;lr>" ",<sip:b;lr>" "";
        CallId "a@b" "c" "";
        CSeq "" "0" "1 OPTIONS";
        MaxForwards "" "0" "70";
        // Dialogs and transfers.
        ReferTo "<sip:a@h>" ";a=b" "";
        ReferredBy "<sip:a@h>" ";cid=\"1@h\"" "";
        ReferSub "false" ";a=b" "";
        Replaces "1@h;to-tag=1;from-tag=2" ";a=b" "";
        Join "1@h;to-tag=1;from-tag=2" ";a=b" "";
        TargetDialog "1@h;local-tag=1;remote-tag=2" ";a=b" "";
        InReplyTo "1@h" ", 2@h" "";
        Reason "SIP;cause=200" ", Q.850 ;cause=16;text=\"a, b\"" "";
        // Subscriptions and events.
        Event "dialog" ";a=b" "";
        AllowEvents "dialog" ", presence.winfo" "";
        SubscriptionState "active;expires=60" ";a=b" "";
        Expires "" "0" "1";
        MinExpires "" "0" "1";
        SipEtag "a" "b" "";
        SipIfMatch "a" "b" "";
        InfoPackage "dtmf" ";a=b" "";
        RecvInfo "dtmf" ", x;a=b" "";
        // Session timers, reliability, extensions.
        SessionExpires "1800;refresher=uac" ";a=b" "";
        MinSe "90" ";a=b" "";
        RAck "1 " "0" "1 INVITE";
        RSeq "" "0" "1";
        FlowTimer "" "0" "120";
        RetryAfter "1 (a)" ";a=b" "";
        Timestamp "54.21" "1" "";
        Date "Sat, 13 Nov 2010 23:29:00 GMT" " " "";
        Require "100rel" ", timer" "";
        ProxyRequire "100rel" ", timer" "";
        Supported "100rel" ",\ttimer" "";
        Unsupported "100rel" ", timer" "";
        Warning "301 isi.edu \"a\"" ", 399 h \"\\\"b, c\"" "";
        // Identity, privacy, history.
        PAssertedIdentity "<sip:a@h>" ", \"b\" <tel:+1>" "";
        PPreferredIdentity "<sip:a@h>" ", \"b\" <tel:+1>" "";
        PAssociatedUri "<sip:a@h>" ", <tel:+1>;a=b" "";
        PCalledPartyId "<sip:a@h>" ";a=b" "";
        PAccessNetworkInfo "3GPP" ";a=\"b\"" "";
        PEarlyMedia "supported" ", sendrecv" "";
        RemotePartyId "<sip:a@h>;party=calling" ", <sip:b@h>;privacy=full" "";
        Privacy "id" ";critical" "";
        Diversion "<sip:a@h>;reason=busy" ", <sip:b@h>;counter=1" "";
        HistoryInfo "<sip:a@h>;index=1" ", <sip:b@h>;index=1.1" "";
        Identity "eyJh;info=<sip:x>" ";a=b" "";
        IdentityInfo "<https://h/c.cer>;alg=rsa-sha1" ";a=b" "";
        Geolocation "<cid:a@h>" ", <https://h/x>;inserted-by=\"y\"" "";
        GeolocationError "100" ";code=\"x\"" "";
        GeolocationRouting "y" "es" "";
        // Content and capabilities.
        Accept "text/plain;q=0.5" ", application/*;a=b" "";
        AcceptEncoding "gzip;q=0.5" ", x-y" "";
        AcceptLanguage "da;q=0.5" ", en-gb" "";
        AlertInfo "<http://h/a>" ", <urn:alert:x>;a=b" "";
        CallInfo "<http://h/a>" ", <sip:x>;purpose=icon" "";
        ErrorInfo "<sip:x>" ", <http://h/a>;a=b" "";
        Allow "INVITE" ", FOO" "";
        ContentDisposition "session" ";a=b" "";
        ContentEncoding "gzip" ", tar" "";
        ContentLength "0" " " "";
        ContentId "<a@" "b" ">";
        ContentLanguage "en" ", ru" "";
        ContentType "multipart/mixed;boundary=x" ";a=\"b\"" "";
        MimeVersion "1." "0" "";
        Organization "a" " \"b" "";
        Priority "urgent" "x" "";
        Server "a/1" " (b; c)" "";
        Subject "a" "\r\n b" "";
        UserAgent "a/1" " я" "";
        // Authentication. Parameters stand once, and are few.
        Authorization "Digest username=\"a\",uri=\"" "b\\\"" "\"";
        ProxyAuthorization "Basic " "a" "";
        WwwAuthenticate "Digest qop=\"auth" ", auth-int" "\"";
        ProxyAuthenticate "Digest domain=\"sip:a" " sip:b" "\"";
        AuthenticationInfo "nextnonce=\"" "я" "\"";
        ProxyAuthenticationInfo "nextnonce=\"" "a, " "\"";
    }
};

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

/// Values that are read are written again.
fn survive<T: TypedHeader>(bytes: &[u8]) {
    let message = Message::parse(Bytes::copy_from_slice(bytes), &limits()).unwrap();
    for value in message.headers().all::<T>() {
        let mut written = Vec::new();
        let value = value.unwrap_or_else(|error| panic!("{error}"));
        value.write(&mut written);
        black_box(written);
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
    // Once before, for whatever is set up at the first time.
    let count = |work: fn(&[u8]), input: Vec<u8>| {
        work(&input);
        counted_step(work, &input);
    };
    for (_, input, work) in LOADS {
        SIZES.iter().for_each(|&size| count(*work, input(size)));
    }
    for (_, name, [start, more, end], work) in HEADERS {
        let input = |size: usize| {
            let length = if *name == HeaderName::ContentLength { "" } else { "l: 0\r\n" };
            let value = format!("{start}{}{end}", more.repeat(size));
            format!("OPTIONS sip:h SIP/2.0\r\n{name}: {value}\r\n{length}\r\n").into()
        };
        SIZES.iter().for_each(|&size| count(*work, input(size)));
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
    let names = LOADS.iter().map(|(name, ..)| name).chain(HEADERS.iter().map(|(name, ..)| name));
    assert_eq!(counts.len(), names.clone().count() * SIZES.len());
    for (name, counts) in names.zip(counts.chunks(SIZES.len())) {
        let [base, once, twice] = *counts else { unreachable!() };
        println!("{name}: {base}, {once}, {twice}");
        assert!(once > base && twice > once, "{name}: nothing was counted");
        assert!(twice - base <= 3 * (once - base), "{name}: {base}, {once}, {twice}");
    }
}

/// The counts of the dumps `out.1`, `out.2` …, in order.
fn counts(folder: &std::path::Path) -> Vec<u64> {
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
