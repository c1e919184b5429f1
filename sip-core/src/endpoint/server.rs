//! Requests of the peer's: answering them, and what follows from the answer.

use core::hash::{BuildHasher, Hasher};
use core::time::Duration;

use super::named::Named;
use super::peer::Peer;
use super::reliable::{Reliability, Reliable};
use super::subscription::Sought;
use super::tag::LocalTag;
use super::usage::{Pending, Usage};
use super::{Endpoint, Error, Event, Noun, ServerId, Wake};
use crate::dialog::negotiation::{Offer, describes};
use crate::dialog::session_timer::Asked;
use crate::dialog::{Dialog, DialogId, DialogState};
use crate::header::{CSeqRef, Known};
use crate::keyed::{KeyedHash, with_joined};
use crate::timer::TimerKey;
use crate::transaction::{Failure, ServerKey};
use crate::{HeaderName, Headers, Method, Response, StatusCode};

/// From tag, Call-ID and CSeq of a request outside a dialog: the same in every copy that forked
/// and merged on its way to us (§8.2.2.2).
///
/// Kept as their hash with a secret: that two differ and have the same is not to be expected in the
/// life of any endpoint, and nobody can bring it about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Merged(u64);

impl Merged {
    pub(super) fn new(
        hash: &KeyedHash,
        call_id: &[u8],
        from_tag: &[u8],
        cseq: &CSeqRef<'_>,
    ) -> Self {
        let [a, b, c, d] = cseq.number().to_be_bytes();
        let parts = [call_id, b" ", from_tag, &[b' ', a, b, c, d], cseq.method_bytes()];
        with_joined(&parts, |key| {
            let mut hasher = hash.build_hasher();
            hasher.write(key);
            Self(hasher.finish())
        })
    }
}

/// What the endpoint knows of a request of the peer's.
#[derive(Debug)]
pub(super) struct ServerUser {
    pub(super) method: Method,
    /// The port that the request came from; responses may go to another one of the same host.
    pub(super) port: u16,
    /// Our tag in To.
    pub(super) tag: LocalTag,
    pub(super) number: u32,
    pub(super) dialog: Option<DialogId>,
    pub(super) merged: Option<Merged>,
    pub(super) refresh: Option<TimerKey>,
    /// Whether the endpoint itself answers, so that its user knows nothing of the request.
    pub(super) own: bool,
    /// Whether the INVITE is outside a dialog and makes one.
    pub(super) initial: bool,
    /// The offer that the request carries.
    pub(super) offer: Option<Offer>,
    /// Whether the sender of an INVITE takes reliable provisional responses.
    pub(super) reliability: Reliability,
    /// What most requests have nothing of.
    pub(super) setup: Option<Box<Setup>>,
}

/// What the endpoint keeps of a request that sets something up: a call, a subscription, a session
/// that goes on.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// The dialog to be, of an INVITE outside one.
    pub(super) seed: Option<Box<Dialog>>,
    /// Contact lines of a request that changes the remote target when it succeeds.
    pub(super) target: Option<Box<Headers>>,
    /// The reliable responses sent so far.
    pub(super) reliable: Option<Box<Reliable>>,
    /// What a SUBSCRIBE or REFER asks for.
    pub(super) sought: Option<Box<Sought>>,
    /// Record-Route lines of a SUBSCRIBE or REFER outside a dialog, which its 2xx repeats.
    pub(super) routes: Option<Box<Headers>>,
    /// What the request asks of the session timer.
    pub(super) session: Option<Box<Asked>>,
    /// What the sender of an INVITE can do.
    pub(super) peer: Option<Box<Peer>>,
    /// The dialog that an INVITE names in its headers.
    pub(super) named: Option<Named>,
}

impl ServerUser {
    /// Makes room for what most requests have nothing of.
    pub(super) fn set_up(&mut self) -> &mut Setup {
        self.setup.get_or_insert_default()
    }

    pub(super) fn sought(&self) -> Option<&Sought> {
        self.setup.as_deref()?.sought.as_deref()
    }

    pub(super) fn reliable(&self) -> Option<&Reliable> {
        self.setup.as_deref()?.reliable.as_deref()
    }

    pub(super) fn reliable_mut(&mut self) -> Option<&mut Reliable> {
        self.setup.as_deref_mut()?.reliable.as_deref_mut()
    }

    pub(super) fn take_seed(&mut self) -> Option<Box<Dialog>> {
        self.setup.as_deref_mut()?.seed.take()
    }
}

