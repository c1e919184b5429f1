use alloc::{
    borrow::Cow,
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Places;
use crate::{
    FileError, FileProblem, Lang, Name,
    production::{Calendar, DayKind, Special, Weekend, YearStatus, country},
    schedule::weekdays,
    weekday_name,
};

const FORMAT: &str = "trunkline-calendar/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'t> {
    #[serde(borrow)]
    format: Cow<'t, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'t, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'t, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name_ru: Option<Cow<'t, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'t, str>>,
    /// The embedded calendar that this one is built on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    extends: Option<&'t RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    weekend: Option<&'t RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    remove: Vec<&'t RawValue>,
    #[serde(borrow, default)]
    years: Vec<&'t RawValue>,
    #[serde(borrow, default)]
    days: Vec<&'t RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct YearEntry<'t> {
    year: i16,
    #[serde(borrow)]
    status: Cow<'t, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DayEntry<'t> {
    #[serde(borrow)]
    date: Cow<'t, str>,
    #[serde(borrow)]
    kind: Cow<'t, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    moved_from: Option<Cow<'t, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'t, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name_ru: Option<Cow<'t, str>>,
}

impl Calendar {
    /// Reads a calendar from JSON:
    ///
    /// ```
    /// # use calendar::Calendar;
    /// let text = r#"{
    ///   "format": "trunkline-calendar/1",
    ///   "code": "ACME",
    ///   "extends": "RU",
    ///   "remove": ["2026-11-04"],
    ///   "days": [
    ///     {"date": "2026-11-20", "kind": "holiday", "name": "Founders' day"}
    ///   ]
    /// }"#;
    /// let acme = Calendar::from_json(text, "acme.json")?;
    /// assert_eq!(acme.is_working(jiff::civil::date(2026, 11, 20)), Ok(false));
    /// assert_eq!(acme.is_working(jiff::civil::date(2026, 11, 4)), Ok(true));
    /// # Ok::<(), calendar::FileError>(())
    /// ```
    ///
    /// `extends` names an embedded country; without it `years` must declare what the calendar
    /// knows: `{"year": 2026, "status": "official"}`, or `draft`, or `derived`. `weekend` is
    /// `["sat", "sun"]` by default. `kind` is a [`DayKind::word`]; a moved day off may say
    /// `moved_from`.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line and the key.
    pub fn from_json(text: &str, file: &str) -> Result<Calendar, FileError> {
        let source = Source { text, file };
        let parsed: File<'_> =
            serde_json::from_str(text).map_err(|error| source.syntax(0, "", &error))?;
        if parsed.format != FORMAT {
            let found = parsed.format.into_owned();
            let problem = FileProblem::Value { found, expected: "write \"trunkline-calendar/1\"" };
            return Err(FileError::at_line(file, 1, "format", problem));
        }
        let code = parsed.code.as_deref();
        let mut builder = match parsed.extends {
            Some(raw) => {
                let base: Cow<'_, str> = source.read(raw, "extends")?;
                let base = country(&base).map_err(|error| source.error(raw, "extends", error))?;
                base.extend(code.unwrap_or_else(|| base.code()))
            }
            None => {
                let missing =
                    FileProblem::Missing("a calendar of its own needs \"code\": \"ACME\"");
                Calendar::builder(code.ok_or_else(|| FileError::at_line(file, 1, "code", missing))?)
            }
        };
        if let Some(name) = name(parsed.name, parsed.name_ru) {
            builder = builder.name(name);
        }
        if let Some(version) = parsed.version {
            builder = builder.version(&version);
        }
        if let Some(raw) = parsed.weekend {
            let days: Vec<Cow<'_, str>> = source.read(raw, "weekend")?;
            let mut found = Vec::new();
            for day in days {
                found.extend(weekdays(&day).map_err(|error| source.error(raw, "weekend", error))?);
            }
            builder = builder.weekend(Weekend::new(found));
        }
        for (number, raw) in parsed.years.iter().enumerate() {
            let key = format!("years[{}]", number + 1);
            let entry: YearEntry<'_> = source.read(raw, &key)?;
            let status = YearStatus::from_word(&entry.status).ok_or_else(|| {
                source.value(
                    raw,
                    &format!("{key}.status"),
                    &entry.status,
                    "write official, draft or derived",
                )
            })?;
            builder = builder.year(entry.year, status);
        }
        for (number, raw) in parsed.remove.iter().enumerate() {
            let key = format!("remove[{}]", number + 1);
            let text: Cow<'_, str> = source.read(raw, &key)?;
            builder = builder.remove(source.date(raw, &key, &text)?);
        }
        let mut places = Places::default();
        for (number, raw) in parsed.days.iter().enumerate() {
            let key = |field: &str| format!("days[{}].{field}", number + 1);
            let entry: DayEntry<'_> = source.read(raw, key("").trim_end_matches('.'))?;
            let date = source.date(raw, &key("date"), &entry.date)?;
            let expected = "write working, short, working_weekend, short_working_weekend, weekend, \
                            holiday, day_off_moved or nonworking_decree";
            let kind = DayKind::from_word(&entry.kind)
                .ok_or_else(|| source.value(raw, &key("kind"), &entry.kind, expected))?;
            let moved_from = match &entry.moved_from {
                Some(text) => Some(source.date(raw, &key("moved_from"), text)?),
                None => None,
            };
            let name = name(entry.name, entry.name_ru);
            places.add(date, source.line(raw));
            builder = builder.special(Special { date, kind, moved_from, name });
        }
        places.build(builder, file)
    }

    /// Writes the calendar as JSON that [`from_json`](Self::from_json) reads, with all its days, a
    /// line each.
    pub fn to_json(&self) -> String {
        let short = |day| weekday_name(day, Lang::En).get(..3).unwrap_or_default().to_lowercase();
        let weekend: Vec<String> = self.weekend().days().map(short).collect();
        let years: Vec<Box<RawValue>> = self
            .years()
            .iter()
            .filter_map(|year| {
                raw(&YearEntry { year: year.number, status: year.status.word().into() })
            })
            .collect();
        let specials = self.specials();
        let days: Vec<Box<RawValue>> = specials
            .iter()
            .filter_map(|special| {
                raw(&DayEntry {
                    date: special.date.to_string().into(),
                    kind: special.kind.word().into(),
                    moved_from: special.moved_from.map(|from| from.to_string().into()),
                    name: special.name.as_ref().map(|name| name.text(Lang::En).into()),
                    name_ru: special.name.as_ref().and_then(Name::ru).map(Into::into),
                })
            })
            .collect();
        let weekend = raw(&weekend);
        let file = File {
            format: FORMAT.into(),
            code: Some(self.code().into()),
            name: Some(self.name().text(Lang::En).into()),
            name_ru: self.name().ru().map(Into::into),
            version: Some(self.version().into()),
            extends: None,
            weekend: weekend.as_deref(),
            remove: Vec::new(),
            years: years.iter().map(AsRef::as_ref).collect(),
            days: days.iter().map(AsRef::as_ref).collect(),
        };
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }
}

struct Source<'t> {
    text: &'t str,
    file: &'t str,
}

impl<'t> Source<'t> {
    fn offset(&self, raw: &RawValue) -> usize {
        // The raw value is a part of the text.
        (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn line(&self, raw: &RawValue) -> usize {
        let before = self.text.as_bytes().get(..self.offset(raw)).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn error(&self, raw: &RawValue, key: &str, problem: impl Into<FileProblem>) -> FileError {
        FileError::at_line(self.file, self.line(raw), key, problem)
    }

    fn value(&self, raw: &RawValue, key: &str, found: &str, expected: &'static str) -> FileError {
        self.error(raw, key, FileProblem::Value { found: found.into(), expected })
    }

    fn syntax(&self, lines_before: usize, key: &str, error: &serde_json::Error) -> FileError {
        // The place is said already.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_string();
        let line = lines_before + error.line().max(1);
        FileError::at_line(self.file, line, key, FileProblem::Syntax(message))
    }

    fn read<T: Deserialize<'t>>(&self, raw: &'t RawValue, key: &str) -> Result<T, FileError> {
        serde_json::from_str(raw.get())
            .map_err(|error| self.syntax(self.line(raw) - 1, key, &error))
    }

    fn date(&self, raw: &RawValue, key: &str, text: &str) -> Result<Date, FileError> {
        let date = if text.len() == 10 { text.parse().ok() } else { None };
        date.ok_or_else(|| self.value(raw, key, text, "write a date that exists as 2026-12-31"))
    }
}

fn name(text: Option<Cow<'_, str>>, ru: Option<Cow<'_, str>>) -> Option<Name> {
    match (text, ru) {
        (Some(text), Some(ru)) => Some(Name::new(&text).with_ru(&ru)),
        (text, ru) => text.or(ru).map(|text| Name::new(&text)),
    }
}

fn raw<T: Serialize>(value: &T) -> Option<Box<RawValue>> {
    RawValue::from_string(serde_json::to_string(value).ok()?).ok()
}
