use crate::stream::Header;

/// A packet that may be the first of new numbers, or a stray one.
#[derive(Debug)]
pub(crate) struct Held<T> {
    pub(crate) header: Header,
    pub(crate) arrival: i64,
    pub(crate) payload: T,
}

impl<T> Held<T> {
    /// Whether `header` is of the same source and `by` packets later.
    pub(crate) fn precedes(&self, header: Header, by: u16) -> bool {
        self.header.ssrc == header.ssrc && self.header.sequence.wrapping_add(by) == header.sequence
    }
}
