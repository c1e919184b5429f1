//! Dialogs (RFC 3261 §12): the state that two user agents share.
//!
//! A [`Dialog`] is only the state: identifiers, sequence numbers, route set and remote target, and
//! how a request within it is built. [`negotiation`] keeps the turns of offer and answer,
//! [`session_timer`] how long a session lives; [`transfer`] makes what moves calls. What a dialog is used for, the INVITE usage and
//! subscriptions, lives in [`endpoint`](crate::endpoint).
//!
//! ```text
//!             101-199 with a To tag                 2xx
//!   INVITE ---------------------------> Early ---------------> Confirmed
//!      |                                  |                        |
//!      |               2xx                | 300-699, time-out      | BYE answered
//!      +----------------------------------|----------------> ...   |
//!                                         v                        v
//!                                        gone                     gone
//! ```

mod key;
pub mod negotiation;
pub mod session_timer;
mod state;
pub mod transfer;

pub use key::DialogTag;
pub(crate) use state::names_contact;
pub use state::{Dialog, DialogId, DialogState, Order, Role};
