//! Wall clock of the calendar: working days, states, changes.

use std::hint::black_box;

use calendar::{
    Schedule,
    production::russia,
    schedule::{OnCalendar, Week, WithoutData},
    zone,
};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{Timestamp, civil::Date};

/// Questions are asked in turn, so that branches cannot be learnt.
fn dates() -> Vec<Date> {
    let first = jiff::civil::date(1999, 1, 1);
    let day = |i: i64| first.checked_add(jiff::Span::new().days(i * 7_919 % 10_500)).unwrap();
    (0..1024).map(day).collect()
}

fn instants() -> Vec<Timestamp> {
    let second = |i: i64| 1_577_836_800 + i * 999_983 % (8 * 365 * 86_400);
    (0..1024).map(|i| Timestamp::from_second(second(i)).unwrap()).collect()
}

fn working_days(c: &mut Criterion) {
    let dates = dates();
    let mut group = c.benchmark_group("calendar/working_days");
    for (tables, calendar) in [("small", russia()), ("large", russia().with_large_tables())] {
        let mut i = 0;
        let mut next = move || {
            i = (i + 1) % 1023;
            i
        };
        group.bench_function(format!("is_working/{tables}"), |b| {
            b.iter(|| calendar.is_working(black_box(dates[next()])));
        });
        group.bench_function(format!("count/{tables}"), |b| {
            b.iter(|| {
                let i = next();
                calendar.working_days_between(black_box(dates[i]), black_box(dates[i + 1]))
            });
        });
        group.bench_function(format!("add/{tables}"), |b| {
            b.iter(|| {
                let i = next();
                calendar.add_working_days(black_box(dates[i]), black_box(i as i32 % 250 - 125))
            });
        });
    }
    group.bench_function("build_russia", |b| b.iter(russia));
    group.finish();
}

fn schedule(c: &mut Criterion) {
    let instants = instants();
    let mut group = c.benchmark_group("calendar/schedule");
    for name in ["Europe/Moscow", "Europe/Berlin"] {
        let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00").unwrap();
        let schedule = Schedule::builder(zone(name).unwrap())
            .week(week)
            .calendar(OnCalendar::new(russia(), WithoutData::Weekly))
            .build()
            .unwrap();
        let mut i = 0;
        let mut next = || {
            i = (i + 1) % instants.len();
            instants[i]
        };
        group.bench_function(format!("state_at/{name}"), |b| {
            b.iter(|| schedule.state_at(black_box(next())).open);
        });
        group.bench_function(format!("next_change/{name}"), |b| {
            b.iter(|| schedule.next_change(black_box(next())));
        });
    }
    group.finish();
}

criterion_group!(benches, working_days, schedule);
criterion_main!(benches);
