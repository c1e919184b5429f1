//! Builds an INVITE from its parts.
//!
//! `cargo run -p trunkline-sip-core --example build_request`

use sip_core::header::{
    CSeq, CallId, Contact, ContentType, From, MaxForwards, NameAddr, Supported, To, Via,
};
use sip_core::uri::{Host, HostPort};
use sip_core::{HeaderName, Method, Request, SipUri, Token, Transport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bob = SipUri::new("bob", Host::parse("biloxi.example.com")?, None);
    let alice = SipUri::new("alice", Host::parse("atlanta.example.com")?, None);
    let here = HostPort::parse("192.0.2.101:5062")?;

    let mut request = Request::new(Method::Invite, bob.clone());
    let headers = &mut request.headers;

    // Branch, tag and Call-ID come from a good random source; here they are fixed.
    let mut via = Via::new(Transport::Udp, here.clone(), "z9hG4bK74bf9")?;
    via.set_rport(None);
    headers.push(via);
    headers.push(MaxForwards(70));

    let mut from = NameAddr::new(alice.clone()).with_display_name("Alice \"in\" Atlanta");
    from.set_tag("9fxced76sl")?;
    headers.push(From(from));
    headers.push(To(NameAddr::new(bob)));
    headers.push(CallId::new("3848276298220188511@192.0.2.101")?);
    headers.push(CSeq::new(1, Method::Invite));

    let contact = alice.with_host_port(here).with_param("transport", Some("udp"))?;
    headers.push(Contact::new(contact));
    headers.push(Supported(vec![Token::from_static("100rel"), Token::from_static("timer")]));

    // A header that this library has no type for.
    let tenant = HeaderName::parse("X-Tenant").ok_or("not a header name")?;
    headers.push_raw(tenant, "blue")?;

    headers.push(ContentType::sdp());
    request.body = "v=0\r\no=alice 1 1 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\n\
        t=0 0\r\nm=audio 49172 RTP/AVP 0 8\r\n"
        .into();

    // Content-Length is added, and right.
    print!("{}", String::from_utf8_lossy(&request.to_bytes()));
    Ok(())
}
