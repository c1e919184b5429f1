use core::fmt;

use jiff::civil::Date;

use super::{Hours, Span};
use crate::{Lang, weekday_name};

/// What a [`Schedule`](super::Schedule) says of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Why<'s> {
    /// The civil day whose hours decided. In the small hours of a span over midnight this is the
    /// day on which the span began.
    pub date: Date,
    /// What gave the day its hours.
    pub cause: Cause,
    /// The hours of that day.
    pub hours: &'s Hours,
    /// The span that holds the instant; `None` when closed.
    pub span: Option<Span>,
}

/// What gave a day its hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The weekly hours.
    Week,
}

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
        let Why { date, hours, span, .. } = self.why;
        let day = weekday_name(date.weekday(), self.lang);
        match (self.lang, span) {
            (Lang::En, Some(span)) => write!(f, "open: {day} hours {span}"),
            (Lang::En, None) if hours.is_closed() => write!(f, "closed: {day} has no hours"),
            (Lang::En, None) => write!(f, "closed: outside {day} hours {hours}"),
            (Lang::Ru, Some(span)) => write!(f, "открыто: {day}, часы {span}"),
            (Lang::Ru, None) if hours.is_closed() => write!(f, "закрыто: {day} без часов работы"),
            (Lang::Ru, None) => write!(f, "закрыто: {day}, вне часов {hours}"),
        }
    }
}
