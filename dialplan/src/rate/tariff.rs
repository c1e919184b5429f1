//! Tariffs: rates by destination, date and time of day.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use jiff::civil::{Date, DateTime, Time, Weekday};

use crate::csv::{CsvError, Row, Rows};
use crate::number::{Digits, Number};
use crate::prefix::{PrefixError, PrefixTable};

use super::{Free, Increment, Micros, Rate, Rounding};

/// Rates by prefix. The longest prefix that has a rate in force at the time counts.
#[derive(Clone, Debug)]
pub struct Tariff {
    table: PrefixTable<Destination>,
}

/// What is known of the numbers with one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What people call it: `Moscow, mobile`.
    pub name: Box<str>,
    /// Its rates, the first that is in force counts.
    pub periods: Vec<Period>,
}

/// A rate and when it is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
    /// The days of the week, by bit, Monday lowest.
    pub days: u8,
    /// From the first time on and before the second; past midnight when the second is the earlier.
    pub hours: Option<(Time, Time)>,
    /// The rate.
    pub rate: Rate,
}

impl Period {
    /// Always in force.
    pub fn always(rate: Rate) -> Period {
        Period { from: None, until: None, days: 0x7F, hours: None, rate }
    }

    /// Whether it is in force at this time, in the tariff's own civil time. Hours past midnight
    /// belong to the day on which they begin.
    pub fn is_in_force(&self, at: DateTime) -> bool {
        let (date, time) = (at.date(), at.time());
        match self.hours {
            None => self.has_day(date),
            Some((from, until)) if from < until => {
                from <= time && time < until && self.has_day(date)
            }
            Some((from, _)) if time >= from => self.has_day(date),
            Some((_, until)) if time < until => {
                date.yesterday().is_ok_and(|date| self.has_day(date))
            }
            Some(_) => false,
        }
    }

    fn has_day(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date)
            && self.until.is_none_or(|until| date <= until)
            && self.days >> date.weekday().to_monday_zero_offset() & 1 == 1
    }
}

impl Tariff {
    /// A tariff from its prefixes.
    ///
    /// # Errors
    ///
    /// When a prefix is there twice or is not digits alone.
    pub fn new(destinations: Vec<(Digits, Destination)>) -> Result<Tariff, PrefixError> {
        Ok(Tariff { table: PrefixTable::build(destinations)? })
    }

    /// Reads a tariff from CSV. The first row names the columns, in any order; several rows of one
    /// prefix are its periods, in the order in which they are tried.
    ///
    /// | column | meaning | missing or empty |
    /// |---|---|---|
    /// | `prefix` | digits with country code, `+` allowed | an error |
    /// | `rate_per_min` | price of a minute | an error |
    /// | `destination` | its name | the prefix |
    /// | `connect_fee` | price of a call | 0 |
    /// | `increment` | steps in seconds | `1/1` |
    /// | `free_seconds` | seconds not billed | 0 |
    /// | `free_rule` | `before` or `after` rounding | `before` |
    /// | `from`, `until` | first and last day, `2026-01-31` | no bound |
    /// | `days` | days of the week, `mon-fri` or `sat,sun` | all |
    /// | `hours` | `09:00-18:00`, past midnight allowed | all |
    ///
    /// # Errors
    ///
    /// At the first row that cannot be read, with its line and column.
    pub fn from_csv(table: &[u8]) -> Result<Tariff, TariffError> {
        let mut rows = Rows::new(table);
        let columns = match rows.next()? {
            Some(heading) => Columns::new(&heading)?,
            None => return Ok(Tariff { table: PrefixTable::build(Vec::new())? }),
        };
        let mut destinations: BTreeMap<Digits, Destination> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (prefix, name, period) = columns.read(&row)?;
            destinations
                .entry(prefix)
                .or_insert_with(|| Destination { name: name.into(), periods: Vec::new() })
                .periods
                .push(period);
        }
        Ok(Tariff { table: PrefixTable::build(destinations.into_iter().collect())? })
    }

    /// The rate for a number at a time, with the prefix that decided and the destination's name.
    pub fn rate(&self, number: Number, at: DateTime) -> Option<(Digits, &str, &Rate)> {
        let in_force = |(prefix, destination): (Digits, &'_ Destination)| {
            let index = destination.periods.iter().position(|period| period.is_in_force(at))?;
            Some((prefix, index))
        };
        let (prefix, destination) = self.table.lookup(number.digits())?;
        // The longest prefix nearly always has a rate in force; only otherwise look at shorter ones.
        let (prefix, destination, index) = match in_force((prefix, destination)) {
            Some((prefix, index)) => (prefix, destination, index),
            None => self
                .table
                .prefixes(number.digits())
                .filter_map(|(prefix, d)| in_force((prefix, d)).map(|(p, index)| (p, d, index)))
                .last()?,
        };
        Some((prefix, &destination.name, &destination.periods.get(index)?.rate))
    }

    /// The destination of the longest prefix, whether a rate is in force or not.
    pub fn destination(&self, number: Number) -> Option<(Digits, &Destination)> {
        self.table.lookup(number.digits())
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}

