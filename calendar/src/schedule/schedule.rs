use jiff::{Timestamp, civil::Date, civil::DateTime, tz::TimeZone};

use super::{
    Cause, Hours, State, Week, Why,
    hours::{DAY, Span},
};

/// Opening hours in a time zone.
///
/// Spans are half-open: at 18:00:00 a day of 09:00-18:00 is closed. Only the wall clock of the zone
/// counts: where clocks are set back, an hour that comes twice is open (or closed) twice, and the
/// hour that is skipped in spring is nobody's.
///
/// ```
/// use calendar::{Schedule, schedule::Week, zone};
///
/// let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00")?;
/// let office = Schedule::builder(zone("Europe/Moscow")?).week(week).build()?;
///
/// let lunch = "2026-11-20T13:30+03:00".parse()?;
/// let state = office.state_at(lunch);
/// assert!(!state.open);
/// assert_eq!(state.why.to_string(), "closed: outside Friday hours 09:00-13:00, 14:00-18:00");
/// assert_eq!(office.next_change(lunch), Some("2026-11-20T14:00+03:00".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    zone: TimeZone,
    week: Week,
}

impl Schedule {
    /// A schedule of weekly hours and nothing else.
    pub fn weekly(zone: TimeZone, week: Week) -> Self {
        Self { zone, week }
    }

    /// Begins a schedule in `zone` that is closed until it is given hours.
    pub fn builder(zone: TimeZone) -> Builder {
        Builder { schedule: Schedule::weekly(zone, Week::new()) }
    }

    /// The zone whose wall clock counts.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether it is open at `t`, and why.
    pub fn state_at(&self, t: Timestamp) -> State<'_> {
        self.state_of(self.zone.to_datetime(t))
    }

    /// The first instant after `t` at which open becomes closed or closed becomes open.
    ///
    /// `None` when nothing changes within [`HORIZON_DAYS`](Self::HORIZON_DAYS).
    pub fn next_change(&self, t: Timestamp) -> Option<Timestamp> {
        let open = self.state_at(t).open;
        let mut from = t;
        let limit =
            t.checked_add(jiff::SignedDuration::from_hours(24 * Self::HORIZON_DAYS)).ok()?;
        while from < limit {
            let civil = self.zone.to_datetime(from);
            let boundary = self.next_boundary(civil);
            // The wall clock jumps at a transition of the zone, past or back over a boundary.
            let jump = self.zone.following(from).next().map(|jump| jump.timestamp());
            let offset = self.zone.to_offset(from);
            let at = boundary.and_then(|boundary| offset.to_timestamp(boundary).ok());
            from = match (at, jump) {
                (Some(at), Some(jump)) => at.min(jump),
                (Some(at), None) => at,
                (None, Some(jump)) => jump,
                (None, None) => return None,
            };
            if self.state_at(from).open != open {
                return Some(from);
            }
        }
        None
    }

    /// How far [`next_change`](Self::next_change) looks ahead: ten years.
    pub const HORIZON_DAYS: i64 = 3_653;

    fn hours_on(&self, date: Date) -> (&Hours, Cause) {
        (self.week.on(date.weekday()), Cause::Week)
    }

    fn state_of(&self, civil: DateTime) -> State<'_> {
        let date = civil.date();
        let second = second_of_day(civil);
        if let Ok(yesterday) = date.yesterday() {
            let (hours, cause) = self.hours_on(yesterday);
            if second < hours.after_midnight() {
                let span = hours.at(second + DAY);
                return State { open: true, why: Why { date: yesterday, cause, hours, span } };
            }
        }
        let (hours, cause) = self.hours_on(date);
        let span = hours.at(second);
        State { open: span.is_some(), why: Why { date, cause, hours, span } }
    }

    /// The first beginning or end of a span after `civil`, on the wall clock.
    fn next_boundary(&self, civil: DateTime) -> Option<DateTime> {
        let mut date = civil.date();
        let mut after = Some(second_of_day(civil));
        for _ in 0..=Self::HORIZON_DAYS {
            let spill =
                date.yesterday().ok().map_or(0, |day| self.hours_on(day).0.after_midnight());
            let (hours, _) = self.hours_on(date);
            let edges = hours.spans().iter().flat_map(|span: &Span| [span.start(), span.end()]);
            let next = core::iter::once(spill)
                .filter(|spill| *spill > 0)
                .chain(edges.filter(|edge| *edge <= DAY))
                .filter(|edge| after.is_none_or(|after| *edge > after))
                .min();
            if let Some(second) = next {
                let midnight = date.at(0, 0, 0, 0);
                return midnight
                    .checked_add(jiff::SignedDuration::from_secs(i64::from(second)))
                    .ok();
            }
            date = date.tomorrow().ok()?;
            after = None;
        }
        None
    }
}

