//! An endpoint as the server of a ping and of a call.

use std::hint::black_box;

use bytes::Bytes;
use gungraun::prelude::*;
use trunkline_benches::uas::{self as jobs, Answers, Script, Server};

// Servers are warm: a ping and a call have gone before.

#[library_benchmark]
#[bench::ping((Server::warm(), jobs::ping()))]
fn options(input: (Server, Bytes)) -> (Server, Bytes) {
    jobs::options(black_box(input))
}

#[library_benchmark]
#[bench::invite(jobs::with_script())]
fn call(input: (Server, Script)) -> (Server, Answers) {
    jobs::call(black_box(input))
}

library_benchmark_group!(name = uas, benchmarks = [options, call]);
