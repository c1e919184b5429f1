//! What goes into an endpoint and what comes out of it.

use bytes::Bytes;

use super::subscription::{Ended, SubscriptionId};
use crate::dialog::DialogId;
use crate::flow::Flow;
use crate::slab::Key;
use crate::transaction::{Failure, ServerKey};
use crate::{Request, Response, StatusCode};

/// Names a request that the endpoint was asked to send. It stays unique for the life of the
/// endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientId(pub(super) Key);

/// Names a request that the endpoint has received and its user has to answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerId(pub(super) ServerKey);

/// What happened outside.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Input {
    /// A whole message arrived: a datagram, or what [`framing`](crate::framing) cut from a stream.
    Received {
        /// The flow it arrived on.
        flow: Flow,
        /// The message.
        message: Bytes,
    },
    /// A message could not be sent on this flow, or its connection is lost.
    FlowFailed {
        /// The flow as [`Transmit`](crate::Transmit) or [`Input::Received`] named it.
        flow: Flow,
    },
}

/// What the user is told.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request came in and waits for [`respond`](super::Endpoint::respond). Never an ACK and
    /// never a CANCEL.
    Request {
        /// Names it in the answer.
        id: ServerId,
        /// The dialog it belongs to; `None` outside one.
        dialog: Option<DialogId>,
        /// The request, its top Via completed with `received` and `rport`.
        request: Request,
        /// The flow it arrived on.
        flow: Flow,
    },
    /// The ACK for our 2xx came.
    Ack {
        /// The dialog.
        dialog: DialogId,
        /// The ACK; its body is the answer when the 2xx carried an offer.
        request: Request,
    },
    /// The PRACK for a reliable provisional response of ours came (RFC 3262). The endpoint has
    /// answered it; a PRACK with an offer comes as [`Event::Request`] instead.
    Prack {
        /// The INVITE that was answered.
        id: ServerId,
        /// The dialog.
        dialog: DialogId,
        /// The PRACK; its body is the answer when the response carried an offer.
        request: Request,
    },
    /// The session has to be refreshed, and the endpoint cannot: the peer does not take UPDATE, and
    /// either [`re_invite`](crate::dialog::session_timer::Settings::re_invite) is off or we never
    /// described the session. Send a re-INVITE with the present session description (RFC 4028
    /// §7.4). Without it the session expires.
    SessionRefreshDue {
        /// The dialog.
        dialog: DialogId,
    },
    /// The endpoint has refreshed the session by a re-INVITE and acknowledged its 2xx. The answer in
    /// that need not be the one that the peer gave before.
    SessionRefreshed {
        /// The dialog.
        dialog: DialogId,
        /// The 2xx.
        response: Response,
    },
    /// Nobody has refreshed the session (RFC 4028 §10), or the peer no longer knows it. The endpoint
    /// has sent BYE.
    SessionExpired {
        /// The dialog.
        dialog: DialogId,
        /// The BYE, whose outcome is told like that of any other; `None` when there was no room
        /// for one and the dialog is gone.
        bye: Option<ClientId>,
    },
    /// A NOTIFY came for a subscription or referral of ours. The endpoint has answered it.
    Notified {
        /// The subscription.
        subscription: SubscriptionId,
        /// Its dialog.
        dialog: DialogId,
        /// The NOTIFY.
        request: Request,
    },
    /// Our SUBSCRIBE has reached another notifier: a subscription of its own, whose first
    /// [`Event::Notified`] follows.
    SubscriptionForked {
        /// The subscription that was asked for.
        from: SubscriptionId,
        /// The new one.
        subscription: SubscriptionId,
    },
    /// The peer has refreshed its subscription. The endpoint has answered and repeated the last
    /// notice.
    Resubscribed {
        /// The subscription.
        subscription: SubscriptionId,
        /// Seconds that it lives from now on.
        expires: u32,
    },
    /// A subscription, of ours or of the peer's, is over.
    SubscriptionEnded {
        /// The subscription.
        subscription: SubscriptionId,
        /// Why.
        why: Ended,
    },
    /// An INVITE with Replaces was accepted, and the call that it replaces is being ended (RFC 3891).
    Replaced {
        /// The call that is over.
        dialog: DialogId,
        /// The call that took its place.
        by: DialogId,
        /// The BYE; `None` when the old one only rang at its peer and was cancelled.
        bye: Option<ClientId>,
    },
    /// A request was cancelled: a CANCEL came, or a BYE ended its dialog. The endpoint has
    /// answered it 487; `id` is spent.
    Cancelled {
        /// The INVITE, as its [`Event::Request`] named it.
        id: ServerId,
    },
    /// A response to a request of ours. Of final responses each request gets one, of 2xx to an
    /// INVITE one for each dialog.
    Response {
        /// Our request.
        id: ClientId,
        /// The dialog that the request belongs to, or that the response belongs to or made.
        dialog: Option<DialogId>,
        /// The response.
        response: Response,
        /// The flow it arrived on.
        flow: Flow,
    },
    /// A request of ours got no final response.
    Failed {
        /// Our request.
        id: ClientId,
        /// Why.
        reason: Failure,
    },
    /// No ACK came within 64*T1 of our 2xx. The dialog stays until the user sends BYE (§13.3.1.4).
    AckTimeout {
        /// The dialog.
        dialog: DialogId,
    },
    /// A response of the user's did not get through: nobody acknowledged it in 64*T1, its flow
    /// failed, or there was no response in the time in which one could still be of use.
    ///
    /// Of a 2xx to an INVITE, each time that it or its repetition could not be sent (RFC 6026 §8.7).
    /// It is repeated all the same, and [`AckTimeout`](Self::AckTimeout) tells when that was in vain; a
    /// user who has seen enough ends the call.
    ResponseFailed {
        /// The request it answered.
        id: ServerId,
        /// Why.
        reason: Failure,
    },
    /// A message was refused or dropped before it reached a transaction.
    Malformed {
        /// The flow it arrived on.
        flow: Flow,
        /// What it was answered, when it was a request that could be answered.
        answered: Option<StatusCode>,
        /// Why, fit for a log.
        reason: String,
    },
}

/// What an endpoint has counted since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Statistics {
    /// Messages received.
    pub received: u64,
    /// Of these, malformed ones.
    pub malformed: u64,
    /// Requests refused because the endpoint was full.
    pub refused: u64,
    /// Responses that belong to no transaction of ours.
    pub stray_responses: u64,
    /// ACKs that belong to nothing.
    pub stray_acks: u64,
    /// Requests for a dialog that is not there.
    pub unknown_dialogs: u64,
    /// Messages dropped because the driver did not take them fast enough.
    pub dropped: u64,
}
