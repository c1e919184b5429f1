//! The words of the output in both languages.

use calendar::{
    Lang,
    production::{DayKind, YearStatus},
};

pub(crate) fn kind(kind: DayKind, lang: Lang) -> &'static str {
    match (lang, kind) {
        (Lang::Ru, DayKind::Working) => "рабочий",
        (Lang::Ru, DayKind::Short) => "сокращённый",
        (Lang::Ru, DayKind::WorkingWeekend) => "рабочий выходной",
        (Lang::Ru, DayKind::ShortWorkingWeekend) => "сокращённый рабочий выходной",
        (Lang::Ru, DayKind::Weekend) => "выходной",
        (Lang::Ru, DayKind::Holiday) => "праздник",
        (Lang::Ru, DayKind::DayOffMoved) => "перенесённый выходной",
        (Lang::Ru, DayKind::DecreeOff) => "нерабочий по указу",
        (_, DayKind::Working) => "working",
        (_, DayKind::Short) => "short day",
        (_, DayKind::WorkingWeekend) => "working weekend",
        (_, DayKind::ShortWorkingWeekend) => "short working weekend",
        (_, DayKind::Weekend) => "weekend",
        (_, DayKind::Holiday) => "holiday",
        (_, DayKind::DayOffMoved) => "day off moved",
        (_, DayKind::DecreeOff) => "off by decree",
        _ => "?",
    }
}

pub(crate) fn status(status: YearStatus, lang: Lang) -> &'static str {
    match (lang, status) {
        (Lang::Ru, YearStatus::Official) => "официальный календарь",
        (Lang::Ru, YearStatus::Draft) => "проект календаря",
        (Lang::Ru, YearStatus::Derived) => "вычислено по правилам",
        (Lang::Ru, _) => "данных нет, по выходным дням недели",
        (_, YearStatus::Official) => "official",
        (_, YearStatus::Draft) => "draft",
        (_, YearStatus::Derived) => "derived from rules",
        (_, _) => "no data, by the weekend",
    }
}

/// Column titles of the table of norms.
pub(crate) fn norm_columns(lang: Lang) -> [&'static str; 8] {
    match lang {
        Lang::Ru => ["период", "дней", "рабочих", "выходных", "коротких", "40 ч", "36 ч", "24 ч"],
        _ => ["period", "days", "working", "off", "short", "40 h", "36 h", "24 h"],
    }
}

/// "Mo", "Пн", from Monday on.
pub(crate) fn weekday_heads(lang: Lang) -> [&'static str; 7] {
    match lang {
        Lang::Ru => ["Пн", "Вт", "Ср", "Чт", "Пт", "Сб", "Вс"],
        _ => ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"],
    }
}
