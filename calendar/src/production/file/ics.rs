use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Places;
use crate::{
    FileError, FileProblem, Lang, Name,
    ics::{read_calendar, unescape},
    production::{Calendar, DayKind, Special, Weekend, YearStatus},
    schedule::weekdays,
};

impl Calendar {
    /// Reads a holiday calendar of any provider: every day that an event touches is a holiday.
    ///
    /// Years from the first to the last event are known, as `derived`; events that repeat for ever
    /// are followed in these years, or if there are no others, until 2099. Files that
    /// [`to_ics`](Self::to_ics) wrote come back as they were.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line and the property.
    pub fn from_ics(text: &str, file: &str) -> Result<Calendar, FileError> {
        let source = read_calendar(text, file)?;
        let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let mut builder = Calendar::builder(stem.strip_suffix(".ics").unwrap_or(stem));
        let mut years = BTreeMap::new();
        for (line, name, value) in &source.properties {
            let bad = |expected| {
                let problem = FileProblem::Value { found: value.clone(), expected };
                FileError::at_line(file, *line, name.clone(), problem)
            };
            let (key, parameter) = name.split_once(';').unwrap_or((name, ""));
            match key {
                "X-WR-CALNAME" => builder = builder.name(unescape(value).as_str()),
                "X-TRUNKLINE-CODE" => builder = builder.code(value),
                "X-TRUNKLINE-NAME" => builder = builder.name(read_name(value)),
                "X-TRUNKLINE-VERSION" => builder = builder.version(&unescape(value)),
                "X-TRUNKLINE-WEEKEND" => {
                    let days = weekdays(value).map_err(|_| bad("write days as sat,sun"))?;
                    builder = builder.weekend(Weekend::new(days));
                }
                "X-TRUNKLINE-YEAR" => {
                    let number: i16 = value.parse().map_err(|_| bad("write a year as 2026"))?;
                    let status = parameter.strip_prefix("STATUS=").and_then(YearStatus::from_word);
                    let status =
                        status.ok_or_else(|| bad("add STATUS=official, draft or derived"))?;
                    years.insert(number, status);
                }
                _ => {}
            }
        }
        let ours = !years.is_empty();
        let mut places = Places::default();
        let mut days: BTreeMap<Date, (usize, Vec<Special>)> = BTreeMap::new();
        let zone = TimeZone::UTC;
        let finite = |event: &&crate::ics::Event| {
            event.rule.as_ref().is_none_or(crate::Recurrence::is_finite)
        };
        let spans = source.events.iter().filter(finite).flat_map(|event| event.days(&zone));
        let known = spans.fold(None, |known: Option<(i16, i16)>, (first, last)| {
            let (low, high) = known.unwrap_or((first.year(), last.year()));
            Some((low.min(first.year()), high.max(last.year())))
        });
        for event in &source.events {
            let extension = |key: &str| {
                event
                    .extensions
                    .iter()
                    .find(|(name, _)| name == key)
                    .map(|(_, value)| value.as_str())
            };
            let bad = |key: &str, expected| {
                let found = extension(key).unwrap_or("").to_string();
                FileError::at_line(file, event.line, key, FileProblem::Value { found, expected })
            };
            let kind = match extension("X-TRUNKLINE-KIND") {
                None => DayKind::Holiday,
                Some(word) => DayKind::from_word(word).ok_or_else(|| {
                    bad("X-TRUNKLINE-KIND", "write a kind of day, as day_off_moved")
                })?,
            };
            let moved_from = match extension("X-TRUNKLINE-MOVED-FROM") {
                None => None,
                Some(text) => Some(
                    Date::strptime("%Y%m%d", text)
                        .map_err(|_| bad("X-TRUNKLINE-MOVED-FROM", "write a date as 20260103"))?,
                ),
            };
            let name = match extension("X-TRUNKLINE-KIND") {
                None => (!event.summary.is_empty()).then(|| Name::new(&event.summary)),
                Some(_) => extension("X-TRUNKLINE-NAME").map(read_name),
            };
            for (first, last) in event.days(&zone) {
                let series = first.series(jiff::Span::new().days(1));
                for date in series.take_while(|date| *date <= last) {
                    let year = date.year();
                    let status = match known {
                        Some((low, high)) if year < low || year > high => continue,
                        _ => YearStatus::Derived,
                    };
                    if !ours {
                        years.insert(year, status);
                    }
                    let special = Special { date, kind, moved_from, name: name.clone() };
                    places.add(date, event.line);
                    days.entry(date).or_insert_with(|| (event.line, Vec::new())).1.push(special);
                }
            }
        }
        if let (Some((low, high)), false) = (known, ours) {
            years.extend((low..=high).map(|year| (year, YearStatus::Derived)));
        }
        for (number, status) in years {
            builder = builder.year(number, status);
        }
        for (_, (_, specials)) in days {
            // Providers list two holidays of one date as two events, and some events twice.
            let (holidays, others): (Vec<_>, Vec<_>) =
                specials.into_iter().partition(|special| special.kind == DayKind::Holiday);
            let joined = holidays.into_iter().reduce(|mut first, second| {
                first.name = match (first.name, second.name) {
                    (Some(a), Some(b)) if a != b => Some(Name::new(&format!("{a}; {b}"))),
                    (a, b) => a.or(b),
                };
                first
            });
            for special in joined.into_iter().chain(others) {
                builder = builder.special(special);
            }
        }
        places.build(builder, file)
    }

