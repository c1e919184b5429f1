//! A telephone with one line: registration, at most one call, and its sound. No sockets, no clock.
//!
//! ```text
//!                    call()                    2xx, ACK                 hang_up(), BYE
//!         +------> Calling ------------------------------+                    |
//!         |           | refused, given up                v                    v
//!       Idle <--------+-------------------------------- Talking ----------> Idle
//!         |           | CANCEL                           ^
//!         +------> Ringing ------------------------------+
//!           INVITE            time to answer, 200
//! ```

mod call;
mod event;
mod incoming;
mod line;
mod registration;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use packet_ring::pool::{PacketBuf, PacketPool};
use pbx::media::Block;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sip_core::auth::client::Credentials;
use sip_core::dialog::DialogId;
use sip_core::endpoint::{self, ClientId, Endpoint};
use sip_core::header::{From, NameAddr};
use sip_core::sdp::{Codec, Limits, Local, OfferAnswer, SessionDescription};
use sip_core::{Flow, Host, HostPort, Method, Request, Response, SipUri, StatusCode, auth};

pub use event::{Counters, Ending, Event, HangUp, Media};
pub use line::Script;

use crate::failure::Failure;
use call::Call;
use line::Line;
use registration::Registration;

/// Who the phone is and what it does in calls.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The user part of its address.
    pub user: String,
    /// The server as the user names it: its host is that of our address. Without one our address is
    /// at the host that we call from.
    pub domain: Option<HostPort>,
    /// How it answers challenges, if it can.
    pub login: Option<Login>,
    /// The port where RTP arrives, at the address that signalling leaves from.
    pub media_port: u16,
    /// Codecs, the preferred one first.
    pub codecs: Vec<Codec>,
    /// Milliseconds of audio wanted in a packet.
    pub ptime: Option<u32>,
    /// What it does when it is called.
    pub answering: Answering,
    /// How long a call of ours may ring.
    pub patience: Duration,
    /// How long a call may last, from the answer.
    pub longest: Option<Duration>,
    /// What happens in an answered call.
    pub script: Script,
}

/// A password, and whom it may be proved to.
#[derive(Clone, Debug)]
pub struct Login {
    /// User name and password.
    pub credentials: Credentials,
    /// Challenges of anybody else are not answered: they may be after the password.
    pub server: SocketAddr,
}

/// What a phone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// Rings for so long, and answers.
    After(Duration),
    /// Says that nobody is there (480).
    Never,
}

/// What happened outside.
#[derive(Debug)]
pub enum Input {
    /// For the signalling.
    Signal(endpoint::Input),
    /// A datagram at the media port.
    Packet {
        /// Where from.
        source: SocketAddr,
        /// What.
        packet: PacketBuf,
    },
}

/// What is to be sent.
#[derive(Debug)]
pub enum Transmit {
    /// A SIP message.
    Signal(sip_core::Transmit),
    /// A datagram from the media port.
    Packet {
        /// Where to.
        destination: SocketAddr,
        /// What.
        packet: PacketBuf,
    },
}

/// A telephone with one line. See the [module](self).
pub struct Phone {
    settings: Settings,
    endpoint: Endpoint,
    random: ChaCha20Rng,
    line: Line,
    registration: Option<Registration>,
    call: Option<Call>,
    outgoing: Vec<Outgoing>,
    events: VecDeque<Event>,
}

/// A request of ours without its final response.
#[derive(Debug)]
struct Outgoing {
    id: ClientId,
    request: Request,
    flow: Flow,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Register,
    Unregister,
    Clear,
    Call,
    Leave(DialogId),
}

