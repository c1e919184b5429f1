use jiff::{SignedDuration, Zoned, civil::Date};

use crate::production::{Calendar, Fallback, NoData};

/// How long a day is when working days are added to an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DayLength {
    /// From a time of day to the same time of day, whatever the clocks did between. A time that the
    /// target day skips becomes the first one after; one that comes twice is the first.
    #[default]
    Civil,
    /// Always 86,400 seconds, as Bitrix does: across a change of clocks the time of day shifts.
    Seconds86400,
}

/// Why days could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArithmeticError {
    /// A year on the way has no data.
    #[error(transparent)]
    NoData(#[from] NoData),
    /// The result lies outside of the years -9999 to 9999, or there is no working day at all.
    #[error("the result lies outside of the years -9999 to 9999")]
    Range,
}

impl Calendar {
    /// Whether `date` is worked.
    ///
    /// # Errors
    ///
    /// [`NoData`] for a year without data, unless a fallback was declared.
    #[inline]
    pub fn is_working(&self, date: Date) -> Result<bool, NoData> {
        match self.table().get(date) {
            Some(working) if self.is_table_whole() => Ok(working),
            _ => self.is_working_slow(date),
        }
    }

    /// The `n`th working day after `start`, or for a negative `n` before it. `start` itself is not
    /// counted, worked or not; with 0 it is the answer.
    ///
    /// # Errors
    ///
    /// [`ArithmeticError::NoData`] when a year on the way has no data and no fallback was declared.
    #[inline]
    pub fn add_working_days(&self, start: Date, n: i32) -> Result<Date, ArithmeticError> {
        if self.is_table_whole() && n != 0 {
            if let Some(date) = self.large().and_then(|large| large.step(start, n)) {
                return Ok(date);
            }
            // Days before `start` for a step back; up to and including it for one ahead.
            let here = if n > 0 { self.table().get(start) } else { Some(false) };
            if let (Some(here), Some(before)) = (here, self.table().rank(start)) {
                let ahead = i64::from(before) + i64::from(here) + i64::from(n) - i64::from(n > 0);
                let found = u32::try_from(ahead).ok().and_then(|n| self.table().select(n));
                if let Some(date) = found {
                    return Ok(date);
                }
            }
        }
        self.add_slow(start, n)
    }

    /// How many working days lie in [`from`, `to`), `to` itself not counted; negative when `to` is
    /// before `from`.
    ///
    /// # Errors
    ///
    /// [`NoData`] when a year between has no data and no fallback was declared.
    #[inline]
    pub fn working_days_between(&self, from: Date, to: Date) -> Result<i64, NoData> {
        let ranks = match self.large() {
            None => (self.table().rank(from), self.table().rank(to)),
            Some(large) => (large.rank(from), large.rank(to)),
        };
        match ranks {
            (Some(from), Some(to)) if self.is_table_whole() => Ok(i64::from(to) - i64::from(from)),
            _ => self.between_slow(from, to),
        }
    }

    /// The first working day after `date`.
    ///
    /// # Errors
    ///
    /// As [`add_working_days`](Self::add_working_days).
    pub fn next_working_day(&self, date: Date) -> Result<Date, ArithmeticError> {
        self.add_working_days(date, 1)
    }

    /// The last working day before `date`.
    ///
    /// # Errors
    ///
    /// As [`add_working_days`](Self::add_working_days).
    pub fn previous_working_day(&self, date: Date) -> Result<Date, ArithmeticError> {
        self.add_working_days(date, -1)
    }

    /// The `n`th working day of a month: 1 is the first, -1 the last. `None` when the month has not
    /// that many, and for 0.
    ///
    /// # Errors
    ///
    /// [`ArithmeticError::Range`] when there is no such month, else as
    /// [`add_working_days`](Self::add_working_days).
    pub fn nth_working_day(
        &self,
        year: i16,
        month: i8,
        n: i32,
    ) -> Result<Option<Date>, ArithmeticError> {
        let first = Date::new(year, month, 1).map_err(|_| ArithmeticError::Range)?;
        let last = first.last_of_month();
        // Without this, a month in a year without data would be answered from its neighbours.
        self.day(first)?;
        let found = match n {
            0 => return Ok(None),
            1.. if self.is_working(first)? => self.add_working_days(first, n - 1),
            1.. => self.add_working_days(first, n),
            _ if self.is_working(last)? => self.add_working_days(last, n + 1),
            _ => self.add_working_days(last, n),
        };
        match found {
            Ok(date) => Ok(Some(date).filter(|date| first <= *date && *date <= last)),
            // Past the data there is no day of this month either.
            Err(_) => Ok(None),
        }
    }

