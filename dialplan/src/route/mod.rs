//! Routes: over which trunks a number goes out, in which order, and when it does not.

mod emergency;
mod guard;
mod policy;
mod router;
mod selection;
mod trunk;

pub use emergency::Emergency;
pub use guard::{Guard, Ledger, Refusal, SpendingLimit};
pub use policy::Policy;
pub use router::{Choice, Route, RouteRequest, Router, RouterError, Usage};
pub use selection::{Attempt, Failure, Selection, Skipped, Why};
pub use trunk::{Failover, Trunk, TrunkId};
