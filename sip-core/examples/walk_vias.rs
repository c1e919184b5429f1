//! Walks the Vias of a response in place, without allocating: which way did the request take?
//!
//! `cargo run -p trunkline-sip-core --example walk_vias`

use sip_core::header::{CSeqRef, ToRef, ViaRef};
use sip_core::{Limits, MessageView};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let response = b"SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/TLS edge.biloxi.com;branch=z9hG4bK4b43c2ff8.1;received=192.0.2.3, \
        SIP/2.0/UDP bigbox3.site3.atlanta.com:5066;branch=z9hG4bK77ef4c2312983.1\r\n\
        v: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKnashds8;rport=5062;received=192.0.2.1\r\n\
        From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n\
        To: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\n\
        Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n\
        CSeq: 314159 INVITE\r\n\
        Content-Length: 0\r\n\r\n";
    let view = MessageView::parse(response, &Limits::default())?;

    // Comma lists and repeated lines, long and compact names: all are one list.
    for (hop, via) in view.all::<ViaRef<'_>>().enumerate() {
        let via = via?;
        print!("{hop}: {} over {}", via.host(), via.transport());
        if let Some(port) = via.port() {
            print!(", port {port}");
        }
        if let Some(address) = via.received() {
            print!(", seen from {address}");
        }
        if let Some(Some(port)) = via.rport() {
            print!(" port {port}");
        }
        println!(", transaction {}", via.transaction().unwrap_or("of RFC 2543"));
    }

    let cseq: CSeqRef<'_> = view.require()?;
    println!("answers {} {}", cseq.method(), cseq.number());
    // Absent, malformed and present are three different answers.
    match view.typed::<ToRef<'_>>() {
        Ok(Some(to)) => println!("to tag {}", to.tag().unwrap_or("missing")),
        Ok(None) => println!("no To"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
