//! Explanations read like sentences: snapshots on a plan of fifty rules.
#![cfg(feature = "toml")]

use dialplan::route::{Ledger, Usage};
use dialplan::{Call, Dialplan};
use jiff::civil::date;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

fn explain(call: &Call<'_>) -> String {
    let fetch =
        |_: &str| Ok(b"prefix,destination,rate_per_min\n7,Russia,2\n7495,Moscow,1.5\n".to_vec());
    let plan = include_str!("plans/good.toml");
    let plan = Dialplan::from_toml("good.toml", plan, &mut { fetch }).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    plan.explain(call, &Usage::default(), &Ledger::default(), &mut random).to_string()
}

fn hours(is_open: bool) -> impl Fn(&str) -> Option<bool> {
    move |schedule| (schedule == "office-hours").then_some(is_open)
}

#[test]
fn a_call_within() {
    let call = Call { caller: Some("101"), ..Call::new("internal", "105") };
    insta::assert_snapshot!(explain(&call));
}

#[test]
fn a_call_to_the_city() {
    let open = hours(true);
    let call = Call {
        caller: Some("150"),
        device: "150",
        schedules: &open,
        at: Some(date(2026, 3, 2).at(10, 0, 0, 0)),
        ..Call::new("internal", "84951234567")
    };
    insta::assert_snapshot!(explain(&call));
}

#[test]
fn after_hours() {
    let closed = hours(false);
    let call = Call { schedules: &closed, ..Call::new("internal", "88121234567") };
    insta::assert_snapshot!(explain(&call));
}

#[test]
fn a_dear_destination() {
    insta::assert_snapshot!(explain(&Call::new("internal", "810881612345678")));
}

#[test]
fn a_number_that_nobody_has() {
    insta::assert_snapshot!(explain(&Call::new("internal", "499")));
}

#[test]
fn an_emergency() {
    insta::assert_snapshot!(explain(&Call::new("internal", "112")));
    insta::assert_snapshot!(explain(&Call::new("nowhere", "urn:service:sos.fire")));
}
