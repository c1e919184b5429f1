//! What the other end said of its audio stream.

use core::net::{IpAddr, SocketAddr};

use super::attribute::Rtcp;
use super::codec::Codec;
use super::direction::Direction;
use super::media::Media;
use super::session::SessionDescription;

/// The other end of an audio stream.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) remote: Option<SocketAddr>,
    pub(super) remote_rtcp: Option<SocketAddr>,
    pub(super) remote_name: Option<(String, u16)>,
    /// Seen from the peer; an address of 0.0.0.0 takes its receiving away.
    pub(super) direction: Direction,
    pub(super) rtcp_mux: bool,
    pub(super) ptime: Option<u32>,
    pub(super) max_ptime: Option<u32>,
    /// Every format that can be understood, auxiliary ones among them, in the peer's order.
    pub(super) codecs: Vec<Codec>,
}

impl Peer {
    /// `None` when the stream has no address to which a packet could go.
    ///
    /// `known` are the meanings of payload types that need no `a=rtpmap`, beyond the static ones.
    pub(super) fn new(
        description: &SessionDescription,
        media: &Media,
        known: &[Codec],
    ) -> Option<Self> {
        let connection = description.connection_of(media)?;
        let mut direction = description.direction_of(media);
        let mut remote = None;
        let mut remote_name = None;
        match connection.address.ip() {
            None => {
                remote_name = connection.address.name().map(|name| (name.to_string(), media.port));
            }
            Some(ip) if ip.is_unspecified() => direction = Direction::new(direction.sends(), false),
            Some(ip) if is_unicast(ip) => remote = Some(SocketAddr::new(ip, media.port)),
            Some(_) => return None,
        }
        let rtcp = media.attributes.typed::<Rtcp>().ok().flatten();
        let remote_rtcp = match (remote, rtcp) {
            (Some(rtp), Some(rtcp)) => {
                let ip = rtcp.address.map_or(Some(rtp.ip()), |address| address.ip());
                ip.filter(|&ip| is_unicast(ip) && !ip.is_unspecified() && rtcp.port != 0)
                    .map(|ip| SocketAddr::new(ip, rtcp.port))
            }
            (Some(rtp), None) => {
                rtp.port().checked_add(1).map(|port| SocketAddr::new(rtp.ip(), port))
            }
            (None, _) => None,
        };
        let meaning = |number| known.iter().find(|codec| codec.payload_type == Some(number));
        let codecs = Codec::all_of(media)
            .filter_map(|(number, codec)| codec.or_else(|| meaning(number).cloned()))
            .collect();
        Some(Self {
            remote,
            remote_rtcp,
            remote_name,
            direction,
            rtcp_mux: media.rtcp_mux(),
            ptime: media.ptime(),
            max_ptime: media.max_ptime(),
            codecs,
        })
    }

    /// The codecs that carry speech.
    pub(super) fn speech(&self) -> impl Iterator<Item = &Codec> {
        self.codecs.iter().filter(|codec| !codec.is_auxiliary())
    }

    pub(super) fn telephone_events(&self) -> impl Iterator<Item = &Codec> {
        self.codecs.iter().filter(|codec| codec.is_telephone_event())
    }

    /// Milliseconds of audio to put into each packet.
    pub(super) fn ptime_ms(&self, ours: Option<u32>) -> u32 {
        let wanted = self.ptime.or(ours).unwrap_or(20);
        wanted.min(self.max_ptime.unwrap_or(u32::MAX)).clamp(10, 200)
    }
}

fn is_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_multicast(),
    }
}