impl Endpoint {
    /// Answers a request. [`Response::to`] makes a fitting response; the endpoint writes the To
    /// tag, and where they are absent Contact, Record-Route, Server, Allow and Supported, and with
    /// session timers Session-Expires.
    ///
    /// To an INVITE, a response from 101 to 199 makes an early dialog and a 2xx confirms it; the
    /// dialog is returned. The 2xx is repeated until the ACK comes ([`Event::Ack`]) or 64*T1 have
    /// passed ([`Event::AckTimeout`]). A 2xx to a BYE ends the dialog. A 2xx that follows a reliable
    /// provisional response waits for its PRACK; a CANCEL or BYE that comes meanwhile wins, and
    /// [`Event::Cancelled`] tells.
    ///
    /// A request other than an INVITE is answered finally or not at all (RFC 4320 §4): without an
    /// answer the endpoint sends 100 by itself, 3.5 s after its arrival, and 64*T1 after it
    /// [`Event::ResponseFailed`] tells that the sender has given up. A user who cannot answer in time
    /// need not do anything.
    ///
    /// # Errors
    ///
    /// The request has its final response already, for example because it was cancelled; or it is no
    /// INVITE, and the response is a 408, which would come when its sender has timed out by itself; or
    /// a provisional one, but for a 100 over a reliable transport, or after that of the endpoint's
    /// own.
    pub fn respond(
        &mut self,
        now: Duration,
        id: ServerId,
        response: Response,
    ) -> Result<Option<DialogId>, Error> {
        self.respond_as(now, id, response, false)
    }

    /// Answers a request outside a dialog for good and keeps nothing of it (RFC 3261 §8.2.7): for a
    /// sender that has not shown who it is, who could otherwise have an INVITE's answer repeated to
    /// somebody else, and memory held. A repeated request is a new one.
    ///
    /// # Errors
    ///
    /// The request has its final response already; or the response is not final, or accepts an
    /// INVITE, or is a 408 to something else; or the request is in a dialog.
    pub fn respond_alone(
        &mut self,
        now: Duration,
        id: ServerId,
        mut response: Response,
    ) -> Result<(), Error> {
        let key = id.0;
        if !self.transactions.is_pending(key) {
            return Err(Error::Gone(Noun::Server));
        }
        let user = self.transactions.server(key).ok_or(Error::Gone(Noun::Server))?;
        let status = response.status;
        let accepts = status.is_success() && user.method == Method::Invite;
        if user.dialog.is_some() || !status.is_final() || accepts {
            return Err(Error::NotAllowed("only an end outside a dialog is sent alone"));
        }
        if !self.transactions.takes(key, status) {
            return Err(refused(status));
        }
        let method = user.method.clone();
        let flow = self.transactions.server_flow(key).ok_or(Error::Gone(Noun::Server))?;
        self.tag_alone(&mut response)?;
        self.fill_response(&mut response, &method, None, &flow);
        self.transactions.transmit(flow, response.to_bytes());
        self.transactions.end_server(key, None);
        self.settle(now);
        Ok(())
    }

    /// Forgets a request outside a dialog without an answer. A repeated request is a new one.
    pub fn ignore(&mut self, now: Duration, id: ServerId) {
        let waits = self.transactions.is_pending(id.0);
        if waits && self.transactions.server(id.0).is_some_and(|user| user.dialog.is_none()) {
            self.transactions.end_server(id.0, None);
            self.settle(now);
        }
    }

    pub(super) fn respond_as(
        &mut self,
        now: Duration,
        id: ServerId,
        mut response: Response,
        reliably: bool,
    ) -> Result<Option<DialogId>, Error> {
        let key = id.0;
        if !self.transactions.is_pending(key) {
            return Err(Error::Gone(Noun::Server));
        }
        if !self.transactions.takes(key, response.status) {
            return Err(refused(response.status));
        }
        let user = self.transactions.server_mut(key).ok_or(Error::Gone(Noun::Server))?;
        if user.reliable().is_some_and(Reliable::holds_accept) {
            return Err(Error::Gone(Noun::Server));
        }
        let status = response.status;
        let is_invite = user.method == Method::Invite;
        let reliably = reliably || user.reliability == Reliability::Must;
        if status != StatusCode::TRYING {
            tag_to(&mut response, &user.tag)?;
        }
        if is_invite
            && makes_dialog(status)
            && let Some(seed) = user.take_seed()
        {
            let mut usage = Usage::new(*seed);
            usage.invite = Some(Pending::Theirs(key));
            usage.turns.invite(user.offer);
            usage.peer = user.set_up().peer.take().map(|peer| *peer).unwrap_or_default();
            let dialog = self.add_dialog(usage);
            if let Some(user) = self.transactions.server_mut(key) {
                user.dialog = Some(dialog);
            }
        }
        if is_invite && status.is_provisional() && status != StatusCode::TRYING && reliably {
            return self.provide(now, key, response);
        }
        if is_invite && status.is_success() {
            let dialog = self.transactions.server(key).and_then(|user| user.dialog);
            return Ok(match self.hold_accept(key, response) {
                Some(response) => self.answer(now, key, response),
                None => dialog,
            });
        }
        Ok(self.answer(now, key, response))
    }

