use alloc::sync::Arc;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::Record;
use super::slots::Slots;

/// The one writing end of a [`ring`](super::ring).
pub struct Writer<T, const N: usize> {
    shared: Arc<Shared<N>>,
    position: usize,
    of: PhantomData<fn(T)>,
}

/// A reading end of a [`ring`](super::ring), at its own position. A clone reads on from the same one.
pub struct Reader<T, const N: usize> {
    shared: Arc<Shared<N>>,
    position: usize,
    lost: u64,
    of: PhantomData<fn() -> T>,
}

/// What one [`Reader::read`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Records that were overwritten since the last read, all of them older than those read now.
    pub lost: usize,
    /// Records read.
    pub count: usize,
}

impl<T: Record<N>, const N: usize> Writer<T, N> {
    /// Writes one record over the oldest.
    #[inline]
    pub fn push(&mut self, record: T) {
        self.push_slice(&[record]);
    }

    /// Writes records over the oldest; readers see them together. Of more than the ring holds only the
    /// last stay, the others count as lost.
    #[inline]
    pub fn push_slice(&mut self, records: &[T]) {
        if !records.is_empty() {
            self.position = self.shared.slots.write(self.position, records);
        }
    }

    /// How many records the ring holds.
    pub fn capacity(&self) -> usize {
        self.shared.slots.capacity()
    }

    /// A reader of what will be written from now on.
    pub fn subscribe(&self) -> Reader<T, N> {
        Reader { shared: self.shared.clone(), position: self.position, lost: 0, of: PhantomData }
    }
}

impl<T, const N: usize> Drop for Writer<T, N> {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
    }
}

impl<T: Record<N>, const N: usize> Reader<T, N> {
    /// Copies the oldest unread records into the front of `into`.
    ///
    /// Losses are told exactly, as long as the reader looks at least once in `usize::MAX` records.
    #[inline]
    pub fn read(&mut self, into: &mut [T]) -> Read {
        let (lost, count) = self.shared.slots.read(self.position, into);
        self.position = self.position.wrapping_add(lost + count);
        self.lost += lost as u64;
        Read { lost, count }
    }

    /// Takes the oldest unread record, and how many were lost before it. `None` when there is none.
    pub fn pop(&mut self) -> Option<(usize, T)> {
        let mut record = [T::from_words([0; N])];
        let mut lost = 0;
        // A writer that laps the reader in the middle of a read leaves nothing read, and something unread.
        loop {
            let read = self.read(&mut record);
            lost += read.lost;
            if read.count == 1 {
                return Some((lost, record[0]));
            }
            if read.lost == 0 {
                return None;
            }
        }
    }

    /// How many records this reader has lost so far.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How many records were written and not read, those already overwritten included.
    pub fn behind(&self) -> usize {
        self.shared.slots.written().wrapping_sub(self.position)
    }

    /// Whether the writer is gone: once nothing is left to read, nothing will come any more.
    pub fn is_abandoned(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire)
    }
}

impl<T, const N: usize> Clone for Reader<T, N> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            position: self.position,
            lost: self.lost,
            of: PhantomData,
        }
    }
}

impl<T, const N: usize> fmt::Debug for Writer<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("position", &self.position).finish_non_exhaustive()
    }
}

impl<T, const N: usize> fmt::Debug for Reader<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("position", &self.position)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

pub(super) fn pair<T: Record<N>, const N: usize>(
    capacity: usize,
    origin: usize,
) -> (Writer<T, N>, Reader<T, N>) {
    let shared =
        Arc::new(Shared { slots: Slots::new(capacity, origin), ended: AtomicBool::new(false) });
    let writer = Writer { shared, position: origin, of: PhantomData };
    let reader = writer.subscribe();
    (writer, reader)
}

struct Shared<const N: usize> {
    slots: Slots<AtomicUsize, N>,
    ended: AtomicBool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        /// The twin: a deque that forgets its front, and a count of what it forgot.
        #[test]
        fn behaves_as_a_forgetful_deque(
            capacity in 0_usize..20,
            origin in prop_oneof![Just(0_usize), Just(usize::MAX), Just(usize::MAX - 9)],
            steps in prop::collection::vec((any::<bool>(), 0_usize..40), 0..60),
        ) {
            let (mut writer, mut reader) = pair::<u32, 1>(capacity, origin);
            let capacity = writer.capacity();
            let (mut twin, mut forgotten, mut all) = (VecDeque::new(), 0, 0);
            let mut next = 0_u32;
            for (write, count) in steps {
                if write {
                    let records: Vec<u32> = (next..).take(count).collect();
                    writer.push_slice(&records);
                    twin.extend(&records);
                    next += count as u32;
                    while twin.len() > capacity {
                        twin.pop_front();
                        forgotten += 1;
                        all += 1;
                    }
                } else {
                    prop_assert_eq!(reader.behind(), twin.len() + forgotten);
                    let mut records = vec![0; count];
                    let read = reader.read(&mut records);
                    prop_assert_eq!(read.lost, std::mem::take(&mut forgotten));
                    prop_assert_eq!(&records[..read.count], &twin.drain(..count.min(twin.len())).collect::<Vec<_>>());
                    prop_assert_eq!(reader.lost(), all);
                }
            }
        }
    }

    #[test]
    fn each_reader_has_its_own_losses() {
        let (mut writer, mut slow) = pair::<[usize; 3], 3>(2, 0);
        writer.push([1; 3]);
        let mut quick = slow.clone();
        assert_eq!(quick.pop(), Some((0, [1; 3])));
        writer.push_slice(&[[2; 3], [3; 3]]);
        assert_eq!(quick.pop(), Some((0, [2; 3])));
        assert_eq!(slow.pop(), Some((1, [2; 3])));
        let mut late = writer.subscribe();
        assert_eq!(late.pop(), None);
        assert!(!late.is_abandoned());
        drop(writer);
        assert!(late.is_abandoned());
        assert_eq!((slow.pop(), slow.pop()), (Some((0, [3; 3])), None));
    }
}
