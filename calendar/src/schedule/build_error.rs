use alloc::string::String;

use jiff::civil::Date;

use super::{HoursError, MonthDay, Schedule};

/// The parts of a schedule contradict each other or cannot be used: the mistake of who wrote it.
///
/// Numbers count from 0 in the order in which the parts were added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two exceptions want different things of one date.
    #[error(
        "exceptions {} and {} contradict each other on {date}; join them into one, or move one",
        first + 1, second + 1
    )]
    Contradiction {
        /// The first date on which they do.
        date: Date,
        /// The number of the one that was added first.
        first: usize,
        /// The number of the other.
        second: usize,
    },
    /// An exception or a season ends before it begins.
    #[error("{what} {} ends on {last}, before it begins on {first}; swap the dates", number + 1)]
    Backwards {
        /// "exception" or "season".
        what: &'static str,
        /// Its number.
        number: usize,
        /// Where it begins.
        first: Date,
        /// Where it ends.
        last: Date,
    },
    /// Two seasons want one day.
    #[error("seasons {} and {} both claim {day}; end one before the other begins", first + 1, second + 1)]
    SeasonsOverlap {
        /// The number of the one that was added first.
        first: usize,
        /// The number of the other.
        second: usize,
        /// The first day of the year that both claim.
        day: MonthDay,
    },
    /// An exception lies outside of 1970 to 2099.
    #[error("exception {} reaches outside of the years 1970 to 2099", number + 1)]
    OutOfRange {
        /// Its number.
        number: usize,
    },
    /// Exceptions and rules make more than [`Schedule::MAX_SPECIAL_DAYS`].
    #[error(
        "more than {} days differ from the weekly hours; use seasons",
        Schedule::MAX_SPECIAL_DAYS
    )]
    TooManyDays,
    /// A time condition names a zone that is not the schedule's.
    #[error("time condition {} is in the zone {zone}, the schedule is not; make two schedules", number + 1)]
    OtherZone {
        /// Its number.
        number: usize,
        /// Its zone.
        zone: String,
    },
    /// A time condition that can never be true, or not what its text suggests.
    #[error("time condition {}: {warning}", number + 1)]
    Condition {
        /// Its number.
        number: usize,
        /// What Asterisk would log.
        warning: String,
    },
    /// More than 32 time conditions.
    #[error("more than 32 time conditions; join them with &")]
    TooManyConditions,
    /// Hours that do not fit together.
    #[error(transparent)]
    Hours(#[from] HoursError),
}
