use alloc::vec::Vec;

/// Short slices in one allocation. Freed ones wait by size for the next of that size, until
/// [`Arena::is_wasteful`] asks the owner to lay everything out anew.
#[derive(Debug, Default)]
pub(super) struct Arena {
    items: Vec<u16>,
    /// By grains, starts of free blocks.
    free: Vec<Vec<u32>>,
    /// Items in blocks in use, whole grains.
    used: usize,
}

/// Items that blocks are made of.
const GRAIN: usize = 2;

impl Arena {
    pub(super) fn with_room(items: usize) -> Self {
        Self { items: Vec::with_capacity(items), ..Self::default() }
    }

    #[inline(always)]
    pub(super) fn items(&self) -> &[u16] {
        &self.items
    }

    pub(super) fn items_mut(&mut self) -> &mut [u16] {
        &mut self.items
    }

    /// Puts a copy of `block` somewhere and returns where it starts.
    pub(super) fn insert(&mut self, block: &[u16]) -> usize {
        let grains = block.len().div_ceil(GRAIN);
        self.used += grains * GRAIN;
        let start = match self.free.get_mut(grains).and_then(Vec::pop) {
            Some(start) => start as usize,
            None => {
                let start = self.items.len();
                let end = start + grains * GRAIN;
                if end > self.items.capacity() {
                    // Doubling would waste what the table is small for.
                    self.items.reserve_exact(grains * GRAIN + start / 32 + 256);
                }
                self.items.resize(end, 0);
                start
            }
        };
        self.items[start..start + block.len()].copy_from_slice(block);
        start
    }

    /// Gives the block back that has `len` items from `start` on.
    pub(super) fn remove(&mut self, start: usize, len: usize) {
        let grains = len.div_ceil(GRAIN);
        self.used -= grains * GRAIN;
        if self.free.len() <= grains {
            self.free.resize(grains + 1, Vec::new());
        }
        self.free[grains].push(start as u32);
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Whether a good part of the items is in free blocks.
    pub(super) fn is_wasteful(&self) -> bool {
        self.items.len() - self.used > self.used / 16 + 4096
    }

    /// Bytes allocated.
    pub(super) fn memory(&self) -> usize {
        self.items.capacity() * size_of::<u16>()
            + self.free.iter().map(|free| free.capacity() * size_of::<u32>()).sum::<usize>()
            + self.free.capacity() * size_of::<Vec<u32>>()
    }
}
