//! Dial strings, Asterisk-style patterns and the plan that says where a call goes.
//!
//! ```
//! use dialplan::number::{Profile, Reading};
//! use dialplan::plan::Plan;
//!
//! // What an extension leads to is yours; here it is text.
//! let mut builder = Plan::builder();
//! builder.context("internal").add("100", "reception")?.add("_1XX", "user")?.add("_8.", "city")?;
//! let plan = builder.build()?;
//! assert_eq!(*plan.lookup("internal", "100")?.target, "reception");
//! let call = plan.lookup("internal", "84951234567")?;
//! assert_eq!((*call.target, call.pattern()), ("city", "_8."));
//!
//! // Outside, numbers are those of E.164.
//! let moscow = Profile::russia().area("495")?;
//! let Reading::Number(number) = moscow.normalise("8 (495) 123-45-67")?.reading else { unreachable!() };
//! assert_eq!(number.to_string(), "+74951234567");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | see |
//! |---|---|
//! | match what is dialled | [`pattern`], [`plan`] |
//! | read numbers | [`number`] |
//! | find a value by the first digits | [`prefix`] |
//! | choose trunks | [`route`] |
//! | choose the number shown | [`caller_id`] |
//! | say what a call costs | [`rate`] |
//! | have all of it in one place, with reasons and a check | [`Dialplan`], [`Dialplan::explain`], [`Dialplan::check`] |
//! | read what an Asterisk has | [`asterisk`] |
//!
//! The crate opens no file and reads no clock: time comes in as [`schedule::Schedules`], civil time
//! and durations, randomness as [`rand_core::Rng`].
//!
//! # Features
//!
//! | feature | gives |
//! |---|---|
//! | `std` (default) | `plan::SharedPlan`; without it the crate needs `alloc` only |
//! | `toml` | plans written in TOML |
//! | `phonenumber` | numbers of the whole world, by the metadata of libphonenumber |
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
