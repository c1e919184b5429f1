//! The rows of `rating_cases.csv`.

mod common;

use dialplan::csv::Rows;
use dialplan::rate::{Free, Micros, Rate};

#[test]
fn every_row_of_the_rating_table() {
    let Some(table) = common::shared("dialplan/rating_cases.csv") else { return };
    let mut rows = Rows::new(table.as_bytes());
    rows.next().unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        let field = |index| row.field(index).unwrap();
        let rate = Rate::per_minute(field(2).parse().unwrap())
            .increment(field(1).parse().unwrap())
            .connect_fee(field(3).parse().unwrap())
            .free(Free::BeforeRounding(field(4).parse().unwrap()));
        let charge = rate.charge(field(0).parse().unwrap());
        assert_eq!(charge.billed_seconds.to_string(), field(5), "line {}", row.line());
        assert_eq!(charge.cost, field(6).parse::<Micros>().unwrap(), "line {}", row.line());
        count += 1;
    }
    assert!(count > 30, "only {count} rows");
}
