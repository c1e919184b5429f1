//! The extensions of a context, packed: a plan of 100,000 patterns should fit a cache, not a heap.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::pattern::{compare, match_now};

/// Extensions in the order in which they are tried, by index.
#[derive(Clone, Debug)]
pub(super) struct Entries<T> {
    text: String,
    records: Vec<Record>,
    /// What the steps lead to, apart from the rest of them, since a lookup wants nothing else.
    targets: Vec<T>,
    steps: Vec<Stored>,
    /// By step; few steps have one.
    labels: BTreeMap<u32, Box<str>>,
    /// How many exact extensions there are; they come first.
    exact: usize,
    /// Every extension has exactly one step, of priority 1: step n belongs to extension n.
    uniform: bool,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    text: u32,
    steps: u32,
    pattern_length: u8,
    caller_length: u8,
    has_caller: bool,
}

/// A place in the files of a plan; line 0 is nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: u16,
    pub(super) line: u32,
}

/// One step of an extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) priority: u32,
    pub(super) place: Place,
}

/// A step found: its number among all steps of the context.
pub(super) type StepIndex = usize;

impl<T> Entries<T> {
    pub(super) fn new() -> Self {
        Entries {
            text: String::new(),
            records: Vec::new(),
            targets: Vec::new(),
            steps: Vec::new(),
            labels: BTreeMap::new(),
            exact: 0,
            uniform: true,
        }
    }

    /// Adds an extension after those there are. Its steps follow by [`Entries::push_step`].
    pub(super) fn push(&mut self, pattern: &str, caller_pattern: Option<&str>) {
        let caller = caller_pattern.unwrap_or_default();
        self.records.push(Record {
            text: self.text.len() as u32,
            steps: self.steps.len() as u32,
            pattern_length: pattern.len() as u8,
            caller_length: caller.len() as u8,
            has_caller: caller_pattern.is_some(),
        });
        self.text.push_str(pattern);
        self.text.push_str(caller);
        if !pattern.starts_with('_') {
            self.exact = self.records.len();
        }
    }

    /// Adds a step to the last extension.
    pub(super) fn push_step(&mut self, step: Stored, target: T, label: Option<Box<str>>) {
        self.uniform &= step.priority == 1 && self.steps.len() + 1 == self.records.len();
        if let Some(label) = label {
            self.labels.insert(self.steps.len() as u32, label);
        }
        self.steps.push(step);
        self.targets.push(target);
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.records.shrink_to_fit();
        self.steps.shrink_to_fit();
        self.targets.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn exact_len(&self) -> usize {
        self.exact
    }

    pub(super) fn pattern(&self, entry: usize) -> &str {
        let Some(record) = self.records.get(entry) else { return "" };
        let start = record.text as usize;
        self.text.get(start..start + usize::from(record.pattern_length)).unwrap_or_default()
    }

    pub(super) fn caller_pattern(&self, entry: usize) -> Option<&str> {
        let record = self.records.get(entry).filter(|record| record.has_caller)?;
        let start = record.text as usize + usize::from(record.pattern_length);
        self.text.get(start..start + usize::from(record.caller_length))
    }

    /// The steps of an extension, by priority.
    pub(super) fn steps(&self, entry: usize) -> impl Iterator<Item = (StepIndex, &Stored)> {
        let start =
            self.records.get(entry).map_or(self.steps.len(), |record| record.steps as usize);
        let end =
            self.records.get(entry + 1).map_or(self.steps.len(), |record| record.steps as usize);
        (start..end).zip(self.steps.get(start..end).unwrap_or_default())
    }

    /// The step of this priority.
    pub(super) fn step(&self, entry: usize, priority: u32) -> Option<StepIndex> {
        if self.uniform {
            return (priority == 1).then_some(entry);
        }
        self.steps(entry).find(|(_, step)| step.priority == priority).map(|(index, _)| index)
    }

    /// The first step of an extension that has a priority 1.
    #[inline]
    pub(super) fn first_step(&self, entry: usize) -> StepIndex {
        if self.uniform {
            return entry;
        }
        self.records.get(entry).map_or(usize::MAX, |record| record.steps as usize)
    }

    #[inline]
    pub(super) fn target(&self, step: StepIndex) -> Option<&T> {
        self.targets.get(step)
    }

    pub(super) fn stored(&self, step: StepIndex) -> Option<&Stored> {
        self.steps.get(step)
    }

    pub(super) fn label(&self, step: StepIndex) -> Option<&str> {
        self.labels.get(&(step as u32)).map(|label| &**label)
    }

    /// Whether the extension takes every caller and has a priority 1.
    pub(super) fn is_unconditional(&self, entry: usize) -> bool {
        self.records.get(entry).is_some_and(|record| !record.has_caller)
            && self.step(entry, 1).is_some()
    }

    pub(super) fn admits(&self, entry: usize, caller: Option<&str>) -> bool {
        if self.records.get(entry).is_some_and(|record| !record.has_caller) {
            return true;
        }
        admits(self.caller_pattern(entry), caller)
    }

    /// The exact extensions that begin with `dialled` (decoration left out), in order.
    pub(super) fn exact_beginning_with(&self, dialled: &[u8]) -> core::ops::Range<usize> {
        let start = self.bisect(|text| text.cmp(dialled) == Ordering::Less);
        let end =
            self.bisect(|text| text.beginning(dialled.len()).cmp(dialled) != Ordering::Greater);
        start..end.max(start)
    }

    /// The exact extensions equal to `dialled`: more than one where callers are told apart.
    pub(super) fn exact_equal(&self, dialled: &[u8]) -> core::ops::Range<usize> {
        let start = self.bisect(|text| text.cmp(dialled) == Ordering::Less);
        let end = self.bisect(|text| text.cmp(dialled) != Ordering::Greater);
        start..end.max(start)
    }

    /// The extensions whose pattern is this one, however it is written.
    pub(super) fn same_pattern(&self, pattern: &str) -> core::ops::Range<usize> {
        let first = |order: Ordering| {
            let (mut low, mut high) = (self.exact, self.records.len());
            while low < high {
                let middle = low + (high - low) / 2;
                if compare(self.pattern(middle), pattern) < order {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            low
        };
        first(Ordering::Equal)..first(Ordering::Greater)
    }

    /// The first exact extension for which `before` does not hold.
    fn bisect(&self, before: impl Fn(Undecorated<'_>) -> bool) -> usize {
        let (mut low, mut high) = (0, self.exact);
        while low < high {
            let middle = low + (high - low) / 2;
            let text = Undecorated { text: self.pattern(middle), limit: usize::MAX };
            if before(text) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        self.text.capacity()
            + self.records.capacity() * size_of::<Record>()
            + self.steps.capacity() * size_of::<Stored>()
            + self.targets.capacity() * size_of::<T>()
            + self.labels.values().map(|label| label.len() + 48).sum::<usize>()
    }
}

/// An exact extension without its dashes, up to a number of characters.
#[derive(Clone, Copy)]
struct Undecorated<'a> {
    text: &'a str,
    limit: usize,
}

impl Undecorated<'_> {
    fn beginning(self, limit: usize) -> Self {
        Undecorated { limit, ..self }
    }

    fn cmp(self, other: &[u8]) -> Ordering {
        let text = self.text.bytes().filter(|&byte| byte != b'-').take(self.limit);
        text.cmp(other.iter().copied())
    }
}

/// Whether an extension with this caller pattern takes this caller.
pub(crate) fn admits(pattern: Option<&str>, caller: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    match caller {
        None | Some("") => pattern.is_empty(),
        Some(caller) => match_now(pattern, caller.as_bytes()),
    }
}
