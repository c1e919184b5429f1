//! `info` and `norm`.

use anyhow::{Result, bail};
use calendar::{
    Calendar, Lang,
    arithmetic::{Norm, Period},
    production::{Day, DayKind},
};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

use crate::{args::Args, grid, load_calendar, words};

pub(crate) fn run(out: &mut String, args: &Args, what: &str) -> Result<()> {
    let calendar = load_calendar(args)?;
    let lang = args.lang();
    if what.len() == 10 {
        let date: Date = what.parse()?;
        let day = calendar.day(date)?;
        match args.json {
            true => say!(out, "{:#}", day_json(&day, lang)),
            false => say!(out, "{}", day.text(lang)),
        }
        return Ok(());
    }
    let period: Period = what.parse()?;
    let Some((first, end)) = period.days() else { bail!("{period} does not exist") };
    let norm = calendar.norm(period)?;
    if args.json {
        let days: Result<Vec<Value>> = first
            .series(1.day())
            .take_while(|date| *date < end)
            .map(|date| Ok(day_json(&calendar.day(date)?, lang)))
            .collect();
        let mut answer = norm_json(period, norm);
        answer["calendar"] = json!(calendar.code());
        answer["days"] = Value::Array(days?);
        say!(out, "{answer:#}");
        return Ok(());
    }
    let coloured = args.is_coloured();
    let mut kinds: Vec<DayKind> = Vec::new();
    let mut special: Vec<String> = Vec::new();
    let mut status = None;
    let mut month = first;
    while month < end {
        say!(out, "{}", grid::month(&calendar, month, lang, coloured)?);
        for date in month.series(1.day()).take_while(|date| date.month() == month.month()) {
            let day = calendar.day(date)?;
            status = status.or(Some(day.status));
            kinds.push(day.kind);
            let ordinary = matches!(day.kind, DayKind::Working | DayKind::Weekend);
            if !ordinary || day.decree.is_some() {
                special.push(day.text(lang).to_string());
            }
        }
        month = month.checked_add(1.month())?;
    }
    let legend = grid::legend(&kinds, lang, coloured);
    if !legend.is_empty() {
        say!(out, "{legend}\n");
    }
    for line in special {
        say!(out, "{line}");
    }
    let status = status.map_or("", |status| words::status(status, lang));
    say!(out, "\n{}", norm_sentence(norm, lang));
    say!(out, "{} {}: {status}", calendar.name().text(lang), first.year());
    Ok(())
}

pub(crate) fn norm(out: &mut String, args: &Args, period: &str) -> Result<()> {
    let calendar = load_calendar(args)?;
    let period: Period = period.parse()?;
    let periods = parts(period);
    let mut norms = Vec::new();
    for period in periods {
        norms.push((period, calendar.norm(period)?));
    }
    if args.json {
        let list: Vec<Value> =
            norms.iter().map(|(period, norm)| norm_json(*period, *norm)).collect();
        say!(out, "{:#}", json!({ "calendar": calendar.code(), "norms": list }));
        return Ok(());
    }
    print_norms(out, &calendar, &norms, args.lang());
    Ok(())
}

/// A year in the order in which norms are published: each quarter after its months, each half after
/// its quarters.
fn parts(period: Period) -> Vec<Period> {
    let Period::Year(year) = period else { return vec![period] };
    let mut parts = Vec::new();
    for month in 1..=12 {
        parts.push(Period::Month(year, month));
        if month % 3 == 0 {
            parts.push(Period::Quarter(year, month / 3));
        }
        if month % 6 == 0 {
            parts.push(Period::HalfYear(year, month / 6));
        }
    }
    parts.push(period);
    parts
}

fn print_norms(out: &mut String, calendar: &Calendar, norms: &[(Period, Norm)], lang: Lang) {
    say!(out, "{}", calendar.name().text(lang));
    let columns = words::norm_columns(lang);
    let mut row = |cells: [String; 8]| {
        let [first, rest @ ..] = cells;
        let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>9}")).collect();
        say!(out, "{first:<8}{}", rest.join(""));
    };
    row(columns.map(String::from));
    for (period, norm) in norms {
        row([
            period.to_string(),
            norm.calendar_days.to_string(),
            norm.working_days.to_string(),
            norm.days_off().to_string(),
            norm.short_days.to_string(),
            hours(*norm, 40),
            hours(*norm, 36),
            hours(*norm, 24),
        ]);
    }
}

/// Hours to a tenth, as norms are published.
pub(crate) fn hours(norm: Norm, a_week: u32) -> String {
    let tenths = norm.tenths_of_hours(a_week);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn norm_sentence(norm: Norm, lang: Lang) -> String {
    let (working, off, short) = (norm.working_days, norm.days_off(), norm.short_days);
    let (h40, h36, h24) = (hours(norm, 40), hours(norm, 36), hours(norm, 24));
    match lang {
        Lang::Ru => format!(
            "рабочих дней {working}, выходных {off}, сокращённых {short}; норма часов {h40} (40 ч \
             в неделю), {h36} (36), {h24} (24)"
        ),
        _ => format!(
            "{working} working days, {off} off, {short} short; {h40} hours at 40 a week, {h36} at \
             36, {h24} at 24"
        ),
    }
}

fn norm_json(period: Period, norm: Norm) -> Value {
    let number = |week| f64::from(norm.tenths_of_hours(week)) / 10.0;
    json!({
        "period": period.to_string(),
        "calendar_days": norm.calendar_days,
        "working_days": norm.working_days,
        "non_working_days": norm.days_off(),
        "short_days": norm.short_days,
        "hours40": number(40),
        "hours36": number(36),
        "hours24": number(24),
    })
}

fn day_json(day: &Day<'_>, lang: Lang) -> Value {
    let mut value = json!({
        "date": day.date.to_string(),
        "kind": day.kind.word(),
        "working": day.kind.is_working(),
        "short": day.kind.is_short(),
        "status": day.status.word(),
        "text": day.text(lang).to_string(),
    });
    let optional = [
        ("moved_from", day.moved_from.map(|date| date.to_string())),
        ("moved_to", day.moved_to.map(|date| date.to_string())),
        ("name", day.name.map(|name| name.text(lang).to_string())),
        ("decree", day.decree.map(|name| name.text(lang).to_string())),
    ];
    for (key, text) in optional {
        if let Some(text) = text {
            value[key] = Value::String(text);
        }
    }
    value
}
