//! Reading iCalendar files (RFC 5545): events with their dates, times and rules.
//!
//! Only `VEVENT` is read; alarms, to-dos, journals and the definitions of zones are passed over.
//! Zones are looked up by their IANA name, which all providers write; others are refused.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use jiff::{
    Span, Timestamp, ToSpan,
    civil::{Date, DateTime, Time, date},
    tz::TimeZone,
};

use crate::{
    FileError, FileProblem, Name, Recurrence,
    schedule::{Change, Exception, Hours, Span as HoursSpan},
    zone,
};

/// An event of an iCalendar file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The line on which it begins.
    pub line: usize,
    /// `UID`.
    pub uid: String,
    /// `SUMMARY`.
    pub summary: String,
    /// `DTSTART`.
    pub start: Moment,
    /// How long it takes; of an all-day event whole days.
    pub length: Span,
    /// `RRULE`.
    pub rule: Option<Recurrence>,
    /// `RDATE`.
    pub also: Vec<Moment>,
    /// `EXDATE`, and the occurrences that another event with the same `UID` replaces.
    pub except: Vec<Moment>,
    /// Properties whose names begin with `X-`, with their values as they stand.
    pub extensions: Vec<(String, String)>,
}

/// A date or a time of an iCalendar file.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    /// A whole day.
    Date(Date),
    /// A time on whatever wall clock is near.
    Floating(DateTime),
    /// A time on the wall clock of a zone.
    Zoned(DateTime, TimeZone),
    /// A time in UTC.
    Utc(Timestamp),
}

/// Events are followed in these years.
const FIRST: Date = date(1970, 1, 1);
const LAST: Date = date(2099, 12, 31);

/// Reads the events of an iCalendar file; `file` is what errors call it.
///
/// Cancelled events are left out.
///
/// # Errors
///
/// [`FileError`] with the line and the property.
pub fn read(text: &str, file: &str) -> Result<Vec<Event>, FileError> {
    Ok(read_calendar(text, file)?.events)
}

/// Exceptions that close at the times of `events`: all day, or for their hours on the wall clock of
/// `zone`. From 1970 to 2099.
pub fn closures(events: &[Event], zone: &TimeZone) -> Vec<Exception> {
    let mut exceptions = Vec::new();
    for event in events {
        let name = (!event.summary.is_empty()).then(|| Name::new(&event.summary));
        if matches!(event.start, Moment::Date(_)) {
            for (first, last) in event.days(zone) {
                let change = Change::Replace(Hours::CLOSED);
                let name = name.clone();
                exceptions.push(Exception { first, last, change, name });
            }
            continue;
        }
        for (start, end) in event.times(zone) {
            cut(&mut exceptions, start, end, name.as_ref());
        }
    }
    exceptions
}

impl Event {
    /// The days of each occurrence of an all-day event, first and last; of a timed event the days
    /// that it touches on the wall clock of `zone`.
    pub fn days(&self, zone: &TimeZone) -> Vec<(Date, Date)> {
        self.times(zone)
            .into_iter()
            .map(|(start, end)| {
                let whole = end.time() == Time::midnight() && end > start;
                let last = if whole { end.date().yesterday() } else { Ok(end.date()) };
                (start.date(), last.unwrap_or(end.date()))
            })
            .collect()
    }

    /// Beginning and end of each occurrence on the wall clock of `zone`, in order, from 1970 to
    /// 2099.
    pub fn times(&self, zone: &TimeZone) -> Vec<(DateTime, DateTime)> {
        let own_zone = match &self.start {
            Moment::Zoned(_, own) => own.clone(),
            Moment::Utc(_) => TimeZone::UTC,
            _ => zone.clone(),
        };
        let start = self.start.civil(&own_zone);
        let mut starts: Vec<DateTime> = match &self.rule {
            Some(rule) => {
                let occurrences = rule.occurrences(start, &own_zone);
                occurrences.take_while(|at| at.date() <= LAST).collect()
            }
            None => Vec::new(),
        };
        // RFC 5545 3.8.5.3: DTSTART counts as the first instance whatever the rule says.
        starts.push(start);
        starts.extend(self.also.iter().map(|moment| moment.civil(&own_zone)));
        starts.sort_unstable();
        starts.dedup();
        let excepted = |at: &DateTime| {
            self.except.iter().any(|moment| match moment {
                Moment::Date(date) => at.date() == *date,
                moment => moment.civil(&own_zone) == *at,
            })
        };
        starts
            .into_iter()
            .filter(|at| at.date() >= FIRST && at.date() <= LAST && !excepted(at))
            .filter_map(|at| {
                let shown = |civil: DateTime| match self.start {
                    Moment::Date(_) | Moment::Floating(_) => Some(civil),
                    _ => Some(zone.to_datetime(own_zone.to_timestamp(civil).ok()?)),
                };
                Some((shown(at)?, shown(at.checked_add(self.length).ok()?)?))
            })
            .collect()
    }
}

