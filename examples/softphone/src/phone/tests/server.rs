//! A registrar that asks for a password, and refuses calls with one status.

use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::auth::server::{Authenticator, Config, Rejection, Secret};
use sip_core::endpoint::{self, Endpoint};
use sip_core::header::{Contact, MinExpires};
use sip_core::{Flow, HeaderName, Method, Request, Response, StatusCode};
use testkit::{Datagram, Node};

/// The password of everybody.
pub(super) const PASSWORD: &str = "a secret";

pub(super) struct Server {
    endpoint: Endpoint,
    authenticator: Authenticator,
    random: ChaCha8Rng,
    address: SocketAddr,
    /// Seconds granted, and least that is taken.
    pub(super) granted: u32,
    pub(super) least: u32,
    /// What calls are answered once their caller is known.
    pub(super) call_status: StatusCode,
    /// Answers nothing at all.
    pub(super) dead: bool,
    /// Contacts with their expiry as they came, one a REGISTER that was let in.
    pub(super) seen: Vec<(Duration, String)>,
}

impl Server {
    pub(super) fn new(address: SocketAddr) -> Self {
        let random = || Box::new(ChaCha8Rng::seed_from_u64(3));
        Self {
            endpoint: Endpoint::new(endpoint::Config::default(), random()),
            authenticator: Authenticator::new("test", [1; 32], Config::default()),
            random: *random(),
            address,
            granted: 120,
            least: 0,
            call_status: StatusCode::BUSY_HERE,
            dead: false,
            seen: Vec::new(),
        }
    }

    fn answer(&mut self, now: Duration, request: &Request) -> Response {
        let secret = |_: &str| Some(Secret::Password(PASSWORD.to_owned()));
        match self.authenticator.verify(now, request, &secret) {
            Err(Rejection::Challenge { stale, .. }) => {
                return self.authenticator.challenge(now, request, stale, &mut self.random);
            }
            Err(Rejection::BadRequest(_)) => return Response::to(request, StatusCode::BAD_REQUEST),
            Ok(_) => {}
        }
        if request.method != Method::Register {
            return Response::to(request, self.call_status);
        }
        let text = |name| {
            let line = request.headers.raw(name).next().unwrap_or_default();
            String::from_utf8_lossy(line).into_owned()
        };
        let (contact, expires) = (text(HeaderName::Contact), text(HeaderName::Expires));
        let asked: u32 = expires.parse().unwrap_or(0);
        if asked > 0 && asked < self.least {
            let mut response = Response::to(request, StatusCode::INTERVAL_TOO_BRIEF);
            response.headers.set(MinExpires(self.least));
            return response;
        }
        self.seen.push((now, format!("{contact} {expires}")));
        let mut response = Response::to(request, StatusCode::OK);
        if let (Ok(Some(Contact::Address(mut binding))), true) =
            (request.headers.typed::<Contact>(), asked > 0)
        {
            let granted = self.granted.min(asked).to_string();
            binding.params.set("expires", Some(&granted)).expect("a number");
            response.headers.push(Contact::Address(binding));
        }
        response
    }
}

impl Node for Server {
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram) {
        if datagram.destination != self.address || self.dead {
            return;
        }
        let flow = Flow::udp(datagram.destination, datagram.source);
        let input = endpoint::Input::Received { flow, message: datagram.bytes };
        self.endpoint.handle_input(now, input);
        while let Some(event) = self.endpoint.poll_event() {
            if let endpoint::Event::Request { id, request, .. } = event {
                let response = self.answer(now, &request);
                self.endpoint.respond(now, id, response).expect("a response");
            }
        }
    }

    fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(&mut self, _now: Duration) -> Option<Datagram> {
        let transmit = self.endpoint.poll_transmit()?;
        Some(Datagram {
            source: transmit.flow.local,
            destination: transmit.flow.remote,
            bytes: transmit.bytes,
        })
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.endpoint.poll_timeout()
    }
}
