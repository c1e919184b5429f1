//! A user agent core (RFC 3261 §8, §12 to §15): transactions, dialogs and the INVITE usage joined
//! into one machine without I/O.
//!
//! The driver gives an [`Endpoint`] what arrives ([`Endpoint::handle_input`]) and the passing of
//! time ([`Endpoint::handle_timeout`] at [`Endpoint::poll_timeout`]), and takes what is to be
//! sent ([`Endpoint::poll_transmit`]). The user asks for requests and answers, and is told what
//! happens ([`Endpoint::poll_event`]). Calls may come in any order.
//!
//! What the user need not do: Via, branches, retransmission, 100 Trying, matching, To tags, the
//! ACK for anything but a 2xx, answering CANCEL, 487, 481, 482, 491, out-of-order requests,
//! repeating a 2xx until its ACK and an ACK for each repeated 2xx, route sets and remote targets.
//! And, where [`Config::supported`] names them: PRACK, session refreshes, Replaces; answering and
//! refreshing subscriptions.
//!
//! ```text
//!    driver                         Endpoint                              user
//!   --------   handle_input    +------------------+   request, invite   --------
//!   sockets -----------------> | dialogs, usages  | <----------------- call control
//!            <---------------- | transactions     |   respond, ack, cancel
//!              poll_transmit   | timers           | ------------------>
//!                              +------------------+   poll_event
//! ```

mod ability;
mod ack;
mod answer;
mod client;
mod config;
mod description;
mod error;
mod event;
mod fill;
mod info;
mod named;
mod next_hop;
mod notifier;
mod peer;
mod receive;
mod refresh;
mod reliable;
mod server;
mod stateless;
mod subscriber;
mod subscription;
mod tag;
mod usage;
mod way_back;

pub use config::{Address, Capacity, Config};
pub use error::{Error, Noun};
pub use event::{ClientId, Event, Input, ServerId, Statistics};
pub use named::Named;
pub use next_hop::NextHop;
pub use stateless::Stateless;
pub use subscription::{Ended, Notice, SubscriptionId};

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use rand_core::Rng;

use crate::dialog::{Dialog, DialogId, DialogTag};
use crate::flow::Transmit;
use crate::keyed::{KeyedHash, Prehashed};
use crate::slab::Slab;
use crate::timer::Wheel;
use crate::transaction::{Outcome, ServerKey, Transactions};
use crate::{Method, Request, SipUri};

use ability::Abilities;
use client::{Client, ClientUser};
use fill::Lines;
use named::Departed;
use server::{Merged, ServerUser};
use subscription::Subscription;
use usage::Usage;

/// Room for so many requests of peers' is made at once.
const FIRST: usize = 32;

/// A user agent core. See the [module](self).
pub struct Endpoint {
    config: Config,
    abilities: Abilities,
    lines: Lines,
    random: Box<dyn Rng + Send>,
    transactions: Transactions<ClientUser, ServerUser>,
    clients: Slab<Client>,
    dialogs: Slab<Usage>,
    dialog_tags: HashMap<DialogTag, DialogId, KeyedHash>,
    hash: KeyedHash,
    merged: HashMap<Merged, ServerKey, Prehashed>,
    departed: Departed,
    subscriptions: Slab<Subscription>,
    /// Subscriptions that may get a first NOTIFY, by Call-ID and our tag.
    awaited: HashMap<DialogTag, SubscriptionId, KeyedHash>,
    timers: Wheel<Wake>,
    events: VecDeque<Event>,
    statistics: Statistics,
}

/// A request for [`Endpoint::request_in`], which writes its Request-URI: only the method is said.
///
/// ```
/// use sip_core::Method;
/// use sip_core::endpoint::within;
///
/// let bye = within(Method::Bye);
/// assert_eq!(bye.method, Method::Bye);
/// ```
pub fn within(method: Method) -> Request {
    let nowhere = core::net::IpAddr::from([0, 0, 0, 0]);
    Request::new(method, SipUri::new("", nowhere, None))
}

