//! The dialplan beside `regex::RegexSet` and `prefix-trie`: all contenders take turns in one run,
//! so that a busy machine is slow for all of them alike.
//!
//! `cargo bench -p trunkline-benches --bench dialplan_compare` prints a table; the fastest round of
//! each contender counts. Memory is what the allocator gave out and did not get back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dialplan::number::{Digits, Number, Profile};
use dialplan::plan::{Plan, Query};
use dialplan::prefix::PrefixTable;

/// Counts bytes in use and calls.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed to `System` unchanged; only counters are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `pointer` came from `alloc` above with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// One contender: what to do once with all numbers.
type Contender<'a> = Box<dyn Fn() -> usize + 'a>;

/// Nanoseconds a number for each contender, the fastest of the rounds. Each turn begins with a pass
/// that is not measured, so that nobody pays for caches that another one filled.
fn interleave(contenders: &[Contender<'_>], numbers: usize, rounds: usize) -> Vec<f64> {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..rounds {
        for (contender, best) in contenders.iter().zip(&mut best) {
            black_box(contender());
            let start = Instant::now();
            black_box(contender());
            *best = start.elapsed().min(*best);
        }
    }
    best.iter().map(|best| best.as_nanos() as f64 / numbers as f64).collect()
}

/// How long something takes, the fastest of five times.
fn fastest(work: impl Fn()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..5).map(time).min().unwrap_or_default()
}

/// What a plan of a large office or a small carrier holds: trunk prefixes, countries, extensions.
fn patterns(count: usize) -> Vec<String> {
    let mut random = Random(1);
    let mut set = std::collections::BTreeSet::new();
    for general in ["_8XXXXXXXXXX", "_810.", "_XXX", "_+7XXXXXXXXXX", "_1XX"] {
        set.insert(general.to_owned());
    }
    while set.len() < count {
        let pattern = match random.below(20) {
            0..12 => {
                let prefix = 3 + random.below(5) as usize;
                format!("_8{}{}", random.digits(prefix), "X".repeat(10 - prefix))
            }
            12..15 => format!("_810{}.", {
                let n = 1 + random.below(6) as usize;
                random.digits(n)
            }),
            15..18 => random.digits(3 + (count as f64).log10() as usize),
            18 => {
                let prefix = 3 + random.below(4) as usize;
                format!("_8{}[2-5]{}", random.digits(prefix), "X".repeat(9 - prefix))
            }
            _ => {
                let n = 2 + random.below(4) as usize;
                format!("_8{}N{}", random.digits(n), "X".repeat(9 - n))
            }
        };
        set.insert(pattern);
    }
    let mut patterns: Vec<String> = set.into_iter().collect();
    for at in (1..patterns.len()).rev() {
        patterns.swap(at, random.below(at as u64 + 1) as usize);
    }
    patterns
}

/// Numbers that mostly match something.
fn dialled(patterns: &[String], count: usize) -> Vec<String> {
    let mut random = Random(2);
    (0..count)
        .map(|_| {
            if random.below(10) == 0 {
                return format!("8{}", random.digits(10));
            }
            let pattern = &patterns[random.below(patterns.len() as u64) as usize];
            let pattern = pattern.replace("[2-5]", "3").replace('_', "");
            let mut number = String::new();
            for character in pattern.chars() {
                match character {
                    'X' => number.push_str(&random.digits(1)),
                    'N' => number.push('7'),
                    '.' => number.push_str(&random.digits(6)),
                    other => number.push(other),
                }
            }
            number
        })
        .collect()
}

fn regex_of(pattern: &str) -> String {
    let body = pattern.strip_prefix('_').unwrap_or(pattern);
    let body =
        body.replace('X', r"\d").replace('N', "[2-9]").replace('.', ".+").replace('+', r"\+");
    format!("^{}$", body.replace(r".\+", ".+"))
}

