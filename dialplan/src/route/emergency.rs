//! Emergency calls: before any policy, and never blocked.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::number::Digits;

/// How emergency calls go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emergency {
    /// The trunks to try first, in order; after them every other trunk is tried.
    pub trunks: Vec<Box<str>>,
    /// The number that stands for `urn:service:sos`, since trunks take digits.
    pub urn_number: Digits,
}

impl Default for Emergency {
    /// No trunk preferred; the URN becomes 112.
    fn default() -> Self {
        let urn_number = "112".parse().unwrap_or(Digits::EMPTY);
        Emergency { trunks: Vec::new(), urn_number }
    }
}