impl Moment {
    /// The wall clock of `zone`; whole days begin at midnight.
    pub fn civil(&self, zone: &TimeZone) -> DateTime {
        match self {
            Self::Date(date) => date.at(0, 0, 0, 0),
            Self::Floating(at) => *at,
            Self::Utc(at) => zone.to_datetime(*at),
            Self::Zoned(at, own) if own == zone => *at,
            Self::Zoned(at, own) => own.to_timestamp(*at).map_or(*at, |at| zone.to_datetime(at)),
        }
    }
}

/// Closes [`start`, `end`) of the wall clock, a day at a time.
fn cut(exceptions: &mut Vec<Exception>, start: DateTime, end: DateTime, name: Option<&Name>) {
    let mut date = start.date();
    while date.at(0, 0, 0, 0) < end && date <= LAST {
        let midnight = date.at(0, 0, 0, 0);
        let second = |at: DateTime| at.duration_since(midnight).as_secs().clamp(0, 86_400) as u32;
        if let Some(span) = HoursSpan::new(second(start), second(end))
            && let Ok(hours) = Hours::new([span])
        {
            let mut exception = Exception::on(date, Change::Cut(hours));
            exception.name = name.cloned();
            exceptions.push(exception);
        }
        match date.tomorrow() {
            Ok(next) => date = next,
            Err(_) => return,
        }
    }
}

pub(crate) struct IcsCalendar {
    pub(crate) events: Vec<Event>,
    /// Properties of the calendar itself: line, name with parameters, value.
    pub(crate) properties: Vec<(usize, String, String)>,
}

pub(crate) fn read_calendar(text: &str, file: &str) -> Result<IcsCalendar, FileError> {
    let mut open: Vec<String> = Vec::new();
    let mut draft = Draft::default();
    let mut calendar = IcsCalendar { events: Vec::new(), properties: Vec::new() };
    let mut replaced: Vec<(String, Moment)> = Vec::new();
    let mut last_line = 0;
    for (line, content) in unfold(text) {
        last_line = line;
        let error = |key: &str, problem| FileError::at_line(file, line, key, problem);
        let Some(property) = Property::parse(&content) else {
            let message = "not a line of iCalendar, which is NAME:value".to_string();
            return Err(error("", FileProblem::Syntax(message)));
        };
        match property.name.as_str() {
            "BEGIN" => {
                open.push(property.value.to_ascii_uppercase());
                if open.last().is_some_and(|name| name == "VEVENT") {
                    draft = Draft { line, ..Draft::default() };
                }
            }
            "END" => {
                if open.pop().as_deref() != Some(property.value.to_ascii_uppercase().as_str()) {
                    let message = "ends what did not begin".to_string();
                    return Err(error("END", FileProblem::Syntax(message)));
                }
                if property.value.eq_ignore_ascii_case("VEVENT") {
                    let (event, id) = core::mem::take(&mut draft).finish(file)?;
                    if let Some(id) = id {
                        replaced
                            .push((event.as_ref().map_or(id.0, |event| event.uid.clone()), id.1));
                    }
                    calendar.events.extend(event);
                }
            }
            _ => match open.last().map(String::as_str) {
                None => {
                    let message = "an iCalendar file begins with BEGIN:VCALENDAR".to_string();
                    return Err(error("", FileProblem::Syntax(message)));
                }
                Some("VEVENT") => {
                    draft.take(&property).map_err(|problem| error(&property.name, problem))?;
                }
                Some("VCALENDAR") => {
                    let name = content.split(':').next().unwrap_or("").to_string();
                    calendar.properties.push((line, name, property.value.clone()));
                }
                Some(_) => {}
            },
        }
    }
    if let Some(name) = open.last() {
        let message = alloc::format!("the file ends inside of {name}: it seems cut off");
        return Err(FileError::at_line(file, last_line, "", FileProblem::Syntax(message)));
    }
    if last_line == 0 {
        let message = "the file is empty".to_string();
        return Err(FileError::at_line(file, 0, "", FileProblem::Syntax(message)));
    }
    for (uid, moment) in replaced {
        for event in calendar.events.iter_mut().filter(|e| e.uid == uid && e.rule.is_some()) {
            event.except.push(moment.clone());
        }
    }
    Ok(calendar)
}

