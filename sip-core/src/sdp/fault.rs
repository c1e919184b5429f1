//! Attributes that are there and make no sense.

use super::attribute::{
    Attribute, Attributes, Candidate, Crypto, Fingerprint, Fmtp, Group, IcePwd, IceUfrag, Mid,
    Rtcp, Rtpmap, Setup, TypedAttribute,
};
use super::error::AttributeError;
use super::session::SessionDescription;

/// A malformed attribute. It harms nobody who does not use it, so the description is read all the same and
/// this is only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Index of the stream; `None` for an attribute of the session.
    pub stream: Option<usize>,
    /// Index among the attributes of its level.
    pub attribute: usize,
    /// What is wrong.
    pub error: AttributeError,
}

impl SessionDescription {
    /// Every attribute of a type known here whose value does not follow its grammar, in order.
    pub fn faults(&self) -> impl Iterator<Item = Fault> {
        let of_media = self.media.iter().enumerate().map(|(at, m)| (Some(at), &m.attributes));
        core::iter::once((None, &self.attributes)).chain(of_media).flat_map(
            |(stream, attributes): (_, &Attributes)| {
                attributes.iter().enumerate().filter_map(move |(at, attribute)| {
                    Some(Fault { stream, attribute: at, error: check(attribute).err()? })
                })
            },
        )
    }
}

fn check(attribute: &Attribute) -> Result<(), AttributeError> {
    match attribute.name() {
        Rtpmap::NAME => read::<Rtpmap>(attribute),
        Fmtp::NAME => read::<Fmtp>(attribute),
        Rtcp::NAME => read::<Rtcp>(attribute),
        Crypto::NAME => read::<Crypto>(attribute),
        Fingerprint::NAME => read::<Fingerprint>(attribute),
        Setup::NAME => read::<Setup>(attribute),
        Mid::NAME => read::<Mid>(attribute),
        Group::NAME => read::<Group>(attribute),
        Candidate::NAME => read::<Candidate>(attribute),
        IceUfrag::NAME => read::<IceUfrag>(attribute),
        IcePwd::NAME => read::<IcePwd>(attribute),
        "ptime" => packet_time("ptime", attribute),
        "maxptime" => packet_time("maxptime", attribute),
        _ => Ok(()),
    }
}

fn read<T: TypedAttribute>(attribute: &Attribute) -> Result<(), AttributeError> {
    T::parse(attribute.value().unwrap_or_default()).map(drop)
}

fn packet_time(name: &'static str, attribute: &Attribute) -> Result<(), AttributeError> {
    super::media::milliseconds(attribute).map(drop).ok_or(AttributeError::new(name, 0))
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
