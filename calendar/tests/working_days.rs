//! Adding and counting working days: the listed cases, and a naive walk over days as oracle.

mod shared;

use std::sync::LazyLock;

use calendar::{
    Calendar,
    arithmetic::{ArithmeticError, DayLength},
    production::{DayKind, DecreeDays, Fallback, Special, YearStatus, russia},
    zone,
};
use jiff::{
    Zoned,
    civil::{Date, date},
};
use proptest::prelude::*;

#[test]
fn every_listed_case_holds() {
    let Some(rows) = shared::rows("add_working_days_cases.csv") else { return };
    assert_eq!(rows.len(), 289);
    let calendar = russia();
    for row in &rows {
        let start: Date = row["start"].parse().unwrap();
        let n: i32 = row["n"].parse().unwrap();
        let result = &row["result(start day not counted; time of day kept)"];
        let between: i64 = row["working_days_in_[start,result)"].parse().unwrap();
        let found = calendar.add_working_days(start, n).unwrap();
        assert_eq!(found.to_string(), *result, "{start} {n:+}");
        assert_eq!(calendar.working_days_between(start, found).unwrap().abs(), between);
        let zone = zone("Europe/Moscow").unwrap();
        let at = start.at(17, 45, 30, 0).to_zoned(zone.clone()).unwrap();
        let moved = calendar.add_working_days_to(&at, n, DayLength::Civil).unwrap();
        assert_eq!(moved.datetime(), found.at(17, 45, 30, 0));
    }
}

#[test]
fn nth_working_day_counts_from_both_ends() {
    let calendar = russia();
    let nth = |year, month, n| calendar.nth_working_day(year, month, n).unwrap();
    assert_eq!(nth(2026, 1, 1), Some(date(2026, 1, 12)));
    assert_eq!(nth(2026, 1, 15), Some(date(2026, 1, 30)));
    assert_eq!(nth(2026, 1, 16), None);
    assert_eq!(nth(2026, 1, -1), Some(date(2026, 1, 30)));
    assert_eq!(nth(2025, 11, 1), Some(date(2025, 11, 1)));
    assert_eq!(nth(2026, 12, -1), Some(date(2026, 12, 30)));
    assert_eq!(nth(2026, 12, 0), None);
    // The first and last months of the data have no neighbours.
    assert_eq!(nth(1999, 1, 1), Some(date(1999, 1, 5)));
    assert_eq!(nth(1999, 1, -19), None);
    assert_eq!(nth(2027, 12, -1), Some(date(2027, 12, 30)));
    assert_eq!(nth(2027, 12, 40), None);
    assert!(calendar.nth_working_day(2028, 1, 1).is_err());
    assert_eq!(calendar.nth_working_day(2026, 13, 1), Err(ArithmeticError::Range));
}

#[test]
fn the_edge_of_the_data_is_exact() {
    let calendar = russia();
    let last = date(2027, 12, 30);
    assert_eq!(calendar.add_working_days(date(2027, 12, 29), 1), Ok(last));
    assert!(calendar.next_working_day(last).unwrap_err().to_string().contains("2028"));
    assert_eq!(calendar.previous_working_day(date(2028, 1, 1)), Ok(last));
    assert!(calendar.previous_working_day(date(2028, 1, 2)).is_err());
    assert_eq!(calendar.next_working_day(date(1998, 12, 31)), Ok(date(1999, 1, 5)));
    assert!(calendar.next_working_day(date(1998, 12, 30)).is_err());
    assert!(calendar.previous_working_day(date(1999, 1, 5)).is_err());
    assert_eq!(calendar.working_days_between(date(1999, 1, 1), date(2028, 1, 1)), Ok(7_200));
    assert_eq!(calendar.working_days_between(date(2028, 1, 1), date(2028, 1, 1)), Ok(0));
    assert!(calendar.working_days_between(date(2027, 1, 1), date(2028, 1, 2)).is_err());
    assert_eq!(calendar.add_working_days(date(3000, 1, 1), 0), Ok(date(3000, 1, 1)));
}

