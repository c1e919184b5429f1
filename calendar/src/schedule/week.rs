use alloc::{string::String, vec::Vec};

use jiff::civil::Weekday;

use super::{Hours, HoursError};
use crate::text::index;

/// The hours of the seven days of a week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Week {
    days: [Hours; 7],
}

impl Week {
    /// Closed on every day.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same hours on every day.
    pub fn every_day(hours: Hours) -> Self {
        Self { days: core::array::from_fn(|_| hours.clone()) }
    }

    /// Sets the hours of `days`, in the notation of [`weekdays`] and [`Hours`].
    ///
    /// ```
    /// use calendar::schedule::Week;
    ///
    /// let week = Week::new().with("mon-thu", "09:00-18:00")?.with("fri", "09:00-16:45")?;
    /// # Ok::<(), calendar::schedule::WeekError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WeekError`] names the part that could not be read.
    pub fn with(mut self, days: &str, hours: &str) -> Result<Self, WeekError> {
        let hours: Hours = hours.parse()?;
        for day in weekdays(days)? {
            self.set(day, hours.clone());
        }
        Ok(self)
    }

    /// Sets the hours of one day.
    pub fn set(&mut self, day: Weekday, hours: Hours) {
        self.days[index(day)] = hours;
    }

    /// The hours of one day.
    pub fn on(&self, day: Weekday) -> &Hours {
        &self.days[index(day)]
    }
}

/// Reads days of the week: `mon`, `mon-fri`, `sat, sun`, `fri-mon` (past the end of the week),
/// `mon-fri, sun`. Names are English, three letters or whole, in any case.
///
/// # Errors
///
/// [`WeekError::Day`] with the word that is no day.
pub fn weekdays(text: &str) -> Result<Vec<Weekday>, WeekError> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        let mut day = first;
        loop {
            if !days.contains(&day) {
                days.push(day);
            }
            if day == last {
                break;
            }
            day = day.next();
        }
    }
    Ok(days)
}

/// What is wrong with a week's text: the caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeekError {
    /// A word that is no day of the week.
    #[error("{0:?} is no day of the week; write mon, tue, wed, thu, fri, sat or sun")]
    Day(String),
    /// The hours.
    #[error(transparent)]
    Hours(#[from] HoursError),
}

fn weekday(word: &str) -> Result<Weekday, WeekError> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let lower = word.trim().to_ascii_lowercase();
    NAMES
        .iter()
        .find(|(name, _)| lower == *name || lower == name[..3])
        .map(|(_, day)| *day)
        .ok_or_else(|| WeekError::Day(word.trim().into()))
}

#[cfg(test)]
mod tests {
    use Weekday::*;

    use super::*;

    #[test]
    fn reads_lists_and_ranges() {
        assert_eq!(weekdays("mon").unwrap(), [Monday]);
        assert_eq!(weekdays("Fri-mon").unwrap(), [Friday, Saturday, Sunday, Monday]);
        assert_eq!(weekdays("mon-tue, Sunday, mon").unwrap(), [Monday, Tuesday, Sunday]);
        assert_eq!(weekdays("mon-funday"), Err(WeekError::Day("funday".into())));
    }

    #[test]
    fn later_lines_replace_earlier_ones() {
        let week = Week::new().with("mon-fri", "09:00-18:00").unwrap();
        let week = week.with("fri", "09:00-16:45").unwrap();
        assert_eq!(week.on(Thursday), &"09:00-18:00".parse().unwrap());
        assert_eq!(week.on(Friday), &"09:00-16:45".parse().unwrap());
        assert!(week.on(Sunday).is_closed());
    }
}
