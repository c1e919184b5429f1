//! Sources that are not listened to, for a time.

use std::net::IpAddr;
use std::time::Duration;

use super::generations::Generations;
use super::network::source;

/// Why a source is not listened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// Wrong credentials, again and again.
    Failures,
    /// It says, or looks like it, that it looks for exchanges to abuse.
    Scanner,
}

impl Reason {
    /// For logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "wrong credentials",
            Self::Scanner => "a scanner",
        }
    }
}

/// A source that is not listened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ban {
    /// Its address; of IPv6 the first of its /64.
    pub source: IpAddr,
    /// Why.
    pub reason: Reason,
    /// Until when.
    pub until: Duration,
}

/// The sources that are not listened to. When there are too many, those that have been silent longest
/// are forgotten.
#[derive(Debug)]
pub(super) struct Bans(Generations<IpAddr, Ban>);

impl Bans {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Generations::new(capacity))
    }

    /// Begins or prolongs a ban; whether it is a new one.
    pub(super) fn begin(&mut self, ban: Ban) -> bool {
        let mut new = false;
        let known = self.0.entry(ban.source, || {
            new = true;
            ban
        });
        known.until = known.until.max(ban.until);
        new
    }

    /// Whether an address is banned, and whether its ban has just run out.
    pub(super) fn is_banned(&mut self, now: Duration, address: IpAddr) -> (bool, Option<Ban>) {
        let source = source(address);
        match self.0.get(&source) {
            Some(ban) if ban.until > now => (true, None),
            Some(_) => (false, self.0.remove(&source)),
            None => (false, None),
        }
    }

    pub(super) fn lift(&mut self, address: IpAddr) -> Option<Ban> {
        self.0.remove(&source(address))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Ban> {
        self.0.iter().map(|(_, ban)| *ban)
    }

    pub(super) fn shrink(&mut self) {
        self.0.shrink();
    }

    /// Those that have run out.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Ban> {
        let over: Vec<Ban> = self.iter().filter(|ban| ban.until <= now).collect();
        self.0.retain(|ban| ban.until > now);
        over
    }
}
