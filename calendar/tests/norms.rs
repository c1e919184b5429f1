//! Norms of working days and hours against the published ones.

mod shared;

use calendar::{arithmetic::Period, production::russia};

/// The list's row of 2006 agrees with its own days, but its sources did not agree about that year;
/// it is checked like the others, and the README says so.
#[test]
fn norms_of_all_years_are_as_published() {
    let Some(rows) = shared::rows("ru_norms_1999_2027.csv") else { return };
    assert_eq!(rows.len(), 551);
    let calendar = russia();
    for row in &rows {
        let period: Period = row["period"].parse().unwrap();
        let norm = calendar.norm(period).unwrap();
        let tenths = |week| {
            let tenths = norm.tenths_of_hours(week);
            format!("{}.{}", tenths / 10, tenths % 10)
        };
        assert_eq!(norm.calendar_days.to_string(), row["calendar_days"], "{period}");
        assert_eq!(norm.working_days.to_string(), row["working_days"], "{period}");
        assert_eq!(norm.days_off().to_string(), row["non_working_days"], "{period}");
        assert_eq!(norm.short_days.to_string(), row["short_days"], "{period}");
        assert_eq!(tenths(40), row["hours40"], "{period}");
        assert_eq!(tenths(36), row["hours36"], "{period}");
        assert_eq!(tenths(24), row["hours24"], "{period}");
    }
}

#[test]
fn a_year_past_the_data_has_no_norm() {
    assert_eq!(russia().norm(Period::Year(2028)).unwrap_err().year, 2028);
}
