//! Longest-prefix tables: destinations, rates, routes by the first digits of a number.
//!
//! A popcount trie over digits. The first digits go through one table; below it a node keeps a bit
//! for each digit that goes on and one for each digit under which a single prefix is left, and the
//! children lie side by side.

use alloc::vec::Vec;

use crate::csv::{CsvError, Row, Rows};
use crate::number::{Digits, Number, NumberError};

/// Values by prefix; the longest prefix of a number wins.
///
/// ```
/// use dialplan::prefix::PrefixTable;
///
/// let table: PrefixTable<&str> = PrefixTable::build(vec![
///     ("7".parse()?, "Russia"),
///     ("7495".parse()?, "Moscow"),
///     ("77".parse()?, "Kazakhstan"),
/// ])?;
/// let (prefix, value) = table.lookup("74951234567".parse()?).unwrap();
/// assert_eq!((prefix.to_string().as_str(), *value), ("7495", "Moscow"));
/// assert!(table.lookup("1".parse()?).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PrefixTable<V> {
    /// What is known after the first `root_digits` digits.
    root: Vec<Root>,
    root_digits: u32,
    nodes: Vec<Node>,
    /// What is left of prefixes that stand alone; leaf n has value n.
    leaves: Vec<Leaf>,
    values: Vec<V>,
    /// How many digits the prefix of each value has.
    lengths: Vec<u8>,
    /// Prefixes shorter than the root, for numbers as short.
    short: Vec<(Digits, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Root {
    below: Below,
    /// The value of the longest prefix up to here, or [`NONE`].
    value: u32,
}

/// The number of a node, of a leaf with the top bit, or [`NONE`].
type Below = u32;

const LEAF: u32 = 1 << 31;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Bit d: node `first_node` and on for digit d.
    nodes: u16,
    /// Bit d: leaf `first_leaf` and on for digit d.
    leaves: u16,
    first_node: u32,
    first_leaf: u32,
    value: u32,
}

/// Up to seven digits, the first highest, and their count in the lowest four bits.
#[derive(Clone, Copy, Debug)]
struct Leaf(u32);

impl Leaf {
    const MAX: u32 = 7;

    fn new(rest: Digits) -> Leaf {
        Leaf(((rest.raw() >> 32) as u32 & !15) | rest.len())
    }

    fn len(self) -> u32 {
        self.0 & 15
    }

    /// Whether a number with these digits at its top begins with this leaf's.
    fn matches(self, top: u64, length: u32) -> bool {
        let digits = self.len();
        digits <= length && ((top >> 32) as u32 ^ self.0) >> 4 >> (28 - 4 * digits) == 0
    }
}

/// Why a table could not be made. The writer of the table has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrefixError {
    /// A prefix is there twice.
    #[error("prefix {prefix} is there twice")]
    Duplicate {
        /// The prefix.
        prefix: Digits,
    },
    /// A prefix has `*` or `#`.
    #[error("prefix {prefix} is not digits alone")]
    NotDigits {
        /// The prefix.
        prefix: Digits,
    },
    /// More than 2^31 - 1 prefixes.
    #[error("too many prefixes")]
    TooMany,
    /// The CSV cannot be read.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A row of the CSV has no good prefix.
    #[error("line {line}: {error}")]
    Prefix {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        error: NumberError,
    },
    /// A row of the CSV has no good value.
    #[error("line {line}: the value cannot be read")]
    Value {
        /// The line, from 1.
        line: u64,
    },
}

impl<V> PrefixTable<V> {
    /// Makes a table. The empty prefix takes every number.
    ///
    /// # Errors
    ///
    /// When a prefix is there twice, or is not digits alone.
    pub fn build(mut entries: Vec<(Digits, V)>) -> Result<PrefixTable<V>, PrefixError> {
        if entries.len() >= LEAF as usize {
            return Err(PrefixError::TooMany);
        }
        if let Some((prefix, _)) = entries.iter().find(|(prefix, _)| !prefix.is_numeric()) {
            return Err(PrefixError::NotDigits { prefix: *prefix });
        }
        entries.sort_by_key(|(prefix, _)| *prefix);
        for pair in entries.windows(2) {
            if let [(first, _), (second, _)] = pair
                && first == second
            {
                return Err(PrefixError::Duplicate { prefix: *first });
            }
        }
        let root_digits = match entries.len() {
            ..500 => 2,
            500..20_000 => 3,
            20_000..80_000 => 4,
            _ => 5,
        };
        Ok(Builder::run(entries, root_digits))
    }

