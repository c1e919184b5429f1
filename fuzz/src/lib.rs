//! The bodies of the fuzz targets, as plain functions: each takes bytes and panics when a promise is broken.
//!
//! `fuzz_targets/` hands them to libFuzzer, `tests/replay.rs` runs them over the seeds without it.

#![forbid(unsafe_code)]

mod sdp;
mod sdp_offer_answer;

pub use sdp::sdp;
pub use sdp_offer_answer::sdp_offer_answer;

/// A target: its name, which is that of its folder under `seeds/`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[("sdp", sdp), ("sdp_offer_answer", sdp_offer_answer)];
