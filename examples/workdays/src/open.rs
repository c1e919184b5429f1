//! `open`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use calendar::{Lang, Schedule};
use jiff::{Timestamp, ToSpan, Zoned, civil::DateTime};
use serde_json::json;

use crate::args::Args;

pub(crate) fn run(
    out: &mut String,
    args: &Args,
    path: &Path,
    at: Option<&str>,
    explain: bool,
    check: bool,
) -> Result<()> {
    let schedule = load(path)?;
    let at = match at {
        Some(text) => parse_instant(text, &schedule)?,
        None => Timestamp::now(),
    };
    let lang = args.lang();
    let state = schedule.state_at(at);
    let change = schedule.next_change(at).map(|t| t.to_zoned(schedule.zone().clone()));
    let findings: Vec<String> = if check {
        let first = at.to_zoned(schedule.zone().clone()).date();
        let found = schedule.check(first, first.checked_add(1.year())?);
        found.iter().map(ToString::to_string).collect()
    } else {
        Vec::new()
    };
    if args.json {
        let mut answer = json!({
            "at": at.to_zoned(schedule.zone().clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            "open": state.open,
            "next_change": change.map(|t| t.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()),
        });
        if explain {
            answer["why"] = json!(state.why.text(lang).to_string());
        }
        if check {
            answer["findings"] = json!(findings);
        }
        say!(out, "{answer:#}");
        return Ok(());
    }
    if explain {
        say!(out, "{}", state.why.text(lang));
    } else {
        say!(out, "{}", word(state.open, lang));
    }
    say!(out, "{}", next(state.open, change, lang));
    for finding in findings {
        say!(out, "check: {finding}");
    }
    Ok(())
}

/// Reads a schedule and the files that it names, which lie beside it.
fn load(path: &Path) -> Result<Schedule> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read = |other: &str| {
        std::fs::read_to_string(folder.join(other)).map_err(|error| error.to_string())
    };
    Ok(Schedule::from_toml(&text, &name, read)?)
}

fn parse_instant(text: &str, schedule: &Schedule) -> Result<Timestamp> {
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    match text.parse::<DateTime>() {
        Ok(civil) => Ok(schedule.zone().to_timestamp(civil)?),
        Err(_) => bail!("{text:?} is no time; write 2026-12-31T15:00, or with an offset: …+03:00"),
    }
}

fn word(open: bool, lang: Lang) -> &'static str {
    match (lang, open) {
        (Lang::Ru, true) => "открыто",
        (Lang::Ru, false) => "закрыто",
        (_, true) => "open",
        (_, false) => "closed",
    }
}

fn next(open: bool, change: Option<Zoned>, lang: Lang) -> String {
    let Some(change) = change else {
        return match lang {
            Lang::Ru => "изменений в ближайшие десять лет нет".into(),
            _ => "no change in the next ten years".into(),
        };
    };
    let day = calendar::weekday_name(change.date().weekday(), lang);
    let at = change.strftime("%Y-%m-%d %H:%M");
    match (lang, open) {
        (Lang::Ru, true) => format!("закроется {at}, {day}"),
        (Lang::Ru, false) => format!("откроется {at}, {day}"),
        (_, true) => format!("closes {at}, {day}"),
        (_, false) => format!("opens {at}, {day}"),
    }
}
