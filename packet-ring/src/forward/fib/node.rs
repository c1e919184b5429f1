//! What lookups walk through: nodes of 256 slots, stored as runs.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::arena::{Arena, Block};

/// A set of 256 bits that counts its members up to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bits {
    /// Words of 64 bits in halves, low half first, so that nothing is lost to alignment.
    words: [[u32; 2]; 4],
    /// In byte `n`, the members in the words before word `n`.
    before: u32,
}

impl Bits {
    pub(super) fn set(&mut self, at: u8) {
        self.words[usize::from(at >> 6)][usize::from(at >> 5 & 1)] |= 1 << (at & 31);
        self.count_anew();
    }

    pub(super) fn clear(&mut self, at: u8) {
        self.words[usize::from(at >> 6)][usize::from(at >> 5 & 1)] &= !(1 << (at & 31));
        self.count_anew();
    }

    #[inline]
    pub(super) fn has(&self, at: u8) -> bool {
        self.word(at >> 6) >> (at & 63) & 1 == 1
    }

    /// Members up to and with `at`: up to 256.
    #[inline(always)]
    pub(super) fn rank(&self, at: u8) -> u32 {
        let word = at >> 6;
        let within = u64::MAX >> (63 - (at & 63));
        let before = self.before >> (word * 8) & 0xff;
        before + (self.word(word) & within).count_ones()
    }

    pub(super) fn count(&self) -> u32 {
        self.rank(255)
    }

    #[inline(always)]
    fn word(&self, index: u8) -> u64 {
        let [low, high] = self.words[usize::from(index)];
        u64::from(high) << 32 | u64::from(low)
    }

    fn count_anew(&mut self) {
        let [a, b, c] = [0, 1, 2].map(|index| self.word(index).count_ones());
        self.before = a << 8 | (a + b) << 16 | (a + b + c) << 24;
    }
}

/// Slots of one byte of the address. A value is stored once for each run of equal slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where a run starts; bit 0 always.
    runs: Bits,
    /// Where the values start, and in the highest bit whether there are [`Branches`]. Their number stands
    /// in the two values before.
    values: u32,
}

const BRANCHING: u32 = 1 << 31;
/// Values that the number of the branches takes.
const NUMBER: u32 = 2;

impl Node {
    #[inline(always)]
    fn is_branching(&self) -> bool {
        self.values & BRANCHING != 0
    }

    #[inline(always)]
    fn start(&self) -> u32 {
        self.values & !BRANCHING
    }

    /// Everything that the node has among the values.
    fn block(&self) -> Block {
        let number = if self.is_branching() { NUMBER } else { 0 };
        Block { start: self.start() - number, len: self.runs.count() + number }
    }
}

/// Which slots lead to a further node. Few nodes have any, so they are kept apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branches {
    slots: Bits,
    links: u32,
}

/// The values of all 256 slots; 0 is none.
pub(super) type Painted = [u16; 256];

/// All nodes of a table. Node 0 is empty and stays so: it spares lookups a branch.
#[derive(Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    free_nodes: Vec<u32>,
    branches: Vec<Branches>,
    free_branches: Vec<u32>,
    values: Arena<u16>,
    links: Arena<u32>,
}

impl Nodes {
    pub(super) fn new() -> Self {
        let mut nodes = Self {
            nodes: Vec::new(),
            free_nodes: Vec::new(),
            branches: Vec::new(),
            free_branches: Vec::new(),
            values: Arena::default(),
            links: Arena::default(),
        };
        nodes.create();
        nodes
    }

    /// Where the value of slot `at` is found, and the node after it, if any.
    #[inline(always)]
    pub(super) fn step(&self, node: u32, at: u8) -> (u32, Option<u32>) {
        let node = &self.nodes[node as usize];
        let place = node.start() + node.runs.rank(at) - 1;
        (place, if node.is_branching() { self.link(node, at) } else { None })
    }

    /// The value at a place; 0 for none.
    #[inline(always)]
    pub(super) fn value(&self, place: u32) -> u16 {
        self.values.at(place)
    }

