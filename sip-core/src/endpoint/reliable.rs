//! Reliable provisional responses and PRACK (RFC 3262), in both roles. In force when `100rel` is in
//! [`Config::supported`](super::Config::supported).
//!
//! ```text
//!   UAS: reliable 1xx --> out, repeated T1, 2*T1, ... --- PRACK ---> next in the queue, then the 2xx
//!                          |
//!                          +--- 64*T1 without PRACK: the INVITE is refused with 504
//!   UAC: 1xx with RSeq --> the first, or one more than the last: PRACK, told
//!                      --> any other: dropped
//! ```

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;

use super::client::Client;
use super::receive::Arrival;
use super::usage::Pending;
use super::{ClientId, Endpoint, Error, Event, Noun, ServerId, Wake, within};
use crate::dialog::DialogId;
use crate::dialog::negotiation::{Carrier, Offer, describes};
use crate::dialog::session_timer::require;
use crate::flow::Flow;
use crate::header::{CSeq, ContentType, RAck, RSeq, Require, Supported};
use crate::text::Token;
use crate::timer::TimerKey;
use crate::transaction::{Failure, ServerKey};
use crate::{Headers, Method, Request, Response, StatusCode};

const RELIABLE: Token = Token::from_static("100rel");
/// How many responses may wait behind one that has no PRACK yet.
const QUEUE: usize = 8;

/// Whether the peer of an INVITE takes reliable provisional responses.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Reliability {
    /// It does not, or we do not.
    #[default]
    No,
    /// It can.
    Can,
    /// It insists.
    Must,
}

impl Reliability {
    pub(super) fn asked(headers: &Headers) -> Self {
        if headers.typed::<Require>().is_ok_and(|tags| tags.is_some_and(|t| t.contains("100rel"))) {
            return Self::Must;
        }
        let supported = headers.typed::<Supported>();
        match supported.is_ok_and(|tags| tags.is_some_and(|t| t.contains("100rel"))) {
            true => Self::Can,
            false => Self::No,
        }
    }
}

/// The reliable responses to one INVITE of the peer's.
#[derive(Debug, Default)]
pub(super) struct Reliable {
    /// The number of the next one.
    next: u32,
    /// The one without PRACK.
    out: Option<Out>,
    queue: VecDeque<Response>,
    /// The 2xx, which waits for the PRACK.
    accept: Option<Box<Response>>,
    /// The BYE, which waits for the 2xx.
    pub(super) bye: Option<Box<Request>>,
}

#[derive(Debug)]
struct Out {
    number: u32,
    flow: Flow,
    bytes: Bytes,
    interval: Duration,
    repeat: TimerKey,
    timeout: TimerKey,
}

impl Reliable {
    /// Whether the user has accepted the call and the peer does not know yet.
    pub(super) fn holds_accept(&self) -> bool {
        self.accept.is_some()
    }

    /// Whether a 2xx has to wait.
    pub(super) fn is_busy(&self) -> bool {
        self.out.is_some() || !self.queue.is_empty()
    }
}

/// What a UAC has heard of reliable responses in a dialog.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// The INVITE.
    client: ClientId,
    last: u32,
    /// The PRACK that the user owes, with the answer to the offer of the response.
    owed: Option<RAck>,
}

impl Endpoint {
    /// As [`respond`](Self::respond), for a provisional response that is repeated until the peer has
    /// acknowledged it by PRACK (RFC 3262 §3): [`Event::Prack`] tells. Responses are sent one after
    /// the other, and a 2xx waits for the PRACK of the last; other final responses do not. Without
    /// a PRACK in 64*T1 the INVITE is refused with 504 and [`Event::ResponseFailed`] tells.
    ///
    /// When the peer's INVITE requires `100rel`, [`respond`](Self::respond) does the same.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond); the response is not provisional; the endpoint or the
    /// peer does not support `100rel`; too many responses wait.
    pub fn respond_reliably(
        &mut self,
        now: Duration,
        id: ServerId,
        response: Response,
    ) -> Result<Option<DialogId>, Error> {
        let status = response.status;
        if !status.is_provisional() || status == StatusCode::TRYING {
            return Err(Error::NotAllowed("only 101 to 199 are sent reliably"));
        }
        let user = self.transactions.server(id.0).ok_or(Error::Gone(Noun::Server))?;
        if user.reliability == Reliability::No {
            return Err(Error::NotAllowed("100rel is not supported on both sides"));
        }
        self.respond_as(now, id, response, true)
    }