    /// Reads a table from CSV: the prefix in the first column (`+` and separators allowed), the value made
    /// from the row. A first row whose first field has no digit is taken for a heading.
    ///
    /// # Errors
    ///
    /// At the first row that cannot be read, with its line.
    pub fn from_csv(
        table: &[u8],
        mut value: impl FnMut(&Row<'_>) -> Option<V>,
    ) -> Result<PrefixTable<V>, PrefixError> {
        let mut rows = Rows::new(table);
        let mut entries = Vec::new();
        let mut is_first = true;
        while let Some(row) = rows.next()? {
            let line = row.line();
            let text = row.field(0).unwrap_or_default();
            let heading = is_first && !text.bytes().any(|byte| byte.is_ascii_digit());
            is_first = false;
            if heading {
                continue;
            }
            let digits = text.strip_prefix('+').unwrap_or(text).trim();
            let prefix = digits.parse().map_err(|error| PrefixError::Prefix { line, error })?;
            entries.push((prefix, value(&row).ok_or(PrefixError::Value { line })?));
        }
        PrefixTable::build(entries)
    }

    /// The longest prefix of these digits, and its value. Digits from the first `*` or `#` on do
    /// not count.
    #[inline]
    pub fn lookup(&self, number: Digits) -> Option<(Digits, &V)> {
        let value = self.find(number)? as usize;
        Some((number.take(u32::from(*self.lengths.get(value)?)), self.values.get(value)?))
    }

    /// The value of the longest prefix of a number.
    #[inline]
    pub fn value(&self, number: Number) -> Option<&V> {
        self.values.get(self.find(number.digits())? as usize)
    }

    /// All prefixes of a number that are in the table, the shortest first.
    pub fn prefixes(&self, number: Digits) -> impl Iterator<Item = (Digits, &V)> {
        let mut length = Some(number.len());
        let mut found = Vec::new();
        while let Some(current) = length {
            let Some((prefix, value)) = self.lookup(number.take(current)) else { break };
            found.push((prefix, value));
            length = prefix.len().checked_sub(1);
        }
        found.into_iter().rev()
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Bytes that the table holds on the heap, what `V` itself points to not counted.
    pub fn memory(&self) -> usize {
        self.root.capacity() * size_of::<Root>()
            + self.nodes.capacity() * size_of::<Node>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.values.capacity() * size_of::<V>()
            + self.lengths.capacity()
            + self.short.capacity() * size_of::<(Digits, u32)>()
    }

    /// The number of the value of the longest prefix.
    #[inline]
    fn find(&self, number: Digits) -> Option<u32> {
        let length = number.numeric_len();
        let top = number.raw() & !15;
        let Some(index) = root_index(top, length, self.root_digits) else {
            return self.find_short(number.take(length));
        };
        let root = self.root.get(index)?;
        let mut best = root.value;
        let mut below = root.below;
        let mut depth = self.root_digits;
        let mut rest = top << (4 * depth);
        while below & LEAF == 0 {
            let node = self.nodes.get(below as usize)?;
            if node.value != NONE {
                best = node.value;
            }
            if depth == length {
                return Some(best).filter(|&best| best != NONE);
            }
            let digit = (rest >> 60) as u32;
            rest <<= 4;
            depth += 1;
            let before = (1u16 << digit) - 1;
            if node.nodes >> digit & 1 == 1 {
                below = node.first_node + (node.nodes & before).count_ones();
            } else if node.leaves >> digit & 1 == 1 {
                below = LEAF | (node.first_leaf + (node.leaves & before).count_ones());
            } else {
                below = NONE;
            }
        }
        if below != NONE {
            let leaf = self.leaves.get((below & !LEAF) as usize)?;
            if leaf.matches(rest, length - depth) {
                best = below & !LEAF;
            }
        }
        Some(best).filter(|&best| best != NONE)
    }

    #[cold]
    fn find_short(&self, number: Digits) -> Option<u32> {
        (0..=number.len()).rev().find_map(|length| {
            let prefix = number.take(length);
            let at = self.short.binary_search_by_key(&prefix, |(prefix, _)| *prefix).ok()?;
            self.short.get(at).map(|(_, value)| *value)
        })
    }
}

/// The place in the root of the first digits; `None` when the number has fewer.
#[inline]
fn root_index(top: u64, length: u32, digits: u32) -> Option<usize> {
    if length < digits {
        return None;
    }
    let digit = |at: u32| (top >> (60 - 4 * at)) as usize & 15;
    Some(match digits {
        2 => digit(0) * 10 + digit(1),
        3 => digit(0) * 100 + digit(1) * 10 + digit(2),
        4 => digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3),
        _ => digit(0) * 10_000 + digit(1) * 1000 + digit(2) * 100 + digit(3) * 10 + digit(4),
    })
}

/// The table without prefixes.
impl<V> Default for PrefixTable<V> {
    fn default() -> Self {
        Builder::run(Vec::new(), 2)
    }
}

struct Builder<V> {
    entries: Vec<(Digits, Option<V>)>,
    table: PrefixTable<V>,
    /// For each leaf and then each inner value: which entry it is.
    leaf_entries: Vec<u32>,
    inner_entries: Vec<u32>,
    /// Nodes not done yet, in the order of their numbers: their entries and depth.
    queue: Vec<(usize, usize, u32)>,
}

impl<V> Builder<V> {
    /// `entries` are sorted.
    fn run(entries: Vec<(Digits, V)>, root_digits: u32) -> PrefixTable<V> {
        let table = PrefixTable {
            root: Vec::new(),
            root_digits,
            nodes: Vec::new(),
            leaves: Vec::new(),
            values: Vec::new(),
            lengths: Vec::new(),
            short: Vec::new(),
        };
        let entries = entries.into_iter().map(|(prefix, value)| (prefix, Some(value))).collect();
        let mut builder = Builder {
            entries,
            table,
            leaf_entries: Vec::new(),
            inner_entries: Vec::new(),
            queue: Vec::new(),
        };
        builder.root();
        let mut next = 0;
        while let Some(&(low, high, depth)) = builder.queue.get(next) {
            builder.node(next, low, high, depth);
            next += 1;
        }
        builder.finish()
    }

