//! Requests on their way to host names: resolved, sent, and sent to the next target on failure.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use rand_core::Rng;
use thiserror::Error;

use super::destination::{Destination, Target, Targets, Trouble};
use super::resolver::{self, LookupId, Resolver};
use crate::dialog::DialogId;
use crate::endpoint::{self, ClientId, Endpoint};
use crate::flow::Flow;
use crate::header::{CSeq, CallId, ContentType, From, RetryAfter, Route};
use crate::keyed::push_hex;
use crate::{HeaderError, Request, Response, Uri};

/// What Via, Contact, User-Agent and credentials may add to a request once it is sent, in bytes.
const ADDED: usize = 300;

/// Who knows the flow to a target: which of our addresses to send from, and over which connection.
/// `net::Transports` does; so does any function.
pub trait Ways {
    /// The flow to a target; `None` when there is none, as for a transport that is not bound.
    fn way(&mut self, target: &Target) -> Option<Flow>;
}

impl<F: FnMut(&Target) -> Option<Flow>> Ways for F {
    fn way(&mut self, target: &Target) -> Option<Flow> {
        self(target)
    }
}

/// Names a request given to [`Dispatch::send`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DispatchId(u64);

/// What becomes of a request on its way.
#[derive(Debug)]
pub enum DispatchEvent {
    /// It was sent, for the first time or once more; the client transaction that it had before is
    /// over, and nothing more is told of that.
    Sent {
        /// Which.
        id: DispatchId,
        /// Its present transaction, as the endpoint's events name it.
        client: ClientId,
        /// Where it went.
        target: Target,
    },
    /// It was not sent at all.
    Unsent {
        /// Which.
        id: DispatchId,
        /// Why.
        error: DispatchError,
    },
}

