//! Schedules as TOML files.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::ops::Range;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    BuildError, Builder, Change, Exception, Hours, MonthDay, OnCalendar, Override, Recurring,
    Schedule, Season, SeasonRange, Week, WithoutData, weekdays,
};
use crate::{
    Calendar, FileError, FileProblem, GotoIfTime, Name, file_error::nearest, ics, production, zone,
};

impl Schedule {
    /// Reads a schedule from TOML. `file` is what errors call it.
    ///
    /// A schedule may name other files: a production calendar, ICS files. This crate opens none;
    /// `read` gives the text of a file, or says why it cannot.
    ///
    /// ```
    /// let text = r#"
    ///     zone = "Europe/Moscow"
    ///     calendar = "RU"             # or a file: company.json, .csv, .xml, .ics
    ///     without_data = "weekly"     # in years that the calendar does not have
    ///
    ///     [hours]
    ///     mon-fri = "09:00-13:00, 14:00-18:00"
    ///
    ///     [[exception]]
    ///     date = 2026-11-20
    ///     hours = "10:00-15:00"       # or add = "…", or cut = "…"
    ///     why = "Stocktaking"
    /// "#;
    /// let office = calendar::Schedule::from_toml(text, "office.toml", |_| Err("no files".into()))?;
    /// let state = office.state_at("2026-11-20T16:00+03:00".parse().unwrap());
    /// assert_eq!(
    ///     state.why.to_string(),
    ///     "closed: exception for 2026-11-20: Stocktaking, outside hours 10:00-15:00",
    /// );
    /// # Ok::<(), calendar::FileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line and the key.
    pub fn from_toml(
        text: &str,
        file: &str,
        mut read: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<Schedule, FileError> {
        let document = DeTable::parse(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = FileProblem::Syntax(error.message().to_string());
            FileError::at_offset(file, text, offset, "", message)
        })?;
        let source = Source { text, file };
        let root =
            Table { source, path: String::new(), table: document.get_ref(), span: document.span() };
        read_schedule(&root, &mut read)
    }
}

type Read<'r> = &'r mut dyn FnMut(&str) -> Result<String, String>;

#[derive(Clone, Copy)]
struct Source<'t> {
    text: &'t str,
    file: &'t str,
}

/// A table of the file and the way to it.
struct Table<'t> {
    source: Source<'t>,
    path: String,
    table: &'t DeTable<'t>,
    span: Range<usize>,
}

const KEYS: [&str; 15] = [
    "name",
    "zone",
    "hours",
    "gotoiftime",
    "season",
    "recurring",
    "calendar",
    "without_data",
    "decree_days",
    "day_off",
    "working_weekend",
    "short_by_minutes",
    "exception",
    "closed_by_ics",
    "override",
];

