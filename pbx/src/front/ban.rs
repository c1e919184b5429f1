//! Sources that are not listened to, for a time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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
/// are forgotten. They last for long, so that each takes little.
#[derive(Debug)]
pub(super) struct Bans(Generations<Key, Term>);

impl Bans {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Generations::new(capacity))
    }

    /// Begins or prolongs a ban; whether it is a new one.
    pub(super) fn begin(&mut self, ban: Ban) -> bool {
        let mut new = false;
        let term = Term::of(&ban);
        let known = self.0.entry(Key::of(ban.source), || {
            new = true;
            term
        });
        if known.until() < term.until() {
            *known = Term::new(term.until(), known.reason());
        }
        new
    }

    /// Whether an address is banned, and whether its ban has just run out.
    pub(super) fn is_banned(&mut self, now: Duration, address: IpAddr) -> (bool, Option<Ban>) {
        let key = Key::of(source(address));
        match self.0.get(&key) {
            Some(term) if term.until() > now => (true, None),
            Some(_) => (false, self.remove(key)),
            None => (false, None),
        }
    }

    pub(super) fn lift(&mut self, address: IpAddr) -> Option<Ban> {
        self.remove(Key::of(source(address)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Ban> {
        self.0.iter().map(|(key, term)| ban(*key, *term))
    }

    pub(super) fn shrink(&mut self) {
        self.0.shrink();
    }

    /// Those that have run out.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Ban> {
        let over: Vec<Ban> = self.iter().filter(|ban| ban.until <= now).collect();
        self.0.retain(|term| term.until() > now);
        over
    }

    fn remove(&mut self, key: Key) -> Option<Ban> {
        self.0.remove(&key).map(|term| ban(key, term))
    }
}

fn ban(key: Key, term: Term) -> Ban {
    Ban { source: key.source(), reason: term.reason(), until: term.until() }
}

/// A source in eight bytes: the first half of an IPv6 address, the other one of which says nothing; or an IPv4
/// address behind what no sender's address begins with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key(u64);

impl Key {
    /// `ffff:ffff::/32` is multicast.
    const IPV4: u64 = 0xffff_ffff << 32;

    fn of(source: IpAddr) -> Self {
        Self(match source {
            IpAddr::V4(address) => Self::IPV4 | u64::from(address.to_bits()),
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        })
    }

    fn source(self) -> IpAddr {
        match self.0 & Self::IPV4 == Self::IPV4 {
            true => Ipv4Addr::from_bits(self.0 as u32).into(),
            false => Ipv6Addr::from_bits(u128::from(self.0) << 64).into(),
        }
    }
}

/// Until when, in milliseconds, rounded up; and why, in the lowest bit.
#[derive(Clone, Copy, Debug)]
struct Term(u64);

impl Term {
    fn of(ban: &Ban) -> Self {
        Self::new(ban.until, ban.reason)
    }

    fn new(until: Duration, reason: Reason) -> Self {
        let milliseconds = until.as_nanos().div_ceil(1_000_000) as u64;
        Self(milliseconds << 1 | u64::from(reason == Reason::Scanner))
    }

    fn until(self) -> Duration {
        Duration::from_millis(self.0 >> 1)
    }

    fn reason(self) -> Reason {
        if self.0 & 1 == 1 { Reason::Scanner } else { Reason::Failures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_is_told_as_it_was_begun() {
        let mut bans = Bans::new(100);
        let until = Duration::from_millis(1_234_567);
        let begun = [
            ("192.0.2.1", Reason::Failures),
            ("255.255.255.255", Reason::Scanner),
            ("0.0.0.0", Reason::Scanner),
            ("2001:db8:1:2::", Reason::Failures),
            ("::", Reason::Scanner),
            ("fe80::", Reason::Failures),
        ]
        .map(|(address, reason)| Ban { source: address.parse().unwrap(), reason, until });
        assert!(begun.iter().all(|ban| bans.begin(*ban)));
        let mut told: Vec<Ban> = bans.iter().collect();
        told.sort_by_key(|ban| begun.iter().position(|begun| begun.source == ban.source));
        assert_eq!(told, begun);
        let longer = Ban { until: until * 2, reason: Reason::Scanner, ..begun[0] };
        assert!(!bans.begin(longer) && !bans.begin(begun[0]));
        assert_eq!(bans.lift(begun[0].source), Some(Ban { until: until * 2, ..begun[0] }));
        assert_eq!(bans.expire(until).len(), 5);
        let soon = until + Duration::from_nanos(1);
        bans.begin(Ban { until: soon, ..begun[1] });
        assert_eq!(bans.is_banned(soon - Duration::from_nanos(1), begun[1].source), (true, None));
        assert_eq!(size_of::<(Key, Term)>(), 16);
    }
}
