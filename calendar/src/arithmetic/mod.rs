//! Arithmetic in working time: add and count working days and hours, norms of hours.

mod day_set;
mod day_table;
mod norm;
mod working_days;
mod working_hours;

pub use day_set::DaySet;
pub(crate) use day_table::DayTable;
pub use norm::{Norm, Period, PeriodError};
pub use working_days::{ArithmeticError, DayLength};
pub use working_hours::{OpenBetween, WorkingTimeError};
