use alloc::vec::Vec;

use jiff::tz::TimeZone;

use super::{Exception, OnCalendar, Override, Recurring, Season, Week};
use crate::GotoIfTime;

/// What a schedule is made of, as it was given.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) zone: TimeZone,
    pub(super) base: Base,
    pub(super) recurring: Vec<Recurring>,
    pub(super) calendar: Option<OnCalendar>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) manual: Option<Override>,
}

/// Where the hours come from that nothing else changes.
#[derive(Clone, Debug)]
pub(super) enum Base {
    Weekly { week: Week, seasons: Vec<Season> },
    GotoIfTime(Vec<GotoIfTime>),
}

impl Parts {
    /// Never open.
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            base: Base::Weekly { week: Week::new(), seasons: Vec::new() },
            recurring: Vec::new(),
            calendar: None,
            exceptions: Vec::new(),
            manual: None,
        }
    }
}
