//! The rows of `dialplan_cases.csv`: what Asterisk's default matcher answers.

mod common;

use dialplan::csv::Rows;
use dialplan::pattern::Pattern;
use dialplan::plan::{Digits, Plan, Query};

#[test]
fn every_row_of_the_pattern_table() {
    let Some(table) = common::shared("dialplan/dialplan_cases.csv") else { return };
    let mut rows = Rows::new(table.as_bytes());
    rows.next().unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        let field = |index| row.field(index).unwrap();
        let (id, mode, patterns) = (field(0), field(1), field(2));
        let mut builder = Plan::builder();
        for extension in patterns.split_whitespace() {
            builder.context("cases").add(extension, extension.to_owned()).unwrap();
        }
        let plan = builder.build().unwrap();
        let mut query = Query::new(field(3));
        query.caller = Some(field(4)).filter(|caller| !caller.is_empty());
        let digits = plan.digits("cases", &query);
        let yes_no = |yes| if yes { "yes" } else { "no" }.to_owned();
        let answer = match mode {
            "match" => plan.find("cases", &query).map_or("NONE".to_owned(), |m| m.target.clone()),
            "canmatch" => yes_no(digits != Digits::NoMatch),
            "matchmore" => yes_no(plan.more_digits_possible("cases", &query)),
            other => panic!("row {id}: unknown mode {other}"),
        };
        assert_eq!(answer, field(5), "row {id}: {patterns} <- {}", field(3));
        count += 1;
    }
    assert!(count > 100, "only {count} rows");
}

#[test]
fn patterns_sort_as_the_table_says() {
    let Some(table) = common::shared("dialplan/dialplan_cases.csv") else { return };
    let mut rows = Rows::new(table.as_bytes());
    rows.next().unwrap();
    while let Some(row) = rows.next().unwrap() {
        let patterns = row.field(2).unwrap();
        if patterns.contains('/') {
            continue;
        }
        let mut sorted: Vec<Pattern> =
            patterns.split_whitespace().map(|p| p.parse().unwrap()).collect();
        sorted.sort();
        let sorted: Vec<&str> = sorted.iter().map(Pattern::as_str).collect();
        assert_eq!(sorted.join(" "), row.field(7).unwrap(), "row {}", row.field(0).unwrap());
    }
}
