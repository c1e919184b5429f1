//! A registrar's bindings (RFC 3261 §10.3, RFC 3327).
//!
//! [`Registrar::register`] applies a REGISTER whose sender has been authenticated and may register
//! the address of record; [`Registrar::bindings`] says where that can be reached;
//! [`Registrar::poll_change`] feeds a store, from which [`Registrar::restore`] fills the table
//! after a restart.

mod binding;
mod table;

pub use binding::{AddressOfRecord, Binding, Change, Removal};
pub use table::{Config, Registrar, Rejection};
