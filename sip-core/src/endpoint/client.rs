//! Requests of ours: sending, cancelling, acknowledging, and their responses.

use core::time::Duration;

use bytes::Bytes;

use super::description::Description;
use super::usage::Pending;
use super::{ClientId, Endpoint, Error, Event, Noun, SubscriptionId, Wake};
use crate::dialog::negotiation::{Carrier, Offer, describes};
use crate::dialog::{Dialog, DialogId, DialogTag, Role};
use crate::flow::Flow;
use crate::timer::TimerKey;
use crate::transaction::{ClientKey, Failure, invite_client};
use crate::{HeaderName, Method, Request};

/// Whom a client transaction belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClientUser {
    /// A request of the user's.
    Request(ClientId),
    /// A CANCEL, whose outcome interests nobody.
    Cancel,
}

/// A request of ours.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) method: Method,
    /// `None` as long as the request waits to be sent.
    pub(super) transaction: Option<ClientKey>,
    pub(super) dialog: Option<DialogId>,
    /// That dialog, when it ended before the INVITE in it did.
    pub(super) orphaned: Option<Box<Dialog>>,
    /// Who answered an INVITE.
    pub(super) forks: Vec<Fork>,
    pub(super) cancel: Cancel,
    pub(super) cancel_timeout: Option<TimerKey>,
    /// Whether the user has the outcome.
    pub(super) finished: bool,
    /// The offer that the request carries.
    pub(super) offer: Option<Offer>,
    /// Whether the endpoint itself asked, so that its user is told of challenges alone.
    pub(super) own: bool,
    /// The session description that the request carries.
    pub(super) described: Option<Box<Description>>,
    /// The subscription that it asks for, refreshes or tells of.
    pub(super) subscription: Option<SubscriptionId>,
    /// The request as it may have to be sent again: after 422, or after glare.
    pub(super) again: Option<Box<Request>>,
}

/// One peer that answers an INVITE of ours.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) tag: DialogTag,
    pub(super) dialog: DialogId,
    /// Whether it answered 2xx.
    pub(super) accepted: bool,
    /// The ACK for that; it outlives the dialog, since a 2xx may come late.
    pub(super) ack: Option<(Flow, Bytes)>,
}

