//! SIP messages: reading and writing.

use std::hint::black_box;
use std::net::IpAddr;

use bytes::Bytes;
use sip_core::header::{
    CSeq, CSeqRef, CallId, CallIdRef, Contact, ContactRef, ContentType, From, FromRef, MaxForwards,
    NameAddr, Supported, To, ToRef, Via, ViaRef,
};
use sip_core::{
    HostPort, Limits, Message, MessageView, Method, Request, Response, SipUri, StatusCode, Token,
    Transport,
};

/// Reads a message in place.
pub fn view(bytes: Bytes) -> Bytes {
    black_box(&parse(&bytes));
    bytes
}

/// Reads a message in place, and the six headers that every request of a call is matched by.
pub fn view_and_six_headers(bytes: Bytes) -> Bytes {
    let view = parse(&bytes);
    black_box(view.require::<ViaRef<'_>>().expect("a Via"));
    black_box(view.require::<FromRef<'_>>().expect("a From"));
    black_box(view.require::<ToRef<'_>>().expect("a To"));
    black_box(view.require::<CallIdRef<'_>>().expect("a Call-ID"));
    black_box(view.require::<CSeqRef<'_>>().expect("a CSeq"));
    black_box(view.require::<ContactRef<'_>>().expect("a Contact"));
    bytes
}

fn parse(bytes: &[u8]) -> MessageView<'_> {
    MessageView::parse(bytes, &Limits::default()).expect("a message")
}

/// Reads a message that outlives its datagram.
pub fn owned(bytes: Bytes) -> Message {
    Message::parse(bytes, &Limits::default()).expect("a message")
}

/// Looks for what is wrong with a request.
pub fn check(request: Request) -> Request {
    request.check(&Default::default()).expect("nothing wrong with it");
    request
}

/// Makes and writes the 200 to an INVITE, with the second field as its body.
pub fn write_response((invite, answer): (Request, Bytes)) -> (Request, Bytes) {
    let mut response = Response::to(&invite, StatusCode::OK);
    let mut to: To = response.headers.require().expect("a To");
    to.set_tag("8b1d93c7").expect("a token");
    response.headers.set(to);
    response.headers.set(Contact::new(uri("102", [192, 0, 2, 12], Some(5060))));
    response.headers.set(ContentType::sdp());
    response.body = answer;
    let bytes = response.to_bytes();
    (invite, bytes)
}

/// Makes an INVITE from nothing, as an exchange makes it for its second leg, and writes it.
pub fn write_request(offer: Bytes) -> Bytes {
    const EXCHANGE: [u8; 4] = [192, 0, 2, 100];
    let target = uri("102", [192, 0, 2, 12], Some(5060));
    let mut request = Request::new(Method::Invite, target);
    let headers = &mut request.headers;
    let sent_by = HostPort::new(IpAddr::from(EXCHANGE), Some(5060));
    let mut via = Via::new(Transport::Udp, sent_by, "z9hG4bK5f2c81d09be34a76").expect("a token");
    via.set_rport(None);
    headers.push(via);
    headers.push(MaxForwards(69));
    let mut from = From(NameAddr::new(uri("101", EXCHANGE, None)));
    from.set_tag("c20f6e55a91b").expect("a token");
    headers.push(from);
    headers.push(To(NameAddr::new(uri("102", EXCHANGE, None))));
    headers.push(CallId::new("2f6e0b7a9c1d4853@192.0.2.100").expect("a Call-ID"));
    headers.push(CSeq::new(1, Method::Invite));
    headers.push(Contact::new(uri("101", EXCHANGE, Some(5060))));
    headers.push(Supported(vec![Token::from_static("replaces")]));
    headers.push(ContentType::sdp());
    request.body = offer;
    request.to_bytes()
}

/// Writes a request as it was read.
pub fn write_received(request: Request) -> (Request, Bytes) {
    let bytes = request.to_bytes();
    (request, bytes)
}

fn uri(user: &str, host: [u8; 4], port: Option<u16>) -> SipUri {
    SipUri::new(user, IpAddr::from(host), port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invite;

    #[test]
    fn what_is_written_can_be_read() {
        let (_, response) = write_response((invite::request(), invite::offer_bytes()));
        let response = Response::parse(response, &Limits::default()).unwrap();
        assert_eq!((response.status, response.check()), (StatusCode::OK, Ok(())));
        let request = write_request(invite::offer_bytes());
        let request = Request::parse(request, &Limits::default()).unwrap();
        check(request);
    }
}
