//! The torture messages of RFC 4475.

mod support;

use bytes::Bytes;
use sip_core::header::{
    CSeq, Contact, ContentLength, Date, From, HeaderName, MaxForwards, Subject, To, TypedHeader,
    Via,
};
use sip_core::message::Method;
use sip_core::uri::Uri;
use sip_core::{Limits, Message, MessageView, Transport};
use support::{Case, Outcome, case, cases, message, outcome, request};

fn torture() -> Option<Vec<Case>> {
    cases("rfc4475")
}

#[test]
fn every_message_does_what_the_manifest_says() {
    let Some(cases) = torture() else { return };
    assert_eq!(cases.len(), 51);
    // Names of deliberate deviations would stand here.
    support::assert_outcomes(&cases, &[]);
}

/// Everything that is not simply accepted, with the answer.
#[test]
fn answers() {
    let Some(cases) = torture() else { return };
    let bad = Outcome::Answer(400);
    let expected = [
        ("badinv01", bad),
        ("clerr", bad),
        ("ncl", bad),
        ("scalar02", bad),
        ("scalarlg", Outcome::Drop),
        ("quotbal", bad),
        ("ltgtruri", bad),
        ("lwsruri", bad),
        ("lwsstart", bad),
        ("trws", bad),
        ("escruri", bad),
        ("regbadct", bad),
        ("badaspec", bad),
        ("baddn", bad),
        ("baddn-with-final-crlf", bad),
        ("badvers", Outcome::Answer(505)),
        ("mismatch01", bad),
        ("mismatch02", Outcome::Answer(501)),
        ("bigcode", Outcome::Drop),
        ("badbranch", bad),
        ("insuf", bad),
        ("unkscm", Outcome::Answer(416)),
        ("novelsc", Outcome::Answer(416)),
        ("multi01", bad),
        ("mcl01", bad),
        ("test", Outcome::Drop),
    ];
    let actual: Vec<_> = cases
        .iter()
        .map(|case| (&*case.name, outcome(&case.bytes)))
        .filter(|(_, outcome)| *outcome != Outcome::Accept)
        .collect();
    assert_eq!(actual, expected);
}

#[test]
fn what_is_read_is_written_again() {
    let Some(cases) = torture() else { return };
    for case in &cases {
        if Message::parse(case.bytes.clone(), &Limits::default()).is_ok() {
            support::assert_fixed_point(&case.bytes);
        }
    }
}

/// Where a received message is whole and its length right, writing it changes no byte.
#[test]
fn what_is_whole_is_written_byte_for_byte() {
    let Some(cases) = torture() else { return };
    let mut same = Vec::new();
    for case in &cases {
        let Ok(message) = Message::parse(case.bytes.clone(), &Limits::default()) else { continue };
        if message.to_bytes() == case.bytes {
            same.push(&*case.name);
        }
    }
    for name in ["intmeth", "escnull", "esc02", "longreq", "mpart01", "unreason", "regescrt"] {
        assert!(same.contains(&name), "{name}");
    }
}

