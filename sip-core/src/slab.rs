//! A table whose keys stay unique: a place used again gets another generation.

/// Names an entry of one [`Slab`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Key {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

/// Room for so many is made with the first.
const FIRST: usize = 32;

/// Values have memory of their own, so that a table that was full once does not keep it all, and one
/// that grows does not take twice what it needs.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    /// The generation in which a further place begins.
    first: u32,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<Box<T>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), first: 0 }
    }
}

impl<T> Slab<T> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        let value = Box::new(value);
        if let Some(index) = self.free.pop() {
            let entry = &mut self.entries[index as usize];
            entry.value = Some(value);
            return Key { index, generation: entry.generation };
        }
        if self.entries.capacity() == 0 {
            self.entries.reserve(FIRST);
        }
        let index = self.entries.len() as u32;
        let generation = self.first;
        self.entries.push(Entry { generation, value: Some(value) });
        Key { index, generation }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let entry = self.entries.get(key.index as usize)?;
        if entry.generation == key.generation { entry.value.as_deref() } else { None }
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.generation == key.generation { entry.value.as_deref_mut() } else { None }
    }

    pub(crate) fn contains(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.generation != key.generation {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(key.index);
        Some(*value)
    }

    /// Gives back the places that nobody has needed since a busier time, as far as there is none in use
    /// behind them. Takes time for each place there is.
    pub(crate) fn shrink(&mut self) {
        let used = self.entries.iter().rposition(|entry| entry.value.is_some());
        let used = used.map_or(0, |last| last + 1);
        // A key of a place that is gone must not fit one that comes in its stead.
        let spent = self.entries.drain(used..).map(|entry| entry.generation).max();
        self.first = self.first.max(spent.unwrap_or(0));
        self.free.retain(|&index| (index as usize) < used);
        // The first places are taken first, so that the last ones become free in time.
        self.free.sort_unstable_by(|one, other| other.cmp(one));
        self.entries.shrink_to_fit();
        self.free.shrink_to_fit();
    }

    /// Every entry, by index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.entries.iter().enumerate().filter_map(|(index, entry)| {
            let key = Key { index: index as u32, generation: entry.generation };
            entry.value.as_deref().map(|value| (key, value))
        })
    }

    /// Every entry, by index.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.entries.iter_mut().enumerate().filter_map(|(index, entry)| {
            let key = Key { index: index as u32, generation: entry.generation };
            entry.value.as_deref_mut().map(|value| (key, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_key_finds_nothing() {
        let mut slab = Slab::default();
        let first = slab.insert("a");
        assert_eq!(slab.remove(first), Some("a"));
        let second = slab.insert("b");
        assert_eq!(second.index, first.index);
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!((slab.get(second), slab.len()), (Some(&"b"), 1));
    }

    #[test]
    fn what_a_busy_time_has_taken_is_given_back() {
        let mut slab = Slab::default();
        let keys: Vec<Key> = (0..1_000).map(|n| slab.insert(n)).collect();
        for key in &keys {
            if key.index != 2 {
                slab.remove(*key);
            }
        }
        slab.shrink();
        assert_eq!((slab.len(), slab.entries.capacity(), slab.free.capacity()), (1, 3, 2));
        let again: Vec<Key> = (0..1_000).map(|n| slab.insert(n)).collect();
        assert!(keys.iter().all(|key| slab.get(*key).is_some() == (key.index == 2)));
        assert!((0..1_000).all(|n| slab.get(again[n]) == Some(&n)));
        assert_eq!(slab.len(), 1_001);
    }
}
