use alloc::vec::Vec;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};

use super::Hours;
use crate::{Name, Recurrence};

/// What an exception or a recurrence does to the hours of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These hours instead; [`Hours::CLOSED`] closes the day.
    Replace(Hours),
    /// Open at these hours too.
    Add(Hours),
    /// Closed at these hours, also where they cut the end of a span that began the day before.
    Cut(Hours),
}

/// Other hours on one date or on several in a row. It wins over everything but an [`Override`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The first date.
    pub first: Date,
    /// The last date, which belongs to it.
    pub last: Date,
    /// What changes.
    pub change: Change,
    /// Why, for people.
    pub name: Option<Name>,
}

impl Exception {
    /// An exception on one date.
    pub const fn on(date: Date, change: Change) -> Self {
        Self { first: date, last: date, change, name: None }
    }

    /// An exception from `first` to `last`, both included.
    pub const fn between(first: Date, last: Date, change: Change) -> Self {
        Self { first, last, change, name: None }
    }

    /// Says why.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

/// Other hours on dates that come back by a rule. They are part of the regular hours: a holiday of
/// the production calendar wins over them.
///
/// Rules are followed from 1970 to 2099; no other year has recurring hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurring {
    /// Which dates.
    pub rule: Recurrence,
    /// Where the rule begins; its time of day does not matter.
    pub start: DateTime,
    /// Dates that the rule does not apply to.
    pub except: Vec<Date>,
    /// What changes. Of several that replace a day's hours the last wins.
    pub change: Change,
    /// Why, for people.
    pub name: Option<Name>,
}

impl Recurring {
    /// Recurring hours from `start` on.
    pub fn new(rule: Recurrence, start: Date, change: Change) -> Self {
        let start = start.at(0, 0, 0, 0);
        Self { rule, start, except: Vec::new(), change, name: None }
    }

    /// Says why.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

/// Opened or closed by hand, whatever the hours say: "closed until 15:00".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Open or closed.
    pub open: bool,
    /// The first instant; `None` for as far back as one asks.
    pub from: Option<Timestamp>,
    /// The first instant after it; `None` for until it is taken back.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub name: Option<Name>,
}

impl Override {
    /// Open until further notice.
    pub const OPEN: Override = Override { open: true, from: None, until: None, name: None };
    /// Closed until further notice.
    pub const CLOSED: Override = Override { open: false, from: None, until: None, name: None };

    /// Sets its end.
    #[must_use]
    pub fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    /// Sets its beginning.
    #[must_use]
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Says why.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    pub(crate) fn holds_at(&self, t: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= t) && self.until.is_none_or(|until| t < until)
    }
}