/// Joins folded lines (RFC 5545 3.1); each with the number of its first line.
fn unfold(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => lines.push((index + 1, line.to_string())),
        }
    }
    lines
}

struct Property {
    name: String,
    parameters: Vec<(String, String)>,
    value: String,
}

impl Property {
    fn parse(line: &str) -> Option<Self> {
        let mut quoted = false;
        let colon = line.find(|c: char| {
            quoted ^= c == '"';
            c == ':' && !quoted
        })?;
        let (head, value) = (&line[..colon], &line[colon + 1..]);
        let mut quoted = false;
        let mut parts = head.split(|c: char| {
            quoted ^= c == '"';
            c == ';' && !quoted
        });
        let name = parts.next()?.trim().to_ascii_uppercase();
        let parameters = parts
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| (key.to_ascii_uppercase(), value.trim_matches('"').to_string()))
            .collect();
        (!name.is_empty()).then(|| Self { name, parameters, value: value.trim().to_string() })
    }

    fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    fn moments(&self) -> Result<Vec<Moment>, FileProblem> {
        self.value.split(',').map(|text| self.moment(text.trim())).collect()
    }

    fn moment(&self, text: &str) -> Result<Moment, FileProblem> {
        let bad = || FileProblem::Value {
            found: text.to_string(),
            expected: "write a date as 20261231 or a time as 20261231T150000",
        };
        // A period of RDATE counts by its beginning.
        let text = text.split('/').next().unwrap_or(text);
        if text.len() == 8 {
            return Date::strptime("%Y%m%d", text).map(Moment::Date).map_err(|_| bad());
        }
        let civil = text.strip_suffix('Z').unwrap_or(text);
        let civil = DateTime::strptime("%Y%m%dT%H%M%S", civil).map_err(|_| bad())?;
        if text.ends_with('Z') {
            return TimeZone::UTC.to_timestamp(civil).map(Moment::Utc).map_err(|_| bad());
        }
        match self.parameter("TZID") {
            // Some providers write a path before the name, as in /freeassociation/Europe/Moscow.
            Some(name) => match zone(name) {
                Ok(zone) => Ok(Moment::Zoned(civil, zone)),
                Err(error) => {
                    let mut tail = name.rsplitn(3, '/');
                    let (city, area) = (tail.next().unwrap_or(""), tail.next().unwrap_or(""));
                    let zone = zone(&alloc::format!("{area}/{city}")).map_err(|_| error)?;
                    Ok(Moment::Zoned(civil, zone))
                }
            },
            None => Ok(Moment::Floating(civil)),
        }
    }
}

#[derive(Default)]
struct Draft {
    line: usize,
    uid: String,
    summary: String,
    start: Option<Moment>,
    end: Option<Moment>,
    duration: Option<Span>,
    rule: Option<Recurrence>,
    also: Vec<Moment>,
    except: Vec<Moment>,
    replaces: Option<Moment>,
    cancelled: bool,
    extensions: Vec<(String, String)>,
}

impl Draft {
    fn take(&mut self, property: &Property) -> Result<(), FileProblem> {
        match property.name.as_str() {
            "UID" => self.uid = property.value.clone(),
            "SUMMARY" => self.summary = unescape(&property.value),
            "DTSTART" => self.start = property.moments()?.pop(),
            "DTEND" => self.end = property.moments()?.pop(),
            "DURATION" => {
                let span = property.value.parse::<Span>().ok().filter(|span| !span.is_negative());
                self.duration = Some(span.ok_or_else(|| FileProblem::Value {
                    found: property.value.clone(),
                    expected: "write a length as PT1H30M or P2D",
                })?);
            }
            "RRULE" if self.rule.is_some() => {
                return Err(FileProblem::Unsupported("a second RRULE; make two events".into()));
            }
            "RRULE" => self.rule = Some(property.value.parse()?),
            "EXRULE" => return Err(FileProblem::Unsupported("EXRULE; use EXDATE".into())),
            "RDATE" => self.also.extend(property.moments()?),
            "EXDATE" => self.except.extend(property.moments()?),
            "RECURRENCE-ID" => self.replaces = property.moments()?.pop(),
            "STATUS" => self.cancelled = property.value.eq_ignore_ascii_case("CANCELLED"),
            name if name.starts_with("X-") => {
                self.extensions.push((name.to_string(), property.value.clone()));
            }
            _ => {}
        }
        Ok(())
    }

