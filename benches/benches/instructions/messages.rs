//! SIP messages.

use std::hint::black_box;

use bytes::Bytes;
use gungraun::prelude::*;
use sip_core::{Message, Request};
use trunkline_benches::{invite, sip as jobs, warm};

fn with_body() -> (Request, Bytes) {
    (invite::request(), invite::offer_bytes())
}

#[library_benchmark]
#[bench::invite(warm(invite::bytes, jobs::view))]
fn view(bytes: Bytes) -> Bytes {
    jobs::view(black_box(bytes))
}

#[library_benchmark]
#[bench::invite(warm(invite::bytes, jobs::view_and_six_headers))]
fn view_and_six_headers(bytes: Bytes) -> Bytes {
    jobs::view_and_six_headers(black_box(bytes))
}

#[library_benchmark]
#[bench::invite(warm(invite::bytes, jobs::owned))]
fn owned(bytes: Bytes) -> Message {
    jobs::owned(black_box(bytes))
}

#[library_benchmark]
#[bench::invite(warm(invite::request, jobs::check))]
fn check(request: Request) -> Request {
    jobs::check(black_box(request))
}

#[library_benchmark]
#[bench::ok(warm(with_body, jobs::write_response))]
fn write_response(input: (Request, Bytes)) -> (Request, Bytes) {
    jobs::write_response(black_box(input))
}

#[library_benchmark]
#[bench::invite(warm(invite::offer_bytes, jobs::write_request))]
fn write_request(offer: Bytes) -> Bytes {
    jobs::write_request(black_box(offer))
}

#[library_benchmark]
#[bench::invite(warm(invite::request, jobs::write_received))]
fn write_received(request: Request) -> (Request, Bytes) {
    jobs::write_received(black_box(request))
}

library_benchmark_group!(
    name = sip,
    benchmarks =
        [view, view_and_six_headers, owned, check, write_response, write_request, write_received]
);
