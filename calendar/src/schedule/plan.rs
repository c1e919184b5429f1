//! The compiled form of a schedule: hours by date, each set of hours kept once.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

use super::{
    BuildError, Change, Hours, OnCalendar, Schedule, SeasonRange, Week, WithoutData,
    hours::{DAY, Span},
    parts::{Base, Parts},
};
use crate::{GotoIfTime, arithmetic::DaySet, production::DayKind, text::index};

/// The hours of some day and where they come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plan {
    pub(super) hours: Hours,
    pub(super) origin: Origin,
}

/// What gave a day its hours; numbers are indices into the schedule's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Week,
    Season(u32),
    GotoIfTime,
    Recurring(u32),
    Calendar,
    NoData,
    Exception(u32),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Plans {
    plans: Vec<Plan>,
    base: BasePlans,
    /// Dates that something else than the base decides.
    special: DaySet,
    /// Of each of them in order, which plan.
    special_plans: Vec<u32>,
    /// For years without data: by index of the base plan what holds instead.
    no_data: Vec<u32>,
    /// The years that the calendar has data for; empty without a calendar.
    years: Vec<i16>,
    /// Years between these two need no look into the list.
    all_years: (i16, i16),
    on_calendar: bool,
    /// The numbers of exceptions that change the hours of some day.
    effective: BTreeSet<u32>,
    /// Whether no hours ever begin or end: always closed, or open round the clock on every day.
    pub(super) is_constant: bool,
    /// Whether any hours reach past midnight.
    pub(super) overnight: bool,
}

#[derive(Clone, Debug)]
enum BasePlans {
    /// Seven plans from Monday on, then seven for each season.
    Weekly(Vec<SeasonRange>),
    /// The conditions, and the plan of each set of them that can be true on one day.
    GotoIfTime(Vec<GotoIfTime>, BTreeMap<u32, u32>),
}

impl Default for BasePlans {
    fn default() -> Self {
        Self::Weekly(Vec::new())
    }
}

/// Exceptions and rules are followed in these years.
const FIRST: Date = date(1970, 1, 1);
const LAST: Date = date(2099, 12, 31);

impl Plans {
    /// Without anything but a week nothing can fail.
    pub(super) fn weekly(week: &Week) -> Self {
        let mut plans = Self::default();
        plans.add_week(week, Origin::Week);
        plans.finish();
        plans
    }

    pub(super) fn compile(parts: &Parts) -> Result<Self, BuildError> {
        let mut plans = Self::default();
        plans.add_base(parts)?;
        if let Some(on) = &parts.calendar {
            plans.add_no_data(on);
        }
        let mut compiler =
            Compiler { parts, plans, recurring: BTreeMap::new(), exceptions: BTreeMap::new() };
        compiler.collect_recurring()?;
        compiler.collect_exceptions()?;
        compiler.add_special_days()?;
        compiler.plans.finish();
        Ok(compiler.plans)
    }

    /// The plan of `date`.
    #[inline]
    pub(super) fn of(&self, date: Date) -> &Plan {
        let index = match self.special.get(date) {
            Some(true) => {
                let rank = self.special.rank(date).unwrap_or(0);
                self.special_plans[rank as usize]
            }
            _ => self.ordinary(date),
        };
        &self.plans[index as usize]
    }

    /// Whether the exception of this number changes the hours of any day.
    pub(super) fn is_effective(&self, number: usize) -> bool {
        u32::try_from(number).is_ok_and(|number| self.effective.contains(&number))
    }

    /// The plan of a date that nothing special decides.
    fn ordinary(&self, date: Date) -> u32 {
        let base = self.base_index(date, date.weekday());
        let (first, last) = self.all_years;
        let known = first <= date.year() && date.year() <= last;
        if self.on_calendar && !known && self.years.binary_search(&date.year()).is_err() {
            return self.no_data[base as usize];
        }
        base
    }

    fn base_index(&self, date: Date, weekday: Weekday) -> u32 {
        match &self.base {
            BasePlans::Weekly(seasons) => {
                let season = seasons.iter().position(|season| season.contains(date));
                (season.map_or(0, |season| season + 1) * 7 + index(weekday)) as u32
            }
            BasePlans::GotoIfTime(conditions, plans) => {
                plans.get(&true_on(conditions, date, weekday)).copied().unwrap_or(0)
            }
        }
    }

