//! The bodies of the fuzz targets, as plain functions: each takes bytes and panics when a promise is broken.
//!
//! `fuzz_targets/` hands them to libFuzzer, `tests/replay.rs` runs them over the seeds without it.

#![forbid(unsafe_code)]

mod comfort_noise;
mod demux;
mod dial_number;
mod dialplan_csv;
mod dialplan_pattern;
mod digest;
mod endpoint;
mod extensions_conf;
mod forward;
mod framer;
mod header_extension;
mod headers;
mod info_body;
mod media_machine;
mod multipart;
mod outline;
mod pieces;
mod plan_file;
mod quality_report;
mod records;
mod rtcp;
mod rtcp_xr;
mod rtp;
mod sdp;
mod sdp_offer_answer;
mod sip_headers_auth;
mod sip_headers_content;
mod sip_headers_dialog;
mod sip_headers_event;
mod sip_headers_identity;
mod sip_headers_routing;
mod sip_headers_session;
mod sip_message;
mod srtp;
mod telephone_event;
mod uri;
mod websocket;

pub use comfort_noise::comfort_noise;
pub use demux::demux;
pub use dial_number::dial_number;
pub use dialplan_csv::dialplan_csv;
pub use dialplan_pattern::dialplan_pattern;
pub use digest::digest;
pub use endpoint::endpoint;
pub use extensions_conf::extensions_conf;
pub use forward::forward;
pub use framer::framer;
pub use header_extension::header_extension;
pub use info_body::info_body;
pub use media_machine::media_machine;
pub use multipart::multipart;
pub use outline::outline;
pub use plan_file::plan_file;
pub use quality_report::quality_report;
pub use rtcp::rtcp;
pub use rtcp_xr::rtcp_xr;
pub use rtp::rtp;
pub use sdp::sdp;
pub use sdp_offer_answer::sdp_offer_answer;
pub use sip_headers_auth::sip_headers_auth;
pub use sip_headers_content::sip_headers_content;
pub use sip_headers_dialog::sip_headers_dialog;
pub use sip_headers_event::sip_headers_event;
pub use sip_headers_identity::sip_headers_identity;
pub use sip_headers_routing::sip_headers_routing;
pub use sip_headers_session::sip_headers_session;
pub use sip_message::sip_message;
pub use srtp::srtp;
pub use telephone_event::telephone_event;
pub use uri::uri;
pub use websocket::websocket;

/// A target: its name, which is that of its folder under `seeds/`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("comfort_noise", comfort_noise),
    ("demux", demux),
    ("dial_number", dial_number),
    ("dialplan_csv", dialplan_csv),
    ("dialplan_pattern", dialplan_pattern),
    ("digest", digest),
    ("endpoint", endpoint),
    ("extensions_conf", extensions_conf),
    ("forward", forward),
    ("framer", framer),
    ("header_extension", header_extension),
    ("info_body", info_body),
    ("media_machine", media_machine),
    ("multipart", multipart),
    ("outline", outline),
    ("plan_file", plan_file),
    ("quality_report", quality_report),
    ("rtcp", rtcp),
    ("rtcp_xr", rtcp_xr),
    ("rtp", rtp),
    ("sdp", sdp),
    ("sdp_offer_answer", sdp_offer_answer),
    ("sip_headers_auth", sip_headers_auth),
    ("sip_headers_content", sip_headers_content),
    ("sip_headers_dialog", sip_headers_dialog),
    ("sip_headers_event", sip_headers_event),
    ("sip_headers_identity", sip_headers_identity),
    ("sip_headers_routing", sip_headers_routing),
    ("sip_headers_session", sip_headers_session),
    ("sip_message", sip_message),
    ("srtp", srtp),
    ("telephone_event", telephone_event),
    ("uri", uri),
    ("websocket", websocket),
];
