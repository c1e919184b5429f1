//! What survives a restart: call records, registrations, and the log of both.
//!
//! Reads of a running call come from memory; a [`Store`] is written behind it. Every write gets the
//! next number of one gap-free sequence, so that a reader can follow without missing anything.
//!
//! Two promises differ: what [`Store::append`] returned for is *written* and survives the end of the
//! process, however sudden; what [`Store::sync`] returned for is *durable* and survives the loss of
//! power. [`writer::Writer`] keeps both for call records, at one group of writes every 200 ms,
//! and makes registrations, which telephones repeat, durable within a second.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod writer;

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use sip_core::header::{CallId, NameAddr};
use sip_core::registrar::{AddressOfRecord, Binding};
use sip_core::{Flow, Transport};

use crate::record::CallRecord;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// Keeps what must survive. Used by one thread at a time.
pub trait Store: Send {
    /// Appends a group of writes, all of them or none, and returns the sequence number of the last.
    /// They are written when this returns.
    ///
    /// # Errors
    ///
    /// Nothing of the group was kept; it may be tried again.
    fn append(&mut self, writes: &[Write]) -> Result<u64, StoreError>;

    /// Makes durable what was appended, and returns the sequence number of the last durable write.
    ///
    /// # Errors
    ///
    /// The writes are still written, and durable after a later call that succeeds.
    fn sync(&mut self) -> Result<u64, StoreError>;

    /// There was nothing to write for some seconds: memory that only speeds up writing may go.
    fn rest(&mut self) {}

    /// Sequence number of the last write; 0 before the first.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn last_sequence(&mut self) -> Result<u64, StoreError>;

    /// One more than the highest call number in a record; 1 in an empty store.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn next_call(&mut self) -> Result<u64, StoreError>;

    /// Every binding, expired ones included.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn bindings(&mut self) -> Result<Vec<StoredBinding>, StoreError>;

    /// Up to `limit` records whose sequence number is above `after`, in order.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn records(&mut self, after: u64, limit: usize) -> Result<Vec<(u64, CallRecord)>, StoreError>;

    /// The value of a key and its version.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn value(&mut self, key: &str) -> Result<Option<Versioned>, StoreError>;

    /// Sets a key if its version is still `expected` (`None`: if it does not exist), and returns the
    /// new version. `None` for `value` removes the key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when somebody was faster; otherwise the store cannot be written.
    fn compare_and_set(
        &mut self,
        key: &str,
        expected: Option<u64>,
        value: Option<&[u8]>,
    ) -> Result<u64, StoreError>;

    /// The keys of [`Store::compare_and_set`] that changed after version `after`, in order of their
    /// versions: what a watcher asks again and again. A removed key comes without a value.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Changed>, StoreError>;
}

/// A value with the version at which it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Grows with every change of any key.
    pub version: u64,
    /// What was set.
    pub value: Vec<u8>,
}

/// A key that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The version of the change.
    pub version: u64,
    /// Which key.
    pub key: String,
    /// Its value; `None` when it was removed.
    pub value: Option<Vec<u8>>,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has changed the key.
    #[error("the key was changed meanwhile: its version is {found:?}")]
    Conflict {
        /// The version it has now.
        found: Option<u64>,
    },
    /// What the store holds cannot be understood: it was damaged, or written by a later version.
    #[error("the store holds something that cannot be read: {0}")]
    Damaged(String),
    /// The database refused, and may not do so later: locked, or the disk is full.
    #[cfg(feature = "sqlite")]
    #[error("the database refuses: {0}")]
    Database(#[from] rusqlite::Error),
    /// The operating system does not flush the database's log.
    #[cfg(feature = "sqlite")]
    #[error("the log of the database cannot be flushed: {0}")]
    Flush(std::io::Error),
}

/// Something to keep.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Write {
    /// A call has ended.
    Record(CallRecord),
    /// An extension can be reached at a contact, until it expires or is unbound.
    Bind(StoredBinding),
    /// An extension cannot be reached at this contact any more.
    Unbind {
        /// The extension.
        extension: String,
        /// The contact URI as it was bound.
        contact: String,
    },
}

/// A registrar binding in the form in which it survives a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBinding {
    /// The extension.
    pub extension: String,
    /// The contact URI, which with the extension names the binding.
    pub contact: String,
    /// The whole Contact as it was registered, display name and parameters included.
    pub contact_header: String,
    /// Transport of the flow it registered over.
    pub transport: Transport,
    /// Our address of that flow.
    pub local: SocketAddr,
    /// The peer's address of that flow.
    pub remote: SocketAddr,
    /// When it runs out, on the wall clock.
    pub until: Timestamp,
    /// Preference in thousandths, 0 to 1000 (RFC 3261 §20.10).
    pub q: u16,
    /// `Call-ID` of the registration.
    pub call_id: String,
    /// `CSeq` number of the registration.
    pub cseq: u32,
}

impl StoredBinding {
    /// A binding of `extension` that runs out at `until`.
    pub(crate) fn new(extension: &str, binding: &Binding, until: Timestamp) -> Self {
        Self {
            extension: extension.to_owned(),
            contact: binding.contact.uri.to_text(),
            contact_header: binding.contact.to_string(),
            transport: binding.flow.transport,
            local: binding.flow.local,
            remote: binding.flow.remote,
            until,
            q: binding.q,
            call_id: binding.call_id.as_str().to_owned(),
            cseq: binding.cseq,
        }
    }

    /// Whether the telephone can be reached over the connection it registered on only: a stream
    /// from another port than the one its contact names.
    pub(crate) fn is_bound_to_connection(&self) -> bool {
        let contact = NameAddr::parse(&self.contact_header).ok();
        let listens =
            contact.as_ref().and_then(|contact| contact.uri.as_sip()).is_some_and(|uri| {
                let port = uri.port().unwrap_or_else(|| self.transport.default_port());
                uri.host().ip() == Some(self.remote.ip()) && port == self.remote.port()
            });
        self.transport.is_reliable() && !listens
    }

    /// The registrar's form of it, running out at `expires`; `None` when the contact was damaged.
    pub(crate) fn binding(&self, aor: AddressOfRecord, expires: Duration) -> Option<Binding> {
        Some(Binding {
            aor,
            contact: NameAddr::parse(&self.contact_header).ok()?,
            path: Vec::new(),
            user_agent: None,
            flow: Flow {
                transport: self.transport,
                local: self.local,
                remote: self.remote,
                connection: None,
            },
            expires,
            q: self.q,
            call_id: CallId::new(&self.call_id).ok()?,
            cseq: self.cseq,
        })
    }
}