impl Phone {
    /// A phone at rest, whose packets come from `pool` and whose randomness from `seed` alone.
    pub fn new(settings: Settings, pool: PacketPool, seed: [u8; 32]) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut further = || {
            let mut seed = [0; 32];
            random.fill_bytes(&mut seed);
            seed
        };
        let mut config = endpoint::Config::default();
        config.user_agent = Some(concat!("softphone/", env!("CARGO_PKG_VERSION")).to_owned());
        let endpoint = Endpoint::new(config, Box::new(ChaCha20Rng::from_seed(further())));
        let line = Line::new(pool, further(), settings.script.clone());
        Self {
            settings,
            endpoint,
            random,
            line,
            registration: None,
            call: None,
            outgoing: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Whether there is a call, ringing or talking.
    pub fn is_busy(&self) -> bool {
        self.call.is_some()
    }

    /// Whether there is no call, and no request of ours waits for its answer.
    pub fn is_quiet(&self) -> bool {
        self.call.is_none() && self.outgoing.is_empty()
    }

    /// Changes what the phone does when it is called.
    pub fn set_answering(&mut self, answering: Answering) {
        self.settings.answering = answering;
    }

    /// Takes what happened outside.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Signal(input) => self.endpoint.handle_input(now, input),
            Input::Packet { source, packet } => self.line.handle_packet(now, source, packet),
        }
        self.react(now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.react(now);
        self.line.handle_timeout(now);
        self.react(now);
        self.registration_timeout(now);
        self.call_timeout(now);
        self.react(now);
    }

