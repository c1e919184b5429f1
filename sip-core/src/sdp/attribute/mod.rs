//! `a=` lines: kept as they came, typed on demand.

mod crypto;
mod fingerprint;
mod fmtp;
mod group;
mod ice;
mod line;
mod list;
mod rtcp;
mod rtpmap;
mod setup;

pub use crypto::{Crypto, CryptoKey};
pub use fingerprint::Fingerprint;
pub use fmtp::Fmtp;
pub use group::{Group, Mid};
pub use ice::{Candidate, IcePwd, IceUfrag};
pub use line::{Attribute, TypedAttribute};
pub use list::Attributes;
pub use rtcp::Rtcp;
pub use rtpmap::Rtpmap;
pub use setup::Setup;

pub(super) use fmtp::fmtp_parts;
pub(super) use rtpmap::RtpmapParts;
