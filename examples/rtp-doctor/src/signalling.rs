//! What SDP in the capture says: where media is wanted, and what payload types mean.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use sip_core::sdp::{Limits, SessionDescription};

use crate::capture::Datagram;
use crate::payload::Format;

/// All session descriptions of a capture together.
#[derive(Default)]
pub(crate) struct Signalled {
    /// Where somebody wants media.
    pub(crate) addresses: BTreeSet<SocketAddr>,
    pub(crate) formats: BTreeMap<u8, Format>,
}

impl Signalled {
    /// Looks for SDP in a SIP message.
    pub(crate) fn look(&mut self, datagram: &Datagram<'_>) {
        let message = datagram.payload;
        let first_line = message.split(|&octet| octet == b'\n').next().unwrap_or_default();
        if !first_line.windows(8).any(|part| part == b"SIP/2.0 " || part == b"SIP/2.0\r") {
            return;
        }
        let Some(end) = message.windows(4).position(|part| part == b"\r\n\r\n") else { return };
        let body = message.get(end + 4..).unwrap_or_default();
        let Ok(description) = SessionDescription::parse(body, &Limits::default()) else { return };
        for media in description.media.iter().filter(|media| media.protocol.is_rtp()) {
            let connection = description.connection_of(media);
            let ip = connection.and_then(|connection| connection.address.ip());
            if let Some(ip) = ip.filter(|ip| !ip.is_unspecified())
                && media.port != 0
            {
                self.addresses.insert(SocketAddr::new(ip, media.port));
            }
            for payload_type in media.payload_types() {
                if let Some((name, clock, _)) = media.rtpmap(payload_type)
                    && let Some(format) = Format::new(name, clock)
                {
                    self.formats.insert(payload_type, format);
                }
            }
        }
    }
}
