//! How a registrar behaves.

use super::GruuKey;
use crate::header::NameAddr;

/// How a [`Registrar`](super::Registrar) behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The shortest registration, in seconds; shorter wishes get 423. Default 60.
    pub min_expires: u32,
    /// The longest one; longer wishes are cut. Default 7,200.
    pub max_expires: u32,
    /// For who names no duration. Default 3,600.
    pub default_expires: u32,
    /// Bindings of one address of record. Default 10.
    pub bindings_each: usize,
    /// Bindings in all. Default 100,000.
    pub bindings: usize,
    /// Whether changes are kept for [`Registrar::poll_change`](super::Registrar::poll_change). Default on; off for who never asks.
    pub changes: bool,
    /// Where registered phones are to send their requests (RFC 3608), first hop first. Default
    /// empty: no Service-Route.
    pub service_route: Vec<NameAddr>,
    /// Whether phones may keep several flows (RFC 5626). Default on.
    pub outbound: bool,
    /// How many seconds a phone with outbound may let pass between keep-alives (RFC 5626 §6).
    /// Default none: the phone decides.
    pub flow_timer: Option<u32>,
    /// With a key, phones that ask for GRUUs get a public and a temporary one (RFC 5627). Default
    /// none.
    pub gruu: Option<GruuKey>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_expires: 60,
            max_expires: 7200,
            default_expires: 3600,
            bindings_each: 10,
            bindings: 100_000,
            changes: true,
            service_route: Vec::new(),
            outbound: true,
            flow_timer: None,
            gruu: None,
        }
    }
}
