//! Where a request is to go, and the places that this turns out to be.

use core::fmt;
use core::net::SocketAddr;
use std::collections::VecDeque;

use crate::transaction::Failure;
use crate::{Host, SipUri, StatusCode, Transport, Uri};

/// What a URI says about the next hop (RFC 3263 §4).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Destination {
    /// The host, or the `maddr`.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// The transport, where one is written.
    pub transport: Option<Transport>,
    /// Whether only TLS will do (`sips`).
    pub secure: bool,
}

impl Destination {
    /// The destination that a URI names; `None` when it is no sip or sips URI.
    pub fn of(uri: &Uri) -> Option<Self> {
        uri.as_sip().map(Self::from)
    }
}

impl From<&SipUri> for Destination {
    fn from(uri: &SipUri) -> Self {
        Self {
            host: uri.maddr().unwrap_or_else(|| uri.host().clone()),
            port: uri.port().filter(|port| *port != 0),
            transport: uri.transport(),
            secure: uri.is_secure(),
        }
    }
}

/// One place to send a request to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// The host of the URI: what a peer has to prove over TLS, whatever DNS said on the way
    /// (RFC 5922 §5).
    pub host: Host,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.address)
    }
}

/// How an attempt at a target failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The transaction failed.
    Failed(Failure),
    /// It was answered.
    Answered(StatusCode),
}

impl Trouble {
    /// Whether the next target is to be tried (§4.3): nobody answered, nothing could be sent, or
    /// the server answered 503.
    pub fn warrants_another(self) -> bool {
        match self {
            Self::Failed(Failure::Timeout | Failure::Transport(_)) => true,
            Self::Failed(Failure::Overtaken | Failure::Unanswered) => false,
            Self::Answered(status) => status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The targets of a destination, the one to be tried first in front.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Targets(VecDeque<Target>);

impl Targets {
    /// The one to try now.
    pub fn first(&self) -> Option<&Target> {
        self.0.front()
    }

    /// Passes over the first one.
    pub fn advance(&mut self) -> Option<Target> {
        self.0.pop_front()
    }

    /// All that are left, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        self.0.iter()
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts TCP before each UDP target when a request of `bytes` is too long for a datagram
    /// (RFC 3261 §18.1.1): more than 1,300 bytes, or within 200 of the path's MTU where that is
    /// known. UDP stays behind it, for peers that do without TCP although they must not.
    #[must_use]
    pub fn for_size(self, bytes: usize, path_mtu: Option<usize>) -> Self {
        let longest = path_mtu.map_or(1300, |mtu| mtu.saturating_sub(200));
        if bytes <= longest {
            return self;
        }
        let mut out = VecDeque::with_capacity(self.0.len() * 2);
        for target in self.0 {
            if target.transport == Transport::Udp {
                let stream = Target { transport: Transport::Tcp, ..target.clone() };
                if !out.contains(&stream) {
                    out.push_back(stream);
                }
            }
            if !out.contains(&target) {
                out.push_back(target);
            }
        }
        Self(out)
    }
}

impl FromIterator<Target> for Targets {
    fn from_iter<I: IntoIterator<Item = Target>>(targets: I) -> Self {
        Self(targets.into_iter().collect())
    }
}
