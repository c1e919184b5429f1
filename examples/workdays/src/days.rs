//! `add` and `count`.

use anyhow::{Context, Result};
use calendar::arithmetic::DayLength;
use jiff::civil::{Date, DateTime};
use serde_json::json;

use crate::{args::Args, load_calendar};

pub(crate) fn add(
    out: &mut String,
    args: &Args,
    start: &str,
    n: i32,
    bitrix: bool,
    zone: &str,
) -> Result<()> {
    let calendar = load_calendar(args)?;
    let result = if start.len() == 10 {
        let date: Date = start.parse().with_context(|| format!("{start:?} is no date"))?;
        calendar.add_working_days(date, n)?.to_string()
    } else {
        let at: DateTime =
            start.parse().with_context(|| format!("{start:?} is no time as 2026-12-30T17:30"))?;
        let at = at.to_zoned(calendar::zone(zone)?)?;
        let length = if bitrix { DayLength::Seconds86400 } else { DayLength::Civil };
        calendar.add_working_days_to(&at, n, length)?.datetime().to_string()
    };
    match args.json {
        true => say!(out, "{:#}", json!({ "start": start, "n": n, "result": result })),
        false => say!(out, "{result}"),
    }
    Ok(())
}

pub(crate) fn count(out: &mut String, args: &Args, from: Date, to: Date) -> Result<()> {
    let days = load_calendar(args)?.working_days_between(from, to)?;
    match args.json {
        true => {
            let (from, to) = (from.to_string(), to.to_string());
            say!(out, "{:#}", json!({ "from": from, "to": to, "working_days": days }));
        }
        false => say!(out, "{days}"),
    }
    Ok(())
}
