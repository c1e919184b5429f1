//! Questions to DNS and their answers.

use core::fmt;
use core::net::IpAddr;

/// The kinds of records that are asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Which services a domain has (RFC 3403).
    Naptr,
    /// Which hosts run a service (RFC 2782).
    Srv,
    /// A host's IPv4 addresses.
    A,
    /// A host's IPv6 addresses.
    Aaaa,
}

/// A question to DNS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Question {
    /// The name, absolute, in lower case, without the last dot.
    pub name: String,
    /// What about it.
    pub kind: Kind,
}

impl Question {
    /// A question about a name in any spelling.
    pub fn new(name: &str, kind: Kind) -> Self {
        let name = name.strip_suffix('.').unwrap_or(name);
        Self { name: name.to_ascii_lowercase(), kind }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Naptr => "NAPTR",
            Kind::Srv => "SRV",
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
        };
        write!(f, "{} {kind}", self.name)
    }
}

/// A NAPTR record (RFC 3403 §4.1); its `regexp` is not used for SIP (RFC 3263 §4.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Naptr {
    /// Lower ones come first, before any preference.
    pub order: u16,
    /// Of one order, lower ones come first.
    pub preference: u16,
    /// `s`: the replacement has SRV records.
    pub flags: String,
    /// `SIP+D2U` and the like.
    pub service: String,
    /// Where to go on.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    /// Lower ones come first.
    pub priority: u16,
    /// The share of the requests among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` says that there is no such service.
    pub target: String,
}

/// A record that answers a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// Answers [`Kind::Naptr`].
    Naptr(Naptr),
    /// Answers [`Kind::Srv`].
    Srv(Srv),
    /// Answers [`Kind::A`] and [`Kind::Aaaa`], aliases followed.
    Address(IpAddr),
}

/// What DNS said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// There are records, for so many seconds.
    Found {
        /// The records; those of another kind than asked for are passed over.
        records: Vec<Record>,
        /// The least of their times to live, in seconds.
        ttl: u32,
    },
    /// There is no such name, or none of this kind (RFC 2308), for so many seconds.
    Absent {
        /// The time to live of the denial, in seconds.
        ttl: u32,
    },
    /// No name server answered, or none would.
    Failed,
}

impl Answer {
    /// Records, and for how many seconds they hold.
    pub fn found(records: Vec<Record>, ttl: u32) -> Self {
        Self::Found { records, ttl }
    }

    /// No records, and for how many seconds that holds.
    pub fn absent(ttl: u32) -> Self {
        Self::Absent { ttl }
    }

    pub(super) fn records(&self) -> &[Record] {
        match self {
            Self::Found { records, .. } => records,
            Self::Absent { .. } | Self::Failed => &[],
        }
    }
}
