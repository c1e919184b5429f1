//! A caller over TLS: makes calls, one after the other, to a server whose certificate proves the name
//! that is called, and hangs up as soon as they are answered.
//!
//! `cargo run -p trunkline-sip-core --features tls --example tls_uac -- ca.pem 127.0.0.1:5061 'sip:600@pbx.example.com;transport=tls' 3`

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};

use sip_core::endpoint::{ClientId, Config, Event, within};
use sip_core::header::{ContentType, From, NameAddr};
use sip_core::net::{ClientCertificates, Driver, Roots, SystemRandom, Tls, Transports};
use sip_core::{
    DialogId, Endpoint, Flow, Method, Request, Response, SipUri, StatusCode, Transport,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: tls_uac CA ADDRESS:PORT SIP-URI [CALLS]";
    let mut arguments = std::env::args().skip(1);
    let authority = std::fs::read(arguments.next().ok_or(USAGE)?)?;
    let remote = arguments.next().ok_or(USAGE)?.parse()?;
    let target = SipUri::parse(&arguments.next().ok_or(USAGE)?)?;
    let calls: u32 = arguments.next().map_or(Ok(1), |calls| calls.parse())?;
    let mut transports = Transports::new(Default::default());
    let roots = Roots::from_pem(&authority)?;
    transports.use_tls(Tls::new(roots, None, ClientCertificates::Ignored)?);
    let mut caller = Caller::new(transports, remote, target)?;
    for call in 1..=calls {
        caller.call().await?;
        println!("call {call} was answered and is over");
    }
    caller.driver.close().await;
    Ok(())
}

/// Who calls, and whom.
pub struct Caller {
    driver: Driver,
    target: SipUri,
    flow: Flow,
}

impl Caller {
    /// Calls `target` at the address of its server.
    pub fn new(
        transports: Transports,
        remote: SocketAddr,
        target: SipUri,
    ) -> Result<Self, Box<dyn Error>> {
        // Our address: the one the system would send from. Nobody connects to it, since responses and
        // requests come back over our connection.
        let probe = UdpSocket::bind(if remote.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
        probe.connect(remote)?;
        let local = SocketAddr::new(probe.local_addr()?.ip(), Transport::Tls.default_port());
        let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
        let driver = Driver::new(endpoint, transports);
        let flow = Flow { transport: Transport::Tls, local, remote, connection: None };
        Ok(Self { driver, target, flow })
    }

    /// One call, from the INVITE to the end of the BYE.
    pub async fn call(&mut self) -> Result<(), Box<dyn Error>> {
        // The connection on which the server has shown its certificate for this name, or a new one.
        let flow = self.driver.transports.connect(self.target.host(), self.flow);
        let id = self.driver.endpoint.invite(self.driver.now(), self.invite(), flow)?;
        let (response, dialog) = self.outcome(id).await?;
        let Some(dialog) = dialog.filter(|_| response.status.is_success()) else {
            return Err(format!("{} {}", response.status.code(), response.reason).into());
        };
        self.driver.endpoint.ack(self.driver.now(), dialog, None)?;
        let bye = within(Method::Bye);
        // An error says that the other side has hung up already.
        if let Ok(id) = self.driver.endpoint.request_in(self.driver.now(), dialog, bye) {
            self.outcome(id).await?;
        }
        Ok(())
    }

    /// An offer of audio that stays silent: this example has no media.
    fn invite(&self) -> Request {
        let mut invite = Request::new(Method::Invite, self.target.clone());
        let from = SipUri::new("caller", self.target.host().clone(), None);
        invite.headers.push(From(NameAddr::new(from)));
        invite.headers.push(ContentType::sdp());
        let ip = self.flow.local.ip();
        let address = format!("IN {} {ip}", if ip.is_ipv4() { "IP4" } else { "IP6" });
        invite.body = format!(
            "v=0\r\no=- 1 1 {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n\
             m=audio 40000 RTP/AVP 8 0\r\na=inactive\r\n"
        )
        .into();
        invite
    }

    /// The final response to one of our requests, and the dialog that it made.
    async fn outcome(
        &mut self,
        id: ClientId,
    ) -> Result<(Response, Option<DialogId>), Box<dyn Error>> {
        loop {
            match self.driver.event().await {
                Event::Response { id: of, response, dialog, .. }
                    if of == id && response.status.is_final() =>
                {
                    return Ok((response, dialog));
                }
                Event::Failed { id: of, reason } if of == id => {
                    return Err(format!("no answer: {reason:?}").into());
                }
                Event::Request { id, request, .. } => {
                    let status = match request.method {
                        Method::Bye | Method::Options => StatusCode::OK,
                        _ => StatusCode::NOT_IMPLEMENTED,
                    };
                    let response = Response::to(&request, status);
                    let _ = self.driver.endpoint.respond(self.driver.now(), id, response);
                }
                _ => {}
            }
        }
    }
}
