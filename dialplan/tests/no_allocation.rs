//! Matching, normalising and looking prefixes up allocate nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dialplan::number::{Number, Profile};
use dialplan::plan::{Matcher, Plan, Query};
use dialplan::prefix::PrefixTable;

struct Counting;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed to `System` unchanged; only a counter is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = CALLS.with(Cell::get);
    work();
    CALLS.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn looking_up_in_a_plan() {
    for matcher in [Matcher::Automaton, Matcher::Tree, Matcher::Linear] {
        let mut builder = Plan::builder();
        builder.matcher(matcher);
        for number in 100..400 {
            builder.context("a").add(&number.to_string(), number).unwrap();
        }
        builder
            .context("a")
            .add("_8XXXXXXXXXX", 1)
            .unwrap()
            .add("_9./_1XX", 2)
            .unwrap()
            .include("b");
        builder.context("b").add("_*XX.", 3).unwrap().add("s", 4).unwrap();
        builder.context("b").include_when("c", Some("office-hours"), None);
        builder.context("c").add("_0.", 5).unwrap();
        let plan = builder.build().unwrap();
        let schedules = |_: &str| Some(true);
        let mut found = 0;
        let count = allocations(|| {
            for dialled in
                ["150", "84951234567", "9123", "*97#", "s", "0-1", "nothing", "1234567890123456789"]
            {
                let query =
                    Query { schedules: &schedules, ..Query::new(dialled).from_caller("101") };
                found += usize::from(plan.find("a", &query).is_ok());
                found += usize::from(plan.more_digits_possible("a", &query));
            }
        });
        assert_eq!(count, 0, "{matcher:?}");
        assert!(found > 6);
    }
}

#[test]
fn normalising_and_prefixes() {
    let profile = Profile::russia().area("495").unwrap();
    let table: PrefixTable<u32> =
        PrefixTable::build((0..1000).map(|n| (format!("7{n:03}").parse().unwrap(), n)).collect())
            .unwrap();
    let count = allocations(|| {
        for dialled in
            ["8 (495) 123-45-67", "+442079460148", "123-45-67", "8~10 1 212 555 1212", "112", "x"]
        {
            if let Ok(dialled) = profile.normalise(dialled)
                && let Some(number) = dialled.number()
            {
                std::hint::black_box(table.value(number));
            }
        }
        std::hint::black_box("+74951234567".parse::<Number>().is_ok());
    });
    assert_eq!(count, 0);
}
