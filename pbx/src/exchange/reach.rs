//! Where RTP may go: an SDP can name any address, also ones that its sender has no business with.

use std::net::IpAddr;

use crate::front::Network;

/// The networks that RTP may be sent to.
///
/// What a description names is a wish of its sender. Without a rule it makes the exchange send packets to
/// hosts that only the exchange can reach: its own services, a neighbour in a private network, the
/// metadata service of a cloud. The rule, the first line that fits:
///
/// | the address that the SDP names | RTP goes there |
/// |---|---|
/// | in [`forbidden`](Self::forbidden) | never |
/// | in [`allowed`](Self::allowed) | at once |
/// | 0.0.0.0/8, multicast, 240.0.0.0/4, 169.254.169.254, fd00:ec2::254 | never |
/// | the one that the signalling comes from | at once |
/// | loopback, link-local | at once if the signalling comes from such a one, else never |
/// | private (RFC 1918, RFC 6598, fc00::/7) | at once if the signalling comes from a private or loopback address, else when the peer was heard from |
/// | any other | at once |
#[derive(Clone, Default, Debug)]
pub struct MediaNetworks {
    /// Where RTP never goes, whoever asks.
    pub forbidden: Vec<Network>,
    /// Where RTP goes for everybody, though the rule would say otherwise.
    pub allowed: Vec<Network>,
}

/// Whether RTP may go to an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// At once.
    Free,
    /// Once the peer has been heard: a telephone behind NAT names an address that is not reached
    /// anyway, and is found by where its own packets come from.
    Heard,
    Never,
}

impl MediaNetworks {
    /// What holds for `address`, named by a peer whose signalling comes from `signalled_from`.
    pub(super) fn reach(&self, address: IpAddr, signalled_from: IpAddr) -> Reach {
        let (address, from) = (address.to_canonical(), signalled_from.to_canonical());
        let within = |networks: &[Network]| networks.iter().any(|it| it.contains(address));
        if within(&self.forbidden) {
            return Reach::Never;
        }
        if within(&self.allowed) {
            return Reach::Free;
        }
        match (kind(address), kind(from)) {
            (Kind::Nobody, _) => Reach::Never,
            _ if address == from => Reach::Free,
            (Kind::Loopback, Kind::Loopback) | (Kind::LinkLocal, Kind::LinkLocal) => Reach::Free,
            (Kind::Loopback | Kind::LinkLocal, _) => Reach::Never,
            (Kind::Private, Kind::Private | Kind::Loopback) | (Kind::Public, _) => Reach::Free,
            (Kind::Private, _) => Reach::Heard,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// No single host, or one that no telephone is.
    Nobody,
    Loopback,
    LinkLocal,
    Private,
    Public,
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [0 | 224.., ..] | [169, 254, 169, 254] => Kind::Nobody,
            [127, ..] => Kind::Loopback,
            [169, 254, ..] => Kind::LinkLocal,
            [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Kind::Private,
            _ => Kind::Public,
        },
        IpAddr::V6(v6) => match v6.segments() {
            _ if v6.is_unspecified() || v6.is_multicast() => Kind::Nobody,
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Kind::Nobody,
            _ if v6.is_loopback() => Kind::Loopback,
            [0xfe80..=0xfebf, ..] => Kind::LinkLocal,
            [0xfc00..=0xfdff, ..] => Kind::Private,
            _ => Kind::Public,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(networks: &MediaNetworks, address: &str, from: &str) -> Reach {
        networks.reach(address.parse().unwrap(), from.parse().unwrap())
    }

    #[test]
    fn the_table_holds() {
        use Reach::{Free, Heard, Never};
        let rule = MediaNetworks::default();
        for (address, from_public, from_private, from_loopback) in [
            ("198.51.100.7", Free, Free, Free),
            ("2001:db8::7", Free, Free, Free),
            ("10.1.2.3", Heard, Free, Free),
            ("172.16.0.1", Heard, Free, Free),
            ("172.31.255.1", Heard, Free, Free),
            ("172.32.0.1", Free, Free, Free),
            ("192.168.1.1", Heard, Free, Free),
            ("100.64.0.1", Heard, Free, Free),
            ("100.128.0.1", Free, Free, Free),
            ("fd12::1", Heard, Free, Free),
            ("::ffff:10.1.2.3", Heard, Free, Free),
            ("127.0.0.1", Never, Never, Free),
            ("::1", Never, Never, Free),
            ("::ffff:127.0.0.1", Never, Never, Free),
            ("169.254.1.1", Never, Never, Never),
            ("fe80::1", Never, Never, Never),
            ("169.254.169.254", Never, Never, Never),
            ("::ffff:169.254.169.254", Never, Never, Never),
            ("fd00:ec2::254", Never, Never, Never),
            ("0.0.0.0", Never, Never, Never),
            ("0.1.2.3", Never, Never, Never),
            ("224.0.0.1", Never, Never, Never),
            ("255.255.255.255", Never, Never, Never),
            ("::", Never, Never, Never),
            ("ff02::1", Never, Never, Never),
        ] {
            for (from, expected) in [
                ("203.0.113.66", from_public),
                ("192.168.7.7", from_private),
                ("127.0.0.1", from_loopback),
            ] {
                assert_eq!(reach(&rule, address, from), expected, "{address} from {from}");
            }
        }
        assert_eq!(reach(&rule, "169.254.1.1", "169.254.9.9"), Free, "a network without a router");
        assert_eq!(reach(&rule, "169.254.169.254", "169.254.169.254"), Never);
    }

    #[test]
    fn lists_go_before_the_rule() {
        let rule = MediaNetworks {
            forbidden: vec!["198.51.100.0/24".parse().unwrap(), "10.0.0.9".parse().unwrap()],
            allowed: vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()],
        };
        for (address, expected) in [
            ("198.51.100.7", Reach::Never),
            ("10.0.0.9", Reach::Never),
            ("10.0.0.8", Reach::Free),
            ("127.0.0.1", Reach::Free),
            ("127.0.0.2", Reach::Never),
        ] {
            assert_eq!(reach(&rule, address, "203.0.113.66"), expected, "{address}");
        }
        assert_eq!(reach(&rule, "198.51.100.7", "198.51.100.7"), Reach::Never);
    }
}
