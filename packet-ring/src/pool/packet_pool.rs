use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::free_slots::FreeSlots;
use super::slot_memory::SlotMemory;
use super::{PacketBuf, PoolConfig, PoolError};

/// A pool of packet slots; clones share the slots. Every method may be called from any thread, and
/// none of them blocks or allocates.
///
/// The memory lives until the last clone and the last [`PacketBuf`] are gone.
#[derive(Debug, Clone)]
pub struct PacketPool {
    shared: Arc<Shared>,
}

impl PacketPool {
    /// Makes a pool with all its memory.
    ///
    /// # Errors
    ///
    /// A configuration that makes no sense, or no memory: see [`PoolError`].
    pub fn new(config: PoolConfig) -> Result<Self, PoolError> {
        let memory = SlotMemory::new(config)?;
        let free = FreeSlots::new(config.slots);
        Ok(Self {
            shared: Arc::new(Shared { memory, free, config, exhausted: AtomicUsize::new(0) }),
        })
    }

    /// Takes an empty buffer, with the configured headroom.
    ///
    /// `None` when all slots are in use, which is counted in [`PoolStats::exhausted`]. The caller
    /// decides what that means: drop the packet, stop reading, or free something.
    #[inline]
    pub fn take(&self) -> Option<PacketBuf> {
        let slot = self.shared.free.claim(1).and_then(|mut claim| claim.next());
        match slot {
            // SAFETY: the slot was claimed just now, and only this handle will release it.
            Some(slot) => Some(unsafe { PacketBuf::own(self.shared.clone(), slot) }),
            None => {
                self.shared.exhausted.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Takes up to `wanted` empty buffers and appends them to `buffers`, neighbours claimed together.
    /// Returns how many were taken; fewer than `wanted` counts once in [`PoolStats::exhausted`].
    ///
    /// Does not allocate when `buffers` has the capacity.
    pub fn take_batch(&self, wanted: usize, buffers: &mut Vec<PacketBuf>) -> usize {
        let mut taken = 0;
        while taken < wanted {
            buffers.reserve(wanted - taken);
            let Some(claim) = self.shared.free.claim(wanted - taken) else {
                self.shared.exhausted.fetch_add(1, Ordering::Relaxed);
                break;
            };
            taken += claim.len();
            buffers.extend(claim.map(|slot| {
                // SAFETY: as in `take`; a claim yields each of its slots once.
                unsafe { PacketBuf::own(self.shared.clone(), slot) }
            }));
        }
        taken
    }

    /// What the pool was made with.
    pub fn config(&self) -> PoolConfig {
        self.shared.config
    }

    /// Counters as of now.
    pub fn stats(&self) -> PoolStats {
        PoolStats {
            slots: self.shared.config.slots,
            free: self.shared.free.count(),
            exhausted: self.shared.exhausted.load(Ordering::Relaxed),
        }
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
}

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
    fn buffers_outlive_the_pool() {
        let mut buffer = pool(1).take().unwrap();
        buffer.extend_from_slice(b"still here").unwrap();
        assert_eq!(&buffer[..], b"still here");
    }
}