fn compare_patterns() {
    println!(
        "patterns       | dialplan ns | regex ns | ratio | bytes/entry | build ms | allocations"
    );
    for count in [1_000, 10_000, 100_000] {
        let patterns = patterns(count);
        let numbers = dialled(&patterns, 1 << 14);
        let build_plan = || {
            let mut builder = Plan::builder();
            let mut context = builder.context("out");
            for (index, pattern) in patterns.iter().enumerate() {
                context.add(pattern, index as u32).expect("a good pattern");
            }
            builder.build().expect("a good plan")
        };
        let build = fastest(|| drop(black_box(build_plan())));
        let before = BYTES.load(Ordering::Relaxed);
        let plan = build_plan();
        let bytes = BYTES.load(Ordering::Relaxed) - before;
        let id = plan.context("out").expect("the context just made");
        let ours = || {
            numbers
                .iter()
                .map(|number| {
                    plan.find_in(id, &Query::new(number)).map_or(0, |m| *m.target as usize)
                })
                .sum()
        };
        let calls = CALLS.load(Ordering::Relaxed);
        black_box(ours());
        let calls = CALLS.load(Ordering::Relaxed) - calls;
        let set = (count <= 10_000).then(|| {
            regex::RegexSetBuilder::new(patterns.iter().map(|pattern| regex_of(pattern)))
                .size_limit(1 << 30)
                .dfa_size_limit(1 << 30)
                .build()
                .expect("good expressions")
        });
        let few = &numbers[..if count > 1000 { 256 } else { 2048 }];
        let mut contenders: Vec<Contender<'_>> = vec![Box::new(ours)];
        if let Some(set) = &set {
            let run = move || few.iter().map(|number| set.matches(number).iter().count()).sum();
            contenders.push(Box::new(run));
        }
        let times = interleave(&contenders, numbers.len(), 40);
        let regex = times.get(1).map(|time| time * numbers.len() as f64 / few.len() as f64);
        println!(
            "{count:>14} | {:>11.1} | {:>8} | {:>5} | {:>11.1} | {:>8.1} | {calls}",
            times[0],
            regex.map_or("-".into(), |time| format!("{time:.0}")),
            regex.map_or("-".into(), |time| format!("{:.0}x", time / times[0])),
            bytes as f64 / count as f64,
            build.as_secs_f64() * 1e3,
        );
    }
}

/// Prefixes as price lists have them: a country's, its cities', and everything of a few carriers.
fn prefixes(count: usize) -> Vec<String> {
    let mut random = Random(3);
    let mut set = std::collections::BTreeSet::new();
    let longest = 3 + (count as f64).log10() as u64;
    while set.len() < count {
        let length = 1 + random.below(longest) + u64::from(random.below(2) == 0);
        let first = char::from(b'1' + random.below(9) as u8);
        set.insert(format!("{first}{}", random.digits(length as usize)));
    }
    set.into_iter().collect()
}

/// A prefix of decimal digits, four bits each, as `prefix-trie` wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DecimalPrefix {
    bits: u64,
    length: u8,
}

impl DecimalPrefix {
    fn new(digits: &str) -> DecimalPrefix {
        let mut bits = 0;
        for (at, digit) in digits.bytes().enumerate() {
            bits |= u64::from(digit - b'0') << (60 - 4 * at);
        }
        DecimalPrefix { bits, length: 4 * digits.len() as u8 }
    }
}

impl prefix_trie::Prefix for DecimalPrefix {
    type R = u64;

    fn repr(&self) -> u64 {
        self.bits
    }

    fn prefix_len(&self) -> u8 {
        self.length
    }

    fn from_repr_len(bits: u64, length: u8) -> DecimalPrefix {
        DecimalPrefix { bits, length }
    }
}