#[test]
fn wsinv_tortuous_white_space() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "wsinv");
    assert_eq!(request.uri.to_string(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    let headers = &request.headers;
    let to = headers.require::<To>().unwrap();
    assert_eq!(
        (to.tag(), to.uri.to_string().as_str()),
        (Some("1918181833n"), "sip:vivekg@chair-dnrc.example.com")
    );
    let from = headers.require::<From>().unwrap();
    assert_eq!(from.display_name.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(from.tag(), Some("98asjd8"));
    assert_eq!(headers.require::<MaxForwards>(), Ok(MaxForwards(68)));
    assert_eq!(headers.require::<CSeq>(), Ok(CSeq::new(9, Method::Invite)));
    assert_eq!(headers.require::<ContentLength>(), Ok(ContentLength(150)));
    assert_eq!(headers.require::<Subject>().unwrap().as_str(), "");
    let vias: Vec<_> = headers.all::<Via>().map(Result::unwrap).collect();
    let hops: Vec<_> =
        vias.iter().map(|via| (via.transport, via.sent_by.to_string(), via.branch())).collect();
    assert_eq!(
        hops,
        [
            (Transport::Udp, "192.0.2.2".to_owned(), Some("390skdjuw")),
            (Transport::Tcp, "spindle.example.com".to_owned(), Some("z9hG4bK9ikj8")),
            (Transport::Udp, "192.168.255.111".to_owned(), Some("z9hG4bK30239")),
        ]
    );
    let contact = headers.require::<Contact>().unwrap();
    let contact = contact.address().unwrap();
    assert_eq!(contact.display_name.as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.params.as_str(), ";newparam=newvalue;secondparam;q=0.33");
    assert_eq!(contact.q(), Ok(Some(330)));
    let unknown = HeaderName::parse("unknownheaderwithunusualvalue").unwrap();
    assert_eq!(headers.raw(unknown).collect::<Vec<_>>(), [b";;,,;;,;"]);
    let fangled = HeaderName::parse("NewFangledHeader").unwrap();
    assert_eq!(
        headers.raw(fangled).collect::<Vec<_>>(),
        [b"newfangled value\r\n continued newfangled value"]
    );
    assert_eq!(request.body.len(), 150);
}

#[test]
fn intmeth_wide_range_of_characters() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "intmeth");
    let name = "!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(request.method.as_str(), name);
    assert_eq!(request.headers.require::<CSeq>().unwrap().method.as_str(), name);
    let to = request.headers.require::<To>().unwrap();
    assert_eq!(to.display_name.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    let user = to.uri.as_sip().unwrap().user().unwrap().into_owned();
    assert_eq!(user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    let from = request.headers.require::<From>().unwrap();
    assert_eq!(from.display_name.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.params.text("fromParam''~+*_!.-%").as_deref(), Some("работающий"));
    let extension = HeaderName::parse("extensionHeader-!.%*+_`'~").unwrap();
    let value = request.headers.raw(extension).next().unwrap();
    assert_eq!(core::str::from_utf8(value), Ok("\u{feff}大停電"));
}

#[test]
fn esc01_escapes_are_undone_once() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "esc01");
    let user = |uri: &Uri| uri.as_sip().unwrap().user().unwrap().into_owned();
    assert_eq!(user(&request.uri), "sips:user@example.com");
    assert_eq!(user(&request.headers.require::<To>().unwrap().uri), "user");
    assert_eq!(user(&request.headers.require::<From>().unwrap().uri), "I have spaces");
    let contact = request.headers.require::<Contact>().unwrap();
    let uri = contact.address().unwrap().uri.as_sip().unwrap();
    assert!(uri.lr());
    assert_eq!(uri.params().get("name").as_deref(), Some("value%41"));
}

#[test]
fn escnull_nothing_ends_at_a_nul() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "escnull");
    let to = request.headers.require::<To>().unwrap();
    assert_eq!(to.uri.as_sip().unwrap().user().as_deref(), Some("null-\0-null"));
    let users: Vec<_> = request
        .headers
        .all::<Contact>()
        .map(|contact| {
            let contact = contact.unwrap();
            let uri = contact.address().unwrap().uri.as_sip().unwrap();
            uri.user_bytes().unwrap().into_owned()
        })
        .collect();
    assert_eq!(users, [b"\0".to_vec(), b"\0\0".to_vec()]);
}

#[test]
fn esc02_percent_is_a_token_character() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "esc02");
    assert_eq!(request.method.as_str(), "RE%47IST%45R");
    let from = request.headers.require::<From>().unwrap();
    assert_eq!(from.display_name.as_deref(), Some("%Z%45"));
    assert_eq!(request.headers.all::<Contact>().count(), 2);
}

#[test]
fn lwsdisp_no_space_before_the_bracket() {
    let Some(cases) = torture() else { return };
    let from = request(&cases, "lwsdisp").headers.require::<From>().unwrap();
    assert_eq!((from.display_name.as_deref(), from.tag()), (Some("caller"), Some("323")));
}

#[test]
fn longreq_nothing_is_cut() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "longreq");
    let to = request.headers.require::<To>().unwrap();
    assert_eq!(to.display_name.as_deref().map(str::len), Some(103));
    let vias: Vec<_> = request.headers.all::<Via>().collect();
    assert_eq!(vias.len(), 34);
    assert!(vias.iter().all(Result::is_ok));
    assert_eq!(request.body.len(), 150);
}

#[test]
fn dblreq_the_second_request_is_ignored() {
    let Some(cases) = torture() else { return };
    let bytes = &case(&cases, "dblreq").bytes;
    let view = MessageView::parse(bytes, &Limits::default()).unwrap();
    assert_eq!(view.method(), Some(Method::Register));
    assert!(view.body().is_empty());
    assert!(view.trailing().starts_with(b"\r\nINVITE"));
    assert!(message(&cases, "dblreq").body().is_empty());
}