    /// Fills the root; the values of short prefixes are pushed down into it.
    fn root(&mut self) {
        let digits = self.table.root_digits;
        let mut at = 0;
        for index in 0..10usize.pow(digits) {
            let prefix = self.root_prefix(index);
            // The sorted entries meet the prefixes in order: first the shorter ones that lead here.
            while let Some((entry, _)) = self.entries.get(at)
                && entry.len() < digits
                && *entry <= prefix
            {
                let value = self.inner(at);
                self.table.short.push((*self.prefix(at), value));
                at += 1;
            }
            let start = at;
            while self.entries.get(at).is_some_and(|(entry, _)| entry.starts_with(prefix)) {
                at += 1;
            }
            let longest = (0..digits).rev().find_map(|length| {
                let prefix = prefix.take(length);
                let at = self.table.short.binary_search_by_key(&prefix, |(p, _)| *p).ok()?;
                self.table.short.get(at).map(|(_, value)| *value)
            });
            let below = self.below(start, at, digits);
            self.table.root.push(Root { below, value: longest.unwrap_or(NONE) });
        }
    }

    fn root_prefix(&self, index: usize) -> Digits {
        let mut prefix = Digits::EMPTY;
        for at in (0..self.table.root_digits).rev() {
            let digit = index / 10usize.pow(at) % 10;
            prefix = prefix.push(digit as u8).unwrap_or(prefix);
        }
        prefix
    }

    /// What stands for some entries that share their first `depth` digits.
    fn below(&mut self, low: usize, high: usize, depth: u32) -> Below {
        let rest = self.prefix(low).skip(depth);
        match high - low {
            0 => NONE,
            1 if rest.len() <= Leaf::MAX => {
                self.leaf_entries.push(low as u32);
                self.table.leaves.push(Leaf::new(rest));
                LEAF | (self.table.leaves.len() - 1) as u32
            }
            _ => {
                self.queue.push((low, high, depth));
                (self.queue.len() - 1) as u32
            }
        }
    }

