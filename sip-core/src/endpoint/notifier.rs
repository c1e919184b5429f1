//! Subscriptions of the peer's (RFC 6665 §4.2), and its referrals (RFC 3515 §2.4).

use core::time::Duration;

use super::client::Client;
use super::receive::Arrival;
use super::subscription::{Ended, Notice, Part, Subscription, SubscriptionId};
use super::usage::Usage;
use super::{ClientId, Endpoint, Error, Event, Noun, ServerId, within};
use crate::dialog::DialogId;
use crate::header::{ContentType, Expires, MediaType, Params, ReferSub, SubscriptionState};
use crate::text::Token;
use crate::{Method, Response, StatusCode};

/// For how long the outcome of a REFER is waited for, in seconds (RFC 3515 §2.4.4).
const REFERRAL: u32 = 180;

impl Endpoint {
    /// Accepts a SUBSCRIBE with `response`, a 2xx; `notice` is the state that it asks for, which
    /// goes out in a NOTIFY at once (RFC 6665 §4.2.1.2). The subscription lives as long as the
    /// Expires of `response` says, or the time that the peer asks for, or an hour.
    ///
    /// The endpoint answers refreshes and repeats the last notice for them
    /// ([`Event::Resubscribed`]), and ends the subscription when it expires.
    ///
    /// # Errors
    ///
    /// The request is no SUBSCRIBE, or is answered; the response is no 2xx; the table is full.
    pub fn accept_subscription(
        &mut self,
        now: Duration,
        id: ServerId,
        mut response: Response,
        notice: Notice,
    ) -> Result<SubscriptionId, Error> {
        let user = self.transactions.server(id.0).ok_or(Error::Gone(Noun::Server))?;
        let asked = match user.sought() {
            Some(sought) if user.method == Method::Subscribe => sought.expires.unwrap_or(3600),
            _ => return Err(Error::NotAllowed("the request is no SUBSCRIBE")),
        };
        let expires = match response.headers.typed::<Expires>()? {
            Some(Expires(seconds)) => seconds.min(asked),
            None => asked,
        };
        response.headers.set(Expires(expires));
        let subscription = self.accept_any(now, id, response)?;
        if let Some(known) = self.subscriptions.get_mut(subscription.0) {
            known.notice = notice;
        }
        self.expire_in(now, subscription, expires);
        if expires == 0 {
            self.end_with(now, subscription, "timeout");
        } else {
            self.send_notify(now, subscription);
        }
        Ok(subscription)
    }

    /// Accepts a REFER with `response`, 202 or another 2xx, and reports `100 Trying` at once; the user tells
    /// the rest with [`report`](Self::report). `None` when the peer wants no reports and
    /// `norefersub` is in [`Config::supported`](super::Config::supported) (RFC 4488).
    ///
    /// # Errors
    ///
    /// The request is no REFER, or is answered; the response is no 2xx; the table is full.
    pub fn accept_refer(
        &mut self,
        now: Duration,
        id: ServerId,
        mut response: Response,
    ) -> Result<Option<SubscriptionId>, Error> {
        let user = self.transactions.server(id.0).ok_or(Error::Gone(Noun::Server))?;
        let wanted = match user.sought() {
            Some(sought) if user.method == Method::Refer => sought.wanted,
            _ => return Err(Error::NotAllowed("the request is no REFER")),
        };
        if !wanted && self.abilities.no_refer_sub {
            response.headers.set(ReferSub::new(false));
            self.respond(now, id, response)?;
            return Ok(None);
        }
        let subscription = self.accept_any(now, id, response)?;
        self.expire_in(now, subscription, REFERRAL);
        self.report(now, subscription, StatusCode::TRYING)?;
        Ok(Some(subscription))
    }