/// What a timer of the endpoint's own is for.
#[derive(Clone, Copy, Debug)]
enum Wake {
    /// 64*T1 after its CANCEL an INVITE is given up (§9.1).
    CancelTimeout(ClientId),
    /// A provisional response is sent again so that proxies keep waiting (§13.3.1.1).
    RefreshProvisional(ServerId),
    /// A 2xx is sent again (§13.3.1.4).
    RepeatAccept(DialogId),
    /// The ACK for a 2xx did not come.
    AckTimeout(DialogId),
    /// A reliable provisional response is sent again (RFC 3262 §3).
    RepeatProvisional(ServerId),
    /// The PRACK for one did not come.
    NoPrack(ServerId),
    /// A session is to be refreshed (RFC 4028 §10).
    Refresh(DialogId),
    /// A session was not refreshed.
    Expire(DialogId),
    /// The time to wait after 491 is over (§14.1).
    Glare(ClientId),
    /// A call that has ended need not be remembered any more.
    ForgetDeparted,
    /// The first NOTIFY did not come (timer N of RFC 6665).
    NoNotify(SubscriptionId),
    /// A subscription is to be refreshed.
    SubscriptionRefresh(SubscriptionId),
    /// A subscription is over.
    SubscriptionExpiry(SubscriptionId),
}

impl Endpoint {
    /// An endpoint at rest. `random` makes tags, branches, Call-IDs and table keys: a
    /// cryptographic generator seeded by the system, or by a number in tests.
    pub fn new(config: Config, mut random: Box<dyn Rng + Send>) -> Self {
        let mut transactions =
            Transactions::new(config.timing, config.capacity.transactions, &mut *random);
        transactions.offer_reuse(config.alias);
        Self {
            transactions,
            clients: Slab::default(),
            dialogs: Slab::default(),
            dialog_tags: HashMap::with_hasher(KeyedHash::new(&mut *random)),
            hash: KeyedHash::new(&mut *random),
            merged: HashMap::with_capacity_and_hasher(FIRST, Prehashed::default()),
            departed: Departed::new(KeyedHash::new(&mut *random)),
            subscriptions: Slab::default(),
            awaited: HashMap::with_hasher(KeyedHash::new(&mut *random)),
            timers: Wheel::new(),
            events: VecDeque::new(),
            statistics: Statistics::default(),
            abilities: Abilities::of(&config),
            lines: Lines::new(&config),
            config,
            random,
        }
    }

