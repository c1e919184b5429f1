//! The ordered automaton: one step a symbol, then the few extensions left are compared at once.
//!
//! ```text
//!   8 ──► row ──4──► row ──9──► leaf: [ _8495XXXXXXX, _849[59]…, _8XXXXXXXXXX, _8. ]
//!          │                          each one compare of 8 packed symbols and a length
//!          └─end─► leaf: what matches when the string ends here
//! ```
//!
//! A row has a cell for each of 16 symbols: the digits, `*`, `#`, `+`, one class of other characters
//! that patterns name, all the rest, and the end of the string. A leaf is a list of candidates in
//! the order in which extensions are tried; leaves share the ends of their lists.

mod alphabet;
mod build;

use alloc::vec::Vec;
use core::ops::ControlFlow;

use alphabet::{Alphabet, END, Packed};
pub(super) use build::is_odd;

/// Extensions compiled; they are named by index.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    alphabet: Alphabet,
    rows: Vec<Row>,
    candidates: Vec<Candidate>,
    /// Where shared lists start, by the number that candidates carry.
    links: Vec<u32>,
    root: Cell,
    /// Where the first symbols lead, by themselves, with the number of symbols that it took: see
    /// [`TAKEN_SHIFT`].
    starts: Vec<Cell>,
}

/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row([Cell; 16]);

/// A row's number, or with [`LEAF`] the place of a list of candidates.
type Cell = u32;

const LEAF: Cell = 1 << 31;
/// In the cell for the end of the string: a longer string could match.
const MORE: Cell = 1 << 30;
/// The same, but it depends on the caller or the priority.
const MORE_PERHAPS: Cell = 1 << 29;
const LIST: Cell = (1 << TAKEN_SHIFT) - 1;
/// In a start: how many symbols led there.
const TAKEN_SHIFT: u32 = 26;
/// The empty list; place 0 holds no candidate.
const DEAD: Cell = LEAF;

/// An extension that is left at a leaf, with what the rest of the string must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(align(16))]
struct Candidate {
    /// The next eight symbols, four bits each, the first lowest.
    value: u32,
    /// Which of them count; the others are digits.
    mask: u32,
    entry: u32,
    meta: Meta,
}

/// How many digits are asked for (5 bits), flags (6) and a link (21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Meta(u32);

/// How the pattern ends after its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    End,
    AtLeastOne,
    Anything,
    /// `.` that has had its character.
    Absorbed,
}

impl Meta {
    const MAX_DIGITS: usize = 31;
    /// The rest may be longer.
    const OPEN: u32 = 1 << 5;
    /// The rest has to be longer by one at least.
    const ONE_MORE: u32 = 1 << 6;
    /// No more digits are waited for.
    const DECIDED: u32 = 1 << 7;
    const LAST: u32 = 1 << 8;
    const CONDITIONAL: u32 = 1 << 9;
    const LINKED: u32 = 1 << 10;
    const LINK_SHIFT: u32 = 11;
    const MAX_LINK: usize = (1 << 21) - 1;

    fn new(digits: usize, tail: Tail, is_conditional: bool) -> Meta {
        let tail = match tail {
            Tail::End => 0,
            Tail::AtLeastOne => Meta::OPEN | Meta::ONE_MORE,
            Tail::Anything => Meta::OPEN | Meta::DECIDED,
            Tail::Absorbed => Meta::OPEN,
        };
        let conditional = if is_conditional { Meta::CONDITIONAL } else { 0 };
        Meta(digits as u32 | tail | conditional)
    }

    fn digits(self) -> u32 {
        self.0 & 31
    }

    /// How long the rest has to be.
    fn least(self) -> u32 {
        self.digits() + (self.0 >> 6 & 1)
    }

    fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    fn link(self) -> usize {
        (self.0 >> Meta::LINK_SHIFT) as usize
    }
}

/// What of the string is left at a leaf.
#[derive(Clone, Copy, Debug)]
struct Rest {
    packed: u32,
    length: u32,
    /// How many digits it begins with, 31 at most counted.
    digits: u32,
}

