//! A stateless proxy: requests for a domain go to the address in its table, responses back by their
//! Via. It forgets every message as soon as it is sent.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example stateless_proxy -- 127.0.0.1:5060 example.com=127.0.0.1:5070`

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;

use sip_core::endpoint::Input;
use sip_core::net::Transports;
use sip_core::proxy::{Arrival, Ours, RecordRoute, Stateless, next_hop};
use sip_core::{Flow, HostPort, Request, Response, StatusCode, Transport};

/// Where the domains are.
pub type Table = HashMap<String, SocketAddr>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address =
        arguments.next().ok_or("usage: stateless_proxy ADDRESS:PORT DOMAIN=ADDRESS...")?;
    let mut table = Table::new();
    for argument in arguments {
        let (domain, place) = argument.split_once('=').ok_or("DOMAIN=ADDRESS:PORT")?;
        table.insert(domain.to_ascii_lowercase(), place.parse()?);
    }
    let mut transports = Transports::new(Default::default());
    let bound = transports.bind_udp(address.parse()?).await?;
    transports.bind_tcp(bound).await?;
    println!("UDP and TCP {bound}");
    serve(transports, bound, table).await;
    Ok(())
}

/// Forwards for ever.
pub async fn serve(mut transports: Transports, bound: SocketAddr, table: Table) {
    let proxy = Stateless::new(Ours::at(vec![HostPort::from(bound)]));
    loop {
        // A stateless proxy does not mind that a flow has failed: whoever waits will repeat.
        let Input::Received { flow, message } = transports.receive().await else { continue };
        match proxy.handle_input(flow, message) {
            Arrival::Send(transmit) => transports.send(transmit),
            Arrival::Request { request, .. } => {
                let answer = |status| proxy.answer(&request, Response::to(&request, status), flow);
                let sent = match place(&request, &table, flow) {
                    None => answer(StatusCode::NOT_FOUND),
                    Some(next) => match proxy.forward(&request, None, &RecordRoute::No, next) {
                        Ok(transmit) => Some(transmit),
                        Err(error) => answer(error.status()),
                    },
                };
                if let Some(transmit) = sent {
                    transports.send(transmit);
                }
            }
            Arrival::Dropped => {}
        }
    }
}

/// The flow to the next hop: an address as it stands, a domain by the table.
fn place(request: &Request, table: &Table, from: Flow) -> Option<Flow> {
    let hop = next_hop(request).ok()?;
    let uri = hop.as_sip()?;
    let transport = uri.transport().unwrap_or(Transport::Udp);
    let remote = match uri.host().ip() {
        Some(ip) => SocketAddr::new(ip, uri.port().unwrap_or(transport.default_port())),
        None => *table.get(&uri.host().to_string().to_ascii_lowercase())?,
    };
    Some(Flow { transport, local: from.local, remote, connection: None })
}