#[test]
fn decree_days_count_as_declared() {
    let start = date(2020, 3, 27);
    assert_eq!(russia().add_working_days(start, 1), Ok(date(2020, 3, 30)));
    let closed = russia().with_decree_days(DecreeDays::Off);
    assert_eq!(closed.add_working_days(start, 1), Ok(date(2020, 5, 12)));
    assert_eq!(
        closed.with_decree_days(DecreeDays::Working).next_working_day(start),
        Ok(date(2020, 3, 30))
    );
}

#[test]
fn the_time_of_day_is_kept_or_shifts_as_bitrix_does() {
    let calendar = russia().with_fallback(Fallback::Weekends);
    // Moscow's clocks went ahead on 2010-03-28.
    let friday: Zoned = "2010-03-26T18:30[Europe/Moscow]".parse().unwrap();
    let add = |n, length| calendar.add_working_days_to(&friday, n, length).unwrap().datetime();
    assert_eq!(add(1, DayLength::Civil), date(2010, 3, 29).at(18, 30, 0, 0));
    assert_eq!(add(1, DayLength::Seconds86400), date(2010, 3, 29).at(19, 30, 0, 0));
    assert_eq!(add(0, DayLength::Seconds86400), friday.datetime());
    // 02:30 on the day of the change does not exist; the day is worked in this calendar only.
    let calendar = Calendar::builder("TEST")
        .year(2010, YearStatus::Official)
        .special(Special::new(date(2010, 3, 28), DayKind::WorkingWeekend))
        .build()
        .unwrap();
    let night: Zoned = "2010-03-26T02:30[Europe/Moscow]".parse().unwrap();
    let moved = calendar.add_working_days_to(&night, 1, DayLength::Civil).unwrap();
    assert_eq!(moved.datetime(), date(2010, 3, 28).at(3, 30, 0, 0));
}

#[test]
fn missing_years_between_are_refused_or_go_by_the_weekend() {
    let calendar = Calendar::builder("GAP")
        .year(2020, YearStatus::Official)
        .year(2022, YearStatus::Official)
        .build()
        .unwrap();
    assert!(
        calendar.next_working_day(date(2020, 12, 31)).unwrap_err().to_string().contains("2021")
    );
    assert!(calendar.is_working(date(2021, 6, 1)).is_err());
    assert!(calendar.working_days_between(date(2020, 6, 1), date(2022, 6, 1)).is_err());
    assert_eq!(calendar.working_days_between(date(2022, 1, 1), date(2022, 1, 8)), Ok(5));
    let calendar = calendar.with_fallback(Fallback::Weekends);
    assert_eq!(calendar.add_working_days(date(2020, 12, 31), 1), Ok(date(2021, 1, 1)));
    assert_eq!(calendar.day(date(2021, 1, 1)).unwrap().status, YearStatus::Fallback);
}

/// What the library must agree with: one day at a time.
fn walk(calendar: &Calendar, start: Date, n: i32) -> Date {
    let mut day = start;
    let mut left = n.abs();
    while left > 0 {
        day = if n > 0 { day.tomorrow().unwrap() } else { day.yesterday().unwrap() };
        left -= i32::from(calendar.day(day).unwrap().kind.is_working());
    }
    day
}

/// Building a calendar takes longer than a case.
static DECLARED: LazyLock<Calendar> = LazyLock::new(|| russia().with_fallback(Fallback::Weekends));

static LARGE: LazyLock<Calendar> = LazyLock::new(|| DECLARED.clone().with_large_tables());