    fn accept_any(
        &mut self,
        now: Duration,
        id: ServerId,
        response: Response,
    ) -> Result<SubscriptionId, Error> {
        let key = id.0;
        if !response.status.is_success() {
            return Err(Error::NotAllowed("only a 2xx accepts"));
        }
        if !self.transactions.is_pending(key) {
            return Err(Error::Gone(Noun::Server));
        }
        if self.subscriptions.len() >= self.config.capacity.dialogs {
            return Err(Error::Full(Noun::Subscription));
        }
        let user = self.transactions.server_mut(key).ok_or(Error::Gone(Noun::Server))?;
        let dialog = user.dialog;
        let setup = user.setup.as_deref_mut().ok_or(Error::Gone(Noun::Server))?;
        let sought = setup.sought.take().ok_or(Error::Gone(Noun::Server))?;
        let seed = setup.seed.take();
        let dialog = match (dialog, seed) {
            (Some(dialog), _) if self.dialogs.contains(dialog.0) => dialog,
            (_, Some(seed)) => {
                let mut usage = Usage::new(*seed);
                usage.call = false;
                usage.dialog.confirm();
                self.add_dialog(usage)
            }
            _ => return Err(Error::Gone(Noun::Dialog)),
        };
        if let Some(user) = self.transactions.server_mut(key) {
            user.dialog = Some(dialog);
        }
        let known = Subscription::new(Part::Notifier, sought.package, sought.id);
        let subscription = SubscriptionId(self.subscriptions.insert(known));
        self.attach(subscription, dialog);
        self.respond(now, id, response)?;
        Ok(subscription)
    }

    /// Tells the subscriber of a new state. While a NOTIFY waits for its response the newest
    /// state is kept and sent next.
    ///
    /// # Errors
    ///
    /// The subscription is over or not the peer's.
    pub fn notify(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        notice: Notice,
    ) -> Result<(), Error> {
        self.notifier(id)?.notice = notice;
        self.send_notify(now, id);
        Ok(())
    }

    /// Tells what has become of a REFER: `message/sipfrag` with the status line (RFC 3515 §2.4.5). A
    /// final status ends the subscription.
    ///
    /// # Errors
    ///
    /// The subscription is over, or was not made by [`accept_refer`](Self::accept_refer).
    pub fn report(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        status: StatusCode,
    ) -> Result<(), Error> {
        let known = self.notifier(id)?;
        if !known.refer {
            return Err(Error::NotAllowed("no REFER made this subscription"));
        }
        let line = format!("SIP/2.0 {} {}\r\n", status.code(), status.reason());
        known.notice = Notice::active(sipfrag(), line.into_bytes());
        if status.is_final() {
            self.end_with(now, id, "noresource");
        } else {
            self.send_notify(now, id);
        }
        Ok(())
    }

    /// Ends a subscription of the peer's with a last NOTIFY; `reason` is one of RFC 6665 §4.1.3:
    /// `deactivated`, `probation`, `rejected`, `timeout`, `giveup`, `noresource`, `invariant`.
    ///
    /// # Errors
    ///
    /// The subscription is over or not the peer's.
    pub fn end_subscription(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        reason: &'static str,
        notice: Notice,
    ) -> Result<(), Error> {
        self.notifier(id)?.notice = notice;
        self.end_with(now, id, reason);
        Ok(())
    }

    fn notifier(&mut self, id: SubscriptionId) -> Result<&mut Subscription, Error> {
        let known = self.subscriptions.get_mut(id.0).ok_or(Error::Gone(Noun::Subscription))?;
        match known.part {
            Part::Notifier if known.ending.is_none() => Ok(known),
            Part::Notifier => Err(Error::Gone(Noun::Subscription)),
            Part::Subscriber => Err(Error::NotAllowed("the subscription is ours")),
        }
    }

    fn end_with(&mut self, now: Duration, id: SubscriptionId, reason: &'static str) {
        let Some(known) = self.subscriptions.get_mut(id.0) else { return };
        known.ending = Some(reason);
        if let Some(expiry) = known.timers.expiry.take() {
            self.timers.stop(expiry);
        }
        let reason = Some(reason.to_owned());
        let why = Ended::Terminated { reason, retry_after: None };
        self.events.push_back(Event::SubscriptionEnded { subscription: id, why });
        self.send_notify(now, id);
    }

