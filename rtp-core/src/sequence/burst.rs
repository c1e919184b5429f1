//! Bursts and gaps (RFC 3611 section 4.7.2).

/// Where the losses of a stream lie.
///
/// A burst begins and ends with a lost packet and has fewer than [`BurstGap::GMIN`] packets in a row
/// that came; everything else is gap, a single loss with that many on both sides included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BurstGap {
    /// Packets, lost and come.
    pub packets: u64,
    /// Those that were lost.
    pub lost: u64,
    /// Bursts that are over, and the one that is not when it has two losses.
    bursts: u64,
    burst_packets: u64,
    burst_lost: u64,
    /// From the first loss to the last of the losses that lie together now.
    episode_packets: u64,
    episode_lost: u64,
    /// Packets that came since the last loss.
    come: u64,
}

impl BurstGap {
    /// Gmin: so many packets in order end a burst.
    pub const GMIN: u64 = 16;

    /// The next packet came, or did not (or came too late to be played).
    pub fn push(&mut self, came: bool) {
        self.packets += 1;
        if came {
            self.come += 1;
            return;
        }
        self.lost += 1;
        if self.episode_lost > 0 && self.come < Self::GMIN {
            self.episode_packets += self.come + 1;
            self.episode_lost += 1;
        } else {
            self.close();
            self.episode_packets = 1;
            self.episode_lost = 1;
        }
        self.come = 0;
    }

    /// How many bursts there were.
    pub fn bursts(&self) -> u64 {
        self.closed().bursts
    }

    /// The share of packets lost within bursts, 0.0 to 1.0.
    pub fn burst_density(&self) -> f64 {
        let closed = self.closed();
        ratio(closed.burst_lost, closed.burst_packets)
    }

    /// The share of packets lost within gaps, 0.0 to 1.0.
    pub fn gap_density(&self) -> f64 {
        let closed = self.closed();
        ratio(closed.lost - closed.burst_lost, closed.packets - closed.burst_packets)
    }

    /// The mean length of a burst, in packets; 0.0 without one.
    pub fn mean_burst(&self) -> f64 {
        let closed = self.closed();
        ratio(closed.burst_packets, closed.bursts)
    }

    /// The mean length of a gap, in packets: there is one more than there are bursts.
    pub fn mean_gap(&self) -> f64 {
        let closed = self.closed();
        ratio(closed.packets - closed.burst_packets, closed.bursts + 1)
    }

    /// The losses that lie together are all that will be.
    fn close(&mut self) {
        if self.episode_lost > 1 {
            self.bursts += 1;
            self.burst_packets += self.episode_packets;
            self.burst_lost += self.episode_lost;
        }
        (self.episode_packets, self.episode_lost) = (0, 0);
    }

    fn closed(&self) -> BurstGap {
        let mut closed = *self;
        closed.close();
        closed
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> BurstGap {
        let mut burst_gap = BurstGap::default();
        for packet in pattern.chars().filter(|c| !c.is_whitespace()) {
            burst_gap.push(packet == '1');
        }
        burst_gap
    }

    /// By the definitions of RFC 3611 section 4.7.2.
    #[test]
    fn a_pattern_by_hand() {
        // A gap of 40 with one loss, a burst of 12 with 6, a gap of 30.
        let gap = ["1".repeat(20), "0".into(), "1".repeat(19)].concat();
        let burst = "010110011010";
        let end = "1".repeat(30);
        let burst_gap = of(&(gap + burst + &end));
        assert_eq!(burst_gap.bursts(), 1);
        assert_eq!((burst_gap.packets, burst_gap.lost), (82, 7));
        assert_eq!(burst_gap.mean_burst(), 12.0);
        assert_eq!(burst_gap.burst_density(), 0.5);
        assert_eq!(burst_gap.mean_gap(), 35.0);
        assert_eq!(burst_gap.gap_density(), 1.0 / 70.0);
    }

    #[test]
    fn sixteen_in_order_end_a_burst() {
        let fifteen = ["0", &"1".repeat(15), "0"].concat();
        assert_eq!((of(&fifteen).bursts(), of(&fifteen).mean_burst()), (1, 17.0));
        let sixteen = ["0", &"1".repeat(16), "0"].concat();
        assert_eq!((of(&sixteen).bursts(), of(&sixteen).gap_density()), (0, 2.0 / 18.0));
    }

    #[test]
    fn nothing_and_everything_lost() {
        assert_eq!(BurstGap::default().gap_density(), 0.0);
        assert_eq!(BurstGap::default().mean_gap(), 0.0);
        let all = of(&"0".repeat(50));
        assert_eq!((all.burst_density(), all.mean_burst(), all.gap_density()), (1.0, 50.0, 0.0));
        assert_eq!(of("1").mean_gap(), 1.0);
    }
}
