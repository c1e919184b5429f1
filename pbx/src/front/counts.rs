//! What a front has counted.

/// What a front has done with messages since it was made.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Counts {
    /// Messages that arrived.
    pub received: u64,
    /// Of these, passed on to the exchange.
    pub passed: u64,
    /// New calls answered 503 because there was too much to do.
    pub calls_shed: u64,
    /// Registrations answered 503 because there was too much to do.
    pub registrations_shed: u64,
    /// Other requests answered 503 because there was too much to do.
    pub others_shed: u64,
    /// Requests of sources that asked for too much, answered 503.
    pub limited: u64,
    /// Messages of sources that asked for too much, dropped.
    pub limited_silently: u64,
    /// Messages of banned sources and scanners, dropped.
    pub banned: u64,
    /// Messages dropped because too many waited.
    pub overflowed: u64,
    /// ACKs for refusals of ours, which nobody waits for.
    pub acks: u64,
    /// Bans begun.
    pub bans: u64,
    /// Times that overload began.
    pub overloads: u64,
}