fn any_date() -> impl Strategy<Value = Date> {
    // Three decades on either side of the data as well: the fallback takes over there.
    (-11_000_i64..22_000)
        .prop_map(|days| date(1999, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap())
}

proptest! {
    #[test]
    fn adding_is_a_walk(start in any_date(), n in -800_i32..800) {
        let calendar = &*DECLARED;
        prop_assert_eq!(calendar.add_working_days(start, n).unwrap(), walk(calendar, start, n));
        prop_assert_eq!(LARGE.add_working_days(start, n), calendar.add_working_days(start, n));
        prop_assert_eq!(LARGE.is_working(start), calendar.is_working(start));
    }

    #[test]
    fn counting_is_a_walk(a in any_date(), b in any_date()) {
        let calendar = &*DECLARED;
        let (from, to) = (a.min(b), a.max(b));
        let mut count = 0;
        let mut day = from;
        while day < to {
            count += i64::from(calendar.day(day).unwrap().kind.is_working());
            day = day.tomorrow().unwrap();
        }
        prop_assert_eq!(calendar.working_days_between(from, to), Ok(count));
        prop_assert_eq!(LARGE.working_days_between(from, to), Ok(count));
        prop_assert_eq!(calendar.working_days_between(to, from), Ok(-count));
    }

    #[test]
    fn refusing_never_answers_from_a_year_without_data(start in any_date(), n in -400_i32..400) {
        let calendar = (*DECLARED).clone().with_fallback(Fallback::Refuse);
        let expected = walk(&DECLARED, start, n);
        let (first, last) = if n > 0 { (start.tomorrow().unwrap(), expected) } else { (expected, start.yesterday().unwrap()) };
        let known = n == 0 || (first.year() >= 1999 && last.year() <= 2027);
        match calendar.add_working_days(start, n) {
            Ok(found) => {
                prop_assert!(known);
                prop_assert_eq!(found, expected);
            }
            Err(ArithmeticError::NoData(error)) => {
                prop_assert!(!known);
                prop_assert!(error.year < 1999 || error.year > 2027);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn a_month_knows_its_nth_day(year in 1999_i16..2028, month in 1_i8..=12, n in -25_i32..=25) {
        let calendar = &*DECLARED;
        let first = date(year, month, 1);
        let mut days: Vec<Date> = first.series(jiff::Span::new().days(1))
            .take_while(|day| *day <= first.last_of_month())
            .filter(|day| calendar.is_working(*day).unwrap())
            .collect();
        if n < 0 {
            days.reverse();
        }
        let expected = usize::try_from(n.abs() - 1).ok().and_then(|index| days.get(index)).copied();
        prop_assert_eq!(calendar.nth_working_day(year, month, n).unwrap(), expected);
    }
}

#[test]
fn thirty_years_take_under_four_kilobytes() {
    let calendar = russia();
    assert_eq!(calendar.years().len(), 29);
    assert!(calendar.table_bytes() * 30 / 29 <= 4096, "{}", calendar.table_bytes());
    assert!(calendar.with_large_tables().table_bytes() > 40_000);
}

#[test]
fn a_century_counts_leap_days() {
    let calendar = russia().with_fallback(Fallback::Weekends);
    let count = calendar.working_days_between(date(1950, 1, 1), date(2050, 1, 1)).unwrap();
    let end = calendar.add_working_days(date(1949, 12, 31), i32::try_from(count).unwrap()).unwrap();
    assert_eq!(calendar.working_days_between(date(1950, 1, 1), end).unwrap(), count - 1);
    assert!(!calendar.is_working(date(2004, 2, 29)).unwrap());
    assert!(calendar.is_working(date(2008, 2, 29)).unwrap());
    assert!(calendar.is_working(date(2024, 2, 29)).unwrap());
}

#[test]
fn the_ends_of_time_are_errors() {
    let calendar = russia().with_fallback(Fallback::Weekends);
    assert_eq!(calendar.add_working_days(Date::MAX, 1), Err(ArithmeticError::Range));
    assert_eq!(calendar.add_working_days(Date::MIN, -1), Err(ArithmeticError::Range));
    assert_eq!(calendar.add_working_days(date(2000, 1, 1), i32::MAX), Err(ArithmeticError::Range));
    assert_eq!(calendar.add_working_days(date(2000, 1, 1), i32::MIN), Err(ArithmeticError::Range));
    assert!(calendar.working_days_between(Date::MIN, Date::MAX).unwrap() > 5_000_000);
}
