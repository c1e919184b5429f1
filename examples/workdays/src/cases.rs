//! `--cases`: rows of expected answers against this library's.

use std::{collections::BTreeMap, path::Path, process::ExitCode};

use anyhow::{Context, Result, bail};
use calendar::{
    Calendar, GotoIfTime,
    arithmetic::{DayLength, Period},
    production::{DayKind, country},
};
use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde_json::{Value, json};

use crate::{args::Args, info, load_calendar};

/// What a file asks, told by its header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `start,n,result…`
    AddWorkingDays,
    /// `spec,instant(ZONE),expected,…`
    GotoIfTime,
    /// `country,date,kind,…`
    MakeUpDays,
    /// `period,calendar_days,…`
    Norms,
    /// `date,type,moved_from_or_decree,weekday`
    SpecialDays,
}

/// Prints the rows that differ; the exit status is 1 if any does.
pub(crate) fn run(out: &mut String, args: &Args, path: &Path) -> Result<ExitCode> {
    let name = path.display().to_string();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_path(path)
        .with_context(|| format!("cannot read {name}"))?;
    let header = reader.headers()?.clone();
    let (kind, word) = kind(&header).with_context(|| {
        format!(
            "{name}: the header line {:?} is of no kind that is known",
            header.iter().collect::<Vec<_>>().join(",")
        )
    })?;
    let mut checker = Checker::new(args, &header, kind)?;
    let mut rows = 0;
    let mut differing = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| name.clone())?;
        let line = record.position().map_or(0, csv::Position::line);
        rows += 1;
        if let Some(found) = checker.differs(&Row { header: &header, record: &record }) {
            differing.push((line, record.iter().collect::<Vec<_>>().join(","), found));
        }
    }
    if args.json {
        let differ: Vec<Value> = differing
            .iter()
            .map(|(line, row, found)| json!({ "line": line, "row": row, "found": found }))
            .collect();
        say!(out, "{:#}", json!({ "file": name, "kind": word, "rows": rows, "differ": differ }));
    } else {
        for (line, row, found) in &differing {
            say!(out, "{name}:{line}: {row}\n    found: {found}");
        }
        say!(out, "{name}: {word}: {rows} rows, {} differ", differing.len());
    }
    if rows == 0 {
        bail!("{name} has no rows");
    }
    Ok(if differing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn kind(header: &csv::StringRecord) -> Option<(Kind, &'static str)> {
    let columns: Vec<&str> = header.iter().map(str::trim).collect();
    match columns.as_slice() {
        ["start", "n", result, ..] if result.starts_with("result") => {
            Some((Kind::AddWorkingDays, "adding working days"))
        }
        ["spec", instant, "expected", ..] if instant.starts_with("instant") => {
            Some((Kind::GotoIfTime, "time conditions"))
        }
        ["country", "date", "kind", ..] => Some((Kind::MakeUpDays, "make-up days")),
        ["period", "calendar_days", ..] => Some((Kind::Norms, "norms")),
        ["date", "type", ..] => Some((Kind::SpecialDays, "special days")),
        _ => None,
    }
}

struct Row<'r> {
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
}

impl<'r> Row<'r> {
    /// The field of the column whose title begins with `title`; empty when there is none.
    fn field(&self, title: &str) -> &'r str {
        let column = self.header.iter().position(|column| column.trim().starts_with(title));
        column.and_then(|column| self.record.get(column)).unwrap_or("").trim()
    }
}

struct Checker {
    kind: Kind,
    calendar: Calendar,
    zone: TimeZone,
    countries: BTreeMap<String, Option<Calendar>>,
}

impl Checker {
    fn new(args: &Args, header: &csv::StringRecord, kind: Kind) -> Result<Self> {
        // The zone of instants stands in the title of their column.
        let title = header.get(1).unwrap_or("");
        let zone = title.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        let zone =
            calendar::zone(zone.filter(|_| kind == Kind::GotoIfTime).unwrap_or("Europe/Moscow"))?;
        Ok(Self { kind, calendar: load_calendar(args)?, zone, countries: BTreeMap::new() })
    }

    /// What was found instead of what the row expects; `None` when they agree.
    fn differs(&mut self, row: &Row<'_>) -> Option<String> {
        let (expected, found) = match self.kind {
            Kind::AddWorkingDays => self.add_working_days(row),
            Kind::GotoIfTime => self.gotoiftime(row),
            Kind::MakeUpDays => self.make_up_days(row),
            Kind::Norms => self.norms(row),
            Kind::SpecialDays => self.special_days(row),
        };
        match found {
            Ok(found) if found == expected => None,
            Ok(found) => Some(found),
            Err(error) => Some(format!("{error:#}")),
        }
    }

