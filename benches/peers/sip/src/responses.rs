//! A response made from its request and written.

use std::fmt::Write as _;
use std::hint::black_box;
use std::str::from_utf8;

use bytes::Bytes;

use crate::messages::{INVITE, ezk_message};
use crate::turns::{contender, measure, unlike};

const TAG: &str = "8b1d93c7";

/// What each has to write in some order of headers: these lines at least.
const LINES: [&str; 7] = [
    "SIP/2.0 200 OK",
    "Via: SIP/2.0/UDP 192.0.2.11:5060;rport;branch=z9hG4bK-7a1c3e5f9b2d",
    "From: \"Alice Example\" <sip:101@pbx.example.com>;tag=4f8c21ab",
    "To: <sip:102@pbx.example.com>",
    "Call-ID: 9d3b6f0e5a7c41f2@192.0.2.11",
    "CSeq: 1 INVITE",
    "Content-Length: 0",
];

fn check(name: &str, response: &[u8], tag: Option<&str>) {
    let text = from_utf8(response).unwrap();
    for line in LINES {
        let line = match tag {
            Some(tag) if line.starts_with("To:") => format!("{line};tag={tag}"),
            _ => line.to_owned(),
        };
        assert!(text.split("\r\n").any(|written| written == line), "{name}: {line} in\n{text}");
    }
    assert!(text.ends_with("\r\n\r\n"), "{name}");
}

pub fn run() {
    let bytes = Bytes::from_static(INVITE.as_bytes());
    let bytes = &Bytes::from(bytes.to_vec());
    let ours = &sip_core::Request::parse(bytes.clone(), &sip_core::Limits::default()).unwrap();
    let rsipstack = &rsipstack::sip::Request::try_from(&bytes[..]).unwrap();
    let (_, ezk, _) = &ezk_message(bytes);
    let limits = sipx_sip::Limits::datagram();
    let sipx = sipx_sip::parse_datagram(bytes.clone(), &limits).unwrap();
    let sipx = sipx.as_request().unwrap();
    let rsiprtp = rsiprtp::sip::SipMessage::parse(bytes).unwrap();
    let rsiprtp = rsiprtp.as_request().unwrap();
    let rvoip = rvoip_sip_core::parse_message(bytes).unwrap();
    let rvoip_sip_core::prelude::Message::Request(rvoip) = &rvoip else { unreachable!() };
    let peer_sip_core::SipMessage::Request(sip_core_03) =
        &peer_sip_core::SipMessage::parse(INVITE).unwrap()
    else {
        unreachable!()
    };

    for tag in [None, Some(TAG)] {
        let title = match tag {
            None => "A 200 made from its request and written: no To tag, no body",
            Some(_) => "The same with a To tag",
        };
        check("trunkline", &write_ours(ours, tag), tag);
        check("rsipstack", &write_rsipstack(rsipstack, tag), tag);
        check("ezk", &write_ezk(ezk, tag), tag);
        check("sipx", &write_sipx(sipx, tag), tag);
        check("rsiprtp", &write_rsiprtp(rsiprtp, tag), tag);
        check("sip-core 0.3", &write_sip_core_03(sip_core_03, tag), tag);
        measure(
            title,
            vec![
                contender("trunkline-sip-core", move || {
                    black_box(write_ours(black_box(ours), tag));
                }),
                contender("rsipstack 0.7, as its endpoint does", move || {
                    black_box(write_rsipstack(black_box(rsipstack), tag));
                }),
                contender("ezk-sip-types 0.6, as ezk's endpoint does", move || {
                    black_box(write_ezk(black_box(ezk), tag));
                }),
                contender("sipx-sip 1.0", move || {
                    black_box(write_sipx(black_box(sipx), tag));
                }),
                contender("rsiprtp 0.4", move || {
                    black_box(write_rsiprtp(black_box(rsiprtp), tag));
                }),
                unlike("rvoip-sip-core 0.4", "writes the Via anew", move || {
                    black_box(write_rvoip(black_box(rvoip), tag));
                }),
                contender("sip-core 0.3", move || {
                    black_box(write_sip_core_03(black_box(sip_core_03), tag));
                }),
            ],
        );
    }
}

fn write_ours(request: &sip_core::Request, tag: Option<&str>) -> Bytes {
    let mut response = sip_core::Response::to(request, sip_core::StatusCode::OK);
    if let Some(tag) = tag {
        response.set_to_tag(tag).unwrap();
    }
    response.to_bytes()
}

