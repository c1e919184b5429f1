//! Requests of ours: sending, cancelling, acknowledging, and their responses.

use core::time::Duration;

use bytes::Bytes;

use super::usage::{Ack, Pending, Usage};
use super::{ClientId, Endpoint, Error, Event, Noun, Wake};
use crate::dialog::{Dialog, DialogId, DialogState, DialogTag};
use crate::flow::Flow;
use crate::header::{CSeq, ContentType, To, Via};
use crate::timer::TimerKey;
use crate::transaction::{Answer, ClientKey, Failure, invite_client};
use crate::{HeaderName, Method, Request, Response, StatusCode};

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
    method: Method,
    /// `None` as long as the request waits to be sent.
    transaction: Option<ClientKey>,
    dialog: Option<DialogId>,
    /// The dialogs that the answers to an INVITE made.
    forks: Vec<DialogId>,
    cancel: Cancel,
    cancel_timeout: Option<TimerKey>,
    /// Whether the user has the outcome.
    finished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cancel {
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
            forks: Vec::new(),
            cancel: Cancel::No,
            cancel_timeout: None,
            finished: false,
        }
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
        let id = ClientId(self.clients.insert(Client::new(request.method.clone(), None)));
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
    /// The dialog is gone or is being ended; an INVITE is in progress on either side; a callee
    /// may not send BYE in an early dialog; a table is full.
    pub fn request_in(
        &mut self,
        now: Duration,
        dialog: DialogId,
        request: Request,
    ) -> Result<ClientId, Error> {
        let usage = self.dialogs.get(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        usage.allows(&request.method)?;
        let bye = request.method == Method::Bye;
        if bye && usage.ack.as_ref().is_some_and(|ack| ack.sent.is_none()) {
            self.ack(now, dialog, None)?;
        }
        let method = request.method.clone();
        let id = ClientId(self.clients.insert(Client::new(method.clone(), Some(dialog))));
        let Some(usage) = self.dialogs.get_mut(dialog.0) else {
            return Err(Error::Gone(Noun::Dialog));
        };
        if bye {
            usage.bye = Some(id);
            if let Some(accepted) = &mut usage.accepted {
                accepted.deferred = Some(Box::new(request));
                return Ok(id);
            }
        }
        if method == Method::Invite {
            usage.invite = Some(Pending::Ours(id));
        }
        let sent = self.send_in(now, dialog, id, request);
        if sent.is_err()
            && let Some(usage) = self.dialogs.get_mut(dialog.0)
        {
            usage.bye = usage.bye.filter(|bye| *bye != id);
            usage.invite = usage.invite.filter(|invite| *invite != Pending::Ours(id));
        }
        sent
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
        self.fill_common(&mut request, &flow);
        self.start(now, id, request, flow)
    }

    fn start(
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
    /// The request is over or is no INVITE, or the table is full.
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
        if state == Some(invite_client::State::Proceeding) && !self.send_cancel(now, id) {
            return Err(Error::Full(Noun::Client));
        }
        Ok(())
    }

    fn send_cancel(&mut self, now: Duration, id: ClientId) -> bool {
        let Some(client) = self.clients.get_mut(id.0) else { return false };
        let Some(key) = client.transaction else { return false };
        if self.transactions.send_cancel(now, key, ClientUser::Cancel).is_none() {
            return false;
        }
        client.cancel = Cancel::Sent;
        let deadline = now + self.config.timing.timeout();
        client.cancel_timeout = Some(self.timers.start(deadline, Wake::CancelTimeout(id)));
        true
    }

    /// The cancelled INVITE had its time (§9.1).
    pub(super) fn give_up(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(id.0) else { return };
        if let (Some(key), false) = (client.transaction, client.finished) {
            self.transactions.abandon(key, Failure::Timeout);
        }
    }

    /// Sends the ACK for the 2xx that confirmed `dialog` or a re-INVITE in it (§13.2.2.4), with an
    /// answer in `body` (content type and content) when the 2xx carried an offer. The ACK is
    /// kept and repeated, byte for byte, for each repetition of the 2xx; calling this again
    /// repeats it too.
    ///
    /// # Errors
    ///
    /// The dialog is gone, or no 2xx waits for its ACK.
    pub fn ack(
        &mut self,
        now: Duration,
        dialog: DialogId,
        body: Option<(ContentType, Bytes)>,
    ) -> Result<(), Error> {
        // The ACK has no timer of its own; `now` keeps the face alike.
        let _ = now;
        let usage = self.dialogs.get_mut(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        let ack = usage.ack.as_mut().ok_or(Error::NotAllowed("no 2xx waits for its ACK"))?;
        if let Some((flow, bytes)) = &ack.sent {
            self.transactions.transmit(*flow, bytes.clone());
            return Ok(());
        }
        let mut request = Request::new(Method::Ack, usage.dialog.target().clone());
        usage.dialog.address(&mut request, ack.number);
        let flow = self.config.next_hop.of(&usage.dialog);
        let invite = self
            .clients
            .get(ack.client.0)
            .and_then(|client| self.transactions.sent_invite(client.transaction?));
        if let Some(invite) = invite {
            // An ACK cannot be challenged, so it carries what its INVITE was accepted with (§22.1).
            request.headers.copy(HeaderName::Authorization, &invite.headers);
            request.headers.copy(HeaderName::ProxyAuthorization, &invite.headers);
        }
        if let Some((content_type, body)) = body {
            request.headers.set(content_type);
            request.body = body;
        }
        let sent_by = self.config.address.on(&flow);
        let bytes = self.transactions.send_alone(request, flow, sent_by, &mut *self.random);
        ack.sent = Some((flow, bytes));
        Ok(())
    }

    /// How long to wait before trying an INVITE again that was answered 491 (§14.1): 2.1 to 4 s
    /// for the side that made the Call-ID, 0 to 2 s for the other, in steps of 10 ms.
    pub fn glare_delay(&mut self, dialog: DialogId) -> Duration {
        let caller = self
            .dialogs
            .get(dialog.0)
            .is_none_or(|usage| usage.dialog.role() == crate::dialog::Role::Caller);
        let random = u64::from(self.random.next_u32());
        Duration::from_millis(10 * if caller { 210 + random % 191 } else { random % 201 })
    }

    pub(super) fn receive_response(&mut self, now: Duration, flow: Flow, response: Response) {
        // More than one Via: the response went astray, it is a proxy's (§8.1.3.3).
        let mut vias = response.headers.all::<Via>();
        let (Some(Ok(via)), None) = (vias.next(), vias.next()) else {
            self.statistics.stray_responses += 1;
            return;
        };
        drop(vias);
        let Ok(cseq) = response.headers.require::<CSeq>() else {
            self.malformed(flow, None, "a response without a readable CSeq".to_owned());
            return;
        };
        let key = match self.transactions.receive_response(now, &response, &via, &cseq) {
            Answer::Deliver(key) => key,
            Answer::Absorbed => return,
            Answer::Stray => {
                self.statistics.stray_responses += 1;
                return;
            }
        };
        match self.transactions.client(key) {
            Some(&ClientUser::Request(id)) if cseq.method == Method::Invite => {
                self.invite_answered(now, id, key, response, flow);
            }
            Some(&ClientUser::Request(id)) => self.request_answered(now, id, response, flow),
            Some(ClientUser::Cancel) | None => {}
        }
    }

    fn request_answered(&mut self, now: Duration, id: ClientId, response: Response, flow: Flow) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let dialog = client.dialog;
        let status = response.status;
        client.finished |= status.is_final();
        let method = client.method.clone();
        if status.is_success()
            && let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0))
        {
            usage.dialog.set_flow(flow);
            if method == Method::Update {
                usage.dialog.refresh_target(&response.headers);
            }
        }
        self.events.push_back(Event::Response { id, dialog, response, flow });
        if method == Method::Bye && status.is_final() {
            self.bye_ended(now, id, dialog, is_challenge(status));
        }
    }

    fn invite_answered(
        &mut self,
        now: Duration,
        id: ClientId,
        key: ClientKey,
        response: Response,
        flow: Flow,
    ) {
        let status = response.status;
        if status.is_provisional() {
            let dialog = self.dialog_of_answer(id, key, &response, flow);
            self.events.push_back(Event::Response { id, dialog, response, flow });
            let wanted = self.clients.get(id.0).is_some_and(|c| c.cancel == Cancel::Wanted);
            if wanted {
                self.send_cancel(now, id);
            }
        } else if status.is_success() {
            self.accepted_by_peer(id, key, response, flow);
        } else {
            let Some(client) = self.clients.get_mut(id.0) else { return };
            client.finished = true;
            let dialog = client.dialog;
            if let Some(timer) = client.cancel_timeout.take() {
                self.timers.stop(timer);
            }
            self.release_invite(id, dialog);
            self.events.push_back(Event::Response { id, dialog, response, flow });
            self.end_early_forks(now, id);
        }
    }

    fn accepted_by_peer(&mut self, id: ClientId, key: ClientKey, response: Response, flow: Flow) {
        let Some(dialog) = self.dialog_of_answer(id, key, &response, flow) else {
            self.statistics.stray_responses += 1;
            return;
        };
        let Ok(number) = response.headers.require::<CSeq>().map(|cseq| cseq.number) else { return };
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        if let Some(ack) = usage.ack.as_ref().filter(|ack| ack.number == number) {
            if let Some((flow, bytes)) = &ack.sent {
                self.transactions.transmit(*flow, bytes.clone());
            }
            return;
        }
        usage.ack = Some(Ack { number, client: id, sent: None });
        usage.invite.take_if(|invite| *invite == Pending::Ours(id));
        if usage.dialog.state() == DialogState::Early {
            // The 2xx decides the route set, whatever the provisional responses said (§13.2.2.4).
            let _ = usage.dialog.answered(&response, flow);
            usage.dialog.confirm();
        } else {
            usage.dialog.refresh_target(&response.headers);
            usage.dialog.set_flow(flow);
        }
        if let Some(client) = self.clients.get_mut(id.0) {
            client.finished = true;
            if let Some(timer) = client.cancel_timeout.take() {
                self.timers.stop(timer);
            }
        }
        self.events.push_back(Event::Response { id, dialog: Some(dialog), response, flow });
    }

    /// The dialog that a response to an INVITE belongs to; made when it is the first of its fork.
    fn dialog_of_answer(
        &mut self,
        id: ClientId,
        key: ClientKey,
        response: &Response,
        flow: Flow,
    ) -> Option<DialogId> {
        let client = self.clients.get(id.0)?;
        if client.dialog.is_some() {
            return client.dialog.filter(|dialog| self.dialogs.contains(dialog.0));
        }
        let tagged = response.headers.require::<To>().ok()?.tag().is_some();
        let provisional = response.status.is_provisional();
        if provisional && (!tagged || response.status == StatusCode::TRYING) {
            return None;
        }
        let tag = DialogTag::of_response(&response.headers).ok()?;
        if let Some(dialog) = self.dialog_tags.get(&tag) {
            return client.forks.contains(dialog).then_some(*dialog);
        }
        if client.forks.len() >= self.config.capacity.forks {
            return None;
        }
        let invite = self.transactions.sent_invite(key)?;
        let dialog = Dialog::caller(invite, response, flow).ok()?;
        let mut usage = Usage::new(dialog);
        usage.invite = Some(Pending::Ours(id));
        let dialog = self.add_dialog(usage);
        self.clients.get_mut(id.0)?.forks.push(dialog);
        Some(dialog)
    }

    /// An INVITE of ours in a dialog is no longer in progress.
    fn release_invite(&mut self, id: ClientId, dialog: Option<DialogId>) {
        if let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0)) {
            usage.invite = usage.invite.filter(|pending| *pending != Pending::Ours(id));
        }
    }

    /// Forks that rang and did not answer are over (§12.3, §13.2.2.4).
    fn end_early_forks(&mut self, now: Duration, id: ClientId) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let forks = core::mem::take(&mut client.forks);
        for dialog in forks {
            let early = |usage: &Usage| usage.dialog.state() == DialogState::Early;
            if self.dialogs.get(dialog.0).is_some_and(early) {
                self.remove_dialog(now, dialog);
            }
        }
    }

    pub(super) fn client_ended(
        &mut self,
        now: Duration,
        user: ClientUser,
        failure: Option<Failure>,
    ) {
        let ClientUser::Request(id) = user else { return };
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let (dialog, finished) = (client.dialog, client.finished);
        if let Some(timer) = client.cancel_timeout.take() {
            self.timers.stop(timer);
        }
        let method = client.method.clone();
        let dialogs: Vec<DialogId> = client.forks.iter().copied().chain(dialog).collect();
        for dialog in dialogs {
            // No more repetitions of the 2xx are expected, so its ACK need not be kept. One that
            // the user still owes stays: it is late, but not too late to be sent.
            if let Some(usage) = self.dialogs.get_mut(dialog.0) {
                usage.ack.take_if(|ack| ack.client == id && ack.sent.is_some());
            }
        }
        self.release_invite(id, dialog);
        self.end_early_forks(now, id);
        self.clients.remove(id.0);
        if finished {
            return;
        }
        let reason = failure.unwrap_or(Failure::Timeout);
        self.events.push_back(Event::Failed { id, reason });
        if method == Method::Bye {
            self.bye_ended(now, id, dialog, false);
        }
    }
}

/// Whether the request may be tried again with credentials.
fn is_challenge(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}
