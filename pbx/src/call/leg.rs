//! One leg of a call: a dialog with one telephone or trunk, and its media.

use std::time::Duration;

use sip_core::dialog::DialogId;
use sip_core::endpoint::{ClientId, ServerId, SubscriptionId};
use sip_core::{Flow, Request};

use super::CallId;
use super::session::Session;
use crate::directory::Party;
use crate::media::{Audio, Port};

/// The exchange's own number for a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(pub u64);

/// Which end began the leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The peer called us.
    Incoming,
    /// We called the peer.
    Outgoing,
}

/// Where a leg's INVITE and dialog are.
///
/// ```text
///  Inviting ----- 2xx ----> Answered --- ACK ---> Confirmed --- BYE sent ---> Leaving
///     |  \                     |                     |                           |
///     |   \-- CANCEL sent --> Cancelling             | BYE received              | answered
///     |                        |     \-- 2xx: ACK and BYE ----------------->     |
///     v refused                v                     v                           v
///                               (the signalling is done)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegState {
    /// The INVITE has no final response yet.
    Inviting,
    /// We sent a 2xx and wait for its ACK.
    Answered,
    /// The dialog is confirmed.
    Confirmed,
    /// We gave up our INVITE and wait for its final response.
    Cancelling,
    /// We sent BYE and wait for its answer.
    Leaving,
    /// Nothing more will be signalled.
    Done,
}

/// What a leg's peer should hear.
#[derive(Clone, Debug)]
pub(crate) enum Hearing {
    /// Nothing.
    Nothing,
    /// Itself.
    Echo,
    /// Audio of a service.
    Audio(Audio),
    /// Another leg.
    Leg(LegId),
}

/// A re-INVITE under way in a leg's dialog.
#[derive(Debug)]
pub(crate) enum Modification {
    /// The peer's, which waits until the other leg has answered ours.
    Theirs { id: ServerId, request: Box<Request> },
    /// Ours, sent because the other leg asked for it.
    Ours { id: ClientId },
}

/// One leg of a call.
pub struct Leg {
    pub(crate) call: CallId,
    pub(crate) side: Side,
    pub(crate) state: LegState,
    pub(crate) party: Party,
    pub(crate) flow: Flow,
    /// The caller's INVITE, kept until its final response.
    pub(crate) invite: Option<(ServerId, Box<Request>)>,
    /// Our INVITE, until its final response.
    pub(crate) inviting: Option<ClientId>,
    pub(crate) dialog: Option<DialogId>,
    pub(crate) session: Session,
    pub(crate) port: Option<Port>,
    /// The media machine has a stream on the port.
    pub(crate) open: bool,
    /// The port's close has been asked for.
    pub(crate) closing: bool,
    pub(crate) hearing: Hearing,
    pub(crate) modification: Option<Modification>,
    /// The 2xx or ACK that we sent asks the peer for an answer in its ACK.
    pub(crate) awaits_answer: bool,
    /// When to give up a re-INVITE of ours that only ever got a 100.
    pub(crate) guard: Option<Duration>,
    /// The last provisional status passed to the caller.
    pub(crate) provisional: u16,
    /// The peer has put us on hold.
    pub(crate) held: bool,
    /// Hops that the caller's request may still take (RFC 3261 §20.22).
    pub(crate) hops: u8,
    /// How often we have tried in vain to renew the session after a transfer.
    pub(crate) renewals: u8,
    /// A transfer has ended its call, and the peer may say BYE first.
    pub(crate) parting: bool,
    /// The reports of its transfer, which a BYE must not overtake.
    pub(crate) reports: Option<SubscriptionId>,
}

impl Leg {
    /// Which end began it.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Where its signalling is.
    pub fn state(&self) -> LegState {
        self.state
    }

    /// Whose leg it is.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// A dialog stands and nobody has begun to end it.
    pub(crate) fn talks(&self) -> bool {
        matches!(self.state, LegState::Answered | LegState::Confirmed)
    }
}