impl Candidate {
    /// Without branches, since which candidate matches cannot be foretold.
    #[inline]
    fn matches(&self, rest: Rest) -> bool {
        (self.meta.digits() <= rest.digits) & self.fits(rest)
    }

    /// Whether it matches a rest of digits alone.
    #[inline]
    fn fits(&self, rest: Rest) -> bool {
        let least = self.meta.least();
        ((rest.length == least) | ((rest.length > least) & self.meta.has(Meta::OPEN)))
            & ((rest.packed ^ self.value) & self.mask == 0)
    }

    /// Whether more digits could make it match, or for `!`, that none are waited for.
    fn more(&self, rest: Rest) -> Option<ControlFlow<(), ()>> {
        let digits = self.meta.digits();
        if rest.length < digits {
            let typed = (1u64 << (4 * rest.length.min(8))) as u32;
            let mask = self.mask & typed.wrapping_sub(1);
            let possible = rest.digits >= rest.length && (rest.packed ^ self.value) & mask == 0;
            return possible.then_some(ControlFlow::Continue(()));
        }
        if rest.digits < digits || (rest.packed ^ self.value) & self.mask != 0 {
            return None;
        }
        match (self.meta.has(Meta::OPEN), self.meta.has(Meta::DECIDED)) {
            (false, _) => None,
            (true, false) => Some(ControlFlow::Continue(())),
            (true, true) => Some(ControlFlow::Break(())),
        }
    }
}

impl Automaton {
    /// Calls `visit` for each extension that matches, in order, saying whether the extension has
    /// conditions that the automaton knows nothing of. Exact extensions that are not all keys of a
    /// telephone are not in here: `named` is called when the string may be one, first of all.
    #[inline]
    pub(super) fn each_match<B>(
        &self,
        dialled: &[u8],
        named: impl FnOnce() -> ControlFlow<B>,
        mut visit: impl FnMut(usize, bool) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let (list, rest) = match self.alphabet.pack(dialled) {
            Some(packed) => {
                if packed.is_named {
                    named()?;
                }
                self.walk(packed)
            }
            None => {
                named()?;
                self.walk_long(dialled)
            }
        };
        self.each_candidate(list, |candidate| {
            if !candidate.matches(rest) {
                return ControlFlow::Continue(());
            }
            visit(candidate.entry as usize, candidate.meta.has(Meta::CONDITIONAL))
        })
    }

    /// The first extension that matches: `None` when there is none, `Some(Err)` when it takes a
    /// closer look at conditions or names.
    #[inline]
    pub(super) fn first(&self, dialled: &[u8]) -> Option<Result<usize, Unclear>> {
        let Some(packed) = Alphabet::pack_number(dialled) else { return Some(Err(Unclear)) };
        let (list, symbols) = self.steps(packed);
        let rest = Rest { packed: symbols as u32, length: length(symbols), digits: 0 };
        let mut at = (list & LIST) as usize;
        loop {
            let candidate = self.candidates.get(at)?;
            if candidate.fits(rest) {
                let entry = candidate.entry as usize;
                let is_clear = !candidate.meta.has(Meta::CONDITIONAL);
                return Some(if is_clear { Ok(entry) } else { Err(Unclear) });
            }
            at = match candidate.meta.0 & (Meta::LAST | Meta::LINKED) {
                0 => at + 1,
                Meta::LINKED => *self.links.get(candidate.meta.link())? as usize,
                _ => return None,
            };
        }
    }

