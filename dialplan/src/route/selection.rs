//! The trunks to try for one call.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::rate::Micros;

use super::{Failover, TrunkId};

/// The trunks to try for one call, in order, and those that are not, with the reason.
#[derive(Clone, Debug, Default)]
pub struct Selection<'r> {
    /// The route that applies.
    pub route: Option<&'r str>,
    /// The trunks to try.
    pub attempts: Vec<Attempt<'r>>,
    /// The trunks left out.
    pub skipped: Vec<Skipped<'r>>,
    /// It is an emergency call.
    pub is_emergency: bool,
}

/// One trunk to try.
#[derive(Clone, Debug)]
pub struct Attempt<'r> {
    /// The trunk.
    pub trunk: TrunkId,
    /// Its name.
    pub name: &'r str,
    /// The number as the trunk wants it.
    pub number: String,
    /// The price of a minute, where it is known.
    pub cost: Option<Micros>,
    pub(super) failover: &'r Failover,
}

/// A trunk left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped<'r> {
    /// The trunk's name.
    pub name: &'r str,
    /// The reason.
    pub why: Why,
}

/// Why a trunk was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its schedule is closed.
    Closed(Box<str>),
    /// Its schedule is not known to anyone.
    UnknownSchedule(Box<str>),
    /// It carries as many calls as it can.
    Full(u32),
    /// The route names a trunk that does not exist.
    NoSuchTrunk,
    /// The trunk takes only numbers with another prefix.
    OtherPrefix,
    /// The number cannot be written as the trunk wants it.
    Unwritable,
}

/// In words: `its schedule `night` is closed now`.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Closed(schedule) => write!(f, "its schedule `{schedule}` is closed now"),
            Why::UnknownSchedule(schedule) => write!(f, "nobody knows its schedule `{schedule}`"),
            Why::Full(capacity) => write!(f, "all its {capacity} lines are busy"),
            Why::NoSuchTrunk => f.write_str("it does not exist"),
            Why::OtherPrefix => f.write_str("it takes only numbers that begin otherwise"),
            Why::Unwritable => f.write_str("the number cannot be written for it"),
        }
    }
}

/// How a try at a trunk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A final SIP response.
    Status(u16),
    /// No answer within the trunk's time.
    Timeout,
}

impl<'r> Selection<'r> {
    /// What to try after the attempt of this number (from 0) failed; `None` when the failure goes
    /// back to the caller. For an emergency call every failure leads on.
    pub fn after(&self, attempt: usize, failure: Failure) -> Option<(usize, &Attempt<'r>)> {
        let failed = self.attempts.get(attempt)?;
        if !self.is_emergency && !failed.failover.includes(failure) {
            return None;
        }
        self.attempts.get(attempt + 1).map(|next| (attempt + 1, next))
    }
}

impl Attempt<'_> {
    /// How long to wait for an answer before the next trunk is tried.
    pub fn timeout(&self) -> Duration {
        self.failover.timeout
    }
}
