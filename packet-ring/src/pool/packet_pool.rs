use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::free_slots::FreeSlots;
use super::references::References;
use super::slot_memory::SlotMemory;
use super::{PacketBuf, PoolConfig, PoolError};

/// A pool of packet slots; clones share the slots. Every method may be called from any thread, and
/// none of them blocks or allocates.
///
/// The memory lives until the last clone and the last [`PacketBuf`] are gone.
pub struct PacketPool {
    /// Counted in its `references`, as is each buffer's.
    shared: NonNull<Shared>,
}

// SAFETY: a `PacketPool` is a counted pointer to `Shared`, which is `Send` and `Sync`.
unsafe impl Send for PacketPool {}
// SAFETY: as above.
unsafe impl Sync for PacketPool {}

impl PacketPool {
    /// Makes a pool with all its memory.
    ///
    /// # Errors
    ///
    /// A configuration that makes no sense, or no memory: see [`PoolError`].
    pub fn new(config: PoolConfig) -> Result<Self, PoolError> {
        let memory = SlotMemory::new(config)?;
        let free = FreeSlots::new(config.slots);
        let references = References::new();
        let shared = Shared { memory, free, config, exhausted: AtomicUsize::new(0), references };
        Ok(Self { shared: NonNull::from(Box::leak(Box::new(shared))) })
    }

    /// Takes an empty buffer, with the configured headroom.
    ///
    /// `None` when all slots are in use, which is counted in [`PoolStats::exhausted`]. The caller
    /// decides what that means: drop the packet, stop reading, or free something.
    #[inline]
    pub fn take(&self) -> Option<PacketBuf> {
        let shared = self.shared();
        let slot = shared.free.claim(1).and_then(|mut claim| claim.next());
        match slot {
            Some(slot) => {
                shared.references.retain(1);
                // SAFETY: the slot was claimed just now, only this handle will release it, and it is counted.
                Some(unsafe { PacketBuf::own(self.shared, slot) })
            }
            None => {
                shared.exhausted.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Takes up to `wanted` empty buffers and appends them to `buffers`, neighbours claimed together.
    /// Returns how many were taken; fewer than `wanted` counts once in [`PoolStats::exhausted`].
    ///
    /// Does not allocate when `buffers` has the capacity.
    pub fn take_batch(&self, wanted: usize, buffers: &mut Vec<PacketBuf>) -> usize {
        let taken = self.take_ahead(wanted, buffers);
        if taken < wanted {
            self.shared().exhausted.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// As [`take_batch`](Self::take_batch), when nobody lacks what the pool does not have.
    pub(crate) fn take_ahead(&self, wanted: usize, buffers: &mut Vec<PacketBuf>) -> usize {
        let shared = self.shared();
        buffers.reserve(wanted);
        let mut taken = 0;
        while taken < wanted
            && let Some(claim) = shared.free.claim(wanted - taken)
        {
            taken += claim.len();
            shared.references.retain(claim.len());
            buffers.extend(claim.map(|slot| {
                // SAFETY: as in `take`; a claim yields each of its slots once.
                unsafe { PacketBuf::own(self.shared, slot) }
            }));
        }
        taken
    }

    /// Returns many buffers to their pools, neighbours together: cheaper than to drop them one by one.
    #[inline]
    pub fn give_back(buffers: impl IntoIterator<Item = PacketBuf>) {
        PacketBuf::give_back(buffers.into_iter());
    }

    /// Gives the memory of free slots back to the system, on Linux with the feature `net`, for when a busy
    /// time is over: the slots stay, and have memory again when they are written to. Takes about a microsecond for each
    /// 64 slots; up to 128 at a time are not free meanwhile.
    pub fn shrink(&self) {
        let shared = self.shared();
        // SAFETY: the slots of a run are claimed while it is looked at.
        shared.free.each_run(|run| unsafe { shared.memory.give_back(run) });
    }

    /// What the pool was made with.
    pub fn config(&self) -> PoolConfig {
        self.shared().config
    }

    /// Counters as of now.
    pub fn stats(&self) -> PoolStats {
        let shared = self.shared();
        PoolStats {
            slots: shared.config.slots,
            free: shared.free.count(),
            exhausted: shared.exhausted.load(Ordering::Relaxed),
        }
    }

    #[inline]
    fn shared(&self) -> &Shared {
        // SAFETY: it lives until all who are counted have let go, and this handle is counted.
        unsafe { self.shared.as_ref() }
    }
}

impl Clone for PacketPool {
    fn clone(&self) -> Self {
        self.shared().references.retain(1);
        Self { shared: self.shared }
    }
}

impl Drop for PacketPool {
    fn drop(&mut self) {
        // SAFETY: this handle is counted once, and gone after this.
        unsafe { Shared::release(self.shared, 1) }
    }
}

impl fmt::Debug for PacketPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketPool").field("config", &self.config()).finish_non_exhaustive()
    }
}

/// Counters of a [`PacketPool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Slots in the pool.
    pub slots: usize,
    /// Slots free at the time of asking; exact when no other thread takes or returns one meanwhile.
    pub free: usize,
    /// How often the pool was empty when a buffer was wanted, since it was made (wraps).
    pub exhausted: usize,
}

/// What the pool and its buffers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) memory: SlotMemory,
    pub(super) free: FreeSlots<AtomicUsize>,
    pub(super) config: PoolConfig,
    exhausted: AtomicUsize,
    /// Pools and buffers.
    references: References<AtomicUsize>,
}

impl Shared {
    /// Lets go of `count` references, and frees everything with the last one.
    ///
    /// # Safety
    ///
    /// The caller holds as many, and uses none of them after this.
    #[inline]
    pub(super) unsafe fn release(this: NonNull<Self>, count: usize) {
        // SAFETY: the caller's references keep it alive up to the call.
        if unsafe { this.as_ref() }.references.release(count) {
            // SAFETY: it came from a box, and nobody is left who knows it.
            drop(unsafe { Box::from_raw(this.as_ptr()) });
        }
    }
}

/// Both are shared by threads, which the pointers to `Shared` rely on.
const _: () = {
    const fn shared_by_threads<T: Send + Sync>() {}
    shared_by_threads::<Shared>();
};

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(slots: usize) -> PacketPool {
        PacketPool::new(PoolConfig { slots, slot_size: 256, headroom: 16 }).unwrap()
    }

