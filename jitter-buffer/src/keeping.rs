use alloc::boxed::Box;

use crate::drift::{self, Drift};
use crate::stretching::Budget;
use crate::target::Target;
use crate::units::MediaClock;
use crate::{Config, Mode};

/// How the delay is kept where it should be.
#[derive(Debug)]
pub(crate) enum Keeping {
    Fixed {
        drift: Drift,
        /// Steps to be filled while the timeline stands, which lengthens the delay.
        hold: i64,
    },
    Adaptive(Box<Adaptive>),
}

/// What only [`Mode::Adaptive`] needs.
#[derive(Debug)]
pub(crate) struct Adaptive {
    pub(crate) target: Target,
    /// `None` when the caller cannot stretch.
    pub(crate) budget: Option<Budget>,
    /// Whether playout has waited to see if the backlog of an outage comes at once.
    pub(crate) has_waited: bool,
    /// Media played since a frame was dropped to shorten the delay.
    pub(crate) since_drop: i64,
}

impl Keeping {
    pub(crate) fn new(config: &Config, clock: MediaClock) -> Self {
        match config.mode {
            Mode::Fixed { .. } => {
                let drift = Drift::new(clock.units(drift::WINDOW));
                Self::Fixed { drift, hold: 0 }
            }
            Mode::Adaptive { least, most } => Self::Adaptive(Box::new(Adaptive {
                target: Target::new(
                    clock,
                    clock.units(config.tick),
                    clock.units(least),
                    clock.units(most),
                ),
                budget: config.stretching.then(|| Budget::new(clock)),
                has_waited: false,
                since_drop: 0,
            })),
        }
    }
}
