use core::{fmt, str::FromStr};

use alloc::string::String;

use jiff::civil::Date;

use super::Week;
use crate::Name;

/// A part of the year, or a stretch of dates, with weekly hours of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Season {
    /// What it is called.
    pub name: Name,
    /// When it is.
    pub range: SeasonRange,
    /// Its hours.
    pub week: Week,
}

/// When a [`Season`] is. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeasonRange {
    /// Every year from one day to another; past the end of the year when the second comes first.
    Yearly(MonthDay, MonthDay),
    /// Once.
    Dates(Date, Date),
}

impl SeasonRange {
    /// Whether `date` lies in it.
    pub fn contains(self, date: Date) -> bool {
        match self {
            Self::Dates(first, last) => first <= date && date <= last,
            Self::Yearly(first, last) => {
                let day = MonthDay::of(date);
                if first <= last {
                    first <= day && day <= last
                } else {
                    first <= day || day <= last
                }
            }
        }
    }

    /// The first day that both hold.
    pub(super) fn shared_day(self, other: Self) -> Option<Date> {
        // Every day of a leap year stands for the yearly ones; dates are walked as they are.
        let (first, days) = match (self, other) {
            (Self::Dates(first, last), _) | (_, Self::Dates(first, last)) => {
                (first, last.duration_since(first).as_hours() / 24 + 1)
            }
            _ => (jiff::civil::date(2024, 1, 1), 366),
        };
        first
            .series(jiff::Span::new().days(1))
            .take(usize::try_from(days).unwrap_or(0))
            .find(|date| self.contains(*date) && other.contains(*date))
    }
}

/// A day of any year. 29 February is one, and lies between its neighbours in every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthDay {
    month: i8,
    day: i8,
}

impl MonthDay {
    /// A day of any year; `None` when no year has it.
    pub fn new(month: i8, day: i8) -> Option<Self> {
        Date::new(2024, month, day).ok().map(|_| Self { month, day })
    }

    /// The day of the year that `date` falls on.
    pub fn of(date: Date) -> Self {
        Self { month: date.month(), day: date.day() }
    }
}

/// Writes `06-15`.
impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// The text is no day of a year.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no day of the year; write month and day as 06-15")]
#[non_exhaustive]
pub struct MonthDayError {
    /// What was read.
    pub text: String,
}

impl FromStr for MonthDay {
    type Err = MonthDayError;

    fn from_str(text: &str) -> Result<Self, MonthDayError> {
        let number = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        text.split_once('-')
            .and_then(|(month, day)| Self::new(number(month)?, number(day)?))
            .ok_or_else(|| MonthDayError { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_season_may_cross_the_new_year() {
        let day = |text: &str| text.parse::<MonthDay>().unwrap();
        let winter = SeasonRange::Yearly(day("12-20"), day("01-10"));
        assert!(winter.contains(date(2026, 12, 20)));
        assert!(winter.contains(date(2027, 1, 10)));
        assert!(!winter.contains(date(2027, 1, 11)));
        let spring = SeasonRange::Yearly(day("02-29"), day("03-01"));
        assert!(spring.contains(date(2024, 2, 29)));
        assert!(!spring.contains(date(2023, 2, 28)));
        assert!("02-30".parse::<MonthDay>().is_err());
        assert!("2-3".parse::<MonthDay>().is_err());
    }
}
