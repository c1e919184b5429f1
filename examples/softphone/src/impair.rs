//! A bad network, for hearing what the playout buffer makes of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use packet_ring::pool::PacketBuf;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// What the network does to the sound that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Network {
    /// Every packet is delayed by up to 60 ms.
    Jitter,
    /// One packet in twenty is lost, in bursts of four.
    Loss,
    /// Nothing comes for 250 ms, every five seconds; then all at once.
    Spikes,
    /// A radio channel: two seconds crowded, four quiet, and now and then 120 ms of nothing.
    Wifi,
    /// A queue that grows to 200 ms in eight seconds, and is emptied.
    Bufferbloat,
    /// One packet in thirty is overtaken by the next few.
    Reorder,
}

/// Packets on their way through a [`Network`].
pub struct Impairment {
    network: Network,
    random: ChaCha20Rng,
    /// By the time of their arrival, and in order where that is the same.
    waiting: BTreeMap<(Duration, u64), (SocketAddr, PacketBuf)>,
    count: u64,
    /// When the latest of them arrives: a queue is served in order.
    latest: Duration,
    is_losing: bool,
}

/// More than are on their way in the slowest network; a flood is not kept.
const MOST_WAITING: usize = 64;

impl Impairment {
    /// A network that does the same for the same seed.
    pub fn new(network: Network, seed: u64) -> Self {
        Self {
            network,
            random: ChaCha20Rng::seed_from_u64(seed),
            waiting: BTreeMap::new(),
            count: 0,
            latest: Duration::ZERO,
            is_losing: false,
        }
    }

    /// A packet enters at `now`.
    pub fn enter(&mut self, now: Duration, source: SocketAddr, packet: PacketBuf) {
        if self.loses() || self.waiting.len() >= MOST_WAITING {
            return;
        }
        let phase = |period: u64| now.as_millis() as u64 % period;
        let accident = self.below(30) == 0;
        let (delay, overtaken) = match self.network {
            Network::Jitter => (self.below(60), false),
            Network::Loss => (self.below(5), false),
            Network::Spikes => (250_u64.saturating_sub(phase(5000)), false),
            Network::Wifi if phase(7000) < 120 => (120 - phase(7000), false),
            Network::Wifi if phase(6000) < 2000 => {
                let crowd = self.below(40) + self.below(40);
                (if self.below(10) == 0 { crowd + 40 } else { crowd / 2 }, false)
            }
            Network::Wifi => (self.below(4), false),
            Network::Bufferbloat => (phase(8500).min(8000) / 40, false),
            Network::Reorder if accident => (30 + self.below(50), true),
            Network::Reorder => (self.below(3), false),
        };
        let mut arrival = now + Duration::from_millis(delay);
        if !overtaken {
            arrival = arrival.max(self.latest);
            self.latest = arrival;
        }
        self.waiting.insert((arrival, self.count), (source, packet));
        self.count += 1;
    }

    /// The next packet that has arrived by `now`.
    pub fn leave(&mut self, now: Duration) -> Option<(SocketAddr, PacketBuf)> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next packet arrives.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.waiting.keys().next().map(|(arrival, _)| *arrival)
    }

    fn loses(&mut self) -> bool {
        if self.network == Network::Loss {
            let change = if self.is_losing { 4 } else { 76 };
            self.is_losing ^= self.below(change) == 0;
        }
        self.is_losing
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.next_u64() % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet_ring::pool::{PacketPool, PoolConfig};

    /// The numbers of 500 packets, sent every 20 ms, in the order and at the times (ms) of their arrival.
    fn arrivals(network: Network) -> Vec<(u64, u16)> {
        let pool = PacketPool::new(PoolConfig::default()).unwrap();
        let source = "192.0.2.1:4000".parse().unwrap();
        let mut impairment = Impairment::new(network, 7);
        let mut arrived = Vec::new();
        for ms in 0..10_500_u64 {
            let now = Duration::from_millis(ms);
            if ms % 20 == 0 && ms < 10_000 {
                let mut packet = pool.take().unwrap();
                packet.extend_from_slice(&((ms / 20) as u16).to_be_bytes()).unwrap();
                impairment.enter(now, source, packet);
            }
            while let Some((_, packet)) = impairment.leave(now) {
                arrived.push((ms, u16::from_be_bytes([packet[0], packet[1]])));
            }
        }
        assert_eq!(impairment.poll_timeout(), None);
        arrived
    }

    #[test]
    fn each_network_does_what_it_says() {
        let in_order = |arrived: &[(u64, u16)]| arrived.is_sorted_by_key(|(_, number)| *number);
        let worst = |arrived: &[(u64, u16)]| {
            arrived.iter().map(|(ms, number)| ms - u64::from(*number) * 20).max().unwrap()
        };
        for network in Network::value_variants() {
            let arrived = arrivals(*network);
            let (count, worst) = (arrived.len(), worst(&arrived));
            match network {
                Network::Loss => assert!((440..500).contains(&count), "{count}"),
                _ => assert_eq!(count, 500, "{network:?}"),
            }
            assert_eq!(in_order(&arrived), *network != Network::Reorder, "{network:?}");
            let range = match network {
                Network::Jitter => 40..=80,
                Network::Loss => 0..=20,
                Network::Spikes => 230..=250,
                Network::Wifi => 100..=200,
                Network::Bufferbloat => 190..=200,
                Network::Reorder => 30..=80,
            };
            assert!(range.contains(&worst), "{network:?}: {worst}");
            assert_eq!(arrived, arrivals(*network), "the same again");
        }
    }
}
