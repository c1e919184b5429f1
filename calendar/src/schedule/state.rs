use core::fmt;

use jiff::civil::{Date, DateTime};

use super::{Exception, Hours, Override, Recurring, Season, Span};
use crate::{Calendar, Lang, Name, weekday_name};

/// What a [`Schedule`](super::Schedule) says of one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct State<'s> {
    /// Whether it is open.
    pub open: bool,
    /// What decided so.
    pub why: Why<'s>,
}

/// The reason of a [`State`]: which day's hours decided, what gave that day these hours, and which
/// span of them holds the instant.
///
/// Its `Display` is a sentence in English for logs, [`text`](Why::text) gives it in another
/// language.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Why<'s> {
    /// Open or closed.
    pub open: bool,
    /// The civil day whose hours decided. In the small hours of a span over midnight this is the
    /// day on which the span began.
    pub date: Date,
    /// What gave the day its hours.
    pub cause: Cause<'s>,
    /// The hours of that day; `None` when somebody decided by hand.
    pub hours: Option<&'s Hours>,
    /// The span that holds the instant; `None` when closed.
    pub span: Option<Span>,
}

/// What gave a day its hours.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Cause<'s> {
    /// The weekly hours.
    Week,
    /// Those of a season.
    Season(&'s Season),
    /// Asterisk's time conditions.
    GotoIfTime,
    /// A rule.
    Recurring(&'s Recurring),
    /// The production calendar: a day off, a working weekend or a short day.
    Calendar(&'s Calendar),
    /// The production calendar has no data for the year, and the schedule says what holds then.
    NoData,
    /// A dated exception.
    Exception(&'s Exception),
    /// Somebody opened or closed by hand.
    Override(&'s Override, Until),
}

/// Causes are equal when they point at the same part of the same schedule.
impl PartialEq for Cause<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Season(a), Self::Season(b)) => core::ptr::eq(*a, *b),
            (Self::Recurring(a), Self::Recurring(b)) => core::ptr::eq(*a, *b),
            (Self::Calendar(a), Self::Calendar(b)) => core::ptr::eq(*a, *b),
            (Self::Exception(a), Self::Exception(b)) => core::ptr::eq(*a, *b),
            (Self::Override(a, _), Self::Override(b, _)) => core::ptr::eq(*a, *b),
            _ => core::mem::discriminant(self) == core::mem::discriminant(other),
        }
    }
}

/// When an override ends, on the schedule's wall clock; `None` when nobody said.
pub type Until = Option<DateTime>;

impl Why<'_> {
    /// The reason as a sentence without a full stop, such as "closed: Sunday has no hours".
    pub fn text(&self, lang: Lang) -> impl fmt::Display {
        Sentence { why: self, lang }
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(Lang::En).fmt(f)
    }
}

struct Sentence<'w, 's> {
    why: &'w Why<'s>,
    lang: Lang,
}

impl fmt::Display for Sentence<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.lang, self.why.open) {
            (Lang::En, true) => "open",
            (Lang::En, false) => "closed",
            (Lang::Ru, true) => "открыто",
            (Lang::Ru, false) => "закрыто",
        })?;
        match self.lang {
            Lang::En => self.english(f),
            Lang::Ru => self.russian(f),
        }
    }
}

