use alloc::{string::String, sync::Arc, vec::Vec};

use jiff::civil::Date;

use super::{Builder, Day, DayKind, Special, Weekend, YearStatus};
use crate::{
    Name,
    arithmetic::{DaySet, DayTable},
};

/// Which days of some years are worked, by country or company.
///
/// Cloning is cheap apart from the table of working days, some 4 KB for thirty years.
///
/// ```
/// use calendar::production::russia;
/// use jiff::civil::date;
///
/// let day = russia().day(date(2026, 1, 9))?.to_string();
/// assert_eq!(day, "2026-01-09 is a day off moved from Saturday 3 January");
/// assert_eq!(russia().add_working_days(date(2026, 12, 30), 3)?, date(2027, 1, 13));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Calendar {
    data: Arc<Data>,
    table: DaySet,
    large: Option<Arc<DayTable>>,
    decree_days: DecreeDays,
    fallback: Fallback,
    contiguous: bool,
}

/// Whether days that a decree declared non-working count as days off.
///
/// In Russia's spring of 2020 they did not change the norm of working hours, and contracts' terms
/// ran on; yet offices were closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecreeDays {
    /// They are what they were before the decree: the norms of hours are computed so.
    #[default]
    Working,
    /// They are days off.
    Off,
}

/// What a calendar says of years that it has no data for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// An error.
    #[default]
    Refuse,
    /// The weekend is off, every other day is worked; such days say so.
    Weekends,
}

/// A year that a calendar has data for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Year {
    /// Which year.
    pub number: i16,
    /// How far its data can be trusted.
    pub status: YearStatus,
}

/// The calendar has no data for a year, and no fallback was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the calendar has no data for {year}, only for {first} to {last}: load newer data, or declare \
     a fallback"
)]
#[non_exhaustive]
pub struct NoData {
    /// The year that is missing.
    pub year: i16,
    /// The first year with data.
    pub first: i16,
    /// The last year with data. Years between the two may be missing too.
    pub last: i16,
}

impl Calendar {
    /// Begins an empty calendar. `code` is what programs call it, as `RU`.
    pub fn builder(code: &str) -> Builder {
        Builder::new(code)
    }

    /// Begins a calendar that has all days and years of this one, to add to and to remove from.
    pub fn extend(&self, code: &str) -> Builder {
        Builder::on(code, self)
    }

    /// The same calendar with the years of `other` that it has not: a declared way past the data.
    ///
    /// ```
    /// use calendar::production::{by_rules, russia};
    ///
    /// let russia = russia().continued_by(&by_rules("RU", 2028..=2035)?);
    /// assert_eq!(russia.is_working(jiff::civil::date(2030, 5, 9)), Ok(false));
    /// # Ok::<(), calendar::production::UnknownCountry>(())
    /// ```
    #[must_use]
    pub fn continued_by(&self, other: &Calendar) -> Self {
        let builder = self.extend(self.code()).name(self.name().clone()).years_of(other);
        // Both were built, and no day of either is in a year of the other.
        builder.build().unwrap_or_else(|_| self.clone())
    }

    /// The same calendar with days off by decree counted so.
    #[must_use]
    pub fn with_decree_days(self, decree_days: DecreeDays) -> Self {
        if decree_days == self.decree_days {
            return self;
        }
        let large = self.large.is_some();
        let compiled = Self::compile(self.data, decree_days, self.fallback);
        if large { compiled.with_large_tables() } else { compiled }
    }

    /// The same calendar with another answer for years without data.
    #[must_use]
    pub fn with_fallback(self, fallback: Fallback) -> Self {
        Self { fallback, ..self }
    }

    /// The same calendar with tables that answer some times faster and take some 60 KB for thirty
    /// years instead of 4. For whoever counts millions of days.
    #[must_use]
    pub fn with_large_tables(self) -> Self {
        let (first, last) = self.data.span();
        let large = DayTable::new(&self.table, first, last).map(Arc::new);
        Self { large, ..self }
    }

    /// Memory that the tables of working days take, in bytes.
    pub fn table_bytes(&self) -> usize {
        self.table.bytes() + self.large.as_ref().map_or(0, |large| large.bytes())
    }

    /// What programs call it.
    pub fn code(&self) -> &str {
        &self.data.code
    }

    /// What people call it.
    pub fn name(&self) -> &Name {
        &self.data.name
    }

    /// The version of its data, free text.
    pub fn version(&self) -> &str {
        &self.data.version
    }

    /// The weekend.
    pub fn weekend(&self) -> Weekend {
        self.data.weekend
    }

    /// How it counts days off by decree.
    pub fn decree_days(&self) -> DecreeDays {
        self.decree_days
    }

