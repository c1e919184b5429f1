//! What an endpoint is told once, when it is made.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use super::NextHop;
use crate::dialog::session_timer;
use crate::flow::Flow;
use crate::message::Policy;
use crate::transaction::{Tables, Timing};
use crate::{HostPort, Limits, Method, Token};

/// How an endpoint behaves. The defaults are fit for use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// T1, T2 and T4.
    pub timing: Timing,
    /// How large a message may be.
    pub message: Limits,
    /// Which Request-URIs are taken beside sip and sips; others are answered 416.
    pub policy: Policy,
    /// How many transactions, dialogs and events there may be at a time.
    pub capacity: Capacity,
    /// Text of User-Agent and Server; `None` leaves both out.
    pub user_agent: Option<String>,
    /// The methods for Allow, which the endpoint writes into INVITE, its 2xx, the 2xx of OPTIONS
    /// and into 405. It refuses MESSAGE unless it is named here; other
    /// methods are the user's to refuse, with 405 or 501.
    pub allow: Vec<Method>,
    /// The option tags that a peer may require (§8.2.2.3); others are answered 420. They are
    /// also written into Supported. Empty by default. `100rel`, `timer`, `replaces`, `join`,
    /// `tdialog`, `norefersub` and `from-change` put the endpoint's own machines for them in force.
    pub supported: Vec<Token>,
    /// The INFO packages that we take (RFC 6086), written into Recv-Info; INFO with another is
    /// answered 469. Empty by default.
    pub info_packages: Vec<Token>,
    /// Session timers, in force when `timer` is in `supported`.
    pub session_timer: session_timer::Settings,
    /// How we name ourselves towards the peer of a flow.
    pub address: Address,
    /// Whether our requests over TLS carry `alias`, so that a peer which knows us by our certificate sends
    /// its own over the same connection (RFC 5923 §8). Default `false`: it is of use where the
    /// driver shows a certificate and listens at the address that Via names.
    pub alias: bool,
    /// Where requests within a dialog go.
    pub next_hop: NextHop,
    /// For how long the last provisional response to an INVITE may stand before it is sent again, so that proxies on the way do not give up (§13.3.1.1). Default 60 s.
    pub refresh_provisional: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            message: Limits::default(),
            policy: Policy::default(),
            capacity: Capacity::default(),
            user_agent: None,
            allow: vec![Method::Invite, Method::Ack, Method::Cancel, Method::Bye, Method::Options],
            supported: Vec::new(),
            info_packages: Vec::new(),
            session_timer: session_timer::Settings::default(),
            address: Address::default(),
            alias: false,
            next_hop: NextHop::default(),
            refresh_provisional: Duration::from_secs(60),
        }
    }
}

/// How much an endpoint may hold at a time. Beyond it a new request is answered 503 with
/// Retry-After, and a call of the user's gets [`Error::Full`](super::Error::Full).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Capacity {
    /// Transactions, and messages to be sent.
    pub transactions: Tables,
    /// Dialogs, early ones included, and as many subscriptions. Default 65,536.
    pub dialogs: usize,
    /// Dialogs that the forks of one INVITE or SUBSCRIBE may make. Default 16; answers of further forks are
    /// counted and dropped.
    pub forks: usize,
    /// Events that wait for [`poll_event`](super::Endpoint::poll_event) before new requests are
    /// refused. Default 16,384.
    pub events: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { transactions: Tables::default(), dialogs: 65_536, forks: 16, events: 16_384 }
    }
}

/// How the endpoint names itself in Via and Contact: by default with the flow's local address.
///
/// ```
/// use sip_core::HostPort;
/// use sip_core::endpoint::Address;
///
/// // Behind a NAT: strangers are told the public address, the local network the local one.
/// let address = Address::by(|flow| match flow.remote.ip() {
///     std::net::IpAddr::V4(ip) if ip.is_private() => flow.local.into(),
///     _ => HostPort::new(std::net::IpAddr::from([203, 0, 113, 7]), Some(flow.local.port())),
/// });
/// # let _ = address;
/// ```
#[derive(Clone, Default)]
pub struct Address(Option<Arc<Naming>>);

type Naming = dyn Fn(&Flow) -> HostPort + Send + Sync;

impl Address {
    /// Asks `name` for each flow.
    pub fn by(name: impl Fn(&Flow) -> HostPort + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(name)))
    }

    /// Our name towards the peer of `flow`.
    pub fn on(&self, flow: &Flow) -> HostPort {
        match &self.0 {
            Some(name) => name(flow),
            None => flow.local.into(),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Address(by flow)" } else { "Address(local)" })
    }
}
