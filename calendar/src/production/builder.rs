use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use jiff::civil::Date;

use super::{
    Calendar, DayKind, DecreeDays, Fallback, Special, Weekend, YearStatus,
    calendar::{Data, Year},
};
use crate::Name;

/// Collects the days of a [`Calendar`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    code: String,
    name: Option<Name>,
    version: String,
    weekend: Weekend,
    years: BTreeMap<i16, YearStatus>,
    /// Days of the calendar that this one is built on; those of `own` replace them.
    base: BTreeMap<Date, Special>,
    base_decrees: BTreeMap<Date, Name>,
    own: Vec<Special>,
    decree_days: DecreeDays,
    fallback: Fallback,
}

impl Builder {
    pub(super) fn new(code: &str) -> Self {
        Self {
            code: code.into(),
            name: None,
            version: String::new(),
            weekend: Weekend::default(),
            years: BTreeMap::new(),
            base: BTreeMap::new(),
            base_decrees: BTreeMap::new(),
            own: Vec::new(),
            decree_days: DecreeDays::default(),
            fallback: Fallback::default(),
        }
    }

    pub(super) fn on(code: &str, base: &Calendar) -> Self {
        let special = |special: &Special| (special.date, special.clone());
        Self {
            version: base.version().into(),
            weekend: base.weekend(),
            years: base.years().iter().map(|year| (year.number, year.status)).collect(),
            base: base.data().specials.iter().map(special).collect(),
            base_decrees: base.data().decrees.iter().cloned().collect(),
            decree_days: base.decree_days(),
            fallback: base.fallback(),
            ..Self::new(code)
        }
    }

    /// Changes what programs call it.
    pub fn code(mut self, code: &str) -> Self {
        self.code = code.into();
        self
    }

    /// Adds the years of `other` that are not there yet, with their days: data that were computed
    /// go on where published data end.
    pub fn years_of(mut self, other: &Calendar) -> Self {
        for year in other.years() {
            if self.years.contains_key(&year.number) {
                continue;
            }
            self.years.insert(year.number, year.status);
            let of_year = |date: &Date| date.year() == year.number;
            let data = other.data();
            let specials = data.specials.iter().filter(|special| of_year(&special.date));
            self.base.extend(specials.map(|special| (special.date, special.clone())));
            let decrees = data.decrees.iter().filter(|(date, _)| of_year(date));
            self.base_decrees.extend(decrees.cloned());
        }
        self
    }

    /// Gives the calendar a name; without one its code serves.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the version of the data, free text.
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }

    /// Sets the weekend, Saturday and Sunday by default.
    pub fn weekend(mut self, weekend: Weekend) -> Self {
        self.weekend = weekend;
        self
    }

    /// Declares that the calendar knows `year`: its days are as given, all others by the weekend.
    pub fn year(mut self, year: i16, status: YearStatus) -> Self {
        self.years.insert(year, status);
        self
    }

    /// Adds a day. It replaces what the calendar that this one is built on says of that date.
    pub fn special(mut self, special: Special) -> Self {
        self.own.push(special);
        self
    }

    /// Makes `date` again what its day of the week says, whatever the calendar that this one is
    /// built on has there.
    pub fn remove(mut self, date: Date) -> Self {
        self.base.remove(&date);
        self.base_decrees.remove(&date);
        self
    }

    /// The finished calendar.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the date that is said to be two things, that lies in a year that was
    /// not declared, or whose kind does not fit its day of the week.
    pub fn build(self) -> Result<Calendar, BuildError> {
        let mut specials = self.base;
        let mut decrees = self.base_decrees;
        let mut seen: BTreeMap<(Date, bool), DayKind> = BTreeMap::new();
        for special in self.own {
            let Special { date, kind, .. } = special;
            if !self.years.contains_key(&date.year()) {
                return Err(BuildError::UndeclaredYear { date });
            }
            // A decree may fall on a short day; the two do not contradict each other.
            let decree = kind == DayKind::DecreeOff;
            if let Some(first) = seen.insert((date, decree), kind) {
                return Err(BuildError::Contradiction { date, first, second: kind });
            }
            let weekend = self.weekend.contains(date.weekday());
            let fits = match kind {
                DayKind::Short | DayKind::DayOffMoved => !weekend,
                DayKind::WorkingWeekend | DayKind::ShortWorkingWeekend => weekend,
                _ => true,
            };
            if !fits {
                return Err(BuildError::DayOfWeek { date, kind });
            }
            if decree {
                let name = special.name.unwrap_or_else(|| Name::new("decree").with_ru("указ"));
                decrees.insert(date, name);
            } else {
                specials.insert(date, special);
            }
        }
        let specials: Vec<Special> = specials.into_values().collect();
        let mut moves: Vec<(Date, Date)> = specials
            .iter()
            .filter_map(|special| Some((special.moved_from?, special.date)))
            .collect();
        moves.sort_unstable();
        let data = Data {
            name: self.name.unwrap_or_else(|| Name::new(&self.code)),
            code: self.code,
            version: self.version,
            weekend: self.weekend,
            years: self.years.into_iter().map(|(number, status)| Year { number, status }).collect(),
            specials,
            decrees: decrees.into_iter().collect(),
            moves,
        };
        Ok(Calendar::compile(Arc::new(data), self.decree_days, self.fallback))
    }
}

/// The days given to a [`Builder`] do not make a calendar: the mistake of who wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// One date, two kinds.
    #[error(
        "{date} is given twice, as {} and as {}; keep one of them",
        first.word(), second.word()
    )]
    Contradiction {
        /// The date.
        date: Date,
        /// What it was said to be first.
        first: DayKind,
        /// And then.
        second: DayKind,
    },
    /// A day of a year that the calendar does not claim to know.
    #[error("{date} lies in a year that the calendar does not have; declare {}", date.year())]
    UndeclaredYear {
        /// The date.
        date: Date,
    },
    /// A working weekend on a day that is none, or a short or moved day on the weekend.
    #[error(
        "{date} is a {} and cannot be {}",
        crate::text::weekday_name(date.weekday(), crate::Lang::En), kind.word()
    )]
    DayOfWeek {
        /// The date.
        date: Date,
        /// What it was said to be.
        kind: DayKind,
    },
}

impl BuildError {
    /// The date that is wrong.
    pub const fn date(&self) -> Date {
        match *self {
            Self::Contradiction { date, .. }
            | Self::UndeclaredYear { date }
            | Self::DayOfWeek { date, .. } => date,
        }
    }
}
