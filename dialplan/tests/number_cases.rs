//! The rows of `number_cases.csv`: what libphonenumber answers.
#![cfg(feature = "phonenumber")]

mod common;

use dialplan::csv::Rows;
use dialplan::number::{Number, Profile, describe};

#[test]
fn every_row_of_the_number_table() {
    let Some(table) = common::shared("dialplan/number_cases.csv") else { return };
    let mut rows = Rows::new(table.as_bytes());
    rows.next().unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        let field = |index| row.field(index).unwrap();
        let region = Some(field(1)).filter(|region| !region.is_empty());
        let answer = match describe(field(0), region) {
            Err(_) => ["ERROR", "", "", "", "", ""].map(str::to_owned),
            Ok(details) => [
                details.e164.clone(),
                if details.is_valid { "True" } else { "False" }.into(),
                details.kind.as_str().into(),
                details.rfc3966.clone(),
                details.national.clone(),
                details.dialled_from(7, "8~10"),
            ],
        };
        let expected: Vec<&str> = (2..8).map(field).collect();
        assert_eq!(answer.as_slice(), expected, "line {}: {}", row.line(), field(0));
        count += 1;
    }
    assert!(count > 25, "only {count} rows");
}

#[test]
fn the_russian_profile_agrees_with_the_metadata() {
    let Some(table) = common::shared("dialplan/number_cases.csv") else { return };
    let profile = Profile::russia();
    let mut rows = Rows::new(table.as_bytes());
    rows.next().unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        let field = |index| row.field(index).unwrap();
        if field(1) != "RU" || field(3) != "True" {
            continue;
        }
        let number: Number = field(2).parse().unwrap();
        let dialled = profile.normalise(field(0)).unwrap();
        assert_eq!(dialled.number(), Some(number), "line {}", row.line());
        count += 1;
    }
    assert!(count > 10, "only {count} rows");
}
