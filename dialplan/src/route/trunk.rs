//! Trunks: ways out to the public network.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use jiff::civil::DateTime;

use crate::number::{Number, Template};
use crate::rate::{Micros, Tariff};

use super::Failure;

/// A trunk of one router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub(super) u32);

/// A way out to the public network.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name, which routes use.
    pub name: Box<str>,
    /// How it wants numbers to be written.
    pub number: Template,
    /// How many calls it carries at once; `None` when that is not known here.
    pub capacity: Option<u32>,
    /// The schedule outside which it is not used.
    pub schedule: Option<Box<str>>,
    /// After which failures the next trunk is tried.
    pub failover: Failover,
    /// What calls over it cost.
    pub tariff: Option<Tariff>,
}

/// After which failures the next trunk is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failover {
    /// SIP status codes.
    pub statuses: Vec<u16>,
    /// How long to wait for a provisional or final answer other than 100.
    pub timeout: Duration,
}

impl Default for Failover {
    /// The trunk's own troubles: 408, 500, 502, 503, 504, and 8 s of silence. Answers about the
    /// callee, such as 486, go back to the caller.
    fn default() -> Self {
        Failover { statuses: [408, 500, 502, 503, 504].into(), timeout: Duration::from_secs(8) }
    }
}

impl Failover {
    /// Whether the next trunk is tried.
    pub fn includes(&self, failure: Failure) -> bool {
        match failure {
            Failure::Timeout => true,
            Failure::Status(status) => self.statuses.contains(&status),
        }
    }
}

impl Trunk {
    /// A trunk that takes numbers as `+74951234567`, any number of calls at any time.
    pub fn new(name: &str) -> Trunk {
        Trunk {
            name: name.into(),
            number: Template::default(),
            capacity: None,
            schedule: None,
            failover: Failover::default(),
            tariff: None,
        }
    }

    /// The price of a minute to a number.
    pub fn cost(&self, number: Number, at: Option<DateTime>) -> Option<Micros> {
        let (_, _, rate) = self.tariff.as_ref()?.rate(number, at?)?;
        Some(rate.per_minute)
    }
}
