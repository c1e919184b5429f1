//! Who a telephone is, what it does when it is called, and what it can see.

use std::net::SocketAddr;
use std::time::Duration;

use sip_core::sdp::{Codec, Direction};

/// Who a telephone is and where it belongs.
#[derive(Clone, Debug)]
pub struct PhoneSettings {
    /// Its number, which is its user name as well.
    pub number: String,
    /// Its password.
    pub password: String,
    /// Its SIP address.
    pub address: SocketAddr,
    /// Where its RTP would arrive.
    pub media: SocketAddr,
    /// The exchange.
    pub server: SocketAddr,
    /// Codecs, in its order.
    pub codecs: Vec<Codec>,
    /// INVITEs carry no offer; the offer of the 2xx is answered in the ACK.
    pub delayed_offer: bool,
    /// What it does when it is called.
    pub answering: Answering,
}

impl PhoneSettings {
    /// An extension that rings after 20 ms and answers after 2 s.
    pub fn new(number: &str, password: &str, address: SocketAddr, server: SocketAddr) -> Self {
        Self {
            number: number.to_owned(),
            password: password.to_owned(),
            address,
            media: SocketAddr::new(address.ip(), 4_000),
            server,
            codecs: vec![Codec::PCMA, Codec::PCMU],
            delayed_offer: false,
            answering: Answering::After(Duration::from_secs(2)),
        }
    }
}

/// What a telephone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// Rings, and answers after so long.
    After(Duration),
    /// Sends early media at once, and answers after so long.
    EarlyMedia(Duration),
    /// Rings for ever.
    Never,
    /// Refuses at once.
    Refuse(u16),
    /// Says nothing at all, not even 100.
    Dead,
}

/// What a telephone has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A REGISTER was answered.
    Registered(u16),
    /// A provisional response to our INVITE.
    Progress(u16),
    /// Our INVITE was accepted and acknowledged.
    Accepted,
    /// Our INVITE was refused.
    Refused(u16),
    /// We are called.
    Called,
    /// The caller gave up.
    Cancelled,
    /// The ACK for our 2xx came.
    Acknowledged,
    /// The ACK for our 2xx never came.
    NoAck,
    /// The peer changed the session: what its offer let flow, as it sees it.
    Offered(Direction),
    /// Our own re-INVITE was answered.
    Modified(u16),
    /// Our INFO was answered.
    Informed(u16),
    /// Our REFER was refused.
    ReferRefused(u16),
    /// What became of our REFER, as a NOTIFY tells it.
    Reported(u16),
    /// The peer hung up.
    HungUp,
    /// Our BYE was answered, or given up.
    Left(u16),
}