    /// Completes and sends a response and does what follows from it.
    pub(super) fn answer(
        &mut self,
        now: Duration,
        key: ServerKey,
        mut response: Response,
    ) -> Option<DialogId> {
        let status = response.status;
        let user = self.transactions.server(key)?;
        let (method, port, dialog) = (user.method.clone(), user.port, user.dialog);
        let (initial, number, offer) = (user.initial, user.number, user.offer);
        let mut flow = self.transactions.server_flow(key)?;
        flow.remote.set_port(port);
        if let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0))
            && makes_dialog(status)
        {
            usage.dialog.agree_on_contact(&method, &mut response.headers);
        }
        let setup = user.setup.as_deref().filter(|_| status.is_success());
        let session = setup.and_then(|setup| setup.session.as_deref().copied());
        let session = match session.filter(|_| dialog.is_some()) {
            Some(asked) => self.agree_on_session(asked, &mut response.headers),
            None => None,
        };
        if let Some(routes) = setup.and_then(|setup| setup.routes.as_deref()) {
            response.headers.copy(HeaderName::RecordRoute, routes);
        }
        let invite = self.transactions.received_invite(key).filter(|_| initial);
        let contact = self.fill_response(&mut response, &method, invite, &flow);
        let described = describes(&response.headers, &response.body);
        let own = match dialog {
            Some(_) if described && makes_dialog(status) => {
                self.description(&response.headers, &response.body)
            }
            _ => None,
        };
        let bytes = response.to_bytes();
        // Only the 2xx to an INVITE is repeated by us.
        let accepted = (method == Method::Invite && status.is_success()).then(|| bytes.clone());
        self.transactions.respond(now, key, status, bytes);

        if let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0))
            && makes_dialog(status)
            && usage.dialog.contact().is_none()
        {
            usage.dialog.take_contact(contact, &response.headers);
        }
        if let Some(dialog) = dialog {
            self.described(dialog, own);
        }
        self.keep_fresh(now, key, status);
        if status.is_provisional() {
            return dialog;
        }
        if let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0)) {
            match method {
                Method::Invite if status.is_success() => usage.turns.response_sent(described, true),
                Method::Invite => usage.turns.invite_failed(),
                _ => {
                    usage.update.take_if(|update| *update == key);
                    if let Some(offer) = offer {
                        usage.turns.closed(offer);
                    }
                }
            }
        }
        if let (Some(dialog), Some(session)) = (dialog, session) {
            self.begin_session(now, dialog, Some(session));
        }
        match method {
            Method::Invite => self.invite_closed(now, key, number, dialog, accepted),
            Method::Bye if status.is_success() || status == StatusCode::CALL_DOES_NOT_EXIST => {
                if let Some(dialog) = dialog {
                    self.remove_dialog(now, dialog);
                }
            }
            _ if status.is_success() => self.take_target(key, dialog),
            _ => {}
        }
        dialog
    }

    /// The final response to an INVITE is out; a 2xx is given.
    fn invite_closed(
        &mut self,
        now: Duration,
        key: ServerKey,
        number: u32,
        dialog: Option<DialogId>,
        accepted: Option<bytes::Bytes>,
    ) {
        let Some(id) = dialog else { return };
        let bye = self.end_reliable(key);
        let Some(usage) = self.dialogs.get_mut(id.0) else { return };
        usage.invite.take_if(|invite| *invite == Pending::Theirs(key));
        if let Some(bytes) = accepted {
            usage.dialog.confirm();
            self.take_target(key, dialog);
            let named = self
                .transactions
                .server_mut(key)
                .and_then(|user| user.setup.as_mut()?.named.take());
            if let Some(Named::Replaces(old)) = named {
                self.replace(now, old, id);
            }
            self.await_ack(now, id, key, number, bytes, bye);
        } else {
            let early = usage.dialog.state() == DialogState::Early;
            if let (Some(request), Some(client)) = (bye, usage.bye)
                && (early || self.send_in(now, id, client, *request).is_err())
            {
                self.clients.remove(client.0);
                self.events.push_back(Event::Failed { id: client, reason: Failure::Overtaken });
            }
            if early {
                self.remove_dialog(now, id);
            }
        }
    }

    /// A request that changes the remote target has succeeded (RFC 6141 §4.4).
    fn take_target(&mut self, key: ServerKey, dialog: Option<DialogId>) {
        let target =
            self.transactions.server_mut(key).and_then(|user| user.setup.as_mut()?.target.take());
        if let (Some(target), Some(id)) = (target, dialog)
            && let Some(usage) = self.dialogs.get_mut(id.0)
        {
            usage.dialog.refresh_target(&target);
        }
    }

    /// Answers an INVITE in the user's stead.
    pub(super) fn answer_invite(&mut self, now: Duration, key: ServerKey, status: StatusCode) {
        let Some(invite) = self.transactions.received_invite(key) else { return };
        let mut response = Response::to(invite, status);
        if let Some(user) = self.transactions.server(key) {
            let _ = tag_to(&mut response, &user.tag);
        }
        self.answer(now, key, response);
    }

    /// Starts, restarts or stops the repetition of a provisional response.
    fn keep_fresh(&mut self, now: Duration, key: ServerKey, status: StatusCode) {
        let Some(user) = self.transactions.server_mut(key) else { return };
        if let Some(timer) = user.refresh.take() {
            self.timers.stop(timer);
        }
        if user.method == Method::Invite && status.is_provisional() && status != StatusCode::TRYING
        {
            let deadline = now + self.config.refresh_provisional;
            let wake = Wake::RefreshProvisional(ServerId(key));
            user.refresh = Some(self.timers.start(deadline, wake));
        }
    }

    pub(super) fn refresh_provisional(&mut self, now: Duration, id: ServerId) {
        if !self.transactions.is_pending(id.0) {
            return;
        }
        let (flow, bytes) =
            match (self.transactions.server_flow(id.0), self.transactions.last_response(id.0)) {
                (Some(flow), Some(bytes)) => (flow, bytes.clone()),
                _ => return,
            };
        self.transactions.transmit(flow, bytes);
        if let Some(user) = self.transactions.server_mut(id.0) {
            let deadline = now + self.config.refresh_provisional;
            user.refresh = Some(self.timers.start(deadline, Wake::RefreshProvisional(id)));
        }
    }

    /// A response could not be sent, and its transaction goes on.
    pub(super) fn server_troubled(&mut self, key: ServerKey, failure: Failure) {
        let Some(user) = self.transactions.server(key) else { return };
        // Behind the ACK of a 2xx there is nothing more that could be lost.
        let usage = user.dialog.and_then(|dialog| self.dialogs.get(dialog.0));
        let done = self.transactions.is_accepted(key)
            && !usage.is_some_and(|usage| usage.awaits_ack_of(key));
        if !user.own && !done {
            self.events.push_back(Event::ResponseFailed { id: ServerId(key), reason: failure });
        }
    }

    pub(super) fn server_ended(
        &mut self,
        now: Duration,
        key: ServerKey,
        user: ServerUser,
        failure: Option<Failure>,
    ) {
        if let Some(timer) = user.refresh {
            self.timers.stop(timer);
        }
        if let Some(mut reliable) = user.setup.and_then(|setup| setup.reliable) {
            self.stop_reliable(&mut reliable);
        }
        if let Some(usage) = user.dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0))
            && user.method != Method::Invite
            && failure == Some(Failure::Unanswered)
        {
            usage.update.take_if(|update| *update == key);
            if let Some(offer) = user.offer {
                usage.turns.closed(offer);
            }
        }
        if let Some(merged) = user.merged
            && self.merged.get(&merged) == Some(&key)
        {
            self.merged.remove(&merged);
        }
        if let (Some(reason), false) = (failure, user.own) {
            self.events.push_back(Event::ResponseFailed { id: ServerId(key), reason });
        }
        // A BYE that nobody answers ends the dialog all the same.
        if let (Method::Bye, Some(Failure::Unanswered), Some(dialog)) =
            (&user.method, failure, user.dialog)
        {
            self.remove_dialog(now, dialog);
        }
    }
}

/// Why a response to something else than an INVITE is not sent (RFC 4320 §4).
fn refused(status: StatusCode) -> Error {
    Error::NotAllowed(match status {
        StatusCode::TRYING => "a 100 to this request is sent by the endpoint, when it may be",
        StatusCode::REQUEST_TIMEOUT => "only an INVITE is answered 408: others' senders know",
        _ => "only an INVITE is answered provisionally",
    })
}

/// Writes our tag into To.
pub(super) fn tag_to(response: &mut Response, tag: &LocalTag) -> Result<(), Error> {
    let mut room = [0; 16];
    let tag = tag.text(&mut room);
    // What ends in a bracket has no parameters yet. Nearly every To of a first request does.
    if response.headers.append_behind(Known::To, b'>', &[b";tag=", tag.as_bytes()]) {
        return Ok(());
    }
    Ok(response.set_to_tag(tag)?)
}

/// The Contact lines of a request, to be read should it succeed.
pub(super) fn contact_lines(headers: &Headers) -> Headers {
    let mut lines = Headers::new();
    lines.copy(HeaderName::Contact, headers);
    lines
}

fn makes_dialog(status: StatusCode) -> bool {
    status != StatusCode::TRYING && (status.is_provisional() || status.is_success())
}
