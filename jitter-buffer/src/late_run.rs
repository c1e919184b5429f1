/// New packets have been coming late only.
#[derive(Debug)]
pub(crate) struct LateRun {
    since: i64,
    packets: u32,
}

impl LateRun {
    pub(crate) fn new(now: i64) -> Self {
        Self { since: now, packets: 0 }
    }

    /// Counts one more late packet; whether they have come late for `time`, and are enough to prove it.
    pub(crate) fn proves(&mut self, now: i64, time: i64) -> bool {
        self.packets += 1;
        self.packets >= LATE_PACKETS && now - self.since >= time
    }
}

/// A few packets, between silences, prove nothing.
const LATE_PACKETS: u32 = 5;
