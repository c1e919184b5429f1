//! Transport protocols as Via and URI parameters name them.

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::text::is_token;

/// A transport protocol (RFC 3261 §7.1 and §18, RFC 4168, RFC 7118).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// SCTP (RFC 4168).
    Sctp,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
    /// Another one: legal in any Via but the one that names our own peer.
    Other(TransportName),
}

impl Transport {
    /// Reads a transport's name, in any case. `None` when it is not a token, or longer than
    /// [`TransportName::MAX`].
    pub fn parse(name: &str) -> Option<Transport> {
        const KNOWN: [Transport; 6] = [
            Transport::Udp,
            Transport::Tcp,
            Transport::Tls,
            Transport::Sctp,
            Transport::Ws,
            Transport::Wss,
        ];
        for known in KNOWN {
            if name.eq_ignore_ascii_case(known.as_str()) {
                return Some(known);
            }
        }
        TransportName::new(name).map(Transport::Other)
    }

    /// The name as a Via writes it, in upper case: `UDP`.
    pub fn as_str(&self) -> &str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Sctp => "SCTP",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
            Transport::Other(name) => name.as_str(),
        }
    }

    /// The name as a URI's `transport` parameter writes it, in lower case: `udp`.
    pub fn as_param(&self) -> &str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Sctp => "sctp",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
            Transport::Other(name) => name.as_str(),
        }
    }

    /// Whether messages arrive whole and in order, so that nothing is sent again (§17.1.1.1).
    /// Unknown transports count as unreliable.
    pub const fn is_reliable(&self) -> bool {
        !matches!(self, Transport::Udp | Transport::Other(_))
    }

    /// Whether TLS protects the hop.
    pub const fn is_secure(&self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// The port meant when none is written (§19.1.2, RFC 7118 §8): 5060, 5061, 80 or 443.
    pub const fn default_port(&self) -> u16 {
        match self {
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
            _ => 5060,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a transport that this crate does not know: a token of at most
/// [`TransportName::MAX`] bytes, kept in place so that [`Transport`] stays `Copy`.
#[derive(Clone, Copy)]
pub struct TransportName {
    length: u8,
    bytes: [u8; TransportName::MAX],
}

impl TransportName {
    /// The longest name, in bytes.
    pub const MAX: usize = 23;

    /// `None` unless `name` is a token of 1 to [`TransportName::MAX`] bytes.
    pub fn new(name: &str) -> Option<TransportName> {
        let mut bytes = [0; TransportName::MAX];
        let length = u8::try_from(name.len()).ok()?;
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        is_token(name.as_bytes()).then_some(TransportName { length, bytes })
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl PartialEq for TransportName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl Eq for TransportName {}

impl Hash for TransportName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.map(|byte| byte.to_ascii_lowercase()).hash(state);
    }
}

impl fmt::Debug for TransportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_unknown_ones_are_kept() {
        assert_eq!(Transport::parse("udp"), Some(Transport::Udp));
        assert_eq!(Transport::parse("WsS"), Some(Transport::Wss));
        let unknown = Transport::parse("UNKNOWN").unwrap();
        assert_eq!(unknown.as_str(), "UNKNOWN");
        assert_eq!(Some(unknown), Transport::parse("unknown"));
        assert_eq!(Transport::parse("U DP"), None);
        assert_eq!(Transport::parse(""), None);
        assert_eq!(Transport::parse(&"x".repeat(24)), None);
    }
}