    /// Takes what happened outside.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        match input {
            Input::Received { flow, message } => self.receive(now, flow, message),
            Input::FlowFailed { flow } => {
                self.transactions.flow_failed(now, flow);
                self.forget_connection(flow);
            }
        }
        self.settle(now);
    }

    /// Runs every timer that is due at `now`.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.transactions.handle_timeout(now);
        self.settle(now);
        while let Some(wake) = self.timers.expire(now) {
            match wake {
                Wake::CancelTimeout(id) => self.give_up(id),
                Wake::RefreshProvisional(id) => self.refresh_provisional(now, id),
                Wake::RepeatAccept(dialog) => self.repeat_accept(now, dialog),
                Wake::AckTimeout(dialog) => self.ack_timeout(now, dialog),
                Wake::RepeatProvisional(id) => self.repeat_provisional(now, id),
                Wake::NoPrack(id) => self.no_prack(now, id),
                Wake::Refresh(dialog) => self.refresh_session(now, dialog),
                Wake::Expire(dialog) => self.expire_session(now, dialog),
                Wake::Glare(id) => self.glare_over(now, id),
                Wake::ForgetDeparted => self.departed.forget_oldest(),
                Wake::NoNotify(id) => self.no_notify(id),
                Wake::SubscriptionRefresh(id) => self.refresh_subscription(now, id),
                Wake::SubscriptionExpiry(id) => self.subscription_expired(now, id),
            }
            self.settle(now);
        }
    }

    /// The next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transactions.poll_transmit()
    }

    /// Sends the answer to a request that was not handed over, such as one of [`Stateless`], and counts that
    /// as received.
    pub fn send_answer(&mut self, answer: Transmit) {
        self.statistics.received += 1;
        self.transactions.transmit(answer.flow, answer.bytes);
    }

    /// The next thing to tell the user.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when nothing is pending. The
    /// moment named may be earlier than anything to do.
    pub fn poll_timeout(&self) -> Option<Duration> {
        match (self.transactions.poll_timeout(), self.timers.next()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// A dialog, to look at.
    pub fn dialog(&self, id: DialogId) -> Option<&Dialog> {
        self.dialogs.get(id.0).map(|usage| &usage.dialog)
    }

    /// The dialog that Call-ID, local and remote tag name, as Replaces and Target-Dialog do.
    pub fn find_dialog(&self, tag: &DialogTag) -> Option<DialogId> {
        self.dialog_tags.get(tag).copied()
    }

    /// How many transactions there are, those included that only wait for repetitions.
    pub fn transactions(&self) -> usize {
        self.transactions.clients() + self.transactions.servers()
    }

    /// How many dialogs there are, early ones included.
    pub fn dialogs(&self) -> usize {
        self.dialogs.len()
    }

    /// Whether nothing is kept: no transaction, dialog, timer, event or message. What
    /// [`transactions`](Self::transactions) and [`dialogs`](Self::dialogs) count is not all there is.
    pub fn is_idle(&self) -> bool {
        self.transactions.is_idle()
            && self.clients.len() == 0
            && self.dialogs.len() == 0
            && self.dialog_tags.is_empty()
            && self.merged.is_empty()
            && self.departed.is_empty()
            && self.subscriptions.len() == 0
            && self.awaited.is_empty()
            && self.timers.is_empty()
            && self.events.is_empty()
    }

    /// Gives back the room that a busier time has needed. Takes time for each transaction and dialog that
    /// there was room for: to be called when there is little to do.
    pub fn shrink(&mut self) {
        self.transactions.shrink();
        self.clients.shrink();
        self.dialogs.shrink();
        self.dialog_tags.shrink_to_fit();
        self.merged.shrink_to_fit();
        self.departed.shrink();
        self.subscriptions.shrink();
        self.awaited.shrink_to_fit();
        self.timers.shrink();
        self.events.shrink_to_fit();
    }

    /// What was counted so far.
    pub fn statistics(&self) -> Statistics {
        Statistics { dropped: self.transactions.dropped(), ..self.statistics }
    }

    /// What the endpoint was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Deals with the transactions that ended while something else was going on.
    fn settle(&mut self, now: Duration) {
        while let Some(outcome) = self.transactions.poll_outcome() {
            match outcome {
                Outcome::ClientEnded { key, user, failure } => {
                    self.client_ended(now, key, user, failure);
                }
                Outcome::ServerEnded { key, user, failure } => {
                    self.server_ended(now, key, user, failure);
                }
                Outcome::ServerTrouble { key, failure } => self.server_troubled(key, failure),
            }
        }
    }
}

impl core::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Endpoint")
            .field("transactions", &self.transactions())
            .field("dialogs", &self.dialogs())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is held for each call and request; the heap behind it comes on top.
    #[test]
    fn entries_of_the_tables_stay_small() {
        for (name, size, most) in [
            ("dialog", size_of::<Usage>(), 960),
            ("request of the peer's", size_of::<ServerUser>(), 128),
            ("request of ours", size_of::<Client>(), 160),
            ("subscription", size_of::<Subscription>(), 512),
        ] {
            assert!(size <= most, "{name}: {size} bytes");
        }
    }
}
