//! An INVITE read, and the values of its Via, From, To, Call-ID, CSeq and Contact.

use std::hint::black_box;
use std::net::IpAddr;
use std::str::from_utf8;

use bytes::Bytes;

use crate::turns::{contender, measure, unlike};

/// 757 bytes as a desk telephone writes them: the INVITE of the benches of the workspace.
pub const INVITE: &str = include_str!("../../../src/invite.sip");

/// What is read of the six headers, borrowed from whatever a crate makes of the message.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Values<'a> {
    via_host: Host<'a>,
    via_port: Option<u16>,
    branch: &'a str,
    from_user: &'a str,
    from_host: Host<'a>,
    from_tag: &'a str,
    to_user: &'a str,
    to_tag: Option<&'a str>,
    call_id: &'a str,
    number: u32,
    is_invite: bool,
    contact_user: &'a str,
    contact_host: Host<'a>,
    contact_port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

/// What everybody has to find.
fn expected() -> Values<'static> {
    let address = Host::Address([192, 0, 2, 11].into());
    Values {
        via_host: address,
        via_port: Some(5060),
        branch: "z9hG4bK-7a1c3e5f9b2d",
        from_user: "101",
        from_host: Host::Name("pbx.example.com"),
        from_tag: "4f8c21ab",
        to_user: "102",
        to_tag: None,
        call_id: "9d3b6f0e5a7c41f2@192.0.2.11",
        number: 1,
        is_invite: true,
        contact_user: "101",
        contact_host: address,
        contact_port: Some(5060),
    }
}

