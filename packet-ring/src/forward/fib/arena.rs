use alloc::vec::Vec;

/// Short slices in one allocation. Each takes whole grains of four items; freed ones wait by size for the
/// next of that size, until [`Arena::is_wasteful`] asks the owner to lay everything out anew.
#[derive(Debug)]
pub(super) struct Arena<T> {
    items: Vec<T>,
    /// By grains, starts of free blocks.
    free: Vec<Vec<u32>>,
    /// Items in blocks in use, whole grains.
    used: usize,
}

/// A slice in an [`Arena`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) start: u32,
    pub(super) len: u32,
}

const GRAIN: usize = 4;

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new(), used: 0 }
    }
}

impl<T: Copy + Default> Arena<T> {
    pub(super) fn with_room(items: usize) -> Self {
        Self { items: Vec::with_capacity(items), free: Vec::new(), used: 0 }
    }

    #[inline(always)]
    pub(super) fn at(&self, index: u32) -> T {
        self.items[index as usize]
    }

    pub(super) fn block(&self, block: Block) -> &[T] {
        &self.items[block.start as usize..][..block.len as usize]
    }

    pub(super) fn insert(&mut self, items: &[T]) -> Block {
        let grains = items.len().div_ceil(GRAIN);
        let len = items.len() as u32;
        self.used += grains * GRAIN;
        let start = match self.free.get_mut(grains).and_then(Vec::pop) {
            Some(start) => start as usize,
            None => {
                let start = self.items.len();
                let end = start + grains * GRAIN;
                if end > self.items.capacity() {
                    // Doubling would waste what the table is small for.
                    self.items.reserve_exact(grains * GRAIN + start / 16 + 256);
                }
                self.items.resize(end, T::default());
                start
            }
        };
        self.items[start..start + items.len()].copy_from_slice(items);
        Block { start: start as u32, len }
    }

    pub(super) fn remove(&mut self, block: Block) {
        let grains = (block.len as usize).div_ceil(GRAIN);
        if grains == 0 {
            return;
        }
        self.used -= grains * GRAIN;
        if self.free.len() <= grains {
            self.free.resize(grains + 1, Vec::new());
        }
        self.free[grains].push(block.start);
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Whether a good part of the items is in free blocks.
    pub(super) fn is_wasteful(&self) -> bool {
        self.items.len() - self.used > self.used / 8 + 4096
    }

    pub(super) fn memory(&self) -> usize {
        self.items.capacity() * size_of::<T>()
            + self.free.iter().map(|free| free.capacity() * size_of::<u32>()).sum::<usize>()
            + self.free.capacity() * size_of::<Vec<u32>>()
    }
}
