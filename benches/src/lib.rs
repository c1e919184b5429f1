//! Wall-clock and instruction-count benchmarks of Trunkline's crates.
