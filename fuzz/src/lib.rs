//! The bodies of the fuzz targets, as plain functions: each takes bytes and panics when a promise is broken.
//!
//! `fuzz_targets/` hands them to libFuzzer, `tests/replay.rs` runs them over the seeds without it.

#![forbid(unsafe_code)]

mod dialplan_pattern;
mod digest;
mod endpoint;
mod forward;
mod framer;
mod media_machine;
mod records;
mod rtcp;
mod rtp;
mod sdp;
mod sdp_offer_answer;
mod sip_headers;
mod sip_message;
mod uri;

pub use dialplan_pattern::dialplan_pattern;
pub use digest::digest;
pub use endpoint::endpoint;
pub use forward::forward;
pub use framer::framer;
pub use media_machine::media_machine;
pub use rtcp::rtcp;
pub use rtp::rtp;
pub use sdp::sdp;
pub use sdp_offer_answer::sdp_offer_answer;
pub use sip_headers::sip_headers;
pub use sip_message::sip_message;
pub use uri::uri;

/// A target: its name, which is that of its folder under `seeds/`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("dialplan_pattern", dialplan_pattern),
    ("digest", digest),
    ("endpoint", endpoint),
    ("forward", forward),
    ("framer", framer),
    ("media_machine", media_machine),
    ("rtcp", rtcp),
    ("rtp", rtp),
    ("sdp", sdp),
    ("sdp_offer_answer", sdp_offer_answer),
    ("sip_headers", sip_headers),
    ("sip_message", sip_message),
    ("uri", uri),
];