    /// The subscription has expired.
    pub(super) fn subscription_expired(&mut self, now: Duration, id: SubscriptionId) {
        let Some(known) = self.subscriptions.get_mut(id.0) else { return };
        known.timers.expiry = None;
        match known.part {
            Part::Notifier => self.end_with(now, id, "timeout"),
            Part::Subscriber => self.finish(id, Ended::TimedOut),
        }
    }

    fn send_notify(&mut self, now: Duration, id: SubscriptionId) {
        let Some(known) = self.subscriptions.get_mut(id.0) else { return };
        if known.out.is_some() {
            known.again = true;
            return;
        }
        let Some(dialog) = known.dialog else { return };
        let mut request = within(Method::Notify);
        request.headers.push(known.event());
        request.headers.push(state_of(known, now));
        if let Some((kind, body)) = &known.notice.body {
            request.headers.push(kind.clone());
            request.body = body.clone();
        }
        let mut client = Client::new(Method::Notify, Some(dialog));
        client.own = true;
        client.subscription = Some(id);
        match self.request_as(now, dialog, request, client) {
            Ok(client) => {
                if let Some(known) = self.subscriptions.get_mut(id.0) {
                    known.out = Some(client);
                }
            }
            Err(_) => self.notify_failed(id),
        }
    }

    pub(super) fn notify_answered(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        client: ClientId,
        status: StatusCode,
    ) {
        let Some(known) = self.subscriptions.get_mut(id.0) else { return };
        if known.out.take_if(|out| *out == client).is_none() {
            return;
        }
        if !status.is_success() {
            self.notify_failed(id);
        } else if core::mem::take(&mut known.again) {
            self.send_notify(now, id);
        } else if known.ending.is_some() {
            self.drop_subscription(id);
        }
    }

    /// A NOTIFY did not get through: nobody is there (RFC 6665 §4.2.2).
    pub(super) fn notify_failed(&mut self, id: SubscriptionId) {
        match self.subscriptions.get(id.0).map(|known| known.ending) {
            Some(None) => self.finish(id, Ended::Unreachable),
            // Its end has been told.
            Some(Some(_)) => drop(self.drop_subscription(id)),
            None => {}
        }
    }

    /// A SUBSCRIBE that refreshes or ends a subscription: it is answered here.
    pub(super) fn receive_resubscribe(
        &mut self,
        now: Duration,
        arrival: Arrival,
        dialog: DialogId,
        id: SubscriptionId,
    ) {
        let asked = match arrival.request.headers.typed::<Expires>() {
            Ok(asked) => asked.map_or(3600, |expires| expires.0),
            Err(error) => return self.refuse(now, arrival, error.status(), |_| {}),
        };
        if self.subscriptions.get(id.0).is_none_or(|known| known.ending.is_some()) {
            return self.refuse(now, arrival, StatusCode::CALL_DOES_NOT_EXIST, |_| {});
        }
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.dialog.refresh_target(&arrival.request.headers);
        }
        self.refuse(now, arrival, StatusCode::OK, |response| response.headers.set(Expires(asked)));
        if asked == 0 {
            return self.end_with(now, id, "timeout");
        }
        self.expire_in(now, id, asked);
        self.send_notify(now, id);
        self.events.push_back(Event::Resubscribed { subscription: id, expires: asked });
    }
}

/// `message/sipfrag;version=2.0` (RFC 3420).
pub(super) fn sipfrag() -> ContentType {
    let mut params = Params::default();
    // Name and value are tokens.
    let _ = params.set("version", Some("2.0"));
    ContentType(MediaType {
        kind: Token::from_static("message"),
        subtype: Token::from_static("sipfrag"),
        params,
    })
}

fn state_of(known: &Subscription, now: Duration) -> SubscriptionState {
    let name = match known.ending {
        Some(_) => Token::from_static("terminated"),
        None if known.notice.pending => Token::from_static("pending"),
        None => Token::from_static("active"),
    };
    let mut state = SubscriptionState::new(name);
    let left = known.deadline.saturating_sub(now).as_secs().to_string();
    // Names and values are tokens.
    let _ = match known.ending {
        Some(reason) => state.params.set("reason", Some(reason)),
        None => state.params.set("expires", Some(&left)),
    };
    state
}