    #[test]
    fn an_empty_pool_says_so_and_counts() {
        let pool = pool(2);
        let (a, b) = (pool.take(), pool.take());
        assert!(a.is_some() && b.is_some());
        assert!(pool.take().is_none() && pool.take().is_none());
        drop(a);
        assert!(pool.take().is_some());
        assert_eq!(pool.stats(), PoolStats { slots: 2, free: 1, exhausted: 2 });
    }

    #[test]
    fn a_batch_takes_what_there_is() {
        let pool = pool(100);
        let mut buffers = Vec::new();
        assert_eq!(pool.take_batch(70, &mut buffers), 70);
        assert_eq!(pool.stats().exhausted, 0);
        assert_eq!(pool.take_batch(70, &mut buffers), 30);
        assert_eq!(pool.take_batch(0, &mut buffers), 0);
        assert_eq!(pool.stats(), PoolStats { slots: 100, free: 0, exhausted: 1 });
        drop(buffers);
        assert_eq!(pool.stats().free, 100);
    }

    #[test]
    fn given_back_together() {
        let pools = [pool(100), pool(3)];
        let mut buffers = Vec::new();
        assert_eq!(pools[0].take_batch(70, &mut buffers), 70);
        assert_eq!(pools[1].take_batch(2, &mut buffers), 2);
        assert_eq!(pools[0].take_batch(10, &mut buffers), 10);
        // Some out of order.
        buffers.swap(0, 69);
        buffers.swap(5, 71);
        PacketPool::give_back(buffers.drain(..).skip(1));
        assert_eq!(
            pools.each_ref().map(|pool| pool.stats().free),
            [100, 3],
            "skipped ones are dropped"
        );
        assert_eq!(pools[0].take_batch(3, &mut buffers), 3);
        drop(pools);
        assert_eq!(buffers[0].extend_from_slice(b"still here"), Ok(()));
        PacketPool::give_back(buffers);
        PacketPool::give_back([]);
    }

    #[test]
    #[cfg(all(feature = "net", target_os = "linux", not(miri)))]
    fn memory_of_free_slots_goes_back_and_packets_stay() {
        let pool = PacketPool::new(PoolConfig { slots: 1_000, ..PoolConfig::default() }).unwrap();
        let mut buffers = Vec::new();
        pool.take_batch(1_000, &mut buffers);
        for buffer in &mut buffers {
            buffer.extend_from_slice(&[7; 1_500]).unwrap();
        }
        let bytes = 1_000 * 2_048;
        let before = resident(&pool);
        assert!(before >= bytes, "{before}");
        let kept: Vec<_> = buffers.drain(..).step_by(100).collect();
        pool.shrink();
        assert!(resident(&pool) < bytes / 10);
        assert!(kept.iter().all(|buffer| buffer[..] == [7; 1_500]));
        assert_eq!(pool.stats(), PoolStats { slots: 1_000, free: 990, exhausted: 0 });
        let mut again = pool.take().unwrap();
        again.extend_from_slice(b"used again").unwrap();
        drop((kept, again));
        pool.shrink();
        assert!(resident(&pool) <= 2 * 4_096, "the pages at both ends are shared with others");
    }

    /// Bytes of the pool's pages that have memory.
    #[cfg(all(feature = "net", target_os = "linux", not(miri)))]
    fn resident(pool: &PacketPool) -> usize {
        let (address, size) = pool.shared().memory.pages();
        let mut pages = std::vec![0_u8; size / 4_096];
        // SAFETY: the pages are mapped, and there is a byte for each.
        let told = unsafe { libc::mincore(address.cast(), size, pages.as_mut_ptr()) };
        assert_eq!(told, 0);
        pages.iter().filter(|page| **page & 1 == 1).count() * 4_096
    }

    #[test]
    fn buffers_outlive_the_pool() {
        let mut buffer = pool(1).take().unwrap();
        buffer.extend_from_slice(b"still here").unwrap();
        assert_eq!(&buffer[..], b"still here");
    }
}
