//! Recurrence rules against the rrule crate.

use calendar::Recurrence;
use jiff::{civil::Date, tz::TimeZone};
use proptest::prelude::*;

fn days() -> impl Strategy<Value = String> {
    prop::sample::subsequence(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 0..4).prop_map(
        |days| if days.is_empty() { String::new() } else { format!(";BYDAY={}", days.join(",")) },
    )
}

fn numbers(
    key: &'static str,
    low: i32,
    high: i32,
    negative: bool,
) -> impl Strategy<Value = String> {
    let number = (low..=high, any::<bool>())
        .prop_map(move |(n, minus)| if minus && negative { -n } else { n });
    prop::collection::btree_set(number, 0..4).prop_map(move |set| {
        let list: Vec<String> = set.iter().map(ToString::to_string).collect();
        if list.is_empty() { String::new() } else { format!(";{key}={}", list.join(",")) }
    })
}

fn ordinal_days() -> impl Strategy<Value = String> {
    let day =
        (prop_oneof![-2_i32..=-1, 1_i32..=4], prop::sample::select(vec!["MO", "WE", "FR", "SU"]));
    prop::collection::vec(day.prop_map(|(n, day)| format!("{n}{day}")), 1..3)
        .prop_map(|list| format!(";BYDAY={}", list.join(",")))
}

fn rule() -> impl Strategy<Value = String> {
    let interval = (1_u16..5).prop_map(|n| format!(";INTERVAL={n}"));
    let start = prop::sample::select(vec!["", ";WKST=SU", ";WKST=MO"]);
    let daily =
        (numbers("BYMONTH", 1, 12, false), days()).prop_map(|(a, b)| format!("FREQ=DAILY{a}{b}"));
    let weekly =
        (numbers("BYMONTH", 1, 12, false), days()).prop_map(|(a, b)| format!("FREQ=WEEKLY{a}{b}"));
    let monthly = prop_oneof![
        (numbers("BYMONTHDAY", 1, 31, true), days())
            .prop_map(|(a, b)| format!("FREQ=MONTHLY{a}{b}")),
        ordinal_days().prop_map(|days| format!("FREQ=MONTHLY{days}")),
        (
            days().prop_filter("needs days", |days| !days.is_empty()),
            prop::sample::select(vec![1, 2, -1, -2])
        )
            .prop_map(|(days, n)| format!("FREQ=MONTHLY{days};BYSETPOS={n}")),
    ];
    let yearly = prop_oneof![
        (numbers("BYMONTH", 1, 12, false), numbers("BYMONTHDAY", 1, 31, true))
            .prop_map(|(a, b)| format!("FREQ=YEARLY{a}{b}")),
        numbers("BYYEARDAY", 1, 366, true).prop_map(|a| format!("FREQ=YEARLY{a}")),
        ordinal_days().prop_map(|days| format!("FREQ=YEARLY{days}")),
        (numbers("BYMONTH", 1, 12, false), ordinal_days())
            .prop_map(|(a, b)| format!("FREQ=YEARLY{a}{b}")),
    ];
    (prop_oneof![daily, weekly, monthly, yearly], interval, start)
        .prop_map(|(rule, interval, start)| format!("{rule}{interval}{start};COUNT=40"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_same_dates(rule in rule(), year in 1998_i16..2030, day in 1_i16..=365) {
        let start = Date::new(year, 1, 1).unwrap().checked_add(jiff::Span::new().days(day - 1)).unwrap();
        let text = format!("DTSTART:{}T090000Z\nRRULE:{rule}", start.strftime("%Y%m%d"));
        let theirs: rrule::RRuleSet = text.parse().expect("a rule that both read");
        // It gives up where a rule has long pauses; what it found until then must be the same.
        let theirs: Vec<String> =
            theirs.into_iter().take(40).map(|at| at.format("%Y-%m-%d").to_string()).collect();
        let ours: Recurrence = rule.parse().unwrap();
        let ours: Vec<String> = ours
            .occurrences(start.at(9, 0, 0, 0), &TimeZone::UTC)
            .take(theirs.len())
            .map(|at| at.date().to_string())
            .collect();
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}
