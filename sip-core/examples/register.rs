//! A phone that registers and stays registered: refreshes, keeps its flow open through NATs, goes to
//! the next server when one fails. Enter, or the end of the input, unregisters and ends it.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example register -- 127.0.0.1:0 sip:101@127.0.0.1:5060 secret [udp|tcp]`

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use sip_core::auth::client::Credentials;
use sip_core::endpoint::{self, Endpoint, Input};
use sip_core::net::{SystemRandom, Transports};
use sip_core::registration::{AttemptId, Config, Event, Outgoing, Registration};
use sip_core::{Flow, SipUri, Transport, Uri};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep_until};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, aor, password, ..] = &arguments[..] else {
        return Err("usage: register ADDRESS:PORT SIP-URI PASSWORD [udp|tcp]".into());
    };
    let aor = SipUri::parse(aor)?;
    let user = aor.user().ok_or("whom?")?.into_owned();
    let transport = arguments.get(3).and_then(|name| Transport::parse(name));
    let transport = transport.unwrap_or(Transport::Udp);
    let mut transports = Transports::new(Default::default());
    let local = transports.bind(transport, address.parse()?).await?;

    let contact = SipUri::new(&user, local.ip(), Some(local.port()))
        .with_param("transport", Some(transport.as_param()))?;
    let mut config = Config::new(aor, contact);
    config.credentials = Some(Credentials::new(user, password));
    let random = Box::new(SystemRandom::default());
    let phone = Phone {
        registration: Registration::new(Duration::ZERO, config, random)?,
        endpoint: Endpoint::new(Default::default(), Box::new(SystemRandom::default())),
        transports,
        local,
        transport,
        start: Instant::now(),
        sent: Vec::new(),
    };
    phone.run().await
}

struct Phone {
    registration: Registration,
    endpoint: Endpoint,
    transports: Transports,
    local: SocketAddr,
    transport: Transport,
    start: Instant,
    /// Which request of the endpoint's is which attempt.
    sent: Vec<(endpoint::ClientId, AttemptId)>,
}

impl Phone {
    async fn run(mut self) -> Result<(), Box<dyn Error>> {
        let mut stdin = tokio::io::stdin();
        let mut ending = false;
        loop {
            while let Some(outgoing) = self.registration.poll_request() {
                self.send(outgoing)?;
            }
            while let Some(transmit) = self.registration.poll_transmit() {
                self.transports.send(transmit);
            }
            while let Some(transmit) = self.endpoint.poll_transmit() {
                self.transports.send(transmit);
            }
            while let Some(event) = self.registration.poll_event() {
                println!("{event:?}");
                if event == Event::Unregistered {
                    self.transports.close().await;
                    return Ok(());
                }
            }
            let wake = [self.registration.poll_timeout(), self.endpoint.poll_timeout()];
            let wake = wake.into_iter().flatten().min().unwrap_or(Duration::from_secs(3600));
            tokio::select! {
                input = self.transports.receive() => self.receive(input),
                () = sleep_until(self.start + wake) => {
                    let now = self.start.elapsed();
                    self.registration.handle_timeout(now);
                    self.endpoint.handle_timeout(now);
                }
                _ = stdin.read_u8(), if !ending => {
                    ending = true;
                    self.registration.unregister(self.start.elapsed());
                }
            }
            self.pass_on();
        }
    }

    fn send(&mut self, outgoing: Outgoing) -> Result<(), Box<dyn Error>> {
        let now = self.start.elapsed();
        let (transport, local) = (self.transport, self.local);
        let new = place(&outgoing.hop, transport);
        let new = new.map(|remote| Flow { transport, local, remote, connection: None });
        let flow = outgoing.flow.or(new).ok_or("only addresses, no names: see net::Dns")?;
        let id = self.endpoint.request(now, outgoing.request, flow)?;
        self.sent.push((id, outgoing.id));
        Ok(())
    }

    fn receive(&mut self, input: Input) {
        let now = self.start.elapsed();
        match &input {
            Input::Received { flow, message }
                if self.registration.handle_keep_alive(now, *flow, message) =>
            {
                return;
            }
            Input::FlowFailed { flow } => self.registration.handle_flow_failed(now, *flow),
            _ => {}
        }
        self.endpoint.handle_input(now, input);
    }

    /// Tells the registration what came of its requests.
    fn pass_on(&mut self) {
        let now = self.start.elapsed();
        while let Some(event) = self.endpoint.poll_event() {
            let attempt = |id| self.sent.iter().find(|(own, _)| *own == id).map(|(_, of)| *of);
            match event {
                endpoint::Event::Response { id, response, flow, .. } => {
                    if let Some(attempt) = attempt(id) {
                        self.registration.handle_response(now, attempt, &response, flow);
                    }
                }
                endpoint::Event::Failed { id, .. } => {
                    if let Some(attempt) = attempt(id) {
                        self.registration.handle_failure(now, attempt);
                    }
                }
                _ => {}
            }
        }
        // Only the latest few can still be answered.
        self.sent.drain(..self.sent.len().saturating_sub(16));
    }
}

fn place(uri: &Uri, transport: Transport) -> Option<SocketAddr> {
    let uri = uri.as_sip()?;
    Some(SocketAddr::new(uri.host().ip()?, uri.port().unwrap_or(transport.default_port())))
}
