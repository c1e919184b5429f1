//! Our tag in the To of a response.

use crate::keyed::hex;
use crate::text::str;

/// The tag that our responses to a request have in To.
#[derive(Clone, Debug)]
pub(super) enum LocalTag {
    /// A new one: these digits.
    New(u64),
    /// What the request names.
    Named(Box<str>),
}

impl LocalTag {
    /// The text, written into `room` where there is none yet.
    pub(super) fn text<'a>(&'a self, room: &'a mut [u8; 16]) -> &'a str {
        match self {
            Self::New(digits) => {
                *room = hex(*digits);
                str(room)
            }
            Self::Named(text) => text,
        }
    }
}
