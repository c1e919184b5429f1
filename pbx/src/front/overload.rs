//! Whether there is more to do than can be done, told from how long messages have waited.
//!
//! A full queue alone says nothing: bursts fill it and drain again. What says it is a queue that
//! never empties (Nichols and Jacobson, RFC 8289): when even the message that waited least in an
//! interval has waited longer than the target, the queue stands. Telephones that nobody answers
//! send more, not less, so that dropping now and then does not drain it (RFC 7339 §5): while the
//! queue stands, everything that has waited for twice the target is refused, and the server spends its
//! time on what is fresh.

use std::time::Duration;

/// When a queue counts as standing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long the message that waits least may wait. Default 20 ms.
    pub target: Duration,
    /// In what time. Default 200 ms: longer than a share of a processor is withheld at a time. No new
    /// call waits longer than this in any case.
    pub interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { target: Duration::from_millis(20), interval: Duration::from_millis(200) }
    }
}

/// So many may wait whatever was served before.
const LEAST_ROOM: usize = 8;
/// One refused of so many served is no overload any more.
const ENOUGH: u32 = 16;

/// Watches how long messages wait.
///
/// ```text
///              least wait of an interval > target
///   keeping up ----------------------------------> overloaded
///              <----------------------------------
///              least wait <= target, and hardly anything was refused
/// ```
#[derive(Debug)]
pub struct Overload {
    settings: Settings,
    overloaded: bool,
    /// The shortest wait since the interval began.
    least: Duration,
    ends: Duration,
    /// Messages served since the interval began.
    served: u32,
    /// Messages refused since the interval began.
    refused: u32,
}

impl Overload {
    /// Keeping up.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            overloaded: false,
            least: Duration::ZERO,
            ends: Duration::ZERO,
            served: 0,
            refused: 0,
        }
    }

    /// Whether the queue stands.
    pub fn is_overloaded(&self) -> bool {
        self.overloaded
    }

    /// How many messages may wait so that the last of them has its turn in time, when each takes
    /// `pace`. What comes on top can be refused at once.
    pub fn room(&self, pace: Duration) -> usize {
        if !self.overloaded {
            return usize::MAX;
        }
        let room = (2 * self.settings.target).as_nanos() / pace.as_nanos().max(1);
        usize::try_from(room).unwrap_or(usize::MAX).max(LEAST_ROOM)
    }

    /// A message was refused for want of [`room`](Self::room).
    pub fn refused(&mut self) {
        self.refused += 1;
    }

    /// A message has waited for `wait` when its turn came: whether it is to be refused.
    pub fn refuses(&mut self, now: Duration, wait: Duration) -> bool {
        let Settings { target, interval } = self.settings;
        if now >= self.ends {
            // What is refused drains the queue: it is over when nearly nothing has to be.
            let relieved = !self.overloaded || self.refused * ENOUGH < self.served;
            self.overloaded = self.least > target || !relieved;
            // After a rest, what waited before it says nothing any more.
            if now >= self.ends + interval {
                self.overloaded = false;
            }
            self.ends = now + interval;
            self.least = wait;
            (self.served, self.refused) = (0, 0);
        } else {
            self.least = self.least.min(wait);
        }
        let refuses = wait > interval || (self.overloaded && wait > 2 * target);
        self.served += u32::from(!refuses);
        self.refused += u32::from(refuses);
        refuses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Plays a queue: arrivals and services at even distances; the share served, and the longest wait
    /// of those.
    fn play(arrival: Duration, service: Duration, refusal: Duration) -> (f64, Duration) {
        let mut overload = Overload::new(Settings::default());
        let (mut now, mut served, mut longest) = (Duration::ZERO, 0, Duration::ZERO);
        let count = 20_000;
        for n in 0..count {
            let arrived = arrival * n;
            now = now.max(arrived);
            let wait = now - arrived;
            if overload.refuses(now, wait) {
                now += refusal;
            } else {
                now += service;
                served += 1;
                longest = longest.max(wait);
            }
        }
        (f64::from(served) / f64::from(count), longest)
    }

    #[test]
    fn below_its_rate_nothing_is_refused() {
        let (share, longest) = play(ms(2), Duration::from_micros(1_900), ms(1));
        assert_eq!((share, longest), (1.0, Duration::ZERO));
    }

    #[test]
    fn at_twice_its_rate_it_works_all_the_time_on_what_is_fresh() {
        // A refusal costs a twentieth: of 2 offered, what fits is (1 - 2/20) / (1 - 1/20) / 2.
        let (share, longest) = play(ms(1), ms(2), Duration::from_micros(100));
        assert!((0.46..0.48).contains(&share), "{share}");
        assert!(longest <= ms(200), "{longest:?}");
        let (share, longest) = play(ms(1), ms(10), Duration::from_micros(100));
        assert!((0.08..0.10).contains(&share), "{share}");
        assert!(longest <= ms(200), "{longest:?}");
    }

    #[test]
    fn a_burst_is_no_overload() {
        let mut overload = Overload::new(Settings::default());
        // A hundred at once, of which the last waits 150 ms; then rest; twice over.
        for burst in [ms(1_000), ms(2_000)] {
            for n in 0..100u32 {
                let wait = Duration::from_micros(1_500) * n;
                assert!(!overload.refuses(burst + wait, wait));
            }
            assert!(!overload.is_overloaded());
        }
    }

    #[test]
    fn it_ends_when_the_queue_drains() {
        let mut overload = Overload::new(Settings::default());
        for n in 0..450u64 {
            let _ = overload.refuses(ms(n), ms(n.min(60)));
        }
        assert!(overload.is_overloaded());
        for n in 450..900 {
            let _ = overload.refuses(ms(n), ms(1));
        }
        assert!(!overload.is_overloaded());
        assert!(overload.refuses(ms(901), ms(201)), "too late for its caller in any case");
    }
}
