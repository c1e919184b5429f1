//! One zeroed allocation, cut into slots that start on a cache line.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::ptr::NonNull;

use super::{PoolConfig, PoolError};

/// Memory for `slots` slots. It knows where a slot lies, not who owns it.
#[derive(Debug)]
pub(super) struct SlotMemory {
    /// What the allocator gave.
    allocation: NonNull<u8>,
    layout: Layout,
    /// The first slot: the first cache line that begins in it.
    base: NonNull<u8>,
    /// Of all slots.
    size: usize,
    stride: usize,
}

const LINE: usize = 64;

/// Slots so far apart would begin in a few sets of the processor's cache only and push one another out of it;
/// they are set one line further apart.
const CROWD: usize = 512;

/// What any allocator gives unasked. Asked for more, that of the system clears the memory itself, and so makes
/// all of it resident, instead of taking fresh pages that are zero anyway.
const USUAL_ALIGNMENT: usize = 16;

// SAFETY: this type only computes addresses and frees the allocation. Whoever turns an address into a
// reference (`PacketBuf`) has to own the slot, and says so there.
unsafe impl Send for SlotMemory {}
// SAFETY: as above; `&SlotMemory` gives out nothing but raw pointers.
unsafe impl Sync for SlotMemory {}

impl SlotMemory {
    /// Allocates zeroed memory, so that every byte of a slot is initialised from the start.
    pub(super) fn new(config: PoolConfig) -> Result<Self, PoolError> {
        let PoolConfig { slots, slot_size, headroom } = config;
        if slots == 0 {
            return Err(PoolError::NoSlots);
        }
        if headroom >= slot_size {
            return Err(PoolError::NoPayload { headroom, slot_size });
        }
        let too_large = PoolError::TooLarge { slots, slot_size };
        if u32::try_from(slots).is_err() || u32::try_from(slot_size).is_err() {
            return Err(too_large);
        }
        let mut stride = slot_size.checked_next_multiple_of(LINE).ok_or(too_large)?;
        if stride.is_multiple_of(CROWD) {
            stride = stride.checked_add(LINE).ok_or(too_large)?;
        }
        let size = slots.checked_mul(stride).ok_or(too_large)?;
        let layout = size
            .checked_add(LINE - USUAL_ALIGNMENT)
            .and_then(|bytes| Layout::from_size_align(bytes, USUAL_ALIGNMENT).ok())
            .ok_or(too_large)?;
        // SAFETY: the layout's size is not zero, since `slots` and `stride` are not.
        let allocation = unsafe { alloc_zeroed(layout) };
        let allocation =
            NonNull::new(allocation).ok_or(PoolError::OutOfMemory { bytes: layout.size() })?;
        let ahead = allocation.as_ptr().addr().wrapping_neg() % LINE;
        // SAFETY: an address that is a multiple of 16 is at most 48 bytes before a cache line, and so many
        // bytes were allocated in addition.
        let base = unsafe { allocation.add(ahead) };
        Ok(Self { allocation, layout, base, size, stride })
    }

    /// The address `offset` bytes into `slot`.
    ///
    /// # Safety
    ///
    /// `slot` is below the number of slots and `offset` at most the slot size.
    #[inline]
    pub(super) unsafe fn address(&self, slot: usize, offset: usize) -> NonNull<u8> {
        debug_assert!((slot + 1) * self.stride <= self.size && offset <= self.stride);
        // SAFETY: by the caller's promise the address lies inside, or one past the end of, the one
        // allocation, whose size fits an `isize` as `Layout` guarantees.
        unsafe { self.base.add(slot * self.stride + offset) }
    }

    /// Gives the memory of these slots back to the system as far as they fill pages; they read as zeros from
    /// then on, or as they were.
    ///
    /// # Safety
    ///
    /// The slots exist and are nobody else's.
    #[cfg(all(feature = "net", target_os = "linux", not(miri)))]
    pub(super) unsafe fn give_back(&self, slots: core::ops::Range<usize>) {
        // SAFETY: it takes a name and gives a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let Ok(page) = usize::try_from(page) else { return };
        let begin = self.base.as_ptr().addr() + slots.start * self.stride;
        let end = begin + slots.len() * self.stride;
        let (first, last) = (begin.next_multiple_of(page), end - end % page);
        if first >= last {
            return;
        }
        let first = self.base.as_ptr().map_addr(|_| first);
        // SAFETY: the pages lie within the slots, which are the caller's alone and hold no packet. Their bytes stay
        // initialised: private memory reads as zeros afterwards, and the allocator's own is not touched.
        unsafe { libc::madvise(first.cast(), last - first.addr(), libc::MADV_DONTNEED) };
    }

    /// The whole pages, for tests: their address and size.
    #[cfg(all(test, feature = "net", target_os = "linux", not(miri)))]
    pub(super) fn pages(&self) -> (*mut u8, usize) {
        let (address, page) = (self.base.as_ptr(), 4_096);
        let ahead = address.addr().wrapping_neg() % page;
        (address.wrapping_add(ahead), (self.size - ahead) / page * page)
    }

    /// Elsewhere they are kept.
    ///
    /// # Safety
    ///
    /// None is needed here.
    #[cfg(not(all(feature = "net", target_os = "linux", not(miri))))]
    pub(super) unsafe fn give_back(&self, _: core::ops::Range<usize>) {}
}

impl Drop for SlotMemory {
    fn drop(&mut self) {
        // SAFETY: it came from `alloc_zeroed` with this very layout and is freed only here.
        unsafe { dealloc(self.allocation.as_ptr(), self.layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_in_the_configuration_are_told_apart() {
        let new = |slots, slot_size, headroom| {
            SlotMemory::new(PoolConfig { slots, slot_size, headroom }).err()
        };
        assert_eq!(new(0, 2048, 0), Some(PoolError::NoSlots));
        assert_eq!(new(1, 64, 64), Some(PoolError::NoPayload { headroom: 64, slot_size: 64 }));
        assert_eq!(new(1, 0, 0), Some(PoolError::NoPayload { headroom: 0, slot_size: 0 }));
        assert!(matches!(new(usize::MAX, 2048, 0), Some(PoolError::TooLarge { .. })));
        assert!(matches!(new(1, usize::MAX, 0), Some(PoolError::TooLarge { .. })));
        assert_eq!(new(1, 1, 0), None);
    }

    #[test]
    fn slots_start_on_cache_lines_and_do_not_overlap() {
        let memory = SlotMemory::new(PoolConfig { slots: 3, slot_size: 65, headroom: 0 }).unwrap();
        // SAFETY: slots 0 to 2 exist and are 65 bytes long.
        let address = |slot, offset| unsafe { memory.address(slot, offset) }.as_ptr() as usize;
        assert_eq!(address(0, 0) % LINE, 0);
        assert_eq!(address(1, 0) - address(0, 0), 128);
        assert_eq!(address(2, 65) - address(2, 0), 65);
    }

    #[test]
    fn slots_of_a_round_size_do_not_crowd_the_cache() {
        let memory =
            SlotMemory::new(PoolConfig { slots: 64, slot_size: 2048, headroom: 0 }).unwrap();
        // SAFETY: slots 0 to 63 exist.
        let line = |slot| unsafe { memory.address(slot, 0) }.as_ptr() as usize / LINE % 64;
        let lines: alloc::collections::BTreeSet<_> = (0..64).map(line).collect();
        assert_eq!(lines.len(), 64);
    }
}
