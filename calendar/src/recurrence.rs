//! Recurrence rules: a subset of RFC 5545 section 3.3.10 on civil dates.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};

/// An RFC 5545 recurrence rule, such as `FREQ=MONTHLY;BYDAY=-1FR`.
///
/// Supported: `FREQ` daily to yearly, `INTERVAL`, `COUNT`, `UNTIL`, `BYMONTH`, `BYMONTHDAY`,
/// `BYYEARDAY`, `BYDAY` with ordinals, `BYSETPOS`, `WKST`. Not supported, and refused: hourly and
/// shorter rules, `BYHOUR`, `BYMINUTE`, `BYSECOND`, `BYWEEKNO`, and the `RSCALE` and `SKIP` of RFC
/// 7529.
///
/// ```
/// use calendar::Recurrence;
/// use jiff::{civil::date, tz::TimeZone};
///
/// let last_fridays: Recurrence = "FREQ=MONTHLY;BYDAY=-1FR".parse()?;
/// let mut days = last_fridays.occurrences(date(2026, 1, 1).at(9, 0, 0, 0), &TimeZone::UTC);
/// assert_eq!(days.next(), Some(date(2026, 1, 30).at(9, 0, 0, 0)));
/// assert_eq!(days.next(), Some(date(2026, 2, 27).at(9, 0, 0, 0)));
/// # Ok::<(), calendar::RecurrenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    frequency: Frequency,
    interval: u16,
    end: End,
    months: Vec<i8>,
    month_days: Vec<i8>,
    year_days: Vec<i16>,
    /// With ordinal 0: every such day.
    days: Vec<(i8, Weekday)>,
    positions: Vec<i16>,
    week_start: Weekday,
}

/// How often a rule repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// `DAILY`.
    Daily,
    /// `WEEKLY`.
    Weekly,
    /// `MONTHLY`.
    Monthly,
    /// `YEARLY`.
    Yearly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Never,
    Count(u32),
    Date(Date),
    Local(DateTime),
    Utc(Timestamp),
}

impl Recurrence {
    /// How often it repeats.
    pub fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// Whether it ends by itself.
    pub fn is_finite(&self) -> bool {
        self.end != End::Never
    }

    /// The occurrences from `start` on, at its time of day, in order.
    ///
    /// As in the RFC, `start` also fills in what the rule leaves open: the day of the month, the
    /// day of the week. It is itself an occurrence only when the rule matches it. `zone` is that of
    /// `start`; it matters for an `UNTIL` in UTC.
    ///
    /// An infinite rule gives occurrences until the year 9999.
    pub fn occurrences(&self, start: DateTime, zone: &TimeZone) -> Occurrences {
        let mut rule = self.clone();
        rule.fill_in(start.date());
        let (left, last) = match rule.end {
            End::Never => (u32::MAX, DateTime::MAX),
            End::Count(count) => (count, DateTime::MAX),
            End::Date(date) => (u32::MAX, date.at(23, 59, 59, 999_999_999)),
            End::Local(last) => (u32::MAX, last),
            End::Utc(instant) => (u32::MAX, zone.to_datetime(instant)),
        };
        let period = rule.period_of(start.date());
        Occurrences { rule, start, left, last, period, found: Vec::new().into_iter() }
    }

