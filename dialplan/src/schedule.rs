//! What the plan asks about time. The plan itself knows no calendar and no clock.

/// Answers whether a schedule is open now.
///
/// `schedule` is a name from the plan (`office-hours`) or, where the plan came from Asterisk, a time
/// condition as written there (`9:00-17:00,mon-fri,*,*`; recognised by its commas).
pub trait Schedules {
    /// Whether the schedule is open at the moment of the call; `None` when it is not known.
    ///
    /// An unknown schedule counts as closed, and an explanation says that it is unknown.
    fn is_open(&self, schedule: &str) -> Option<bool>;
}

impl<F: Fn(&str) -> Option<bool>> Schedules for F {
    fn is_open(&self, schedule: &str) -> Option<bool> {
        self(schedule)
    }
}

/// Knows no schedule.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSchedules;

impl Schedules for NoSchedules {
    fn is_open(&self, _: &str) -> Option<bool> {
        None
    }
}