#[test]
fn semiuri_semicolons_in_the_user_part() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "semiuri");
    let uri = request.uri.as_sip().unwrap();
    assert_eq!(uri.user().as_deref(), Some("user;par=u@example.net"));
    assert!(uri.params().is_empty());
}

#[test]
fn transports_unknown_ones_stay() {
    let Some(cases) = torture() else { return };
    let vias = request(&cases, "transports").headers;
    let names: Vec<_> = vias.all::<Via>().map(|via| via.unwrap().transport.to_string()).collect();
    assert_eq!(names, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn mpart01_binary_bodies_are_kept() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "mpart01");
    assert_eq!(request.method, Method::Message);
    assert!(request.body.contains(&0));
    assert!(case(&cases, "mpart01").bytes.ends_with(&request.body));
}

#[test]
fn reason_phrases() {
    let Some(cases) = torture() else { return };
    let Message::Response(response) = message(&cases, "unreason") else { panic!() };
    assert_eq!(response.status.code(), 200);
    assert_eq!(response.reason.to_text(), "= 2**3 * 5**2 но сто девяносто девять - простое");
    let Message::Response(response) = message(&cases, "noreason") else { panic!() };
    assert_eq!((response.status.code(), response.reason.as_bytes()), (100, &b""[..]));
}

#[test]
fn errors_say_where() {
    let Some(cases) = torture() else { return };
    for (name, header, text) in [
        ("quotbal", "To", "\"Mr. J. User"),
        ("badaspec", "To", " sip:t.watson"),
        ("baddn", "From", ", Alexander"),
        ("regbadct", "Contact", "?Route="),
        ("badinv01", "Via", ";,;,,"),
        ("mismatch01", "CSeq", "8 INVITE"),
        ("multi01", "CSeq", "59 INVITE"),
    ] {
        let bytes = &case(&cases, name).bytes;
        let view = MessageView::parse(bytes, &Limits::default()).unwrap();
        let rejection = view.check(&Default::default()).unwrap_err();
        assert_eq!(rejection.header, HeaderName::parse(header), "{name}");
        let at = String::from_utf8_lossy(&bytes[rejection.offset..]).into_owned();
        assert!(at.starts_with(text), "{name}: {rejection}: {at:?}");
    }
}

#[test]
fn baddate_is_no_obstacle() {
    let Some(cases) = torture() else { return };
    assert!(request(&cases, "baddate").headers.typed::<Date>().is_err());
}

#[test]
fn contact_parameters_belong_where_they_stand() {
    let Some(cases) = torture() else { return };
    let contact = |name| request(&cases, name).headers.require::<Contact>().unwrap();
    let header_param = contact("cparam01");
    let address = header_param.address().unwrap();
    assert!(address.params.contains("unknownparam"));
    assert!(!address.uri.as_sip().unwrap().params().contains("unknownparam"));
    let uri_param = contact("cparam02");
    let address = uri_param.address().unwrap();
    assert!(!address.params.contains("unknownparam"));
    assert!(address.uri.as_sip().unwrap().params().contains("unknownparam"));
    let escaped = contact("regescrt");
    let mut written = Vec::new();
    escaped.write(&mut written);
    assert_eq!(written, b"<sip:user@example.com?Route=%3Csip:sip.example.com%3E>");
}

#[test]
fn inv2543_an_old_request() {
    let Some(cases) = torture() else { return };
    let request = request(&cases, "inv2543");
    let via = request.headers.require::<Via>().unwrap();
    assert_eq!((via.branch(), via.transaction()), (None, None));
    assert_eq!(request.headers.require::<From>().unwrap().tag(), None);
    assert_eq!(request.headers.typed::<MaxForwards>(), Ok(None));
    assert!(request.body.starts_with(b"v=0"));
}

/// The archive's `baddn` ends without the empty line: that is told, and no reason to refuse.
#[test]
fn a_missing_empty_line_is_told() {
    let Some(cases) = torture() else { return };
    let limits = Limits::default();
    let short = MessageView::parse(&case(&cases, "baddn").bytes, &limits).unwrap();
    assert!(!short.has_empty_line());
    let whole = MessageView::parse(&case(&cases, "baddn-with-final-crlf").bytes, &limits).unwrap();
    assert!(whole.has_empty_line());
}

#[test]
fn every_cut_is_survived() {
    let Some(cases) = torture() else { return };
    for case in &cases {
        for cut in 0..case.bytes.len() {
            outcome(&Bytes::copy_from_slice(&case.bytes[..cut]));
        }
    }
}