    /// The event, unless it was cancelled, and which occurrence of another it replaces.
    #[expect(clippy::type_complexity, reason = "used once")]
    fn finish(self, file: &str) -> Result<(Option<Event>, Option<(String, Moment)>), FileError> {
        let line = self.line;
        let missing =
            FileProblem::Missing("an event needs to begin, as DTSTART;VALUE=DATE:20261231");
        let start = self.start.ok_or_else(|| FileError::at_line(file, line, "DTSTART", missing))?;
        let length = match (&start, &self.end, self.duration) {
            (_, _, Some(duration)) => duration,
            (Moment::Date(first), Some(Moment::Date(end)), None) if end > first => {
                let days = end.duration_since(*first).as_hours() / 24;
                days.days()
            }
            (Moment::Date(_), _, None) => 1.day(),
            (_, Some(end), None) => {
                // Both ends on one clock; UTC serves for floating times.
                let instant = |moment: &Moment| match moment {
                    Moment::Utc(at) => Some(*at),
                    Moment::Zoned(at, zone) => zone.to_timestamp(*at).ok(),
                    other => TimeZone::UTC.to_timestamp(other.civil(&TimeZone::UTC)).ok(),
                };
                match (instant(&start), instant(end)) {
                    (Some(start), Some(end)) if start <= end => {
                        Span::new().seconds(end.duration_since(start).as_secs())
                    }
                    _ => {
                        let found = "the end".to_string();
                        let expected = "an event cannot end before it begins";
                        let problem = FileProblem::Value { found, expected };
                        return Err(FileError::at_line(file, line, "DTEND", problem));
                    }
                }
            }
            (_, None, None) => Span::new(),
        };
        let replaces = self.replaces.map(|moment| (self.uid.clone(), moment));
        let event = Event {
            line,
            uid: self.uid,
            summary: self.summary,
            start,
            length,
            rule: self.rule,
            also: self.also,
            except: self.except,
            extensions: self.extensions,
        };
        Ok(((!self.cancelled).then_some(event), replaces))
    }
}

pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(event: &str) -> String {
        alloc::format!(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n{event}END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    fn moscow() -> TimeZone {
        zone("Europe/Moscow").unwrap()
    }

    #[test]
    fn an_all_day_event_ends_before_its_end() {
        let text = file(
            "DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20260109\r\nSUMMARY:New \r\n Year\\, long\r\n",
        );
        let events = read(&text, "x.ics").unwrap();
        assert_eq!(events[0].summary, "New Year, long");
        assert_eq!(events[0].days(&moscow()), [(date(2026, 1, 1), date(2026, 1, 8))]);
    }

    #[test]
    fn rules_exceptions_and_replaced_occurrences() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=Europe/Berlin:20260105T100000\n\
                    DURATION:PT2H\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260112T100000\n\
                    END:VEVENT\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260119T100000\n\
                    DTSTART;TZID=Europe/Berlin:20260120T100000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n";
        let events = read(text, "x.ics").unwrap();
        let starts: Vec<String> = events
            .iter()
            .flat_map(|event| event.times(&moscow()))
            .map(|(start, end)| alloc::format!("{start}/{}", end.time()))
            .collect();
        assert_eq!(
            starts,
            [
                "2026-01-05T12:00:00/14:00:00",
                "2026-01-26T12:00:00/14:00:00",
                "2026-01-20T12:00:00/13:00:00"
            ]
        );
    }

    #[test]
    fn closures_cut_hours_over_midnight() {
        let text = file("DTSTART:20260105T200000Z\nDTEND:20260105T230000Z\nSUMMARY:Works\n");
        let exceptions = closures(&read(&text, "x.ics").unwrap(), &moscow());
        let shown: Vec<String> = exceptions
            .iter()
            .map(|exception| match &exception.change {
                Change::Cut(hours) => alloc::format!("{} {hours}", exception.first),
                _ => String::new(),
            })
            .collect();
        assert_eq!(shown, ["2026-01-05 23:00-24:00", "2026-01-06 00:00-02:00"]);
    }

    #[test]
    fn mistakes_name_line_and_property() {
        let error = |text: &str| read(text, "x.ics").unwrap_err().to_string();
        assert_eq!(
            error(&file("DTSTART:2026\r\n")),
            "x.ics:4: DTSTART: \"2026\" is not what belongs here; write a date as 20261231 or a time as 20261231T150000"
        );
        assert!(error(&file("SUMMARY:x\r\n")).starts_with("x.ics:2: DTSTART: missing"));
        assert!(
            error(&file("DTSTART;TZID=Mars/Base:20260101T000000\r\n"))
                .contains("unknown time zone")
        );
        assert!(error("BEGIN:VCALENDAR\nBEGIN:VEVENT\n").contains("cut off"));
        assert!(error("hello").contains("x.ics:1"));
        assert!(error("").contains("empty"));
    }
}
