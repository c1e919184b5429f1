//! How long things took.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Times in microseconds, to two digits.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Latency {
    pub(crate) fn new() -> Self {
        // Two digits are valid for a histogram that grows.
        Self(Histogram::new(2).unwrap_or_else(|_| unreachable!()))
    }

    pub(crate) fn record(&mut self, time: Duration) {
        // A histogram that grows takes everything.
        let _ = self.0.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Percentiles {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: self.0.max() as f64 / 1_000.0,
        }
    }
}
