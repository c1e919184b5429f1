//! A registrar's bindings (RFC 3261 §10.3, RFC 3327, RFC 3608, RFC 5626, RFC 5627).
//!
//! [`Registrar::register`] applies a REGISTER whose sender has been authenticated and may register
//! the address of record, [`Registrar::register_as`] one whose credentials decide that;
//! [`Registrar::bindings`] says where an address can be reached, [`Registrar::targets`] in which
//! order to try the flows of its instances, [`Registrar::gruu`] whom a GRUU means;
//! [`Registrar::poll_change`] feeds a store, from which [`Registrar::restore`] fills the table
//! after a restart.

mod binding;
mod config;
mod gruu;
mod rejection;
mod table;

pub use binding::{AddressOfRecord, Binding, Change, Removal};
pub use config::Config;
pub use gruu::GruuKey;
pub use rejection::Rejection;
pub use table::Registrar;