fn read_schedule(root: &Table<'_>, read: Read<'_>) -> Result<Schedule, FileError> {
    root.only(&KEYS)?;
    let zone = root.require("zone", "name one, as zone = \"Europe/Moscow\"", |value| {
        Ok(zone(text(value, "write the zone's name in quotes")?)?)
    })?;
    let mut builder = Schedule::builder(zone.clone());
    if root.table.contains_key("gotoiftime") {
        if let Some(table) = root.sub("hours")? {
            return Err(table.error_here(FileProblem::Conflict("gotoiftime")));
        }
        builder = builder.gotoiftime(root.conditions()?);
    } else {
        let hours = root.sub("hours")?;
        let hours = hours.ok_or_else(|| {
            root.error(
                "hours",
                root.span.clone(),
                FileProblem::Missing(
                    "write [hours] and below it lines such as mon-fri = \"09:00-18:00\"",
                ),
            )
        })?;
        builder = builder.week(hours.week()?);
    }
    let seasons = root.tables("season")?;
    for table in &seasons {
        builder = builder.season(season(table)?);
    }
    for table in &root.tables("recurring")? {
        builder = builder.recurring(recurring(table)?);
    }
    if let Some(on) = on_calendar(root, read)? {
        builder = builder.calendar(on);
    }
    let exceptions = root.tables("exception")?;
    for table in &exceptions {
        builder = builder.exception(exception(table)?);
    }
    builder = closed_by_ics(root, &zone, builder, read)?;
    if let Some(table) = root.sub("override")? {
        builder = builder.manual(manual(&table, &zone)?);
    }
    builder.build().map_err(|error| {
        // The line of the part that came second is where the writer will look.
        let place = match &error {
            BuildError::Contradiction { second, .. } => exceptions.get(*second),
            BuildError::OutOfRange { number } => exceptions.get(*number),
            BuildError::Backwards { what: "exception", number, .. } => exceptions.get(*number),
            BuildError::Backwards { number, .. } => seasons.get(*number),
            BuildError::SeasonsOverlap { second, .. } => seasons.get(*second),
            _ => None,
        };
        match (place, &error) {
            (Some(table), _) => table.error_here(error.into()),
            (None, BuildError::OtherZone { .. } | BuildError::Condition { .. }) => {
                root.error("gotoiftime", root.value_span("gotoiftime"), error.into())
            }
            _ => root.error("", root.span.clone(), error.into()),
        }
    })
}

fn on_calendar(root: &Table<'_>, read: Read<'_>) -> Result<Option<OnCalendar>, FileError> {
    let only_with_calendar =
        ["without_data", "decree_days", "day_off", "working_weekend", "short_by_minutes"];
    let Some(name) = root.string("calendar")? else {
        return match only_with_calendar.iter().find(|key| root.table.contains_key(**key)) {
            Some(key) => Err(root.error(
                "calendar",
                root.value_span(key),
                FileProblem::Missing("other keys speak of one; add calendar = \"RU\" or a file"),
            )),
            None => Ok(None),
        };
    };
    let calendar = load_calendar(&name, read)
        .map_err(|problem| root.error("calendar", root.value_span("calendar"), problem))?;
    let decree_days = root.value("decree_days", |value| match value.as_str() {
        Some("working") => Ok(production::DecreeDays::Working),
        Some("off") => Ok(production::DecreeDays::Off),
        _ => Err(unexpected(value, "write \"working\" or \"off\"")),
    })?;
    let calendar = match decree_days {
        Some(decree_days) => calendar.with_decree_days(decree_days),
        None => calendar,
    };
    let advice = "say what holds in years that the calendar has no data for: \
                  without_data = \"weekly\", \"closed\" or \"open\"";
    let without_data = root.require("without_data", advice, |value| match value.as_str() {
        Some("weekly") => Ok(WithoutData::Weekly),
        Some("closed") => Ok(WithoutData::Closed),
        Some("open") => Ok(WithoutData::Open),
        _ => Err(unexpected(value, "write \"weekly\", \"closed\" or \"open\"")),
    })?;
    let mut on = OnCalendar::new(Arc::new(calendar), without_data);
    if let Some(hours) = root.value("day_off", hours)? {
        on.day_off = hours;
    }
    on.working_weekend = root.value("working_weekend", hours)?;
    let short_by = root.value("short_by_minutes", |value| {
        let minutes = value.as_integer().and_then(|n| n.as_str().parse::<u32>().ok());
        minutes
            .filter(|minutes| *minutes <= 24 * 60)
            .ok_or_else(|| unexpected(value, "write a number of minutes, at most 1440"))
    })?;
    if let Some(minutes) = short_by {
        on.short_by = minutes * 60;
    }
    Ok(Some(on))
}

/// A country's code, or else a file.
fn load_calendar(name: &str, read: Read<'_>) -> Result<Calendar, FileProblem> {
    if !name.contains('.') {
        return Ok(production::country(name)?);
    }
    let text = read_file(name, read)?;
    Calendar::from_file(&text, name).map_err(|error| FileProblem::Nested(error.into()))
}