    /// Takes from `start` what the rule does not say.
    fn fill_in(&mut self, start: Date) {
        if !self.month_days.is_empty() || !self.year_days.is_empty() || !self.days.is_empty() {
            return;
        }
        match self.frequency {
            Frequency::Daily => {}
            Frequency::Weekly => self.days.push((0, start.weekday())),
            Frequency::Monthly => self.month_days.push(start.day()),
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months.push(start.month());
                }
                self.month_days.push(start.day());
            }
        }
    }

    /// The first day of the period (day, week, month, year) that `date` lies in.
    fn period_of(&self, date: Date) -> Option<Date> {
        match self.frequency {
            Frequency::Daily => Some(date),
            Frequency::Weekly => {
                let days = self.week_start.until(date.weekday());
                date.checked_sub(days.days()).ok()
            }
            Frequency::Monthly => Some(date.first_of_month()),
            Frequency::Yearly => Some(date.first_of_year()),
        }
    }

    fn next_period(&self, first: Date) -> Option<Date> {
        let n = i64::from(self.interval);
        let span = match self.frequency {
            Frequency::Daily => n.days(),
            Frequency::Weekly => (n * 7).days(),
            Frequency::Monthly => n.months(),
            Frequency::Yearly => n.years(),
        };
        first.checked_add(span).ok()
    }

    /// The dates of the period that begins at `first` which the rule picks, in order.
    fn pick(&self, first: Date) -> Vec<Date> {
        let days = match self.frequency {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => first.days_in_month().into(),
            Frequency::Yearly => first.days_in_year(),
        };
        let all = first.series(1.day()).take(usize::try_from(days).unwrap_or(0));
        let picked: Vec<Date> = all.filter(|date| self.matches(*date)).collect();
        if self.positions.is_empty() {
            return picked;
        }
        let len = picked.len() as i32;
        let mut indices: Vec<i32> = self
            .positions
            .iter()
            .map(|position| match i32::from(*position) {
                position if position < 0 => len + position,
                position => position - 1,
            })
            .filter(|index| (0..len).contains(index))
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
            .iter()
            .filter_map(|index| picked.get(usize::try_from(*index).ok()?).copied())
            .collect()
    }

    fn matches(&self, date: Date) -> bool {
        let listed = |list: &[i16], value: i16, length: i16| {
            list.is_empty() || list.contains(&value) || list.contains(&(value - length - 1))
        };
        let month_days = &self.month_days;
        (self.months.is_empty() || self.months.contains(&date.month()))
            && (month_days.is_empty()
                || month_days.contains(&date.day())
                || month_days.contains(&(date.day() - date.days_in_month() - 1)))
            && listed(&self.year_days, date.day_of_year(), date.days_in_year())
            && (self.days.is_empty() || self.days.iter().any(|day| self.is_nth(date, *day)))
    }

    /// Whether `date` is the `n`th such weekday of its month or year, as the rule counts; for `n` 0
    /// whether it is such a weekday at all.
    fn is_nth(&self, date: Date, (n, weekday): (i8, Weekday)) -> bool {
        if date.weekday() != weekday {
            return false;
        }
        let by_month = self.frequency == Frequency::Monthly || !self.months.is_empty();
        let (day, length) = if by_month {
            (i16::from(date.day()), i16::from(date.days_in_month()))
        } else {
            (date.day_of_year(), date.days_in_year())
        };
        match i16::from(n) {
            0 => true,
            n if n > 0 => (day - 1) / 7 + 1 == n,
            n => (length - day) / 7 + 1 == -n,
        }
    }
}

/// The occurrences of a [`Recurrence`], made by [`occurrences`](Recurrence::occurrences).
#[derive(Clone, Debug)]
pub struct Occurrences {
    rule: Recurrence,
    start: DateTime,
    left: u32,
    last: DateTime,
    /// The first day of the next period to look at.
    period: Option<Date>,
    found: alloc::vec::IntoIter<Date>,
}

impl Iterator for Occurrences {
    type Item = DateTime;

    fn next(&mut self) -> Option<DateTime> {
        loop {
            for date in self.found.by_ref() {
                let at = date.to_datetime(self.start.time());
                if at < self.start {
                    continue;
                }
                self.left = self.left.checked_sub(1)?;
                return (at <= self.last).then_some(at);
            }
            let first = self.period.filter(|first| *first <= self.last.date() && self.left > 0)?;
            self.period = self.rule.next_period(first);
            self.found = self.rule.pick(first).into_iter();
        }
    }
}

impl FromStr for Recurrence {
    type Err = RecurrenceError;

