//! Opening hours: is it open at this instant, why, and until when.

mod hours;
#[expect(clippy::module_inception, reason = "one noun, one file")]
mod schedule;
mod state;
mod week;

pub use hours::{Hours, HoursError, Span};
pub use schedule::{BuildError, Builder, Schedule};
pub use state::{Cause, State, Why};
pub use week::{Week, WeekError, weekdays};
