//! `a=mid` and `a=group`: streams that belong together.

use super::line::TypedAttribute;
use crate::sdp::error::AttributeError;
use crate::sdp::grammar::{is_token, own, words};
use crate::sdp::text::Text;

/// `a=mid:<identification tag>` of a stream (RFC 5888 §4).
///
/// ```
/// use sip_core::sdp::{Mid, TypedAttribute};
///
/// assert_eq!(Mid::parse(b"audio")?.0, "audio");
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mid(pub Text);

/// `a=group:<semantics> <identification tag> …` of a session (RFC 5888 §5), such as `BUNDLE` or `LS`.
///
/// ```
/// use sip_core::sdp::{Group, TypedAttribute};
///
/// let group = Group::parse(b"BUNDLE 0 1")?;
/// assert_eq!(group.mids.len(), 2);
/// # Ok::<(), sip_core::sdp::AttributeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// What the group is for.
    pub semantics: Text,
    /// The streams, by their [`Mid`]; none in an answer that refuses the group.
    pub mids: Vec<Text>,
}

impl TypedAttribute for Mid {
    const NAME: &'static str = "mid";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let value = value.trim_ascii();
        is_token(value).then(|| Self(own(value))).ok_or(AttributeError::new("mid", 0))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

impl TypedAttribute for Group {
    const NAME: &'static str = "group";

    fn parse(value: &[u8]) -> Result<Self, AttributeError> {
        let mut tokens = words(value).map(|(at, text)| {
            is_token(text).then(|| own(text)).ok_or(AttributeError::new("group", at))
        });
        let semantics = tokens.next().unwrap_or(Err(AttributeError::new("group", 0)))?;
        Ok(Self { semantics, mids: tokens.collect::<Result<_, _>>()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.semantics.as_bytes());
        for mid in &self.mids {
            out.push(b' ');
            out.extend_from_slice(mid.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_round_trip() {
        for text in ["BUNDLE", "BUNDLE audio video", "LS 1 2 3"] {
            let mut out = Vec::new();
            Group::parse(text.as_bytes()).unwrap().write(&mut out);
            assert_eq!(out, text.as_bytes());
        }
        assert_eq!(Group::parse(b"").unwrap_err().offset, 0);
        assert_eq!(Group::parse(b"LS a:b").unwrap_err().offset, 3);
        assert!(Mid::parse(b"").is_err());
        assert!(Mid::parse(b"a b").is_err());
    }
}
