use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use jiff::civil::Date;

use super::Places;
use crate::{
    FileError, FileProblem, Lang, Name,
    production::{Calendar, DayKind, Special, Weekend, YearStatus},
    schedule::weekdays,
    weekday_name,
};

const HEADER: [&str; 6] = ["date", "type", "moved_from_or_decree", "weekday", "name", "name_ru"];

impl Calendar {
    /// Reads a calendar from CSV with a header line that names the columns `date` and `type`, and
    /// in any order `moved_from_or_decree` (the date a day off was moved from, or the decree),
    /// `weekday` (checked), `name` and `name_ru`.
    ///
    /// A row `2026,year,official` declares a year and its status; without such rows the years that
    /// occur are `derived`. Rows `calendar,code,RU`, `calendar,name,…`, `calendar,name_ru,…`,
    /// `calendar,version,…` and `calendar,weekend,sat sun` describe the calendar, with their value
    /// in the third column.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line and the column.
    pub fn from_csv(text: &str, file: &str) -> Result<Calendar, FileError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let syntax = |error: ::csv::Error| {
            let line = error.position().map_or(1, |position| position.line() as usize);
            FileError::at_line(file, line, "", FileProblem::Syntax(error.to_string()))
        };
        let header = reader.headers().map_err(syntax)?.clone();
        let column = |name: &str| header.iter().position(|column| column.trim() == name);
        let need = |name: &'static str, advice: &'static str| {
            let missing = FileProblem::Missing(advice);
            column(name).ok_or_else(|| FileError::at_line(file, 1, name, missing))
        };
        let date_column = need("date", "the header line must name a column date")?;
        let kind_column = need("type", "the header line must name a column type")?;
        let [detail, weekday, name, name_ru] =
            [HEADER[2], HEADER[3], HEADER[4], HEADER[5]].map(column);

        let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let mut builder = Calendar::builder(stem.strip_suffix(".csv").unwrap_or(stem));
        let mut calendar_name: (Option<String>, Option<String>) = (None, None);
        let mut places = Places::default();
        let mut years: Vec<i16> = Vec::new();
        let mut declared = false;
        for record in reader.records() {
            let record = record.map_err(syntax)?;
            let line = record.position().map_or(0, |position| position.line() as usize);
            let field = |column: Option<usize>| {
                column.and_then(|column| record.get(column)).unwrap_or("").trim()
            };
            let bad = |key: &str, found: &str, expected: &'static str| {
                let problem = FileProblem::Value { found: found.into(), expected };
                FileError::at_line(file, line, key, problem)
            };
            let (first, kind, value) =
                (field(Some(date_column)), field(Some(kind_column)), field(detail));
            if first == "calendar" {
                match kind {
                    "code" => builder = builder.code(value),
                    "name" => calendar_name.0 = Some(value.into()),
                    "name_ru" => calendar_name.1 = Some(value.into()),
                    "version" => builder = builder.version(value),
                    "weekend" => {
                        let days = weekdays(&value.replace(' ', ","))
                            .map_err(|error| FileError::at_line(file, line, "weekend", error))?;
                        builder = builder.weekend(Weekend::new(days));
                    }
                    other => {
                        return Err(bad("type", other, "write code, name, version or weekend"));
                    }
                }
                continue;
            }
            if kind == "year" {
                let year = first.parse().map_err(|_| bad("date", first, "write a year as 2026"))?;
                let status = YearStatus::from_word(value)
                    .ok_or_else(|| bad(HEADER[2], value, "write official, draft or derived"))?;
                builder = builder.year(year, status);
                declared = true;
                continue;
            }
            let date: Date = match first.len() {
                10 => first.parse().ok(),
                _ => None,
            }
            .ok_or_else(|| bad("date", first, "write a date that exists as 2026-12-31"))?;
            let expected = "write working, short, working_weekend, short_working_weekend, weekend, \
                            holiday, day_off_moved or nonworking_decree";
            let kind = DayKind::from_word(kind).ok_or_else(|| bad("type", kind, expected))?;
            let expected = weekday_name(date.weekday(), Lang::En);
            let said = field(weekday);
            if !said.is_empty()
                && !expected.to_ascii_lowercase().starts_with(&said.to_ascii_lowercase())
            {
                return Err(bad("weekday", said, "that date is another day of the week"));
            }
            let mut special = Special::new(date, kind);
            special.name = match (field(name), field(name_ru)) {
                ("", "") => None,
                ("", ru) => Some(Name::new(ru)),
                (name, "") => Some(Name::new(name)),
                (name, ru) => Some(Name::new(name).with_ru(ru)),
            };
            match kind {
                DayKind::DecreeOff if special.name.is_none() && !value.is_empty() => {
                    special.name = Some(Name::new(value));
                }
                DayKind::DecreeOff => {}
                _ if value.is_empty() => {}
                _ => {
                    let from = value.parse();
                    special.moved_from = Some(
                        from.map_err(|_| bad(HEADER[2], value, "write a date as 2026-01-03"))?,
                    );
                }
            }
            years.push(date.year());
            places.add(date, line);
            builder = builder.special(special);
        }
        if !declared {
            for year in years {
                builder = builder.year(year, YearStatus::Derived);
            }
        }
        builder = match calendar_name {
            (Some(name), Some(ru)) => builder.name(Name::new(&name).with_ru(&ru)),
            (Some(name), None) | (None, Some(name)) => builder.name(Name::new(&name)),
            (None, None) => builder,
        };
        places.build(builder, file)
    }

    /// Writes the calendar as CSV that [`from_csv`](Self::from_csv) reads.
    pub fn to_csv(&self) -> String {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        let mut row = |cells: [&str; 6]| {
            // Writing to memory cannot fail.
            let _ = writer.write_record(cells);
        };
        row(HEADER);
        row(["calendar", "code", self.code(), "", "", ""]);
        row(["calendar", "name", self.name().text(Lang::En), "", "", ""]);
        if let Some(ru) = self.name().ru() {
            row(["calendar", "name_ru", ru, "", "", ""]);
        }
        row(["calendar", "version", self.version(), "", "", ""]);
        let short = |day| weekday_name(day, Lang::En).get(..3).unwrap_or_default();
        let weekend: Vec<&str> = self.weekend().days().map(short).collect();
        if !weekend.is_empty() {
            row(["calendar", "weekend", &weekend.join(" "), "", "", ""]);
        }
        for year in self.years() {
            row([&year.number.to_string(), "year", year.status.word(), "", "", ""]);
        }
        for special in self.specials() {
            let detail = special.moved_from.map_or(String::new(), |from| from.to_string());
            let name = special.name.as_ref().map_or("", |name| name.text(Lang::En));
            let ru = special.name.as_ref().and_then(Name::ru).unwrap_or("");
            row([
                &format!("{}", special.date),
                special.kind.word(),
                &detail,
                short(special.date.weekday()),
                name,
                ru,
            ]);
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}