    /// The ordinary plan of `date`, were it a `weekday`.
    fn as_weekday(&self, date: Date, weekday: Weekday) -> &Plan {
        &self.plans[self.base_index(date, weekday) as usize]
    }

    fn add_base(&mut self, parts: &Parts) -> Result<(), BuildError> {
        match &parts.base {
            Base::Weekly { week, seasons } => {
                for (number, season) in seasons.iter().enumerate() {
                    if let SeasonRange::Dates(first, last) = season.range
                        && last < first
                    {
                        return Err(BuildError::Backwards { what: "season", number, first, last });
                    }
                    for (other, before) in seasons.iter().enumerate().take(number) {
                        if let Some(day) = before.range.shared_day(season.range) {
                            return Err(BuildError::SeasonsOverlap {
                                first: other,
                                second: number,
                                day: super::MonthDay::of(day),
                            });
                        }
                    }
                }
                self.add_week(week, Origin::Week);
                for (number, season) in seasons.iter().enumerate() {
                    self.add_week(&season.week, Origin::Season(number as u32));
                }
                self.base = BasePlans::Weekly(seasons.iter().map(|season| season.range).collect());
            }
            Base::GotoIfTime(conditions) => {
                if conditions.len() > 32 {
                    return Err(BuildError::TooManyConditions);
                }
                for (number, condition) in conditions.iter().enumerate() {
                    if let Some(warning) = condition.warnings().first() {
                        return Err(BuildError::Condition { number, warning: warning.clone() });
                    }
                    match condition.zone() {
                        Some(zone) if *zone != parts.zone => {
                            let zone = zone.iana_name().unwrap_or("UTC").into();
                            return Err(BuildError::OtherZone { number, zone });
                        }
                        _ => {}
                    }
                }
                self.add_conditions(conditions);
            }
        }
        Ok(())
    }

    fn add_week(&mut self, week: &Week, origin: Origin) {
        for day in Weekday::Monday.cycle_forward().take(7) {
            self.plans.push(Plan { hours: week.on(day).clone(), origin });
        }
    }

    /// One plan for each set of conditions that can be true on one day.
    fn add_conditions(&mut self, conditions: &[GotoIfTime]) {
        let mut plans = BTreeMap::new();
        for day in date(2024, 1, 1).series(1.day()).take(366) {
            for weekday in Weekday::Monday.cycle_forward().take(7) {
                let set = true_on(conditions, day, weekday);
                plans.entry(set).or_insert_with(|| {
                    let true_ones =
                        conditions.iter().enumerate().filter(|(n, _)| set >> n & 1 == 1);
                    let hours = true_ones.fold(Hours::CLOSED, |hours, (_, condition)| {
                        hours.plus(&condition.hours())
                    });
                    self.plans.push(Plan { hours, origin: Origin::GotoIfTime });
                    self.plans.len() as u32 - 1
                });
            }
        }
        self.base = BasePlans::GotoIfTime(conditions.to_vec(), plans);
    }

    fn add_no_data(&mut self, on: &OnCalendar) {
        self.on_calendar = true;
        self.years = on.calendar.years().iter().map(|year| year.number).collect();
        self.all_years = match (self.years.first(), self.years.last()) {
            (Some(first), Some(last))
                if self.years.len() == usize::from(last.abs_diff(*first)) + 1 =>
            {
                (*first, *last)
            }
            _ => (1, 0),
        };
        for number in 0..self.plans.len() {
            let hours = match on.without_data {
                WithoutData::Weekly => self.plans[number].hours.clone(),
                WithoutData::Closed => Hours::CLOSED,
                WithoutData::Open => Hours::all_day(),
            };
            self.no_data.push(self.plans.len() as u32);
            self.plans.push(Plan { hours, origin: Origin::NoData });
        }
    }

    fn finish(&mut self) {
        self.overnight = self.plans.iter().any(|plan| plan.hours.after_midnight() > 0);
        let all_day = Hours::all_day();
        self.is_constant = self.plans.iter().all(|plan| plan.hours.is_closed())
            || self.plans.iter().all(|plan| plan.hours == all_day);
        self.plans.shrink_to_fit();
        self.special_plans.shrink_to_fit();
    }
}

/// Which conditions can be true on a day of the year that falls on `weekday`, as bits.
fn true_on(conditions: &[GotoIfTime], day: Date, weekday: Weekday) -> u32 {
    conditions.iter().enumerate().fold(0, |set, (number, condition)| {
        set | u32::from(condition.matches_day(day.month(), day.day(), weekday)) << number
    })
}