    /// Kept out of the way of lookups that end before.
    #[cold]
    fn link(&self, node: &Node, at: u8) -> Option<u32> {
        let branches = &self.branches[self.branches_of(node)? as usize];
        branches.slots.has(at).then(|| self.links.at(branches.links + branches.slots.rank(at) - 1))
    }

    fn branches_of(&self, node: &Node) -> Option<u32> {
        let number = || {
            let at = node.start() - NUMBER;
            u32::from(self.values.at(at)) << 16 | u32::from(self.values.at(at + 1))
        };
        node.is_branching().then(number)
    }

    pub(super) fn child(&self, node: u32, at: u8) -> Option<u32> {
        self.link(&self.nodes[node as usize], at)
    }

    /// A node without values and branches.
    pub(super) fn create(&mut self) -> u32 {
        let mut runs = Bits::default();
        runs.set(0);
        let node = Node { runs, values: self.values.insert(&[0]).start };
        insert(&mut self.nodes, &mut self.free_nodes, node)
    }

    /// Makes `painted` the values of a node.
    pub(super) fn paint(&mut self, node: u32, painted: &Painted) {
        let mut runs = Bits::default();
        let mut values = [0; 256];
        let mut count = 0;
        let mut last = None;
        for (at, value) in (0_u8..=255).zip(painted) {
            if last != Some(value) {
                runs.words[usize::from(at >> 6)][usize::from(at >> 5 & 1)] |= 1 << (at & 31);
                values[count] = *value;
                count += 1;
                last = Some(value);
            }
        }
        runs.count_anew();
        let branches = self.branches_of(&self.nodes[node as usize]);
        self.replace(node, runs, branches, &values[..count]);
    }

    /// Gives a node other values and branches.
    fn replace(&mut self, node: u32, runs: Bits, branches: Option<u32>, values: &[u16]) {
        let old = self.nodes[node as usize].block();
        let mut stored = [0; 256 + NUMBER as usize];
        let skip = match branches {
            Some(number) => {
                stored[..2].copy_from_slice(&[(number >> 16) as u16, number as u16]);
                NUMBER as usize
            }
            None => 0,
        };
        stored[skip..skip + values.len()].copy_from_slice(values);
        let new = self.values.insert(&stored[..skip + values.len()]);
        let flag = if branches.is_some() { BRANCHING } else { 0 };
        self.nodes[node as usize] = Node { runs, values: (new.start + skip as u32) | flag };
        self.values.remove(old);
    }

    fn set_branches(&mut self, node: u32, branches: Option<u32>) {
        let old = self.nodes[node as usize];
        let values = Block { start: old.start(), len: old.runs.count() };
        let values = self.values.block(values).to_vec();
        self.replace(node, old.runs, branches, &values);
    }

    /// Puts a new node behind slot `at`, which has none.
    pub(super) fn add_child(&mut self, parent: u32, at: u8) -> u32 {
        let child = self.create();
        let branches = match self.branches_of(&self.nodes[parent as usize]) {
            Some(branches) => branches,
            None => {
                let none = Branches { slots: Bits::default(), links: self.links.insert(&[]).start };
                let branches = insert(&mut self.branches, &mut self.free_branches, none);
                self.set_branches(parent, Some(branches));
                branches
            }
        };
        self.relink(branches, |slots, links| {
            slots.set(at);
            links.insert(slots.rank(at) as usize - 1, child);
        });
        child
    }

    /// Takes the node behind slot `at` away; it must have neither values nor branches.
    pub(super) fn remove_child(&mut self, parent: u32, at: u8) {
        let Some(child) = self.child(parent, at) else { return };
        debug_assert!(self.is_bare(child));
        let Some(branches) = self.branches_of(&self.nodes[parent as usize]) else { return };
        self.relink(branches, |slots, links| {
            links.remove(slots.rank(at) as usize - 1);
            slots.clear(at);
        });
        let left = self.branches[branches as usize];
        if left.slots == Bits::default() {
            self.links.remove(Block { start: left.links, len: 0 });
            self.free_branches.push(branches);
            self.set_branches(parent, None);
        }
        self.destroy(child);
    }

    /// Gives a node without values and branches back.
    pub(super) fn destroy(&mut self, node: u32) {
        self.values.remove(self.nodes[node as usize].block());
        self.free_nodes.push(node);
    }

