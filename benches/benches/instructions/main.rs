//! How many instructions the crates' main jobs take, counted by callgrind.
//!
//! `python3 benches/record/check.py` runs these and compares them with the committed record.
#![allow(missing_docs, unused_qualifications, reason = "what gungraun's macros write")]

mod audio;
mod codec;
mod descriptions;
mod machines;
mod messages;
mod packets;
mod playout;
mod servers;

use gungraun::prelude::*;
use gungraun::{Callgrind, main};

use audio::dtmf;
use codec::g711;
use descriptions::sdp;
use machines::{call, media, register};
use messages::sip;
use packets::rtp;
use playout::jitter;
use servers::uas;

main!(
    // check.py counts calls by the first instruction of what is called.
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::with_args(["--cache-sim=no", "--dump-instr=yes"])),
    library_benchmark_groups = [sip, sdp, uas, rtp, dtmf, g711, call, register, media, jitter]
);
