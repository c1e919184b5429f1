//! Compiling: the subset construction, layer by layer, over ranges of the sorted extensions.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::super::entry::Entries;
use super::super::key::{Keys, Part, Ranks};
use super::alphabet::{Alphabet, END};
use super::{
    Automaton, Candidate, Cell, DEAD, LEAF, LIST, MORE, MORE_PERHAPS, Meta, Row, TAKEN_SHIFT, Tail,
};

/// At a leaf at most so many candidates differ in what digits they want next: with more, a row
/// decides faster.
const LITERAL_CANDIDATES: usize = 2;
const LIVE_CANDIDATES: usize = 16;

/// What is left of the extensions after some symbols: ranges of extensions that share them.
type State = Vec<Item>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    low: u32,
    high: u32,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Live,
    /// Past its `.`.
    Absorbed,
    /// Past its `!`.
    Decided,
}

impl Item {
    fn entries(self) -> core::ops::Range<usize> {
        self.low as usize..self.high as usize
    }
}

impl Automaton {
    /// Compiles sorted extensions; `None` when that takes more than `max_rows` rows, or characters
    /// that the alphabet has no room for.
    pub(in crate::plan) fn build<T>(
        entries: &Entries<T>,
        keys: &Keys,
        ranks: &Ranks,
        max_rows: usize,
    ) -> Option<Automaton> {
        let pattern_sets = sets_of_patterns(entries, keys, ranks);
        let alphabet =
            Alphabet::new(pattern_sets.iter().filter_map(|&rank| match ranks.part(rank) {
                Part::Set(set) => Some(set),
                _ => None,
            }))?;
        let masks = (0..ranks.len() as u32)
            .map(|rank| match ranks.part(rank) {
                Part::Set(set) => alphabet.mask(set),
                _ => 0,
            })
            .collect();
        let mut conditional = Vec::with_capacity(entries.len() + 1);
        let mut count = 0u32;
        conditional.push(0);
        for entry in 0..entries.len() {
            count += u32::from(!entries.is_unconditional(entry) || is_odd(entries.pattern(entry)));
            conditional.push(count);
        }
        Builder {
            keys,
            ranks,
            exact: entries.exact_len(),
            masks,
            conditional,
            max_rows,
            work: 1_000_000 + 256 * entries.len(),
            rows: Vec::new(),
            candidates: Vec::new(),
            links: Vec::new(),
            lists: BTreeMap::new(),
            shared: BTreeMap::new(),
        }
        .run(alphabet)
    }
}

/// A pattern whose key does not say all: the naive matcher has the last word on it.
pub(in crate::plan) fn is_odd(pattern: &str) -> bool {
    use crate::pattern::{Element, Elements};

    pattern.contains('[')
        && Elements::new(pattern).any(|element| match element {
            Element::EmptySet => true,
            Element::One(set) => set.is_empty(),
            Element::AtLeastOne | Element::Anything => false,
        })
}

fn sets_of_patterns<T>(entries: &Entries<T>, keys: &Keys, ranks: &Ranks) -> Vec<u32> {
    let mut seen = alloc::vec![false; ranks.len()];
    for entry in entries.exact_len()..entries.len() {
        for position in 0.. {
            let rank = keys.rank(entry, position);
            match ranks.part(rank) {
                Part::Set(_) => {
                    if let Some(seen) = seen.get_mut(rank as usize) {
                        *seen = true;
                    }
                }
                _ => break,
            }
        }
    }
    (0u32..).zip(seen).filter(|(_, seen)| *seen).map(|(rank, _)| rank).collect()
}

