//! The ordered tree: the way out when the automaton would grow too large.
//!
//! Since the order of extensions is positional, walking the tree depth first, children in order,
//! meets the matching extensions in the order in which they are tried. No node is met twice.

use alloc::vec::Vec;
use core::ops::ControlFlow;

use crate::pattern::{ByteSet, Outcome};

use super::entry::Entries;
use super::key::{Keys, Part, Ranks};

/// The patterns of a context as a tree; exact extensions are found by bisection.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    sets: Vec<ByteSet>,
    root: u32,
}

/// Extensions `low..high`, which agree up to here.
#[derive(Clone, Copy, Debug)]
struct Node {
    step: Step,
    first_child: u32,
    children: u32,
    low: u32,
    high: u32,
}

/// What leads to a node.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// One character of a set, by number.
    Set(u32),
    AtLeastOne,
    Anything,
    End,
    /// One extension is left; it is compared as a whole.
    Single,
}

impl Tree {
    pub(super) fn build<T>(entries: &Entries<T>, keys: &Keys, ranks: &Ranks) -> Tree {
        let mut tree = Tree { nodes: Vec::new(), sets: Vec::new(), root: 0 };
        let (low, high) = (entries.exact_len() as u32, entries.len() as u32);
        tree.nodes.push(Node { step: Step::End, first_child: 0, children: 0, low, high });
        let mut depths = alloc::vec![0usize];
        let mut set_of_rank = alloc::vec![u32::MAX; ranks.len()];
        let mut next = 0;
        while let (Some(&node), Some(&depth)) = (tree.nodes.get(next), depths.get(next)) {
            let is_inner = next == 0 || matches!(node.step, Step::Set(_));
            let first_child = tree.nodes.len() as u32;
            let mut low = node.low;
            while is_inner && low < node.high {
                let rank = keys.rank(low as usize, depth);
                let same = |entry: &u32| keys.rank(*entry as usize, depth) == rank;
                let high = (low..node.high).find(|entry| !same(entry)).unwrap_or(node.high);
                let step = match ranks.part(rank) {
                    Part::AtLeastOne => Step::AtLeastOne,
                    Part::Anything => Step::Anything,
                    Part::End => Step::End,
                    Part::Set(_) if high - low == 1 => Step::Single,
                    Part::Set(set) => {
                        let number = set_of_rank.get_mut(rank as usize);
                        let known = number.as_ref().map_or(u32::MAX, |number| **number);
                        if known != u32::MAX {
                            Step::Set(known)
                        } else {
                            tree.sets.push(*set);
                            let new = tree.sets.len() as u32 - 1;
                            if let Some(number) = number {
                                *number = new;
                            }
                            Step::Set(new)
                        }
                    }
                };
                tree.nodes.push(Node { step, first_child: 0, children: 0, low, high });
                depths.push(depth + 1);
                low = high;
            }
            let children = tree.nodes.len() as u32 - first_child;
            if let Some(node) = tree.nodes.get_mut(next) {
                (node.first_child, node.children) = (first_child, children);
            }
            next += 1;
        }
        tree.nodes.shrink_to_fit();
        tree
    }

    /// Calls `visit` for each pattern that matches, in order, saying whether it has yet to be
    /// compared itself.
    pub(super) fn each_match<B>(
        &self,
        dialled: &[u8],
        visit: &mut impl FnMut(usize, bool) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.matches_below(self.root, dialled, visit)
    }

    fn matches_below<B>(
        &self,
        node: u32,
        dialled: &[u8],
        visit: &mut impl FnMut(usize, bool) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let dialled = undecorated(dialled);
        for (index, child) in self.children(node) {
            let (matched, compare) = match child.step {
                Step::Set(set) => {
                    if let Some((&byte, rest)) = dialled.split_first()
                        && self.sets.get(set as usize).is_some_and(|set| set.contains(byte))
                    {
                        self.matches_below(index, rest, visit)?;
                    }
                    continue;
                }
                Step::Single => (true, true),
                Step::AtLeastOne => (!dialled.is_empty(), false),
                Step::Anything => (true, false),
                Step::End => (dialled.is_empty(), false),
            };
            if matched {
                (child.low..child.high).try_for_each(|entry| visit(entry as usize, compare))?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Calls `visit` for each pattern for which a longer string could match or which has decided,
    /// in order; `None` asks to compare the pattern itself.
    pub(super) fn each_more<B>(
        &self,
        dialled: &[u8],
        visit: &mut impl FnMut(usize, Option<Outcome>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.more_below(self.root, dialled, visit)
    }

    fn more_below<B>(
        &self,
        node: u32,
        dialled: &[u8],
        visit: &mut impl FnMut(usize, Option<Outcome>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let dialled = undecorated(dialled);
        for (index, child) in self.children(node) {
            let outcome = match child.step {
                Step::Set(set) => match dialled.split_first() {
                    Some((&byte, rest)) => {
                        if self.sets.get(set as usize).is_some_and(|set| set.contains(byte)) {
                            self.more_below(index, rest, visit)?;
                        }
                        continue;
                    }
                    None => Some(Outcome::More),
                },
                Step::Single => None,
                Step::AtLeastOne => Some(Outcome::More),
                Step::Anything => Some(Outcome::Decided),
                Step::End => continue,
            };
            (child.low..child.high).try_for_each(|entry| visit(entry as usize, outcome))?;
        }
        ControlFlow::Continue(())
    }

    fn children(&self, node: u32) -> impl Iterator<Item = (u32, &Node)> {
        let (first, count) =
            self.nodes.get(node as usize).map_or((0, 0), |node| (node.first_child, node.children));
        let nodes = self.nodes.get(first as usize..(first + count) as usize).unwrap_or_default();
        (first..).zip(nodes)
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>() + self.sets.capacity() * size_of::<ByteSet>()
    }
}

fn undecorated(dialled: &[u8]) -> &[u8] {
    let dashes = dialled.iter().take_while(|&&byte| byte == b'-').count();
    dialled.get(dashes..).unwrap_or_default()
}
