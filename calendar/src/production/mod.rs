//! Production calendars: which days of a country or a company are worked, and why.

mod builder;
mod calendar;
mod countries;
mod day;
mod file;
mod notation;
mod rules;
mod weekend;

pub use builder::{BuildError, Builder};
pub use calendar::{Calendar, DecreeDays, Fallback, NoData, Year};
pub use countries::{COUNTRIES, UnknownCountry, country, russia};
pub use day::{Day, DayKind, Special, YearStatus};
pub use rules::{RULE_COUNTRIES, by_rules};
pub use weekend::Weekend;