/// Why a tariff cannot be read. The writer of the table has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TariffError {
    /// The CSV cannot be read.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The prefixes do not make a table.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// A column that has to be there is not.
    #[error("line {line}: there is no column `{column}`")]
    NoColumn {
        /// The line of the heading.
        line: u64,
        /// The column's name.
        column: &'static str,
    },
    /// A field cannot be read.
    #[error("line {line}: {column} cannot be read: {reason}")]
    Field {
        /// The line of the row.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What is wrong.
        reason: Box<str>,
    },
}

const NAMES: [&str; 11] = [
    "prefix",
    "rate_per_min",
    "destination",
    "connect_fee",
    "increment",
    "free_seconds",
    "free_rule",
    "from",
    "until",
    "days",
    "hours",
];

/// Where each column is.
struct Columns([Option<usize>; NAMES.len()]);

impl Columns {
    fn new(heading: &Row<'_>) -> Result<Columns, TariffError> {
        let place = |name: &str| {
            (0..heading.len())
                .find(|&at| heading.field(at).is_some_and(|field| field.trim() == name))
        };
        let columns = Columns(NAMES.map(place));
        for column in ["prefix", "rate_per_min"] {
            if place(column).is_none() {
                return Err(TariffError::NoColumn { line: heading.line(), column });
            }
        }
        Ok(columns)
    }

    fn read<'r>(&self, row: &Row<'r>) -> Result<(Digits, &'r str, Period), TariffError> {
        let prefix_text = self.field(row, "prefix").unwrap_or_default();
        let prefix = prefix_text.strip_prefix('+').unwrap_or(prefix_text);
        let prefix: Digits = prefix.parse().map_err(|error| wrong(row, "prefix", error))?;
        let name = self.field(row, "destination").unwrap_or(prefix_text);
        let per_minute: Option<Micros> = self.parse(row, "rate_per_min")?;
        let per_minute = per_minute.ok_or_else(|| wrong(row, "rate_per_min", "it is missing"))?;
        let seconds: u32 = self.parse(row, "free_seconds")?.unwrap_or(0);
        let free = match self.field(row, "free_rule") {
            _ if seconds == 0 => Free::Nothing,
            None | Some("before") => Free::BeforeRounding(seconds),
            Some("after") => Free::AfterRounding(seconds),
            Some(_) => return Err(wrong(row, "free_rule", "it is `before` or `after`")),
        };
        let increment: Option<Increment> = self.parse(row, "increment")?;
        let rate = Rate {
            per_minute,
            connect_fee: self.parse(row, "connect_fee")?.unwrap_or(Micros::ZERO),
            increment: increment.unwrap_or(Increment { first: 1, then: 1 }),
            free,
            rounding: Rounding::HalfUp,
        };
        let days = match self.field(row, "days") {
            None => 0x7F,
            Some(text) => {
                days(text).ok_or_else(|| wrong(row, "days", "write `mon-fri` or `sat,sun`"))?
            }
        };
        let hours = match self.field(row, "hours") {
            None => None,
            Some(text) => {
                Some(hours(text).ok_or_else(|| wrong(row, "hours", "write `09:00-18:00`"))?)
            }
        };
        let (from, until) = (self.parse(row, "from")?, self.parse(row, "until")?);
        Ok((prefix, name, Period { from, until, days, hours, rate }))
    }

    fn field<'r>(&self, row: &Row<'r>, column: &'static str) -> Option<&'r str> {
        let at = NAMES.iter().position(|name| *name == column)?;
        let field = row.field((*self.0.get(at)?)?)?.trim();
        Some(field).filter(|field| !field.is_empty())
    }

    fn parse<F: core::str::FromStr<Err: core::fmt::Display>>(
        &self,
        row: &Row<'_>,
        column: &'static str,
    ) -> Result<Option<F>, TariffError> {
        let parse = |text: &str| text.parse().map_err(|error| wrong(row, column, error));
        self.field(row, column).map(parse).transpose()
    }
}

