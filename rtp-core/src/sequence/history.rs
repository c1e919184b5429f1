//! Which of the last packets came, and how the losses before them lay.

use super::BurstGap;

/// Packets whose fate is still open: one bit each.
const WINDOW: u16 = 128;

/// The last [`WINDOW`] packets as bits, and counts of what left that window.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// Bit `i` is set when the packet `i` before the newest has come.
    window: u128,
    /// How many bits of `window` stand for packets of this source.
    filled: u16,
    settled: LossRuns,
    settled_bursts: BurstGap,
    /// Was the last packet that left the window lost?
    in_run: bool,
}

impl History {
    pub(super) fn new() -> History {
        History {
            window: 0,
            filled: 0,
            settled: LossRuns::default(),
            settled_bursts: BurstGap::default(),
            in_run: false,
        }
    }

    /// Starts with one received packet; keeps what was counted.
    pub(super) fn restart(&mut self) {
        self.settled = self.loss_runs();
        self.settled_bursts = self.burst_gap();
        self.in_run = false;
        self.window = 1;
        self.filled = 1;
    }

    /// The packet `ahead` after the newest has come (`ahead` > 0).
    pub(super) fn advance(&mut self, ahead: u16) {
        // Beyond one window every further packet is lost for good.
        for _ in 0..ahead.min(WINDOW) {
            if self.filled == WINDOW {
                let received = self.window >> (WINDOW - 1) == 1;
                self.settle(received);
            } else {
                self.filled += 1;
            }
            self.window <<= 1;
        }
        for _ in WINDOW..ahead {
            self.settle(false);
        }
        self.window |= 1;
    }

    /// The packet `behind` before the newest has come; false when it had come before.
    pub(super) fn mark(&mut self, behind: u16) -> bool {
        if behind >= WINDOW {
            return true;
        }
        let bit = 1 << behind;
        let fresh = self.window & bit == 0;
        self.window |= bit;
        fresh
    }

    pub(super) fn loss_runs(&self) -> LossRuns {
        let mut runs = self.settled;
        let mut in_run = self.in_run;
        for behind in (0..self.filled).rev() {
            runs.push(self.window >> behind & 1 == 1, &mut in_run);
        }
        runs
    }

    pub(super) fn burst_gap(&self) -> BurstGap {
        let mut bursts = self.settled_bursts;
        for behind in (0..self.filled).rev() {
            bursts.push(self.window >> behind & 1 == 1);
        }
        bursts
    }

    fn settle(&mut self, received: bool) {
        self.settled.push(received, &mut self.in_run);
        self.settled_bursts.push(received);
    }
}

/// Losses and the runs that they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LossRuns {
    /// Packets that came, duplicates counted once.
    pub received: u64,
    /// Packets that did not.
    pub lost: u64,
    /// Runs of losses without a received packet between them.
    pub runs: u64,
}

impl LossRuns {
    /// The share of packets lost, 0.0 to 1.0.
    pub fn loss(&self) -> f64 {
        let total = self.received + self.lost;
        if total == 0 { 0.0 } else { self.lost as f64 / total as f64 }
    }

    /// BurstR of ITU-T G.107: the mean run of losses over the one that random loss of the same
    /// share would have; at least 1.0, which means random.
    pub fn burst_ratio(&self) -> f64 {
        if self.runs == 0 {
            return 1.0;
        }
        let mean = self.lost as f64 / self.runs as f64;
        (mean * (1.0 - self.loss())).max(1.0)
    }

    fn push(&mut self, received: bool, in_run: &mut bool) {
        if received {
            self.received += 1;
        } else {
            self.lost += 1;
            self.runs += u64::from(!*in_run);
        }
        *in_run = !received;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_across_the_window() {
        let mut history = History::new();
        history.restart();
        for _ in 0..300 {
            // Two lost, one received.
            history.advance(3);
        }
        let runs = history.loss_runs();
        assert_eq!(runs, LossRuns { received: 301, lost: 600, runs: 300 });
        assert!((runs.loss() - 600.0 / 901.0).abs() < 1e-12);
        // Mean run 2; random loss of two thirds would have runs of 3.
        assert_eq!(runs.burst_ratio(), 1.0);
    }

    #[test]
    fn a_long_gap_is_one_run() {
        let mut history = History::new();
        history.restart();
        history.advance(2_000);
        assert_eq!(history.loss_runs(), LossRuns { received: 2, lost: 1_999, runs: 1 });
        for _ in 0..200 {
            history.advance(1);
        }
        assert_eq!(history.loss_runs(), LossRuns { received: 202, lost: 1_999, runs: 1 });
    }

    #[test]
    fn a_late_packet_fills_its_hole() {
        let mut history = History::new();
        history.restart();
        history.advance(3);
        assert!(history.mark(1));
        assert!(!history.mark(1));
        assert_eq!(history.loss_runs(), LossRuns { received: 3, lost: 1, runs: 1 });
    }

    #[test]
    fn bursts_raise_the_ratio() {
        let runs = LossRuns { received: 90, lost: 10, runs: 2 };
        assert!((runs.burst_ratio() - 4.5).abs() < 1e-12);
        assert_eq!(LossRuns::default().burst_ratio(), 1.0);
    }
}
