//! Days off and working weekends of other countries.

mod shared;

use calendar::production::{Calendar, DayKind, country};
use jiff::civil::Date;

#[test]
fn every_listed_day_is_worked_or_not_as_listed() {
    let Some(rows) = shared::rows("makeup_days_other_countries.csv") else { return };
    assert_eq!(rows.len(), 3617);
    let mut calendar: Option<Calendar> = None;
    for row in &rows {
        let code = &row["country"];
        if calendar.as_ref().is_none_or(|calendar| calendar.code() != code) {
            calendar = Some(country(code).unwrap());
        }
        let calendar = calendar.as_ref().unwrap();
        let date: Date = row["date"].parse().unwrap();
        let day = calendar.day(date).unwrap();
        match row["kind"].as_str() {
            "working_weekend" => assert_eq!(day.kind, DayKind::WorkingWeekend, "{code} {date}"),
            "off_weekday" => {
                assert!(!day.kind.is_working(), "{code} {date}");
                match day.name {
                    Some(name) => assert_eq!(name.to_string(), row["name"], "{code} {date}"),
                    None => assert!(day.moved_from.is_some(), "{code} {date}"),
                }
            }
            other => panic!("a kind that this test does not know: {other}"),
        }
    }
}
