//! The bodies of the fuzz targets, as plain functions: each takes bytes and panics when a promise is broken.
//!
//! `fuzz_targets/` hands them to libFuzzer, `tests/replay.rs` runs them over the seeds without it.

#![forbid(unsafe_code)]

mod demux;
mod dial_number;
mod dialplan_csv;
mod dialplan_pattern;
mod digest;
mod endpoint;
mod extensions_conf;
mod framer;
mod header_extension;
mod media_machine;
mod multipart;
mod plan_file;
mod records;
mod rtcp;
mod rtcp_xr;
mod rtp;
mod sdp;
mod sdp_offer_answer;
mod sip_headers;
mod sip_message;
mod srtp;
mod uri;
mod websocket;

pub use demux::demux;
pub use dial_number::dial_number;
pub use dialplan_csv::dialplan_csv;
pub use dialplan_pattern::dialplan_pattern;
pub use digest::digest;
pub use endpoint::endpoint;
pub use extensions_conf::extensions_conf;
pub use framer::framer;
pub use header_extension::header_extension;
pub use media_machine::media_machine;
pub use multipart::multipart;
pub use plan_file::plan_file;
pub use rtcp::rtcp;
pub use rtcp_xr::rtcp_xr;
pub use rtp::rtp;
pub use sdp::sdp;
pub use sdp_offer_answer::sdp_offer_answer;
pub use sip_headers::sip_headers;
pub use sip_message::sip_message;
pub use srtp::srtp;
pub use uri::uri;
pub use websocket::websocket;

/// A target: its name, which is that of its folder under `seeds/`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("demux", demux),
    ("dial_number", dial_number),
    ("dialplan_csv", dialplan_csv),
    ("dialplan_pattern", dialplan_pattern),
    ("digest", digest),
    ("endpoint", endpoint),
    ("extensions_conf", extensions_conf),
    ("framer", framer),
    ("header_extension", header_extension),
    ("media_machine", media_machine),
    ("multipart", multipart),
    ("plan_file", plan_file),
    ("rtcp", rtcp),
    ("rtcp_xr", rtcp_xr),
    ("rtp", rtp),
    ("sdp", sdp),
    ("sdp_offer_answer", sdp_offer_answer),
    ("sip_headers", sip_headers),
    ("sip_message", sip_message),
    ("srtp", srtp),
    ("uri", uri),
    ("websocket", websocket),
];
