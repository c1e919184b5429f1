//! Public holidays by rule, and their notation:
//!
//! ```text
//! country GB United Kingdom|Великобритания
//! short-eves                          working days before a holiday are short
//! 05-01 Labour Day                    a day of each year
//! 05-mon#1 2021.. Early May …         the first Monday of May, from 2021 on; mon#-1 is the last
//! easter+39 Ascension Day             days from Easter Sunday; orthodox+49 from the Orthodox one
//! ```
//!
//! Between the day and the name may stand years (`2014..`, `..2013`, `2017..2017`) and what happens
//! on a weekend: `observed` (Saturday moves to the Friday before, Sunday to Monday), `substitute`
//! (to the next weekday that is no holiday), `next` (likewise, in Russia's words a moved day off),
//! `unless-sunday` (Sunday moves to Saturday); `every-5` is every fifth year.

use alloc::{collections::BTreeMap, vec::Vec};
use core::ops::RangeInclusive;

use jiff::{
    Span, ToSpan,
    civil::{Date, Weekday},
};

use super::{Calendar, DayKind, Special, UnknownCountry, Weekend, YearStatus};
use crate::Name;

const RULES: &str = include_str!("../../data/rules.txt");

/// Codes of the countries whose holidays follow rules without moved working days, and `RU`, whose
/// rules are those of the Labour Code without the Government's yearly moves.
pub const RULE_COUNTRIES: [&str; 11] =
    ["AT", "CZ", "DE", "ES", "FR", "GB", "IT", "NL", "PL", "US", "RU"];

/// A calendar of nationwide public holidays by rule, its years `derived`. Rules hold from 2000 on
/// (Russia's from 2013); laws may change them.
///
/// Years before 2000 and after 2199 are left out.
///
/// # Errors
///
/// [`UnknownCountry`] when there are no rules for it: see [`RULE_COUNTRIES`].
pub fn by_rules(code: &str, years: RangeInclusive<i16>) -> Result<Calendar, UnknownCountry> {
    let upper = code.to_ascii_uppercase();
    read(&upper, years).ok_or(UnknownCountry { code: code.into() })
}

fn read(code: &str, years: RangeInclusive<i16>) -> Option<Calendar> {
    let mut lines = RULES.lines().skip_while(|line| {
        line.strip_prefix("country ").and_then(|rest| rest.strip_prefix(code)).is_none()
    });
    let name = read_name(lines.next()?.get(11..)?);
    let mut rules = Vec::new();
    let mut short_eves = false;
    for line in lines.take_while(|line| !line.starts_with("country ")) {
        match line {
            "short-eves" => short_eves = true,
            line => rules.push(Rule::parse(line)?),
        }
    }
    let first = (*years.start()).max(if code == "RU" { 2013 } else { 2000 });
    let years = first..=(*years.end()).min(2199);
    let mut builder = Calendar::builder(code).name(name).version("rules of 2026");
    for year in years.clone() {
        builder = builder.year(year, YearStatus::Derived);
    }
    for special in holidays(&rules, years, short_eves).into_values() {
        builder = builder.special(special);
    }
    builder.build().ok()
}

struct Rule {
    day: DayRule,
    first: i16,
    last: i16,
    every: i16,
    on_weekend: OnWeekend,
    name: Name,
}

enum DayRule {
    Fixed(i8, i8),
    Nth(i8, Weekday, i8),
    Easter(i64),
    Orthodox(i64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnWeekend {
    Stay,
    Observed,
    NextFree,
    SundayToSaturday,
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let (day, mut rest) = line.split_once(' ')?;
        let mut rule = Self {
            day: DayRule::parse(day)?,
            first: i16::MIN,
            last: i16::MAX,
            every: 1,
            on_weekend: OnWeekend::Stay,
            name: Name::new(""),
        };
        loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            match word {
                "observed" => rule.on_weekend = OnWeekend::Observed,
                "substitute" | "next" => rule.on_weekend = OnWeekend::NextFree,
                "unless-sunday" => rule.on_weekend = OnWeekend::SundayToSaturday,
                "every-5" => rule.every = 5,
                word => match word.split_once("..") {
                    Some((first, last)) => {
                        rule.first =
                            if first.is_empty() { i16::MIN } else { first.parse().ok()? };
                        rule.last = if last.is_empty() { i16::MAX } else { last.parse().ok()? };
                    }
                    None => break,
                },
            }
            rest = after;
        }
        rule.name = read_name(rest);
        Some(rule)
    }