struct Builder<'k> {
    keys: &'k Keys,
    ranks: &'k Ranks,
    exact: usize,
    masks: Vec<u16>,
    /// How many of the first n extensions have conditions.
    conditional: Vec<u32>,
    max_rows: usize,
    /// How many more steps building may take, so that no plan makes it slow.
    work: usize,
    rows: Vec<Row>,
    candidates: Vec<Candidate>,
    links: Vec<u32>,
    /// Whole lists that are there already.
    lists: BTreeMap<Vec<Candidate>, u32>,
    /// Ends of lists, by the number of their link.
    shared: BTreeMap<Vec<Candidate>, u32>,
}

/// The extensions of a state that agree on the next part.
struct Group<'k> {
    item: Item,
    part: Part<'k>,
    mask: u16,
}

impl<'k> Builder<'k> {
    fn run(mut self, alphabet: Alphabet) -> Option<Automaton> {
        // Place 0 stands for the empty list.
        let meta = Meta(Meta::LAST | Meta::MAX_DIGITS as u32);
        self.candidates.push(Candidate { value: !0, mask: !0, entry: u32::MAX, meta });
        let (exact, all) = (self.exact as u32, self.keys.len() as u32);
        let live = |low, high| Item { low, high, kind: Kind::Live };
        let start: State =
            [live(0, exact), live(exact, all)].into_iter().filter(|i| i.low < i.high).collect();
        let mut layer: Vec<(State, u32)> = Vec::new();
        let mut known = BTreeMap::new();
        let root = self.cell(start, 0, &mut layer, &mut known)?;
        let mut depth = 0;
        while !layer.is_empty() {
            let mut next = Vec::new();
            known.clear();
            for (state, row) in layer {
                let groups = self.groups(&state, depth);
                self.work = self.work.checked_sub(groups.len() * 16)?;
                let mut cells = [DEAD; 16];
                let mut last: (State, Cell) = (State::new(), DEAD);
                for symbol in 0..END {
                    let after: State = advance(&groups, symbol).collect();
                    if after != last.0 {
                        let cell = self.cell(after.clone(), depth + 1, &mut next, &mut known)?;
                        last = (after, cell);
                    }
                    cells[usize::from(symbol)] = last.1;
                }
                cells[usize::from(END)] = self.end_cell(&groups)?;
                self.rows.get_mut(row as usize)?.0 = cells;
            }
            layer = next;
            depth += 1;
        }
        let Builder { mut rows, mut candidates, mut links, keys, .. } = self;
        rows.shrink_to_fit();
        candidates.shrink_to_fit();
        links.shrink_to_fit();
        let starts = starts(&rows, root, keys.len());
        Some(Automaton { alphabet, rows, candidates, links, root, starts })
    }

    /// The cell that leads to a state; a row for it is added to the layer when there is none yet.
    fn cell(
        &mut self,
        state: State,
        depth: usize,
        layer: &mut Vec<(State, u32)>,
        known: &mut BTreeMap<State, u32>,
    ) -> Option<Cell> {
        if state.is_empty() {
            return Some(DEAD);
        }
        if let Some(list) = self.leaf(&state, depth) {
            return self.list(list).map(|at| LEAF | at);
        }
        if let Some(&row) = known.get(&state) {
            return Some(row);
        }
        let row = self.rows.len();
        if row >= self.max_rows.min(1 << TAKEN_SHIFT) {
            return None;
        }
        self.rows.push(Row([DEAD; 16]));
        known.insert(state.clone(), row as u32);
        layer.push((state, row as u32));
        Some(row as u32)
    }