fn read_file(name: &str, read: Read<'_>) -> Result<String, FileProblem> {
    read(name).map_err(|reason| FileProblem::Unreadable { file: name.into(), reason })
}

fn closed_by_ics(
    root: &Table<'_>,
    zone: &TimeZone,
    mut builder: Builder,
    read: Read<'_>,
) -> Result<Builder, FileError> {
    for (number, value) in root.array("closed_by_ics")?.iter().enumerate() {
        let key = format!("closed_by_ics[{}]", number + 1);
        let mut events = || {
            let name = text(value.get_ref(), "write the names of ICS files in quotes")?;
            let text = read_file(name, &mut *read)?;
            ics::read(&text, name).map_err(|error| FileProblem::Nested(error.into()))
        };
        let events = events().map_err(|problem| root.error(&key, value.span(), problem))?;
        for exception in ics::closures(&events, zone) {
            builder = builder.exception(exception);
        }
    }
    Ok(builder)
}

fn season(table: &Table<'_>) -> Result<Season, FileError> {
    table.only(&["name", "name_ru", "from", "to", "hours"])?;
    let advice = "a season needs from and to, as \"06-01\" for every year or 2026-06-01 for once";
    let range = |key| {
        table.require(key, advice, |value| match value {
            DeValue::Datetime(_) => Ok(End::Date(date(value)?)),
            _ => match text(value, advice)? {
                text if text.len() > 5 => Ok(End::Date(date(value)?)),
                text => Ok(End::MonthDay(text.parse()?)),
            },
        })
    };
    let range = match (range("from")?, range("to")?) {
        (End::Date(first), End::Date(last)) => SeasonRange::Dates(first, last),
        (End::MonthDay(first), End::MonthDay(last)) => SeasonRange::Yearly(first, last),
        _ => {
            let found = String::from("a date and a day of the year");
            let problem = FileProblem::Value { found, expected: "give both ends in the same way" };
            return Err(table.error("to", table.value_span("to"), problem));
        }
    };
    let missing = FileProblem::Missing("a season needs hours, as hours.mon-fri = \"08:00-16:00\"");
    let hours =
        table.sub("hours")?.ok_or_else(|| table.error("hours", table.span.clone(), missing))?;
    let name = table.name("name")?.unwrap_or_else(|| Name::new("without a name"));
    Ok(Season { name, range, week: hours.week()? })
}

enum End {
    Date(Date),
    MonthDay(MonthDay),
}

fn recurring(table: &Table<'_>) -> Result<Recurring, FileError> {
    table.only(&["rule", "start", "except", "why", "why_ru", "hours", "add", "cut"])?;
    let advice = "write an RFC 5545 rule, as rule = \"FREQ=MONTHLY;BYDAY=-1FR\"";
    let rule = table.require("rule", advice, |value| Ok(text(value, advice)?.parse()?))?;
    let start = table.value("start", date)?;
    let mut recurring =
        Recurring::new(rule, start.unwrap_or(jiff::civil::date(1970, 1, 1)), change(table)?);
    recurring.name = table.name("why")?;
    for value in table.array("except")? {
        let except = date(value.get_ref());
        let except = except.map_err(|problem| table.error("except", value.span(), problem))?;
        recurring.except.push(except);
    }
    Ok(recurring)
}

fn exception(table: &Table<'_>) -> Result<Exception, FileError> {
    table.only(&["date", "from", "to", "why", "why_ru", "hours", "add", "cut"])?;
    let (first, last) = match table.value("date", date)? {
        Some(date) => match ["from", "to"].into_iter().find(|key| table.table.contains_key(*key)) {
            Some(key) => {
                let problem = FileProblem::Conflict("date");
                return Err(table.error(key, table.value_span(key), problem));
            }
            None => (date, date),
        },
        None => {
            let advice = "an exception needs date = 2026-12-31, or from and to";
            (table.require("from", advice, date)?, table.require("to", advice, date)?)
        }
    };
    Ok(Exception { first, last, change: change(table)?, name: table.name("why")? })
}

