//! Subscriptions of ours (RFC 6665 §4.1), and referrals of ours (RFC 3515 §2.4).

use core::time::Duration;

use super::client::Client;
use super::receive::Arrival;
use super::subscription::{Ended, Part, Subscription, SubscriptionId};
use super::usage::Usage;
use super::{Endpoint, Error, Event, Noun, Wake, within};
use crate::dialog::{Dialog, DialogId, DialogTag};
use crate::flow::Flow;
use crate::header::{
    self, CSeq, CallIdRef, Contact, Expires, FromRef, MinExpires, ReferSub, ReferTo,
    SubscriptionState, ToRef,
};
use crate::text::Token;
use crate::{Method, Request, Response, StatusCode};

/// What is asked for when the user names no Expires, in seconds.
const USUAL: u32 = 3600;

impl Endpoint {
    /// Subscribes to what the Event of `request`, a SUBSCRIBE outside a dialog, names; completed as
    /// [`request`](Self::request) does. [`Event::Notified`] brings each NOTIFY, which the endpoint
    /// has answered; it refreshes the subscription in time. When the SUBSCRIBE forks, each notifier
    /// has a subscription of its own ([`Event::SubscriptionForked`]).
    ///
    /// # Errors
    ///
    /// The method is not SUBSCRIBE, a header is missing or malformed, or a table is full.
    pub fn subscribe(
        &mut self,
        now: Duration,
        request: Request,
        flow: Flow,
    ) -> Result<SubscriptionId, Error> {
        self.seek(now, request, flow, Method::Subscribe)
    }

    /// The same within a dialog.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe); the dialog is gone.
    pub fn subscribe_in(
        &mut self,
        now: Duration,
        dialog: DialogId,
        request: Request,
    ) -> Result<SubscriptionId, Error> {
        self.seek_in(now, dialog, request, Method::Subscribe)
    }