    /// Splits a state by the next part of its extensions, in order.
    fn groups(&self, state: &State, depth: usize) -> Vec<Group<'k>> {
        let mut groups = Vec::new();
        for &item in state {
            if item.kind != Kind::Live {
                groups.push(Group { item, part: Part::End, mask: 0 });
                continue;
            }
            let mut low = item.low;
            while low < item.high {
                let rank = self.keys.rank(low as usize, depth);
                let high = self.group_end(low, item.high, depth, rank);
                let mask = self.masks.get(rank as usize).copied().unwrap_or_default();
                let item = Item { low, high, kind: Kind::Live };
                groups.push(Group { item, part: self.ranks.part(rank), mask });
                low = high;
            }
        }
        groups
    }

    /// Where the extensions with this rank end: doubling steps, then halves.
    fn group_end(&self, low: u32, limit: u32, depth: usize, rank: u32) -> u32 {
        let same = |entry: u32| self.keys.rank(entry as usize, depth) == rank;
        let mut step = 1;
        let mut inside = low;
        while inside + step < limit && same(inside + step) {
            inside += step;
            step *= 2;
        }
        let mut outside = limit.min(inside + step);
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2;
            if same(middle) { inside = middle } else { outside = middle }
        }
        outside
    }

    /// The candidates of a state, when it is simple enough to be a leaf.
    fn leaf(&self, state: &State, depth: usize) -> Option<Vec<Candidate>> {
        let live: usize =
            state.iter().filter(|i| i.kind == Kind::Live).map(|i| i.entries().len()).sum();
        if live > LIVE_CANDIDATES {
            return None;
        }
        let mut list = Vec::new();
        let mut literals = 0;
        for item in state {
            for entry in item.entries() {
                let candidate = match item.kind {
                    Kind::Absorbed => Some(self.plain(entry, Tail::Absorbed)),
                    Kind::Decided => Some(self.plain(entry, Tail::Anything)),
                    Kind::Live => self.candidate(entry, depth)?,
                };
                literals += usize::from(candidate.is_some_and(|c| c.mask != 0));
                list.extend(candidate);
            }
        }
        (literals <= LITERAL_CANDIDATES).then_some(list)
    }

    /// The rest of an extension as a candidate: `None` when it does not fit one, `Some(None)` when
    /// no string of this alphabet can match.
    fn candidate(&self, entry: usize, depth: usize) -> Option<Option<Candidate>> {
        let mut candidate = self.plain(entry, Tail::End);
        for position in 0..=Meta::MAX_DIGITS {
            let rank = self.keys.rank(entry, depth + position);
            let tail = match self.ranks.part(rank) {
                Part::Set(set) => {
                    let mask = self.masks.get(rank as usize).copied().unwrap_or_default();
                    if mask == 0 && entry < self.exact {
                        return Some(None);
                    }
                    match set.first() {
                        _ if mask == ALL_DIGITS && set.len() == 10 => {}
                        Some(digit @ b'0'..=b'9') if set.len() == 1 && position < 8 => {
                            candidate.value |= u32::from(digit - b'0') << (4 * position);
                            candidate.mask |= 15 << (4 * position);
                        }
                        _ => return None,
                    }
                    continue;
                }
                Part::AtLeastOne => Tail::AtLeastOne,
                Part::Anything => Tail::Anything,
                Part::End => Tail::End,
            };
            candidate.meta = Meta::new(position, tail, candidate.meta.has(Meta::CONDITIONAL));
            return Some(Some(candidate));
        }
        None
    }

    fn plain(&self, entry: usize, tail: Tail) -> Candidate {
        let meta = Meta::new(0, tail, self.has_conditions(entry..entry + 1));
        Candidate { value: 0, mask: 0, entry: entry as u32, meta }
    }

    fn has_conditions(&self, entries: core::ops::Range<usize>) -> bool {
        self.conditional.get(entries.start) != self.conditional.get(entries.end)
    }

    /// What matches when the string ends at a state, and whether a longer one could.
    fn end_cell(&mut self, groups: &[Group<'_>]) -> Option<Cell> {
        let mut list = Vec::new();
        let mut more = None;
        for Group { item, part, .. } in groups {
            let (tail, continues) = match (item.kind, part) {
                (Kind::Absorbed, _) => (Some(Tail::Absorbed), Some(MORE)),
                (Kind::Decided, _) => (Some(Tail::Anything), Some(0)),
                (Kind::Live, Part::Set(_) | Part::AtLeastOne) => (None, Some(MORE)),
                (Kind::Live, Part::Anything) => (Some(Tail::Anything), Some(0)),
                (Kind::Live, Part::End) => (Some(Tail::End), None),
            };
            if let Some(tail) = tail {
                list.extend(item.entries().map(|entry| self.plain(entry, tail)));
            }
            if more.is_none() {
                let perhaps = continues.is_some() && self.has_conditions(item.entries());
                more = if perhaps { Some(MORE_PERHAPS) } else { continues };
            }
        }
        let at = if list.is_empty() { 0 } else { self.list(list)? };
        Some(LEAF | at | more.unwrap_or(0))
    }

    /// Stores a list; the ends of lists are shared.
    fn list(&mut self, list: Vec<Candidate>) -> Option<u32> {
        if list.is_empty() {
            return Some(0);
        }
        // Lists that begin with digits of their own are hardly met again; looking costs more.
        let is_common = list.first().is_some_and(|first| first.mask == 0);
        if is_common && let Some(&at) = self.lists.get(&list) {
            return Some(at);
        }
        let split = (1..list.len())
            .find(|&at| list.get(at..).is_some_and(|end| self.shared.contains_key(end)));
        let split = split.unwrap_or(1).min(list.len());
        let (own, end) = list.split_at_checked(split)?;
        let link = if end.is_empty() { None } else { Some(self.share(end)?) };
        let at = u32::try_from(self.candidates.len()).ok().filter(|&at| at <= LIST)?;
        self.candidates.extend_from_slice(own);
        let last = self.candidates.last_mut()?;
        last.meta.0 |= match link {
            None => Meta::LAST,
            Some(link) => Meta::LINKED | link << Meta::LINK_SHIFT,
        };
        if is_common {
            self.lists.insert(list, at);
        }
        Some(at)
    }

    /// The number of the link to the end of a list.
    fn share(&mut self, end: &[Candidate]) -> Option<u32> {
        if let Some(&link) = self.shared.get(end) {
            return Some(link);
        }
        let link = self.links.len();
        if link > Meta::MAX_LINK {
            return None;
        }
        self.links.push(u32::try_from(self.candidates.len()).ok()?);
        self.candidates.extend_from_slice(end);
        self.candidates.last_mut()?.meta.0 |= Meta::LAST;
        self.shared.insert(end.to_vec(), link as u32);
        Some(link as u32)
    }
}

