use alloc::vec::Vec;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{
    Builder, Cause, Exception, Hours, OnCalendar, Override, Recurring, Season, State, Week, Why,
    hours::DAY,
    plan::{Base, Origin, Plan, Plans},
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
        Self::assemble(Builder::new(zone), plans)
    }

    /// Begins a schedule in `zone` that is closed until it is given hours.
    pub fn builder(zone: TimeZone) -> Builder {
        Builder::new(zone)
    }

    /// The zone whose wall clock counts.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
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
        let civil = self.zone.to_datetime(t);
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
        let open = self.is_open(t);
        let mut from = t;
        let limit = t
            .checked_add(SignedDuration::from_hours(24 * Self::HORIZON_DAYS))
            .unwrap_or(Timestamp::MAX);
        while from < limit {
            from = self.next_candidate(from)?;
            if self.is_open(from) != open {
                return Some(from);
            }
        }
        None
    }

    pub(super) fn assemble(parts: Builder, plans: Plans) -> Self {
        let seasons = match parts.base {
            Base::Weekly { seasons, .. } => seasons,
            Base::GotoIfTime(_) => Vec::new(),
        };
        Self {
            zone: parts.zone,
            plans,
            seasons,
            recurring: parts.recurring,
            calendar: parts.calendar,
            exceptions: parts.exceptions,
            manual: parts.manual,
        }
    }

    fn by_hand<'s>(&self, manual: &'s Override, date: Date) -> State<'s> {
        let until = manual.until.map(|until| self.zone.to_datetime(until));
        let cause = Cause::Override(manual, until);
        let open = manual.open;
        State { open, why: Why { open, date, cause, hours: None, span: None } }
    }

    fn is_open(&self, t: Timestamp) -> bool {
        self.state_at(t).open
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

    /// An instant after `from`, none later than the next change.
    fn next_candidate(&self, from: Timestamp) -> Option<Timestamp> {
        let by_hand = self.manual.as_ref().and_then(|manual| {
            let edges = [manual.from, manual.until];
            edges.into_iter().flatten().filter(|edge| *edge > from).min()
        });
        if let Some(Override { until, .. }) = self.manual.as_ref().filter(|m| m.holds_at(from)) {
            return *until;
        }
        let civil = self.zone.to_datetime(from);
        let boundary = self.next_boundary(civil);
        // The wall clock jumps at a transition of the zone, past or back over a boundary.
        let jump = self.zone.following(from).next().map(|jump| jump.timestamp());
        let offset = self.zone.to_offset(from);
        let at = boundary.and_then(|boundary| offset.to_timestamp(boundary).ok());
        [by_hand, at, jump].into_iter().flatten().min()
    }

    /// The first beginning or end of a span after `civil`, on the wall clock.
    fn next_boundary(&self, civil: DateTime) -> Option<DateTime> {
        let mut date = civil.date();
        let mut after = Some(second_of_day(civil));
        let mut yesterday = date.yesterday().ok().map(|day| &self.plans.of(day).hours);
        for _ in 0..=Self::HORIZON_DAYS {
            let today = &self.plans.of(date).hours;
            let edges = |hours: &Hours, shift: u32| {
                hours
                    .spans()
                    .iter()
                    .flat_map(|span| [span.start(), span.end()])
                    .filter_map(|edge| edge.checked_sub(shift))
                    .filter(|edge| *edge <= DAY && after.is_none_or(|after| *edge > after))
                    .min()
            };
            let spill = yesterday.and_then(|hours| edges(hours, DAY));
            let next = [spill, edges(today, 0)].into_iter().flatten().min();
            if let Some(second) = next {
                let midnight = date.at(0, 0, 0, 0);
                return midnight.checked_add(SignedDuration::from_secs(second.into())).ok();
            }
            yesterday = Some(today);
            date = date.tomorrow().ok()?;
            after = None;
        }
        None
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
