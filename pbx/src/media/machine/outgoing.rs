//! Packets on their way out.

use super::Transmit;

/// What waits to be sent, in order.
///
/// It begins anew at its first place each time it has been emptied, which the processor still has at hand, and
/// packets are written where they will lie: to move them while they are being written costs more than all else here.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    waiting: Vec<Option<Transmit>>,
    /// How many of them are gone.
    taken: usize,
}

impl Outgoing {
    #[inline]
    pub(super) fn push_back(&mut self, transmit: Transmit) {
        self.waiting.push(Some(transmit));
    }

    #[inline]
    pub(super) fn pop_front(&mut self) -> Option<Transmit> {
        let transmit = self.waiting.get_mut(self.taken).and_then(Option::take);
        self.taken += 1;
        if self.taken >= self.waiting.len() {
            self.waiting.clear();
            self.taken = 0;
        }
        transmit
    }

    pub(super) fn shrink_to_fit(&mut self) {
        self.waiting.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use packet_ring::pool::{PacketPool, PoolConfig};

    use super::*;
    use crate::media::PortId;

    #[test]
    fn packets_leave_in_their_order_whenever_they_are_asked_for() {
        let pool = PacketPool::new(PoolConfig::default()).unwrap();
        let transmit = |number| Transmit {
            port: PortId(number),
            destination: SocketAddr::from(([192, 0, 2, 1], 9)),
            packet: pool.take().unwrap(),
        };
        let mut outgoing = Outgoing::default();
        let (mut pushed, mut popped) = (0, 0);
        for (push, pop) in [(0, 1), (3, 2), (2, 1), (0, 2), (0, 2), (5, 5), (1, 2)] {
            for _ in 0..push {
                outgoing.push_back(transmit(pushed));
                pushed += 1;
            }
            for _ in 0..pop {
                let Some(transmit) = outgoing.pop_front() else { continue };
                assert_eq!(transmit.port, PortId(popped));
                popped += 1;
            }
        }
        assert_eq!((pushed, popped), (11, 11));
        assert_eq!(pool.stats().free, pool.stats().slots);
    }
}