impl Sentence<'_, '_> {
    fn english(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Why { open, date, cause, hours, span } = *self.why;
        let weekday = weekday_name(date.weekday(), Lang::En);
        match cause {
            Cause::Week | Cause::Season(_) | Cause::GotoIfTime => {
                match (span, hours) {
                    (Some(span), _) => write!(f, ": {weekday} hours {span}")?,
                    (None, Some(hours)) if !hours.is_closed() => {
                        write!(f, ": outside {weekday} hours {hours}")?;
                    }
                    _ => write!(f, ": {weekday} has no hours")?,
                }
                match cause {
                    Cause::Season(season) => {
                        write!(f, " in the season {}", season.name.text(Lang::En))
                    }
                    Cause::GotoIfTime => f.write_str(" by the time conditions"),
                    _ => Ok(()),
                }
            }
            Cause::Recurring(recurring) => {
                write!(f, ": recurring hours of {date}")?;
                self.name(f, recurring.name.as_ref())?;
                self.hours(f, "")
            }
            Cause::Calendar(calendar) => {
                match calendar.day(date) {
                    Ok(day) => write!(f, ": {}", day.text(Lang::En))?,
                    Err(error) => write!(f, ": {error}")?,
                }
                self.hours(f, "")
            }
            Cause::NoData => {
                write!(f, ": no calendar for {}, as declared for such years", date.year())?;
                self.hours(f, weekday)
            }
            Cause::Exception(exception) => {
                write!(f, ": exception for {date}")?;
                self.name(f, exception.name.as_ref())?;
                self.hours(f, "")
            }
            Cause::Override(manual, until) => {
                f.write_str(" by hand")?;
                match until {
                    Some(until) if until.date() == date => {
                        write!(f, " until {}", until.strftime("%H:%M"))?;
                    }
                    Some(until) => write!(f, " until {}", until.strftime("%Y-%m-%d %H:%M"))?,
                    None if open => f.write_str(" until closed by hand")?,
                    None => f.write_str(" until opened by hand")?,
                }
                self.name(f, manual.name.as_ref())
            }
        }
    }

    fn russian(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Why { open, date, cause, hours, span } = *self.why;
        let weekday = weekday_name(date.weekday(), Lang::Ru);
        match cause {
            Cause::Week | Cause::Season(_) | Cause::GotoIfTime => {
                match (span, hours) {
                    (Some(span), _) => write!(f, ": {weekday}, часы работы {span}")?,
                    (None, Some(hours)) if !hours.is_closed() => {
                        write!(f, ": {weekday}, вне часов работы {hours}")?;
                    }
                    _ => write!(f, ": {weekday} без часов работы")?,
                }
                match cause {
                    Cause::Season(season) => write!(f, ", сезон «{}»", season.name.text(Lang::Ru)),
                    Cause::GotoIfTime => f.write_str(" по условиям времени"),
                    _ => Ok(()),
                }
            }
            Cause::Recurring(recurring) => {
                write!(f, ": повторяющиеся часы {date}")?;
                self.name(f, recurring.name.as_ref())?;
                self.hours(f, "")
            }
            Cause::Calendar(calendar) => {
                match calendar.day(date) {
                    Ok(day) => write!(f, ": {}", day.text(Lang::Ru))?,
                    Err(error) => write!(f, ": {error}")?,
                }
                self.hours(f, "")
            }
            Cause::NoData => {
                write!(f, ": календаря на {} год нет, как задано для таких лет", date.year())?;
                self.hours(f, weekday)
            }
            Cause::Exception(exception) => {
                write!(f, ": исключение на {date}")?;
                self.name(f, exception.name.as_ref())?;
                self.hours(f, "")
            }
            Cause::Override(manual, until) => {
                f.write_str(" вручную")?;
                match until {
                    Some(until) if until.date() == date => {
                        write!(f, " до {}", until.strftime("%H:%M"))?;
                    }
                    Some(until) => write!(f, " до {}", until.strftime("%d.%m.%Y %H:%M"))?,
                    None if open => f.write_str(", пока не закроют вручную")?,
                    None => f.write_str(", пока не откроют вручную")?,
                }
                self.name(f, manual.name.as_ref())
            }
        }
    }

    fn name(&self, f: &mut fmt::Formatter<'_>, name: Option<&Name>) -> fmt::Result {
        name.map_or(Ok(()), |name| write!(f, ": {}", name.text(self.lang)))
    }

    /// The span that holds the instant, or the hours that do not.
    fn hours(&self, f: &mut fmt::Formatter<'_>, weekday: &str) -> fmt::Result {
        let Why { hours, span, .. } = *self.why;
        let space = if weekday.is_empty() { "" } else { " " };
        match (self.lang, span, hours) {
            (Lang::En, Some(span), _) => write!(f, ", {weekday}{space}hours {span}"),
            (Lang::Ru, Some(span), _) => write!(f, ", {weekday}{space}часы работы {span}"),
            (_, None, Some(hours)) if hours.is_closed() => Ok(()),
            (Lang::En, None, Some(hours)) => write!(f, ", outside {weekday}{space}hours {hours}"),
            (Lang::Ru, None, Some(hours)) => {
                write!(f, ", {weekday}{space}вне часов работы {hours}")
            }
            (_, None, None) => Ok(()),
        }
    }
}