/// Its own `make_response` belongs to an endpoint with sockets; this is what that does.
fn write_rsipstack(request: &rsipstack::sip::Request, tag: Option<&str>) -> Vec<u8> {
    use rsipstack::sip::{HasHeaders as _, Header, HeadersExt as _, Response, StatusCode};
    let mut headers = request.headers.clone();
    headers.retain(|header| {
        matches!(
            header,
            Header::Via(_) | Header::CallId(_) | Header::From(_) | Header::To(_) | Header::CSeq(_)
        )
    });
    headers.push(Header::ContentLength(0u32.into()));
    let mut response = Response {
        status_code: StatusCode::OK,
        wire_reason: None,
        version: request.version,
        headers,
        body: Vec::new(),
    };
    if let Some(tag) = tag {
        response.to_header_mut().unwrap().mut_tag(tag.to_owned().into()).unwrap();
    }
    let _ = response.headers();
    response.to_bytes()
}

/// What ezk-sip-core's endpoint does with these types.
fn write_ezk(request: &ezk_sip_types::Headers, tag: Option<&str>) -> Vec<u8> {
    use ezk_sip_types::header::typed::FromTo;
    use ezk_sip_types::msg::StatusLine;
    use ezk_sip_types::{Headers, Name, StatusCode};
    let mut headers = Headers::with_capacity(5);
    for name in [Name::VIA, Name::FROM, Name::TO, Name::CALL_ID, Name::CSEQ] {
        request.clone_into(&mut headers, name).unwrap();
    }
    if let Some(tag) = tag {
        headers.edit(Name::TO, |to: &mut FromTo| to.tag = Some(tag.into())).unwrap();
    }
    headers.insert("Content-Length", "0");
    let line = StatusLine { code: StatusCode::OK, reason: Some("OK".into()) };
    let mut text = String::with_capacity(headers.printed_len() + 64);
    write!(text, "{line}\r\n{headers}\r\n").unwrap();
    text.into_bytes()
}

fn write_sipx(request: &sipx_sip::Request, tag: Option<&str>) -> Vec<u8> {
    use sipx_sip::{HeaderName, ResponseBuilder, StatusCode};
    let status = StatusCode::new(200).unwrap();
    let mut builder = ResponseBuilder::to_request(request, status, &b"OK"[..]).unwrap();
    if let Some(tag) = tag {
        let to = request.headers.value(&HeaderName::To).unwrap();
        let value = [&to[..], b";tag=", tag.as_bytes()].concat();
        builder = builder.set_header(&HeaderName::To, value).unwrap();
    }
    let mut out = Vec::with_capacity(1024);
    builder.build().write_to(&mut out);
    out
}

fn write_rsiprtp(request: &rsiprtp::sip::SipRequest, tag: Option<&str>) -> Bytes {
    let mut builder = rsiprtp::sip::SipResponse::builder().status(200, "OK").from_request(request);
    if let Some(tag) = tag {
        builder = builder.to_tag(tag);
    }
    builder.build().unwrap().to_bytes()
}

fn write_rvoip(request: &rvoip_sip_core::prelude::Request, tag: Option<&str>) -> Vec<u8> {
    use rvoip_sip_core::prelude::{ContentLength, Message, Response, StatusCode, TypedHeader};
    let mut response = Response::from_request(StatusCode::Ok, request)
        .with_header(TypedHeader::ContentLength(ContentLength(0)));
    if let Some(tag) = tag {
        for header in &mut response.headers {
            if let TypedHeader::To(to) = header {
                to.set_tag(tag);
            }
        }
    }
    Message::Response(response).to_bytes()
}

fn write_sip_core_03(request: &peer_sip_core::SipRequest, tag: Option<&str>) -> Vec<u8> {
    use peer_sip_core::message::ResponseBuilder;
    use peer_sip_core::{HeaderName, StatusCode};
    let mut response = ResponseBuilder::from_request(request, StatusCode(200)).build();
    if let Some(tag) = tag {
        let headers = response.headers_mut();
        let to = format!("{};tag={tag}", headers.get(&HeaderName::To).unwrap().as_str());
        headers.set(HeaderName::To, to);
    }
    response.to_bytes()
}
