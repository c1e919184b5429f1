use core::time::Duration;

/// Decides how long to let packets gather before they are taken: not at all while few come, up to a limit
/// when many do, since one batch of thirty costs far less than thirty of one.
///
/// After each [`recv_batch`](super::PacketIo::recv_batch) tell how many came; [`pause`](Self::pause) says
/// how long to sleep before the next. Sans-IO: the driver sleeps.
///
/// ```
/// use core::time::Duration;
/// use packet_ring::batch::{Tick, TickConfig};
///
/// let mut tick = Tick::new(TickConfig::default());
/// let at = Duration::from_micros;
/// // One packet every 20 ms: no wait is ever added.
/// for n in 1..50 {
///     tick.received(at(n * 20_000), 1);
///     assert_eq!(tick.pause(), Duration::ZERO);
/// }
/// // Fifty thousand a second: batches of about thirty form.
/// for n in 1..2000 {
///     tick.received(at(1_000_000 + n * 20), 1);
/// }
/// assert_eq!(tick.pause().as_micros() / 100, 6);
/// ```
#[derive(Debug, Clone)]
pub struct Tick {
    config: TickConfig,
    /// Packets a second, smoothed.
    rate: f64,
    last: Option<Duration>,
    pending: usize,
}

/// Limits of a [`Tick`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickConfig {
    /// The longest pause, and so the most delay ever added. Default 1 ms.
    pub longest: Duration,
    /// The batch to aim for. Default 32.
    pub batch: usize,
    /// Below this many packets a second nothing waits. Default 5000.
    pub busy_from: u32,
}

impl Default for TickConfig {
    fn default() -> Self {
        Self { longest: Duration::from_millis(1), batch: 32, busy_from: 5000 }
    }
}

impl Tick {
    /// Idle at first.
    pub fn new(config: TickConfig) -> Self {
        Self { config, rate: 0.0, last: None, pending: 0 }
    }

    /// Notes that `count` packets were received at `now`, which may be none.
    pub fn received(&mut self, now: Duration, count: usize) {
        let Some(last) = self.last else {
            self.last = Some(now);
            return;
        };
        self.pending += count;
        let passed = now.saturating_sub(last).as_secs_f64();
        // Looks closer together than this say little about the rate.
        if passed < 20e-6 {
            return;
        }
        let rate = self.pending as f64 / passed;
        // What is older than 5 ms hardly counts.
        let weight = (passed / 5e-3).min(1.0);
        self.rate += (rate - self.rate) * weight;
        self.last = Some(now);
        self.pending = 0;
    }

    /// How long to sleep before the next look. After a sleep look without waiting; when nothing came,
    /// wait in `recv_batch`.
    pub fn pause(&self) -> Duration {
        if self.rate < f64::from(self.config.busy_from) {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(self.config.batch as f64 / self.rate).min(self.config.longest)
    }

    /// Packets a second, smoothed.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_load_up_and_down() {
        let mut tick = Tick::new(TickConfig::default());
        let at = Duration::from_micros;
        let mut now = 0;
        for _ in 0..1000 {
            now += 640;
            tick.received(at(now), 64);
        }
        assert!((90_000.0..110_000.0).contains(&tick.rate()), "{}", tick.rate());
        assert!((290..350).contains(&tick.pause().as_micros()), "{:?}", tick.pause());
        // The load ends: within a few looks nothing waits any more.
        for _ in 0..4 {
            now += 5000;
            tick.received(at(now), 0);
        }
        assert_eq!(tick.pause(), Duration::ZERO);
    }

    #[test]
    fn no_pause_is_longer_than_the_longest() {
        let config = TickConfig { longest: at_most(), batch: 64, busy_from: 1 };
        let mut tick = Tick::new(config);
        for second in 0..100 {
            tick.received(Duration::from_secs(second), 3);
        }
        assert_eq!(tick.pause(), at_most());
    }

    fn at_most() -> Duration {
        Duration::from_micros(500)
    }
}
