//! Tells apart the protocols that share one UDP port, by the first octets of a datagram.
//!
//! ```text
//! first octet   0..=3     STUN            (RFC 7983 section 7)
//!              16..=19    ZRTP
//!              20..=63    DTLS
//!              64..=79    TURN channel data
//!             128..=191   RTP or RTCP: by the second octet, 192..=223 is RTCP (RFC 5761 section 4)
//! ```
//!
//! This classifies and validates nothing: the parser of each protocol still has to accept it.

/// What a datagram looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An RTP packet.
    Rtp,
    /// An RTCP compound packet.
    Rtcp,
    /// A STUN message.
    Stun,
    /// A ZRTP message.
    Zrtp,
    /// A DTLS record.
    Dtls,
    /// TURN channel data.
    TurnChannel,
    /// Nothing that RFC 7983 names, or too short to tell; to be dropped.
    Unknown,
}

/// Classifies `datagram`.
#[inline]
pub fn classify(datagram: &[u8]) -> Kind {
    match datagram {
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, _, ..] => Kind::Rtp,
        [0..=3, ..] => Kind::Stun,
        [16..=19, ..] => Kind::Zrtp,
        [20..=63, ..] => Kind::Dtls,
        [64..=79, ..] => Kind::TurnChannel,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_octet_has_its_kind() {
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => Kind::Stun,
                16..=19 => Kind::Zrtp,
                20..=63 => Kind::Dtls,
                64..=79 => Kind::TurnChannel,
                128..=191 => Kind::Rtp,
                _ => Kind::Unknown,
            };
            assert_eq!(classify(&[first, 0]), expected, "{first}");
        }
    }

    #[test]
    fn second_octet_separates_rtcp() {
        for second in 0..=255u8 {
            let expected = if (192..=223).contains(&second) { Kind::Rtcp } else { Kind::Rtp };
            assert_eq!(classify(&[0x80, second]), expected, "{second}");
        }
    }

    #[test]
    fn too_short_is_unknown() {
        assert_eq!(classify(&[]), Kind::Unknown);
        assert_eq!(classify(&[0x80]), Kind::Unknown);
    }
}
