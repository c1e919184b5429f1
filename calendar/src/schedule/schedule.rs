use alloc::vec::Vec;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{
    Builder, Cause, Exception, Hours, OnCalendar, Override, Recurring, Season, State, Week, Why,
    clock::{Clock, Reading},
    hours::DAY,
    parts::{Base, Parts},
    plan::{Origin, Plan, Plans},
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
    clock: Clock,
    plans: Plans,
    seasons: Vec<Season>,
    recurring: Vec<Recurring>,
    calendar: Option<OnCalendar>,
    exceptions: Vec<Exception>,
    manual: Option<Override>,
}

impl Schedule {
    /// How far [`next_change`](Self::next_change) looks ahead: ten years.
    pub const HORIZON_DAYS: i64 = 3_653;

    /// At most so many days may be touched by exceptions, and by rules; else the schedule is
    /// refused.
    pub const MAX_SPECIAL_DAYS: usize = 200_000;

    /// A schedule of weekly hours and nothing else.
    pub fn weekly(zone: TimeZone, week: Week) -> Self {
        let plans = Plans::weekly(&week);
        Self::assemble(Parts::new(zone), plans)
    }

    /// Begins a schedule in `zone` that is closed until it is given hours.
    pub fn builder(zone: TimeZone) -> Builder {
        Builder::new(zone)
    }

    /// The zone whose wall clock counts.
    pub fn zone(&self) -> &TimeZone {
        self.clock.zone()
    }

    /// The exceptions, in the order in which they were added.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// The seasons, in the order in which they were added.
    pub fn seasons(&self) -> &[Season] {
        &self.seasons
    }

    /// How it follows a production calendar, if it does.
    pub fn calendar(&self) -> Option<&OnCalendar> {
        self.calendar.as_ref()
    }

    /// What was decided by hand, whether or not it holds now.
    pub fn manual(&self) -> Option<&Override> {
        self.manual.as_ref()
    }

    /// Opens or closes by hand, or with `None` goes back to the hours.
    pub fn set_manual(&mut self, manual: Option<Override>) {
        self.manual = manual;
    }