/// Reads a message and shows the values.
type Read = fn(&Bytes, &mut dyn FnMut(Values<'_>));

pub fn run() {
    let bytes = Bytes::from_static(INVITE.as_bytes());
    let bytes = &bytes;
    let readers: [(&'static str, &'static str, Read); 8] = [
        ("trunkline-sip-core, MessageView", "", trunkline),
        ("trunkline-sip-core, Message", "owned", trunkline_owned),
        ("rsipstack 0.7", "", rsipstack),
        ("ezk-sip-types 0.6", "", ezk),
        ("sipx-sip 1.0", "", sipx),
        ("rsiprtp 0.4", "", rsiprtp),
        ("rvoip-sip-core 0.4", "", rvoip),
        ("sip-core 0.3", "no typed headers: the six as text, number and tag cut out", sip_core_03),
    ];
    for (name, _, read) in readers.iter().filter(|(name, ..)| *name != "sip-core 0.3") {
        let mut seen = 0;
        read(bytes, &mut |values| {
            assert_eq!(values, expected(), "{name}");
            seen += 1;
        });
        assert_eq!(seen, 1, "{name}");
    }
    let contenders = readers.into_iter().map(|(name, note, read)| {
        unlike(name, note, move || {
            read(black_box(bytes), &mut |values| {
                black_box(&values);
            });
        })
    });
    measure("An INVITE read, and the values of six headers", contenders.collect());

    measure(
        "An INVITE read, no header asked for",
        vec![
            contender("trunkline-sip-core, MessageView", move || {
                let limits = sip_core::Limits::default();
                black_box(sip_core::MessageView::parse(black_box(bytes), &limits).is_ok());
            }),
            contender("trunkline-sip-core, Message", move || {
                let limits = sip_core::Limits::default();
                black_box(&sip_core::Message::parse(black_box(bytes).clone(), &limits));
            }),
            contender("rsipstack 0.7", move || {
                black_box(&rsipstack::sip::SipMessage::try_from(black_box(&bytes[..])));
            }),
            contender("ezk-sip-types 0.6", move || {
                black_box(&ezk_message(black_box(bytes)));
            }),
            contender("sipx-sip 1.0", move || {
                let limits = sipx_sip::Limits::datagram();
                black_box(&sipx_sip::parse_datagram(black_box(bytes).clone(), &limits));
            }),
            contender("rsiprtp 0.4", move || {
                black_box(&rsiprtp::sip::SipMessage::parse(black_box(bytes)));
            }),
            contender("rvoip-sip-core 0.4", move || {
                black_box(&rvoip_sip_core::parse_message(black_box(bytes)));
            }),
            contender("sip-core 0.3", move || {
                let text = from_utf8(black_box(bytes)).unwrap();
                black_box(&peer_sip_core::SipMessage::parse(text));
            }),
        ],
    );
}

macro_rules! trunkline_values {
    ($message:expr, $take:ident) => {{
        use sip_core::header::{CSeqRef, CallIdRef, ContactRef, FromRef, ToRef, ViaRef};
        use sip_core::uri::UriRef;
        let message = &$message;
        let via = message.require::<ViaRef<'_>>().unwrap();
        let from = message.require::<FromRef<'_>>().unwrap();
        let to = message.require::<ToRef<'_>>().unwrap();
        let call_id = message.require::<CallIdRef<'_>>().unwrap();
        let cseq = message.require::<CSeqRef<'_>>().unwrap();
        let ContactRef::Address(contact) = message.require::<ContactRef<'_>>().unwrap() else {
            unreachable!()
        };
        let (UriRef::Sip(from_uri), UriRef::Sip(to_uri)) = (from.uri(), to.uri()) else {
            unreachable!()
        };
        let UriRef::Sip(contact_uri) = contact.uri() else { unreachable!() };
        $take(Values {
            via_host: trunkline_host(via.host()),
            via_port: via.port(),
            branch: via.branch().unwrap(),
            from_user: from_uri.user_escaped().unwrap(),
            from_host: trunkline_host(from_uri.host()),
            from_tag: from.tag().unwrap(),
            to_user: to_uri.user_escaped().unwrap(),
            to_tag: to.tag(),
            call_id: call_id.as_str(),
            number: cseq.number(),
            is_invite: cseq.method() == "INVITE",
            contact_user: contact_uri.user_escaped().unwrap(),
            contact_host: trunkline_host(contact_uri.host()),
            contact_port: contact_uri.port(),
        });
    }};
}
fn trunkline(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    let view = sip_core::MessageView::parse(bytes, &sip_core::Limits::default()).unwrap();
    trunkline_values!(view, take);
}

fn trunkline_owned(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    let message = sip_core::Message::parse(bytes.clone(), &sip_core::Limits::default()).unwrap();
    trunkline_values!(message.headers(), take);
}

fn trunkline_host(host: sip_core::uri::HostRef<'_>) -> Host<'_> {
    match host {
        sip_core::uri::HostRef::Name(name) => Host::Name(name),
        sip_core::uri::HostRef::V4(address) => Host::Address(address.into()),
        sip_core::uri::HostRef::V6(address) => Host::Address(address.into()),
    }
}

fn rsipstack(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use rsipstack::sip::headers::ToTypedHeader as _;
    use rsipstack::sip::{HeadersExt as _, Host as Its, Method, SipMessage};
    let SipMessage::Request(request) = SipMessage::try_from(&bytes[..]).unwrap() else {
        unreachable!()
    };
    fn host(host: &Its) -> Host<'_> {
        match host {
            Its::Domain(domain) => Host::Name(&domain.0),
            Its::IpAddr(address) => Host::Address(*address),
        }
    }
    let via = request.via_header().unwrap().typed().unwrap();
    let from = request.from_header().unwrap().typed().unwrap();
    let to = request.to_header().unwrap().typed().unwrap();
    let call_id = request.call_id_header().unwrap();
    let cseq = request.cseq_header().unwrap().typed().unwrap();
    let contact = request.contact_header().unwrap().typed().unwrap();
    take(Values {
        via_host: host(&via.sent_by().host),
        via_port: via.sent_by().port.as_ref().map(|port| port.0),
        branch: via.branch().unwrap().value(),
        from_user: from.uri.user().unwrap(),
        from_host: host(from.uri.host()),
        from_tag: from.tag().unwrap().value(),
        to_user: to.uri.user().unwrap(),
        to_tag: to.tag().map(|tag| tag.value()),
        call_id: call_id.value(),
        number: cseq.seq,
        is_invite: cseq.method == Method::Invite,
        contact_user: contact.uri.user().unwrap(),
        contact_host: host(contact.uri.host()),
        contact_port: contact.uri.host_with_port.port.as_ref().map(|port| port.0),
    });
}

/// What an endpoint of this family makes of a datagram: a start line and headers.
pub fn ezk_message(
    bytes: &Bytes,
) -> (ezk_sip_types::msg::MessageLine, ezk_sip_types::Headers, Bytes) {
    use ezk_sip_types::msg::{Line, MessageLine, PullParser};
    use ezk_sip_types::parse::Parse as _;
    let mut parser = PullParser::new(bytes, 0);
    let line = from_utf8(parser.next().unwrap().unwrap()).unwrap();
    let (_, start) = MessageLine::parse(bytes)(line).unwrap();
    let mut headers = ezk_sip_types::Headers::with_capacity(16);
    for line in &mut parser {
        let line = from_utf8(line.unwrap()).unwrap();
        let (_, line) = Line::parse(bytes, line).unwrap();
        headers.insert(line.name, line.value);
    }
    let body = bytes.slice(parser.head_end()..);
    (start, headers, body)
}

fn ezk(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use ezk_sip_types::header::typed::{CSeq, CallID, Contact, FromTo, Via};
    use ezk_sip_types::host::Host as Its;
    use ezk_sip_types::uri::{SipUri, SipUriUserPart};
    use ezk_sip_types::{Method, Name};
    fn host(host: &Its) -> Host<'_> {
        match host {
            Its::Name(name) => Host::Name(name.as_str()),
            Its::IP4(address) => Host::Address((*address).into()),
            Its::IP6(address) => Host::Address((*address).into()),
        }
    }
    fn user(uri: &SipUri) -> &str {
        match &uri.user_part {
            SipUriUserPart::User(user) => user.as_str(),
            _ => unreachable!(),
        }
    }
    let (_, headers, _) = ezk_message(bytes);
    let via: Via = headers.get_named().unwrap();
    let from: FromTo = headers.get(Name::FROM).unwrap();
    let to: FromTo = headers.get(Name::TO).unwrap();
    let call_id: CallID = headers.get_named().unwrap();
    let cseq: CSeq = headers.get_named().unwrap();
    let contact: Contact = headers.get_named().unwrap();
    take(Values {
        via_host: host(&via.sent_by.host),
        via_port: via.sent_by.port,
        branch: via.params.get_val("branch").unwrap().as_str(),
        from_user: user(&from.uri.uri),
        from_host: host(&from.uri.uri.host_port.host),
        from_tag: from.tag.as_ref().unwrap().as_str(),
        to_user: user(&to.uri.uri),
        to_tag: to.tag.as_ref().map(|tag| tag.as_str()),
        call_id: call_id.0.as_str(),
        number: cseq.cseq,
        is_invite: cseq.method == Method::INVITE,
        contact_user: user(&contact.uri.uri),
        contact_host: host(&contact.uri.uri.host_port.host),
        contact_port: contact.uri.uri.host_port.port,
    });
}

