//! The INVITE usage of a dialog: who waits for which ACK, and how the dialog ends.

use core::time::Duration;

use bytes::Bytes;

use super::description::Description;
use super::peer::Peer;
use super::refresh::Session;
use super::reliable::Heard;
use super::subscription::{Ended, SubscriptionId};
use super::{ClientId, Endpoint, Error, Event, Noun, ServerId, Wake};
use crate::dialog::negotiation::Negotiation;
use crate::dialog::{Dialog, DialogId, DialogState, DialogTag, Role};
use crate::flow::Flow;
use crate::timer::TimerKey;
use crate::transaction::{Failure, ServerKey};
use crate::{Method, Request, StatusCode};

/// A dialog and what it is used for.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) dialog: Dialog,
    /// What names the dialog, joined once.
    tag: DialogTag,
    /// The INVITE in progress.
    pub(super) invite: Option<Pending>,
    /// Our 2xx without its ACK.
    pub(super) accepted: Option<Box<Accepted>>,
    /// The ACK for the peer's 2xx.
    pub(super) ack: Option<Ack>,
    /// Our BYE.
    pub(super) bye: Option<ClientId>,
    /// Whose turn it is to answer an offer.
    pub(super) turns: Negotiation,
    /// An UPDATE of the peer's that waits for its answer.
    pub(super) update: Option<ServerKey>,
    /// The peer's reliable provisional responses.
    pub(super) heard: Option<Heard>,
    /// The session timer.
    pub(super) session: Option<Box<Session>>,
    /// What we said last of the session.
    pub(super) described: Option<Box<Description>>,
    /// What a 422 of the peer's has asked for.
    pub(super) min_se: u32,
    /// What the peer can do.
    pub(super) peer: Peer,
    /// Whether there is a call in the dialog, or there was one; subscriptions may outlive it.
    pub(super) call: bool,
    pub(super) subscriptions: Vec<SubscriptionId>,
}

/// An INVITE in progress in a dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pending {
    Ours(ClientId),
    Theirs(ServerKey),
}

/// A 2xx of ours that is repeated until its ACK comes.
#[derive(Debug)]
pub(super) struct Accepted {
    server: ServerKey,
    pub(super) number: u32,
    flow: Flow,
    bytes: Bytes,
    interval: Duration,
    repeat: TimerKey,
    timeout: TimerKey,
    /// A BYE that waits for the ACK.
    pub(super) deferred: Option<Box<Request>>,
}

/// The ACK that a 2xx of the peer's asks for.
#[derive(Debug)]
pub(super) struct Ack {
    pub(super) number: u32,
    /// The INVITE.
    pub(super) client: ClientId,
    /// Whether the user has given it; till then it is owed.
    pub(super) sent: bool,
}

impl Usage {
    pub(super) fn new(dialog: Dialog) -> Self {
        Self {
            tag: dialog.tag(),
            dialog,
            invite: None,
            accepted: None,
            ack: None,
            bye: None,
            turns: Negotiation::default(),
            update: None,
            heard: None,
            session: None,
            described: None,
            min_se: 0,
            peer: Peer::default(),
            call: true,
            subscriptions: Vec::new(),
        }
    }

    /// Whether our 2xx to this INVITE is without its ACK.
    pub(super) fn awaits_ack_of(&self, invite: ServerKey) -> bool {
        self.accepted.as_ref().is_some_and(|accepted| accepted.server == invite)
    }