    /// Whether it is open at `t`, and why.
    pub fn state_at(&self, t: Timestamp) -> State<'_> {
        let civil = self.clock.civil(t);
        if let Some(manual) = self.manual.as_ref().filter(|manual| manual.holds_at(t)) {
            return self.by_hand(manual, civil.date());
        }
        self.state_of(civil)
    }

    /// The hours of `date` and what gave them, whatever was decided by hand. Hours past 24:00 are
    /// in the morning of the next day.
    pub fn hours_on(&self, date: Date) -> (&Hours, Cause<'_>) {
        let plan = self.plans.of(date);
        (&plan.hours, self.cause(plan))
    }

    /// The first instant after `t` at which open becomes closed or closed becomes open.
    ///
    /// `None` when nothing changes within [`HORIZON_DAYS`](Self::HORIZON_DAYS).
    pub fn next_change(&self, t: Timestamp) -> Option<Timestamp> {
        let Some(manual) = &self.manual else {
            let reading = self.clock.read(t);
            let open = self.is_civil_open(reading.civil.date(), second_of_day(reading.civil));
            return self.next_change_by_hours(t, reading, open);
        };
        // Each of its ends may change the state; between them the hours do.
        let open = self.is_open(t);
        let edges = [manual.from, manual.until];
        let mut from = t;
        loop {
            let edge = edges.into_iter().flatten().filter(|edge| *edge > from).min();
            let by_hours = match manual.holds_at(from) {
                true => None,
                false => self.next_change_by_hours(from, self.clock.read(from), open),
            };
            match (edge, by_hours) {
                (Some(edge), Some(change)) if change < edge => return Some(change),
                (None, change) => return change,
                (Some(edge), _) if self.is_open(edge) != open => return Some(edge),
                (Some(edge), _) => from = edge,
            }
        }
    }

    /// The numbers of exceptions that leave the hours of all their days as they were.
    pub(super) fn idle_exceptions(&self) -> impl Iterator<Item = usize> {
        (0..self.exceptions.len()).filter(|number| !self.plans.is_effective(*number))
    }

    pub(super) fn assemble(parts: Parts, plans: Plans) -> Self {
        let seasons = match parts.base {
            Base::Weekly { seasons, .. } => seasons,
            Base::GotoIfTime(_) => Vec::new(),
        };
        Self {
            clock: Clock::new(parts.zone),
            plans,
            seasons,
            recurring: parts.recurring,
            calendar: parts.calendar,
            exceptions: parts.exceptions,
            manual: parts.manual,
        }
    }

    fn by_hand<'s>(&self, manual: &'s Override, date: Date) -> State<'s> {
        let until = manual.until.map(|until| self.clock.civil(until));
        let cause = Cause::Override(manual, until);
        let open = manual.open;
        State { open, why: Why { open, date, cause, hours: None, span: None } }
    }

    fn is_open(&self, t: Timestamp) -> bool {
        if let Some(manual) = self.manual.as_ref().filter(|manual| manual.holds_at(t)) {
            return manual.open;
        }
        let civil = self.clock.civil(t);
        self.is_civil_open(civil.date(), second_of_day(civil))
    }

    #[inline]
    fn is_civil_open(&self, date: Date, second: u32) -> bool {
        if self.plans.overnight
            && let Ok(yesterday) = date.yesterday()
            && self.plans.of(yesterday).hours.at(second + DAY).is_some()
        {
            return true;
        }
        self.plans.of(date).hours.at(second).is_some()
    }

    fn state_of(&self, civil: DateTime) -> State<'_> {
        let date = civil.date();
        let second = second_of_day(civil);
        if self.plans.overnight
            && let Ok(yesterday) = date.yesterday()
        {
            let plan = self.plans.of(yesterday);
            if let Some(span) = plan.hours.at(second + DAY) {
                return self.state(yesterday, plan, Some(span));
            }
        }
        let plan = self.plans.of(date);
        self.state(date, plan, plan.hours.at(second))
    }

    fn state<'s>(&'s self, date: Date, plan: &'s Plan, span: Option<super::Span>) -> State<'s> {
        let open = span.is_some();
        let cause = self.cause(plan);
        State { open, why: Why { open, date, cause, hours: Some(&plan.hours), span } }
    }

    fn cause(&self, plan: &Plan) -> Cause<'_> {
        let found = match plan.origin {
            Origin::Week => None,
            Origin::Season(number) => self.seasons.get(number as usize).map(Cause::Season),
            Origin::GotoIfTime => Some(Cause::GotoIfTime),
            Origin::Recurring(number) => self.recurring.get(number as usize).map(Cause::Recurring),
            Origin::Calendar => self.calendar.as_ref().map(|on| Cause::Calendar(&on.calendar)),
            Origin::NoData => Some(Cause::NoData),
            Origin::Exception(number) => self.exceptions.get(number as usize).map(Cause::Exception),
        };
        found.unwrap_or(Cause::Week)
    }

    /// The next change away from `open` after `from`, when the wall clock shows `reading`.
    fn next_change_by_hours(
        &self,
        from: Timestamp,
        mut reading: Reading,
        open: bool,
    ) -> Option<Timestamp> {
        if self.plans.is_constant {
            return None;
        }
        let mut second = from.as_second() - i64::from(from.subsec_nanosecond() < 0);
        let limit = second.saturating_add(Self::HORIZON_DAYS * i64::from(DAY));
        let mut wait = self.next_edge(reading.civil, open);
        loop {
            let edge = wait.map(|wait| second + wait);
            // The wall clock jumps at a change of clocks, past an edge or back over one.
            let jump = match (edge, reading.next_jump) {
                (Some(edge), jump) if jump.is_none_or(|jump| edge < jump) => {
                    return Timestamp::from_second(edge).ok();
                }
                (_, Some(jump)) if jump < limit => jump,
                _ => return None,
            };
            let at = Timestamp::from_second(jump).ok()?;
            let after = self.clock.read(at);
            let ahead = after.civil.duration_since(reading.civil).as_secs();
            let in_between = wait.is_none_or(|wait| ahead < wait);
            if ahead > 0 && in_between {
                // Still in the stretch of wall clock that was searched.
                wait = wait.map(|wait| wait - ahead);
            } else {
                if self.is_civil_open(after.civil.date(), second_of_day(after.civil)) != open {
                    return Some(at);
                }
                wait = self.next_edge(after.civil, open);
            }
            (second, reading) = (jump, after);
        }
    }

    /// How many seconds after `civil` a wall clock that only goes ahead shows a time that is not
    /// `open`.
    fn next_edge(&self, civil: DateTime, open: bool) -> Option<i64> {
        let mut date = civil.date();
        let now = second_of_day(civil);
        let mut after = Some(now);
        let mut midnight = -i64::from(now);
        let mut yesterday = match date.yesterday() {
            Ok(day) if self.plans.overnight => Some(&self.plans.of(day).hours),
            _ => None,
        };
        while midnight < Self::HORIZON_DAYS * i64::from(DAY) {
            let today = &self.plans.of(date).hours;
            let next = |hours: &Hours, shift: u32| {
                let spans = hours.spans().iter();
                let edges = spans.map(|span| if open { span.end() } else { span.start() });
                edges
                    .filter_map(|edge| edge.checked_sub(shift))
                    .find(|edge| after.is_none_or(|after| *edge > after))
            };
            let spill = yesterday.and_then(|hours| next(hours, DAY));
            let edge = [spill, next(today, 0)].into_iter().flatten().min();
            match edge.filter(|edge| *edge < DAY) {
                // Where one span ends another may go on.
                Some(edge) if self.is_open_with(yesterday, today, edge) != open => {
                    return Some(midnight + i64::from(edge));
                }
                Some(edge) => after = Some(edge),
                None => {
                    yesterday = self.plans.overnight.then_some(today);
                    date = date.tomorrow().ok()?;
                    midnight += i64::from(DAY);
                    // What ends at 24:00 ends at 00:00 of the next day, if nothing begins there.
                    let today = &self.plans.of(date).hours;
                    if open && !self.is_open_with(yesterday, today, 0) {
                        return Some(midnight);
                    }
                    after = None;
                }
            }
        }
        None
    }

    fn is_open_with(&self, yesterday: Option<&Hours>, today: &Hours, second: u32) -> bool {
        let spill = || yesterday.is_some_and(|hours| hours.at(second + DAY).is_some());
        today.at(second).is_some() || spill()
    }
}

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