/// Where the first symbols lead, and how many they are. A plan with many extensions can
/// afford a table for more of them.
fn starts(rows: &[Row], root: Cell, extensions: usize) -> Vec<Cell> {
    let symbols = match extensions {
        ..64 => 0,
        64..1000 => 2,
        _ => 3,
    };
    let lead = |index: usize| {
        let (mut cell, mut taken) = (root, 0);
        while taken < symbols
            && cell & LEAF == 0
            && let Some(Row(row)) = rows.get(cell as usize)
        {
            cell = row[index >> (4 * taken) & 15];
            taken += 1;
        }
        cell | taken << TAKEN_SHIFT
    };
    (0..1 << (4 * symbols)).map(lead).collect()
}

const ALL_DIGITS: u16 = 0x3FF;

/// The state after one more symbol.
fn advance<'g>(groups: &'g [Group<'_>], symbol: u8) -> impl Iterator<Item = Item> + 'g {
    groups.iter().filter_map(move |Group { item, part, mask }| {
        let kind = match (item.kind, part) {
            (Kind::Live, Part::Set(_)) if mask >> symbol & 1 == 1 => Kind::Live,
            (Kind::Live, Part::AtLeastOne) => Kind::Absorbed,
            (Kind::Live, Part::Anything) => Kind::Decided,
            (Kind::Live, Part::Set(_) | Part::End) => return None,
            (Kind::Absorbed | Kind::Decided, _) => item.kind,
        };
        Some(Item { kind, ..*item })
    })
}