struct Compiler<'p> {
    parts: &'p Parts,
    plans: Plans,
    /// By date, the numbers of what applies, in order.
    recurring: BTreeMap<Date, Vec<u32>>,
    exceptions: BTreeMap<Date, Vec<u32>>,
}

impl Compiler<'_> {
    fn collect_recurring(&mut self) -> Result<(), BuildError> {
        let mut total = 0;
        for (number, recurring) in self.parts.recurring.iter().enumerate() {
            let dates = recurring
                .rule
                .occurrences(recurring.start, &self.parts.zone)
                .map(|at| at.date())
                .take_while(|date| *date <= LAST)
                .filter(|date| *date >= FIRST && !recurring.except.contains(date));
            for date in dates {
                total += 1;
                if total > Schedule::MAX_SPECIAL_DAYS {
                    return Err(BuildError::TooManyDays);
                }
                self.recurring.entry(date).or_default().push(number as u32);
            }
        }
        Ok(())
    }

    fn collect_exceptions(&mut self) -> Result<(), BuildError> {
        let mut total = 0;
        for (number, exception) in self.parts.exceptions.iter().enumerate() {
            let (first, last) = (exception.first, exception.last);
            if last < first {
                return Err(BuildError::Backwards { what: "exception", number, first, last });
            }
            if first < FIRST || last > LAST {
                return Err(BuildError::OutOfRange { number });
            }
            for date in first.series(1.day()).take_while(|date| *date <= last) {
                total += 1;
                if total > Schedule::MAX_SPECIAL_DAYS {
                    return Err(BuildError::TooManyDays);
                }
                self.exceptions.entry(date).or_default().push(number as u32);
            }
        }
        for (date, numbers) in &self.exceptions {
            self.check(*date, numbers)?;
        }
        Ok(())
    }

    /// Exceptions of one date must not want different things.
    fn check(&self, date: Date, numbers: &[u32]) -> Result<(), BuildError> {
        for (i, second) in numbers.iter().enumerate() {
            for first in &numbers[..i] {
                let change = |number: u32| &self.parts.exceptions[number as usize].change;
                let contradict = match (change(*first), change(*second)) {
                    (Change::Replace(a), Change::Replace(b)) => a != b,
                    (Change::Add(a), Change::Cut(b)) | (Change::Cut(a), Change::Add(b)) => {
                        a.overlaps(b)
                    }
                    _ => false,
                };
                if contradict {
                    let (first, second) = (*first as usize, *second as usize);
                    return Err(BuildError::Contradiction { date, first, second });
                }
            }
        }
        Ok(())
    }

    fn add_special_days(&mut self) -> Result<(), BuildError> {
        let mut days: BTreeSet<Date> =
            self.recurring.keys().chain(self.exceptions.keys()).copied().collect();
        // A cut also takes what lies past midnight from the day before.
        days.extend(self.cuts().filter_map(|date| date.yesterday().ok()));
        if let Some(on) = &self.parts.calendar {
            days.extend(on.calendar.specials().iter().map(|special| special.date));
        }
        let mut known: BTreeMap<Plan, u32> = BTreeMap::new();
        let mut special = BTreeSet::new();
        for date in &days {
            let plan = self.plan_of(*date);
            if *self.plans.of(*date) == plan {
                continue;
            }
            let plans = &mut self.plans.plans;
            let index = *known.entry(plan).or_insert_with_key(|plan| {
                plans.push(plan.clone());
                plans.len() as u32 - 1
            });
            self.plans.special_plans.push(index);
            special.insert(*date);
        }
        if let (Some(first), Some(last)) = (special.first(), special.last()) {
            let years = u16::try_from(last.year() - first.year() + 1).unwrap_or(0);
            self.plans.special = DaySet::new(first.year(), years, |date| special.contains(&date));
        }
        if self.plans.special.len() as usize != self.plans.special_plans.len() {
            return Err(BuildError::TooManyDays);
        }
        Ok(())
    }

    /// The dates on which an exception or a recurrence cuts.
    fn cuts(&self) -> impl Iterator<Item = Date> {
        let cuts = |change: &Change| matches!(change, Change::Cut(_));
        let recurring = self.recurring.iter().filter(move |(_, numbers)| {
            numbers.iter().any(|number| cuts(&self.parts.recurring[*number as usize].change))
        });
        let exceptions = self.exceptions.iter().filter(move |(_, numbers)| {
            numbers.iter().any(|number| cuts(&self.parts.exceptions[*number as usize].change))
        });
        recurring.chain(exceptions).map(|(date, _)| *date)
    }

    fn plan_of(&mut self, date: Date) -> Plan {
        let tomorrow = date.tomorrow().unwrap_or(date);
        let mut plan = self.plans.plans[self.plans.ordinary(date) as usize].clone();
        let recurring = |number: u32| {
            (&self.parts.recurring[number as usize].change, Origin::Recurring(number))
        };
        let numbers =
            |of: &BTreeMap<Date, Vec<u32>>, date| of.get(&date).cloned().unwrap_or_default();
        if plan.origin != Origin::NoData || self.without_data() == Some(WithoutData::Weekly) {
            let today = numbers(&self.recurring, date);
            apply(&mut plan, today.into_iter().map(recurring));
            cut_spill(
                &mut plan.hours,
                numbers(&self.recurring, tomorrow).into_iter().map(recurring),
            );
        }
        self.apply_calendar(&mut plan, date);
        let exception = |number: u32| {
            (&self.parts.exceptions[number as usize].change, Origin::Exception(number))
        };
        let before = plan.hours.clone();
        let today = numbers(&self.exceptions, date);
        apply(&mut plan, today.iter().copied().map(exception));
        let after = plan.hours.clone();
        let next = numbers(&self.exceptions, tomorrow);
        cut_spill(&mut plan.hours, next.iter().copied().map(exception));
        if after != before {
            self.plans.effective.extend(today);
        }
        if plan.hours != after {
            self.plans.effective.extend(next);
        }
        plan
    }

    fn without_data(&self) -> Option<WithoutData> {
        self.parts.calendar.as_ref().map(|on| on.without_data)
    }

    fn apply_calendar(&self, plan: &mut Plan, date: Date) {
        let Some(on) = &self.parts.calendar else { return };
        // The schedule's own fallback holds in years without data, not the calendar's.
        if on.calendar.year(date.year()).is_none() {
            return;
        }
        let Ok(day) = on.calendar.day(date) else { return };
        let off_on_weekday = || !on.calendar.weekend().contains(date.weekday());
        let hours = match day.kind {
            DayKind::Holiday | DayKind::DayOffMoved | DayKind::DecreeOff => on.day_off.clone(),
            DayKind::Weekend if off_on_weekday() => on.day_off.clone(),
            DayKind::WorkingWeekend | DayKind::ShortWorkingWeekend => {
                on.working_weekend.clone().unwrap_or_else(|| {
                    let like = day.moved_to.map_or(Weekday::Monday, Date::weekday);
                    self.plans.as_weekday(date, like).hours.clone()
                })
            }
            DayKind::Short => plan.hours.clone(),
            DayKind::Working | DayKind::Weekend => return,
        };
        plan.hours = if day.kind.is_short() { hours.shortened(on.short_by) } else { hours };
        plan.origin = Origin::Calendar;
    }
}

