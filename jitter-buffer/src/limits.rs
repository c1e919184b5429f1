use core::time::Duration;

use crate::Config;
use crate::units::MediaClock;

/// The configuration's durations, in timestamp units.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) tick: i64,
    pub(crate) max_delay: i64,
    pub(crate) conceal: i64,
    /// How far a packet can be behind the newest.
    pub(crate) reach: i64,
    pub(crate) late_time: i64,
    pub(crate) outage: i64,
    pub(crate) second: i64,
}

impl Limits {
    pub(crate) fn new(config: &Config, clock: MediaClock) -> Self {
        Self {
            tick: clock.units(config.tick),
            max_delay: clock.units(config.max_delay),
            conceal: clock.units(config.conceal_limit),
            reach: clock.units(REACH),
            late_time: clock.units(LATE_TIME),
            outage: clock.units(OUTAGE),
            second: clock.units(Duration::from_secs(1)),
        }
    }
}

/// A packet more than this behind the newest is not a late one: reordering stays within 100 packets
/// of at most 120 ms, and silences between them seldom last so long.
const REACH: Duration = Duration::from_secs(60);

/// Late packets for so long are no delay spike that passes by itself, so the timeline gives in.
const LATE_TIME: Duration = Duration::from_millis(400);

/// After an outage of this long, one more tick is waited when a lone packet comes, to see whether the
/// backlog follows at once: what was concealed may be skipped for nothing, and only before playout goes on.
/// Coming back from a delay D too long at a fifth costs 2.5 D² in delay and time; a tick of 10 ms concealed
/// costs as much as 27 ms of delay for a second (`crossings`: 0.364 / 0.137 a millisecond). At 150 ms the
/// one is 56 ms for a second, and every other backlog comes at once.
const OUTAGE: Duration = Duration::from_millis(150);
