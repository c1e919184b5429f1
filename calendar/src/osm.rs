//! OpenStreetMap's `opening_hours`, read by the crate of that name.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use compact_calendar::CompactCalendar;
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};

use crate::{Calendar, production::DayKind};

/// Opening hours in OpenStreetMap's notation, such as `Mo-Fr 09:00-18:00; PH off`, in a zone.
///
/// ```
/// use calendar::{osm::{OsmHours, OsmState}, production::russia, zone};
///
/// let shop = OsmHours::new("Mo-Fr 09:00-18:00; PH off", zone("Europe/Moscow")?)?
///     .with_holidays(&russia());
/// let state = |t: &str| shop.state_at(t.parse().unwrap());
/// assert_eq!(state("2026-11-03T12:00+03:00"), OsmState::Open);
/// assert_eq!(state("2026-11-04T12:00+03:00"), OsmState::Closed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OsmHours {
    hours: OpeningHours,
    zone: TimeZone,
}

/// What OpenStreetMap says of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OsmState {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// The notation can say so: "maybe, ask".
    Unknown,
}

/// The text is not in OpenStreetMap's notation: the parser's words, with a mark below the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OsmError(String);

impl OsmHours {
    /// Reads opening hours. Without [`with_holidays`](Self::with_holidays) no day is a `PH`.
    ///
    /// # Errors
    ///
    /// [`OsmError`] says where the text cannot be read.
    pub fn new(text: &str, zone: TimeZone) -> Result<Self, OsmError> {
        match text.parse::<OpeningHours>() {
            Ok(hours) => Ok(Self { hours, zone }),
            Err(error) => Err(OsmError(error.to_string())),
        }
    }

    /// Takes the holidays and moved days off of a production calendar for `PH`.
    #[must_use]
    pub fn with_holidays(self, calendar: &Calendar) -> Self {
        let mut public = CompactCalendar::default();
        for special in calendar.specials() {
            if matches!(special.kind, DayKind::Holiday | DayKind::DayOffMoved)
                && let Some(date) = to_chrono_date(special.date)
            {
                public.insert(date);
            }
        }
        let holidays = ContextHolidays::new(Arc::new(public), Arc::default());
        let context = Context::default().with_holidays(holidays);
        Self { hours: self.hours.with_context(context), zone: self.zone }
    }

    /// Whether it is open at `t`.
    pub fn state_at(&self, t: Timestamp) -> OsmState {
        let Some(civil) = to_chrono(self.zone.to_datetime(t)) else { return OsmState::Unknown };
        match self.hours.state(civil).0 {
            RuleKind::Open => OsmState::Open,
            RuleKind::Closed => OsmState::Closed,
            RuleKind::Unknown => OsmState::Unknown,
        }
    }

    /// The first instant after `t` at which the state is another, to the minute.
    ///
    /// `None` when it never changes, or not within ten years of clocks that do.
    pub fn next_change(&self, t: Timestamp) -> Option<Timestamp> {
        let state = self.state_at(t);
        let mut from = t;
        // As in a schedule, only the wall clock counts: at each change of clocks one looks again.
        for _ in 0..24 {
            let civil = to_chrono(self.zone.to_datetime(from))?;
            let offset = self.zone.to_offset(from);
            let edge = self.hours.next_change(civil).and_then(to_jiff);
            let edge = edge.and_then(|edge| offset.to_timestamp(edge).ok());
            let jump = self.zone.following(from).next().map(|jump| jump.timestamp());
            from = [edge, jump].into_iter().flatten().min()?;
            if self.state_at(from) != state {
                return Some(from);
            }
        }
        None
    }
}

fn to_chrono_date(date: Date) -> Option<NaiveDate> {
    let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
    NaiveDate::from_ymd_opt(date.year().into(), month.into(), day.into())
}

fn to_chrono(at: DateTime) -> Option<NaiveDateTime> {
    let part = |value: i8| u32::from(value.unsigned_abs());
    to_chrono_date(at.date())?.and_hms_opt(part(at.hour()), part(at.minute()), part(at.second()))
}

fn to_jiff(at: NaiveDateTime) -> Option<DateTime> {
    let small = |value: u32| i8::try_from(value).ok();
    DateTime::new(
        i16::try_from(at.year()).ok()?,
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{production::russia, zone};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn reads_states_and_changes() {
        let shop =
            OsmHours::new("Mo-Fr 09:00-18:00; Sa 22:00-02:00", zone("Europe/Berlin").unwrap());
        let shop = shop.unwrap();
        assert_eq!(shop.state_at(at("2026-11-20T17:59+01:00")), OsmState::Open);
        assert_eq!(shop.state_at(at("2026-11-20T18:00+01:00")), OsmState::Closed);
        let change = |t: &str| shop.next_change(at(t));
        assert_eq!(change("2026-11-20T17:00+01:00"), Some(at("2026-11-20T18:00+01:00")));
        assert_eq!(change("2026-11-20T19:00+01:00"), Some(at("2026-11-21T22:00+01:00")));
        // 2026-10-25: 02:00 comes twice; it closes the first time.
        assert_eq!(change("2026-10-25T01:00+02:00"), Some(at("2026-10-25T02:00+02:00")));
        let always = OsmHours::new("24/7", zone("Europe/Berlin").unwrap()).unwrap();
        assert_eq!(always.next_change(at("2026-10-25T01:00+02:00")), None);
    }

    #[test]
    fn agrees_with_a_schedule() {
        use crate::{Schedule, schedule::Week};
        let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00").unwrap();
        let ours = Schedule::weekly(zone("America/New_York").unwrap(), week);
        let theirs = OsmHours::new("Mo-Fr 09:00-13:00,14:00-18:00", ours.zone().clone()).unwrap();
        let mut t = at("2026-03-01T00:00Z");
        for _ in 0..200 {
            assert_eq!(ours.state_at(t).open, theirs.state_at(t) == OsmState::Open, "{t}");
            let next = ours.next_change(t);
            assert_eq!(next, theirs.next_change(t), "{t}");
            t = next.unwrap();
        }
    }

    #[test]
    fn holidays_are_those_of_the_calendar() {
        let shop =
            OsmHours::new("Mo-Su 10:00-20:00; PH off", zone("Europe/Moscow").unwrap()).unwrap();
        let noon = at("2026-01-09T12:00+03:00");
        assert_eq!(shop.state_at(noon), OsmState::Open);
        assert_eq!(shop.with_holidays(&russia()).state_at(noon), OsmState::Closed);
    }

    #[test]
    fn mistakes_are_told() {
        assert!(!OsmHours::new("Mo-Fr 9 to 5", TimeZone::UTC).unwrap_err().to_string().is_empty());
    }
}
