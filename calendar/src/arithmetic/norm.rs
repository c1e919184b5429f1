use alloc::string::String;
use core::{fmt, str::FromStr};

use jiff::civil::Date;

use crate::production::{Calendar, NoData};

/// A stretch of a year that norms of working hours are given for.
///
/// Reads and writes `2026-11`, `2026-Q4`, `2026-H2` and `2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// A month, 1 to 12.
    Month(i16, i8),
    /// A quarter, 1 to 4.
    Quarter(i16, i8),
    /// Half a year, 1 or 2.
    HalfYear(i16, i8),
    /// A year.
    Year(i16),
}

impl Period {
    /// The first day of the period and the first day after it.
    ///
    /// `None` when the period does not exist, as a 13th month, or ends after the year 9999.
    pub fn days(self) -> Option<(Date, Date)> {
        let (year, month, months) = match self {
            Self::Month(year, month) => (year, month, 1),
            Self::Quarter(year, quarter) if (1..=4).contains(&quarter) => {
                (year, quarter * 3 - 2, 3)
            }
            Self::HalfYear(year, half) if (1..=2).contains(&half) => (year, half * 6 - 5, 6),
            Self::Year(year) => (year, 1, 12),
            _ => return None,
        };
        let first = Date::new(year, month, 1).ok()?;
        Some((first, first.checked_add(jiff::Span::new().months(months)).ok()?))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
            Self::Quarter(year, quarter) => write!(f, "{year:04}-Q{quarter}"),
            Self::HalfYear(year, half) => write!(f, "{year:04}-H{half}"),
            Self::Year(year) => write!(f, "{year:04}"),
        }
    }
}

/// The text names no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no period; write a year, month, quarter or half: 2026, 2026-11, 2026-Q4, 2026-H2"
)]
#[non_exhaustive]
pub struct PeriodError {
    /// What was read.
    pub text: String,
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let read = || {
            let (year, part) = text.split_once('-').unwrap_or((text, ""));
            if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let year = year.parse().ok()?;
            let period = match part.as_bytes() {
                [] if !text.contains('-') => Self::Year(year),
                [b'Q', n @ b'1'..=b'4'] => Self::Quarter(year, (n - b'0') as i8),
                [b'H', n @ b'1'..=b'2'] => Self::HalfYear(year, (n - b'0') as i8),
                [b'0'..=b'9', b'0'..=b'9'] => Self::Month(year, part.parse().ok()?),
                _ => return None,
            };
            period.days().map(|_| period)
        };
        read().ok_or_else(|| PeriodError { text: text.into() })
    }
}

/// The days and hours of a [`Period`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Norm {
    /// All days.
    pub calendar_days: u32,
    /// Days that are worked, short ones included.
    pub working_days: u32,
    /// Days that are worked an hour shorter.
    pub short_days: u32,
}

impl Norm {
    /// Days that are not worked.
    pub const fn days_off(self) -> u32 {
        self.calendar_days - self.working_days
    }

    /// Working hours, in tenths of an hour: a fifth of `hours_a_week` each working day, less an hour
    /// each short day. Russia's norms are given for weeks of 40, 36 and 24 hours.
    pub const fn tenths_of_hours(self, hours_a_week: u32) -> u32 {
        (self.working_days * 2 * hours_a_week).saturating_sub(self.short_days * 10)
    }
}

impl Calendar {
    /// The working days and short days of `period`, from which the norm of hours follows.
    ///
    /// A period that does not exist has no days.
    ///
    /// # Errors
    ///
    /// [`NoData`] for a year without data, unless a fallback was declared.
    pub fn norm(&self, period: Period) -> Result<Norm, NoData> {
        let mut norm = Norm::default();
        let Some((first, end)) = period.days() else { return Ok(norm) };
        let mut date = first;
        while date < end {
            let kind = self.day(date)?.kind;
            norm.calendar_days += 1;
            norm.working_days += u32::from(kind.is_working());
            norm.short_days += u32::from(kind.is_short());
            match date.tomorrow() {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        Ok(norm)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn periods_read_as_they_are_written() {
        for text in ["2026", "2026-11", "2026-Q4", "2026-H1", "1999-01"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in ["2026-13", "2026-Q5", "26", "2026-", "2026-1", "+026", "", "2026-Q"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_period_that_does_not_exist_has_no_days() {
        for period in [Period::Month(2026, 0), Period::Quarter(2026, 5), Period::HalfYear(2026, 3)]
        {
            assert_eq!(period.days(), None);
        }
    }
}
