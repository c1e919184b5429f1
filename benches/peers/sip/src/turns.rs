//! Measuring in turns.

use std::time::Instant;

use crate::allocations;

/// Turns taken by each contender.
const TURNS: usize = 2000;
/// Jobs of a turn.
const JOBS: usize = 20;

/// A crate at a job.
pub struct Contender<'a> {
    pub name: &'static str,
    /// What its numbers cannot be compared without.
    pub note: &'static str,
    run: Box<dyn FnMut() + 'a>,
    least: f64,
    allocations: u64,
}

/// A contender that gives what all the others give.
pub fn contender<'a>(name: &'static str, run: impl FnMut() + 'a) -> Contender<'a> {
    Contender { name, note: "", run: Box::new(run), least: f64::MAX, allocations: 0 }
}

/// A contender that gives less, or does more.
pub fn unlike<'a>(name: &'static str, note: &'static str, run: impl FnMut() + 'a) -> Contender<'a> {
    Contender { note, ..contender(name, run) }
}

/// Lets all take turns and prints how they compare with the first.
pub fn measure(title: &str, mut contenders: Vec<Contender<'_>>) {
    for contender in &mut contenders {
        (contender.run)();
        let before = allocations::count();
        (contender.run)();
        contender.allocations = allocations::count() - before;
    }
    for _ in 0..TURNS {
        for contender in &mut contenders {
            // The first job of a turn pays for what the one before left in the caches.
            (contender.run)();
            let start = Instant::now();
            for _ in 0..JOBS {
                (contender.run)();
            }
            let taken = start.elapsed().as_nanos() as f64 / JOBS as f64;
            contender.least = contender.least.min(taken);
        }
    }
    let unit = contenders.first().map_or(1.0, |contender| contender.least);
    println!("\n## {title}\n\n| crate | times the first | allocations | |\n|---|---|---|---|");
    for contender in &contenders {
        let Contender { name, note, least, allocations, .. } = contender;
        println!("| {name} | {:.2} | {allocations} | {note} |", least / unit);
    }
    if std::env::args().any(|argument| argument == "--nanoseconds") {
        for contender in &contenders {
            println!("{}: {:.0} ns", contender.name, contender.least);
        }
    }
}