    fn node(&mut self, number: usize, mut low: usize, high: usize, depth: u32) {
        debug_assert_eq!(number, self.table.nodes.len());
        let mut node = Node {
            nodes: 0,
            leaves: 0,
            first_node: self.queue.len() as u32,
            first_leaf: self.table.leaves.len() as u32,
            value: NONE,
        };
        if self.prefix(low).len() == depth {
            node.value = self.inner(low);
            low += 1;
        }
        while low < high {
            let digit = self.prefix(low).at(depth).unwrap_or_default();
            let same = |(prefix, _): &(Digits, Option<V>)| prefix.at(depth) == Some(digit);
            let range = self.entries.get(low..high).unwrap_or_default();
            let end = low + range.partition_point(same).max(1);
            match self.below(low, end, depth + 1) {
                below if below & LEAF != 0 => node.leaves |= 1 << digit,
                _ => node.nodes |= 1 << digit,
            }
            low = end;
        }
        self.table.nodes.push(node);
    }

    fn prefix(&self, entry: usize) -> &Digits {
        const NOTHING: Digits = Digits::EMPTY;
        self.entries.get(entry).map_or(&NOTHING, |(prefix, _)| prefix)
    }

    /// A value that no leaf carries; its number is counted from [`LEAF`] until the leaves are known.
    fn inner(&mut self, entry: usize) -> u32 {
        self.inner_entries.push(entry as u32);
        LEAF | (self.inner_entries.len() - 1) as u32
    }

    fn finish(mut self) -> PrefixTable<V> {
        let leaves = self.table.leaves.len() as u32;
        let settle = |value: &mut u32| {
            if *value != NONE {
                *value = (*value & !LEAF) + leaves;
            }
        };
        self.table.nodes.iter_mut().for_each(|node| settle(&mut node.value));
        self.table.root.iter_mut().for_each(|root| settle(&mut root.value));
        self.table.short.iter_mut().for_each(|(_, value)| settle(value));
        let order = self.leaf_entries.iter().chain(&self.inner_entries);
        let mut values = Vec::with_capacity(self.entries.len());
        for &entry in order {
            let Some((prefix, value)) = self.entries.get_mut(entry as usize) else { continue };
            values.extend(value.take());
            self.table.lengths.push(prefix.len() as u8);
        }
        self.table.values = values;
        self.table.lengths.shrink_to_fit();
        self.table.nodes.shrink_to_fit();
        self.table.leaves.shrink_to_fit();
        self.table.short.shrink_to_fit();
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn digits(text: &str) -> Digits {
        text.parse().unwrap()
    }

    fn naive(entries: &[(Digits, u32)], number: Digits) -> Option<(Digits, u32)> {
        entries.iter().filter(|(p, _)| number.starts_with(*p)).max_by_key(|(p, _)| p.len()).copied()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_longest_prefix_wins(
            prefixes in prop::collection::btree_set("[0-3]{0,6}|[0-9]{3,15}", 0..700),
            numbers in prop::collection::vec("[0-3]{0,10}|[0-9]{0,15}|[0-3]{2,4}[*#][0-9]{1,3}", 1..60),
            root_digits in 2..=5u32,
        ) {
            let entries: Vec<(Digits, u32)> =
                prefixes.iter().map(|p| digits(p)).zip(0..).collect();
            let table = PrefixTable::build(entries.clone()).unwrap();
            prop_assert_eq!(table.len(), entries.len());
            let mut sorted = entries.clone();
            sorted.sort();
            let table = Builder::run(sorted, root_digits);
            for number in numbers.iter().chain(&prefixes).map(|n| digits(n)) {
                let found = table.lookup(number).map(|(prefix, value)| (prefix, *value));
                prop_assert_eq!(found, naive(&entries, number), "{}", number);
                let all = entries.iter().filter(|(p, _)| number.starts_with(*p)).count();
                prop_assert_eq!(table.prefixes(number).count(), all);
            }
        }
    }

    #[test]
    fn reads_csv() {
        let table = PrefixTable::from_csv(b"prefix,name\n+7495,Moscow\n1,\"US, CA\"\n", |row| {
            row.field(1).map(String::from)
        });
        let table = table.unwrap();
        assert_eq!(table.lookup(digits("12125551212")).unwrap().1, "US, CA");
        assert_eq!(table.lookup(digits("74951")).unwrap().0.to_string(), "7495");
        let line =
            |text: &[u8]| PrefixTable::from_csv(text, |row| row.field(1).map(|_| ())).unwrap_err();
        assert_eq!(
            line(b"7,a\n7x,b\n"),
            PrefixError::Prefix { line: 2, error: NumberError::Character { at: 1 } }
        );
        assert_eq!(line(b"7\n"), PrefixError::Value { line: 1 });
        assert_eq!(line(b"7,a\n7,b\n"), PrefixError::Duplicate { prefix: digits("7") });
    }
}