    fn date(&self, year: i16) -> Option<Date> {
        if year < self.first || year > self.last || year % self.every != 0 {
            return None;
        }
        let date = match self.day {
            DayRule::Fixed(month, day) => Date::new(year, month, day).ok()?,
            DayRule::Nth(month, weekday, n) => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(n, weekday).ok()?
            }
            DayRule::Easter(days) => easter(year)?.checked_add(days.days()).ok()?,
            DayRule::Orthodox(days) => orthodox_easter(year)?.checked_add(days.days()).ok()?,
        };
        match (self.on_weekend, date.weekday()) {
            (OnWeekend::SundayToSaturday, Weekday::Sunday) => date.yesterday().ok(),
            _ => Some(date),
        }
    }
}

impl DayRule {
    fn parse(text: &str) -> Option<Self> {
        if let Some(days) = text.strip_prefix("easter") {
            return Some(Self::Easter(days.parse().ok()?));
        }
        if let Some(days) = text.strip_prefix("orthodox") {
            return Some(Self::Orthodox(days.parse().ok()?));
        }
        let (month, day) = text.split_once('-')?;
        let month = month.parse().ok()?;
        match day.split_once('#') {
            Some((weekday, n)) => {
                let weekday = crate::schedule::weekdays(weekday).ok()?.pop()?;
                Some(Self::Nth(month, weekday, n.parse().ok()?))
            }
            None => Some(Self::Fixed(month, day.parse().ok()?)),
        }
    }
}

fn holidays(
    rules: &[Rule],
    years: RangeInclusive<i16>,
    short_eves: bool,
) -> BTreeMap<Date, Special> {
    let mut days: BTreeMap<Date, Special> = BTreeMap::new();
    let mut moves = Vec::new();
    // A New Year's Day may be observed in the year before.
    for year in years.start().saturating_sub(1)..=years.end().saturating_add(1) {
        for rule in rules {
            let Some(date) = rule.date(year) else { continue };
            let holiday = Special::new(date, DayKind::Holiday).named(rule.name.clone());
            days.entry(date).or_insert(holiday);
            moves.push((date, rule));
        }
    }
    let weekend = Weekend::SATURDAY_SUNDAY;
    moves.sort_by_key(|(date, _)| *date);
    for (date, rule) in moves {
        if !weekend.contains(date.weekday()) {
            continue;
        }
        let target = match (rule.on_weekend, date.weekday()) {
            (OnWeekend::Observed, Weekday::Saturday) => date.yesterday().ok(),
            (OnWeekend::Observed, _) => date.tomorrow().ok(),
            (OnWeekend::NextFree, _) => date
                .series(1.day())
                .take(14)
                .find(|day| !weekend.contains(day.weekday()) && !days.contains_key(day)),
            _ => None,
        };
        if let Some(target) = target {
            let special = Special::new(target, DayKind::DayOffMoved).moved_from(date);
            days.entry(target).or_insert(special.named(rule.name.clone()));
        }
    }
    if short_eves {
        let eves: Vec<Date> = days
            .values()
            .filter(|special| special.kind == DayKind::Holiday)
            .filter_map(|special| special.date.checked_sub(Span::new().days(1)).ok())
            .filter(|eve| !weekend.contains(eve.weekday()))
            .collect();
        for eve in eves {
            days.entry(eve).or_insert(Special::new(eve, DayKind::Short));
        }
    }
    days.retain(|date, _| years.contains(&date.year()));
    days
}

