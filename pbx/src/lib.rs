//! Call control that joins Trunkline's crates into a telephone exchange, sans-IO, with a tokio server.
#![forbid(unsafe_code)]
