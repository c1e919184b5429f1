//! Rings between two threads, in batches of 32.

use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use packet_ring::{overwrite, spsc};

use crate::report::{contender, goal, measure};

const ITEMS: usize = 1 << 20;
const BATCH: usize = 32;
const CAPACITY: usize = 4096;
const TURNS: usize = 60;
/// The least of windows of this many items counts: in most of them others had one of the processors.
const WINDOW: usize = 1 << 16;

pub fn run() {
    println!("\n## Rings, items of 8 bytes in batches of {BATCH}, across two threads");
    let least = measure(
        "lossless",
        TURNS,
        vec![
            contender("rtrb, chunks", rtrb_chunks),
            contender("packet-ring `spsc`, slices", spsc_slices),
            contender("packet-ring `spsc`, `push_from` and `drain`", spsc_items),
        ],
    );
    println!();
    let ours = least[1];
    goal("at most 5 ns an item", ours <= 5.0, format!("{ours:.2} ns"));
    goal("not slower than rtrb", ours <= least[0], format!("{:.2} of its time", ours / least[0]));

    let least = measure(
        "overwriting, cost of the writer",
        TURNS,
        vec![
            contender("nobody reads", || overwrite_writer(0)),
            contender("one reader follows", || overwrite_writer(1)),
        ],
    );
    println!();
    let ours = least[0].max(least[1]);
    goal("at most 2.5 ns an item", ours <= 2.5, format!("{ours:.2} ns"));
}

/// Spins a little, then lets others run.
fn wait(spins: &mut u32) {
    *spins += 1;
    if spins.is_multiple_of(256) { thread::yield_now() } else { spin_loop() }
}

/// Runs both ends and returns nanoseconds an item, by the wall clock of the receiving end.
fn between(mut send: impl FnMut(&[u64; BATCH]) -> usize + Send, mut receive: impl FnMut() -> usize) -> f64 {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let items: [u64; BATCH] = std::array::from_fn(|n| n as u64);
            start.wait();
            let (mut sent, mut spins) = (0, 0);
            while sent < ITEMS {
                match send(black_box(&items)) {
                    0 => wait(&mut spins),
                    count => sent += count,
                }
            }
        });
        start.wait();
        let mut least = f64::MAX;
        let (mut received, mut spins) = (0, 0);
        while received < ITEMS {
            let (begun, started) = (received, Instant::now());
            while received < begun + WINDOW && received < ITEMS {
                match receive() {
                    0 => wait(&mut spins),
                    count => received += count,
                }
            }
            if received >= begun + WINDOW {
                least = least.min(started.elapsed().as_nanos() as f64 / (received - begun) as f64);
            }
        }
        least
    })
}

fn spsc_slices() -> f64 {
    let (mut producer, mut consumer) = spsc::ring::<u64>(CAPACITY);
    let mut taken = [0; BATCH];
    between(
        move |items| producer.push_slice(items),
        move || {
            let count = consumer.pop_slice(&mut taken);
            black_box(&taken);
            count
        },
    )
}

fn spsc_items() -> f64 {
    let (mut producer, mut consumer) = spsc::ring::<u64>(CAPACITY);
    between(
        move |items| producer.push_from(&mut items.iter().copied()),
        move || {
            let mut count = 0;
            for item in consumer.drain(BATCH) {
                black_box(item);
                count += 1;
            }
            count
        },
    )
}

fn rtrb_chunks() -> f64 {
    let (mut producer, mut consumer) = rtrb::RingBuffer::<u64>::new(CAPACITY);
    let mut taken = [0; BATCH];
    between(
        move |items| producer.push_partial_slice(items).0.len(),
        move || {
            let count = consumer.pop_partial_slice(&mut taken).0.len();
            black_box(&taken);
            count
        },
    )
}

fn overwrite_writer(readers: usize) -> f64 {
    let (mut writer, reader) = overwrite::ring::<u64, 1>(CAPACITY);
    let stop = AtomicBool::new(false);
    let start = Barrier::new(readers + 1);
    thread::scope(|scope| {
        for _ in 0..readers {
            let mut reader = reader.clone();
            let (stop, start) = (&stop, &start);
            scope.spawn(move || {
                start.wait();
                let (mut taken, mut spins) = ([0; BATCH], 0);
                while !stop.load(Ordering::Relaxed) {
                    if reader.read(&mut taken).count == 0 {
                        wait(&mut spins);
                    }
                    black_box(&taken);
                }
            });
        }
        let items: [u64; BATCH] = std::array::from_fn(|n| n as u64);
        start.wait();
        let started = Instant::now();
        for _ in 0..ITEMS / BATCH {
            writer.push_slice(black_box(&items));
        }
        let per_item = started.elapsed().as_nanos() as f64 / ITEMS as f64;
        stop.store(true, Ordering::Relaxed);
        per_item
    })
}
