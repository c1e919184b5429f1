//! Asterisk's time conditions against the listed cases.

mod shared;

use calendar::{GotoIfTime, zone};
use jiff::civil::DateTime;

#[test]
fn every_listed_case_holds() {
    let Some(rows) = shared::rows("gotoiftime_cases.csv") else { return };
    assert_eq!(rows.len(), 31);
    let moscow = zone("Europe/Moscow").unwrap();
    for row in &rows {
        let at: DateTime = row["instant(Europe/Moscow)"].parse().unwrap();
        let condition = GotoIfTime::new(&row["spec"]);
        let found = condition.matches(moscow.to_timestamp(at).unwrap(), &moscow);
        assert_eq!(found, row["expected"] == "yes", "{} at {at}: {}", row["spec"], row["rule"]);
    }
}