fn change(table: &Table<'_>) -> Result<Change, FileError> {
    let keys = ["hours", "add", "cut"];
    let mut there = keys.into_iter().filter(|key| table.table.contains_key(*key));
    let missing = FileProblem::Missing(
        "say what changes: hours = \"closed\" or other hours instead, add = \"…\", or cut = \"…\"",
    );
    let key = there.next().ok_or_else(|| table.error("hours", table.span.clone(), missing))?;
    if let Some(second) = there.next() {
        let problem = FileProblem::Conflict(key);
        return Err(table.error(second, table.value_span(second), problem));
    }
    let hours = table.require(key, "", hours)?;
    Ok(match key {
        "add" => Change::Add(hours),
        "cut" => Change::Cut(hours),
        _ => Change::Replace(hours),
    })
}

fn manual(table: &Table<'_>, zone: &TimeZone) -> Result<Override, FileError> {
    table.only(&["state", "from", "until", "why", "why_ru"])?;
    let advice = "write state = \"open\" or \"closed\"";
    let open = table.require("state", advice, |value| match value.as_str() {
        Some("open") => Ok(true),
        Some("closed") => Ok(false),
        _ => Err(unexpected(value, advice)),
    })?;
    let from = table.value("from", |value| instant(value, zone))?;
    let until = table.value("until", |value| instant(value, zone))?;
    Ok(Override { open, from, until, name: table.name("why")? })
}

impl<'t> Table<'t> {
    fn error(&self, key: &str, span: Range<usize>, problem: FileProblem) -> FileError {
        FileError::at_offset(self.source.file, self.source.text, span.start, self.key(key), problem)
    }

    fn error_here(&self, problem: FileProblem) -> FileError {
        self.error("", self.span.clone(), problem)
    }

