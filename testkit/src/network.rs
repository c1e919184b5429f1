//! A datagram network whose faults come from a seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// One datagram under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub source: SocketAddr,
    /// Whom it is for.
    pub destination: SocketAddr,
    /// What it holds.
    pub bytes: Bytes,
}

/// What the network does to datagrams. Shares are out of 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// How many of 1,000 datagrams vanish.
    pub loss: u32,
    /// How many of 1,000 arrive twice.
    pub duplication: u32,
    /// How many of 1,000 are held back by up to `reorder_by`, so that later ones overtake them.
    pub reordering: u32,
    /// Time on the way.
    pub delay: Duration,
    /// The longest that a reordered datagram is held back.
    pub reorder_by: Duration,
}

impl Faults {
    /// Everything arrives once, in order, after 1 ms.
    pub const NONE: Self = Self {
        loss: 0,
        duplication: 0,
        reordering: 0,
        delay: Duration::from_millis(1),
        reorder_by: Duration::ZERO,
    };

    /// Loses, duplicates and reorders `share` of 1,000 datagrams each.
    pub const fn rough(share: u32) -> Self {
        Self {
            loss: share,
            duplication: share,
            reordering: share,
            delay: Duration::from_millis(10),
            reorder_by: Duration::from_millis(700),
        }
    }
}

/// A datagram that entered the network, for ladders and traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// When it was sent.
    pub sent: Duration,
    /// What was sent.
    pub datagram: Datagram,
    /// How many copies will arrive: 0 when it was lost, 2 when it was duplicated.
    pub copies: u32,
}

/// The datagrams under way, and the record of all that ever were.
#[derive(Debug)]
pub struct Network {
    faults: Faults,
    random: ChaCha20Rng,
    under_way: BinaryHeap<Reverse<Delivery>>,
    sent: u64,
    passages: Option<Vec<Passage>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Delivery {
    at: Duration,
    order: u64,
    datagram: Datagram,
}

impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delivery {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Network {
    /// A network with these faults, which depend on nothing but the seed.
    pub fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            random: ChaCha20Rng::seed_from_u64(seed),
            under_way: BinaryHeap::new(),
            sent: 0,
            passages: Some(Vec::new()),
        }
    }

    /// Keeps no passages from here on: for long simulations that print no ladder.
    pub fn keep_no_record(&mut self) {
        self.passages = None;
    }

    /// Changes the faults from here on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Takes a datagram from its sender.
    pub fn send(&mut self, now: Duration, datagram: Datagram) {
        let copies = if self.chance(self.faults.loss) {
            0
        } else if self.chance(self.faults.duplication) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let mut at = now + self.faults.delay;
            if self.chance(self.faults.reordering) {
                let most = self.faults.reorder_by.as_micros().max(1) as u64;
                at += Duration::from_micros(self.random.next_u64() % most);
            }
            self.sent += 1;
            self.under_way.push(Reverse(Delivery {
                at,
                order: self.sent,
                datagram: datagram.clone(),
            }));
        }
        if let Some(passages) = &mut self.passages {
            passages.push(Passage { sent: now, datagram, copies });
        }
    }

    /// The next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Duration) -> Option<Datagram> {
        if self.under_way.peek()?.0.at > now {
            return None;
        }
        self.under_way.pop().map(|delivery| delivery.0.datagram)
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Duration> {
        self.under_way.peek().map(|delivery| delivery.0.at)
    }

    /// Everything that entered the network, in order; empty without a record.
    pub fn passages(&self) -> &[Passage] {
        self.passages.as_deref().unwrap_or_default()
    }

    /// Begins a new record: what passed so far is in no ladder.
    pub fn forget(&mut self) {
        if let Some(passages) = &mut self.passages {
            passages.clear();
        }
    }

    fn chance(&mut self, of_thousand: u32) -> bool {
        // Drawn even when the share is zero, so that changing one share leaves the others' luck alone.
        self.random.next_u32() % 1000 < of_thousand
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(faults: Faults, seed: u64) -> (Vec<u8>, usize) {
        let mut network = Network::new(faults, seed);
        let address = SocketAddr::from(([192, 0, 2, 1], 5060));
        for n in 0..200u8 {
            let bytes = Bytes::copy_from_slice(&[n]);
            let datagram = Datagram { source: address, destination: address, bytes };
            network.send(Duration::from_millis(n.into()), datagram);
        }
        let mut arrived = Vec::new();
        while let Some(datagram) = network.receive(Duration::from_secs(10)) {
            arrived.push(datagram.bytes[0]);
        }
        (arrived, network.passages().iter().filter(|passage| passage.copies == 0).count())
    }

    #[test]
    fn a_perfect_network_keeps_order() {
        assert_eq!(run(Faults::NONE, 1), ((0..200).collect(), 0));
    }

    #[test]
    fn a_rough_network_loses_duplicates_and_reorders_by_its_seed_alone() {
        let (arrived, lost) = run(Faults::rough(100), 7);
        assert_eq!(run(Faults::rough(100), 7).0, arrived);
        assert_ne!(run(Faults::rough(100), 8).0, arrived);
        assert!(lost > 0);
        assert!(!arrived.is_sorted());
        let mut unique = arrived.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len() + lost, 200);
        assert!(unique.len() < arrived.len());
    }
}