    /// The next thing to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(transmit) = self.endpoint.poll_transmit() {
            return Some(Transmit::Signal(transmit));
        }
        let transmit = self.line.poll_transmit()?;
        Some(Transmit::Packet { destination: transmit.destination, packet: transmit.packet })
    }

    /// The next thing to tell the owner.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next samples of the recording.
    pub fn poll_block(&mut self) -> Option<Block> {
        self.line.poll_block()
    }

    /// When to call [`Phone::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        [
            self.endpoint.poll_timeout(),
            self.line.poll_timeout(),
            self.registration.as_ref().and_then(Registration::poll_timeout),
            self.call.as_ref().and_then(|call| call.deadline),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn react(&mut self, now: Duration) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                endpoint::Event::Request { id, dialog, request, flow } => {
                    self.on_request(now, id, dialog, request, flow);
                }
                endpoint::Event::Ack { dialog, request } => self.on_ack(now, dialog, &request),
                endpoint::Event::Cancelled { id } => self.on_cancelled(id),
                endpoint::Event::Response { id, dialog, response, flow } => {
                    self.on_response(now, id, dialog, &response, flow);
                }
                endpoint::Event::Failed { id, reason } => self.on_no_response(now, id, reason),
                endpoint::Event::AckTimeout { dialog } => self.on_no_ack(now, dialog),
                endpoint::Event::ResponseFailed { id, .. } => self.on_cancelled(id),
                _ => {}
            }
        }
        while let Some(event) = self.line.poll_event() {
            self.events.push_back(event);
        }
    }

    fn on_response(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: Option<DialogId>,
        response: &Response,
        flow: Flow,
    ) {
        let Some(at) = self.outgoing.iter().position(|outgoing| outgoing.id == id) else {
            // A further fork of a call that another one has answered.
            if let (true, Some(dialog)) = (response.status.is_success(), dialog) {
                self.leave(now, dialog);
            }
            return;
        };
        let why = self.outgoing[at].why;
        if response.status.is_provisional() {
            if why == Why::Call {
                self.on_progress(now, response, flow);
            }
            return;
        }
        let outgoing = self.outgoing.swap_remove(at);
        let outcome = if response.status.is_success() {
            Ok(())
        } else if matches!(response.status.code(), 401 | 407) {
            match self.answer_challenge(now, outgoing, response) {
                Ok(()) => return,
                Err(failure) => Err(failure),
            }
        } else {
            Err(Failure::refused(response))
        };
        match (why, outcome) {
            (Why::Register, Ok(())) => self.on_registered(now, response),
            (Why::Register, Err(failure)) => self.on_not_registered(now, failure),
            (Why::Unregister, _) | (Why::Clear, Ok(())) => self.on_unregistered(),
            (Why::Clear, Err(failure)) => self.on_not_registered(now, failure),
            (Why::Call, Ok(())) => self.on_accepted(now, dialog, response, flow),
            (Why::Call, Err(failure)) => self.on_call_failed(now, failure),
            (Why::Leave(dialog), _) => {
                // A BYE whose challenge could not be answered leaves the dialog behind.
                let _ = self.endpoint.abandon(now, dialog);
            }
        }
    }

    fn on_no_response(
        &mut self,
        now: Duration,
        id: ClientId,
        reason: sip_core::transaction::Failure,
    ) {
        let Some(at) = self.outgoing.iter().position(|outgoing| outgoing.id == id) else { return };
        let outgoing = self.outgoing.swap_remove(at);
        let failure = Failure::unanswered(reason, outgoing.flow.remote);
        match outgoing.why {
            Why::Register | Why::Clear => self.on_not_registered(now, failure),
            Why::Unregister => self.on_unregistered(),
            Why::Call => self.on_call_failed(now, failure),
            Why::Leave(_) => {}
        }
    }

    /// Sends a request again with the password, where the challenger may see its proof.
    fn answer_challenge(
        &mut self,
        now: Duration,
        outgoing: Outgoing,
        response: &Response,
    ) -> Result<(), Failure> {
        let Outgoing { mut request, flow, why, .. } = outgoing;
        let login = self.settings.login.as_ref();
        let login = login.filter(|login| login.server.ip() == flow.remote.ip());
        let Some(login) = login else {
            return Err(Failure::PasswordWanted(response.status));
        };
        let authorized = login.credentials.authorize(&mut request, response, &mut self.random);
        authorized.map_err(|error| match error {
            auth::client::Error::Refused => Failure::WrongPassword(response.status),
            error => Failure::Challenge(error),
        })?;
        let id = match why {
            Why::Leave(dialog) => self.endpoint.request_in(now, dialog, request.clone())?,
            _ => self.endpoint.request(now, request.clone(), flow)?,
        };
        if why == Why::Call
            && let Some(call) = &mut self.call
        {
            call.client = Some(id);
            if call.giving_up.is_some() {
                let _ = self.endpoint.cancel(now, id);
            }
        }
        self.outgoing.push(Outgoing { id, request, flow, why });
        Ok(())
    }

    /// Sends a request outside a dialog.
    fn send(
        &mut self,
        now: Duration,
        request: Request,
        flow: Flow,
        why: Why,
    ) -> Result<ClientId, Failure> {
        let id = self.endpoint.request(now, request.clone(), flow)?;
        self.outgoing.push(Outgoing { id, request, flow, why });
        Ok(id)
    }

    /// A request of ours, with our address in From.
    fn request(&self, method: Method, uri: SipUri, flow: &Flow) -> Request {
        let mut request = Request::new(method, uri);
        request.headers.push(From(NameAddr::new(self.address_of_record(flow))));
        request
    }

    fn address_of_record(&self, flow: &Flow) -> SipUri {
        let host = match &self.settings.domain {
            Some(domain) => domain.host.clone(),
            None => Host::from(flow.local.ip()),
        };
        SipUri::new(&self.settings.user, host, None)
    }

    /// The session of a call over `flow`: media come to the address that signalling leaves from.
    fn session(&mut self, flow: &Flow) -> OfferAnswer {
        let mut local = Local::new(flow.local.ip(), self.settings.media_port);
        local.codecs.clone_from(&self.settings.codecs);
        local.ptime = self.settings.ptime;
        local.rtcp_mux = true;
        // Many peers read the number as signed.
        local.session_id = self.random.next_u64() >> 1;
        local.session_version = 1;
        OfferAnswer::new(local)
    }
}

/// Reads a session description; the status to refuse it with otherwise.
fn description(body: &Bytes) -> Result<SessionDescription, StatusCode> {
    SessionDescription::parse_bytes(body, &Limits::default()).map_err(|error| error.status())
}
