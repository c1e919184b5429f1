//! Session descriptions (SDP, RFC 8866) and their negotiation by offer and answer (RFC 3264).
//!
//! Three layers, each usable alone:
//!
//! * [`SessionDescription`], [`Media`], [`Attributes`]: what is on the wire. Parsing copies the body
//!   once and slices it; every line and attribute is kept and written back as it came.
//! * [`OfferAnswer`]: the negotiation of one dialog with one audio stream. It makes and receives offers
//!   and answers, keeps the number and order of `m=` lines, declines what is not audio with port 0, and
//!   says in [`Negotiated`] where to send what.
//! * [`Relay`]: joins two dialogs, so that the offer of one becomes the offer to the other.
//!
//! ```
//! use core::net::{IpAddr, Ipv4Addr};
//! use sip_core::sdp::{Codec, Limits, Local, OfferAnswer, SessionDescription};
//!
//! let body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
//!              m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
//! let offer = SessionDescription::parse(body, &Limits::default())?;
//!
//! let mut local = Local::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 20_000);
//! local.codecs = vec![Codec::PCMA, Codec::PCMU];
//! let mut dialog = OfferAnswer::new(local);
//! dialog.receive_offer(&offer)?;
//! let (answer, media) = dialog.make_answer()?;
//!
//! assert_eq!(answer.media[0].port, 20_000);
//! assert_eq!(media.remote, Some("192.0.2.1:4000".parse()?));
//! assert_eq!(media.codecs[0].send_payload_type, 8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod agreement;
mod attribute;
mod codec;
mod direction;
mod error;
mod fault;
mod grammar;
mod limits;
mod local;
mod media;
mod negotiated;
mod numbers;
mod offer_answer;
mod parse;
mod peer;
mod relay;
mod session;
mod telephone_event;
mod text;
mod words;
mod write;

pub use address::{Address, AddressFamily, Connection};
pub use attribute::{
    Attribute, Attributes, Candidate, Crypto, CryptoKey, Fingerprint, Fmtp, Group, IcePwd,
    IceUfrag, Mid, Rtcp, Rtpmap, Setup, TypedAttribute,
};
pub use codec::Codec;
pub use direction::Direction;
pub use error::{
    AnswerError, AttributeError, Limit, Rejection, SdpError, SdpErrorKind, StateError,
};
pub use fault::AttributeFault;
pub use limits::{Limits, Strictness};
pub use local::{AnswerWith, CodecOrder, Local};
pub use media::{Format, Media, MediaKind, Protocol};
pub use negotiated::{Negotiated, NegotiatedCodec, NegotiatedTelephoneEvent};
pub use offer_answer::OfferAnswer;
pub use relay::{PayloadMap, Relay};
pub use session::{Bandwidth, Origin, SessionDescription, Time};
pub use telephone_event::TelephoneEvents;
pub use text::{Text, TextError};
