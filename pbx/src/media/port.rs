//! Leased RTP ports: one a leg, bound ahead by the driver and handed out without waiting.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// Names one bound RTP port of the driver.
///
/// A number comes back only after its last lease was closed by the media machine, so a late packet
/// for an old call can never reach a new one through a stale command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortId(pub u32);

/// A bound port, ready to be leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// The driver's name for the socket.
    pub id: PortId,
    /// The address to write into SDP: the bound address, or the configured external one.
    pub advertised: SocketAddr,
}

/// The ports that call control may lease right now.
///
/// Leases go round: the port that has rested longest is handed out first, which keeps packets of
/// a peer that has not yet noticed the end of its call away from the next one (RFC 3550 §11 leaves
/// this to the implementation).
#[derive(Debug, Default)]
pub struct PortPool {
    free: VecDeque<Port>,
    leased: usize,
}

impl PortPool {
    /// An empty pool; ports come from [`PortPool::add`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a port that the driver has bound.
    pub fn add(&mut self, port: Port) {
        self.free.push_back(port);
    }

    /// Takes a port, or `None` when the pool is empty, which a new call answers with 503.
    pub fn lease(&mut self) -> Option<Port> {
        let port = self.free.pop_front()?;
        self.leased += 1;
        Some(port)
    }

    /// Gives a port back, once the media machine has closed it.
    pub fn give_back(&mut self, port: Port) {
        self.leased = self.leased.saturating_sub(1);
        self.free.push_back(port);
    }

    /// Takes ports out of the pool for good when more than `keep` are free: those with the highest numbers, so that
    /// tables by number become small.
    pub fn release(&mut self, keep: usize) -> Vec<Port> {
        let mut numbers: Vec<PortId> = self.free.iter().map(|port| port.id).collect();
        numbers.sort_unstable();
        let Some(first) = numbers.get(keep).copied() else { return Vec::new() };
        let all = std::mem::take(&mut self.free).into_iter();
        let (kept, released): (VecDeque<_>, VecDeque<_>) = all.partition(|port| port.id < first);
        self.free = kept;
        released.into()
    }

    /// Gives back room that is not needed.
    pub(crate) fn shrink(&mut self) {
        self.free.shrink_to_fit();
    }

    /// How many ports can be leased now.
    pub fn available(&self) -> usize {
        self.free.len()
    }

    /// How many ports are in use.
    pub fn leased(&self) -> usize {
        self.leased
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(n: u32) -> Port {
        Port { id: PortId(n), advertised: SocketAddr::from(([127, 0, 0, 1], 10_000 + n as u16)) }
    }

    #[test]
    fn the_port_that_rested_longest_goes_out_first() {
        let mut pool = PortPool::new();
        pool.add(port(1));
        pool.add(port(2));
        let first = pool.lease().unwrap();
        assert_eq!(first.id, PortId(1));
        pool.give_back(first);
        assert_eq!(pool.lease().unwrap().id, PortId(2));
        assert_eq!(pool.lease().unwrap().id, PortId(1));
        assert!(pool.lease().is_none(), "an empty pool says so");
        assert_eq!((pool.available(), pool.leased()), (0, 2));
    }

    #[test]
    fn ports_that_are_not_needed_any_more_go_by_their_numbers() {
        let mut pool = PortPool::new();
        [7, 3, 9, 1, 4].into_iter().for_each(|n| pool.add(port(n)));
        assert_eq!(pool.release(5), []);
        assert_eq!(pool.release(2), [7, 9, 4].map(port));
        assert_eq!(
            [pool.lease(), pool.lease(), pool.lease()],
            [Some(port(3)), Some(port(1)), None]
        );
    }
}
