//! RTP packets.

use std::hint::black_box;

use gungraun::prelude::*;
use rtp_core::session::Sender;
use trunkline_benches::{rtp as jobs, warm};

fn to_relay() -> (Sender, Vec<Vec<u8>>) {
    (jobs::sender(), jobs::packets())
}

#[library_benchmark]
#[bench::hundred(warm(jobs::packets, jobs::parse))]
fn parse(packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    jobs::parse(black_box(packets))
}

#[library_benchmark]
#[bench::hundred(warm(jobs::packets, jobs::write_header))]
fn write_header(packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    jobs::write_header(black_box(packets))
}

#[library_benchmark]
#[bench::hundred(warm(to_relay, jobs::relay))]
fn relay(input: (Sender, Vec<Vec<u8>>)) -> Vec<Vec<u8>> {
    jobs::relay(black_box(input))
}

library_benchmark_group!(name = rtp, benchmarks = [parse, write_header, relay]);