    /// Whether the user may send a request of this method now.
    /// `holds_accept` says that a 2xx of ours waits for a PRACK.
    pub(super) fn allows(&self, method: &Method, holds_accept: bool) -> Result<(), Error> {
        match method {
            Method::Notify | Method::Subscribe if !self.subscriptions.is_empty() => Ok(()),
            _ if self.bye.is_some() => Err(Error::Gone(Noun::Dialog)),
            Method::Invite | Method::Bye | Method::Update | Method::Prack | Method::Info
                if !self.call =>
            {
                Err(Error::NotAllowed("there is no call in this dialog"))
            }
            Method::Ack => Err(Error::NotAllowed("ACK is sent by ack()")),
            Method::Cancel => Err(Error::NotAllowed("CANCEL is sent by cancel()")),
            Method::Bye
                if self.dialog.role() == Role::Callee
                    && self.dialog.state() == DialogState::Early
                    && !holds_accept =>
            {
                Err(Error::NotAllowed("a callee refuses a call, it does not BYE it"))
            }
            Method::Invite if self.dialog.state() == DialogState::Early => {
                Err(Error::InviteInProgress)
            }
            Method::Invite if self.invite.is_some() || self.accepted.is_some() => {
                Err(Error::InviteInProgress)
            }
            Method::Invite if self.ack.as_ref().is_some_and(|ack| !ack.sent) => {
                Err(Error::InviteInProgress)
            }
            _ => Ok(()),
        }
    }
}

impl Endpoint {
    pub(super) fn add_dialog(&mut self, usage: Usage) -> DialogId {
        let tag = usage.tag.clone();
        let id = DialogId(self.dialogs.insert(usage));
        self.dialog_tags.insert(tag, id);
        id
    }

    /// Takes a dialog out of the tables.
    pub(super) fn forget_dialog(&mut self, id: DialogId) -> Option<Usage> {
        let usage = self.dialogs.remove(id.0)?;
        if self.dialog_tags.get(&usage.tag) == Some(&id) {
            self.dialog_tags.remove(&usage.tag);
        }
        Some(usage)
    }

    /// Ends the call in a dialog, and the dialog with it, unless there are subscriptions in it that may go
    /// on (RFC 5057 §4.2). INVITEs of the peer's that are still open are answered 487 (§15.1.2).
    pub(super) fn remove_dialog(&mut self, now: Duration, id: DialogId) {
        let Some(usage) = self.dialogs.get_mut(id.0) else { return };
        if usage.call
            && usage.dialog.state() == DialogState::Confirmed
            && !usage.subscriptions.is_empty()
        {
            let mut rest = Usage::new(usage.dialog.clone());
            rest.call = false;
            rest.subscriptions = core::mem::take(&mut usage.subscriptions);
            let call = core::mem::replace(usage, rest);
            return self.end_call(now, id, call);
        }
        let Some(mut usage) = self.forget_dialog(id) else { return };
        for subscription in core::mem::take(&mut usage.subscriptions) {
            self.finish(subscription, Ended::DialogEnded);
        }
        self.end_call(now, id, usage);
    }

    fn end_call(&mut self, now: Duration, id: DialogId, usage: Usage) {
        if usage.call {
            self.remember_departed(now, usage.tag);
        }
        if let Some(session) = usage.session {
            self.stop_session(*session);
        }
        if let Some(accepted) = usage.accepted {
            self.timers.stop(accepted.repeat);
            self.timers.stop(accepted.timeout);
            if let (Some(_), Some(bye)) = (accepted.deferred, usage.bye) {
                self.clients.remove(bye.0);
                self.events.push_back(Event::Failed { id: bye, reason: Failure::Overtaken });
            }
        }
        match usage.invite {
            Some(Pending::Theirs(key)) => {
                let waited = self.end_reliable(key).is_some();
                if let (true, Some(bye)) = (waited, usage.bye) {
                    self.clients.remove(bye.0);
                    self.events.push_back(Event::Failed { id: bye, reason: Failure::Overtaken });
                }
                self.terminate_invite(now, key);
            }
            Some(Pending::Ours(client)) => {
                if let Some(client) = self.clients.get_mut(client.0)
                    && client.dialog == Some(id)
                {
                    client.orphaned = Some(Box::new(usage.dialog));
                }
            }
            None => {}
        }
    }

    /// Drops a dialog without a word to the peer: for a user that has lost track of it, or whose
    /// BYE was challenged and who has no credentials.
    ///
    /// # Errors
    ///
    /// The dialog is gone.
    pub fn abandon(&mut self, now: Duration, dialog: DialogId) -> Result<(), Error> {
        if !self.dialogs.contains(dialog.0) {
            return Err(Error::Gone(Noun::Dialog));
        }
        self.remove_dialog(now, dialog);
        // Nor are its subscriptions kept.
        self.remove_dialog(now, dialog);
        Ok(())
    }

