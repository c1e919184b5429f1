//! A table that forgets what was not used for long, and never grows beyond its size.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// Two halves: what is used moves to the young one; when that is full, the old one is dropped and
/// they change places. Every step takes the same time, whoever fills it.
#[derive(Debug)]
pub(super) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    capacity: usize,
}

impl<K: Eq + Hash + Copy, V> Generations<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity: capacity.max(2) }
    }

    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The entry of a key, made when it is not there.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.young.contains_key(&key) && self.young.len() >= self.capacity / 2 {
            self.old = mem::take(&mut self.young);
        }
        let kept = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| kept.unwrap_or_else(make))
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let old = self.old.remove(key);
        self.young.remove(key).or(old)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.young.iter().chain(&self.old)
    }

    pub(super) fn shrink(&mut self) {
        self.young.shrink_to_fit();
        self.old.shrink_to_fit();
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.young.retain(|_, value| keep(value));
        self.old.retain(|_, value| keep(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_table_does_not_grow() {
        let mut table = Generations::new(100);
        table.entry(0, || "kept");
        for n in 1..10_000 {
            table.entry(n, || "stranger");
            assert_eq!(*table.entry(0, || "made again"), "kept");
            assert!(table.len() <= 100);
        }
        assert_eq!(table.get(&1), None, "forgotten");
        assert_eq!(table.remove(&0), Some("kept"));
        assert_eq!(table.get(&0), None);
    }
}
