//! What lookups walk through: nodes of 128 slots. Each is one block of an arena:
//!
//! ```text
//!   links to further nodes   slots that have one   runs     cover   values, one for each run
//!   2 items each, the last   8 items               8 items  1 item  1 item each
//!   slot's first
//!   ───── only where there are any ─────────────▲ where a `Link` leads
//! ```

use alloc::vec::Vec;
use core::hint::select_unpredictable;

use super::arena::Arena;

/// Slots of a node.
pub(super) const SLOTS: usize = 128;

/// The values of all slots; 0 is none.
pub(super) type Painted = [u16; SLOTS];

/// The way to a node: where its block is, and in the highest bit whether it leads to further ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(u32);

const FURTHER: u32 = 1 << 31;
/// Items of a set of slots.
const BITS: usize = SLOTS / 16;
const COVER: usize = BITS;
/// The items before the values.
const HEAD: usize = BITS + 1;
/// Items of a link.
const LINK: usize = 2;

impl Link {
    #[inline(always)]
    pub(super) fn leads_further(self) -> bool {
        self.0 & FURTHER != 0
    }

    #[inline(always)]
    fn base(self) -> usize {
        (self.0 & !FURTHER) as usize
    }
}

/// All nodes of a table.
///
/// One without values and further nodes is not stored for itself: all that have the same cover are one,
/// a *bare* one, which spares lookups the question whether there is a node.
#[derive(Debug)]
pub(super) struct Nodes {
    arena: Arena,
    /// The bare nodes by their cover. The first is always there, others as needed.
    bare: Vec<Option<Link>>,
}

impl Nodes {
    /// Without any, and the bare node without a cover.
    pub(super) fn new() -> (Self, Link) {
        let mut nodes = Self { arena: Arena::default(), bare: Vec::new() };
        let bare = nodes.bare(0);
        (nodes, bare)
    }

    /// The value of a slot and the cover of the node; 0 for none.
    #[inline(always)]
    pub(super) fn step(&self, link: Link, at: u8) -> (u16, u16) {
        let items = self.arena.items();
        let base = link.base();
        let head = items.get(base..).and_then(|block| block.first_chunk::<HEAD>());
        // All links lead to blocks.
        let Some(head) = head else { return (0, 0) };
        let [low, high] = words(head);
        let is_high = at >= 64;
        // Both halves are counted rather than guessed which: every second guess would be wrong, and with
        // it all that the processor did ahead.
        let word = select_unpredictable(is_high, high, low);
        let before = select_unpredictable(is_high, low.count_ones(), 0);
        let rank = before + (word << (63 - (at & 63))).count_ones();
        let value = items.get(base + COVER + rank as usize);
        (value.copied().unwrap_or(0), head[COVER])
    }

    /// Fetches a node into the cache.
    #[inline(always)]
    pub(super) fn prefetch(&self, link: Link) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a hint that does nothing to memory as the language sees it; every x86-64 has it.
        unsafe {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(
                self.arena.items().as_ptr().wrapping_add(link.base()).cast(),
            );
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = link;
    }

    /// The node behind a slot, if any.
    #[inline]
    pub(super) fn child(&self, link: Link, at: u8) -> Option<Link> {
        let place = self.child_place(link, at)?;
        let [high, low] = *self.arena.items().get(place..)?.first_chunk()?;
        Some(Link(u32::from(high) << 16 | u32::from(low)))
    }

    /// The node with no values and this cover.
    pub(super) fn bare(&mut self, cover: u16) -> Link {
        let index = usize::from(cover);
        if self.bare.len() <= index {
            self.bare.resize(index + 1, None);
        }
        if let Some(link) = self.bare[index] {
            return link;
        }
        let mut block = [0; HEAD + 1];
        block[0] = 1;
        block[COVER] = cover;
        let link = Link(self.arena.insert(&block) as u32);
        self.bare[index] = Some(link);
        link
    }

    /// Whether a node is one of the bare ones.
    pub(super) fn is_bare(&self, link: Link) -> bool {
        let cover = self.arena.items()[link.base() + COVER];
        self.bare.get(usize::from(cover)) == Some(&Some(link))
    }