    /// Our BYE has its outcome.
    pub(super) fn bye_ended(
        &mut self,
        now: Duration,
        id: ClientId,
        dialog: Option<DialogId>,
        challenged: bool,
    ) {
        let Some(dialog) = dialog else { return };
        if !challenged {
            self.remove_dialog(now, dialog);
        } else if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.bye.take_if(|bye| *bye == id);
        }
    }

    /// Our 2xx is out: repeats it until the ACK comes (§13.3.1.4), which a BYE may wait for.
    pub(super) fn await_ack(
        &mut self,
        now: Duration,
        dialog: DialogId,
        server: ServerKey,
        number: u32,
        bytes: Bytes,
        deferred: Option<Box<Request>>,
    ) {
        let timing = self.config.timing;
        let Some(flow) = self.transactions.server_flow(server) else { return };
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        usage.accepted = Some(Box::new(Accepted {
            server,
            number,
            flow,
            bytes,
            interval: timing.t1,
            repeat: self.timers.start(now + timing.t1, Wake::RepeatAccept(dialog)),
            timeout: self.timers.start(now + timing.timeout(), Wake::AckTimeout(dialog)),
            deferred,
        }));
    }

    pub(super) fn repeat_accept(&mut self, now: Duration, dialog: DialogId) {
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        let Some(accepted) = &mut usage.accepted else { return };
        // The transaction knows where responses go by now, should its connection have been lost.
        let flow = self.transactions.server_flow(accepted.server).unwrap_or(accepted.flow);
        self.transactions.transmit(flow, accepted.bytes.clone());
        accepted.interval = (accepted.interval * 2).min(self.config.timing.t2);
        accepted.repeat = self.timers.start(now + accepted.interval, Wake::RepeatAccept(dialog));
    }

    /// The ACK for a 2xx came; `true` when it is the one waited for.
    pub(super) fn acknowledged(&mut self, now: Duration, dialog: DialogId, ack: Request) {
        let number = ack.headers.require::<crate::header::CSeq>().map(|cseq| cseq.number);
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        let Some(accepted) = usage.accepted.take_if(|accepted| Ok(accepted.number) == number)
        else {
            return;
        };
        usage.turns.acknowledged();
        self.timers.stop(accepted.repeat);
        self.timers.stop(accepted.timeout);
        self.events.push_back(Event::Ack { dialog, request: ack });
        self.send_deferred(now, dialog, *accepted);
    }

    pub(super) fn ack_timeout(&mut self, now: Duration, dialog: DialogId) {
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return };
        let Some(accepted) = usage.accepted.take() else { return };
        usage.turns.acknowledged();
        self.timers.stop(accepted.repeat);
        if accepted.deferred.is_none() {
            self.events.push_back(Event::AckTimeout { dialog });
        }
        self.send_deferred(now, dialog, *accepted);
    }

    fn send_deferred(&mut self, now: Duration, dialog: DialogId, accepted: Accepted) {
        let Some(request) = accepted.deferred else { return };
        let Some(bye) = self.dialogs.get(dialog.0).and_then(|usage| usage.bye) else { return };
        if self.send_in(now, dialog, bye, *request).is_err() {
            self.events.push_back(Event::Failed { id: bye, reason: Failure::Overtaken });
            self.remove_dialog(now, dialog);
        }
    }

    /// Ends an INVITE of the peer's that its user has not answered.
    pub(super) fn terminate_invite(&mut self, now: Duration, key: ServerKey) {
        if !self.transactions.is_pending(key) {
            return;
        }
        self.answer_invite(now, key, StatusCode::REQUEST_TERMINATED);
        self.events.push_back(Event::Cancelled { id: ServerId(key) });
    }

    /// A connection is lost: dialogs on it have to find another.
    pub(super) fn forget_connection(&mut self, flow: Flow) {
        if flow.connection.is_none() {
            return;
        }
        for (_, usage) in self.dialogs.iter_mut() {
            if usage.dialog.flow() == flow {
                usage.dialog.set_flow(Flow { connection: None, ..flow });
            }
        }
    }
}
