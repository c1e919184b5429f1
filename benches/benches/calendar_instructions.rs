//! Instructions of the calendar: the same on every machine of a kind, whatever else it does.

#![allow(missing_docs, unused_qualifications, reason = "of what the macros write")]

use std::hint::black_box;

use calendar::{
    Calendar, Schedule,
    production::russia,
    schedule::{OnCalendar, Week, WithoutData},
    zone,
};
use gungraun::{library_benchmark, library_benchmark_group, main};
use jiff::{Timestamp, civil::Date};

/// Of each question so many are asked, so that the way in and out does not count.
const QUESTIONS: usize = 1000;

fn dates() -> Vec<Date> {
    let first = jiff::civil::date(1999, 1, 1);
    let day = |i: usize| first.checked_add(jiff::Span::new().days((i * 7_919 % 10_500) as i64));
    (0..=QUESTIONS).map(|i| day(i).unwrap()).collect()
}

fn small() -> (Calendar, Vec<Date>) {
    (russia(), dates())
}

fn large() -> (Calendar, Vec<Date>) {
    (russia().with_large_tables(), dates())
}

fn office(name: &str) -> (Schedule, Vec<Timestamp>) {
    let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00").unwrap();
    let schedule = Schedule::builder(zone(name).unwrap())
        .week(week)
        .calendar(OnCalendar::new(russia(), WithoutData::Weekly))
        .build()
        .unwrap();
    let second = |i: usize| 1_577_836_800 + (i * 999_983 % (8 * 365 * 86_400)) as i64;
    let instants = (0..QUESTIONS).map(|i| Timestamp::from_second(second(i)).unwrap());
    (schedule, instants.collect())
}

#[library_benchmark]
#[bench::small(small())]
fn is_working((calendar, dates): (Calendar, Vec<Date>)) -> usize {
    dates.iter().filter(|date| calendar.is_working(black_box(**date)) == Ok(true)).count()
}

#[library_benchmark]
#[bench::small(small())]
#[bench::large(large())]
fn count((calendar, dates): (Calendar, Vec<Date>)) -> i64 {
    let between = |pair: &[Date]| calendar.working_days_between(black_box(pair[0]), pair[1]);
    dates.windows(2).filter_map(|pair| between(pair).ok()).sum()
}

#[library_benchmark]
#[bench::small(small())]
#[bench::large(large())]
fn add((calendar, dates): (Calendar, Vec<Date>)) -> usize {
    let add = |(i, date): (usize, &Date)| {
        calendar.add_working_days(black_box(*date), i as i32 % 250 - 125)
    };
    dates.iter().enumerate().filter(|question| add(*question).is_ok()).count()
}

#[library_benchmark]
#[bench::moscow(office("Europe/Moscow"))]
#[bench::berlin(office("Europe/Berlin"))]
fn state_at((schedule, instants): (Schedule, Vec<Timestamp>)) -> usize {
    instants.iter().filter(|t| schedule.state_at(black_box(**t)).open).count()
}

#[library_benchmark]
#[bench::moscow(office("Europe/Moscow"))]
#[bench::berlin(office("Europe/Berlin"))]
fn next_change((schedule, instants): (Schedule, Vec<Timestamp>)) -> usize {
    instants.iter().filter(|t| schedule.next_change(black_box(**t)).is_some()).count()
}

library_benchmark_group!(name = days, benchmarks = [is_working, count, add]);
library_benchmark_group!(name = hours, benchmarks = [state_at, next_change]);
main!(library_benchmark_groups = [days, hours]);
