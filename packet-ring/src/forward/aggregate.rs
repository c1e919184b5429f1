use alloc::vec::Vec;

use super::ecmp::{Group, Policy};
use super::flow::frame_hash;

/// Parallel links that act as one port (IEEE 802.1AX, without its control protocol): each flow stays on one
/// link, so that its frames stay in order, and moves only when its link goes.
#[derive(Debug, Clone)]
pub struct LinkAggregate {
    links: Group<u16>,
    configured: Vec<u16>,
    key: u64,
}

impl LinkAggregate {
    /// An aggregate of these ports, all of them up. `key` keys the hash of flows.
    pub fn new(ports: impl IntoIterator<Item = u16>, key: u64) -> Self {
        let configured: Vec<u16> = ports.into_iter().collect();
        let mut links = Group::new(Policy::default(), key);
        for port in &configured {
            links.set(*port, 1);
        }
        Self { links, configured, key }
    }

    /// The port for a frame; `None` when all links are down.
    #[inline]
    pub fn select(&self, frame: &[u8]) -> Option<u16> {
        self.links.select(frame_hash(frame, self.key)).copied()
    }

    /// Notes that a link went up or down. Ports that are not of the aggregate are ignored.
    pub fn set_up(&mut self, port: u16, up: bool) {
        if self.configured.contains(&port) {
            self.links.set(port, up.into());
        }
    }

    /// Whether a port is one of the aggregate's: a frame from one of them is not flooded to the others.
    pub fn contains(&self, port: u16) -> bool {
        self.configured.contains(&port)
    }

    /// Links that are up.
    pub fn up(&self) -> usize {
        self.links.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::ip::tests::udp4;
    use alloc::format;

    #[test]
    fn flows_stay_on_their_link_while_it_is_up() {
        let mut aggregate = LinkAggregate::new([3, 4, 5, 6], 99);
        let frames: Vec<Vec<u8>> = (0..4000)
            .map(|flow| {
                let source = format!("10.0.{}.{}:{}", flow / 250, flow % 250, 1000 + flow);
                [&[2; 12][..], &[8, 0], &udp4(&source, "10.9.9.9:5060", b"x")].concat()
            })
            .collect();
        let links = |aggregate: &LinkAggregate| -> Vec<_> {
            frames.iter().map(|frame| aggregate.select(frame)).collect()
        };
        let before = links(&aggregate);
        for link in 3..7 {
            let share = before.iter().filter(|choice| **choice == Some(link)).count();
            assert!((850..1150).contains(&share), "{share}");
        }
        aggregate.set_up(4, false);
        aggregate.set_up(9, true);
        assert_eq!(aggregate.up(), 3);
        for (before, after) in before.iter().zip(links(&aggregate)) {
            assert!(after == *before || *before == Some(4));
            assert_ne!(after, Some(4));
        }
        for link in [3, 5, 6] {
            aggregate.set_up(link, false);
        }
        assert_eq!(links(&aggregate)[0], None);
        assert!(aggregate.contains(4) && !aggregate.contains(9));
    }
}