    fn from_str(text: &str) -> Result<Self, RecurrenceError> {
        let mut frequency = None;
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            end: End::Never,
            months: Vec::new(),
            month_days: Vec::new(),
            year_days: Vec::new(),
            days: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut seen: Vec<String> = Vec::new();
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let error = |problem| RecurrenceError { part: part.into(), problem };
            let bad = || error(Problem::Value);
            let (key, value) = part.split_once('=').ok_or_else(bad)?;
            let key = key.trim().to_ascii_uppercase();
            let value = value.trim();
            if seen.contains(&key) {
                return Err(error(Problem::Twice));
            }
            match key.as_str() {
                "FREQ" => {
                    frequency = Some(match value.to_ascii_uppercase().as_str() {
                        "DAILY" => Frequency::Daily,
                        "WEEKLY" => Frequency::Weekly,
                        "MONTHLY" => Frequency::Monthly,
                        "YEARLY" => Frequency::Yearly,
                        "HOURLY" | "MINUTELY" | "SECONDLY" => {
                            return Err(error(Problem::Unsupported));
                        }
                        _ => return Err(bad()),
                    });
                }
                "INTERVAL" => {
                    rule.interval = value.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?;
                }
                "COUNT" | "UNTIL" if rule.end != End::Never => return Err(error(Problem::TwoEnds)),
                "COUNT" => {
                    let count = value.parse().ok().filter(|n| *n > 0).ok_or_else(bad)?;
                    rule.end = End::Count(count);
                }
                "UNTIL" => rule.end = parse_until(value).ok_or_else(bad)?,
                "BYMONTH" => rule.months = numbers(value, 1, 12, false).ok_or_else(bad)?,
                "BYMONTHDAY" => rule.month_days = numbers(value, 1, 31, true).ok_or_else(bad)?,
                "BYYEARDAY" => rule.year_days = numbers(value, 1, 366, true).ok_or_else(bad)?,
                "BYSETPOS" => rule.positions = numbers(value, 1, 366, true).ok_or_else(bad)?,
                "BYDAY" => {
                    let days: Option<Vec<_>> = value.split(',').map(parse_by_day).collect();
                    rule.days = days.ok_or_else(bad)?;
                }
                "WKST" => {
                    rule.week_start =
                        parse_by_day(value).filter(|(n, _)| *n == 0).ok_or_else(bad)?.1;
                }
                "BYHOUR" | "BYMINUTE" | "BYSECOND" | "BYWEEKNO" | "RSCALE" | "SKIP" => {
                    return Err(error(Problem::Unsupported));
                }
                _ => return Err(error(Problem::Unknown)),
            }
            seen.push(key);
        }
        let error = |part: &str, problem| RecurrenceError { part: part.into(), problem };
        rule.frequency = frequency.ok_or_else(|| error("FREQ", Problem::Missing))?;
        // RFC 5545 3.3.10: what may not stand together.
        let short = rule.frequency < Frequency::Monthly;
        if short && rule.days.iter().any(|(n, _)| *n != 0) {
            return Err(error("BYDAY", Problem::OrdinalDay));
        }
        if rule.frequency == Frequency::Weekly && !rule.month_days.is_empty() {
            return Err(error("BYMONTHDAY", Problem::Frequency));
        }
        if rule.frequency != Frequency::Yearly && !rule.year_days.is_empty() {
            return Err(error("BYYEARDAY", Problem::Frequency));
        }
        let lists =
            [rule.months.len(), rule.month_days.len(), rule.year_days.len(), rule.days.len()];
        if !rule.positions.is_empty() && lists == [0; 4] {
            return Err(error("BYSETPOS", Problem::Alone));
        }
        Ok(rule)
    }
}

/// Writes the rule as RFC 5545 has it, parts in the RFC's order.
impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: fmt::Display>(
            f: &mut fmt::Formatter<'_>,
            key: &str,
            values: &[T],
        ) -> fmt::Result {
            for (i, value) in values.iter().enumerate() {
                match i {
                    0 => write!(f, ";{key}={value}")?,
                    _ => write!(f, ",{value}")?,
                }
            }
            Ok(())
        }
        let frequency = match self.frequency {
            Frequency::Daily => "DAILY",
            Frequency::Weekly => "WEEKLY",
            Frequency::Monthly => "MONTHLY",
            Frequency::Yearly => "YEARLY",
        };
        write!(f, "FREQ={frequency}")?;
        match self.end {
            End::Never => {}
            End::Count(count) => write!(f, ";COUNT={count}")?,
            End::Date(date) => write!(f, ";UNTIL={}", date.strftime("%Y%m%d"))?,
            End::Local(at) => write!(f, ";UNTIL={}", at.strftime("%Y%m%dT%H%M%S"))?,
            End::Utc(at) => write!(f, ";UNTIL={}", at.strftime("%Y%m%dT%H%M%SZ"))?,
        }
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        let days: Vec<ByDay> = self.days.iter().map(|day| ByDay(*day)).collect();
        list(f, "BYDAY", &days)?;
        list(f, "BYMONTHDAY", &self.month_days)?;
        list(f, "BYYEARDAY", &self.year_days)?;
        list(f, "BYMONTH", &self.months)?;
        list(f, "BYSETPOS", &self.positions)?;
        if self.week_start != Weekday::Monday {
            write!(f, ";WKST={}", ByDay((0, self.week_start)))?;
        }
        Ok(())
    }
}