    fn key(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            (path, "") => path.into(),
            ("", key) => key.into(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    fn only(&self, known: &[&str]) -> Result<(), FileError> {
        match self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            Some(key) => {
                let problem = FileProblem::UnknownKey { nearest: nearest(key.get_ref(), known) };
                Err(self.error(key.get_ref(), key.span(), problem))
            }
            None => Ok(()),
        }
    }

    fn value_span(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or(self.span.clone(), Spanned::span)
    }

    fn value<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&DeValue<'t>) -> Result<T, FileProblem>,
    ) -> Result<Option<T>, FileError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match parse(value.get_ref()) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(problem) => Err(self.error(key, value.span(), problem)),
        }
    }

    fn require<T>(
        &self,
        key: &str,
        advice: &'static str,
        parse: impl FnOnce(&DeValue<'t>) -> Result<T, FileProblem>,
    ) -> Result<T, FileError> {
        let missing = || self.error(key, self.span.clone(), FileProblem::Missing(advice));
        self.value(key, parse)?.ok_or_else(missing)
    }

    fn string(&self, key: &str) -> Result<Option<String>, FileError> {
        self.value(key, |value| Ok(text(value, "write it in quotes")?.to_string()))
    }

    /// A name and, under the same key with `_ru`, the name in Russian.
    fn name(&self, key: &str) -> Result<Option<Name>, FileError> {
        let ru = self.string(&format!("{key}_ru"))?;
        let name = self.string(key)?.map(|name| Name::new(&name));
        Ok(match (name, ru) {
            (Some(name), Some(ru)) => Some(name.with_ru(&ru)),
            (name, ru) => name.or_else(|| ru.map(|ru| Name::new(&ru))),
        })
    }

    fn array(&self, key: &str) -> Result<Vec<&'t Spanned<DeValue<'t>>>, FileError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        match value.get_ref() {
            DeValue::Array(array) => Ok(array.iter().collect()),
            other => Err(self.error(key, value.span(), unexpected(other, "write a list: [\"…\"]"))),
        }
    }

    fn sub(&self, key: &str) -> Result<Option<Table<'t>>, FileError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(table) => Ok(Some(Table {
                source: self.source,
                path: self.key(key),
                table,
                span: value.span(),
            })),
            other => Err(self.error(key, value.span(), unexpected(other, "write a table: [name]"))),
        }
    }

    fn tables(&self, key: &str) -> Result<Vec<Table<'t>>, FileError> {
        let mut tables = Vec::new();
        for (number, value) in self.array(key)?.into_iter().enumerate() {
            let path = format!("{}[{}]", self.key(key), number + 1);
            let DeValue::Table(table) = value.get_ref() else {
                let problem = unexpected(value.get_ref(), "write a table: [[name]]");
                return Err(self.error(&path, value.span(), problem));
            };
            tables.push(Table { source: self.source, path, table, span: value.span() });
        }
        Ok(tables)
    }

    fn conditions(&self) -> Result<Vec<GotoIfTime>, FileError> {
        let advice = "write conditions in quotes, as \"09:00-18:00,mon-fri,*,*\"";
        let read = |value: &&Spanned<DeValue<'t>>| {
            text(value.get_ref(), advice)
                .map(GotoIfTime::new)
                .map_err(|problem| self.error("gotoiftime", value.span(), problem))
        };
        self.array("gotoiftime")?.iter().map(read).collect()
    }

    /// Lines such as `mon-fri = "09:00-18:00"`; a later line wins over an earlier one.
    fn week(&self) -> Result<Week, FileError> {
        let mut lines: Vec<_> = self.table.iter().collect();
        lines.sort_by_key(|(key, _)| key.span().start);
        let mut week = Week::new();
        for (key, value) in lines {
            let name = key.get_ref().as_ref();
            let days = weekdays(name).map_err(|e| self.error(name, key.span(), e.into()))?;
            let hours = hours(value.get_ref())
                .map_err(|problem| self.error(name, value.span(), problem))?;
            for day in days {
                week.set(day, hours.clone());
            }
        }
        Ok(week)
    }
}

fn unexpected(value: &DeValue<'_>, expected: &'static str) -> FileProblem {
    let found = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        other => other.type_str().to_string(),
    };
    FileProblem::Value { found, expected }
}

fn text<'v>(value: &'v DeValue<'_>, expected: &'static str) -> Result<&'v str, FileProblem> {
    value.as_str().ok_or_else(|| unexpected(value, expected))
}

fn hours(value: &DeValue<'_>) -> Result<Hours, FileProblem> {
    Ok(text(value, "write hours in quotes, as \"09:00-13:00, 14:00-18:00\"")?.parse()?)
}

/// `2026-12-31` as TOML's date or in quotes.
fn date(value: &DeValue<'_>) -> Result<Date, FileProblem> {
    let text = match value {
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => String::new(),
    };
    // Longer texts are dates with a time, which would be cut off.
    let date = if text.len() == 10 { text.parse().ok() } else { None };
    date.ok_or_else(|| unexpected(value, "write a date that exists as 2026-12-31"))
}

/// An instant: with an offset, or on the wall clock of the schedule's zone.
fn instant(value: &DeValue<'_>, zone: &TimeZone) -> Result<Timestamp, FileProblem> {
    let text = match value {
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::String(text) => text.to_string(),
        _ => String::new(),
    };
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => Some(instant),
        Err(_) if text.len() > 10 => {
            text.parse::<DateTime>().ok().and_then(|civil| zone.to_timestamp(civil).ok())
        }
        Err(_) => None,
    };
    instant.ok_or_else(|| {
        unexpected(value, "write a time as 2026-12-31T15:00, or with an offset: …T15:00+03:00")
    })
}