    fn add_working_days(&self, row: &Row<'_>) -> (String, Result<String>) {
        let expected = format!("{},{}", row.field("result"), row.field("working_days_in"));
        let answer = || {
            let start = row.field("start");
            let n: i32 = row.field("n").parse().context("n is no number")?;
            let (first, last, text) = if start.len() == 10 {
                let first: Date = start.parse()?;
                let last = self.calendar.add_working_days(first, n)?;
                (first, last, last.to_string())
            } else {
                let at = start.parse::<DateTime>()?.to_zoned(self.zone.clone())?;
                let end = self.calendar.add_working_days_to(&at, n, DayLength::Civil)?.datetime();
                (at.date(), end.date(), end.to_string())
            };
            if row.field("working_days_in").is_empty() {
                return Ok(format!("{text},"));
            }
            let between = self.calendar.working_days_between(first, last)?.abs();
            Ok(format!("{text},{between}"))
        };
        (expected, answer())
    }

    fn gotoiftime(&self, row: &Row<'_>) -> (String, Result<String>) {
        let answer = || {
            let at: DateTime = row.field("instant").parse()?;
            let condition = GotoIfTime::new(row.field("spec"));
            let yes = condition.matches(self.zone.to_timestamp(at)?, &self.zone);
            Ok(String::from(if yes { "yes" } else { "no" }))
        };
        (row.field("expected").to_lowercase(), answer())
    }

    fn make_up_days(&mut self, row: &Row<'_>) -> (String, Result<String>) {
        let code = row.field("country").to_string();
        let calendar =
            self.countries.entry(code.clone()).or_insert_with(|| country(&code).ok()).as_ref();
        let answer = || {
            let Some(calendar) = calendar else { bail!("no calendar is embedded for {code}") };
            let date: Date = row.field("date").parse()?;
            let day = calendar.day(date)?;
            let weekend = calendar.weekend().contains(date.weekday());
            Ok(String::from(match (day.kind.is_working(), weekend) {
                (true, true) => "working_weekend",
                (false, false) => "off_weekday",
                (true, false) => "working",
                (false, true) => "off_weekend",
            }))
        };
        (row.field("kind").to_string(), answer())
    }

    fn norms(&self, row: &Row<'_>) -> (String, Result<String>) {
        let titles = [
            "calendar_days",
            "working_days",
            "non_working_days",
            "short_days",
            "hours40",
            "hours36",
            "hours24",
        ];
        // 168 and 168.0 are the same norm.
        let canonical = |text: &str| {
            text.parse::<f64>().map_or_else(|_| text.to_string(), |number| format!("{number:.1}"))
        };
        let expected: Vec<String> =
            titles.iter().map(|title| canonical(row.field(title))).collect();
        let answer = || {
            let period: Period = row.field("period").parse()?;
            let norm = self.calendar.norm(period)?;
            let found = [
                norm.calendar_days.to_string(),
                norm.working_days.to_string(),
                norm.days_off().to_string(),
                norm.short_days.to_string(),
                info::hours(norm, 40),
                info::hours(norm, 36),
                info::hours(norm, 24),
            ];
            Ok(found.map(|text| canonical(&text)).join(","))
        };
        (expected.join(","), answer())
    }

    fn special_days(&self, row: &Row<'_>) -> (String, Result<String>) {
        let (word, detail) = (row.field("type"), row.field("moved_from"));
        let expected = format!("{word},{detail},{}", row.field("weekday"));
        let answer = || {
            let date: Date = row.field("date").parse()?;
            let day = self.calendar.day(date)?;
            let weekday = calendar::weekday_name(date.weekday(), calendar::Lang::En);
            let weekday = weekday.get(..row.field("weekday").len()).unwrap_or(weekday);
            // A decree stands beside what the day is otherwise.
            if DayKind::from_word(word) == Some(DayKind::DecreeOff) {
                let Some(decree) = day.decree else { bail!("{}", day) };
                return Ok(format!("{word},{decree},{weekday}"));
            }
            let moved = day.moved_from.map_or(String::new(), |from| from.to_string());
            Ok(format!("{},{moved},{weekday}", day.kind.word()))
        };
        (expected, answer())
    }
}
