use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::Schedule;

/// Why working time could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkingTimeError {
    /// The schedule does not open for ten years, or for ever.
    #[error("the schedule is not open for that long within ten years")]
    NeverOpen,
    /// The result lies outside of the years -9999 to 9999.
    #[error("the result lies outside of the years -9999 to 9999")]
    Range,
}

impl Schedule {
    /// The stretches of [`from`, `to`) in which it is open, in order.
    ///
    /// They are real time: an hour that clocks skip is not in them, one that comes twice is in them
    /// twice. What was decided by hand counts.
    pub fn open_between(&self, from: Timestamp, to: Timestamp) -> OpenBetween<'_> {
        OpenBetween { schedule: self, at: from, to }
    }

    /// How long it is open in [`from`, `to`); negative when `to` is before `from`.
    pub fn working_time_between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to < from {
            return -self.working_time_between(to, from);
        }
        let lengths = self.open_between(from, to).map(|(open, close)| close.duration_since(open));
        lengths.fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// The first instant before which it was open for `time` since `t`: 12 hours added at 15:00 to
    /// a day of 09:00-13:00, 14:00-18:00 end at 16:00 of the day after next. For a negative `time`
    /// the last instant since which it was open that long up to `t`. With zero it is `t`.
    ///
    /// ```
    /// use calendar::{Schedule, schedule::Week, zone};
    /// use jiff::{SignedDuration, Timestamp};
    ///
    /// let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00")?;
    /// let office = Schedule::weekly(zone("Europe/Moscow")?, week);
    /// let due = office.add_working_time("2026-11-16T15:00+03:00".parse()?, SignedDuration::from_hours(12))?;
    /// assert_eq!(due, "2026-11-18T10:00+03:00".parse::<Timestamp>()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`WorkingTimeError`] when it does not open for that long.
    pub fn add_working_time(
        &self,
        t: Timestamp,
        time: SignedDuration,
    ) -> Result<Timestamp, WorkingTimeError> {
        if time.is_negative() { self.back(t, time) } else { self.ahead(t, time) }
    }

    fn ahead(&self, t: Timestamp, time: SignedDuration) -> Result<Timestamp, WorkingTimeError> {
        let mut left = time;
        let mut at = t;
        let mut open = self.state_at(t).open;
        while left > SignedDuration::ZERO {
            let next = self.next_change(at);
            if open {
                let enough = at.checked_add(left).map_err(|_| WorkingTimeError::Range)?;
                match next {
                    Some(close) if close < enough => left -= close.duration_since(at),
                    _ => return Ok(enough),
                }
            }
            at = next.ok_or(WorkingTimeError::NeverOpen)?;
            open = !open;
        }
        Ok(at)
    }

    /// A day at a time, since changes are only found ahead.
    fn back(&self, t: Timestamp, time: SignedDuration) -> Result<Timestamp, WorkingTimeError> {
        let mut left = time.checked_neg().ok_or(WorkingTimeError::Range)?;
        let mut end = t;
        let mut idle_days = 0;
        while idle_days <= Self::HORIZON_DAYS {
            let start = end.checked_sub(24.hours()).map_err(|_| WorkingTimeError::Range)?;
            let open = self.working_time_between(start, end);
            if open < left {
                left -= open;
                end = start;
                idle_days = if open.is_zero() { idle_days + 1 } else { 0 };
                continue;
            }
            // It is in this day: what is open after the instant must be `left`, so before it …
            let before = open - left;
            let mut passed = SignedDuration::ZERO;
            let mut found = end;
            for (from, to) in self.open_between(start, end) {
                let length = to.duration_since(from);
                if passed + length > before {
                    found = from + (before - passed);
                    break;
                }
                passed += length;
            }
            return Ok(found);
        }
        Err(WorkingTimeError::NeverOpen)
    }
}

/// The stretches in which a schedule is open, made by [`Schedule::open_between`].
#[derive(Clone, Debug)]
pub struct OpenBetween<'s> {
    schedule: &'s Schedule,
    at: Timestamp,
    to: Timestamp,
}

impl Iterator for OpenBetween<'_> {
    type Item = (Timestamp, Timestamp);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.to {
            let from = self.at;
            let open = self.schedule.state_at(from).open;
            self.at = self.schedule.next_change(from).unwrap_or(self.to).min(self.to);
            if open {
                return Some((from, self.at));
            }
        }
        None
    }
}
