use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::{Directed, Stage};
use crate::forward::FlowKey;

/// Lets flows out, and in only what answers them: a packet from outside passes when its flow, the other way
/// round, went out before and neither was silent for too long.
#[derive(Debug)]
pub struct StatefulFilter {
    config: FilterConfig,
    /// Flows as they went out, and when they were last seen.
    flows: BTreeMap<FlowKey, Duration>,
    by_age: BTreeSet<(Duration, FlowKey)>,
}

/// Limits of a [`StatefulFilter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterConfig {
    /// Flows known at once; the one silent for longest gives way. Default 65,536.
    pub capacity: usize,
    /// How long a silent flow stays open. Default 120 s (RFC 4787, REQ-5).
    pub timeout: Duration,
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self { capacity: 65_536, timeout: Duration::from_secs(120) }
    }
}

impl StatefulFilter {
    /// A filter that knows no flow.
    pub fn new(config: FilterConfig) -> Self {
        Self { config, flows: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    /// Whether a packet may pass.
    pub fn allows(&mut self, now: Duration, from_inside: bool, packet: &[u8]) -> bool {
        self.forget(now);
        let Some(flow) = FlowKey::of(packet) else { return false };
        let flow = if from_inside { flow } else { flow.reversed() };
        if let Some(seen) = self.flows.get_mut(&flow) {
            self.by_age.remove(&(*seen, flow));
            *seen = now;
        } else if from_inside {
            if self.flows.len() >= self.config.capacity
                && let Some((_, oldest)) = self.by_age.pop_first()
            {
                self.flows.remove(&oldest);
            }
            self.flows.insert(flow, now);
        } else {
            return false;
        }
        self.by_age.insert((now, flow));
        true
    }

    /// Open flows.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether no flow is open.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    fn forget(&mut self, now: Duration) {
        let oldest = now.saturating_sub(self.config.timeout);
        while let Some((seen, flow)) = self.by_age.first().copied()
            && seen < oldest
        {
            self.by_age.pop_first();
            self.flows.remove(&flow);
        }
    }
}

impl<P: AsRef<[u8]> + Send> Stage<Directed<P>> for StatefulFilter {
    fn process(
        &mut self,
        now: Duration,
        input: &mut Vec<Directed<P>>,
        output: &mut Vec<Directed<P>>,
    ) {
        output.extend(
            input.drain(..).filter(|item| self.allows(now, item.from_inside, item.packet.as_ref())),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::ip::tests::udp4;
    use std::format;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn answers_pass_and_strangers_do_not() {
        let mut filter = StatefulFilter::new(FilterConfig::default());
        let out = udp4("10.0.0.1:1000", "192.0.2.1:2000", b"");
        let answer = udp4("192.0.2.1:2000", "10.0.0.1:1000", b"");
        assert!(!filter.allows(at(0), false, &answer));
        assert!(filter.allows(at(1), true, &out));
        assert!(filter.allows(at(100), false, &answer));
        assert!(!filter.allows(at(100), false, &udp4("192.0.2.1:2001", "10.0.0.1:1000", b"")));
        assert!(filter.allows(at(220), false, &answer), "the answer kept it open");
        assert!(!filter.allows(at(341), false, &answer));
        assert!(filter.is_empty());
        assert!(!filter.allows(at(341), true, b"no packet"));
    }

    #[test]
    fn a_scan_from_inside_stays_within_the_limit() {
        let mut filter =
            StatefulFilter::new(FilterConfig { capacity: 10, ..FilterConfig::default() });
        for port in 1..1000 {
            assert!(filter.allows(
                at(0),
                true,
                &udp4(&format!("10.0.0.1:{port}"), "192.0.2.1:9", b"")
            ));
            assert!(filter.len() <= 10);
        }
        assert!(filter.allows(at(0), false, &udp4("192.0.2.1:9", "10.0.0.1:999", b"")));
        assert!(!filter.allows(at(0), false, &udp4("192.0.2.1:9", "10.0.0.1:1", b"")));
    }
}