    /// What it says of years without data.
    pub fn fallback(&self) -> Fallback {
        self.fallback
    }

    /// The years it has data for, in order.
    pub fn years(&self) -> &[Year] {
        &self.data.years
    }

    /// The days that differ from what their day of the week says, in order; a day off by decree
    /// comes after what the day is otherwise.
    pub fn specials(&self) -> Vec<Special> {
        let decree = |(date, name): &(Date, Name)| {
            Special::new(*date, DayKind::DecreeOff).named(name.clone())
        };
        let mut all = self.data.specials.clone();
        all.extend(self.data.decrees.iter().map(decree));
        all.sort_by_key(|special| (special.date, special.kind == DayKind::DecreeOff));
        all
    }

    /// What kind of day `date` is, and why.
    ///
    /// # Errors
    ///
    /// [`NoData`] for a year without data, unless a fallback was declared.
    pub fn day(&self, date: Date) -> Result<Day<'_>, NoData> {
        let status = match self.year(date.year()) {
            Some(year) => year.status,
            None if self.fallback == Fallback::Refuse => return Err(self.no_data(date.year())),
            None => YearStatus::Fallback,
        };
        let special = self.data.special(date);
        let decree = self.data.decree(date);
        let kind = self.data.kind(date, self.decree_days);
        let moves = &self.data.moves;
        let moved_to = moves
            .binary_search_by_key(&date, |(from, _)| *from)
            .ok()
            .and_then(|index| moves.get(index))
            .map(|(_, to)| *to);
        Ok(Day {
            date,
            kind,
            moved_from: special.and_then(|special| special.moved_from),
            moved_to,
            name: special.and_then(|special| special.name.as_ref()),
            decree,
            status,
        })
    }

    pub(super) fn compile(data: Arc<Data>, decree_days: DecreeDays, fallback: Fallback) -> Self {
        let (first, last) = data.span();
        let years = u16::try_from(i32::from(last) - i32::from(first) + 1).unwrap_or(0);
        let table = DaySet::new(first, years, |day| data.kind(day, decree_days).is_working());
        let contiguous = data.years.len() == usize::from(years);
        Self { data, table, large: None, decree_days, fallback, contiguous }
    }

    pub(super) fn data(&self) -> &Data {
        &self.data
    }

    pub(crate) fn table(&self) -> &DaySet {
        &self.table
    }

    #[inline]
    pub(crate) fn large(&self) -> Option<&DayTable> {
        self.large.as_deref()
    }

    /// Whether the table's answers stand as they are: no year between its first and last is
    /// missing, or missing years were declared to go by the weekend, as the table has them.
    pub(crate) fn is_table_whole(&self) -> bool {
        self.contiguous || self.fallback == Fallback::Weekends
    }

    pub(crate) fn year(&self, year: i16) -> Option<Year> {
        let years = &self.data.years;
        let index = years.binary_search_by_key(&year, |year| year.number).ok()?;
        years.get(index).copied()
    }

    pub(crate) fn no_data(&self, year: i16) -> NoData {
        let (first, last) = self.data.span();
        NoData { year, first, last }
    }

    pub(crate) fn year_span(&self) -> (i16, i16) {
        self.data.span()
    }
}

/// What a calendar was built from.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) code: String,
    pub(super) name: Name,
    pub(super) version: String,
    pub(super) weekend: Weekend,
    pub(super) years: Vec<Year>,
    /// In order, at most one a date, none by decree.
    pub(super) specials: Vec<Special>,
    /// In order.
    pub(super) decrees: Vec<(Date, Name)>,
    /// From where, to where; in order.
    pub(super) moves: Vec<(Date, Date)>,
}

impl Data {
    /// The first and the last year; of an empty calendar a span that holds none.
    fn span(&self) -> (i16, i16) {
        match (self.years.first(), self.years.last()) {
            (Some(first), Some(last)) => (first.number, last.number),
            _ => (1, 0),
        }
    }

    fn special(&self, date: Date) -> Option<&Special> {
        let index = self.specials.binary_search_by_key(&date, |special| special.date).ok()?;
        self.specials.get(index)
    }

    fn decree(&self, date: Date) -> Option<&Name> {
        let index = self.decrees.binary_search_by_key(&date, |(date, _)| *date).ok()?;
        self.decrees.get(index).map(|(_, name)| name)
    }

    fn kind(&self, date: Date, decree_days: DecreeDays) -> DayKind {
        let kind = match self.special(date) {
            Some(special) => special.kind,
            None if self.weekend.contains(date.weekday()) => DayKind::Weekend,
            None => DayKind::Working,
        };
        if decree_days == DecreeDays::Off && kind.is_working() && self.decree(date).is_some() {
            return DayKind::DecreeOff;
        }
        kind
    }
}
