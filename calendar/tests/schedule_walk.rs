//! Any schedule against a walk by minutes over what its parts say.

use std::sync::LazyLock;

use calendar::{
    Schedule,
    production::{Calendar, DayKind, russia},
    schedule::{Change, Exception, Hours, OnCalendar, Span, Week, WithoutData},
    zone,
};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday, date},
    tz::TimeZone,
};
use proptest::prelude::*;

static RUSSIA: LazyLock<Calendar> = LazyLock::new(russia);
static BERLIN: LazyLock<TimeZone> = LazyLock::new(|| zone("Europe/Berlin").unwrap());

const DAY: usize = 1440;
const DAYS: usize = 8;

/// The minutes of a day and of the morning after that belong to it.
type Minutes = Vec<bool>;

fn hours() -> impl Strategy<Value = Hours> {
    // In quarters of an hour, so that edges meet often.
    let span =
        (0_u32..96, 1_u32..96).prop_map(|(start, length)| (start * 15, (start + length) * 15));
    prop::collection::vec(span, 0..3).prop_map(|spans| {
        let spans = spans.iter().filter_map(|(start, end)| Span::new(start * 60, end * 60));
        spans.fold(Hours::CLOSED, |hours, span| hours.plus(&Hours::new([span]).unwrap()))
    })
}

fn minutes(hours: &Hours) -> Minutes {
    let inside = |minute: u32| hours.at(minute * 60).is_some();
    (0..2 * DAY as u32).map(inside).collect()
}

/// What each day's hours are, one rule after the other.
fn walk(
    first: Date,
    week: &[Hours; 7],
    exceptions: &[(usize, u8, Hours)],
    on_calendar: bool,
) -> Vec<Minutes> {
    let weekly = |day: Weekday| week[day.to_monday_zero_offset() as usize].clone();
    let mut days: Vec<Minutes> = (0..DAYS)
        .map(|i| {
            let date = first.checked_add((i as i64).days()).unwrap();
            let day = RUSSIA.day(date).unwrap();
            let hours = match day.kind {
                _ if !on_calendar => weekly(date.weekday()),
                DayKind::Holiday | DayKind::DayOffMoved => Hours::CLOSED,
                DayKind::WorkingWeekend => weekly(day.moved_to.unwrap().weekday()),
                DayKind::ShortWorkingWeekend => {
                    weekly(day.moved_to.unwrap().weekday()).shortened(3600)
                }
                DayKind::Short => weekly(date.weekday()).shortened(3600),
                _ => weekly(date.weekday()),
            };
            minutes(&hours)
        })
        .collect();
    for (day, kind, hours) in exceptions {
        let change = minutes(hours);
        for minute in 0..2 * DAY {
            let own = &mut days[*day][minute];
            match kind {
                0 => *own = change[minute],
                1 => *own |= change[minute],
                _ => *own &= !change[minute],
            }
        }
    }
    for (day, kind, hours) in exceptions.iter().filter(|(day, kind, _)| *kind == 2 && *day > 0) {
        assert_eq!(*kind, 2);
        for (minute, cut) in minutes(hours).into_iter().take(DAY).enumerate() {
            days[*day - 1][DAY + minute] &= !cut;
        }
    }
    days
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn states_and_changes_are_those_of_a_walk(
        start in prop::sample::select(vec![
            date(2026, 3, 25), date(2026, 10, 21), date(2026, 1, 5), date(2025, 10, 29), date(2024, 4, 25), date(2020, 2, 26),
        ]),
        week in prop::array::uniform7(hours()),
        exceptions in prop::collection::btree_map(0..DAYS, (0_u8..3, hours()), 0..3),
        on_calendar in any::<bool>(),
    ) {
        let exceptions: Vec<(usize, u8, Hours)> =
            exceptions.into_iter().map(|(day, (kind, hours))| (day, kind, hours)).collect();
        let mut weekly = Week::new();
        for (day, hours) in Weekday::Monday.cycle_forward().zip(&week) {
            weekly.set(day, hours.clone());
        }
        let mut builder = Schedule::builder(BERLIN.clone()).week(weekly);
        if on_calendar {
            builder = builder.calendar(OnCalendar::new(RUSSIA.clone(), WithoutData::Weekly));
        }
        for (day, kind, hours) in &exceptions {
            let change = match kind {
                0 => Change::Replace(hours.clone()),
                1 => Change::Add(hours.clone()),
                _ => Change::Cut(hours.clone()),
            };
            builder = builder.exception(Exception::on(start.checked_add((*day as i64).days()).unwrap(), change));
        }
        let schedule = builder.build().unwrap();
        let days = walk(start, &week, &exceptions, on_calendar);
        // The first day has no day before it here.
        let begin = BERLIN.to_timestamp(start.tomorrow().unwrap().at(0, 0, 0, 0)).unwrap().as_second();
        let end = BERLIN.to_timestamp(start.checked_add((DAYS as i64 - 1).days()).unwrap().at(0, 0, 0, 0)).unwrap();
        let instants: Vec<Timestamp> = (begin..end.as_second())
            .step_by(60)
            .map(|second| Timestamp::from_second(second).unwrap())
            .collect();
        let open: Vec<bool> = instants
            .iter()
            .map(|t| {
                let civil = BERLIN.to_datetime(*t);
                let day = (civil.date().duration_since(start).as_hours() / 24) as usize;
                let minute = civil.hour() as usize * 60 + civil.minute() as usize;
                days[day][minute] || days[day - 1][DAY + minute]
            })
            .collect();
        for (t, open) in instants.iter().zip(&open) {
            prop_assert_eq!(schedule.state_at(*t).open, *open, "{}", t);
        }
        let mut at = instants[0];
        for i in 1..instants.len() {
            if open[i] != open[i - 1] {
                prop_assert_eq!(schedule.next_change(at), Some(instants[i]), "after {}", at);
                at = instants[i];
            }
        }
        if let Some(next) = schedule.next_change(at) {
            prop_assert!(next >= end, "after {} comes {}", at, next);
        }
    }
}
