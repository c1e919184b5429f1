//! What can go wrong, and whose fault it is.

use crate::StatusCode;

/// A bound of [`Limits`](super::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Bytes of the body.
    Bytes,
    /// Bytes of one line.
    LineBytes,
    /// Lines of the body.
    Lines,
    /// `m=` lines.
    Media,
    /// Attributes of one level.
    Attributes,
    /// Formats of one `m=` line.
    Formats,
}

/// A body is no session description, which is the peer's fault, or is larger than a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SDP line {line}, offset {offset}: {kind}")]
pub struct SdpError {
    /// Line number, from 1.
    pub line: usize,
    /// Offset from the start of the body, in bytes: where the part at fault begins.
    pub offset: usize,
    /// What is wrong.
    pub kind: SdpErrorKind,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SdpErrorKind {
    /// A line is not a type letter, `=`, and a value (RFC 8866 §5).
    #[error("not of the form <type>=<value>")]
    NotALine,
    /// CR or NUL stands inside a line (RFC 8866 §9, byte-string).
    #[error("byte {0:#04x} inside a line")]
    ControlByte(u8),
    /// A letter that RFC 8866 does not define; §5 asks to ignore the whole description.
    #[error("unknown type letter '{}'", .0.escape_ascii())]
    UnknownType(u8),
    /// A line comes where the grammar does not have it.
    #[error("'{}=' is out of place", .0.escape_ascii())]
    OutOfOrder(u8),
    /// A line comes twice where one is allowed.
    #[error("'{}=' comes twice", .0.escape_ascii())]
    Repeated(u8),
    /// A line that must be there is not.
    #[error("'{}=' is missing", .0.escape_ascii())]
    Missing(u8),
    /// A value does not follow the grammar of its line.
    #[error("malformed '{}=' line", .0.escape_ascii())]
    Malformed(u8),
    /// A number is larger than its field.
    #[error("a number of the '{}=' line is too large", .0.escape_ascii())]
    Overflow(u8),
    /// A network or address type other than `IN IP4` and `IN IP6`.
    #[error("network or address type of the '{}=' line is not supported", .0.escape_ascii())]
    AddressType(u8),
    /// A limit is reached.
    #[error("limit reached: {0:?}")]
    Limit(Limit),
}

impl SdpError {
    /// The status a UAS answers: 400 for a malformed body, 413 for one over a limit (RFC 3261 §21.4).
    pub fn status(&self) -> StatusCode {
        match self.kind {
            SdpErrorKind::Limit(_) => StatusCode::REQUEST_ENTITY_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// An attribute is there, and its value does not follow its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed a={name} at offset {offset} of its value")]
pub struct AttributeError {
    /// The attribute's name.
    pub name: &'static str,
    /// Offset in the value, in bytes.
    pub offset: usize,
}

impl AttributeError {
    pub(in crate::sdp) fn new(name: &'static str, offset: usize) -> Self {
        Self { name, offset }
    }
}

/// Why an offer is refused. [`status`](Self::status) is what to answer; the session stays as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The description has no `m=` line.
    #[error("the offer has no media")]
    NoMedia,
    /// No stream is audio.
    #[error("the offer has no audio stream")]
    NoAudio,
    /// Audio comes only over transports that are not supported (SRTP, say).
    #[error("no audio stream of a supported transport")]
    Transport,
    /// An audio stream has no usable address.
    #[error("no audio stream has a unicast address")]
    NoAddress,
    /// No codec in common.
    #[error("no codec in common")]
    NoCommonCodec,
    /// A new offer has fewer `m=` lines than the session (RFC 3264 §8).
    #[error("the offer drops streams of the session")]
    StreamsDropped,
    /// Our own offer is under way (RFC 3261 §14.2, RFC 3311 §5.2).
    #[error("offers crossed")]
    Glare,
    /// The peer's previous offer has not been answered yet.
    #[error("the previous offer is not answered yet")]
    OfferPending,
    /// There is no offer to answer: misuse by the caller.
    #[error("there is no offer to answer")]
    NothingToAnswer,
}

impl Rejection {
    /// The status to answer: 488, 400 for a description without media, 491 when offers crossed, 500 with a
    /// `Retry-After` of 0 to 10 s when an earlier offer is pending (RFC 3261 §14.2), 500 for misuse.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoMedia => StatusCode::BAD_REQUEST,
            Self::Glare => StatusCode::REQUEST_PENDING,
            Self::OfferPending | Self::NothingToAnswer => StatusCode::SERVER_INTERNAL_ERROR,
            _ => StatusCode::NOT_ACCEPTABLE_HERE,
        }
    }

    /// The code of a `Warning` header that goes with a 488 (RFC 3261 §20.43).
    pub fn warning(&self) -> Option<u16> {
        match self {
            Self::Transport => Some(302),
            Self::NoAudio => Some(304),
            Self::NoCommonCodec => Some(305),
            Self::NoAddress => Some(301),
            Self::StreamsDropped => Some(399),
            _ => None,
        }
    }
}

/// Why an answer cannot be used.
///
/// All but [`NoOffer`](Self::NoOffer) are the peer's fault; a caller whose first answer fails acknowledges it
/// and says goodbye, one whose re-offer fails may keep the session as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no offer of ours to answer: misuse, or a peer that answers twice differently.
    #[error("there is no offer to which this is the answer")]
    NoOffer,
    /// The answer has another number of `m=` lines than the offer (RFC 3264 §6).
    #[error("{answered} streams answered, {offered} offered")]
    StreamCount {
        /// `m=` lines of the offer.
        offered: usize,
        /// `m=` lines of the answer.
        answered: usize,
    },
    /// The audio stream is answered as another medium or transport.
    #[error("the answer changes the medium or the transport of a stream")]
    StreamChanged,
    /// The audio stream is declined with port 0.
    #[error("the peer declined the audio stream")]
    Declined,
    /// The answer accepts audio and names no codec of the offer.
    #[error("no codec of the offer is in the answer")]
    NoCommonCodec,
    /// The audio stream has no usable address.
    #[error("the answer has no unicast address")]
    NoAddress,
}

/// An offer cannot be made now: misuse by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// An offer of ours is not answered yet.
    #[error("an offer of ours is not answered yet")]
    LocalOfferPending,
    /// The peer's offer is not answered yet.
    #[error("the peer's offer is not answered yet")]
    RemoteOfferPending,
}
