//! Packets through rings, pools, tables and pipelines.

use std::hint::black_box;

use ::packet_ring::forward::MacTable;
use ::packet_ring::pipeline::Pipeline;
use ::packet_ring::pool::PacketBuf;
use gungraun::prelude::*;
use trunkline_benches::ring::{self as jobs, Pool, Ring, Routes};
use trunkline_benches::warm;

#[library_benchmark]
#[bench::slices(warm(jobs::ring, jobs::push_and_pop))]
fn spsc(ring: Ring) -> (Ring, usize) {
    jobs::push_and_pop(black_box(ring))
}

#[library_benchmark]
#[bench::one_by_one(warm(jobs::pool, jobs::take_and_drop))]
fn pool(pool: Pool) -> Pool {
    jobs::take_and_drop(black_box(pool))
}

#[library_benchmark]
#[bench::together(warm(jobs::pool, jobs::take_and_give_back))]
fn pool_batch(pool: Pool) -> Pool {
    jobs::take_and_give_back(black_box(pool))
}

#[library_benchmark]
#[bench::one_by_one(warm(jobs::routes, jobs::look_up))]
fn fib(routes: Routes) -> Routes {
    jobs::look_up(black_box(routes))
}

#[library_benchmark]
#[bench::together(warm(jobs::routes, jobs::look_up_batch))]
fn fib_batch(routes: Routes) -> Routes {
    jobs::look_up_batch(black_box(routes))
}

#[library_benchmark]
#[bench::learn_and_look_up(warm(jobs::stations, jobs::learn_and_look_up))]
fn mac_table(table: MacTable) -> (MacTable, usize) {
    jobs::learn_and_look_up(black_box(table))
}

#[library_benchmark]
#[bench::hop_and_header(warm(jobs::packets, jobs::rewrite_headers))]
fn rewrite(packets: Vec<PacketBuf>) -> Vec<PacketBuf> {
    jobs::rewrite_headers(black_box(packets))
}

#[library_benchmark]
#[bench::three_stages(warm(jobs::pipeline, jobs::carry))]
fn pipeline(pipeline: Pipeline<u64>) -> Pipeline<u64> {
    jobs::carry(black_box(pipeline))
}

library_benchmark_group!(
    name = ring,
    benchmarks = [spsc, pool, pool_batch, fib, fib_batch, mac_table, rewrite, pipeline]
);
