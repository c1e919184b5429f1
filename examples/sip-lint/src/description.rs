//! The judgement on a session description.

use core::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use sip_core::StatusCode;
use sip_core::sdp::{Limits, Local, OfferAnswer, SdpError, SdpErrorKind, SessionDescription};

use crate::report::{Problem, Verdict};

/// As an offer to an answerer of PCMU and PCMA that asks neither for ICE nor for SRTP.
pub(crate) fn judge(bytes: &Bytes) -> Verdict {
    let limits = Limits::default();
    let description = match SessionDescription::parse(bytes, &limits) {
        Ok(description) => description,
        Err(error) => {
            return Verdict::description(Some(error.status())).with(vec![problem(&error)], false);
        }
    };
    let mut problems = faults(bytes, &description);
    let mut malformed = false;
    if let Err(error) = SessionDescription::parse(bytes, &Limits::strict()) {
        malformed = is_essential(&error);
        let at = if malformed { 0 } else { problems.len() };
        problems.insert(at, problem(&error));
    }
    // A stream that is declined has no use for formats, and not all who decline write some.
    malformed |= description.media.iter().any(|m| m.port != 0 && m.formats.is_empty());
    let mut answerer = OfferAnswer::new(Local::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_000));
    let refusal = answerer.receive_offer(&description).err();
    if let Some(refusal) = &refusal {
        problems.insert(0, Problem { header: None, offset: 0, text: refusal.to_string().into() });
    }
    let written = description.to_bytes();
    let again = SessionDescription::parse(&written, &limits);
    let survives = again.is_ok_and(|again| again == description && again.to_bytes() == written);
    let refusal = refusal.map(|refusal| refusal.status());
    let status = if malformed { Some(StatusCode::BAD_REQUEST) } else { refusal };
    Verdict::description(status).with(problems, survives)
}

/// Telephones stray from the grammar in many ways, and are heard all the same; but RFC 8866 §5 has no
/// description without a name and a time, or with its first lines out of order.
fn is_essential(error: &SdpError) -> bool {
    matches!(
        error.kind,
        SdpErrorKind::Missing(b's' | b't') | SdpErrorKind::OutOfOrder(b'o' | b's' | b't')
    )
}

pub(crate) fn problem(error: &SdpError) -> Problem {
    Problem {
        header: None,
        offset: error.offset,
        text: format!("{} (line {})", error.kind, error.line).into(),
    }
}

/// Attributes that are there and make no sense, with the offset of their line.
fn faults(bytes: &[u8], description: &SessionDescription) -> Vec<Problem> {
    description
        .faults()
        .map(|fault| Problem {
            header: Some(format!("a={}", fault.error.name).into()),
            offset: attribute_offset(bytes, fault.stream, fault.attribute).unwrap_or_default(),
            text: "malformed".into(),
        })
        .collect()
}

/// Where the `a=` line with this number of this stream, or of the session, starts.
fn attribute_offset(bytes: &[u8], stream: Option<usize>, attribute: usize) -> Option<usize> {
    let (mut level, mut count, mut offset) = (None, 0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"m=") {
            level = Some(level.map_or(0, |level| level + 1));
            count = 0;
        } else if line.starts_with(b"a=") {
            if level == stream && count == attribute {
                return Some(offset);
            }
            count += 1;
        }
        offset += line.len();
    }
    None
}
