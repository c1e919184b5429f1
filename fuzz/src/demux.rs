use rtp_core::Packet;
use rtp_core::demux::{Kind, classify};
use rtp_core::rtcp::Compound;

/// A datagram on a port that several protocols share.
///
/// Each kind begins as RFC 7983 says; what reads as RTP or RTCP is never taken for another protocol, and
/// nothing behind the second byte matters.
pub fn demux(data: &[u8]) {
    let kind = classify(data);
    let expected = match data {
        [] => Kind::Unknown,
        [0..=3, ..] => Kind::Stun,
        [16..=19, ..] => Kind::Zrtp,
        [20..=63, ..] => Kind::Dtls,
        [64..=79, ..] => Kind::TurnChannel,
        [128..=191, second, ..] if (192..=223).contains(second) => Kind::Rtcp,
        [128..=191, _, ..] => Kind::Rtp,
        _ => Kind::Unknown,
    };
    assert_eq!(kind, expected);
    assert_eq!(classify(&data[..data.len().min(2)]), kind);
    if Packet::parse(data).is_ok() {
        assert!(matches!(kind, Kind::Rtp | Kind::Rtcp), "{kind:?}");
    }
    if Compound::parse(data).is_ok() {
        assert_eq!(kind, Kind::Rtcp);
    }
}