fn compare_prefixes() {
    println!(
        "\nprefixes       | dialplan ns | prefix-trie ns | ratio | bytes/entry | build ms | allocations"
    );
    for count in [1_000, 100_000, 1_000_000] {
        let prefixes = prefixes(count);
        let mut random = Random(4);
        let texts: Vec<String> = (0..1 << 16)
            .map(|_| {
                let prefix = &prefixes[random.below(count as u64) as usize];
                format!("{prefix}{}", random.digits(12 - prefix.len()))
            })
            .collect();
        let numbers: Vec<Number> =
            texts.iter().map(|text| format!("+{text}").parse().expect("a number")).collect();
        let keys: Vec<DecimalPrefix> = texts.iter().map(|text| DecimalPrefix::new(text)).collect();
        let build_table = || {
            let entry = |(prefix, value): (&String, u32)| (prefix.parse().expect("digits"), value);
            let entries: Vec<(Digits, u32)> = prefixes.iter().zip(0..).map(entry).collect();
            PrefixTable::build(entries).expect("a good table")
        };
        let build = fastest(|| drop(black_box(build_table())));
        let before = BYTES.load(Ordering::Relaxed);
        let table = build_table();
        let bytes = BYTES.load(Ordering::Relaxed) - before;
        let mut trie = prefix_trie::PrefixMap::new();
        for (prefix, value) in prefixes.iter().zip(0u32..) {
            trie.insert(DecimalPrefix::new(prefix), value);
        }
        for (number, key) in numbers.iter().zip(&keys) {
            let theirs = trie.get_lpm(key).map(|(_, value)| *value);
            assert_eq!(table.value(*number).copied(), theirs, "both find the same");
        }
        let ours =
            || numbers.iter().map(|n| table.value(*n).map_or(0, |value| *value as usize)).sum();
        let calls = CALLS.load(Ordering::Relaxed);
        black_box(ours());
        let calls = CALLS.load(Ordering::Relaxed) - calls;
        let theirs =
            || keys.iter().map(|key| trie.get_lpm(key).map_or(0, |(_, v)| *v as usize)).sum();
        let contenders: [Contender<'_>; _] = [Box::new(ours), Box::new(theirs)];
        let times = interleave(&contenders, numbers.len(), 40);
        println!(
            "{count:>14} | {:>11.1} | {:>14.1} | {:>4.1}x | {:>11.1} | {:>8.1} | {calls}",
            times[0],
            times[1],
            times[1] / times[0],
            bytes as f64 / count as f64,
            build.as_secs_f64() * 1e3,
        );
    }
}

fn normalise() {
    let mut random = Random(5);
    let profile = Profile::russia().area("495").expect("an area code");
    let texts: Vec<String> = (0..1 << 14)
        .map(|_| match random.below(6) {
            0 => format!("8{}{}", [495, 812, 916][random.below(3) as usize], random.digits(7)),
            1 => {
                let digits = random.digits(7);
                let (a, b, c) = (&digits[..3], &digits[3..5], &digits[5..]);
                format!("8 (495) {a}-{b}-{c}")
            }
            2 => format!("+7916{}", random.digits(7)),
            3 => format!("810442079{}", random.digits(6)),
            4 => format!("9{}", random.digits(9)),
            _ => format!("{}-{}-{}", 1 + random.below(9), random.digits(3), random.digits(3)),
        })
        .collect();
    let calls = CALLS.load(Ordering::Relaxed);
    let ours = || texts.iter().filter(|text| profile.normalise(text).is_ok()).count();
    let good = ours();
    let calls = CALLS.load(Ordering::Relaxed) - calls;
    let contenders: [Contender<'_>; _] = [Box::new(ours)];
    let times = interleave(&contenders, texts.len(), 40);
    println!(
        "\nnormalise: {:.1} ns a number ({good} of {} good), {calls} allocations",
        times[0],
        texts.len()
    );
}

fn main() {
    // Under `cargo test` the benches are built and run once; there is nothing to measure then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    compare_patterns();
    compare_prefixes();
    normalise();
}
