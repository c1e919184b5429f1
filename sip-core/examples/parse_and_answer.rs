//! Reads a datagram as a server does: what cannot be read, or must not be worked on, is answered
//! at once; the rest goes on.
//!
//! `cargo run -p trunkline-sip-core --example parse_and_answer`

use bytes::Bytes;
use sip_core::header::{Allow, UserAgent};
use sip_core::{Limits, Message, Method, Response, StatusCode};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = "OPTIONS sip:bob@example.com SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n\
        Max-Forwards: 70\r\n\
        From: Alice <sip:alice@example.com>;tag=1928301774\r\n\
        To: Bob <sip:bob@example.com>\r\n\
        Call-ID: a84b4c76e66710@192.0.2.1\r\n\
        CSeq: 63104 OPTIONS\r\n\r\n";
    let datagrams = [
        options.to_owned(),
        options.replace("To: Bob <", "To: Bob, the <"),
        options.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
        options.replace("sip:bob@example.com SIP", "gopher:bob SIP"),
    ];
    for datagram in datagrams {
        match answer(datagram.into()) {
            Some(response) => println!("{}", String::from_utf8_lossy(&response.to_bytes())),
            None => println!("(nothing to answer)\n"),
        }
    }
    Ok(())
}

fn answer(datagram: Bytes) -> Option<Response> {
    let request = match Message::parse(datagram.clone(), &Limits::default()) {
        Ok(Message::Request(request)) => request,
        Ok(Message::Response(_)) => return None,
        Err(error) => return Response::to_malformed(&datagram, error.status()),
    };
    if let Err(rejection) = request.check(&Default::default()) {
        eprintln!("{rejection}");
        return Some(Response::to(&request, rejection.status));
    }
    let status = match request.method {
        Method::Ack => return None,
        Method::Options => StatusCode::OK,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    let mut response = Response::to(&request, status);
    // A real server draws its tags at random.
    response.set_to_tag("314159").ok()?;
    response.headers.push(Allow(vec![Method::Options]));
    response.headers.push(UserAgent::new("example/1.0").ok()?);
    Some(response)
}
