//! Edits a request as a proxy does. Lines that are not touched stay as they are, to the byte: odd
//! names, spaces, folds and unknown headers.
//!
//! `cargo run -p trunkline-sip-core --example edit_message`

use sip_core::header::{MaxForwards, RecordRoute, Route, Via};
use sip_core::{HeaderName, Limits, Request, Transport, Uri};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let received = "MESSAGE sip:bob@example.com SIP/2.0\r\n\
        v :  SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1,SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK0\r\n\
        mAX-fORWARDS: 0070\r\n\
        Route: <sip:us.example.net;lr>, <sip:next.example.net;lr>\r\n\
        From: sip:alice@example.org;tag=88\r\n\
        To: sip:bob@example.com\r\n\
        Call-ID: 7\r\n\
        CSeq: 1 MESSAGE\r\n\
        X-Odd:   kept\r\n\t as it is\r\n\
        X-Secret: not for others\r\n\
        Content-Length: 2\r\n\r\nhi";
    let mut request = Request::parse(received.into(), &Limits::default())?;
    let headers = &mut request.headers;

    // The top Via learns where the request really came from; the one below stays.
    if let Some(mut via) = headers.typed::<Via>()? {
        via.set_received([198, 51, 100, 7].into());
        headers.set_front(via);
    }
    headers.push_front(Via::new(
        Transport::Udp,
        "us.example.net".parse::<sip_core::HostPort>()?,
        "z9hG4bK2",
    )?);

    let hops = headers.typed::<MaxForwards>()?.map_or(70, |hops| hops.0);
    headers.set(MaxForwards(hops.checked_sub(1).ok_or("too many hops")?));

    // We were the first of the route.
    headers.pop_front::<Route>()?;
    let own: Uri = "sip:us.example.net;lr".parse()?;
    headers.push_front(RecordRoute(sip_core::header::NameAddr::new(own)));

    let secret = HeaderName::parse("X-Secret").ok_or("not a header name")?;
    headers.remove(secret);

    print!("{}", String::from_utf8_lossy(&request.to_bytes()));
    println!();
    Ok(())
}
