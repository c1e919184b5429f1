//! A month as a grid of coloured days.

use std::fmt::Write;

use calendar::{
    Calendar, Lang, month_name,
    production::{DayKind, NoData},
};
use jiff::{ToSpan, civil::Date};

use crate::words;

/// The month that begins on `first`, seven columns from Monday on.
///
/// Days also carry a mark, so that the grid reads without colours.
pub(crate) fn month(
    calendar: &Calendar,
    first: Date,
    lang: Lang,
    coloured: bool,
) -> Result<String, NoData> {
    let mut out = String::new();
    let title = format!("{} {}", month_name(first.month(), lang), first.year());
    let _ = writeln!(out, "{title:^28}");
    for (index, head) in words::weekday_heads(lang).iter().enumerate() {
        let weekend =
            calendar.weekend().days().any(|day| day.to_monday_zero_offset() == index as i8);
        let style = if weekend { Some("31") } else { None };
        let _ = write!(out, " {} ", paint(head, style, coloured));
    }
    out.push('\n');
    let lead = first.weekday().to_monday_zero_offset();
    for _ in 0..lead {
        out.push_str("    ");
    }
    for date in first.series(1.day()).take_while(|date| date.month() == first.month()) {
        let day = calendar.day(date)?;
        let (mark, style) = look(day.kind);
        let cell = format!("{:>2}{mark}", date.day());
        let _ = write!(out, " {}", paint(&cell, style, coloured));
        if date.weekday().to_monday_zero_offset() == 6 {
            out.push('\n');
        }
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

/// What the marks of the grid mean, for the kinds that occur.
pub(crate) fn legend(kinds: &[DayKind], lang: Lang, coloured: bool) -> String {
    let mut parts = Vec::new();
    for kind in DayKind::ALL {
        let (mark, style) = look(kind);
        if mark != ' ' && kinds.contains(&kind) {
            let mark = paint(&mark.to_string(), style, coloured);
            parts.push(format!("{mark} {}", words::kind(kind, lang)));
        }
    }
    parts.join("   ")
}

/// The mark and the ANSI colour of a kind of day.
fn look(kind: DayKind) -> (char, Option<&'static str>) {
    match kind {
        DayKind::Short => ('*', Some("33")),
        DayKind::WorkingWeekend => ('+', Some("32")),
        DayKind::ShortWorkingWeekend => ('±', Some("32")),
        DayKind::Weekend => (' ', Some("31")),
        DayKind::Holiday => ('#', Some("1;31")),
        DayKind::DayOffMoved => ('>', Some("35")),
        DayKind::DecreeOff => ('!', Some("36")),
        _ => (' ', None),
    }
}

fn paint(text: &str, style: Option<&str>, coloured: bool) -> String {
    match style {
        Some(style) if coloured => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        _ => text.to_string(),
    }
}