/// Why a request was not sent.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// There are no targets.
    #[error(transparent)]
    Unresolved(#[from] resolver::Error),
    /// There are targets, and a flow to none of them.
    #[error("no way to any target")]
    NoWay,
    /// The endpoint refused it.
    #[error(transparent)]
    Endpoint(#[from] endpoint::Error),
    /// The next hop is no SIP URI.
    #[error("the next hop is no SIP URI")]
    NotSip,
    /// It was cancelled before it could be.
    #[error("cancelled")]
    Cancelled,
    /// A header of the request is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// A [`Resolver`] in front of an [`Endpoint`].
///
/// Give it requests by [`send`](Self::send) and the endpoint's events by
/// [`handle_event`](Self::handle_event), the driver's answers by `resolver`, and call
/// [`settle`](Self::settle) after any of them.
pub struct Dispatch {
    /// Asks DNS.
    pub resolver: Resolver,
    random: Box<dyn Rng + Send>,
    waiting: HashMap<LookupId, DispatchId>,
    journeys: BTreeMap<DispatchId, Journey>,
    sent: HashMap<ClientId, DispatchId>,
    acks: HashMap<LookupId, Ack>,
    events: VecDeque<DispatchEvent>,
    next: u64,
}

#[derive(Debug)]
struct Journey {
    request: Request,
    dialog: Option<DialogId>,
    targets: Targets,
    place: Place,
}

/// An ACK that waits for the address of its next hop.
#[derive(Debug)]
struct Ack {
    dialog: DialogId,
    body: Option<(ContentType, Bytes)>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug)]
enum Place {
    LookedUp(LookupId),
    Sent(ClientId),
}

impl Dispatch {
    /// `random` makes what must stay the same from one attempt to the next.
    pub fn new(resolver: Resolver, random: Box<dyn Rng + Send>) -> Self {
        Self {
            resolver,
            random,
            waiting: HashMap::new(),
            journeys: BTreeMap::new(),
            sent: HashMap::new(),
            acks: HashMap::new(),
            events: VecDeque::new(),
            next: 0,
        }
    }

    /// Sends a request outside a dialog to its first Route, or its Request-URI. Call-ID, CSeq and
    /// From tag are added where absent; the rest is the endpoint's.
    ///
    /// # Errors
    ///
    /// The next hop is no SIP URI, or From is missing.
    pub fn send(
        &mut self,
        now: Duration,
        mut request: Request,
    ) -> Result<DispatchId, DispatchError> {
        let route = request.headers.all::<Route>().next().transpose()?;
        let hop = route.as_ref().map_or(&request.uri, |route| &route.uri);
        let destination = Destination::of(hop).ok_or(DispatchError::NotSip)?;
        self.complete(&mut request)?;
        Ok(self.begin(now, request, None, destination))
    }

    /// Sends a request within a dialog (see [`Endpoint::request_in`]) when its next hop is a host
    /// name. An address needs no resolver: such a request is the endpoint's.
    ///
    /// # Errors
    ///
    /// The dialog is gone, or its next hop is an address.
    pub fn send_in(
        &mut self,
        now: Duration,
        endpoint: &Endpoint,
        dialog: DialogId,
        request: Request,
    ) -> Result<DispatchId, DispatchError> {
        let hop = next_name(endpoint, dialog).ok_or(DispatchError::NotSip)?;
        Ok(self.begin(now, request, Some(dialog), hop))
    }

    /// Acknowledges a 2xx as [`Endpoint::ack`] does, and looks the next hop up first when that is a host
    /// name. Where there is no address to be had, the ACK goes out on the flow of the dialog all the
    /// same: without it the peer would end the call.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::ack`], when nothing has to be looked up.
    pub fn ack(
        &mut self,
        now: Duration,
        endpoint: &mut Endpoint,
        dialog: DialogId,
        body: Option<(ContentType, Bytes)>,
    ) -> Result<(), endpoint::Error> {
        let Some(hop) = next_name(endpoint, dialog) else {
            return endpoint.ack(now, dialog, body);
        };
        let lookup = self.resolver.resolve(now, hop);
        self.acks.insert(lookup, Ack { dialog, body });
        Ok(())
    }

    /// Cancels an INVITE: one that is looked up is not sent at all, and for one that was sent
    /// [`Endpoint::cancel`] is called and no other target tried, as would be if that alone were
    /// called.
    ///
    /// # Errors
    ///
    /// The request is over, or was sent and is no INVITE.
    pub fn cancel(
        &mut self,
        now: Duration,
        id: DispatchId,
        endpoint: &mut Endpoint,
    ) -> Result<(), endpoint::Error> {
        let gone = endpoint::Error::Gone(endpoint::Noun::Client);
        let journey = self.journeys.get_mut(&id).ok_or(gone)?;
        match journey.place {
            Place::LookedUp(lookup) => {
                self.resolver.cancel(lookup);
                self.waiting.remove(&lookup);
                self.abandon(id, DispatchError::Cancelled);
                Ok(())
            }
            Place::Sent(client) => {
                endpoint.cancel(now, client)?;
                journey.targets = Targets::default();
                Ok(())
            }
        }
    }

    /// Sends what has been resolved.
    pub fn settle(&mut self, now: Duration, endpoint: &mut Endpoint, ways: &mut dyn Ways) {
        while let Some(event) = self.resolver.poll_event() {
            if let Some(Ack { dialog, body }) = self.acks.remove(&event.id) {
                let targets = event.outcome.unwrap_or_default();
                if let Some(flow) = targets.iter().find_map(|target| ways.way(target)) {
                    let _ = endpoint.set_flow(dialog, flow);
                }
                // The call may be over by now.
                let _ = endpoint.ack(now, dialog, body);
                continue;
            }
            let Some(id) = self.waiting.remove(&event.id) else { continue };
            let Some(journey) = self.journeys.get_mut(&id) else { continue };
            match event.outcome {
                Ok(targets) => {
                    let bytes = journey.request.to_bytes().len() + ADDED;
                    journey.targets = targets.for_size(bytes, None);
                    if let Err(error) = self.attempt(now, id, endpoint, ways) {
                        self.abandon(id, error);
                    }
                }
                Err(error) => self.abandon(id, error.into()),
            }
        }
    }

    /// Takes an event of the endpoint's and gives it back, unless it is the failure of an attempt
    /// that another follows.
    pub fn handle_event(
        &mut self,
        now: Duration,
        event: endpoint::Event,
        endpoint: &mut Endpoint,
        ways: &mut dyn Ways,
    ) -> Option<endpoint::Event> {
        let (client, trouble, wait) = match &event {
            endpoint::Event::Failed { id, reason } => (*id, Trouble::Failed(*reason), None),
            endpoint::Event::Response { id, response, .. } if response.status.is_final() => {
                (*id, Trouble::Answered(response.status), retry_after(response))
            }
            _ => return Some(event),
        };
        let Some(id) = self.sent.remove(&client) else { return Some(event) };
        if !trouble.warrants_another() {
            self.journeys.remove(&id);
            return Some(event);
        }
        let journey = self.journeys.get_mut(&id)?;
        if let Some(failed) = journey.targets.advance() {
            self.resolver.avoid(now, &failed, wait);
        }
        match self.attempt(now, id, endpoint, ways) {
            Ok(()) => None,
            Err(_) => {
                self.journeys.remove(&id);
                Some(event)
            }
        }
    }

    /// What becomes of the requests, in order.
    pub fn poll_event(&mut self) -> Option<DispatchEvent> {
        self.events.pop_front()
    }

    /// How many requests are on their way.
    pub fn len(&self) -> usize {
        self.journeys.len() + self.acks.len()
    }

    /// Whether no request is on its way.
    pub fn is_empty(&self) -> bool {
        self.journeys.is_empty() && self.acks.is_empty()
    }

    fn begin(
        &mut self,
        now: Duration,
        request: Request,
        dialog: Option<DialogId>,
        destination: Destination,
    ) -> DispatchId {
        let id = DispatchId(self.next);
        self.next += 1;
        let lookup = self.resolver.resolve(now, destination);
        let place = Place::LookedUp(lookup);
        let targets = Targets::default();
        self.journeys.insert(id, Journey { request, dialog, targets, place });
        self.waiting.insert(lookup, id);
        id
    }

    /// Sends to the first target that there is a way to.
    fn attempt(
        &mut self,
        now: Duration,
        id: DispatchId,
        endpoint: &mut Endpoint,
        ways: &mut dyn Ways,
    ) -> Result<(), DispatchError> {
        let journey = self.journeys.get_mut(&id).ok_or(DispatchError::NoWay)?;
        let (target, flow) = loop {
            let target = journey.targets.first().ok_or(DispatchError::NoWay)?;
            match ways.way(target) {
                Some(flow) => break (target.clone(), flow),
                None => journey.targets.advance(),
            };
        };
        let request = journey.request.clone();
        let client = match journey.dialog {
            None => endpoint.request(now, request, flow)?,
            Some(dialog) => {
                endpoint.set_flow(dialog, flow)?;
                endpoint.request_in(now, dialog, request)?
            }
        };
        journey.place = Place::Sent(client);
        self.sent.insert(client, id);
        self.events.push_back(DispatchEvent::Sent { id, client, target });
        Ok(())
    }

    fn abandon(&mut self, id: DispatchId, error: DispatchError) {
        self.journeys.remove(&id);
        self.events.push_back(DispatchEvent::Unsent { id, error });
    }

    /// Each attempt is the same request in another transaction (§4.3).
    fn complete(&mut self, request: &mut Request) -> Result<(), HeaderError> {
        let mut from = request.headers.require::<From>()?;
        if from.tag().is_none() {
            let _ = from.set_tag(&self.token(1));
            request.headers.set(from);
        }
        if request.headers.typed::<CallId>()?.is_none() {
            request.headers.push(CallId::new(&self.token(2))?);
        }
        if request.headers.typed::<CSeq>()?.is_none() {
            let number = (self.random.next_u32() & 0xffff) + 1;
            request.headers.push(CSeq { number, method: request.method.clone() });
        }
        Ok(())
    }

    fn token(&mut self, words: usize) -> String {
        let mut text = String::with_capacity(words * 16);
        for _ in 0..words {
            push_hex(&mut text, self.random.next_u64());
        }
        text
    }
}

impl core::fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Dispatch")
            .field("resolver", &self.resolver)
            .field("journeys", &self.journeys.len())
            .finish_non_exhaustive()
    }
}

/// The next hop of a dialog, when that is a host name.
fn next_name(endpoint: &Endpoint, dialog: DialogId) -> Option<Destination> {
    let hop: &Uri = endpoint.dialog(dialog)?.next_hop();
    Destination::of(hop).filter(|hop| hop.host.ip().is_none())
}

fn retry_after(response: &Response) -> Option<Duration> {
    let after = response.headers.typed::<RetryAfter>().ok().flatten()?;
    Some(Duration::from_secs(u64::from(after.seconds)))
}
