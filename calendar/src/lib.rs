#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod file_error;
mod gotoiftime;
mod recurrence;
mod text;
mod zone;

pub mod arithmetic;
pub mod ics;
#[cfg(feature = "osm")]
pub mod osm;
pub mod production;
pub mod schedule;

pub use file_error::{FileError, FileProblem};
pub use gotoiftime::GotoIfTime;
pub use production::Calendar;
pub use recurrence::{Frequency, Occurrences, Problem, Recurrence, RecurrenceError};
pub use schedule::{Schedule, State};
pub use text::{Lang, Name, month_name, weekday_name};
pub use zone::{UnknownZone, zone};