    /// [`add_working_days`](Self::add_working_days) to an instant in its own zone; the time of day
    /// is kept, as `length` says.
    ///
    /// # Errors
    ///
    /// As [`add_working_days`](Self::add_working_days).
    pub fn add_working_days_to(
        &self,
        start: &Zoned,
        n: i32,
        length: DayLength,
    ) -> Result<Zoned, ArithmeticError> {
        let target = self.add_working_days(start.date(), n)?;
        if target == start.date() {
            return Ok(start.clone());
        }
        match length {
            DayLength::Civil => start.with().date(target).build(),
            DayLength::Seconds86400 => {
                let days = target.duration_since(start.date()).as_hours() / 24;
                start.checked_add(SignedDuration::from_secs(days * 86_400))
            }
        }
        .map_err(|_| ArithmeticError::Range)
    }

    #[cold]
    fn is_working_slow(&self, date: Date) -> Result<bool, NoData> {
        self.day(date).map(|day| day.kind.is_working())
    }

    #[cold]
    fn add_slow(&self, start: Date, n: i32) -> Result<Date, ArithmeticError> {
        if n == 0 {
            return Ok(start);
        }
        let from =
            if n > 0 { start.tomorrow().map_err(|_| ArithmeticError::Range)? } else { start };
        let ordinal = self.rank_anywhere(from) + i64::from(n) - i64::from(n > 0);
        let found = self.select_anywhere(ordinal);
        match (self.fallback(), found) {
            (Fallback::Weekends, Some(date)) => Ok(date),
            (Fallback::Weekends, None) => Err(ArithmeticError::Range),
            (Fallback::Refuse, Some(date)) => {
                let (first, last) = if n > 0 { (from, date) } else { (date, start) };
                self.demand_years(first, last, n < 0)?;
                Ok(date)
            }
            (Fallback::Refuse, None) => {
                self.demand_years(from, from, n < 0)?;
                Err(ArithmeticError::Range)
            }
        }
    }

    #[cold]
    fn between_slow(&self, from: Date, to: Date) -> Result<i64, NoData> {
        if self.fallback() == Fallback::Refuse && from != to {
            self.demand_years(from.min(to), from.max(to), true)?;
        }
        Ok(self.rank_anywhere(to) - self.rank_anywhere(from))
    }

    /// Every year of [`first`, `last`], or of [`first`, `last`), must have data.
    fn demand_years(&self, first: Date, last: Date, exclusive: bool) -> Result<(), NoData> {
        let last = match last.yesterday() {
            Ok(before) if exclusive && last > first => before,
            _ => last,
        };
        match (first.year()..=last.year()).find(|year| self.year(*year).is_none()) {
            Some(year) => Err(self.no_data(year)),
            None => Ok(()),
        }
    }

    /// Working days before `date` and not before the table, which may be negative; outside of the
    /// table by the weekend.
    fn rank_anywhere(&self, date: Date) -> i64 {
        if let Some(rank) = self.table().rank(date) {
            return i64::from(rank);
        }
        match self.table_span() {
            Some((_, last)) if date > last => {
                let end = last.tomorrow().unwrap_or(last);
                i64::from(self.table().len()) + self.weekend().workdays_between(end, date)
            }
            Some((first, _)) => self.weekend().workdays_between(first, date),
            None => self.weekend().workdays_between(Date::ZERO, date),
        }
    }

    fn select_anywhere(&self, n: i64) -> Option<Date> {
        let Some((first, last)) = self.table_span() else {
            return self.weekend().nth_workday(Date::ZERO, n);
        };
        let len = i64::from(self.table().len());
        if n < 0 {
            self.weekend().nth_workday(first, n)
        } else if n < len {
            self.table().select(u32::try_from(n).ok()?)
        } else {
            self.weekend().nth_workday(last.tomorrow().ok()?, n - len)
        }
    }

    /// The first and the last day of the table.
    fn table_span(&self) -> Option<(Date, Date)> {
        let (first, last) = self.year_span();
        if first > last {
            return None;
        }
        Some((Date::new(first, 1, 1).ok()?, Date::new(last, 12, 31).ok()?))
    }
}