    /// Refers the peer to somebody else: `request` is a REFER with Refer-To. What becomes of it
    /// comes as [`Event::Notified`], with the referee's response in a body of type
    /// `message/sipfrag`. With `Refer-Sub: false` in it (RFC 4488) there is no such report, if the
    /// peer agrees.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    pub fn refer(
        &mut self,
        now: Duration,
        request: Request,
        flow: Flow,
    ) -> Result<SubscriptionId, Error> {
        self.seek(now, request, flow, Method::Refer)
    }

    /// The same within a dialog.
    ///
    /// # Errors
    ///
    /// As [`subscribe_in`](Self::subscribe_in).
    pub fn refer_in(
        &mut self,
        now: Duration,
        dialog: DialogId,
        request: Request,
    ) -> Result<SubscriptionId, Error> {
        self.seek_in(now, dialog, request, Method::Refer)
    }

    fn seek(
        &mut self,
        now: Duration,
        mut request: Request,
        flow: Flow,
        method: Method,
    ) -> Result<SubscriptionId, Error> {
        let mut subscription = self.sought(&mut request, method)?;
        self.fill_request(&mut request, &flow)?;
        let headers = &request.headers;
        let cseq: CSeq = headers.require()?;
        subscription.number = cseq.number;
        if subscription.refer {
            subscription.id = Some(cseq.number.to_string());
        }
        subscription.contact =
            headers.typed::<Contact>()?.and_then(|contact| contact.address().cloned());
        let call_id = headers.require::<CallIdRef<'_>>()?.as_str();
        let from = headers.require::<FromRef<'_>>()?;
        let awaits = DialogTag::new(call_id, from.tag().unwrap_or_default(), "");
        if self.awaited.contains_key(&awaits) {
            return Err(Error::NotAllowed("a subscription with this Call-ID and tag is waiting"));
        }
        subscription.awaits = Some(awaits.clone());
        let mut client = Client::new(request.method.clone(), None);
        client.own = true;
        let id = SubscriptionId(self.subscriptions.insert(subscription));
        client.subscription = Some(id);
        let client = super::ClientId(self.clients.insert(client));
        if let Err(error) = self.start(now, client, request, flow) {
            self.subscriptions.remove(id.0);
            return Err(error);
        }
        self.awaited.insert(awaits, id);
        self.wait_for_notify(now, id);
        Ok(id)
    }

    fn seek_in(
        &mut self,
        now: Duration,
        dialog: DialogId,
        mut request: Request,
        method: Method,
    ) -> Result<SubscriptionId, Error> {
        let mut subscription = self.sought(&mut request, method)?;
        let usage = self.dialogs.get(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        if subscription.refer {
            // The number that the REFER is about to have (RFC 3515 §2.4.6).
            let number = usage.dialog.local_number().wrapping_add(1) & 0x7fff_ffff;
            subscription.id = Some(number.to_string());
        }
        let mut client = Client::new(request.method.clone(), Some(dialog));
        client.own = true;
        let id = SubscriptionId(self.subscriptions.insert(subscription));
        client.subscription = Some(id);
        if let Err(error) = self.request_as(now, dialog, request, client) {
            self.subscriptions.remove(id.0);
            return Err(error);
        }
        self.attach(id, dialog);
        self.wait_for_notify(now, id);
        Ok(id)
    }

    /// The subscription that a SUBSCRIBE or REFER of ours asks for.
    fn sought(&self, request: &mut Request, method: Method) -> Result<Subscription, Error> {
        if request.method != method {
            return Err(Error::NotAllowed("the method is another"));
        }
        if self.subscriptions.len() >= self.config.capacity.dialogs {
            return Err(Error::Full(Noun::Subscription));
        }
        if method == Method::Refer {
            request.headers.require::<ReferTo>()?;
            let package = Token::from_static("refer");
            return Ok(Subscription::new(Part::Subscriber, package, None));
        }
        let event: header::Event = request.headers.require()?;
        let interval = match request.headers.typed::<Expires>()? {
            Some(expires) => expires.0,
            None => {
                request.headers.push(Expires(USUAL));
                USUAL
            }
        };
        let id = event.id().map(str::to_owned);
        let mut subscription = Subscription::new(Part::Subscriber, event.package, id);
        subscription.interval = interval;
        Ok(subscription)
    }

    /// Timer N (RFC 6665 §4.1.2.4).
    fn wait_for_notify(&mut self, now: Duration, id: SubscriptionId) {
        let deadline = now + self.config.timing.timeout();
        if let Some(subscription) = self.subscriptions.get_mut(id.0) {
            let wait = self.timers.start(deadline, Wake::NoNotify(id));
            if let Some(old) = subscription.timers.wait.replace(wait) {
                self.timers.stop(old);
            }
        }
    }

    /// Timer N has fired: no NOTIFY, or at least no further fork's.
    pub(super) fn no_notify(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return };
        subscription.timers.wait = None;
        if let Some(awaits) = subscription.awaits.take() {
            self.awaited.remove(&awaits);
        }
        let unheard = subscription.timers.expiry.is_none();
        if unheard || subscription.ending.is_some() {
            self.finish(id, Ended::TimedOut);
        }
    }

    /// Asks for the subscription to go on. `request` is a SUBSCRIBE made by [`within`] with what
    /// the user wants to add, such as credentials after [`Event::Response`] brought a challenge, or an
    /// Expires of its own. The endpoint does this by itself in time; it is not needed otherwise.
    ///
    /// # Errors
    ///
    /// The subscription is over, or is one that cannot be refreshed; the table is full.
    pub fn resubscribe(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        mut request: Request,
    ) -> Result<(), Error> {
        let subscription =
            self.subscriptions.get_mut(id.0).ok_or(Error::Gone(Noun::Subscription))?;
        if subscription.part != Part::Subscriber || request.method != Method::Subscribe {
            return Err(Error::NotAllowed("only a subscription of ours is refreshed"));
        }
        let dialog = subscription.dialog.ok_or(Error::NotAllowed("there was no NOTIFY as yet"))?;
        match request.headers.typed::<Expires>()? {
            Some(expires) => subscription.interval = expires.0,
            None => request.headers.push(Expires(subscription.interval)),
        }
        if subscription.interval == 0 {
            subscription.ending = Some("unsubscribed");
        }
        request.headers.set(subscription.event());
        let mut client = Client::new(Method::Subscribe, Some(dialog));
        client.own = true;
        client.subscription = Some(id);
        self.request_as(now, dialog, request, client)?;
        self.wait_for_notify(now, id);
        Ok(())
    }

    /// Ends a subscription of ours. The last NOTIFY still comes, then
    /// [`Event::SubscriptionEnded`]. Before the first NOTIFY it is given up at once, and a NOTIFY
    /// that comes after all is answered 481, which ends it at the notifier.
    ///
    /// # Errors
    ///
    /// The subscription is over or not ours; the table is full.
    pub fn unsubscribe(&mut self, now: Duration, id: SubscriptionId) -> Result<(), Error> {
        let subscription = self.subscriptions.get(id.0).ok_or(Error::Gone(Noun::Subscription))?;
        if subscription.part != Part::Subscriber {
            return Err(Error::NotAllowed("only a subscription of ours is ended so"));
        }
        if subscription.dialog.is_none() || subscription.refer {
            self.finish(id, Ended::TimedOut);
            return Ok(());
        }
        let mut request = within(Method::Subscribe);
        request.headers.push(Expires(0));
        self.resubscribe(now, id, request)
    }

    pub(super) fn refresh_subscription(&mut self, now: Duration, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id.0) {
            subscription.timers.refresh = None;
            // When there is no room, expiry decides.
            let _ = self.resubscribe(now, id, within(Method::Subscribe));
        }
    }

    /// Our SUBSCRIBE or REFER has its final response.
    pub(super) fn subscribe_answered(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        response: &Response,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return };
        let status = response.status;
        let established = subscription.timers.expiry.is_some();
        if status.is_success() {
            let refused = response.headers.typed::<ReferSub>().ok().flatten();
            if subscription.refer && refused.is_some_and(|sub| !sub.subscribe) {
                return self.finish(id, Ended::NoSubscription);
            }
            // What a NOTIFY has said is newer than this, unless this is a refresh.
            if let Ok(Some(Expires(seconds))) = response.headers.typed::<Expires>()
                && established
                && seconds > 0
            {
                self.expire_in(now, id, seconds);
            }
            return;
        }
        if status == StatusCode::INTERVAL_TOO_BRIEF
            && let Ok(Some(MinExpires(least))) = response.headers.typed::<MinExpires>()
            && established
            && least > subscription.interval
            && subscription.interval > 0
        {
            subscription.interval = least;
            let _ = self.resubscribe(now, id, within(Method::Subscribe));
            return;
        }
        // A refresh that is refused for other reasons leaves the subscription as it was, until it
        // expires (RFC 6665 §4.1.2.3); these say that it is gone (§4.1.2.2).
        let gone = matches!(status.code(), 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604);
        if !established || gone || subscription.ending.is_some() {
            self.finish(id, Ended::Refused(Box::new(response.clone())));
        }
    }

    /// The subscription that a NOTIFY outside every known dialog begins.
    pub(super) fn awaited(&self, request: &Request) -> Option<SubscriptionId> {
        if self.awaited.is_empty() || request.method != Method::Notify {
            return None;
        }
        let headers = &request.headers;
        let call_id = headers.require::<CallIdRef<'_>>().ok()?.as_str();
        let local = headers.require::<ToRef<'_>>().ok()?.tag()?;
        let id = *self.awaited.get(&DialogTag::new(call_id, local, ""))?;
        let event: header::Event = headers.typed().ok()??;
        let subscription = self.subscriptions.get(id.0)?;
        (event.package.as_str().eq_ignore_ascii_case(subscription.package.as_str())).then_some(id)
    }

    /// The first NOTIFY of a notifier: it makes the dialog (RFC 6665 §4.4.1).
    pub(super) fn first_notify(&mut self, now: Duration, arrival: Arrival, mut id: SubscriptionId) {
        if self.dialogs.len() >= self.config.capacity.dialogs {
            return self.refuse_full(&arrival);
        }
        let Some(subscription) = self.subscriptions.get(id.0) else { return };
        let (number, contact) = (subscription.number, subscription.contact.clone());
        let dialog = match Dialog::notified(&arrival.request, number, contact, arrival.flow) {
            Ok(dialog) => dialog,
            Err(error) => return self.refuse(now, arrival, error.status(), |_| {}),
        };
        if subscription.dialog.is_some() {
            // Another fork.
            let mut other = Subscription::new(
                Part::Subscriber,
                subscription.package.clone(),
                subscription.id.clone(),
            );
            other.interval = subscription.interval;
            let fork = SubscriptionId(self.subscriptions.insert(other));
            self.events.push_back(Event::SubscriptionForked { from: id, subscription: fork });
            id = fork;
        }
        let mut usage = Usage::new(dialog);
        usage.call = false;
        let dialog = self.add_dialog(usage);
        self.attach(id, dialog);
        self.receive_notify(now, arrival, dialog, id);
    }

    /// A NOTIFY for a subscription of ours.
    pub(super) fn receive_notify(
        &mut self,
        now: Duration,
        arrival: Arrival,
        dialog: DialogId,
        id: SubscriptionId,
    ) {
        let state = match arrival.request.headers.require::<SubscriptionState>() {
            Ok(state) => state,
            Err(error) => {
                self.refuse(now, arrival, error.status(), |_| {});
                // A subscription that only begins has nothing to live on.
                let heard = |known: &Subscription| known.timers.expiry.is_some();
                if !self.subscriptions.get(id.0).is_some_and(heard) {
                    self.finish(id, Ended::TimedOut);
                }
                return;
            }
        };
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return };
        let interval = match (state.expires(), subscription.refer) {
            (Some(seconds), _) => seconds,
            (None, true) => 180,
            (None, false) => subscription.interval,
        };
        if subscription.awaits.is_none()
            && let Some(wait) = subscription.timers.wait.take()
        {
            self.timers.stop(wait);
        }
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.dialog.refresh_target(&arrival.request.headers);
        }
        let request = arrival.request.clone();
        self.refuse(now, arrival, StatusCode::OK, |_| {});
        self.events.push_back(Event::Notified { subscription: id, dialog, request });
        if state.is("terminated") {
            let reason = state.reason().map(str::to_owned);
            let retry_after = state.retry_after();
            self.finish(id, Ended::Terminated { reason, retry_after });
        } else {
            self.expire_in(now, id, interval);
        }
    }
}
