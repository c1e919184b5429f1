//! The ring against its safe twin, a `VecDeque`, with items that count how often they are dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use packet_ring::spsc;
use proptest::prelude::*;

/// Knows where to report its end.
#[derive(Debug)]
struct Item(u32, Rc<RefCell<Vec<u32>>>);

impl Drop for Item {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Push,
    PushFrom(usize),
    Commit(usize),
    Abandon(usize),
    Pop,
    Drain { limit: usize, taken: usize },
    LeakDrain { limit: usize, taken: usize },
    Peek,
}

fn step() -> impl Strategy<Value = Step> {
    let n = || 0_usize..9;
    prop_oneof![
        3 => Just(Step::Push),
        3 => n().prop_map(Step::PushFrom),
        2 => n().prop_map(Step::Commit),
        1 => n().prop_map(Step::Abandon),
        3 => Just(Step::Pop),
        3 => (n(), n()).prop_map(|(limit, taken)| Step::Drain { limit, taken }),
        1 => (n(), n()).prop_map(|(limit, taken)| Step::LeakDrain { limit, taken }),
        1 => Just(Step::Peek),
    ]
}

proptest! {
    #[test]
    fn behaves_as_a_bounded_deque(
        capacity in 1_usize..12,
        steps in prop::collection::vec(step(), 0..80),
        producer_goes_first in any::<bool>(),
    ) {
        let (mut producer, mut consumer) = spsc::ring(capacity);
        let mut twin: VecDeque<u32> = VecDeque::new();
        let dropped = Rc::new(RefCell::new(Vec::new()));
        let mut made = 0;
        let mut make = || { made += 1; Item(made, dropped.clone()) };

        for step in steps {
            match step {
                Step::Push => {
                    let item = make();
                    let number = item.0;
                    match producer.push(item) {
                        Ok(()) => { prop_assert!(twin.len() < capacity); twin.push_back(number); }
                        Err(full) => { prop_assert_eq!(twin.len(), capacity); prop_assert_eq!(full.0.0, number); }
                    }
                }
                Step::PushFrom(count) => {
                    let room = (capacity - twin.len()).min(count);
                    let mut items = (0..count).map(|_| make()).inspect(|item| twin.push_back(item.0));
                    prop_assert_eq!(producer.push_from(&mut items), room);
                    prop_assert_eq!(items.len(), count - room, "no more asked for than fits");
                }
                Step::Commit(count) => {
                    let mut batch = producer.reserve(count);
                    for _ in 0..count {
                        let item = make();
                        let number = item.0;
                        if batch.push(item).is_ok() { twin.push_back(number); }
                    }
                    prop_assert!(twin.len() <= capacity);
                    batch.commit();
                }
                Step::Abandon(count) => {
                    let mut batch = producer.reserve(count);
                    for _ in 0..count { let _ = batch.push(make()); }
                }
                Step::Pop => prop_assert_eq!(consumer.pop().map(|item| item.0), twin.pop_front()),
                Step::Drain { limit, taken } => {
                    let mut drain = consumer.drain(limit);
                    prop_assert_eq!(drain.len(), limit.min(twin.len()));
                    for _ in 0..taken.min(limit) {
                        prop_assert_eq!(drain.next().map(|item| item.0), twin.pop_front());
                    }
                }
                Step::LeakDrain { limit, taken } => {
                    let mut drain = consumer.drain(limit);
                    for _ in 0..taken.min(limit) {
                        prop_assert_eq!(drain.next().map(|item| item.0), twin.pop_front());
                    }
                    std::mem::forget(drain);
                    // The slots come back with the next thing that the consumer takes.
                    prop_assert_eq!(consumer.pop().map(|item| item.0), twin.pop_front());
                    if twin.is_empty() && taken > 0 {
                        // Nothing was left to take, so the slots are still out: begin anew.
                        (producer, consumer) = spsc::ring(capacity);
                    }
                }
                Step::Peek => prop_assert_eq!(consumer.peek().map(|item| item.0), twin.front().copied()),
            }
            prop_assert_eq!(consumer.len(), twin.len());
            prop_assert_eq!(producer.free(), capacity - twin.len());
        }

        if producer_goes_first { drop(producer); drop(consumer); } else { drop(consumer); drop(producer); }
        let mut dropped = dropped.borrow().clone();
        dropped.sort_unstable();
        prop_assert_eq!(dropped, (1..=made).collect::<Vec<_>>(), "each item is dropped exactly once");
    }

    #[test]
    fn slices_behave_as_a_bounded_deque(
        capacity in 1_usize..12,
        steps in prop::collection::vec((any::<bool>(), 0_usize..20), 0..80),
    ) {
        let (mut producer, mut consumer) = spsc::ring(capacity);
        let mut twin = VecDeque::new();
        let mut next = 0_u32;
        for (push, count) in steps {
            if push {
                let items: Vec<u32> = (next..).take(count).collect();
                let room = (capacity - twin.len()).min(count);
                prop_assert_eq!(producer.push_slice(&items), room);
                twin.extend(&items[..room]);
                next += room as u32;
            } else {
                let mut items = vec![u32::MAX; count];
                let got = consumer.pop_slice(&mut items);
                prop_assert_eq!(&items[..got], &twin.drain(..count.min(twin.len())).collect::<Vec<_>>());
                prop_assert!(items[got..].iter().all(|item| *item == u32::MAX));
            }
        }
    }
}

#[test]
fn each_end_learns_that_the_other_is_gone() {
    let (mut producer, mut consumer) = spsc::ring(2);
    producer.push(1).unwrap();
    assert!(!consumer.is_abandoned() && !producer.is_abandoned());
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!((consumer.pop(), consumer.pop()), (Some(1), None));

    let (producer, consumer) = spsc::ring::<u8>(2);
    drop(consumer);
    assert!(producer.is_abandoned());
}

#[test]
fn a_ring_holds_exactly_its_capacity() {
    for (asked, capacity) in [(0, 1), (1, 1), (3, 3), (100, 100), (128, 128)] {
        let (mut producer, consumer) = spsc::ring(asked);
        assert_eq!(producer.push_from(&mut std::iter::repeat(())), capacity);
        assert_eq!((producer.capacity(), consumer.len()), (capacity, capacity));
    }
}
