//! What waits for its turn, the more important first.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use sip_core::Flow;

use super::class::{Class, Kind};

/// A message that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// When it arrived.
    pub(super) since: Duration,
    pub(super) kind: Kind,
    pub(super) flow: Flow,
    pub(super) message: Bytes,
}

/// One queue a class, bounded in messages and bytes.
#[derive(Debug)]
pub(super) struct Queues {
    queues: [VecDeque<Waiting>; 4],
    most: usize,
    bytes: usize,
    most_bytes: usize,
    /// Counts turns, of which some are not the first class's.
    turn: u32,
    /// Counts turns of those behind it.
    behind: u32,
}

/// Of so many turns in a row one is for those behind: whoever only pretends to be in a dialog must
/// not keep everybody else out.
const URGENT_TURNS: u32 = 16;

impl Queues {
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            queues: Default::default(),
            most: most.max(1),
            bytes: 0,
            most_bytes,
            turn: 0,
            behind: 0,
        }
    }

    /// Takes a message; gives it back when there is no room.
    pub(super) fn push(&mut self, waiting: Waiting) -> Option<Waiting> {
        let bytes = self.bytes + waiting.message.len();
        let queue = &mut self.queues[waiting.kind.class as usize];
        if queue.len() >= self.most || bytes > self.most_bytes {
            return Some(waiting);
        }
        self.bytes = bytes;
        queue.push_back(waiting);
        None
    }

    /// The next one: urgent ones first, then calls, and of every four of these turns one for
    /// registrations and one for the rest.
    pub(super) fn pop(&mut self) -> Option<Waiting> {
        use Class::{Call, Other, Registration, Urgent};
        self.turn = self.turn.wrapping_add(1);
        let order = if !self.turn.is_multiple_of(URGENT_TURNS) && self.len_of(Urgent) > 0 {
            [Urgent, Call, Registration, Other]
        } else {
            self.behind = self.behind.wrapping_add(1);
            match self.behind % 4 {
                0 => [Registration, Call, Other, Urgent],
                1 => [Other, Call, Registration, Urgent],
                _ => [Call, Registration, Other, Urgent],
            }
        };
        order.into_iter().find_map(|class| self.pop_of(class))
    }

    /// The next one of a class.
    pub(super) fn pop_of(&mut self, class: Class) -> Option<Waiting> {
        let waiting = self.queues[class as usize].pop_front()?;
        self.bytes -= waiting.message.len();
        Some(waiting)
    }

    pub(super) fn shrink(&mut self) {
        self.queues.iter_mut().for_each(VecDeque::shrink_to_fit);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    pub(super) fn len_of(&self, class: Class) -> usize {
        self.queues[class as usize].len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues(counts: [usize; 4]) -> Queues {
        let mut queues = Queues::new(1_000, 1_000_000);
        for (class, count) in
            [Class::Urgent, Class::Call, Class::Registration, Class::Other].into_iter().zip(counts)
        {
            for _ in 0..count {
                assert!(queues.push(waiting(class, 100)).is_none());
            }
        }
        queues
    }

    fn waiting(class: Class, length: usize) -> Waiting {
        let address = "192.0.2.1:5060".parse().unwrap();
        Waiting {
            since: Duration::ZERO,
            kind: Kind { class, begins: true, refusable: true },
            flow: Flow::udp(address, address),
            message: vec![0; length].into(),
        }
    }

    fn served(queues: &mut Queues, turns: usize) -> [usize; 4] {
        let mut served = [0; 4];
        for _ in 0..turns {
            served[queues.pop().unwrap().kind.class as usize] += 1;
        }
        served
    }

    #[test]
    fn who_is_in_a_call_is_first_and_nobody_waits_forever() {
        assert_eq!(served(&mut queues([1_000; 4]), 160), [150, 5, 2, 3]);
        assert_eq!(served(&mut queues([0, 1_000, 1_000, 1_000]), 100), [0, 50, 25, 25]);
        assert_eq!(served(&mut queues([0, 0, 0, 50]), 50), [0, 0, 0, 50]);
    }

    #[test]
    fn queues_are_bounded_in_messages_and_bytes() {
        let mut queues = Queues::new(10, 1_000);
        assert_eq!((0..20).filter(|_| queues.push(waiting(Class::Call, 10)).is_none()).count(), 10);
        assert!(queues.push(waiting(Class::Other, 901)).is_some());
        assert!(queues.push(waiting(Class::Other, 900)).is_none());
        while queues.pop().is_some() {}
        assert_eq!((queues.len(), queues.bytes), (0, 0));
    }
}