impl Fork {
    pub(super) fn new(tag: DialogTag, dialog: DialogId) -> Self {
        Self { tag, dialog, accepted: false, ack: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cancel {
    No,
    /// To be sent as soon as a provisional response allows it.
    Wanted,
    Sent,
}

impl Client {
    pub(super) fn new(method: Method, dialog: Option<DialogId>) -> Self {
        Self {
            method,
            transaction: None,
            dialog,
            orphaned: None,
            forks: Vec::new(),
            cancel: Cancel::No,
            cancel_timeout: None,
            finished: false,
            offer: None,
            own: false,
            described: None,
            subscription: None,
            again: None,
        }
    }

    pub(super) fn fork(&self, dialog: DialogId) -> Option<&Fork> {
        self.forks.iter().find(|fork| fork.dialog == dialog)
    }

    pub(super) fn fork_mut(&mut self, dialog: DialogId) -> Option<&mut Fork> {
        self.forks.iter_mut().find(|fork| fork.dialog == dialog)
    }
}

impl Endpoint {
    /// Sends a request outside a dialog on `flow`. From must be there; what else is absent is
    /// filled in: From tag, To, Call-ID, CSeq, Max-Forwards, Via, User-Agent. An INVITE may go this
    /// way as well as by [`invite`](Self::invite).
    ///
    /// # Errors
    ///
    /// A header is missing or malformed, the method is ACK or CANCEL, or a table is full.
    pub fn request(
        &mut self,
        now: Duration,
        mut request: Request,
        flow: Flow,
    ) -> Result<ClientId, Error> {
        match request.method {
            Method::Ack => return Err(Error::NotAllowed("ACK is sent by ack()")),
            Method::Cancel => return Err(Error::NotAllowed("CANCEL is sent by cancel()")),
            Method::Invite if self.dialogs.len() >= self.config.capacity.dialogs => {
                return Err(Error::Full(Noun::Dialog));
            }
            _ => {}
        }
        self.fill_request(&mut request, &flow)?;
        let mut client = Client::new(request.method.clone(), None);
        if request.method == Method::Invite {
            let described = describes(&request.headers, &request.body);
            client.offer = described.then_some(Offer::Ours(Carrier::Invite));
            self.ask_session(None, &mut request);
            client.again = self.abilities.timer.then(|| Box::new(request.clone()));
            client.described = self.description(&request.headers, &request.body);
        }
        let id = ClientId(self.clients.insert(client));
        self.start(now, id, request, flow)
    }

    /// Sends an INVITE outside a dialog on `flow`; completed as [`request`](Self::request) does,
    /// and with Contact, Allow and Supported.
    ///
    /// Provisional responses with a To tag make early dialogs, 2xx make or confirm dialogs, one for each
    /// fork; the event names them. Every 2xx wants an [`ack`](Self::ack). Once a provisional
    /// response has come, waiting for the final one is not limited: that is what the user's ring
    /// timer and [`cancel`](Self::cancel) are for.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); the method is not INVITE.
    pub fn invite(
        &mut self,
        now: Duration,
        request: Request,
        flow: Flow,
    ) -> Result<ClientId, Error> {
        if request.method != Method::Invite {
            return Err(Error::NotAllowed("the method is not INVITE"));
        }
        self.request(now, request, flow)
    }

    /// Sends a request within a dialog. Of `request` the method, the body and the headers that the
    /// dialog does not decide are used. An INVITE answered 2xx wants an [`ack`](Self::ack).
    ///
    /// A BYE that would overtake what the standard puts first waits its turn: the callee's BYE waits
    /// for the ACK of its 2xx, or for the ACK's time-out (§15); a caller that has not acknowledged
    /// the 2xx does so first. The dialog is gone when the BYE has its final response, a 401 or
    /// 407 excepted, or has none.
    ///
    /// # Errors
    ///
    /// The dialog is gone or is being ended; an INVITE is in progress on either side; the request
    /// carries an offer while another waits for its answer (RFC 3311 §5.1); a callee may not send
    /// BYE in an early dialog; a table is full.
    pub fn request_in(
        &mut self,
        now: Duration,
        dialog: DialogId,
        request: Request,
    ) -> Result<ClientId, Error> {
        let client = Client::new(request.method.clone(), Some(dialog));
        self.request_as(now, dialog, request, client)
    }

    /// The same for a client that somebody has prepared.
    pub(super) fn request_as(
        &mut self,
        now: Duration,
        dialog: DialogId,
        request: Request,
        client: Client,
    ) -> Result<ClientId, Error> {
        self.request_with(now, dialog, request, client, None)
    }

    /// Sends a request in the name of a client that is there already.
    pub(super) fn begin_again(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: DialogId,
        request: Request,
        own: bool,
    ) -> Result<ClientId, Error> {
        let mut client = Client::new(request.method.clone(), Some(dialog));
        client.own = own;
        self.request_with(now, dialog, request, client, Some(id))
    }

    fn request_with(
        &mut self,
        now: Duration,
        dialog: DialogId,
        mut request: Request,
        mut client: Client,
        again: Option<ClientId>,
    ) -> Result<ClientId, Error> {
        let offer = self.may_request(dialog, &request)?;
        let Some(usage) = self.dialogs.get(dialog.0) else {
            return Err(Error::Gone(Noun::Dialog));
        };
        let method = request.method.clone();
        let bye = method == Method::Bye;
        client.offer = offer;
        if method == Method::Invite {
            client.forks.push(Fork::new(usage.dialog.tag(), dialog));
        }
        if bye && usage.ack.as_ref().is_some_and(|ack| !ack.sent) {
            self.ack(now, dialog, None)?;
        }
        if matches!(method, Method::Invite | Method::Update) {
            self.ask_session(Some(dialog), &mut request);
            client.again = self.abilities.timer.then(|| Box::new(request.clone()));
        }
        if matches!(method, Method::Invite | Method::Update | Method::Prack) {
            client.described = self.description(&request.headers, &request.body);
        }
        let id = match again.and_then(|id| Some((id, self.clients.get_mut(id.0)?))) {
            Some((id, slot)) => {
                *slot = client;
                id
            }
            None => ClientId(self.clients.insert(client)),
        };
        if bye {
            match self.defer_bye(dialog, id, request) {
                Some(bye) => request = bye,
                None => return Ok(id),
            }
        }
        let before = self.dialogs.get(dialog.0).map(|usage| usage.turns);
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            if method == Method::Invite {
                usage.invite = Some(Pending::Ours(id));
                usage.turns.invite(offer);
            } else if let Some(offer) = offer {
                usage.turns.offer(offer);
            }
        }
        let sent = self.send_in(now, dialog, id, request);
        if sent.is_err()
            && let Some(usage) = self.dialogs.get_mut(dialog.0)
        {
            usage.bye = usage.bye.filter(|bye| *bye != id);
            usage.invite = usage.invite.filter(|invite| *invite != Pending::Ours(id));
            usage.turns = before.unwrap_or_default();
        }
        sent
    }

    /// Whether the user may send this in the dialog now, and the offer that it makes.
    fn may_request(&self, dialog: DialogId, request: &Request) -> Result<Option<Offer>, Error> {
        let usage = self.dialogs.get(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        let holds_accept = match usage.invite {
            Some(Pending::Theirs(key)) => self
                .transactions
                .server(key)
                .and_then(|user| user.reliable())
                .is_some_and(|reliable| reliable.holds_accept()),
            _ => false,
        };
        usage.allows(&request.method, holds_accept)?;
        if request.method == Method::Prack && !request.headers.contains(HeaderName::RAck) {
            return Err(Error::NotAllowed("PRACK is sent by prack()"));
        }
        let carrier = match request.method {
            Method::Invite => Carrier::Invite,
            Method::Update => Carrier::Update,
            Method::Prack => Carrier::Prack,
            _ => return Ok(None),
        };
        if !describes(&request.headers, &request.body) {
            return Ok(None);
        }
        match usage.turns.open() {
            None => Ok(Some(Offer::Ours(carrier))),
            // This description answers what a reliable response has offered.
            Some(Offer::Theirs(Carrier::Response)) if carrier == Carrier::Prack => Ok(None),
            Some(_) => Err(Error::OfferInProgress),
        }
    }

    /// Keeps a BYE that the standard puts behind something else: the ACK of our 2xx, or that 2xx
    /// itself when it waits for a PRACK. Gives it back when it may go.
    fn defer_bye(&mut self, dialog: DialogId, id: ClientId, request: Request) -> Option<Request> {
        let usage = self.dialogs.get_mut(dialog.0)?;
        usage.bye = Some(id);
        if let Some(accepted) = &mut usage.accepted {
            accepted.deferred = Some(Box::new(request));
            return None;
        }
        let Some(Pending::Theirs(key)) = usage.invite else { return Some(request) };
        let reliable = self.transactions.server_mut(key).and_then(|user| user.reliable_mut());
        match reliable.filter(|reliable| reliable.holds_accept()) {
            Some(reliable) => {
                reliable.bye = Some(Box::new(request));
                None
            }
            None => Some(request),
        }
    }

    /// Sends a request for which everything is settled but the dialog's own headers.
    pub(super) fn send_in(
        &mut self,
        now: Duration,
        dialog: DialogId,
        id: ClientId,
        mut request: Request,
    ) -> Result<ClientId, Error> {
        let Some(usage) = self.dialogs.get_mut(dialog.0) else {
            self.clients.remove(id.0);
            return Err(Error::Gone(Noun::Dialog));
        };
        let number = usage.dialog.next_number();
        usage.dialog.address(&mut request, number);
        let flow = self.config.next_hop.of(&usage.dialog);
        usage.dialog.agree_on_contact(&request.method, &mut request.headers);
        self.fill_common(&mut request, &flow);
        self.start(now, id, request, flow)
    }

    /// Sends an INVITE outside a dialog once more, as the same request of the user's.
    pub(super) fn start_again(
        &mut self,
        now: Duration,
        id: ClientId,
        request: Request,
        flow: Flow,
    ) -> bool {
        let sent_by = self.config.address.on(&flow);
        let user = ClientUser::Request(id);
        let sent = self.transactions.send(now, request, flow, sent_by, &mut *self.random, user);
        let (Ok(key), Some(client)) = (sent, self.clients.get_mut(id.0)) else { return false };
        client.transaction = Some(key);
        client.finished = false;
        true
    }

    pub(super) fn start(
        &mut self,
        now: Duration,
        id: ClientId,
        request: Request,
        flow: Flow,
    ) -> Result<ClientId, Error> {
        let sent_by = self.config.address.on(&flow);
        let user = ClientUser::Request(id);
        match self.transactions.send(now, request, flow, sent_by, &mut *self.random, user) {
            Ok(key) => {
                if let Some(client) = self.clients.get_mut(id.0) {
                    client.transaction = Some(key);
                }
                Ok(id)
            }
            Err(_) => {
                self.clients.remove(id.0);
                Err(Error::Full(Noun::Client))
            }
        }
    }

    /// Cancels an INVITE that has no final response (§9.1). Before a provisional response the wish
    /// is remembered and the CANCEL goes out with the first one. The outcome comes as for every
    /// INVITE: usually 487, but a 2xx that crossed the CANCEL is reported like any other, to be
    /// acknowledged and ended by BYE. With no final response within 64*T1 of the CANCEL the
    /// request fails. Cancelling twice is the same as once.
    ///
    /// # Errors
    ///
    /// The request is over or is no INVITE.
    pub fn cancel(&mut self, now: Duration, id: ClientId) -> Result<(), Error> {
        let client = self.clients.get_mut(id.0).ok_or(Error::Gone(Noun::Client))?;
        if client.method != Method::Invite {
            return Err(Error::NotAllowed("only an INVITE can be cancelled"));
        }
        if client.finished {
            return Err(Error::Gone(Noun::Client));
        }
        if client.cancel != Cancel::No {
            return Ok(());
        }
        client.cancel = Cancel::Wanted;
        let state = client.transaction.and_then(|key| self.transactions.invite_state(key));
        if state == Some(invite_client::State::Proceeding) {
            self.send_cancel(now, id);
        }
        Ok(())
    }

    pub(super) fn send_cancel(&mut self, now: Duration, id: ClientId) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let Some(key) = client.transaction else { return };
        self.transactions.send_cancel(now, key, ClientUser::Cancel);
        client.cancel = Cancel::Sent;
        let deadline = now + self.config.timing.timeout();
        client.cancel_timeout = Some(self.timers.start(deadline, Wake::CancelTimeout(id)));
    }

    /// The cancelled INVITE had its time (§9.1).
    pub(super) fn give_up(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(id.0) else { return };
        if let (Some(key), false) = (client.transaction, client.finished) {
            self.transactions.abandon(key, Failure::Timeout);
        }
    }

    /// Sends a request in a dialog after [`glare_delay`](Self::glare_delay): what to do with a
    /// re-INVITE or UPDATE that was answered 491. When the delay is over and the request is not
    /// allowed any more, because the dialog has ended or the peer was faster, it fails with
    /// [`Failure::Overtaken`].
    ///
    /// # Errors
    ///
    /// The dialog is gone.
    pub fn request_after_glare(
        &mut self,
        now: Duration,
        dialog: DialogId,
        request: Request,
    ) -> Result<ClientId, Error> {
        if !self.dialogs.contains(dialog.0) {
            return Err(Error::Gone(Noun::Dialog));
        }
        let mut client = Client::new(request.method.clone(), Some(dialog));
        client.again = Some(Box::new(request));
        let id = ClientId(self.clients.insert(client));
        let deadline = now + self.glare_delay(dialog);
        self.timers.start(deadline, Wake::Glare(id));
        Ok(id)
    }

    /// The time to wait after 491 is over.
    pub(super) fn glare_over(&mut self, now: Duration, id: ClientId) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let (Some(dialog), Some(request)) = (client.dialog, client.again.take()) else { return };
        let cancelled = client.cancel != Cancel::No;
        if cancelled || self.begin_again(now, id, dialog, *request, false).is_err() {
            self.clients.remove(id.0);
            self.events.push_back(Event::Failed { id, reason: Failure::Overtaken });
        }
    }

    /// How long to wait before trying an INVITE again that was answered 491 (§14.1): 2.1 to 4 s
    /// for the side that made the Call-ID, 0 to 2 s for the other, in steps of 10 ms.
    pub fn glare_delay(&mut self, dialog: DialogId) -> Duration {
        let caller =
            self.dialogs.get(dialog.0).is_none_or(|usage| usage.dialog.role() == Role::Caller);
        let random = u64::from(self.random.next_u32());
        Duration::from_millis(10 * if caller { 210 + random % 191 } else { random % 201 })
    }
}