fn wrong(row: &Row<'_>, column: &'static str, reason: impl core::fmt::Display) -> TariffError {
    let reason = alloc::format!("{reason}").into();
    TariffError::Field { line: row.line(), column, reason }
}

fn days(text: &str) -> Option<u8> {
    let mut days = 0;
    for part in text.split([',', ' ', '&']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (weekday(first)?, weekday(last)?);
        loop {
            days |= 1 << day.to_monday_zero_offset();
            if day == last {
                break;
            }
            day = day.next();
        }
    }
    Some(days)
}

fn weekday(text: &str) -> Option<Weekday> {
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let at = names.iter().position(|name| text.trim().eq_ignore_ascii_case(name))?;
    Weekday::from_monday_zero_offset(at as i8).ok()
}

fn hours(text: &str) -> Option<(Time, Time)> {
    let (from, until) = text.split_once('-')?;
    let time = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    Some((time(from)?, time(until)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use jiff::civil::datetime;

    const TABLE: &[u8] =
        b"prefix,destination,rate_per_min,connect_fee,increment,days,hours,from,until\n\
        7,Russia,2,,60/60,,,,\n\
        7495,Moscow,1.5,0.1,1/1,mon-fri,09:00-18:00,,2026-06-30\n\
        7495,Moscow,1,,1/1,,18:00-09:00,,\n\
        44,United Kingdom,3.25,,30/6,,,2026-01-01,\n";

    fn per_minute(number: &str, at: DateTime) -> Option<String> {
        let tariff = Tariff::from_csv(TABLE).unwrap();
        let (_, _, rate) = tariff.rate(number.parse().unwrap(), at)?;
        Some(rate.per_minute.to_string())
    }

    #[test]
    fn the_longest_prefix_with_a_rate_in_force_counts() {
        let friday = datetime(2026, 6, 26, 10, 0, 0, 0);
        let rate = |at| per_minute("+74951234567", at);
        assert_eq!(rate(friday).as_deref(), Some("1.5"));
        assert_eq!(rate(datetime(2026, 6, 26, 20, 0, 0, 0)).as_deref(), Some("1"));
        assert_eq!(rate(datetime(2026, 6, 27, 8, 59, 0, 0)).as_deref(), Some("1"), "past midnight");
        assert_eq!(rate(datetime(2026, 6, 27, 10, 0, 0, 0)).as_deref(), Some("2"), "Saturday");
        assert_eq!(rate(datetime(2026, 7, 3, 10, 0, 0, 0)).as_deref(), Some("2"), "out of date");
        assert_eq!(per_minute("+442079460148", datetime(2025, 12, 31, 0, 0, 0, 0)), None);
        assert_eq!(per_minute("+12125551212", friday), None);
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = |table: &[u8]| Tariff::from_csv(table).unwrap_err().to_string();
        assert_eq!(error(b"prefix,rate\n7,1\n"), "line 1: there is no column `rate_per_min`");
        let message = error(b"prefix,rate_per_min\n7,1\n8,1.x\n");
        assert_eq!(
            message,
            "line 3: rate_per_min cannot be read: not an amount (position 2); write it as 1.25"
        );
        let message = error(b"prefix,rate_per_min,hours\n7,1,25:00-26:00\n");
        assert_eq!(message, "line 2: hours cannot be read: write `09:00-18:00`");
    }
}