    /// Makes `cover` the cover of a node; returns the way to it from now on.
    pub(super) fn set_cover(&mut self, link: Link, cover: u16) -> Link {
        if self.is_bare(link) {
            return self.bare(cover);
        }
        self.arena.items_mut()[link.base() + COVER] = cover;
        link
    }

    /// Makes `painted` the values of a node; returns the way to it from now on.
    pub(super) fn paint(&mut self, link: Link, painted: &Painted) -> Link {
        let mut node = self.open(link);
        node.runs = 0;
        node.values.clear();
        for (at, value) in painted.iter().enumerate() {
            if node.values.last() != Some(value) {
                node.runs |= 1 << at;
                node.values.push(*value);
            }
        }
        self.replace(link, &node)
    }

    /// Makes `child` the node behind a slot, or takes it away when it is bare; returns the way to the parent
    /// from now on.
    pub(super) fn set_child(&mut self, parent: Link, at: u8, child: Link) -> Link {
        let keep = !self.is_bare(child);
        let items = [(child.0 >> 16) as u16, child.0 as u16];
        match self.child_place(parent, at) {
            Some(place) if keep => {
                self.arena.items_mut()[place..place + LINK].copy_from_slice(&items);
                parent
            }
            None if !keep => parent,
            found => {
                let mut node = self.open(parent);
                let index = rank(node.further, at);
                if keep {
                    node.children.insert(index, child);
                } else {
                    debug_assert!(found.is_some());
                    node.children.remove(index);
                }
                node.further ^= 1 << at;
                self.replace(parent, &node)
            }
        }
    }

    /// Bytes allocated.
    pub(super) fn memory(&self) -> usize {
        self.arena.memory() + self.bare.capacity() * size_of::<Option<Link>>()
    }

    /// Puts what is used side by side, in the order of the roots, when too much between it is not, or
    /// `always`.
    pub(super) fn tidy(&mut self, roots: &mut [Link], always: bool) {
        if !always && !self.arena.is_wasteful() {
            return;
        }
        let mut new = Self { arena: Arena::with_room(self.arena.used()), bare: Vec::new() };
        // Where new roots start.
        new.bare(0);
        for root in roots {
            *root = self.copied(*root, &mut new);
        }
        *self = new;
    }

    /// Copies a node and all behind it into another set.
    fn copied(&self, link: Link, new: &mut Self) -> Link {
        if self.is_bare(link) {
            return new.bare(self.arena.items()[link.base() + COVER]);
        }
        let mut node = self.open(link);
        for child in &mut node.children {
            *child = self.copied(*child, new);
        }
        new.store(&node)
    }

    /// Where the link behind a slot stands, if there is one.
    #[inline]
    fn child_place(&self, link: Link, at: u8) -> Option<usize> {
        if !link.leads_further() {
            return None;
        }
        let front = link.base() - BITS;
        let further = bits(self.arena.items().get(front..)?.first_chunk()?);
        (further >> at & 1 == 1).then(|| front - LINK * (rank(further, at) + 1))
    }

    /// A node taken apart.
    fn open(&self, link: Link) -> Open {
        let items = self.arena.items();
        let base = link.base();
        let runs = bits(items[base..].first_chunk().unwrap_or(&[0; BITS]));
        let (further, children) = if link.leads_further() {
            let front = base - BITS;
            let further = bits(items[front..].first_chunk().unwrap_or(&[0; BITS]));
            let children = (1..=further.count_ones() as usize).map(|n| {
                let place = front - LINK * n;
                Link(u32::from(items[place]) << 16 | u32::from(items[place + 1]))
            });
            (further, children.collect())
        } else {
            (0, Vec::new())
        };
        let values = items[base + HEAD..][..runs.count_ones() as usize].to_vec();
        Open { cover: items[base + COVER], runs, values, further, children }
    }

    /// Gives a node other contents; returns the way to it from now on.
    fn replace(&mut self, link: Link, node: &Open) -> Link {
        if !self.is_bare(link) {
            let old = self.open(link);
            self.arena.remove(link.base() - old.front(), old.front() + HEAD + old.values.len());
        }
        if node.further == 0 && node.values == [0] {
            return self.bare(node.cover);
        }
        self.store(node)
    }