    /// Whether a node says nothing.
    pub(super) fn is_bare(&self, node: u32) -> bool {
        let node = &self.nodes[node as usize];
        !node.is_branching() && node.runs.count() == 1 && self.values.at(node.start()) == 0
    }

    /// Bytes allocated.
    pub(super) fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.branches.capacity() * size_of::<Branches>()
            + (self.free_nodes.capacity() + self.free_branches.capacity()) * size_of::<u32>()
            + self.values.memory()
            + self.links.memory()
    }

    /// Puts what is used side by side when too much between it is not, or `always`.
    pub(super) fn tidy(&mut self, always: bool) {
        if always || self.values.is_wasteful() {
            let mut new = Arena::with_room(self.values.used());
            let mut live: Box<[bool]> = alloc::vec![true; self.nodes.len()].into();
            for free in &self.free_nodes {
                live[*free as usize] = false;
            }
            for (node, _) in self.nodes.iter_mut().zip(&live).filter(|(_, live)| **live) {
                // Only where the block starts has changed.
                let block = node.block();
                node.values =
                    node.values - block.start + new.insert(self.values.block(block)).start;
            }
            self.values = new;
        }
        if always || self.links.is_wasteful() {
            let mut new = Arena::with_room(self.links.used());
            let mut live: Box<[bool]> = alloc::vec![true; self.branches.len()].into();
            for free in &self.free_branches {
                live[*free as usize] = false;
            }
            for (branches, _) in self.branches.iter_mut().zip(&live).filter(|(_, live)| **live) {
                let block = Block { start: branches.links, len: branches.slots.count() };
                branches.links = new.insert(self.links.block(block)).start;
            }
            self.links = new;
        }
        if always {
            self.nodes.shrink_to_fit();
            self.branches.shrink_to_fit();
            self.free_nodes.shrink_to_fit();
            self.free_branches.shrink_to_fit();
        }
    }

    fn relink(&mut self, branches: u32, change: impl FnOnce(&mut Bits, &mut Vec<u32>)) {
        let old = &mut self.branches[branches as usize];
        let block = Block { start: old.links, len: old.slots.count() };
        let mut links = self.links.block(block).to_vec();
        change(&mut old.slots, &mut links);
        old.links = self.links.insert(&links).start;
        self.links.remove(block);
    }
}

fn insert<T>(all: &mut Vec<T>, free: &mut Vec<u32>, item: T) -> u32 {
    if let Some(index) = free.pop() {
        all[index as usize] = item;
        return index;
    }
    if all.len() == all.capacity() {
        // Doubling would waste what the table is small for.
        all.reserve_exact(all.len() / 16 + 64);
    }
    all.push(item);
    // Each node has at least one prefix of its own below it, and those are counted in 32 bits.
    (all.len() - 1) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let mut bits = Bits::default();
        for at in [0, 1, 63, 64, 200, 255] {
            bits.set(at);
        }
        for at in 0..=255_u8 {
            let expected = (0..=at).filter(|at| bits.has(*at)).count() as u32;
            assert_eq!(bits.rank(at), expected, "{at}");
        }
        bits.clear(64);
        assert_eq!((bits.count(), bits.has(64)), (5, false));
    }

    #[test]
    fn nodes_come_and_go_without_a_trace() {
        let mut nodes = Nodes::new();
        let root = nodes.create();
        nodes.tidy(true);
        let before = (nodes.values.used(), nodes.links.used());
        for at in [7, 3, 255, 0] {
            let child = nodes.add_child(root, at);
            nodes.paint(child, &[u16::from(at) + 1; 256]);
        }
        nodes.tidy(true);
        for at in [7, 3, 255, 0] {
            let child = nodes.child(root, at).unwrap();
            let (place, next) = nodes.step(child, 99);
            assert_eq!((nodes.value(place), next), (u16::from(at) + 1, None));
            let (place, next) = nodes.step(root, at);
            assert_eq!((nodes.value(place), next), (0, Some(child)));
            nodes.paint(child, &[0; 256]);
            nodes.remove_child(root, at);
        }
        assert!(nodes.is_bare(root));
        assert_eq!((nodes.values.used(), nodes.links.used()), before);
    }
}
