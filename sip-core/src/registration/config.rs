//! What a registration is told once.

use core::time::Duration;

use super::Backoff;
use crate::auth::client::Credentials;
use crate::header::NameAddr;
use crate::{SipUri, Uri};

/// What to register where, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Whom: From and To.
    pub aor: Uri,
    /// The Request-URI: the domain of `aor`.
    pub registrar: Uri,
    /// Where we can be reached. Registration adds what belongs to outbound and GRUU.
    pub contact: NameAddr,
    /// Who we are when asked. Default nobody.
    pub credentials: Option<Credentials>,
    /// Where to send REGISTERs, the preferred one first: each becomes a Route. When one fails the
    /// next is tried; with outbound, each gets a flow of its own. Empty, as by default: the
    /// registrar's own address.
    pub servers: Vec<Uri>,
    /// How long a registration is asked to last, in seconds. Default 3,600.
    pub expires: u32,
    /// Names this phone for ever, such as `urn:uuid:…` (RFC 5626 §4.1). Default none. With it,
    /// GRUUs are asked for.
    pub instance: Option<String>,
    /// Several flows at a time (RFC 5626). Default none. It takes an `instance`.
    pub outbound: Option<Outbound>,
    /// How flows are kept open. Default by empty lines.
    pub keep_alive: KeepAlive,
    /// To how many other targets a 300, 301 or 302 may lead, one after the other. Default 5; with 0 each
    /// of them is a refusal.
    pub redirections: usize,
    /// The pauses after failures.
    pub backoff: Backoff,
    /// When to come again after a final refusal, such as 403: by default never, since repeating a
    /// wrong password locks accounts.
    pub retry_refused: Option<Duration>,
}

/// Several flows at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outbound {
    /// How many, at most as many as there are servers; 1 where there are none.
    pub flows: usize,
}

/// How a flow is kept open (RFC 5626 §4.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeepAlive {
    /// Not at all: there is no NAT and no middlebox.
    Off,
    /// By empty lines: on a stream the server answers them, and a flow without answer in 10 s is
    /// dead (§4.4.1); over UDP nobody answers, and only the NAT is kept open.
    Lines {
        /// The longest time between two; each pause is 80 to 100 % of it. `None`: 29 s over UDP,
        /// 120 s on a stream, or what the server's Flow-Timer says.
        every: Option<Duration>,
    },
    /// By STUN over UDP (§4.4.2, RFC 5389), which also notices when the NAT has given us another
    /// address; by lines on a stream.
    Stun {
        /// As for lines.
        every: Option<Duration>,
    },
}

impl Config {
    /// Registers `contact` for `aor` at the domain that `aor` names.
    pub fn new(aor: SipUri, contact: SipUri) -> Self {
        let registrar = SipUri::new("", aor.host().clone(), aor.port());
        Self {
            registrar: registrar.with_secure(aor.is_secure()).into(),
            aor: aor.into(),
            contact: NameAddr::new(contact),
            credentials: None,
            servers: Vec::new(),
            expires: 3600,
            instance: None,
            outbound: None,
            keep_alive: KeepAlive::Lines { every: None },
            redirections: 5,
            backoff: Backoff::default(),
            retry_refused: None,
        }
    }
}
