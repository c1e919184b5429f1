//! A proxy that remembers nothing (RFC 3261 §16.11).

use ring::digest;

use super::check::first_word;
use super::{
    Ours, Passed, RecordRoute, Refusal, check, forward, mark_source, pop_via, preprocess,
    response_flow, routing_mark,
};
use crate::endpoint::Address;
use crate::flow::{Flow, Transmit};
use crate::header::{CSeq, CallId, From, MAGIC_COOKIE, To, Via};
use crate::keyed::push_hex;
use crate::{HeaderError, Limits, Message, Method, Request, Response, StatusCode, Token, Uri};

/// A proxy that forwards each message by itself: the same request always gets the same branch, so
/// that repetitions, ACK and CANCEL follow it.
#[derive(Clone, Debug)]
pub struct Stateless {
    /// Who we are.
    pub ours: Ours,
    /// How we name ourselves in Via; `ours` must know it.
    pub address: Address,
    /// What Proxy-Require may ask for.
    pub supported: Vec<Token>,
    /// How long a message may be.
    pub message: Limits,
}

/// What a message comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// A request: say where it goes, by [`Stateless::forward`].
    Request {
        /// It, its source noted and its routes repaired.
        request: Request,
        /// The Routes that were us.
        passed: Passed,
    },
    /// This is to be sent: a response on its way, or the answer to a request that is refused.
    Send(Transmit),
    /// Nothing is to be done.
    Dropped,
}

impl Stateless {
    /// A proxy that names itself by the local address of each flow.
    pub fn new(ours: Ours) -> Self {
        Self {
            ours,
            address: Address::default(),
            supported: Vec::new(),
            message: Limits::default(),
        }
    }

    /// Takes a message.
    pub fn handle_input(&self, flow: Flow, message: bytes::Bytes) -> Arrival {
        match Message::parse(message, &self.message) {
            Ok(Message::Request(request)) => self.request(flow, request),
            Ok(Message::Response(response)) => self.response(flow, response),
            Err(_) => Arrival::Dropped,
        }
    }

    /// Sends a request on, to `target` where the Request-URI changes, over `flow`.
    ///
    /// # Errors
    ///
    /// A header that matters is missing or malformed.
    pub fn forward(
        &self,
        request: &Request,
        target: Option<&Uri>,
        record_route: &RecordRoute,
        flow: Flow,
    ) -> Result<Transmit, HeaderError> {
        let branch = branch(request)?;
        let mut copy = forward(request, target, record_route)?;
        if let Ok(via) = Via::new(flow.transport, self.address.on(&flow), &branch) {
            copy.headers.push_front(via);
        }
        Ok(Transmit { flow, bytes: copy.to_bytes() })
    }

    /// Answers a request, which is not forwarded then. `None` for an ACK, which nobody answers.
    pub fn answer(
        &self,
        request: &Request,
        mut response: Response,
        flow: Flow,
    ) -> Option<Transmit> {
        if request.method == Method::Ack {
            return None;
        }
        if response.headers.require::<To>().is_ok_and(|to| to.tag().is_none()) {
            // The same tag for each repetition of the request (§8.2.7).
            let mut tag = String::new();
            push_hex(&mut tag, own_part(request).ok()?);
            response.set_to_tag(&tag).ok()?;
        }
        let back = match flow.is_reliable() {
            true => flow,
            false => response_flow(&response, flow.local)?,
        };
        Some(Transmit { flow: back, bytes: response.to_bytes() })
    }

    fn request(&self, flow: Flow, mut request: Request) -> Arrival {
        if mark_source(&mut request, &flow).is_err() {
            return Arrival::Dropped;
        }
        let checked = routing_mark(&request)
            .map_err(Refusal::from)
            .and_then(|mark| check(&request, &self.ours, &self.supported, mark))
            .and_then(|()| Ok(preprocess(&mut request, &self.ours)?));
        match checked {
            Ok(passed) => Arrival::Request { request, passed },
            Err(refusal) => {
                let response = refusal.response(&request);
                self.answer(&request, response, flow).map_or(Arrival::Dropped, Arrival::Send)
            }
        }
    }

    fn response(&self, flow: Flow, mut response: Response) -> Arrival {
        // 100 is for each hop alone; without state there is nobody to tell (§16.11).
        if response.status == StatusCode::TRYING || !pop_via(&mut response, &self.ours) {
            return Arrival::Dropped;
        }
        match response_flow(&response, flow.local) {
            Some(flow) => Arrival::Send(Transmit { flow, bytes: response.to_bytes() }),
            None => Arrival::Dropped,
        }
    }
}

/// The branch that a request gets, now and whenever it is repeated.
fn branch(request: &Request) -> Result<String, HeaderError> {
    let mut branch = String::from(MAGIC_COOKIE);
    push_hex(&mut branch, own_part(request)?);
    push_hex(&mut branch, routing_mark(request)?);
    Ok(branch)
}

/// What sets a request apart: its sender's branch, or for senders of RFC 2543 what they compare.
fn own_part(request: &Request) -> Result<u64, HeaderError> {
    let headers = &request.headers;
    let via: Via = headers.require()?;
    let mut text = format!("{} {}", via.sent_by, via.branch().unwrap_or_default());
    if via.transaction().is_none() {
        let from = headers.require::<From>()?;
        let cseq = headers.require::<CSeq>()?;
        let call_id = headers.require::<CallId>()?;
        text.push_str(&format!(
            " {} {} {} {}",
            request.uri,
            from.tag().unwrap_or_default(),
            call_id.as_str(),
            cseq.number
        ));
    }
    Ok(first_word(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()))
}