/// Of several changes that replace the last wins; then all are added, then all are cut.
fn apply<'c>(plan: &mut Plan, changes: impl Iterator<Item = (&'c Change, Origin)> + Clone) {
    for (change, origin) in changes.clone() {
        if let Change::Replace(hours) = change {
            *plan = Plan { hours: hours.clone(), origin };
        }
    }
    for (change, origin) in changes.clone() {
        if let Change::Add(hours) = change {
            *plan = Plan { hours: plan.hours.plus(hours), origin };
        }
    }
    for (change, origin) in changes {
        if let Change::Cut(hours) = change {
            *plan = Plan { hours: plan.hours.minus(hours), origin };
        }
    }
}

/// Takes tomorrow's cuts from what of today's hours lies past midnight.
fn cut_spill<'c>(hours: &mut Hours, changes: impl Iterator<Item = (&'c Change, Origin)>) {
    if hours.after_midnight() == 0 {
        return;
    }
    for (change, _) in changes {
        if let Change::Cut(cut) = change {
            let shifted = cut
                .spans()
                .iter()
                .filter_map(|span| Span::new(span.start() + DAY, (span.end() + DAY).min(2 * DAY)));
            if let Ok(shifted) = Hours::new(shifted) {
                *hours = hours.minus(&shifted);
            }
        }
    }
}
