//! The atomics that the index protocols are written against.
//!
//! [`FreeSlots`](crate::pool) and the rings of [`spsc`](crate::spsc) and [`overwrite`](crate::overwrite) name this trait instead of
//! `core::sync::atomic`, so that one text of each protocol runs on the processor's atomics, under the
//! loom model checker, and under a deliberately weakened version that loom must reject.

use core::sync::atomic::{AtomicUsize, Ordering};

/// The operations of an atomic machine word that the protocols need.
pub(crate) trait AtomicWord {
    fn new(value: usize) -> Self;
    fn load(&self, order: Ordering) -> usize;
    fn store(&self, value: usize, order: Ordering);
    fn fetch_or(&self, bits: usize, order: Ordering) -> usize;
    fn fetch_add(&self, count: usize, order: Ordering) -> usize;
    fn fetch_sub(&self, count: usize, order: Ordering) -> usize;
    /// On failure the value found is returned and loaded with `Relaxed`.
    fn compare_exchange_weak(
        &self,
        current: usize,
        new: usize,
        success: Ordering,
    ) -> Result<usize, usize>;
    /// `core::sync::atomic::fence`, or what the model has in its place.
    fn fence(order: Ordering);
}

impl AtomicWord for AtomicUsize {
    fn new(value: usize) -> Self {
        Self::new(value)
    }

    #[inline]
    fn load(&self, order: Ordering) -> usize {
        self.load(order)
    }

    #[inline]
    fn store(&self, value: usize, order: Ordering) {
        self.store(value, order);
    }

    #[inline]
    fn fetch_or(&self, bits: usize, order: Ordering) -> usize {
        self.fetch_or(bits, order)
    }

    #[inline]
    fn fetch_add(&self, count: usize, order: Ordering) -> usize {
        self.fetch_add(count, order)
    }

    #[inline]
    fn fetch_sub(&self, count: usize, order: Ordering) -> usize {
        self.fetch_sub(count, order)
    }

    #[inline]
    fn compare_exchange_weak(
        &self,
        current: usize,
        new: usize,
        success: Ordering,
    ) -> Result<usize, usize> {
        self.compare_exchange_weak(current, new, success, Ordering::Relaxed)
    }

    #[inline]
    fn fence(order: Ordering) {
        core::sync::atomic::fence(order);
    }
}

/// Keeps a value on cache lines of its own, so that two threads writing neighbours do not fight.
///
/// 128 bytes, because x86 prefetches lines in pairs and some ARM cores have 128-byte lines.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);

#[cfg(all(test, loom))]
pub(crate) mod model {
    //! loom's atomics, as they are and weakened.

    use super::{AtomicWord, Ordering};
    use loom::sync::atomic::AtomicUsize as LoomWord;

    impl AtomicWord for LoomWord {
        fn new(value: usize) -> Self {
            Self::new(value)
        }
        fn load(&self, order: Ordering) -> usize {
            self.load(order)
        }
        fn store(&self, value: usize, order: Ordering) {
            self.store(value, order);
        }
        fn fetch_or(&self, bits: usize, order: Ordering) -> usize {
            self.fetch_or(bits, order)
        }
        fn fetch_add(&self, count: usize, order: Ordering) -> usize {
            self.fetch_add(count, order)
        }
        fn fetch_sub(&self, count: usize, order: Ordering) -> usize {
            self.fetch_sub(count, order)
        }
        fn compare_exchange_weak(
            &self,
            current: usize,
            new: usize,
            success: Ordering,
        ) -> Result<usize, usize> {
            self.compare_exchange_weak(current, new, success, Ordering::Relaxed)
        }
        fn fence(order: Ordering) {
            loom::sync::atomic::fence(order);
        }
    }

    /// A loom atomic that never publishes: every `Release` and `Acquire` is taken as `Relaxed`.
    #[derive(Debug)]
    pub(crate) struct Weakened(LoomWord);

    impl AtomicWord for Weakened {
        fn new(value: usize) -> Self {
            Self(LoomWord::new(value))
        }
        fn load(&self, _: Ordering) -> usize {
            self.0.load(Ordering::Relaxed)
        }
        fn store(&self, value: usize, _: Ordering) {
            self.0.store(value, Ordering::Relaxed);
        }
        fn fetch_or(&self, bits: usize, _: Ordering) -> usize {
            self.0.fetch_or(bits, Ordering::Relaxed)
        }
        fn fetch_add(&self, count: usize, _: Ordering) -> usize {
            self.0.fetch_add(count, Ordering::Relaxed)
        }
        fn fetch_sub(&self, count: usize, _: Ordering) -> usize {
            self.0.fetch_sub(count, Ordering::Relaxed)
        }
        fn compare_exchange_weak(
            &self,
            current: usize,
            new: usize,
            _: Ordering,
        ) -> Result<usize, usize> {
            self.0.compare_exchange_weak(current, new, Ordering::Relaxed, Ordering::Relaxed)
        }
        fn fence(_: Ordering) {}
    }
}
