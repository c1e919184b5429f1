//! The Russian production calendar against the reconciled list of its special days.

mod shared;

use std::collections::BTreeMap;

use calendar::production::{DayKind, DecreeDays, YearStatus, russia};
use jiff::civil::{Date, date};

#[test]
fn every_special_day_is_what_the_list_says() {
    let Some(rows) = shared::rows("ru_production_calendar_1999_2027.csv") else { return };
    assert_eq!(rows.len(), 713);
    let calendar = russia();
    let off = russia().with_decree_days(DecreeDays::Off);
    let mut listed: BTreeMap<Date, Vec<DayKind>> = BTreeMap::new();
    for row in &rows {
        let date: Date = row["date"].parse().unwrap();
        let kind = DayKind::from_word(&row["type"]).unwrap();
        let detail = &row["moved_from_or_decree"];
        listed.entry(date).or_default().push(kind);
        let day = calendar.day(date).unwrap();
        if kind == DayKind::DecreeOff {
            assert_eq!(day.decree.unwrap().to_string(), *detail, "{date}");
            assert!(day.kind.is_working(), "{date}");
            assert_eq!(off.day(date).unwrap().kind, DayKind::DecreeOff, "{date}");
        } else {
            assert_eq!(day.kind, kind, "{date}");
            assert_eq!(day.moved_from.map_or(String::new(), |from| from.to_string()), *detail);
        }
    }
    // And no other day is special.
    let mut day = date(1999, 1, 1);
    while day < date(2028, 1, 1) {
        if !listed.contains_key(&day) {
            let weekend = day.weekday().to_monday_zero_offset() > 4;
            let ordinary = if weekend { DayKind::Weekend } else { DayKind::Working };
            assert_eq!(calendar.day(day).unwrap().kind, ordinary, "{day}");
            assert_eq!(off.day(day).unwrap().kind, ordinary, "{day}");
        }
        day = day.tomorrow().unwrap();
    }
}

#[test]
fn years_say_how_far_they_can_be_trusted() {
    let calendar = russia();
    let years = calendar.years();
    assert_eq!((years[0].number, years[28].number, years.len()), (1999, 2027, 29));
    assert_eq!(years[27].status, YearStatus::Official);
    assert_eq!(years[28].status, YearStatus::Draft);
}

#[test]
fn a_year_without_data_is_an_error_that_says_what_there_is() {
    let error = russia().day(date(2028, 1, 1)).unwrap_err();
    assert_eq!((error.year, error.first, error.last), (2028, 1999, 2027));
    assert!(error.to_string().contains("2028"), "{error}");
    assert!(russia().is_working(date(1998, 12, 31)).is_err());
}
