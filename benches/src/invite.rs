//! The INVITE that messages and session descriptions are measured with.

use bytes::Bytes;
use sip_core::sdp::SessionDescription;
use sip_core::{Limits, Request, sdp};

/// 757 bytes as a desk telephone writes them.
pub const TEXT: &str = concat!(
    "INVITE sip:102@pbx.example.com SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 192.0.2.11:5060;rport;branch=z9hG4bK-7a1c3e5f9b2d\r\n",
    "Max-Forwards: 70\r\n",
    "From: \"Alice Example\" <sip:101@pbx.example.com>;tag=4f8c21ab\r\n",
    "To: <sip:102@pbx.example.com>\r\n",
    "Call-ID: 9d3b6f0e5a7c41f2@192.0.2.11\r\n",
    "CSeq: 1 INVITE\r\n",
    "Contact: <sip:101@192.0.2.11:5060;ob>\r\n",
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, REFER, NOTIFY\r\n",
    "Supported: replaces, timer\r\n",
    "User-Agent: Example Phone 2.4 (build 1023107)\r\n",
    "Content-Type: application/sdp\r\n",
    "Content-Length: 251\r\n",
    "\r\n",
    "v=0\r\n",
    "o=- 3890001 3890001 IN IP4 192.0.2.11\r\n",
    "s=-\r\n",
    "c=IN IP4 192.0.2.11\r\n",
    "t=0 0\r\n",
    "m=audio 4000 RTP/AVP 8 0 9 101\r\n",
    "a=rtpmap:8 PCMA/8000\r\n",
    "a=rtpmap:0 PCMU/8000\r\n",
    "a=rtpmap:9 G722/8000\r\n",
    "a=rtpmap:101 telephone-event/8000\r\n",
    "a=fmtp:101 0-16\r\n",
    "a=ptime:20\r\n",
    "a=sendrecv\r\n",
);

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
