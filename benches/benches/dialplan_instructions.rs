//! Instructions of one match, one prefix, one number: the same on every run of the same compiler.

#![allow(unused_qualifications, missing_docs, reason = "what the macros write")]

use std::hint::black_box;

use dialplan::number::{Dialled, Number, NumberError, Profile};
use dialplan::plan::{Plan, Query};
use dialplan::prefix::PrefixTable;
use gungraun::{library_benchmark, library_benchmark_group, main};

/// A thousand patterns of eight-digit prefixes, and some general ones.
fn plan() -> Plan<u32> {
    let mut builder = Plan::builder();
    let mut context = builder.context("out");
    for number in 0..1000u32 {
        let pattern = format!("_8{:06}XXXX", number * 997);
        context.add(&pattern, number).expect("a good pattern");
    }
    context.add("_8XXXXXXXXXX", 1000).expect("a good pattern");
    context.add("_810.", 1001).expect("a good pattern");
    builder.build().expect("a good plan")
}

fn table() -> (PrefixTable<u32>, Number) {
    let entries =
        (0..1000u32).map(|n| (format!("7{:04}", n * 9).parse().expect("digits"), n)).collect();
    let table = PrefixTable::build(entries).expect("a good table");
    (table, "+74959123456".parse().expect("a number"))
}

fn moscow() -> Profile {
    Profile::russia().area("495").expect("an area code")
}

#[library_benchmark(setup = plan)]
fn match_specific(plan: Plan<u32>) -> (Plan<u32>, u32) {
    let found = plan.find("out", &Query::new(black_box("80498501234"))).map_or(0, |m| *m.target);
    (plan, found)
}

#[library_benchmark(setup = plan)]
fn match_general(plan: Plan<u32>) -> (Plan<u32>, u32) {
    let found = plan.find("out", &Query::new(black_box("84951234567"))).map_or(0, |m| *m.target);
    (plan, found)
}

#[library_benchmark(setup = table)]
fn longest_prefix((table, number): (PrefixTable<u32>, Number)) -> (PrefixTable<u32>, Option<u32>) {
    let value = table.value(black_box(number)).copied();
    (table, value)
}

#[library_benchmark(setup = moscow)]
fn normalise(profile: Profile) -> (Profile, Result<Dialled, NumberError>) {
    let dialled = profile.normalise(black_box("8 (495) 123-45-67"));
    (profile, dialled)
}

library_benchmark_group!(
    name = lookups;
    benchmarks = match_specific, match_general, longest_prefix, normalise
);

main!(library_benchmark_groups = lookups);
