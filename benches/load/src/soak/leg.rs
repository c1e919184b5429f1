//! One telephone's part in a call of a soak.

use std::net::SocketAddr;

use sip_core::sdp::Direction;
use sip_core::{DialogId, Request};

use crate::media::Media;

/// One telephone's part in a call.
pub(super) struct Leg {
    pub(super) dialog: Option<DialogId>,
    /// Our INVITE, until it has its answer, and whether it was challenged.
    pub(super) invite: Option<(Request, bool)>,
    pub(super) port: u16,
    pub(super) version: u32,
    pub(super) direction: Direction,
    /// Where the server wants our voice.
    pub(super) media: Option<SocketAddr>,
}

impl Leg {
    pub(super) fn new(port: u16) -> Self {
        Self {
            dialog: None,
            invite: None,
            port,
            version: 0,
            direction: Direction::SendRecv,
            media: None,
        }
    }

    /// The next offer or answer, which lets media flow so.
    pub(super) fn describe(&mut self, direction: Direction) -> String {
        self.version += 1;
        self.direction = direction;
        let Self { port, version, .. } = self;
        format!(
            "v=0\r\no=- {port} {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na={}\r\n",
            direction.as_str()
        )
    }

    /// Speaks, or is silent, as agreed.
    pub(super) fn speak(&self, media: &Media) {
        match self.media {
            Some(to) if self.direction.sends() => media.speak(self.port, to),
            _ => media.be_silent(self.port),
        }
    }
}
