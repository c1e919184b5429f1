//! Arithmetic in working time: add and count working days and hours, norms of hours.

mod bitmap;
mod norm;
mod working_days;

pub use bitmap::WorkingDays;
pub use norm::{Norm, Period, PeriodError};
pub use working_days::{ArithmeticError, DayLength};
