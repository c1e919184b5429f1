use alloc::{string::String, sync::Arc, vec::Vec};

use jiff::{civil::Date, tz::TimeZone};

use super::{
    Exception, Hours, HoursError, MonthDay, Override, Recurring, Schedule, Season, SeasonRange,
    Week,
    plan::{Base, Plans},
};
use crate::{Calendar, GotoIfTime};

/// Collects the parts of a [`Schedule`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    pub(super) zone: TimeZone,
    pub(super) base: Base,
    pub(super) recurring: Vec<Recurring>,
    pub(super) calendar: Option<OnCalendar>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) manual: Option<Override>,
}

/// How a schedule follows a production calendar.
#[derive(Clone, Debug)]
pub struct OnCalendar {
    /// The calendar.
    pub calendar: Arc<Calendar>,
    /// What holds in years that the calendar has no data for. The calendar's own fallback is not
    /// asked.
    pub without_data: WithoutData,
    /// The hours of holidays and moved days off; closed by default. Ordinary days of the weekend
    /// have their weekly hours.
    pub day_off: Hours,
    /// The hours of working weekends. By default those of the day whose rest they give, if the
    /// calendar knows it, else of a Monday.
    pub working_weekend: Option<Hours>,
    /// By how many seconds a short day ends earlier, 3,600 by default.
    pub short_by: u32,
}

impl OnCalendar {
    /// Follows `calendar` with the defaults of the other fields.
    pub fn new(calendar: impl Into<Arc<Calendar>>, without_data: WithoutData) -> Self {
        Self {
            calendar: calendar.into(),
            without_data,
            day_off: Hours::CLOSED,
            working_weekend: None,
            short_by: 3_600,
        }
    }
}

/// What a schedule on a production calendar says of years without data. There is no default: who
/// writes the schedule must decide, and each answer from such a year tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WithoutData {
    /// The weekly hours, as if there were no holidays.
    Weekly,
    /// Closed.
    Closed,
    /// Open.
    Open,
}

impl Builder {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            base: Base::Weekly { week: Week::new(), seasons: Vec::new() },
            recurring: Vec::new(),
            calendar: None,
            exceptions: Vec::new(),
            manual: None,
        }
    }

    /// Sets the weekly hours.
    pub fn week(mut self, new: Week) -> Self {
        match &mut self.base {
            Base::Weekly { week, .. } => *week = new,
            Base::GotoIfTime(_) => self.base = Base::Weekly { week: new, seasons: Vec::new() },
        }
        self
    }

    /// Adds a season, whose weekly hours replace the others.
    pub fn season(mut self, season: Season) -> Self {
        match &mut self.base {
            Base::Weekly { seasons, .. } => seasons.push(season),
            Base::GotoIfTime(_) => {
                self.base = Base::Weekly { week: Week::new(), seasons: alloc::vec![season] };
            }
        }
        self
    }

    /// Takes the hours from time conditions of Asterisk instead of a week: open when any is true,
    /// each by Asterisk's own rules. Only conditions without a zone of their own, or in the
    /// schedule's, can be taken.
    pub fn gotoiftime(mut self, conditions: impl IntoIterator<Item = GotoIfTime>) -> Self {
        self.base = Base::GotoIfTime(conditions.into_iter().collect());
        self
    }

    /// Adds hours that come back by a rule.
    pub fn recurring(mut self, recurring: Recurring) -> Self {
        self.recurring.push(recurring);
        self
    }

    /// Follows a production calendar: closed on its days off, open on its working weekends, short on
    /// its short days.
    pub fn calendar(mut self, on: OnCalendar) -> Self {
        self.calendar = Some(on);
        self
    }

    /// Adds an exception.
    pub fn exception(mut self, exception: Exception) -> Self {
        self.exceptions.push(exception);
        self
    }

    /// Begins opened or closed by hand.
    pub fn manual(mut self, manual: Override) -> Self {
        self.manual = Some(manual);
        self
    }

    /// The finished schedule.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the parts contradict each other. Weekly hours alone never do.
    pub fn build(self) -> Result<Schedule, BuildError> {
        let plans = Plans::compile(&self)?;
        Ok(Schedule::assemble(self, plans))
    }
}

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

/// The first day that two seasons share.
pub(super) fn shared_day(a: SeasonRange, b: SeasonRange) -> Option<Date> {
    // Every day of a leap year stands for the yearly ones; dates are walked as they are.
    let (first, days) = match (a, b) {
        (SeasonRange::Dates(first, last), _) | (_, SeasonRange::Dates(first, last)) => {
            (first, last.duration_since(first).as_hours() / 24 + 1)
        }
        _ => (jiff::civil::date(2024, 1, 1), 366),
    };
    let days = usize::try_from(days).unwrap_or(0);
    first
        .series(jiff::Span::new().days(1))
        .take(days)
        .find(|date| a.contains(*date) && b.contains(*date))
}
