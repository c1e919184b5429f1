//! How many hold on to something: the count of an `Arc`, but taken and given back many at a time.

use core::sync::atomic::Ordering;

use crate::atomic::AtomicWord;

#[derive(Debug)]
pub(super) struct References<A>(A);

impl<A: AtomicWord> References<A> {
    /// One.
    pub(super) fn new() -> Self {
        Self(A::new(1))
    }

    /// Adds some; the caller holds one.
    #[inline]
    pub(super) fn retain(&self, count: usize) {
        // Relaxed as in `Arc`: whoever adds has access already and passes it on by other means.
        let before = self.0.fetch_add(count, Ordering::Relaxed);
        // Only handles forgotten by the billion come here; to wrap would free what is in use.
        assert!(before <= usize::MAX / 2, "too many handles of one pool");
    }

    /// Gives some back that the caller holds. Returns whether these were the last; then everything that the
    /// others did has happened before.
    #[inline]
    pub(super) fn release(&self, count: usize) -> bool {
        if self.0.fetch_sub(count, Ordering::Release) != count {
            return false;
        }
        A::fence(Ordering::Acquire);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicUsize;

    #[test]
    fn the_last_one_is_told() {
        let references = References::<AtomicUsize>::new();
        references.retain(64);
        assert!(!references.release(60));
        assert!(!references.release(4));
        assert!(references.release(1));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use crate::atomic::model::Weakened;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize as LoomWord;

    /// Each writes and lets go; the last one takes all down, which must come after.
    fn let_go<A: AtomicWord + Send + Sync + 'static>() {
        loom::model(|| {
            let shared = Arc::new((References::<A>::new(), [(); 2].map(|()| UnsafeCell::new(0))));
            shared.0.retain(2);
            let work = |index: usize, count: usize| {
                let shared = shared.clone();
                move || {
                    // SAFETY: loom checks that nobody else accesses the cell at this time.
                    shared.1[index].with_mut(|cell| unsafe { *cell += 1 });
                    if shared.0.release(count) {
                        for cell in &shared.1 {
                            // SAFETY: as above; this is the property under test.
                            cell.with_mut(|cell| unsafe { *cell = 0 });
                        }
                    }
                }
            };
            let other = loom::thread::spawn(work(0, 2));
            work(1, 1)();
            other.join().unwrap();
        });
    }

    #[test]
    fn loom_the_last_one_sees_all() {
        let_go::<LoomWord>();
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn loom_catches_weakened_references() {
        let_go::<Weakened>();
    }
}
