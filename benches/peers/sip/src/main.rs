//! SIP messages and session descriptions beside other crates.
//!
//! Everything is measured in one run, in turns, and the least of many turns counts: on a machine that does
//! other things as well the least is what the code costs and the rest is what the others cost. Before
//! anything is measured, each contender has to give the same values as the others.

mod allocations;
mod descriptions;
mod messages;
mod responses;
mod turns;

fn main() {
    messages::run();
    responses::run();
    descriptions::run();
}
