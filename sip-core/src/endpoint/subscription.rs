//! Subscriptions (RFC 6665), those that REFER makes included (RFC 3515): what both sides share.
//!
//! ```text
//!   subscriber                                             notifier
//!   subscribe(), refer() --- SUBSCRIBE, REFER ---> Event::Request
//!                       <--- 2xx ----------------- accept_subscription(), accept_refer()
//!   Event::Notified     <--- NOTIFY -------------- at once, and with notify()
//!     (200 by itself)   ---- 200 ---------------->
//!   (before it expires) ---- SUBSCRIBE ----------> Event::Resubscribed (200, NOTIFY by itself)
//!   unsubscribe()       ---- SUBSCRIBE, 0 -------> Event::SubscriptionEnded
//!   Event::SubscriptionEnded <--- NOTIFY, terminated --- end_subscription(), expiry
//! ```

use core::time::Duration;

use bytes::Bytes;

use super::{ClientId, Endpoint, Event, Wake};
use crate::dialog::{DialogId, DialogTag};
use crate::header::{self, ContentType, NameAddr};
use crate::slab::Key;
use crate::text::Token;
use crate::timer::TimerKey;
use crate::{HeaderError, Method, Request, Response};

/// Names a subscription of ours or of the peer's. It stays unique for the life of the endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubscriptionId(pub(super) Key);

/// Why a subscription is over.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// Our SUBSCRIBE or REFER was refused. After a 401 or 407 the user may try again with credentials.
    Refused(Box<Response>),
    /// The notifier said so, or we did as notifier (RFC 6665 §4.1.3).
    Terminated {
        /// `deactivated`, `noresource`, `timeout` …
        reason: Option<String>,
        /// Seconds to wait before subscribing again.
        retry_after: Option<u32>,
    },
    /// The referee has taken our REFER and will tell nothing of it, as we have asked (RFC 4488).
    NoSubscription,
    /// There was no NOTIFY within 64*T1 of our request (timer N), or no refresh was possible.
    TimedOut,
    /// A NOTIFY of ours was refused or not answered.
    Unreachable,
    /// Its dialog has ended before it was confirmed.
    DialogEnded,
}

/// What a NOTIFY says.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Notice {
    /// Whether the subscription waits for somebody's consent.
    pub pending: bool,
    /// The state that was subscribed to.
    pub body: Option<(ContentType, Bytes)>,
}

impl Notice {
    /// An active subscription's state.
    pub fn active(content_type: ContentType, body: impl Into<Bytes>) -> Self {
        Self { pending: false, body: Some((content_type, body.into())) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Subscriber,
    Notifier,
}

/// A subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) part: Part,
    /// `None` till the first NOTIFY of a subscription outside a dialog.
    pub(super) dialog: Option<DialogId>,
    pub(super) package: Token,
    pub(super) id: Option<String>,
    /// Whether a REFER has made it.
    pub(super) refer: bool,
    /// Where the first NOTIFYs are looked for.
    pub(super) awaits: Option<DialogTag>,
    /// The number and Contact of the request that asked for it.
    pub(super) number: u32,
    pub(super) contact: Option<NameAddr>,
    /// Seconds that were asked for last.
    pub(super) interval: u32,
    pub(super) timers: Timers,
    /// How many other notifiers have answered the same request.
    pub(super) forks: usize,
    /// When it expires.
    pub(super) deadline: Duration,
    /// Whether we have unsubscribed, or why we as notifier end it.
    pub(super) ending: Option<&'static str>,
    /// The NOTIFY that waits for its response, and whether another is to follow.
    pub(super) out: Option<ClientId>,
    pub(super) again: bool,
    pub(super) notice: Notice,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Timer N: the first NOTIFY.
    pub(super) wait: Option<TimerKey>,
    pub(super) refresh: Option<TimerKey>,
    pub(super) expiry: Option<TimerKey>,
}

impl Subscription {
    pub(super) fn new(part: Part, package: Token, id: Option<String>) -> Self {
        Self {
            part,
            dialog: None,
            refer: package.as_str().eq_ignore_ascii_case("refer"),
            package,
            id,
            awaits: None,
            number: 0,
            contact: None,
            interval: 0,
            timers: Timers::default(),
            forks: 0,
            deadline: Duration::ZERO,
            ending: None,
            out: None,
            again: false,
            notice: Notice::default(),
        }
    }

    pub(super) fn event(&self) -> header::Event {
        let mut event = header::Event::new(self.package.clone());
        if let Some(id) = &self.id {
            // It was read as a token.
            let _ = event.params.set("id", Some(id));
        }
        event
    }

    /// Whether a SUBSCRIBE or NOTIFY with this Event is about it.
    fn is_about(&self, event: &header::Event) -> bool {
        let same_id = match (&self.id, event.id()) {
            (own, given) if own.as_deref() == given => true,
            // RFC 3515 §2.4.6: the first REFER of a dialog may be reported without an id.
            (Some(_), None) => self.refer,
            _ => false,
        };
        same_id && event.package.as_str().eq_ignore_ascii_case(self.package.as_str())
    }
}

/// What a SUBSCRIBE or REFER of the peer's asks for, until its user has answered.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    pub(super) package: Token,
    pub(super) id: Option<String>,
    pub(super) expires: Option<u32>,
    /// Whether a REFER is to make a subscription.
    pub(super) wanted: bool,
}

