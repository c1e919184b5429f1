//! Forwarding.

pub mod fib;
