//! What the server holds while it is soaked, and whether that grows.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::meter::{self, Holdings};

/// A look at the server.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Look {
    /// Seconds since the first call.
    pub(crate) at: f64,
    /// Calls under way.
    pub(crate) calls: usize,
    #[serde(flatten)]
    pub(crate) holds: Holdings,
}

/// Looks at the server again and again.
pub(crate) struct Watch {
    every: Duration,
    next: Duration,
    pub(crate) looks: Vec<Look>,
    length: Duration,
}

/// How often the server is looked at, in a run long enough.
const EVERY: Duration = Duration::from_secs(10);
/// What the last third may hold more than the second: this part of it, or so much if that is more.
const TOLERANCE: f64 = 0.05;
const BYTES: u64 = 512 * 1_024;
/// RTP ports are kept for the next calls, so that the highest number of calls at once shows in them.
const DESCRIPTORS: u64 = 32;
/// In a shorter run the calls under way become more for most of the time, and memory with them.
pub(crate) const SHORTEST: Duration = Duration::from_secs(120);

/// Whether something grows: by the medians of the second and the last third.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Growth {
    pub(crate) second_third: u64,
    pub(crate) last_third: u64,
    pub(crate) allowed: u64,
}

impl Growth {
    pub(crate) fn is_none(&self) -> bool {
        self.last_third <= self.second_third + self.allowed
    }
}

impl Watch {
    pub(crate) fn new(length: Duration) -> Self {
        Self { every: EVERY.min(length / 12), next: Duration::ZERO, looks: Vec::new(), length }
    }

    pub(crate) fn is_due(&self, since: Duration) -> bool {
        since >= self.next
    }

    /// Looks.
    ///
    /// # Errors
    ///
    /// The process is gone.
    pub(crate) fn look(&mut self, since: Duration, pid: u32, calls: usize) -> anyhow::Result<()> {
        self.next = since + self.every;
        let holds = meter::holdings(pid)?;
        self.looks.push(Look { at: since.as_secs_f64(), calls, holds });
        Ok(())
    }

    /// The growth of memory in bytes, and that of descriptors; `None` in a run too short to tell.
    pub(crate) fn growth(&self) -> Option<(Growth, Growth)> {
        if self.length < SHORTEST {
            return None;
        }
        let memory = growth(&self.looks, self.length, BYTES, |holds| holds.memory)?;
        let descriptors = growth(&self.looks, self.length, DESCRIPTORS, |holds| holds.descriptors)?;
        Some((memory, descriptors))
    }
}

fn growth(
    looks: &[Look],
    length: Duration,
    least: u64,
    of: impl Fn(&Holdings) -> u64,
) -> Option<Growth> {
    let third = length.as_secs_f64() / 3.0;
    let median = |from: f64, to: f64| {
        let within = looks.iter().filter(|look| look.at >= from && look.at < to);
        let mut values: Vec<u64> = within.map(|look| of(&look.holds)).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    };
    let (second, last) = (median(third, 2.0 * third)?, median(2.0 * third, 3.0 * third)?);
    let allowed = ((second as f64 * TOLERANCE) as u64).max(least);
    Some(Growth { second_third: second, last_third: last, allowed })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(memory: impl Fn(u64) -> u64) -> Vec<Look> {
        let look = |n: u64| Look {
            at: n as f64 * 10.0,
            calls: 1,
            holds: Holdings { memory: memory(n), descriptors: 9, threads: 4 },
        };
        (0..60).map(look).collect()
    }

    #[test]
    fn a_leak_is_seen_and_noise_is_not() {
        let length = Duration::from_secs(600);
        let none = |memory: fn(u64) -> u64| {
            growth(&looks(memory), length, BYTES, |holds| holds.memory).unwrap().is_none()
        };
        assert!(none(|n| 20_000_000 + (n % 7) * 100_000));
        assert!(none(|n| if n < 20 { n * 1_000_000 } else { 20_000_000 }), "the beginning");
        assert!(!none(|n| 20_000_000 + n * 100_000));
        assert!(growth(&[], length, BYTES, |holds| holds.memory).is_none());
    }
}
