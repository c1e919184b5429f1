//! Asterisk's time conditions, as `GotoIfTime` reads them.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Weekday},
    tz::TimeZone,
};

use crate::schedule::{Hours, Span};

/// A time condition in Asterisk's notation: `times,weekdays,days,months[,zone]`.
///
/// Its rules are Asterisk's own and differ from a [`Schedule`](crate::Schedule)'s:
///
/// - the end minute is included: `09:00-18:00` is still true at 18:00:59;
/// - a range over midnight wraps inside one day: `22:00-06:00,fri` is true on Friday before 06:00
///   and from 22:00, not on Saturday morning;
/// - a start that equals the end is one minute; `&` joins ranges; weekdays, days and months are
///   cyclic ranges; numbers serve as names, Sunday and January being 1;
/// - an element that cannot be read is skipped, which may leave a condition that is never true;
///   [`warnings`](Self::warnings) tells.
///
/// ```
/// use calendar::GotoIfTime;
/// use jiff::tz::TimeZone;
///
/// let hours = GotoIfTime::new("09:00-18:00,mon-fri,*,*");
/// assert!(hours.matches("2025-06-09T18:00:30Z".parse()?, &TimeZone::UTC));
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GotoIfTime {
    /// Bit `m % 64` of word `m / 64` is minute `m` of the day.
    minutes: [u64; MINUTES / 64 + 1],
    /// Bit 0 is Sunday.
    weekdays: u32,
    /// Bit 0 is the first.
    days: u32,
    /// Bit 0 is January.
    months: u32,
    zone: Option<TimeZone>,
    warnings: Vec<String>,
}

const MINUTES: usize = 24 * 60;
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl GotoIfTime {
    /// Reads a condition. Fields are separated by `,` or `|`; those that are missing mean any.
    ///
    /// It never fails, since Asterisk does not: see [`warnings`](Self::warnings).
    pub fn new(text: &str) -> Self {
        if text.is_empty() {
            return Self {
                minutes: [0; MINUTES / 64 + 1],
                weekdays: 0,
                days: 0,
                months: 0,
                zone: None,
                warnings: alloc::vec!["the condition is empty, which is never true".into()],
            };
        }
        let mut warnings = Vec::new();
        let fields: Vec<&str> = text.split([',', '|']).collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or("");
        let minutes = parse_minutes(field(0), &mut warnings);
        let weekdays = parse_mask(field(1), &WEEKDAYS, 7, &mut warnings);
        let days = parse_mask(field(2), &[], 31, &mut warnings);
        let months = parse_mask(field(3), &MONTHS, 12, &mut warnings);
        // Only the fifth of exactly five is a zone; with more, Asterisk takes none.
        let zone = (fields.len() == 5).then(|| {
            crate::zone(field(4)).unwrap_or_else(|error| {
                warnings.push(alloc::format!("{error}; read as UTC"));
                TimeZone::UTC
            })
        });
        Self { minutes, weekdays, days, months, zone, warnings }
    }

    /// Whether the condition is true at `t`; `zone` is the server's, for a condition without one.
    pub fn matches(&self, t: Timestamp, zone: &TimeZone) -> bool {
        self.matches_civil(self.zone.as_ref().unwrap_or(zone).to_datetime(t))
    }

    /// Whether the condition is true when the wall clock of its zone shows `at`.
    pub fn matches_civil(&self, at: DateTime) -> bool {
        let minute =
            usize::from(at.hour().unsigned_abs()) * 60 + usize::from(at.minute().unsigned_abs());
        self.matches_date(at.date()) && self.has_minute(minute)
    }

    /// The zone that the condition names.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// What could not be read and was skipped, as Asterisk would log it.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether no instant can match, as when the only range of a field could not be read.
    pub fn is_never(&self) -> bool {
        self.minutes == [0; MINUTES / 64 + 1]
            || self.weekdays == 0
            || self.days == 0
            || self.months == 0
    }

    /// Whether the condition can be true on `date`.
    pub(crate) fn matches_date(&self, date: Date) -> bool {
        self.matches_day(date.month(), date.day(), date.weekday())
    }

    /// Whether the condition can be true on a day of the year that falls on `weekday`.
    pub(crate) fn matches_day(&self, month: i8, day: i8, weekday: Weekday) -> bool {
        self.months >> (month - 1) & 1 == 1
            && self.days >> (day - 1) & 1 == 1
            && self.weekdays >> weekday.to_sunday_zero_offset() & 1 == 1
    }

    /// The minutes of a day on which it can be true, as half-open hours.
    pub(crate) fn hours(&self) -> Hours {
        let mut spans = Vec::new();
        let mut start = None;
        for minute in 0..=MINUTES {
            let open = minute < MINUTES && self.has_minute(minute);
            match (start, open) {
                (None, true) => start = Some(minute),
                (Some(from), false) => {
                    spans.extend(Span::new(from as u32 * 60, minute as u32 * 60));
                    start = None;
                }
                _ => {}
            }
        }
        // The spans are apart, so that they cannot overlap.
        Hours::new(spans).unwrap_or_default()
    }

    fn has_minute(&self, minute: usize) -> bool {
        self.minutes.get(minute / 64).is_some_and(|word| word >> (minute % 64) & 1 == 1)
    }
}

