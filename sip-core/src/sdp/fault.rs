//! Attributes that are there and make no sense.

use super::attribute::{
    Attribute, Attributes, Candidate, Crypto, Fingerprint, Fmtp, Group, IcePwd, IceUfrag, Mid,
    Rtcp, Rtpmap, Setup, TypedAttribute,
};
use super::error::AttributeError;
use super::media::milliseconds;
use super::session::SessionDescription;

/// A malformed attribute. It harms nobody who does not use it, so the description is read all the same and
/// this is only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeFault {
    /// Index of the stream; `None` for an attribute of the session.
    pub stream: Option<usize>,
    /// Index among the attributes of its level.
    pub attribute: usize,
    /// What is wrong.
    pub error: AttributeError,
}

impl SessionDescription {
    /// Every attribute of a type known here whose value does not follow its grammar, in order.
    pub fn faults(&self) -> impl Iterator<Item = AttributeFault> {
        let of_media = self.media.iter().enumerate().map(|(at, m)| (Some(at), &m.attributes));
        core::iter::once((None, &self.attributes)).chain(of_media).flat_map(
            |(stream, attributes): (_, &Attributes)| {
                attributes.iter().enumerate().filter_map(move |(at, attribute)| {
                    Some(AttributeFault { stream, attribute: at, error: check(attribute).err()? })
                })
            },
        )
    }
}

fn check(attribute: Attribute<'_>) -> Result<(), AttributeError> {
    let value = attribute.value().unwrap_or_default();
    match attribute.name() {
        Rtpmap::NAME => Rtpmap::parse(value).map(drop),
        Fmtp::NAME => Fmtp::parse(value).map(drop),
        Rtcp::NAME => Rtcp::parse(value).map(drop),
        Crypto::NAME => Crypto::parse(value).map(drop),
        Fingerprint::NAME => Fingerprint::parse(value).map(drop),
        Setup::NAME => Setup::parse(value).map(drop),
        Mid::NAME => Mid::parse(value).map(drop),
        Group::NAME => Group::parse(value).map(drop),
        Candidate::NAME => Candidate::parse(value).map(drop),
        IceUfrag::NAME => IceUfrag::parse(value).map(drop),
        IcePwd::NAME => IcePwd::parse(value).map(drop),
        "ptime" => milliseconds(value).map(drop).ok_or(AttributeError::new("ptime", 0)),
        "maxptime" => milliseconds(value).map(drop).ok_or(AttributeError::new("maxptime", 0)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::Limits;

    #[test]
    fn faults_name_their_place() {
        let body = b"v=0\no=- 1 1 IN IP4 h\ns=-\nc=IN IP4 h\nt=0 0\na=group\nm=audio 4 RTP/AVP 0\n\
                     a=x-unknown:%\na=rtpmap:0 PCMU\nm=audio 4 RTP/AVP 0\na=ptime:4294967296\na=sendrecv\n";
        let description = SessionDescription::parse(body, &Limits::strict()).unwrap();
        let faults: Vec<_> = description
            .faults()
            .map(|fault| (fault.stream, fault.attribute, fault.error.name))
            .collect();
        assert_eq!(faults, [(None, 0, "group"), (Some(0), 1, "rtpmap"), (Some(1), 0, "ptime")]);
    }
}
