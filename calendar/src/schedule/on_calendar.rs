use alloc::sync::Arc;

use super::Hours;
use crate::Calendar;

/// How a schedule follows a production calendar.
#[derive(Clone, Debug)]
pub struct OnCalendar {
    /// The calendar.
    pub calendar: Arc<Calendar>,
    /// What holds in years that the calendar has no data for. The calendar's own fallback is not
    /// asked.
    pub without_data: WithoutData,
    /// The hours of holidays and moved days off; closed by default. Ordinary days of the weekend
    /// have their weekly hours.
    pub day_off: Hours,
    /// The hours of working weekends. By default those of the day whose rest they give, if the
    /// calendar knows it, else of a Monday.
    pub working_weekend: Option<Hours>,
    /// By how many seconds a short day ends earlier, 3,600 by default.
    pub short_by: u32,
}

impl OnCalendar {
    /// Follows `calendar` with the defaults of the other fields.
    pub fn new(calendar: impl Into<Arc<Calendar>>, without_data: WithoutData) -> Self {
        Self {
            calendar: calendar.into(),
            without_data,
            day_off: Hours::CLOSED,
            working_weekend: None,
            short_by: 3_600,
        }
    }
}

/// What a schedule on a production calendar says of years without data. There is no default: who
/// writes the schedule must decide, and each answer from such a year tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WithoutData {
    /// The weekly hours, as if there were no holidays.
    Weekly,
    /// Closed.
    Closed,
    /// Open.
    Open,
}