/// What is wrong with a rule's text: the mistake of who wrote it, or more than is supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recurrence rule, {part:?}: {problem}")]
#[non_exhaustive]
pub struct RecurrenceError {
    /// The part at fault, such as `BYDAY=8MO`.
    pub part: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a part of a recurrence rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The value is not one that the RFC allows.
    #[error("the value is not one that RFC 5545 allows here")]
    Value,
    /// RFC 5545 or 7529 has it, this crate does not.
    #[error("not supported; write the rule in days, weeks, months or years without it")]
    Unsupported,
    /// No RFC has it.
    #[error("no such part in RFC 5545")]
    Unknown,
    /// The same part twice.
    #[error("given twice; keep one")]
    Twice,
    /// Both `COUNT` and `UNTIL`.
    #[error("a rule ends by COUNT or by UNTIL, not both")]
    TwoEnds,
    /// A required part is not there.
    #[error("a rule needs it")]
    Missing,
    /// `BYDAY` with a number in a daily or weekly rule.
    #[error("numbers before days only make sense in monthly and yearly rules")]
    OrdinalDay,
    /// A part that this frequency may not have.
    #[error("the RFC forbids it with this frequency")]
    Frequency,
    /// `BYSETPOS` without another `BY…` part.
    #[error("needs another BY part to pick from")]
    Alone,
}

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

struct ByDay((i8, Weekday));

impl fmt::Display for ByDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ByDay((n, weekday)) = self;
        let name = DAYS.iter().find(|(_, day)| day == weekday).map_or("", |(name, _)| name);
        match n {
            0 => f.write_str(name),
            n => write!(f, "{n}{name}"),
        }
    }
}

