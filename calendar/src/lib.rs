#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod text;
mod zone;

pub mod schedule;

pub use schedule::{Schedule, State};
pub use text::Lang;
pub use zone::{UnknownZone, zone};