fn sipx(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use sipx_sip::headers::{CSeq, CallId, Contact, From, To, Via};
    use sipx_sip::{Host as Its, Limits, Message, Method, Uri, parse_datagram};
    fn host(host: &Its) -> Host<'_> {
        match host {
            Its::Name(name) => Host::Name(from_utf8(name.as_bytes()).unwrap()),
            Its::Ip(address) => Host::Address(*address),
        }
    }
    fn user(uri: &Uri) -> &str {
        from_utf8(uri.user().unwrap()).unwrap()
    }
    let message = parse_datagram(bytes.clone(), &Limits::datagram()).unwrap();
    let Message::Request(request) = &message else { unreachable!() };
    let headers = &request.headers;
    let via = headers.typed::<Via>().unwrap().unwrap();
    let from = headers.typed::<From>().unwrap().unwrap();
    let to = headers.typed::<To>().unwrap().unwrap();
    let call_id = headers.typed::<CallId>().unwrap().unwrap();
    let cseq = headers.typed::<CSeq>().unwrap().unwrap();
    let contact = headers.typed::<Contact>().unwrap().unwrap();
    take(Values {
        via_host: host(&via.host),
        via_port: via.port,
        branch: from_utf8(via.branch().unwrap()).unwrap(),
        from_user: user(&from.0.uri),
        from_host: host(from.0.uri.host().unwrap()),
        from_tag: from_utf8(from.0.tag().unwrap()).unwrap(),
        to_user: user(&to.0.uri),
        to_tag: to.0.tag().map(|tag| from_utf8(tag).unwrap()),
        call_id: from_utf8(&call_id.0).unwrap(),
        number: cseq.sequence,
        is_invite: cseq.method == Method::Invite,
        contact_user: user(&contact.0.uri),
        contact_host: host(contact.0.uri.host().unwrap()),
        contact_port: contact.0.uri.port(),
    });
}

