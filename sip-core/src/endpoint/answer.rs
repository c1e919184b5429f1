//! Responses to requests of ours.

use core::time::Duration;

use super::client::{Cancel, ClientUser, Fork};
use super::usage::{Ack, Pending, Usage};
use super::{ClientId, Endpoint, Event};
use crate::dialog::negotiation::{Offer, describes};
use crate::dialog::{Dialog, DialogId, DialogState, DialogTag};
use crate::flow::Flow;
use crate::header::{CSeq, To, Via};
use crate::transaction::{Answer, ClientKey, Failure};
use crate::{Method, Response, StatusCode};

impl Endpoint {
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
        let (own, offer) = (client.own, client.offer.filter(|_| status.is_final()));
        if let (Some(dialog), Some(offer)) = (dialog, offer) {
            self.close_offer(dialog, offer);
        }
        if status.is_success()
            && let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0))
        {
            usage.dialog.set_flow(flow);
            if method == Method::Update {
                usage.dialog.refresh_target(&response.headers);
            }
        }
        if status.is_success() {
            self.taken(id, dialog);
        }
        if let (Method::Update, Some(dialog)) = (&method, dialog)
            && status.is_success()
        {
            self.session_answered(now, dialog, &response.headers);
        }
        if status == StatusCode::SESSION_INTERVAL_TOO_SMALL && self.try_again(now, id, &response) {
            return;
        }
        let subscription = self.clients.get(id.0).and_then(|client| client.subscription);
        if let Some(subscription) = subscription.filter(|_| status.is_final()) {
            let begins = self.is_unheard(subscription);
            self.subscription_answered(now, subscription, id, &method, &response);
            if begins || method == Method::Notify {
                return;
            }
        }
        if own && !is_challenge(status) {
            if let (Method::Update, Some(dialog)) = (&method, dialog)
                && status.is_final()
            {
                self.refreshed(now, dialog, &method, status);
            }
            return;
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
            let fork = self.fork_of_answer(id, key, &response, flow);
            let client = self.clients.get(id.0);
            let dialog = client.zip(fork).and_then(|(c, fork)| c.forks.get(fork)).map(|f| f.dialog);
            let mut tell = true;
            if let Some(dialog) = dialog {
                self.learn_methods(dialog, &response.headers);
                tell = !self.abilities.reliable || self.provided(now, id, dialog, &response);
            }
            let own = self.clients.get(id.0).is_some_and(|client| client.own);
            if tell && !own {
                self.events.push_back(Event::Response { id, dialog, response, flow });
            }
            let wanted = self.clients.get(id.0).is_some_and(|c| c.cancel == Cancel::Wanted);
            if wanted {
                self.send_cancel(now, id);
            }
        } else if status.is_success() {
            self.accepted_by_peer(now, id, key, response, flow);
        } else {
            let Some(client) = self.clients.get_mut(id.0) else { return };
            client.finished = true;
            let dialog = client.dialog;
            if let Some(timer) = client.cancel_timeout.take() {
                self.timers.stop(timer);
            }
            self.release_invite(id, dialog);
            if status == StatusCode::SESSION_INTERVAL_TOO_SMALL
                && self.try_again(now, id, &response)
            {
                return;
            }
            let own = self.clients.get(id.0).is_some_and(|client| client.own);
            match dialog.filter(|_| own && !is_challenge(status)) {
                Some(dialog) => self.refreshed(now, dialog, &Method::Invite, status),
                None => self.events.push_back(Event::Response { id, dialog, response, flow }),
            }
            self.end_early_forks(now, id);
        }
    }

    fn accepted_by_peer(
        &mut self,
        now: Duration,
        id: ClientId,
        key: ClientKey,
        response: Response,
        flow: Flow,
    ) {
        let fork = self.fork_of_answer(id, key, &response, flow);
        let (Some(fork), Some(client)) = (fork, self.clients.get_mut(id.0)) else {
            self.statistics.stray_responses += 1;
            return;
        };
        let Some(fork) = client.forks.get_mut(fork) else { return };
        if fork.accepted {
            if let Some((flow, bytes)) = &fork.ack {
                self.transactions.transmit(*flow, bytes.clone());
            }
            return;
        }
        let dialog = fork.dialog;
        let Ok(number) = response.headers.require::<CSeq>().map(|cseq| cseq.number) else { return };
        fork.accepted = true;
        client.finished = true;
        if let Some(timer) = client.cancel_timeout.take() {
            self.timers.stop(timer);
        }
        let Some(usage) = self.dialogs.get_mut(dialog.0) else {
            return self.accepted_too_late(id, key, number, response, flow);
        };
        usage.ack = Some(Ack { number, client: id, sent: false });
        usage.invite.take_if(|invite| *invite == Pending::Ours(id));
        if usage.dialog.state() == DialogState::Early {
            // The 2xx decides the route set, whatever the provisional responses said (§13.2.2.4).
            let _ = usage.dialog.answered(&response, flow);
            usage.dialog.confirm();
        } else {
            usage.dialog.refresh_target(&response.headers);
            usage.dialog.set_flow(flow);
        }
        let described = describes(&response.headers, &response.body);
        usage.turns.response_came(described, true);
        self.session_answered(now, dialog, &response.headers);
        if self.taken(id, Some(dialog)) {
            // There is nothing to say in it: the 2xx has answered our offer.
            let _ = self.ack(now, dialog, None);
            self.events.push_back(Event::SessionRefreshed { dialog, response });
        } else {
            self.events.push_back(Event::Response { id, dialog: Some(dialog), response, flow });
        }
    }

    /// What a request of ours said of the session is in force. Says whether the endpoint itself had
    /// sent it.
    fn taken(&mut self, id: ClientId, dialog: Option<DialogId>) -> bool {
        let Some(client) = self.clients.get(id.0) else { return false };
        let own = client.own;
        if let (Some(dialog), Some(described)) = (dialog, &client.described) {
            let described = Some(described.clone());
            self.described(dialog, described);
        }
        own
    }

    /// A 2xx to a re-INVITE whose dialog has ended by BYE: it is acknowledged, so that the peer
    /// does not wait, and told as the outcome; there is nothing more to do about it.
    fn accepted_too_late(
        &mut self,
        id: ClientId,
        key: ClientKey,
        number: u32,
        response: Response,
        flow: Flow,
    ) {
        let orphaned = self.clients.get_mut(id.0).and_then(|client| client.orphaned.take());
        let ack = orphaned.map(|dialog| self.ack_alone(&dialog, number, key));
        let Some(client) = self.clients.get_mut(id.0) else { return };
        if let Some(fork) = client.forks.first_mut() {
            fork.ack = ack;
        }
        let (dialog, own) = (client.dialog, client.own);
        if !own {
            self.events.push_back(Event::Response { id, dialog, response, flow });
        }
    }

    /// Which of the peers that answer an INVITE a response is from; the first one of a peer makes
    /// its dialog. `None` for 100 and whatever makes no dialog.
    fn fork_of_answer(
        &mut self,
        id: ClientId,
        key: ClientKey,
        response: &Response,
        flow: Flow,
    ) -> Option<usize> {
        let client = self.clients.get(id.0)?;
        if client.dialog.is_some() {
            return Some(0);
        }
        let tagged = response.headers.require::<To>().ok()?.tag().is_some();
        let provisional = response.status.is_provisional();
        if provisional && (!tagged || response.status == StatusCode::TRYING) {
            return None;
        }
        let tag = DialogTag::of_response(&response.headers).ok()?;
        let known = client.forks.iter().position(|fork| fork.tag == tag);
        if let Some(known) = known
            && let Some(fork) = client.forks.get(known)
            && (fork.accepted || self.dialogs.contains(fork.dialog.0))
        {
            return Some(known);
        }
        // A provisional response does not bring back the early dialog that was ended by BYE.
        let full = client.forks.len() >= self.config.capacity.forks;
        if (known.is_some() && provisional) || (known.is_none() && full) {
            return None;
        }
        let invite = self.transactions.sent_invite(key)?;
        let mut usage = Usage::new(Dialog::caller(invite, response, flow).ok()?);
        usage.invite = Some(Pending::Ours(id));
        usage.turns.invite(client.offer);
        let dialog = self.add_dialog(usage);
        let forks = &mut self.clients.get_mut(id.0)?.forks;
        // An early dialog that was ended by BYE and is answered 2xx all the same starts anew.
        match known.and_then(|known| forks.get_mut(known).map(|fork| (known, fork))) {
            Some((known, fork)) => {
                fork.dialog = dialog;
                Some(known)
            }
            None => {
                // Nearly always there is but one.
                forks.reserve_exact(1);
                forks.push(Fork::new(tag, dialog));
                Some(forks.len() - 1)
            }
        }
    }

    /// An INVITE of ours in a dialog is no longer in progress.
    fn release_invite(&mut self, id: ClientId, dialog: Option<DialogId>) {
        if let Some(usage) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog.0)) {
            usage.invite = usage.invite.filter(|pending| *pending != Pending::Ours(id));
            usage.turns.invite_failed();
        }
    }

    /// The request in which an offer of ours travelled is over.
    fn close_offer(&mut self, dialog: DialogId, offer: Offer) {
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.turns.closed(offer);
        }
    }

    /// Forks that rang and did not answer are over (§12.3, §13.2.2.4).
    pub(super) fn end_early_forks(&mut self, now: Duration, id: ClientId) {
        let Some(client) = self.clients.get_mut(id.0) else { return };
        let forks = core::mem::take(&mut client.forks);
        for Fork { dialog, .. } in forks {
            let early = |usage: &Usage| usage.dialog.state() == DialogState::Early;
            if self.dialogs.get(dialog.0).is_some_and(early) {
                self.remove_dialog(now, dialog);
            }
        }
    }

    pub(super) fn client_ended(
        &mut self,
        now: Duration,
        key: ClientKey,
        user: ClientUser,
        failure: Option<Failure>,
    ) {
        let ClientUser::Request(id) = user else { return };
        let Some(client) = self.clients.get_mut(id.0) else { return };
        // A request that was sent again has another transaction by now.
        if client.transaction.is_some_and(|current| current != key) {
            return;
        }
        let (dialog, finished) = (client.dialog, client.finished);
        if let Some(timer) = client.cancel_timeout.take() {
            self.timers.stop(timer);
        }
        let method = client.method.clone();
        let (own, offer, subscription) = (client.own, client.offer, client.subscription);
        for fork in &client.forks {
            // No more repetitions of the 2xx are expected. An ACK that the user still owes stays:
            // it is late, but not too late to be sent.
            if let Some(usage) = self.dialogs.get_mut(fork.dialog.0) {
                usage.ack.take_if(|ack| ack.client == id && ack.sent);
            }
        }
        if method == Method::Invite && !finished {
            self.release_invite(id, dialog);
        }
        self.end_early_forks(now, id);
        self.clients.remove(id.0);
        if finished {
            return;
        }
        if method != Method::Invite
            && let (Some(dialog), Some(offer)) = (dialog, offer)
        {
            self.close_offer(dialog, offer);
        }
        if let Some(subscription) = subscription {
            self.subscription_failed(subscription, &method);
        }
        if own {
            if let (Method::Update | Method::Invite, Some(dialog)) = (&method, dialog) {
                self.refreshed(now, dialog, &method, StatusCode::REQUEST_TIMEOUT);
            }
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
