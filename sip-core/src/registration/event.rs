//! What a registration asks for and tells.

use core::net::SocketAddr;
use core::time::Duration;

use crate::flow::Flow;
use crate::{Request, StatusCode, Uri};

/// Names one REGISTER that was sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptId(pub(super) u64);

/// A REGISTER to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Names it in [`handle_response`](super::Registration::handle_response).
    pub id: AttemptId,
    /// The request, complete but for what the endpoint adds.
    pub request: Request,
    /// Where to: the server, or the registrar.
    pub hop: Uri,
    /// The flow to send it on, when there is one already; otherwise a new one to `hop`.
    pub flow: Option<Flow>,
}

/// What the user is told. `reg_id` is the flow's number, from 1; without outbound it is 1.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The registration stands, for the first time or again.
    Registered {
        /// Which flow.
        reg_id: u32,
        /// The flow.
        flow: Flow,
        /// For how long, unless it is refreshed, which happens by itself.
        expires: Duration,
        /// The address that the server saw us at, when its answer says so: through a NAT not ours.
        seen: Option<SocketAddr>,
        /// Our public GRUU (RFC 5627).
        public_gruu: Option<Box<Uri>>,
        /// Our latest temporary GRUU.
        temporary_gruu: Option<Box<Uri>>,
    },
    /// An attempt failed.
    Failed {
        /// Which flow.
        reg_id: u32,
        /// Why.
        reason: Reason,
        /// When the next attempt is made, on the clock of `now`; `None`: never.
        again: Option<Duration>,
    },
    /// We cannot be reached over this flow any more: it died, or the registration ran out.
    Lost {
        /// Which flow.
        reg_id: u32,
    },
    /// Nothing is registered any more, as was asked.
    Unregistered,
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// No answer, or no way to send.
    Unreachable,
    /// This answer.
    Status(StatusCode),
    /// A challenge that our credentials cannot answer: they are wrong, or for another realm.
    Credentials(crate::auth::client::Error),
    /// An answer that makes no sense.
    Malformed,
}