fn rsiprtp(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use rsiprtp::sip::parser::Message;
    // Its hosts are text; what that text means is read here, as a user of it would have to.
    fn host(text: &str) -> Host<'_> {
        text.parse().map_or(Host::Name(text), Host::Address)
    }
    let message = Message::parse(bytes).unwrap();
    let Message::Request(request) = &message else { unreachable!() };
    let header = |name: &str| request.headers.get_first(name).unwrap();
    let via = header("Via").typed_via().unwrap().unwrap();
    let from = header("From").typed_from().unwrap().unwrap();
    let to = header("To").typed_to().unwrap().unwrap();
    let cseq = header("CSeq").typed_cseq().unwrap().unwrap();
    let contact = header("Contact").typed_contact().unwrap().unwrap();
    let rsiprtp::sip::parser::typed::Contact::Addr(contact) = &contact else { unreachable!() };
    let (via_host, via_port) = via.sent_by.split_once(':').unwrap();
    take(Values {
        via_host: host(via_host),
        via_port: via_port.parse().ok(),
        branch: via.branch().unwrap(),
        from_user: from.uri.user().unwrap(),
        from_host: host(from.uri.host()),
        from_tag: from.tag().unwrap(),
        to_user: to.uri.user().unwrap(),
        to_tag: to.tag(),
        call_id: header("Call-ID").value(),
        number: cseq.seq,
        is_invite: cseq.method.as_str() == "INVITE",
        contact_user: contact.uri.user().unwrap(),
        contact_host: host(contact.uri.host()),
        contact_port: contact.uri.port(),
    });
}

fn rvoip(bytes: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use rvoip_sip_core::prelude::{HeaderName, Host as Its, Message, Method, TypedHeader};
    fn host(host: &Its) -> Host<'_> {
        match host {
            Its::Domain(name) => Host::Name(name),
            Its::Address(address) => Host::Address(*address),
        }
    }
    let message = rvoip_sip_core::parse_message(bytes).unwrap();
    let Message::Request(request) = &message else { unreachable!() };
    let Some(TypedHeader::Via(via)) = request.header(&HeaderName::Via) else { unreachable!() };
    let via = via.headers().first().unwrap();
    let (from, to) = (request.from().unwrap(), request.to().unwrap());
    let cseq = request.cseq().unwrap();
    let Some(TypedHeader::Contact(contact)) = request.header(&HeaderName::Contact) else {
        unreachable!()
    };
    let contact = contact.address().unwrap();
    take(Values {
        via_host: host(&via.sent_by_host),
        via_port: via.sent_by_port,
        branch: via.branch().unwrap(),
        from_user: from.address().uri.user.as_deref().unwrap(),
        from_host: host(&from.address().uri.host),
        from_tag: from.tag().unwrap(),
        to_user: to.address().uri.user.as_deref().unwrap(),
        to_tag: to.tag(),
        call_id: request.call_id().unwrap().as_str(),
        number: cseq.sequence(),
        is_invite: *cseq.method() == Method::Invite,
        contact_user: contact.uri.user.as_deref().unwrap(),
        contact_host: host(&contact.uri.host),
        contact_port: contact.uri.port,
    });
}

fn sip_core_03(bytes: &Bytes, _: &mut dyn FnMut(Values<'_>)) {
    use peer_sip_core::{HeaderName, SipMessage, header};
    let message = SipMessage::parse(from_utf8(bytes).unwrap()).unwrap();
    let text = |name: HeaderName| message.headers().get(&name).unwrap().as_str();
    black_box(text(HeaderName::Via));
    black_box(header::extract_uri(text(HeaderName::From)));
    black_box(header::extract_tag(text(HeaderName::From)));
    black_box(header::extract_uri(text(HeaderName::To)));
    black_box(header::extract_tag(text(HeaderName::To)));
    black_box(message.call_id());
    black_box(message.cseq());
    black_box(header::extract_uri(text(HeaderName::Contact)));
}