    /// Sends a reliable provisional response, or queues it behind one that has no PRACK yet.
    pub(super) fn provide(
        &mut self,
        now: Duration,
        key: ServerKey,
        response: Response,
    ) -> Result<Option<DialogId>, Error> {
        let first = (self.random.next_u32() & 0x7fff_fffe) + 1;
        let user = self.transactions.server_mut(key).ok_or(Error::Gone(Noun::Server))?;
        let dialog = user.dialog;
        let reliable = user
            .set_up()
            .reliable
            .get_or_insert_with(|| Box::new(Reliable { next: first, ..Reliable::default() }));
        if reliable.is_busy() {
            if reliable.queue.len() >= QUEUE {
                return Err(Error::NotAllowed("too many responses wait for PRACK"));
            }
            reliable.queue.push_back(response);
        } else {
            self.send_reliably(now, key, response);
        }
        Ok(dialog)
    }

    fn send_reliably(&mut self, now: Duration, key: ServerKey, mut response: Response) {
        let Some(user) = self.transactions.server_mut(key) else { return };
        let dialog = user.dialog;
        let Some(reliable) = user.reliable_mut() else { return };
        let number = reliable.next;
        reliable.next = number.wrapping_add(1).max(1);
        response.headers.set(RSeq(number));
        require(&mut response.headers, RELIABLE);
        if let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0)) {
            let described = describes(&response.headers, &response.body);
            usage.turns.response_sent(described, false);
        }
        self.answer(now, key, response);
        let sent = self.transactions.server_flow(key).zip(self.transactions.last_response(key));
        let Some((flow, bytes)) = sent.map(|(flow, bytes)| (flow, bytes.clone())) else { return };
        let timing = self.config.timing;
        let out = Out {
            number,
            flow,
            bytes,
            interval: timing.t1,
            repeat: self.timers.start(now + timing.t1, Wake::RepeatProvisional(ServerId(key))),
            timeout: self.timers.start(now + timing.timeout(), Wake::NoPrack(ServerId(key))),
        };
        if let Some(reliable) = self.reliable(key) {
            reliable.out = Some(out);
        }
    }

    fn reliable(&mut self, key: ServerKey) -> Option<&mut Reliable> {
        self.transactions.server_mut(key)?.reliable_mut()
    }

    /// Keeps a 2xx until the PRACK of what went before it; gives it back when it may go.
    pub(super) fn hold_accept(&mut self, key: ServerKey, response: Response) -> Option<Response> {
        match self.reliable(key).filter(|reliable| reliable.is_busy()) {
            Some(reliable) => {
                reliable.accept = Some(Box::new(response));
                None
            }
            None => Some(response),
        }
    }

    pub(super) fn repeat_provisional(&mut self, now: Duration, id: ServerId) {
        let Some(user) = self.transactions.server_mut(id.0) else { return };
        let Some(out) = user.reliable_mut().and_then(|reliable| reliable.out.as_mut()) else {
            return;
        };
        // §3: the interval doubles without an upper bound, on every transport.
        out.interval *= 2;
        out.repeat = self.timers.start(now + out.interval, Wake::RepeatProvisional(id));
        let (fallback, bytes) = (out.flow, out.bytes.clone());
        let flow = self.transactions.server_flow(id.0).unwrap_or(fallback);
        self.transactions.transmit(flow, bytes);
    }

    /// No PRACK came in 64*T1: the INVITE is refused (§3).
    pub(super) fn no_prack(&mut self, now: Duration, id: ServerId) {
        if !self.transactions.is_pending(id.0) {
            return;
        }
        self.answer_invite(now, id.0, StatusCode::SERVER_TIMEOUT);
        self.events.push_back(Event::ResponseFailed { id, reason: Failure::Timeout });
    }

    /// The INVITE has its final response: nothing is repeated or sent before it any more. Gives
    /// the BYE that waited behind the 2xx.
    pub(super) fn end_reliable(&mut self, key: ServerKey) -> Option<Box<Request>> {
        let mut reliable = self.transactions.server_mut(key)?.setup.as_mut()?.reliable.take()?;
        self.stop_reliable(&mut reliable);
        reliable.bye.take()
    }

    pub(super) fn stop_reliable(&mut self, reliable: &mut Reliable) {
        if let Some(out) = reliable.out.take() {
            self.timers.stop(out.repeat);
            self.timers.stop(out.timeout);
        }
    }

    /// A PRACK: it is answered here, unless it makes an offer.
    pub(super) fn receive_prack(&mut self, now: Duration, arrival: Arrival, dialog: DialogId) {
        let rack = match arrival.request.headers.require::<RAck>() {
            Ok(rack) => rack,
            Err(error) => return self.refuse(now, arrival, error.status(), |_| {}),
        };
        let Some(key) = self.acknowledge(dialog, &rack) else {
            return self.refuse(now, arrival, StatusCode::CALL_DOES_NOT_EXIST, |_| {});
        };
        let described = describes(&arrival.request.headers, &arrival.request.body);
        let open = self.dialogs.get(dialog.0).and_then(|usage| usage.turns.open());
        if described && open.is_none() {
            // A second offer, to be answered in the 2xx to the PRACK (§5).
            self.hand_over(now, arrival, Some(dialog));
        } else {
            if let Some(usage) = self.dialogs.get_mut(dialog.0) {
                usage.turns.acknowledged();
            }
            let request = arrival.request.clone();
            self.refuse(now, arrival, StatusCode::OK, |_| {});
            self.events.push_back(Event::Prack { id: ServerId(key), dialog, request });
        }
        self.go_on(now, key);
    }

    /// Finds the response that a RAck means and stops its repetition.
    fn acknowledge(&mut self, dialog: DialogId, rack: &RAck) -> Option<ServerKey> {
        let Some(Pending::Theirs(key)) = self.dialogs.get(dialog.0)?.invite else { return None };
        let user = self.transactions.server_mut(key)?;
        if rack.cseq != CSeq::new(user.number, Method::Invite) {
            return None;
        }
        let reliable = user.reliable_mut()?;
        let out = reliable.out.take_if(|out| out.number == rack.response)?;
        self.timers.stop(out.repeat);
        self.timers.stop(out.timeout);
        Some(key)
    }

    /// Sends what waited for a PRACK: the next provisional response, or the 2xx.
    fn go_on(&mut self, now: Duration, key: ServerKey) {
        let Some(reliable) = self.reliable(key) else { return };
        if let Some(response) = reliable.queue.pop_front() {
            self.send_reliably(now, key, response);
        } else if let Some(response) = reliable.accept.take() {
            self.answer(now, key, *response);
        }
    }

    /// A provisional response to our INVITE, which may ask for a PRACK (§4). `false` when it is
    /// dropped: it came before, or too early.
    pub(super) fn provided(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: DialogId,
        response: &Response,
    ) -> bool {
        let headers = &response.headers;
        let required = headers.typed::<Require>().ok().flatten();
        if !required.is_some_and(|tags| tags.contains("100rel")) {
            return true;
        }
        let (Ok(Some(RSeq(number))), Ok(cseq)) =
            (headers.typed::<RSeq>(), headers.require::<CSeq>())
        else {
            return false;
        };
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return true };
        let last = usage.heard.as_ref().filter(|heard| heard.client == id).map(|heard| heard.last);
        if last.is_some_and(|last| number != last.wrapping_add(1)) {
            return false;
        }
        let turns = usage.turns;
        let offered = usage.turns.response_came(describes(headers, &response.body), false);
        let rack = RAck { response: number, cseq };
        let before = usage.heard.replace(Heard { client: id, last: number, owed: None });
        if offered {
            if let Some(heard) = &mut usage.heard {
                heard.owed = Some(rack);
            }
            return true;
        }
        let mut prack = within(Method::Prack);
        prack.headers.push(rack);
        let mut client = Client::new(Method::Prack, Some(dialog));
        client.own = true;
        if self.request_as(now, dialog, prack, client).is_err() {
            // As if it had been lost: it comes again, and there may be room then.
            if let Some(usage) = self.dialogs.get_mut(dialog.0) {
                usage.heard = before;
                usage.turns = turns;
            }
            return false;
        }
        true
    }

    /// Sends the PRACK for a reliable provisional response that carried an offer, with the answer in
    /// `body` (RFC 3262 §5). All other PRACKs are sent by the endpoint.
    ///
    /// # Errors
    ///
    /// The dialog is gone, nothing waits for such a PRACK, or the table is full.
    pub fn prack(
        &mut self,
        now: Duration,
        dialog: DialogId,
        body: (ContentType, Bytes),
    ) -> Result<ClientId, Error> {
        let usage = self.dialogs.get(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        let owed = usage.heard.as_ref().and_then(|heard| heard.owed.clone());
        let rack = owed.ok_or(Error::NotAllowed("no offer waits for PRACK"))?;
        let mut prack = within(Method::Prack);
        prack.headers.push(rack);
        prack.headers.set(body.0);
        prack.body = body.1;
        let id = self.request_as(now, dialog, prack, Client::new(Method::Prack, Some(dialog)))?;
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.turns.closed(Offer::Theirs(Carrier::Response));
            if let Some(heard) = &mut usage.heard {
                heard.owed = None;
            }
        }
        Ok(id)
    }
}