/// Collects the parts of a [`Schedule`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    schedule: Schedule,
}

impl Builder {
    /// Sets the weekly hours.
    pub fn week(mut self, week: Week) -> Self {
        self.schedule.week = week;
        self
    }

    /// The finished schedule.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the parts contradict each other. Weekly hours alone never do.
    pub fn build(self) -> Result<Schedule, BuildError> {
        Ok(self.schedule)
    }
}

/// The parts of a schedule contradict each other: the mistake of who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {}

fn second_of_day(civil: DateTime) -> u32 {
    let part = |value: i8| u32::from(value.unsigned_abs());
    part(civil.hour()) * 3600 + part(civil.minute()) * 60 + part(civil.second())
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec::Vec};

    use super::*;
    use crate::zone;

    fn schedule(zone_name: &str, days: &[(&str, &str)]) -> Schedule {
        let mut week = Week::new();
        for (day, hours) in days {
            week = week.with(day, hours).unwrap();
        }
        Schedule::weekly(zone(zone_name).unwrap(), week)
    }

    fn changes(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
        let mut t: Timestamp = from.parse().unwrap();
        (0..count)
            .map_while(|_| {
                t = schedule.next_change(t)?;
                Some(format!("{}", t.to_zoned(schedule.zone().clone()).strftime("%m-%dT%H:%M%:z")))
            })
            .collect()
    }

    #[test]
    fn spans_are_half_open() {
        let office = schedule("Europe/Moscow", &[("mon-fri", "09:00-18:00")]);
        let open = |t: &str| office.state_at(t.parse().unwrap()).open;
        assert!(!open("2026-11-20T08:59:59+03:00"));
        assert!(open("2026-11-20T09:00:00+03:00"));
        assert!(open("2026-11-20T17:59:59.999999999+03:00"));
        assert!(!open("2026-11-20T18:00:00+03:00"));
    }

    #[test]
    fn night_hours_belong_to_the_day_on_which_they_begin() {
        let night = schedule("Europe/Moscow", &[("fri", "22:00-06:00")]);
        let saturday = "2026-11-21T05:00+03:00".parse().unwrap();
        let state = night.state_at(saturday);
        assert!(state.open);
        assert_eq!(state.why.date, "2026-11-20".parse().unwrap());
        assert_eq!(format!("{}", state.why), "open: Friday hours 22:00-06:00");
        assert!(!night.state_at("2026-11-20T05:00+03:00".parse().unwrap()).open);
        assert_eq!(
            changes(&night, "2026-11-20T12:00+03:00", 2),
            ["11-20T22:00+03:00", "11-21T06:00+03:00"]
        );
    }

    #[test]
    fn days_that_touch_at_midnight_are_no_change() {
        let always = schedule("Europe/Moscow", &[("mon-sun", "00:00-24:00")]);
        assert_eq!(always.next_change("2026-11-20T12:00+03:00".parse().unwrap()), None);
        let work = schedule("Europe/Moscow", &[("mon-fri", "00:00-24:00")]);
        assert_eq!(
            changes(&work, "2026-11-20T12:00+03:00", 2),
            ["11-21T00:00+03:00", "11-23T00:00+03:00"]
        );
    }

    #[test]
    fn the_wall_clock_decides_where_clocks_change() {
        let early = schedule("Europe/Berlin", &[("mon-sun", "01:00-02:30")]);
        // 2026-03-29: 02:00 to 03:00 does not exist.
        assert_eq!(
            changes(&early, "2026-03-28T12:00+01:00", 2),
            ["03-29T01:00+01:00", "03-29T03:00+02:00"]
        );
        // 2026-10-25: 02:00 to 03:00 comes twice.
        assert_eq!(
            changes(&early, "2026-10-24T12:00+02:00", 4),
            ["10-25T01:00+02:00", "10-25T02:30+02:00", "10-25T02:00+01:00", "10-25T02:30+01:00"]
        );
    }

    #[test]
    fn closed_for_ever_has_no_change() {
        let never = schedule("UTC", &[]);
        assert_eq!(never.next_change(Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        let always = schedule("Asia/Tokyo", &[("mon-fri", "09:00-06:00")]);
        for t in [Timestamp::MIN, Timestamp::MAX] {
            always.state_at(t);
            always.next_change(t);
        }
    }
}
