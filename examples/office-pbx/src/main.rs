//! An office telephone exchange that runs without configuration.
#![forbid(unsafe_code)]

fn main() {}
