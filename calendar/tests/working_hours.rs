//! Arithmetic in working hours.

use calendar::{
    Schedule,
    arithmetic::WorkingTimeError,
    production::russia,
    schedule::{OnCalendar, Week, WithoutData},
    zone,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn office() -> Schedule {
    let week = Week::new().with("mon-fri", "09:00-13:00, 14:00-18:00").unwrap();
    Schedule::builder(zone("Europe/Moscow").unwrap())
        .week(week)
        .calendar(OnCalendar::new(russia(), WithoutData::Weekly))
        .build()
        .unwrap()
}

fn at(text: &str) -> Timestamp {
    format!("{text}+03:00").parse().unwrap()
}

#[test]
fn twelve_hours_go_over_lunch_short_days_and_holidays() {
    let office = office();
    let add = |t: &str, hours| office.add_working_time(at(t), SignedDuration::from_hours(hours));
    assert_eq!(add("2026-11-16T15:00", 12), Ok(at("2026-11-18T10:00")));
    // 30 April 2026 is short: 7 hours; then holidays and a weekend until Monday 4 May.
    assert_eq!(add("2026-04-29T14:00", 12), Ok(at("2026-05-04T10:00")));
    // Ends at the end of a day, not at the beginning of the next.
    assert_eq!(add("2026-11-16T09:00", 8), Ok(at("2026-11-16T18:00")));
    assert_eq!(add("2026-11-15T12:00", 0), Ok(at("2026-11-15T12:00")));
    // And back.
    assert_eq!(add("2026-11-18T10:00", -12), Ok(at("2026-11-16T15:00")));
    assert_eq!(add("2026-05-04T10:00", -12), Ok(at("2026-04-29T14:00")));
    assert_eq!(add("2026-11-16T18:00", -8), Ok(at("2026-11-16T09:00")));
    // New Year: from Wednesday 30 December 2026 to Monday 11 January 2027.
    assert_eq!(add("2026-12-30T17:00", 2), Ok(at("2027-01-11T10:00")));
}

#[test]
fn a_schedule_that_never_opens_is_an_error() {
    let never = Schedule::weekly(zone("UTC").unwrap(), Week::new());
    let hour = SignedDuration::from_hours(1);
    assert_eq!(
        never.add_working_time(at("2026-01-01T00:00"), hour),
        Err(WorkingTimeError::NeverOpen)
    );
    assert_eq!(
        never.add_working_time(at("2026-01-01T00:00"), -hour),
        Err(WorkingTimeError::NeverOpen)
    );
    let always = Schedule::weekly(zone("UTC").unwrap(), Week::every_day("open".parse().unwrap()));
    assert_eq!(always.add_working_time(Timestamp::MAX, hour), Err(WorkingTimeError::Range));
    assert_eq!(always.add_working_time(Timestamp::MIN, -hour), Err(WorkingTimeError::Range));
    assert_eq!(
        always.working_time_between(at("2020-01-01T00:00"), at("2120-01-01T00:00")),
        SignedDuration::from_hours(36_524 * 24)
    );
}

#[test]
fn a_year_of_hours_is_the_norm() {
    let office = office();
    let worked = office.working_time_between(at("2026-01-01T00:00"), at("2027-01-01T00:00"));
    let norm = russia().norm("2026".parse().unwrap()).unwrap();
    assert_eq!(worked.as_hours() * 10, i64::from(norm.tenths_of_hours(40)));
}

proptest! {
    #[test]
    fn adding_and_counting_are_inverse(start in 1_500_000_000_i64..1_830_000_000, minutes in -40_000_i64..40_000) {
        let office = OFFICE.with(Clone::clone);
        let start = Timestamp::from_second(start).unwrap();
        let time = SignedDuration::from_mins(minutes);
        let end = office.add_working_time(start, time).unwrap();
        prop_assert_eq!(office.working_time_between(start, end), time);
        // And no nearer instant would do.
        let nearer = SignedDuration::from_secs(minutes.signum());
        if minutes != 0 {
            prop_assert!(office.working_time_between(start, end - nearer).abs() < time.abs());
        }
    }
}

thread_local! {
    static OFFICE: Schedule = office();
}
