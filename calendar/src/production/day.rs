use core::fmt;

use jiff::civil::Date;

use crate::{
    Lang, Name,
    text::{Phrase, prose_date, weekday_name},
};

/// What kind of day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DayKind {
    /// An ordinary working day.
    Working,
    /// A working day that is an hour shorter, as on the eve of a holiday.
    Short,
    /// A day of the weekend that is worked, since its day off was moved to another date.
    WorkingWeekend,
    /// A day of the weekend that is worked, an hour shorter.
    ShortWorkingWeekend,
    /// An ordinary day of the weekend.
    Weekend,
    /// A public holiday.
    Holiday,
    /// A day off that was moved here from a weekend or a holiday.
    DayOffMoved,
    /// Declared non-working by decree. Laws and courts differ on whether such days count as working
    /// days: see [`DecreeDays`](super::DecreeDays).
    DecreeOff,
}

impl DayKind {
    /// Whether such a day is worked.
    pub const fn is_working(self) -> bool {
        matches!(
            self,
            Self::Working | Self::Short | Self::WorkingWeekend | Self::ShortWorkingWeekend
        )
    }

    /// Whether it is worked, an hour shorter.
    pub const fn is_short(self) -> bool {
        matches!(self, Self::Short | Self::ShortWorkingWeekend)
    }

    /// The word for it in calendar files, such as `day_off_moved`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Short => "short",
            Self::WorkingWeekend => "working_weekend",
            Self::ShortWorkingWeekend => "short_working_weekend",
            Self::Weekend => "weekend",
            Self::Holiday => "holiday",
            Self::DayOffMoved => "day_off_moved",
            Self::DecreeOff => "nonworking_decree",
        }
    }

    /// The kind that a calendar file calls `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Every kind.
    pub const ALL: [DayKind; 8] = [
        Self::Working,
        Self::Short,
        Self::WorkingWeekend,
        Self::ShortWorkingWeekend,
        Self::Weekend,
        Self::Holiday,
        Self::DayOffMoved,
        Self::DecreeOff,
    ];
}

/// How far a year's data can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum YearStatus {
    /// As published by the authority.
    Official,
    /// Announced or estimated, not yet published.
    Draft,
    /// Computed from the law's rules; moved days may be missing.
    Derived,
    /// No data at all: the fallback that the calendar's user declared.
    Fallback,
}

impl YearStatus {
    /// The word for it in calendar files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Draft => "draft",
            Self::Derived => "derived",
            Self::Fallback => "fallback",
        }
    }

    /// The status that a calendar file calls `word`; `fallback` is none that a file can give.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Official, Self::Draft, Self::Derived].into_iter().find(|s| s.word() == word)
    }
}

/// A day that differs from what its day of the week says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Special {
    /// Which day.
    pub date: Date,
    /// What it is.
    pub kind: DayKind,
    /// For a day off that was moved: from where, if that is known.
    pub moved_from: Option<Date>,
    /// What it is called.
    pub name: Option<Name>,
}

impl Special {
    /// A day without a name.
    pub const fn new(date: Date, kind: DayKind) -> Self {
        Self { date, kind, moved_from: None, name: None }
    }

    /// Gives it a name.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Says which day's rest was moved here.
    #[must_use]
    pub fn moved_from(self, date: Date) -> Self {
        Self { moved_from: Some(date), ..self }
    }
}

/// Everything that a calendar knows of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Day<'c> {
    /// Which day.
    pub date: Date,
    /// What it is.
    pub kind: DayKind,
    /// For a day off that was moved: from where, if that is known.
    pub moved_from: Option<Date>,
    /// Where its rest was moved to, if that is known: of a working weekend, or of a holiday that
    /// fell on one.
    pub moved_to: Option<Date>,
    /// What it is called.
    pub name: Option<&'c Name>,
    /// The decree that declared it non-working, whether or not the calendar counts such days.
    pub decree: Option<&'c Name>,
    /// How far its year's data can be trusted.
    pub status: YearStatus,
}

impl Day<'_> {
    /// The day as a sentence without a full stop: "2026-01-09 is a day off moved from Saturday 3
    /// January".
    pub fn text(&self, lang: Lang) -> impl fmt::Display {
        Sentence { day: self, lang }
    }
}

impl fmt::Display for Day<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(Lang::En).fmt(f)
    }
}

struct Sentence<'d, 'c> {
    day: &'d Day<'c>,
    lang: Lang,
}