fn is_any(field: &str) -> bool {
    field.is_empty() || field == "*"
}

fn parse_minutes(field: &str, warnings: &mut Vec<String>) -> [u64; MINUTES / 64 + 1] {
    let mut minutes = [0; MINUTES / 64 + 1];
    let mut set = |minute: usize| {
        if let Some(word) = minutes.get_mut(minute / 64) {
            *word |= 1 << (minute % 64);
        }
    };
    if is_any(field) {
        (0..MINUTES).for_each(set);
        return minutes;
    }
    for part in field.split('&') {
        let (first, last) = match part.split_once('-') {
            // Asterisk looks for the first digit of the end, past whatever stands before it.
            Some((first, last)) => (first, last.trim_start_matches(|c: char| !c.is_ascii_digit())),
            None => (part, part),
        };
        let (Some(first), Some(last)) = (parse_clock(first), parse_clock(last)) else {
            warnings.push(alloc::format!("{part:?} is no time or range of times; skipped"));
            continue;
        };
        let mut minute = first;
        while minute != last {
            set(minute);
            minute = (minute + 1) % MINUTES;
        }
        set(last);
    }
    minutes
}

/// As `sscanf("%2d:%2d")` reads it: at most two digits each, what follows is ignored.
fn parse_clock(text: &str) -> Option<usize> {
    let (hour, rest) = scan_number(text)?;
    let (minute, _) = scan_number(rest.strip_prefix(':')?)?;
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// As `%2d`: leading white space, then at most two characters, of which the first may be a plus.
fn scan_number(text: &str) -> Option<(usize, &str)> {
    let text = text.trim_start();
    let body = text.strip_prefix('+').unwrap_or(text);
    let width = 2 - (text.len() - body.len());
    let digits = body.bytes().take(width).take_while(u8::is_ascii_digit).count();
    let (number, rest) = body.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

fn parse_mask(field: &str, names: &[&str], max: u32, warnings: &mut Vec<String>) -> u32 {
    if is_any(field) {
        return (1 << max) - 1;
    }
    let mut mask = 0;
    for part in field.split('&') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Some(mut at), Some(last)) = (lookup(first, names, max), lookup(last, names, max))
        else {
            warnings
                .push(alloc::format!("{:?} is no name or number here; skipped", part.to_string()));
            continue;
        };
        mask |= 1 << last;
        while at != last {
            mask |= 1 << at;
            at = (at + 1) % max;
        }
    }
    mask
}

fn lookup(text: &str, names: &[&str], max: u32) -> Option<u32> {
    if let Some(index) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return u32::try_from(index).ok();
    }
    let (number, _) = scan_number(text)?;
    let number = u32::try_from(number).ok()?;
    (1..=max).contains(&number).then(|| number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_skipped_and_told() {
        let never = GotoIfTime::new("25:00-26:00,*,*,*");
        assert!(never.is_never());
        assert_eq!(never.warnings().len(), 1);
        let half = GotoIfTime::new("09:00-10:00&lunch,mon&funday,*,*");
        assert!(!half.is_never());
        assert_eq!(half.warnings().len(), 2);
        let utc = GotoIfTime::new("*,*,*,*,Moon/Base");
        assert_eq!(utc.zone(), Some(&TimeZone::UTC));
        assert_eq!(utc.warnings().len(), 1);
        assert!(GotoIfTime::new("").is_never());
        assert!(GotoIfTime::new("*").warnings().is_empty());
    }

    #[test]
    fn the_hours_of_a_day_are_half_open() {
        let hours = |text: &str| GotoIfTime::new(text).hours().to_string();
        assert_eq!(hours("09:00-18:00"), "09:00-18:01");
        assert_eq!(hours("22:00-06:00"), "00:00-06:01, 22:00-24:00");
        assert_eq!(hours("*"), "00:00-24:00");
        assert_eq!(hours("00:00-00:00"), "00:00-00:01");
        assert_eq!(hours("9:5-09:07"), "09:05-09:08");
    }

    #[test]
    fn odd_text_does_not_panic() {
        for text in ["-", "&", ",,,,,,,", "09:-", "+:+", "é-é,é,é,é,é", "1-2-3:4", "09:00-", "**"]
        {
            let condition = GotoIfTime::new(text);
            condition.hours();
            condition.matches(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        }
    }
}