    fn store(&mut self, node: &Open) -> Link {
        let mut block = Vec::with_capacity(node.front() + HEAD + node.values.len());
        if node.further != 0 {
            for child in node.children.iter().rev() {
                block.extend([(child.0 >> 16) as u16, child.0 as u16]);
            }
            block.extend(items_of(node.further));
        }
        block.extend(items_of(node.runs));
        block.push(node.cover);
        block.extend(&node.values);
        let base = self.arena.insert(&block) + node.front();
        // Each node has prefixes of its own below it, too few by far to need the highest bit.
        Link(base as u32 | if node.further == 0 { 0 } else { FURTHER })
    }
}

/// What a block says.
struct Open {
    cover: u16,
    runs: u128,
    values: Vec<u16>,
    further: u128,
    children: Vec<Link>,
}

impl Open {
    /// Items before the place that links lead to.
    fn front(&self) -> usize {
        if self.further == 0 { 0 } else { BITS + LINK * self.children.len() }
    }
}

/// The members below `at`.
#[inline]
fn rank(bits: u128, at: u8) -> usize {
    (bits & ((1 << at) - 1)).count_ones() as usize
}

/// The two halves of a set.
#[inline(always)]
fn words(items: &[u16; HEAD]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, _] = items.map(u64::from);
    [a | b << 16 | c << 32 | d << 48, e | f << 16 | g << 32 | h << 48]
}

fn bits(items: &[u16; BITS]) -> u128 {
    items.iter().rev().fold(0, |bits, item| bits << 16 | u128::from(*item))
}

fn items_of(bits: u128) -> [u16; BITS] {
    core::array::from_fn(|n| (bits >> (16 * n)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_its_value() {
        let (mut nodes, bare) = Nodes::new();
        let mut painted = [0; SLOTS];
        for (at, value) in [(0, 4), (1, 4), (62, 1), (63, 2), (64, 3), (65, 3), (127, 9)] {
            painted[at] = value;
        }
        let link = nodes.set_cover(bare, 7);
        let link = nodes.paint(link, &painted);
        for (at, value) in (0..).zip(painted) {
            assert_eq!(nodes.step(link, at), (value, 7), "{at}");
        }
        let striped: Painted = core::array::from_fn(|at| at as u16 % 3);
        let link = nodes.paint(link, &striped);
        for (at, value) in (0..).zip(striped) {
            assert_eq!(nodes.step(link, at), (value, 7), "{at}");
        }
    }

    #[test]
    fn nodes_come_and_go_without_a_trace() {
        let (mut nodes, bare) = Nodes::new();
        let mut root = bare;
        nodes.tidy(&mut [root], true);
        let before = nodes.arena.used();
        for at in [7, 3, 127, 0] {
            let child = nodes.paint(bare, &[u16::from(at) + 1; SLOTS]);
            root = nodes.set_child(root, at, child);
        }
        let mut roots = [root];
        nodes.tidy(&mut roots, true);
        let [mut root] = roots;
        for at in [7, 3, 127, 0] {
            assert!(root.leads_further());
            let child = nodes.child(root, at).unwrap();
            assert_eq!(nodes.step(child, 99), (u16::from(at) + 1, 0));
            assert!(!child.leads_further());
            assert_eq!((nodes.step(root, at), nodes.child(root, at ^ 64)), ((0, 0), None));
            let child = nodes.paint(child, &[0; SLOTS]);
            root = nodes.set_child(root, at, child);
        }
        assert!(nodes.is_bare(root));
        assert_eq!(nodes.arena.used(), before);
    }

    #[test]
    fn bare_nodes_are_shared() {
        let (mut nodes, bare) = Nodes::new();
        let [one, two, again] = [1, 2, 1].map(|cover| nodes.set_cover(bare, cover));
        assert!(one == again && one != two);
        assert_eq!((nodes.step(one, 5), nodes.step(two, 70)), ((0, 1), (0, 2)));
        assert_eq!(nodes.set_child(one, 5, bare), one);
    }
}
