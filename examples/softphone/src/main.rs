//! A command-line telephone.
#![forbid(unsafe_code)]

fn main() {}
