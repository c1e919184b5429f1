//! The INVITE that messages and session descriptions are measured with.

use bytes::Bytes;
use sip_core::sdp::SessionDescription;
use sip_core::{Limits, Request, sdp};

/// 757 bytes as a desk telephone writes them.
pub const TEXT: &str = include_str!("invite.sip");

/// [`TEXT`], as a datagram: in memory of its own.
pub fn bytes() -> Bytes {
    Bytes::copy_from_slice(TEXT.as_bytes())
}

/// [`TEXT`], read.
pub fn request() -> Request {
    Request::parse(bytes(), &Limits::default()).expect("the INVITE of this file")
}

/// The body of [`TEXT`].
pub fn offer_bytes() -> Bytes {
    request().body
}

/// The body of [`TEXT`], read.
pub fn offer() -> SessionDescription {
    SessionDescription::parse_bytes(&offer_bytes(), &sdp::Limits::default())
        .expect("the SDP of this file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invite_is_what_it_says() {
        assert_eq!(TEXT.len(), 757);
        let request = request();
        assert_eq!(request.check(&Default::default()), Ok(()));
        let (_, body) = TEXT.split_once("\r\n\r\n").unwrap();
        assert_eq!(request.body, body);
        assert_eq!(request.to_bytes(), TEXT);
    }
}
