//! Where queued frames are kept: a fixed ring indexed by position.

use alloc::boxed::Box;

/// A queued frame: its place in the order and the media time at which it begins.
#[derive(Debug)]
pub(crate) struct Frame<T> {
    pub(crate) position: u64,
    pub(crate) media: i64,
    pub(crate) payload: T,
}

/// Frames by position. Callers keep positions within `capacity` of each other, so that each has a slot
/// of its own; a frame inserted nevertheless on another's slot replaces it.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    /// A power of two long, so that finding a slot is a mask.
    slots: Box<[Option<Frame<T>>]>,
    len: usize,
}

impl<T> Slots<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { slots: (0..capacity.next_power_of_two()).map(|_| None).collect(), len: 0 }
    }

    /// How many frames there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn insert(&mut self, frame: Frame<T>) {
        let index = self.index(frame.position);
        if let Some(slot) = self.slots.get_mut(index)
            && slot.replace(frame).is_none()
        {
            self.len += 1;
        }
    }

    /// The media time of the frame at `position`.
    #[inline]
    pub(crate) fn media(&self, position: u64) -> Option<i64> {
        let frame = self.slots.get(self.index(position))?.as_ref()?;
        (frame.position == position).then_some(frame.media)
    }

    #[inline]
    pub(crate) fn take(&mut self, position: u64) -> Option<Frame<T>> {
        let index = self.index(position);
        let frame = self.slots.get_mut(index)?.take_if(|frame| frame.position == position)?;
        self.len -= 1;
        Some(frame)
    }

    pub(crate) fn clear(&mut self) {
        self.slots.fill_with(|| None);
        self.len = 0;
    }

    #[inline]
    fn index(&self, position: u64) -> usize {
        // The mask is below the length, so the cast cuts nothing that matters.
        position as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_by_position_only() {
        let mut slots = Slots::new(3);
        slots.insert(Frame { position: 5, media: 50, payload: 'a' });
        assert_eq!((slots.media(5), slots.media(1), slots.len()), (Some(50), None, 1));
        assert!(slots.take(9).is_none(), "another position of the same slot");
        assert_eq!(slots.take(5).map(|frame| frame.payload), Some('a'));
        assert_eq!((slots.len(), slots.take(5).is_none()), (0, true));
    }
}
