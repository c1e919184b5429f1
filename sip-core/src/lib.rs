//! SIP messages, transactions, dialogs, digest authentication, registrar logic and SDP, sans-IO.
#![forbid(unsafe_code)]

pub mod timer;
