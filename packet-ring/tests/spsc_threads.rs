//! The ring between two threads: nothing lost, nothing twice, nothing out of order.

use std::thread;

use packet_ring::spsc;

const ITEMS: u64 = 300_000;

#[test]
fn one_by_one() {
    let (mut producer, mut consumer) = spsc::ring(64);
    let sender = thread::spawn(move || {
        for number in 0..ITEMS {
            let mut item = number;
            while let Err(full) = producer.push(item) {
                item = full.0;
                thread::yield_now();
            }
        }
    });
    for expected in 0..ITEMS {
        let number = loop {
            match consumer.pop() {
                Some(number) => break number,
                None => thread::yield_now(),
            }
        };
        assert_eq!(number, expected);
    }
    sender.join().unwrap();
    assert!(consumer.is_abandoned() && consumer.is_empty());
}

#[test]
fn boxes_in_batches_of_changing_size() {
    let (mut producer, mut consumer) = spsc::ring(100);
    let sender = thread::spawn(move || {
        let mut items = (0..ITEMS as u32).map(Box::new);
        let mut batch = 1;
        while items.len() > 0 {
            if producer.push_from(&mut items.by_ref().take(batch)) == 0 {
                thread::yield_now();
            }
            batch = batch % 37 + 1;
        }
    });
    let mut expected = 0;
    let mut batch = 1;
    while expected < ITEMS {
        let before = expected;
        for number in consumer.drain(batch) {
            assert_eq!(u64::from(*number), expected);
            expected += 1;
        }
        if before == expected {
            thread::yield_now();
        }
        batch = batch % 41 + 1;
    }
    sender.join().unwrap();
}

#[test]
fn slices() {
    let (mut producer, mut consumer) = spsc::ring(48);
    let sender = thread::spawn(move || {
        let numbers: Vec<u64> = (0..ITEMS).collect();
        let mut left = &numbers[..];
        while !left.is_empty() {
            let sent = producer.push_slice(&left[..left.len().min(32)]);
            left = &left[sent..];
            if sent == 0 {
                thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    let mut items = [0; 32];
    while expected < ITEMS {
        let count = consumer.pop_slice(&mut items);
        for number in &items[..count] {
            assert_eq!(*number, expected);
            expected += 1;
        }
        if count == 0 {
            thread::yield_now();
        }
    }
    sender.join().unwrap();
}

#[test]
fn what_was_pushed_before_the_end_is_seen_after_it() {
    for round in 0..1000_u32 {
        let (mut producer, mut consumer) = spsc::ring(4);
        let sender = thread::spawn(move || producer.push(round).unwrap());
        while !consumer.is_abandoned() {
            thread::yield_now();
        }
        assert_eq!(consumer.pop(), Some(round));
        sender.join().unwrap();
    }
}