impl fmt::Display for Sentence<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lang {
            Lang::En => english(f, self.day),
            Lang::Ru => russian(f, self.day),
        }
    }
}

fn english(f: &mut fmt::Formatter<'_>, day: &Day<'_>) -> fmt::Result {
    let Day { date, kind, .. } = *day;
    let weekday = weekday_name(date.weekday(), Lang::En);
    let prose = |other| prose_date(other, date, Phrase::En);
    match kind {
        DayKind::Working => write!(f, "{date} is a working {weekday}")?,
        DayKind::Short => write!(f, "{date} is a short working {weekday}")?,
        DayKind::WorkingWeekend => write!(f, "{date} is a working {weekday}")?,
        DayKind::ShortWorkingWeekend => write!(f, "{date} is a short working {weekday}")?,
        DayKind::Weekend => write!(f, "{date} is a {weekday}, a day of the weekend")?,
        DayKind::Holiday => write!(f, "{date} is a holiday")?,
        DayKind::DayOffMoved => match day.moved_from {
            Some(from) => write!(f, "{date} is a day off moved from {}", prose(from))?,
            None => write!(f, "{date} is a day off moved from a weekend")?,
        },
        DayKind::DecreeOff => write!(f, "{date} is a day off by decree")?,
    }
    if let (true, Some(to)) = (kind.is_working(), day.moved_to) {
        write!(f, ", its day off moved to {}", prose(to))?;
    }
    if let Some(name) = day.name {
        write!(f, ": {}", name.text(Lang::En))?;
    }
    match day.decree {
        Some(decree) if kind == DayKind::DecreeOff => write!(f, ": {}", decree.text(Lang::En))?,
        Some(decree) => {
            write!(f, " (non-working by {}, counted as working)", decree.text(Lang::En))?;
        }
        None => {}
    }
    match day.status {
        YearStatus::Official | YearStatus::Derived => Ok(()),
        YearStatus::Draft => f.write_str(" (draft calendar)"),
        YearStatus::Fallback => {
            write!(f, " (no calendar for {}: by the day of the week, as declared)", date.year())
        }
    }
}

fn russian(f: &mut fmt::Formatter<'_>, day: &Day<'_>) -> fmt::Result {
    let Day { date, kind, .. } = *day;
    let weekday = weekday_name(date.weekday(), Lang::Ru);
    let prose = |other| prose_date(other, date, Phrase::RuFrom);
    match kind {
        DayKind::Working => write!(f, "{date} — рабочий день, {weekday}")?,
        DayKind::Short => write!(f, "{date} — сокращённый рабочий день, {weekday}")?,
        DayKind::WorkingWeekend => write!(f, "{date} — рабочий выходной, {weekday}")?,
        DayKind::ShortWorkingWeekend => {
            write!(f, "{date} — сокращённый рабочий выходной, {weekday}")?;
        }
        DayKind::Weekend => write!(f, "{date} — выходной, {weekday}")?,
        DayKind::Holiday => write!(f, "{date} — праздник")?,
        DayKind::DayOffMoved => match day.moved_from {
            Some(from) => {
                // "со среды", "со вторника"; "с" before the others.
                let with = match from.weekday() {
                    jiff::civil::Weekday::Tuesday | jiff::civil::Weekday::Wednesday => "со",
                    _ => "с",
                };
                write!(f, "{date} — выходной, перенесённый {with} {}", prose(from))?;
            }
            None => write!(f, "{date} — выходной, перенесённый с выходного дня")?,
        },
        DayKind::DecreeOff => write!(f, "{date} — нерабочий день по указу")?,
    }
    if let (true, Some(to)) = (kind.is_working(), day.moved_to) {
        write!(f, ", выходной перенесён на {}", prose_date(to, date, Phrase::RuTo))?;
    }
    if let Some(name) = day.name {
        write!(f, ": {}", name.text(Lang::Ru))?;
    }
    match day.decree {
        Some(decree) if kind == DayKind::DecreeOff => write!(f, ": {}", decree.text(Lang::Ru))?,
        Some(decree) => {
            write!(f, " (нерабочий: {}, считается рабочим)", decree.text(Lang::Ru))?;
        }
        None => {}
    }
    match day.status {
        YearStatus::Official | YearStatus::Derived => Ok(()),
        YearStatus::Draft => f.write_str(" (проект календаря)"),
        YearStatus::Fallback => {
            write!(f, " (календаря на {} год нет: по дню недели, как задано)", date.year())
        }
    }
}
