//! Dial strings, Asterisk-style patterns and the plan that says where a call goes.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod asterisk;
pub mod caller_id;
pub mod csv;
mod dialplan;
#[cfg(feature = "toml")]
pub mod file;
mod finding;
pub mod number;
pub mod pattern;
pub mod plan;
pub mod prefix;
pub mod rate;
pub mod route;
pub mod schedule;
mod trace;
pub mod variable;

pub use dialplan::{Call, Decision, Dialplan, Out, Rejection, Target};
pub use finding::{Fault, Finding};
pub use trace::{Line, Trace, Verdict};
