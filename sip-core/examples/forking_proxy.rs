//! A registrar and stateful forking proxy: every phone of a user rings, the preferred ones first,
//! the first to answer gets the call. Nobody is asked for a password: see the example `registrar`.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example forking_proxy -- 127.0.0.1:5060`

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sip_core::header::To;
use sip_core::net::{SystemRandom, Transports};
use sip_core::proxy::{Config, ContextId, Event, Hop, Ours, Proxy, RecordRoute, next_hop};
use sip_core::registrar::{AddressOfRecord, Registrar};
use sip_core::{Flow, HostPort, Method, Request, Response, SipUri, StatusCode, Transport};

/// A proxy with its registrar.
pub struct Office {
    bound: SocketAddr,
    proxy: Proxy,
    registrar: Registrar,
    start: Instant,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: forking_proxy ADDRESS:PORT")?;
    let mut transports = Transports::new(Default::default());
    let bound = transports.bind_udp(address.parse()?).await?;
    transports.bind_tcp(bound).await?;
    println!("UDP and TCP {bound}");
    Office::new(bound).serve(transports).await;
    Ok(())
}

impl Office {
    /// An office at this address, which is also its domain.
    pub fn new(bound: SocketAddr) -> Self {
        let config = Config::new(Ours::at(vec![HostPort::from(bound)]));
        Self {
            bound,
            proxy: Proxy::new(config, Box::new(SystemRandom::default())),
            registrar: Registrar::new(Default::default()),
            start: Instant::now(),
        }
    }

    /// Serves for ever.
    pub async fn serve(mut self, mut transports: Transports) {
        loop {
            while let Some(transmit) = self.proxy.poll_transmit() {
                transports.send(transmit);
            }
            let wake = [self.proxy.poll_timeout(), self.registrar.poll_timeout()];
            let wake = wake.into_iter().flatten().min().unwrap_or(Duration::MAX / 2);
            let sleep = tokio::time::sleep(wake.saturating_sub(self.now()));
            tokio::select! {
                input = transports.receive() => {
                    if let sip_core::endpoint::Input::FlowFailed { flow } = &input {
                        self.registrar.flow_failed(flow);
                    }
                    self.proxy.handle_input(self.now(), input);
                }
                () = sleep => {
                    self.registrar.handle_timeout(self.now());
                    self.proxy.handle_timeout(self.now());
                }
            }
            while let Some(event) = self.proxy.poll_event() {
                self.on(event);
            }
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Request { id, request, flow, .. } => self.route(id, &request, flow),
            Event::Ack { request, flow, .. } => {
                if let Some(hop) = self.onward(&request, flow) {
                    // An ACK that cannot be read is lost, as it would be on the wire.
                    let _ = self.proxy.forward_ack(&request, &hop);
                }
            }
            _ => {}
        }
    }

    fn route(&mut self, id: ContextId, request: &Request, flow: Flow) {
        let now = self.now();
        let for_us = request.uri.as_sip().is_some_and(|uri| self.is_us(uri));
        let routed = request.headers.contains(sip_core::HeaderName::Route);
        if request.method == Method::Register && for_us {
            let response = self.register(now, request, flow);
            return self.proxy.respond(now, id, response);
        }
        let groups = match AddressOfRecord::of(&request.uri).filter(|_| for_us && !routed) {
            Some(aor) => self.phones(now, &aor),
            None => vec![self.onward(request, flow).into_iter().collect()],
        };
        // An error has been answered already.
        let _ = self.proxy.forward_in_turn(now, id, groups);
    }

    fn register(&mut self, now: Duration, request: &Request, flow: Flow) -> Response {
        match request.headers.require::<To>().ok().and_then(|to| AddressOfRecord::of(&to.uri)) {
            Some(aor) => self
                .registrar
                .register(now, &aor, request, flow)
                .unwrap_or_else(|rejection| rejection.response(request)),
            None => Response::to(request, StatusCode::BAD_REQUEST),
        }
    }

    /// The phones of a user in groups of the same preference.
    fn phones(&self, now: Duration, aor: &AddressOfRecord) -> Vec<Vec<Hop>> {
        let mut groups: Vec<(u16, Vec<Hop>)> = Vec::new();
        for binding in self.registrar.bindings(now, aor) {
            let target = Some(binding.contact.uri.clone());
            let hop = Hop { target, flow: binding.flow, record_route: self.record_route() };
            match groups.last_mut() {
                Some((q, group)) if *q == binding.q => group.push(hop),
                _ => groups.push((binding.q, vec![hop])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Where a request within a dialog goes, or one for another domain: only to addresses, since
    /// no names are looked up here.
    fn onward(&self, request: &Request, from: Flow) -> Option<Hop> {
        let hop = next_hop(request).ok()?;
        let uri = hop.as_sip().filter(|uri| !self.is_us(uri))?;
        let transport = uri.transport().unwrap_or(Transport::Udp);
        let port = uri.port().unwrap_or(transport.default_port());
        let remote = SocketAddr::new(uri.host().ip()?, port);
        let flow = Flow { transport, local: from.local, remote, connection: None };
        Some(Hop { target: None, flow, record_route: self.record_route() })
    }

    fn record_route(&self) -> RecordRoute {
        RecordRoute::Single(SipUri::new("", self.bound.ip(), Some(self.bound.port())))
    }

    fn is_us(&self, uri: &SipUri) -> bool {
        uri.host().ip() == Some(self.bound.ip()) && uri.port().unwrap_or(5060) == self.bound.port()
    }
}
