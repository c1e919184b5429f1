//! Virtual clock and network, scripted user agents and a SIP ladder printer for tests.
#![forbid(unsafe_code)]
