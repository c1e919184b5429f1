//! Source descriptions (RFC 3550 section 6.5).

use crate::Ssrc;

/// SDES: names of sources, CNAME above all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sdes<'a> {
    chunks: &'a [u8],
}

impl<'a> Sdes<'a> {
    /// The described sources.
    pub fn chunks(&self) -> impl Iterator<Item = SdesChunk<'a>> + use<'a> {
        let mut rest = self.chunks;
        core::iter::from_fn(move || {
            let (chunk, tail) = SdesChunk::split(rest)?;
            rest = tail;
            Some(chunk)
        })
    }

    pub(super) fn read(count: u8, body: &'a [u8]) -> Option<Sdes<'a>> {
        let mut rest = body;
        for _ in 0..count {
            (_, rest) = SdesChunk::split(rest)?;
        }
        rest.is_empty().then_some(Sdes { chunks: body })
    }
}

/// What one source says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    items: &'a [u8],
}

impl<'a> SdesChunk<'a> {
    /// The items, unknown kinds included.
    pub fn items(&self) -> impl Iterator<Item = SdesItem<'a>> + use<'a> {
        let mut rest = self.items;
        core::iter::from_fn(move || {
            let (item, tail) = SdesItem::split(rest)?;
            rest = tail;
            Some(item)
        })
    }

    /// The canonical name, the same over all streams of one participant.
    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items().find(|item| item.kind == SdesItem::CNAME).map(|item| item.value)
    }

    fn split(bytes: &'a [u8]) -> Option<(SdesChunk<'a>, &'a [u8])> {
        let (ssrc, body) = bytes.split_first_chunk::<4>()?;
        let mut rest = body;
        while *rest.first()? != 0 {
            (_, rest) = SdesItem::split(rest)?;
        }
        let items_len = body.len() - rest.len();
        // The null octet ends the list; the chunk goes on to the next word.
        let end = (items_len + 1).next_multiple_of(4);
        let tail = body.get(end..)?;
        let items = body.get(..items_len)?;
        Some((SdesChunk { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), items }, tail))
    }
}

/// One item of a source description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SdesItem<'a> {
    /// The item type, 1 to 255.
    pub kind: u8,
    /// Up to 255 octets, UTF-8 by the RFC but not checked.
    pub value: &'a [u8],
}

impl<'a> SdesItem<'a> {
    /// Canonical name.
    pub const CNAME: u8 = 1;
    /// User name.
    pub const NAME: u8 = 2;
    /// Electronic mail address.
    pub const EMAIL: u8 = 3;
    /// Phone number.
    pub const PHONE: u8 = 4;
    /// Geographic user location.
    pub const LOC: u8 = 5;
    /// Application or tool name.
    pub const TOOL: u8 = 6;
    /// Notice or status.
    pub const NOTE: u8 = 7;
    /// Private extension.
    pub const PRIV: u8 = 8;

    /// A CNAME item.
    pub const fn cname(value: &'a [u8]) -> SdesItem<'a> {
        SdesItem { kind: Self::CNAME, value }
    }

    fn split(bytes: &'a [u8]) -> Option<(SdesItem<'a>, &'a [u8])> {
        let (&[kind, len], rest) = bytes.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(len))?;
        Some((SdesItem { kind, value }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn chunks_end_at_a_word() {
        let body = [0, 0, 0, 1, 1, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 2, 6, 1, b'x', 0];
        let sdes = Sdes::read(2, &body).unwrap();
        let chunks: Vec<_> = sdes.chunks().collect();
        assert_eq!((chunks[0].ssrc, chunks[0].cname()), (Ssrc(1), Some(&b"ab"[..])));
        assert_eq!((chunks[1].ssrc, chunks[1].cname()), (Ssrc(2), None));
        assert!(chunks[1].items().eq([SdesItem { kind: SdesItem::TOOL, value: b"x" }]));
    }

    #[test]
    fn a_list_without_its_end_is_refused() {
        assert!(Sdes::read(1, &[0, 0, 0, 1, 1, 2, b'a', b'b']).is_none());
        assert!(Sdes::read(1, &[0, 0, 0, 1, 1, 255, 0, 0]).is_none());
        assert!(Sdes::read(2, &[0, 0, 0, 1, 0, 0, 0, 0]).is_none());
        assert!(Sdes::read(0, &[0, 0, 0, 1, 0, 0, 0, 0]).is_none());
        assert!(Sdes::read(0, &[]).is_some());
    }
}
