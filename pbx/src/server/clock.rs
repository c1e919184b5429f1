//! The one place that reads the clocks.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Monotonic time since the server started, shared by all its threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// The instant at which `now` will be reached.
    pub(super) fn instant(&self, now: Duration) -> Instant {
        self.start + now
    }

    /// The wall clock.
    pub(super) fn wall(&self) -> Timestamp {
        Timestamp::now()
    }
}
