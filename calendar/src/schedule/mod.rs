//! Opening hours: is it open at this instant, why, and until when.
//!
//! What decides, from the strongest to the weakest: an [`Override`] by hand, an [`Exception`], the
//! production calendar's days off, working weekends and short days ([`OnCalendar`]), [`Recurring`]
//! hours, a [`Season`], the [`Week`].

mod build_error;
mod builder;
mod check;
mod clock;
mod exception;
#[cfg(feature = "toml")]
mod file;
mod hours;
mod on_calendar;
mod parts;
mod plan;
#[expect(clippy::module_inception, reason = "one noun, one file")]
mod schedule;
mod season;
mod state;
mod week;

pub use build_error::BuildError;
pub use builder::Builder;
pub use check::Finding;
pub use exception::{Change, Exception, Override, Recurring};
pub use hours::{Hours, HoursError, Span};
pub use on_calendar::{OnCalendar, WithoutData};
pub use schedule::Schedule;
pub use season::{MonthDay, MonthDayError, Season, SeasonRange};
pub use state::{Cause, State, Until, Why};
pub use week::{Week, WeekError, weekdays};
