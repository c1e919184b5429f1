//! The timers of RFC 3261 table 4 and RFC 6026.

use core::time::Duration;

/// The three times from which every transaction timer follows.
///
/// The defaults are those of RFC 3261 table 4. Shorter ones suit a closed network; T1 is an
/// estimate of the round trip time and 64*T1 bounds every wait, so `t1` below 10 ms makes calls
/// fail on ordinary scheduling noise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// Round trip estimate, 500 ms.
    pub t1: Duration,
    /// Longest interval between two repetitions of a non-INVITE request and of an INVITE's
    /// response, 4 s.
    pub t2: Duration,
    /// How long a message may stay in the network, 5 s.
    pub t4: Duration,
    /// Waits for repetitions (timers D, I, J, K, L, M), which nobody wants to be exact, end at the next
    /// whole multiple of this: so many of them end together, and wake their driver once. Zero, the
    /// default, ends each at its own time. A power of two of milliseconds, such as 512 ms, suits the
    /// timers best.
    pub grain: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            grain: Duration::ZERO,
        }
    }
}

/// A timer of the transaction machines, by its letter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// INVITE request repetition, T1 doubling, unreliable transports only.
    A,
    /// INVITE transaction time-out, 64*T1.
    B,
    /// Wait for response repetitions, 32 s or more; none on reliable transports.
    D,
    /// Non-INVITE request repetition, T1 doubling to T2, unreliable transports only.
    E,
    /// Non-INVITE transaction time-out, 64*T1.
    F,
    /// INVITE response repetition, T1 doubling to T2, unreliable transports only.
    G,
    /// Wait for the ACK, 64*T1.
    H,
    /// Wait for ACK repetitions, T4; none on reliable transports.
    I,
    /// Wait for non-INVITE request repetitions, 64*T1; none on reliable transports.
    J,
    /// Wait for response repetitions, T4; none on reliable transports.
    K,
    /// Wait for accepted INVITE repetitions, 64*T1.
    L,
    /// Wait for repetitions of 2xx and for those of other forks, 64*T1.
    M,
    /// After 200 ms an INVITE is answered 100 (§17.2.1).
    Trying,
    /// As long as it takes the sender's timer E to come to T2, 3.5 s: then a non-INVITE request
    /// without an answer is answered 100 (RFC 4320 §4.1).
    LateTrying,
    /// What is left of 64*T1 after that: then a non-INVITE request that its user does not answer is
    /// given up.
    Unanswered,
}

impl Timing {
    pub(super) const TRYING: Duration = Duration::from_millis(200);

    /// 64*T1: how long every party waits before it gives up.
    pub fn timeout(&self) -> Duration {
        self.t1 * 64
    }

    /// How long a client transaction's timer E takes to be reset to T2: 3.5 s (RFC 4320 §4.1); 64*T1
    /// at most.
    pub(super) fn until_t2(&self) -> Duration {
        let mut interval = self.t1;
        let mut elapsed = self.t1;
        while interval * 2 < self.t2 && elapsed < self.timeout() {
            interval *= 2;
            elapsed += interval;
        }
        elapsed.min(self.timeout())
    }

    /// How long `timer` runs when it is started for the `n`th time in a row (from 0), on a
    /// transport that is reliable or not; `None` when it is not to run at all. `proceeding` says
    /// that a provisional response has come, which slows timer E down to T2 (§17.1.2.2).
    pub fn duration(
        &self,
        timer: Timer,
        n: u32,
        reliable: bool,
        proceeding: bool,
    ) -> Option<Duration> {
        let doubled = || self.t1.saturating_mul(1 << n.min(16));
        match timer {
            Timer::A | Timer::E | Timer::G if reliable => None,
            Timer::A => Some(doubled()),
            Timer::E if proceeding => Some(self.t2),
            Timer::E | Timer::G => Some(doubled().min(self.t2)),
            Timer::D | Timer::I | Timer::J | Timer::K if reliable => Some(Duration::ZERO),
            Timer::D => Some(self.timeout().max(Duration::from_secs(32))),
            Timer::I | Timer::K => Some(self.t4),
            Timer::B | Timer::F | Timer::H | Timer::J | Timer::L | Timer::M => Some(self.timeout()),
            Timer::Trying => Some(Self::TRYING),
            Timer::LateTrying => Some(self.until_t2()),
            Timer::Unanswered => Some(self.timeout() - self.until_t2()),
        }
    }
}

impl Timing {
    /// When `timer` ends that runs for so long from now on.
    pub(super) fn deadline(&self, timer: Timer, now: Duration, after: Duration) -> Duration {
        let waits =
            matches!(timer, Timer::D | Timer::I | Timer::J | Timer::K | Timer::L | Timer::M);
        match waits && !after.is_zero() {
            true => self.grained(now + after),
            false => now + after,
        }
    }

    /// The next whole multiple of [`grain`](Self::grain).
    pub(crate) fn grained(&self, at: Duration) -> Duration {
        let grain = self.grain.as_nanos();
        if grain == 0 {
            return at;
        }
        let whole = at.as_nanos().div_ceil(grain).saturating_mul(grain);
        u64::try_from(whole).map_or(at, Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end_together_and_never_early() {
        let [seconds, grain] = [Duration::from_secs, Duration::from_millis];
        let exact = Timing::default();
        let timing = Timing { grain: grain(512), ..exact };
        for now in (0..5_000).step_by(37).map(Duration::from_millis) {
            let wait = timing.deadline(Timer::J, now, seconds(32));
            assert_eq!(wait.as_millis() % 512, 0);
            assert!((seconds(32)..seconds(32) + grain(512)).contains(&(wait - now)));
            assert_eq!(exact.deadline(Timer::J, now, seconds(32)), now + seconds(32));
            assert_eq!(timing.deadline(Timer::F, now, seconds(32)), now + seconds(32));
            assert_eq!(timing.deadline(Timer::J, now, Duration::ZERO), now);
        }
        assert_eq!(timing.grained(Duration::MAX), Duration::MAX);
    }

    #[test]
    fn repetitions_are_those_of_the_standard() {
        let timing = Timing::default();
        let run = |timer, proceeding| -> Vec<u128> {
            (0..5)
                .filter_map(|n| timing.duration(timer, n, false, proceeding))
                .map(|d| d.as_millis())
                .collect()
        };
        assert_eq!(run(Timer::A, false), [500, 1000, 2000, 4000, 8000]);
        assert_eq!(run(Timer::E, false), [500, 1000, 2000, 4000, 4000]);
        assert_eq!(run(Timer::E, true), [4000; 5]);
        assert_eq!(run(Timer::G, false), [500, 1000, 2000, 4000, 4000]);
    }

    #[test]
    fn reliable_transports_repeat_nothing_and_wait_for_nothing() {
        let timing = Timing::default();
        for timer in [Timer::A, Timer::E, Timer::G] {
            assert_eq!(timing.duration(timer, 0, true, false), None);
        }
        for timer in [Timer::D, Timer::I, Timer::J, Timer::K] {
            assert_eq!(timing.duration(timer, 0, true, false), Some(Duration::ZERO));
        }
        for timer in [Timer::B, Timer::F, Timer::H, Timer::L, Timer::M] {
            assert_eq!(timing.duration(timer, 0, true, false), Some(Duration::from_secs(32)));
        }
    }
}
