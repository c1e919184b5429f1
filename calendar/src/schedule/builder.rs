use alloc::vec::Vec;

use jiff::tz::TimeZone;

use super::{
    BuildError, Exception, OnCalendar, Override, Recurring, Schedule, Season, Week,
    parts::{Base, Parts},
    plan::Plans,
};
use crate::GotoIfTime;

/// Collects the parts of a [`Schedule`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    parts: Parts,
}

impl Builder {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { parts: Parts::new(zone) }
    }

    /// Sets the weekly hours.
    pub fn week(mut self, new: Week) -> Self {
        match &mut self.parts.base {
            Base::Weekly { week, .. } => *week = new,
            Base::GotoIfTime(_) => {
                self.parts.base = Base::Weekly { week: new, seasons: Vec::new() }
            }
        }
        self
    }

    /// Adds a season, whose weekly hours replace the others.
    pub fn season(mut self, season: Season) -> Self {
        match &mut self.parts.base {
            Base::Weekly { seasons, .. } => seasons.push(season),
            Base::GotoIfTime(_) => {
                self.parts.base = Base::Weekly { week: Week::new(), seasons: alloc::vec![season] };
            }
        }
        self
    }

    /// Takes the hours from time conditions of Asterisk instead of a week: open when any is true,
    /// each by Asterisk's own rules. Only conditions without a zone of their own, or in the
    /// schedule's, can be taken.
    pub fn gotoiftime(mut self, conditions: impl IntoIterator<Item = GotoIfTime>) -> Self {
        self.parts.base = Base::GotoIfTime(conditions.into_iter().collect());
        self
    }

    /// Adds hours that come back by a rule.
    pub fn recurring(mut self, recurring: Recurring) -> Self {
        self.parts.recurring.push(recurring);
        self
    }

    /// Follows a production calendar: closed on its days off, open on its working weekends, short on
    /// its short days.
    pub fn calendar(mut self, on: OnCalendar) -> Self {
        self.parts.calendar = Some(on);
        self
    }

    /// Adds an exception.
    pub fn exception(mut self, exception: Exception) -> Self {
        self.parts.exceptions.push(exception);
        self
    }

    /// Begins opened or closed by hand.
    pub fn manual(mut self, manual: Override) -> Self {
        self.parts.manual = Some(manual);
        self
    }

    /// The finished schedule.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the parts contradict each other. Weekly hours alone never do.
    pub fn build(self) -> Result<Schedule, BuildError> {
        let plans = Plans::compile(&self.parts)?;
        Ok(Schedule::assemble(self.parts, plans))
    }
}
