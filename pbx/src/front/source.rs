//! How much one source may ask for.

use std::time::Duration;

/// How often something may happen: on average, and at once after a rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// A second. 0: never.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// What is left of a [`Rate`]: a bucket of tokens, kept as the instant at which it is full again.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Bucket {
    full: Duration,
}

impl Bucket {
    /// Takes a token; `false` when there is none.
    pub(super) fn take(&mut self, now: Duration, rate: Rate) -> bool {
        let Some(each) = Duration::from_secs(1).checked_div(rate.per_second) else { return false };
        let after = self.full.max(now) + each;
        if after.saturating_sub(now) > each * rate.burst.max(1) {
            return false;
        }
        self.full = after;
        true
    }
}

/// What is remembered of a source.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Source {
    /// Requests outside a dialog, of addresses that have proved who they are. Strangers have their own,
    /// so that those behind the same address cannot use them up.
    pub(super) requests: Bucket,
    /// Requests outside a dialog, of strangers.
    pub(super) strange_requests: Bucket,
    /// Messages from addresses that have not proved who they are.
    pub(super) strangers: Bucket,
    /// Refusals that it is sent for asking too much.
    pub(super) refusals: Bucket,
    failures: u32,
    since: Duration,
}

impl Source {
    /// Whether it says no more than one that was never heard of.
    pub(super) fn is_spent(&self, now: Duration, window: Duration) -> bool {
        let Self { requests, strange_requests, strangers, refusals, failures, since } = self;
        [requests, strange_requests, strangers, refusals].iter().all(|bucket| bucket.full <= now)
            && (*failures == 0 || now.saturating_sub(*since) > window)
    }

    /// Notes wrong credentials: how many there were in the last `window`.
    pub(super) fn fail(&mut self, now: Duration, window: Duration) -> u32 {
        if now.saturating_sub(self.since) > window {
            (self.failures, self.since) = (0, now);
        }
        self.failures += 1;
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let rate = Rate { per_second: 10, burst: 5 };
        let mut bucket = Bucket::default();
        let now = Duration::from_secs(7);
        let at_once = (0..100).filter(|_| bucket.take(now, rate)).count();
        assert_eq!(at_once, 5);
        let later =
            (1..=10_000).filter(|ms| bucket.take(now + Duration::from_millis(*ms), rate)).count();
        assert_eq!(later, 100);
        assert!(!Bucket::default().take(now, Rate { per_second: 0, burst: 5 }));
    }

    #[test]
    fn failures_count_within_their_window() {
        let mut source = Source::default();
        let window = Duration::from_secs(60);
        assert_eq!(source.fail(Duration::from_secs(100), window), 1);
        assert_eq!(source.fail(Duration::from_secs(160), window), 2);
        assert_eq!(source.fail(Duration::from_secs(161), window), 1);
        assert!(!source.is_spent(Duration::from_secs(221), window));
        let later = Duration::from_secs(222);
        assert!(source.is_spent(later, window));
        assert!(source.strangers.take(later, Rate { per_second: 1, burst: 5 }));
        assert!(!source.is_spent(later, window));
        assert!(source.is_spent(later + Duration::from_secs(1), window));
    }
}