    /// Writes the calendar as iCalendar, one all-day event a day. `stamp` is the time at which it
    /// was made, which the RFC asks for.
    pub fn to_ics(&self, stamp: Timestamp) -> String {
        let mut out = String::new();
        let stamp = stamp.strftime("%Y%m%dT%H%M%SZ").to_string();
        line(&mut out, "BEGIN:VCALENDAR");
        line(&mut out, "VERSION:2.0");
        line(&mut out, "PRODID:-//Trunkline//calendar//EN");
        line(&mut out, &format!("X-WR-CALNAME:{}", escape(&self.name().to_string())));
        line(&mut out, &format!("X-TRUNKLINE-CODE:{}", self.code()));
        line(&mut out, &format!("X-TRUNKLINE-NAME:{}", write_name(self.name())));
        line(&mut out, &format!("X-TRUNKLINE-VERSION:{}", escape(self.version())));
        let weekend: Vec<&str> = self
            .weekend()
            .days()
            .filter_map(|day| crate::weekday_name(day, Lang::En).get(..3))
            .collect();
        if !weekend.is_empty() {
            let weekend = weekend.join(",").to_ascii_lowercase();
            line(&mut out, &format!("X-TRUNKLINE-WEEKEND:{weekend}"));
        }
        for year in self.years() {
            let (status, number) = (year.status.word(), year.number);
            line(&mut out, &format!("X-TRUNKLINE-YEAR;STATUS={status}:{number}"));
        }
        for special in self.specials() {
            let Special { date, kind, moved_from, name } = &special;
            let next = date.tomorrow().unwrap_or(*date);
            let (word, date) = (kind.word(), date.strftime("%Y%m%d"));
            let summary = match (name, moved_from) {
                (Some(name), _) => name.to_string(),
                (None, Some(from)) => format!("{} from {from}", word.replace('_', " ")),
                (None, None) => word.replace('_', " "),
            };
            line(&mut out, "BEGIN:VEVENT");
            line(&mut out, &format!("UID:{}-{date}-{word}@trunkline", self.code()));
            line(&mut out, &format!("DTSTAMP:{stamp}"));
            line(&mut out, &format!("DTSTART;VALUE=DATE:{date}"));
            line(&mut out, &format!("DTEND;VALUE=DATE:{}", next.strftime("%Y%m%d")));
            line(&mut out, &format!("SUMMARY:{}", escape(&summary)));
            line(&mut out, "TRANSP:TRANSPARENT");
            line(&mut out, &format!("X-TRUNKLINE-KIND:{word}"));
            if let Some(from) = moved_from {
                line(&mut out, &format!("X-TRUNKLINE-MOVED-FROM:{}", from.strftime("%Y%m%d")));
            }
            if let Some(name) = name {
                line(&mut out, &format!("X-TRUNKLINE-NAME:{}", write_name(name)));
            }
            line(&mut out, "END:VEVENT");
        }
        line(&mut out, "END:VCALENDAR");
        out
    }
}

/// `text;Russian`, both escaped, so that a bare semicolon parts them.
fn write_name(name: &Name) -> String {
    match name.ru() {
        Some(ru) => format!("{};{}", escape(name.text(Lang::En)), escape(ru)),
        None => escape(name.text(Lang::En)),
    }
}

fn read_name(value: &str) -> Name {
    let mut escaped = false;
    let bare = value.find(|c: char| {
        let found = c == ';' && !escaped;
        escaped = c == '\\' && !escaped;
        found
    });
    match bare {
        Some(at) => Name::new(&unescape(&value[..at])).with_ru(&unescape(&value[at + 1..])),
        None => Name::new(&unescape(value)),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Writes a content line, folded before its 76th octet (RFC 5545 3.1), never inside a character.
fn line(out: &mut String, content: &str) {
    let mut width = 0;
    for c in content.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    let _ = out.write_str("\r\n");
}