fn parse_by_day(text: &str) -> Option<(i8, Weekday)> {
    let text = text.trim();
    let (number, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let (_, weekday) = DAYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    let n = match number {
        "" => 0,
        number => number.parse().ok().filter(|n: &i8| *n != 0 && n.abs() <= 53)?,
    };
    Some((n, *weekday))
}

fn numbers<T: TryFrom<i16>>(text: &str, low: i16, high: i16, negative: bool) -> Option<Vec<T>> {
    let allowed = |n: &i16| (low..=high).contains(n) || negative && (low..=high).contains(&-n);
    text.split(',')
        .map(|part| T::try_from(part.trim().parse().ok().filter(allowed)?).ok())
        .collect()
}

fn parse_until(text: &str) -> Option<End> {
    if text.len() == 8 {
        return Date::strptime("%Y%m%d", text).ok().map(End::Date);
    }
    let at = DateTime::strptime("%Y%m%dT%H%M%S", text.strip_suffix('Z').unwrap_or(text)).ok()?;
    if text.ends_with('Z') {
        return TimeZone::UTC.to_timestamp(at).ok().map(End::Utc);
    }
    Some(End::Local(at))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn dates(rule: &str, start: &str, count: usize) -> Vec<String> {
        let rule: Recurrence = rule.parse().unwrap();
        let start: Date = start.parse().unwrap();
        let occurrences = rule.occurrences(start.at(9, 0, 0, 0), &TimeZone::UTC);
        occurrences.take(count).map(|at| at.date().to_string()).collect()
    }

    /// Examples of RFC 5545 section 3.8.5.3.
    #[test]
    fn examples_of_the_rfc() {
        let start = "1997-09-02";
        assert_eq!(dates("FREQ=DAILY;COUNT=10", start, 99).last().unwrap(), "1997-09-11");
        assert_eq!(dates("FREQ=DAILY;UNTIL=19971224T000000Z", start, 999).len(), 113);
        assert_eq!(
            dates(
                "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
                "1997-09-01",
                5
            ),
            ["1997-09-01", "1997-09-03", "1997-09-05", "1997-09-15", "1997-09-17"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", 3),
            ["1997-09-05", "1997-10-03", "1997-11-07"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "1997-09-07", 4),
            ["1997-09-07", "1997-09-28", "1997-11-02", "1997-11-30"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", 3),
            ["1997-09-28", "1997-10-29", "1997-11-28"]
        );
        assert_eq!(
            dates("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "1997-01-01", 4),
            ["1997-01-01", "1997-04-10", "1997-07-19", "2000-01-01"]
        );
        assert_eq!(
            dates("FREQ=YEARLY;BYDAY=20MO", "1997-05-19", 3),
            ["1997-05-19", "1998-05-18", "1999-05-17"]
        );
        assert_eq!(
            dates("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13", 4),
            ["1997-03-13", "1997-03-20", "1997-03-27", "1998-03-05"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", start, 3),
            ["1998-02-13", "1998-03-13", "1998-11-13"]
        );
        assert_eq!(
            dates(
                "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
                "1996-11-05",
                3
            ),
            ["1996-11-05", "2000-11-07", "2004-11-02"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", 9),
            ["1997-09-04", "1997-10-07", "1997-11-06"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29", 3),
            ["1997-09-29", "1997-10-30", "1997-11-27"]
        );
        assert_eq!(
            dates("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", 9),
            ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]
        );
        assert_eq!(
            dates("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", 9),
            ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15", 9),
            ["2007-01-15", "2007-01-30", "2007-02-15", "2007-03-15", "2007-03-30"]
        );
    }

    #[test]
    fn a_leap_day_comes_back_in_leap_years() {
        assert_eq!(
            dates("FREQ=YEARLY", "2024-02-29", 3),
            ["2024-02-29", "2028-02-29", "2032-02-29"]
        );
        assert_eq!(
            dates("FREQ=MONTHLY", "2026-01-31", 3),
            ["2026-01-31", "2026-03-31", "2026-05-31"]
        );
        assert!(dates("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2024-01-01", 1).is_empty());
    }

    #[test]
    fn until_in_utc_is_compared_in_the_zone() {
        let rule: Recurrence = "FREQ=DAILY;UNTIL=20260103T000000Z".parse().unwrap();
        let moscow = crate::zone("Europe/Moscow").unwrap();
        let start = jiff::civil::date(2026, 1, 1);
        assert_eq!(rule.occurrences(start.at(2, 0, 0, 0), &moscow).count(), 3);
        assert_eq!(rule.occurrences(start.at(4, 0, 0, 0), &moscow).count(), 2);
    }

    #[test]
    fn mistakes_name_the_part() {
        let problem = |rule: &str| rule.parse::<Recurrence>().unwrap_err();
        assert_eq!(problem("FREQ=HOURLY").problem, Problem::Unsupported);
        assert_eq!(problem("FREQ=MONTHLY;BYDAY=8XX").part, "BYDAY=8XX");
        assert_eq!(problem("FREQ=WEEKLY;BYDAY=1MO").problem, Problem::OrdinalDay);
        assert_eq!(problem("FREQ=DAILY;COUNT=3;UNTIL=20260101").problem, Problem::TwoEnds);
        assert_eq!(problem("FREQ=DAILY;INTERVAL=0").problem, Problem::Value);
        assert_eq!(problem("FREQ=DAILY;FREQ=DAILY").problem, Problem::Twice);
        assert_eq!(problem("BYDAY=MO").problem, Problem::Missing);
        assert_eq!(problem("FREQ=DAILY;BYSETPOS=1").problem, Problem::Alone);
        assert_eq!(problem("FREQ=DAILY;FOO=1").problem, Problem::Unknown);
        assert_eq!(problem("FREQ=YEARLY;BYMONTHDAY=0").problem, Problem::Value);
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        for text in [
            "FREQ=MONTHLY;COUNT=10;INTERVAL=2;BYDAY=1SU,-1SU",
            "FREQ=YEARLY;UNTIL=20271231;BYDAY=SU;BYMONTHDAY=25;BYMONTH=10;WKST=SU",
            "FREQ=WEEKLY;UNTIL=20261231T235959Z",
        ] {
            assert_eq!(text.parse::<Recurrence>().unwrap().to_string(), text);
        }
    }
}