impl Sought {
    /// Reads a SUBSCRIBE or REFER; `None` for anything else.
    pub(super) fn read(request: &Request, number: u32) -> Result<Option<Self>, HeaderError> {
        let headers = &request.headers;
        match request.method {
            Method::Subscribe => {
                let event: header::Event = headers.require()?;
                Ok(Some(Self {
                    id: event.id().map(str::to_owned),
                    package: event.package,
                    expires: headers.typed::<header::Expires>()?.map(|expires| expires.0),
                    wanted: true,
                }))
            }
            Method::Refer => {
                // Exactly one (RFC 3515 §2.4.2).
                headers.require::<header::ReferTo>()?;
                let sub = headers.typed::<header::ReferSub>().ok().flatten();
                Ok(Some(Self {
                    package: Token::from_static("refer"),
                    id: Some(number.to_string()),
                    expires: None,
                    wanted: sub.is_none_or(|sub| sub.subscribe),
                }))
            }
            _ => Ok(None),
        }
    }
}

impl Endpoint {
    /// How many subscriptions there are, on either side.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether a subscription is still there: one that has ended is, until its last NOTIFY is answered or given up.
    pub fn has_subscription(&self, id: SubscriptionId) -> bool {
        self.subscriptions.get(id.0).is_some()
    }

    /// The subscription of a dialog that a request with this Event is about.
    pub(super) fn find_subscription(
        &self,
        dialog: DialogId,
        part: Part,
        request: &Request,
    ) -> Option<SubscriptionId> {
        let usage = self.dialogs.get(dialog.0)?;
        if usage.subscriptions.is_empty() {
            return None;
        }
        let event: header::Event = request.headers.typed().ok()??;
        usage.subscriptions.iter().copied().find(|id| {
            self.subscriptions
                .get(id.0)
                .is_some_and(|known| known.part == part && known.is_about(&event))
        })
    }

    /// Binds a subscription to its dialog.
    pub(super) fn attach(&mut self, id: SubscriptionId, dialog: DialogId) {
        if let Some(subscription) = self.subscriptions.get_mut(id.0) {
            subscription.dialog = Some(dialog);
        }
        if let Some(usage) = self.dialogs.get_mut(dialog.0) {
            usage.subscriptions.push(id);
        }
    }

    /// Starts the time after which a subscription expires, and on the subscriber's side that of
    /// its refresh.
    pub(super) fn expire_in(&mut self, now: Duration, id: SubscriptionId, seconds: u32) {
        let Some(subscription) = self.subscriptions.get_mut(id.0) else { return };
        let Timers { expiry, refresh, .. } = &mut subscription.timers;
        for timer in [expiry.take(), refresh.take()].into_iter().flatten() {
            self.timers.stop(timer);
        }
        let length = Duration::from_secs(u64::from(seconds));
        subscription.deadline = now + length;
        // The notifier says that it is over; the subscriber gives that time to arrive.
        let grace = match subscription.part {
            Part::Subscriber => self.config.timing.timeout(),
            Part::Notifier => Duration::ZERO,
        };
        let deadline = subscription.deadline + grace;
        let expiry = self.timers.start(deadline, Wake::SubscriptionExpiry(id));
        subscription.timers.expiry = Some(expiry);
        if subscription.part == Part::Subscriber
            && !subscription.refer
            && subscription.ending.is_none()
        {
            let early = (length / 4).min(Duration::from_secs(32));
            let refresh = self.timers.start(now + length - early, Wake::SubscriptionRefresh(id));
            subscription.timers.refresh = Some(refresh);
        }
    }

    /// A subscription is over, and its user is told.
    pub(super) fn finish(&mut self, id: SubscriptionId, why: Ended) {
        let told = |known: &Subscription| known.part == Part::Notifier && known.ending.is_some();
        let told = self.subscriptions.get(id.0).is_some_and(told);
        if self.drop_subscription(id) && !told {
            self.events.push_back(Event::SubscriptionEnded { subscription: id, why });
        }
    }

    /// Forgets a subscription, and its dialog when that has no other use.
    pub(super) fn drop_subscription(&mut self, id: SubscriptionId) -> bool {
        let Some(subscription) = self.subscriptions.remove(id.0) else { return false };
        let timers = subscription.timers;
        for timer in [timers.wait, timers.refresh, timers.expiry].into_iter().flatten() {
            self.timers.stop(timer);
        }
        if let Some(awaits) = &subscription.awaits
            && self.awaited.get(awaits) == Some(&id)
        {
            self.awaited.remove(awaits);
        }
        let Some(dialog) = subscription.dialog else { return true };
        let Some(usage) = self.dialogs.get_mut(dialog.0) else { return true };
        usage.subscriptions.retain(|other| *other != id);
        if !usage.call && usage.subscriptions.is_empty() {
            self.forget_dialog(dialog);
        }
        true
    }

    /// Whether a subscription of ours has had no NOTIFY, so that a challenge ends it.
    pub(super) fn is_unheard(&self, id: SubscriptionId) -> bool {
        self.subscriptions.get(id.0).is_some_and(|known| known.timers.expiry.is_none())
    }

    /// A request of a subscription's has its final response.
    pub(super) fn subscription_answered(
        &mut self,
        now: Duration,
        id: SubscriptionId,
        client: ClientId,
        method: &Method,
        response: &Response,
    ) {
        match method {
            Method::Notify => self.notify_answered(now, id, client, response.status),
            _ => self.subscribe_answered(now, id, response),
        }
    }

    /// A request of a subscription's got no final response.
    pub(super) fn subscription_failed(&mut self, id: SubscriptionId, method: &Method) {
        match method {
            Method::Notify => self.notify_failed(id),
            _ => self.finish(id, Ended::TimedOut),
        }
    }
}
