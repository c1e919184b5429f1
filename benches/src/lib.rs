//! What the benchmarks of Trunkline's crates do and what they do it with: the same jobs, input, seeds
//! and virtual time for each way of measuring.
//!
//! A job takes its input and gives back whatever is left, or works on it in place, so that neither
//! making the one nor dropping the other is measured.
#![forbid(unsafe_code)]

pub mod call;
pub mod dtmf;
pub mod g711;
pub mod invite;
pub mod jitter;
pub mod register;
pub mod relay;
pub mod rtp;
pub mod sdp;
pub mod sip;
pub mod uas;

use std::hint::black_box;

/// Makes the input of a job that has been done once before: what is done at the first use only (looking
/// at the processor, memory for a table) is not what the job costs.
pub fn warm<I, O>(input: impl Fn() -> I, job: impl Fn(I) -> O) -> I {
    black_box(job(input()));
    input()
}