    /// Whether a longer string could match; `None` when that takes asking each extension.
    pub(super) fn more(&self, dialled: &[u8]) -> Option<bool> {
        let (list, rest) = match self.alphabet.pack(dialled) {
            Some(packed) => self.walk(packed),
            None => self.walk_long(dialled),
        };
        if list & MORE_PERHAPS != 0 {
            return None;
        }
        if list & MORE != 0 {
            return Some(true);
        }
        if list & ENDED != 0 {
            return Some(false);
        }
        let found = self.each_candidate(list, |candidate| match candidate.more(rest) {
            None => ControlFlow::Continue(()),
            Some(_) if candidate.meta.has(Meta::CONDITIONAL) => ControlFlow::Break(None),
            Some(ControlFlow::Continue(())) => ControlFlow::Break(Some(true)),
            Some(ControlFlow::Break(())) => ControlFlow::Break(Some(false)),
        });
        match found {
            ControlFlow::Continue(()) => Some(false),
            ControlFlow::Break(answer) => answer,
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.alphabet.memory()
            + self.rows.capacity() * size_of::<Row>()
            + self.candidates.capacity() * size_of::<Candidate>()
            + self.links.capacity() * size_of::<u32>()
            + self.starts.capacity() * size_of::<Cell>()
    }

    /// Goes from row to row to a list; what comes back is the list and the symbols left.
    #[inline]
    fn steps(&self, mut symbols: u64) -> (Cell, u64) {
        let start = symbols as usize & (self.starts.len().wrapping_sub(1));
        let Some(&(mut cell)) = self.starts.get(start) else { return (DEAD, 0) };
        symbols >>= 4 * (cell >> TAKEN_SHIFT & 3);
        cell &= !(3 << TAKEN_SHIFT);
        while cell & LEAF == 0 {
            let Some(Row(row)) = self.rows.get(cell as usize) else { return (DEAD, 0) };
            cell = row[(symbols & 15) as usize];
            symbols >>= 4;
        }
        (cell, symbols)
    }

    fn walk(&self, packed: Packed) -> (Cell, Rest) {
        let (cell, symbols) = self.steps(packed.symbols);
        // A symbol of 10 or more has bit 3 and one of bits 2 and 1; the end of the string is one.
        let not_digit = symbols & 0x8888_8888_8888_8888 & (symbols << 1 | symbols << 2);
        let digits = not_digit.trailing_zeros() / 4;
        let rest = Rest { packed: symbols as u32, length: length(symbols), digits };
        if symbols == 0 { (cell | ENDED, rest) } else { (cell, rest) }
    }

    /// The walk for strings that do not fit one word.
    #[cold]
    fn walk_long(&self, dialled: &[u8]) -> (Cell, Rest) {
        let mut symbols = self.alphabet.symbols(dialled);
        let mut cell = self.root;
        while cell & LEAF == 0 {
            let Some(Row(row)) = self.rows.get(cell as usize) else { return (DEAD, NOTHING) };
            let Some(symbol) = symbols.next() else {
                return (row[END as usize] | ENDED, NOTHING);
            };
            cell = row[usize::from(symbol & 15)];
        }
        let mut rest = Rest { packed: 0, length: 0, digits: 0 };
        for symbol in symbols {
            if rest.length < 8 {
                rest.packed |= u32::from(symbol) << (4 * rest.length);
            }
            if symbol < 10 && rest.digits == rest.length {
                rest.digits += 1;
            }
            rest.length += 1;
        }
        (cell, rest)
    }

    #[inline]
    fn each_candidate<B>(
        &self,
        list: Cell,
        mut visit: impl FnMut(&Candidate) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut at = (list & LIST) as usize;
        if at == 0 {
            return ControlFlow::Continue(());
        }
        while let Some(candidate) = self.candidates.get(at) {
            visit(candidate)?;
            if candidate.meta.has(Meta::LAST) {
                break;
            }
            at = if candidate.meta.has(Meta::LINKED) {
                self.links.get(candidate.meta.link()).map_or(usize::MAX, |&at| at as usize)
            } else {
                at + 1
            };
        }
        ControlFlow::Continue(())
    }
}

/// What [`Automaton::first`] cannot decide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unclear;

/// Marks a cell reached by the end of the string; set by the walk, never stored.
const ENDED: Cell = 1 << 28;

/// How many symbols come before the end; 0 when the end is gone too.
#[inline]
fn length(symbols: u64) -> u32 {
    ((64 - symbols.leading_zeros()) >> 2).saturating_sub(1)
}

const NOTHING: Rest = Rest { packed: 0, length: 0, digits: 0 };
