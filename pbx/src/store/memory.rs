//! A store that forgets everything with the process: for tests and for exchanges without a disk.

use std::collections::BTreeMap;

use super::{Changed, Store, StoreError, StoredBinding, Versioned, Write};
use crate::record::CallRecord;

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    sequence: u64,
    records: BTreeMap<u64, CallRecord>,
    bindings: BTreeMap<(String, String), StoredBinding>,
    version: u64,
    values: BTreeMap<String, (u64, Option<Vec<u8>>)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn append(&mut self, writes: &[Write]) -> Result<u64, StoreError> {
        for write in writes {
            self.sequence += 1;
            match write {
                Write::Record(record) => {
                    self.records.insert(self.sequence, record.clone());
                }
                Write::Bind(binding) => {
                    let key = (binding.extension.clone(), binding.contact.clone());
                    self.bindings.insert(key, binding.clone());
                }
                Write::Unbind { extension, contact } => {
                    self.bindings.remove(&(extension.clone(), contact.clone()));
                }
            }
        }
        Ok(self.sequence)
    }

    fn sync(&mut self) -> Result<u64, StoreError> {
        Ok(self.sequence)
    }

    fn last_sequence(&mut self) -> Result<u64, StoreError> {
        Ok(self.sequence)
    }

    fn next_call(&mut self) -> Result<u64, StoreError> {
        Ok(self.records.values().map(|record| record.call.0).max().unwrap_or(0) + 1)
    }

    fn bindings(&mut self) -> Result<Vec<StoredBinding>, StoreError> {
        Ok(self.bindings.values().cloned().collect())
    }

    fn records(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, CallRecord)>, StoreError> {
        let later = self.records.range(after.saturating_add(1)..);
        Ok(later.take(limit).map(|(sequence, record)| (*sequence, record.clone())).collect())
    }

    fn value(&mut self, key: &str) -> Result<Option<Versioned>, StoreError> {
        Ok(self.values.get(key).and_then(|(version, value)| {
            Some(Versioned { version: *version, value: value.clone()? })
        }))
    }

    fn compare_and_set(
        &mut self,
        key: &str,
        expected: Option<u64>,
        value: Option<&[u8]>,
    ) -> Result<u64, StoreError> {
        let found = self.value(key)?.map(|found| found.version);
        if found != expected {
            return Err(StoreError::Conflict { found });
        }
        self.version += 1;
        self.values.insert(key.to_owned(), (self.version, value.map(<[u8]>::to_vec)));
        Ok(self.version)
    }

    fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Changed>, StoreError> {
        let mut changes: Vec<Changed> = self
            .values
            .iter()
            .filter(|(_, (version, _))| *version > after)
            .map(|(key, (version, value))| Changed {
                version: *version,
                key: key.clone(),
                value: value.clone(),
            })
            .collect();
        changes.sort_by_key(|change| change.version);
        changes.truncate(limit);
        Ok(changes)
    }
}
