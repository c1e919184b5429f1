//! What an exchange tells: its own features, programs and scripts read the same enum.

use std::net::SocketAddr;
use std::time::Duration;

use crate::call::{CallId, Cause};
use crate::directory::Party;
use crate::record::CallRecord;

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A call was let in and is being routed.
    Started {
        /// The call.
        call: CallId,
        /// Who calls.
        caller: Party,
        /// What was dialled.
        dialled: String,
    },
    /// A called party's telephone rings.
    Ringing {
        /// The call.
        call: CallId,
        /// Whose telephone.
        party: Party,
    },
    /// Somebody, or a service, answered.
    Answered {
        /// The call.
        call: CallId,
        /// Who.
        by: Party,
    },
    /// One side put the other on hold.
    Held {
        /// The call.
        call: CallId,
        /// Who did.
        by: Party,
    },
    /// One side took the other back from hold.
    Resumed {
        /// The call.
        call: CallId,
        /// Who did.
        by: Party,
    },
    /// A party pressed a key.
    Digit {
        /// The call.
        call: CallId,
        /// Who pressed it.
        by: Party,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long it was held.
        duration: Duration,
    },
    /// Audio of [`super::Command::Play`] was played to its end.
    Played {
        /// The call.
        call: CallId,
    },
    /// Nobody answered a [`super::Command::Dial`].
    DialFailed {
        /// The call.
        call: CallId,
        /// Why.
        cause: Cause,
    },
    /// A transfer has succeeded.
    Transferred {
        /// The call that came of it; its record names the transferor.
        call: CallId,
        /// The call between transferor and transferee, which is over.
        from: CallId,
    },
    /// Nobody answered a transfer, and the transferee came back.
    TransferFailed {
        /// The call between transferor and transferee.
        call: CallId,
        /// The status that the transferor was told.
        status: u16,
    },
    /// A call has ended; this is its record, which a store has been told to keep.
    Ended {
        /// What is kept of it.
        record: Box<CallRecord>,
    },
    /// An extension registered a contact, or refreshed one.
    Registered {
        /// The extension.
        extension: String,
        /// Where it can be reached.
        contact: String,
        /// For how long.
        expires: Duration,
    },
    /// An extension's contact was removed or ran out.
    Unregistered {
        /// The extension.
        extension: String,
        /// The contact that is gone.
        contact: String,
    },
    /// Somebody gave wrong credentials, or tried to call as somebody else.
    Refused {
        /// Where the request came from.
        source: SocketAddr,
        /// The method of the request.
        method: String,
        /// The status it was answered with.
        status: u16,
    },
    /// [`super::Command::Stop`] is done: no call is left.
    Stopped,
}

impl Event {
    /// The call this event is about, if it is about one.
    pub fn call(&self) -> Option<CallId> {
        match self {
            Self::Started { call, .. }
            | Self::Ringing { call, .. }
            | Self::Answered { call, .. }
            | Self::Held { call, .. }
            | Self::Resumed { call, .. }
            | Self::Digit { call, .. }
            | Self::Played { call }
            | Self::DialFailed { call, .. }
            | Self::Transferred { call, .. }
            | Self::TransferFailed { call, .. } => Some(*call),
            Self::Ended { record } => Some(record.call),
            Self::Registered { .. }
            | Self::Unregistered { .. }
            | Self::Refused { .. }
            | Self::Stopped => None,
        }
    }
}
