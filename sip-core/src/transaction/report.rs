//! What the transaction layer says, and how much it may hold.

use super::Failure;
use crate::slab::Key;

/// Names a client transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientKey(pub(crate) Key);

/// Names a server transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerKey(pub(crate) Key);

/// What [`Transactions::receive_request`](super::Transactions::receive_request) found for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// No transaction: a request to make one for, or an ACK for a 2xx.
    Unmatched,
    /// A repetition; it has been dealt with.
    Absorbed,
    /// An ACK for a 2xx, within the transaction of its INVITE (RFC 6026).
    Ack(ServerKey),
}

/// What [`Transactions::receive_response`](super::Transactions::receive_response) found for a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The user is to see it: it is provisional, final for the first time, or a 2xx to an INVITE,
    /// repetitions included.
    Deliver(ClientKey),
    /// A repetition; it has been dealt with.
    Absorbed,
    /// No transaction of ours.
    Stray,
}

/// What became of a transaction when nobody was asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome<C, S> {
    /// A client transaction is over; with a failure its user has got no final response from it.
    ClientEnded {
        /// Which.
        key: ClientKey,
        /// What its user had attached.
        user: C,
        /// Why, when it failed.
        failure: Option<Failure>,
    },
    /// A server transaction is over.
    ServerEnded {
        /// Which.
        key: ServerKey,
        /// What its user had attached.
        user: S,
        /// Why, when it failed.
        failure: Option<Failure>,
    },
    /// A response could not be sent; the transaction goes on (RFC 6026 §8.7). Of a 2xx to an INVITE
    /// this is said also when its ACK has come, which the layer does not see.
    ServerTrouble {
        /// Which.
        key: ServerKey,
        /// Why.
        failure: Failure,
    },
}

/// How much [`Transactions`](super::Transactions) may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tables {
    /// Client transactions. Default 65,536. The CANCEL of an INVITE that is among them finds room
    /// beyond this number, one for each: a full table must not keep calls from ending.
    pub clients: usize,
    /// Server transactions. Default 65,536.
    pub servers: usize,
    /// Messages waiting for [`poll_transmit`](super::Transactions::poll_transmit); more are dropped as a full network
    /// would drop them. Default 16,384.
    pub transmits: usize,
}

impl Default for Tables {
    fn default() -> Self {
        Self { clients: 65_536, servers: 65_536, transmits: 16_384 }
    }
}
