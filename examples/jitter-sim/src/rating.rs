//! Delay, impairment and what they do to the opinion of a listener.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use rtp_core::quality::{CodecImpairment, Conditions};

use crate::replay::{Heard, Replay};
use crate::trace::Trace;

/// How a replay sounds.
#[derive(Debug)]
pub(crate) struct Rating {
    /// What is added to the fastest path and the packet time, in ms.
    delay: f64,
    /// Frames that were lost, late, dropped or replaced by concealment, as a part of all.
    impaired: f64,
    lost: f64,
    burst_ratio: f64,
    mos: f64,
    network_delay: Duration,
}

impl Rating {
    pub(crate) fn of(trace: &Trace, replay: &Replay, network_delay: Duration) -> Self {
        let sent = trace.sent();
        let frame = trace.frame();
        let frame_us = frame.as_micros() as f64;
        let fastest = trace.fastest() as f64;
        let heard: HashSet<usize> =
            replay.ticks.iter().flat_map(|tick| tick.taken.iter().copied()).collect();
        let missing =
            |from: usize, to: usize| (from..to).filter(|index| !heard.contains(index)).count();

        let (mut delay, mut played) = (0.0, 0_usize);
        let (mut impaired, mut runs) = (0.0, 0_usize);
        let (mut last, mut filled) = (None::<usize>, 0_usize);
        for tick in &replay.ticks {
            let Heard::Frame(index, fraction) = tick.heard else {
                filled += usize::from(last.is_some());
                continue;
            };
            delay += (tick.at - sent[index]) as f64 - fraction * frame_us - fastest;
            played += 1;
            // A loss and its concealment are one impairment; what a sender left out is none.
            let run = match last {
                None => missing(0, index) as f64,
                Some(last) if index > last || filled > 0 => {
                    let silent = (sent[index] - sent[last.min(index)]) as f64 / frame_us
                        - index.saturating_sub(last) as f64;
                    let concealed = filled as f64 * replay.tick as f64 / frame_us - silent.round();
                    (missing(last + 1, index.max(last + 1)) as f64).max(concealed)
                }
                Some(_) => 0.0,
            };
            impaired += run.max(0.0);
            runs += usize::from(run > 0.0);
            last = Some(last.map_or(index, |last| last.max(index)));
            filled = 0;
        }
        let frames = sent.len() as f64;
        let impaired_part = impaired / frames;
        let mean_run = impaired / (runs.max(1)) as f64;
        let burst_ratio = (mean_run * (1.0 - impaired_part)).clamp(1.0, 2.0);
        let delay = delay / played.max(1) as f64 / 1000.0;
        let quality = Conditions {
            delay: frame + network_delay + Duration::from_secs_f64(delay.max(0.0) / 1000.0),
            loss: impaired_part,
            burst_ratio,
            ..Conditions::new(CodecImpairment::G711_PLC)
        }
        .quality();
        Self {
            delay,
            impaired: impaired_part,
            lost: trace.lost() as f64 / frames,
            burst_ratio,
            mos: quality.mos,
            network_delay,
        }
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "delay {:.1} ms  impaired {:.2} % (lost by the network {:.2} %)  burst ratio {:.2}  \
             MOS {:.3} with {} ms of network",
            self.delay,
            self.impaired * 100.0,
            self.lost * 100.0,
            self.burst_ratio,
            self.mos,
            self.network_delay.as_millis(),
        )
    }
}