/// Easter Sunday of the western churches (the algorithm of Meeus, Jones and Butcher).
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Date::new(year as i16, month as i8, day as i8).ok()
}

/// Easter Sunday of the Orthodox churches: computed in the Julian calendar, given in ours.
fn orthodox_easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let d = (19 * (y % 19) + 15) % 30;
    let e = (2 * (y % 4) + 4 * (y % 7) - d + 34) % 7;
    let (month, day) = ((d + e + 114) / 31, (d + e + 114) % 31 + 1);
    // The calendars' distance in days.
    let shift = y / 100 - y / 400 - 2;
    Date::new(year, month as i8, day as i8).ok()?.checked_add(i64::from(shift).days()).ok()
}

fn read_name(text: &str) -> Name {
    match text.split_once('|') {
        Some((text, ru)) => Name::new(text).with_ru(ru),
        None => Name::new(text),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use jiff::civil::date;

    use super::*;
    use crate::production::{Fallback, russia};

    #[test]
    fn easter_is_where_it_was() {
        assert_eq!(easter(2026), Some(date(2026, 4, 5)));
        assert_eq!(easter(2000), Some(date(2000, 4, 23)));
        assert_eq!(easter(2038), Some(date(2038, 4, 25)));
        assert_eq!(orthodox_easter(2026), Some(date(2026, 4, 12)));
        assert_eq!(orthodox_easter(2021), Some(date(2021, 5, 2)));
    }

    #[test]
    fn every_country_reads() {
        let codes: Vec<&str> =
            RULES.lines().filter_map(|line| line.strip_prefix("country ")?.get(..2)).collect();
        assert_eq!(codes, RULE_COUNTRIES);
        for code in codes {
            assert_eq!(by_rules(code, 2013..=2060).unwrap().years().len(), 48, "{code}");
        }
        assert!(by_rules("XX", 2026..=2026).is_err());
        assert!(by_rules("DE", 1990..=1999).unwrap().years().is_empty());
    }

    fn off_weekdays(code: &str, year: i16) -> Vec<String> {
        let calendar = by_rules(code, year..=year).unwrap();
        let specials = calendar.specials();
        let off = specials.iter().filter(|special| {
            !special.kind.is_working() && special.date.weekday().to_monday_zero_offset() < 5
        });
        off.map(|special| alloc::format!("{}", special.date.strftime("%m-%d"))).collect()
    }

    #[test]
    fn weekends_move_as_each_country_has_it() {
        assert_eq!(
            off_weekdays("GB", 2027),
            ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"]
        );
        assert_eq!(
            off_weekdays("US", 2027),
            [
                "01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11",
                "11-25", "12-24", "12-31"
            ]
        );
        assert_eq!(off_weekdays("NL", 2025)[2..4], ["05-05", "05-29"]);
        let kings_day = by_rules("NL", 2025..=2025).unwrap().day(date(2025, 4, 26)).unwrap().kind;
        assert_eq!(kings_day, DayKind::Holiday);
    }

    #[test]
    fn the_labour_code_gives_russian_years_without_government_moves() {
        let law = by_rules("RU", 2026..=2028).unwrap();
        // In 2026 the Government moved two days of January; all else is by the law.
        let mut differ = Vec::new();
        for day in date(2026, 1, 1).series(1.day()).take(365) {
            if law.day(day).unwrap().kind != russia().day(day).unwrap().kind {
                differ.push(day);
            }
        }
        // 31 December is short by the law, since 1 January is a holiday.
        assert_eq!(differ, [date(2026, 1, 9), date(2026, 12, 31)]);
        let continued = russia().continued_by(&law);
        assert_eq!(continued.years().len(), 30);
        assert_eq!(continued.fallback(), Fallback::Refuse);
        assert_eq!(continued.day(date(2028, 3, 8)).unwrap().status, YearStatus::Derived);
        assert_eq!(continued.day(date(2026, 1, 9)).unwrap().kind, DayKind::DayOffMoved);
        assert!(continued.is_working(date(2029, 1, 9)).is_err());
    }
}
