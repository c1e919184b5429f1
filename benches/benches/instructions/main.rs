//! How many instructions the crates' main jobs take, counted by callgrind.
//!
//! `python3 benches/record/check.py` runs these and compares them with the committed record.
#![allow(missing_docs, unused_qualifications, reason = "what gungraun's macros write")]

mod agents;
mod codec;
mod descriptions;
mod machines;
mod messages;
mod packets;

use gungraun::prelude::*;
use gungraun::{Callgrind, main};

use agents::uas;
use codec::g711;
use descriptions::sdp;
use machines::{call, media};
use messages::sip;
use packets::rtp;

main!(
    // check.py counts calls by the first instruction of what is called.
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::with_args(["--cache-sim=no", "--dump-instr=yes"])),
    library_benchmark_groups = [sip, sdp, uas, rtp, g711, call, media]
);
