//! The compact notation of the embedded calendars, one token for a run of equal days.
//!
//! ```text
//! country RU Russia|Россия      begins a calendar; a name in Russian may follow the bar
//! version 2026.1
//! name v Victory Day|…          a short word for a long name
//! year 2026 official            begins a year; lines of tokens follow
//! H0101-08:n                    holidays on 1 to 8 January, named n
//! M0109<0103                    a day off on 9 January, moved from 3 January
//! M0108<20091226                … from another year
//! ```
//!
//! Kinds: `H` holiday, `M` moved day off, `S` short day, `W` working weekend, `X` short working
//! weekend, `D` day off by decree.

use alloc::collections::BTreeMap;

use jiff::civil::Date;

use super::{Calendar, DayKind, Special, YearStatus};
use crate::Name;

/// Reads the calendar of `code` out of `text`, which may hold several.
///
/// `None` when there is no such calendar or it is not well written; the crate's tests read every
/// embedded one.
pub(super) fn read(text: &str, code: &str) -> Option<Calendar> {
    let mut lines = text.lines().skip_while(|line| !begins(line, code));
    let mut builder = Calendar::builder(code).name(name(lines.next()?.get(11..)?));
    let mut names = BTreeMap::new();
    let mut year = None;
    for line in lines {
        match line.split_once(' ') {
            Some(("country", _)) => break,
            Some(("version", version)) => builder = builder.version(version),
            Some(("name", rest)) => {
                let (short, long) = rest.split_once(' ')?;
                names.insert(short, name(long));
            }
            Some(("year", rest)) => {
                let (number, status) = rest.split_once(' ')?;
                let number: i16 = number.parse().ok()?;
                builder = builder.year(number, YearStatus::from_word(status)?);
                year = Some(number);
            }
            _ => {
                for token in line.split(' ') {
                    for special in days(token, year?, &names)? {
                        builder = builder.special(special);
                    }
                }
            }
        }
    }
    builder.build().ok()
}

/// The codes of the calendars in `text`.
#[cfg(test)]
pub(super) fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("country ")?.get(..2))
}

fn begins(line: &str, code: &str) -> bool {
    line.strip_prefix("country ").and_then(|rest| rest.strip_prefix(code)).is_some()
}

fn name(text: &str) -> Name {
    match text.split_once('|') {
        Some((text, ru)) => Name::new(text).with_ru(ru),
        None => Name::new(text),
    }
}

fn days<'t>(
    token: &'t str,
    year: i16,
    names: &'t BTreeMap<&str, Name>,
) -> Option<impl Iterator<Item = Special> + use<'t>> {
    let kind = match token.get(..1)? {
        "H" => DayKind::Holiday,
        "M" => DayKind::DayOffMoved,
        "S" => DayKind::Short,
        "W" => DayKind::WorkingWeekend,
        "X" => DayKind::ShortWorkingWeekend,
        "D" => DayKind::DecreeOff,
        _ => return None,
    };
    let (rest, name) = match token.get(1..)?.split_once(':') {
        Some((rest, word)) => (rest, Some(names.get(word)?.clone())),
        None => (token.get(1..)?, None),
    };
    let (days, moved_from) = match rest.split_once('<') {
        Some((days, from)) => (days, Some(month_day(from, year)?)),
        None => (rest, None),
    };
    let (first, last) = match days.split_once('-') {
        Some((first, last)) => (month_day(first, year)?, last.parse().ok()?),
        None => (month_day(days, year)?, month_day(days, year)?.day()),
    };
    Some((first.day()..=last).filter_map(move |day| {
        let date = Date::new(first.year(), first.month(), day).ok()?;
        Some(Special { date, kind, moved_from, name: name.clone() })
    }))
}

/// `MMDD` of `year`, or `YYYYMMDD`.
fn month_day(text: &str, year: i16) -> Option<Date> {
    let (year, rest) = match text.len() {
        8 => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => (year, text),
    };
    Date::new(year, rest.get(..2)?.parse().ok()?, rest.get(2..)?.parse().ok()?).ok()
}
