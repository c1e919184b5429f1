//! Session descriptions.

use std::hint::black_box;

use bytes::Bytes;
use gungraun::prelude::*;
use sip_core::sdp::{Negotiated, OfferAnswer, SessionDescription};
use trunkline_benches::{invite, sdp as jobs, warm};

fn offered() -> (OfferAnswer, SessionDescription) {
    (jobs::negotiation(), invite::offer())
}

fn both() -> (OfferAnswer, OfferAnswer) {
    (jobs::negotiation(), jobs::negotiation())
}

#[library_benchmark]
#[bench::offer(warm(invite::offer_bytes, jobs::parse))]
fn parse(bytes: Bytes) -> (Bytes, SessionDescription) {
    jobs::parse(black_box(bytes))
}

#[library_benchmark]
#[bench::offer(warm(invite::offer, jobs::write))]
fn write(description: SessionDescription) -> (SessionDescription, Bytes) {
    jobs::write(black_box(description))
}

#[library_benchmark]
#[bench::first(warm(jobs::negotiation, jobs::make_offer))]
fn make_offer(dialog: OfferAnswer) -> (OfferAnswer, SessionDescription) {
    jobs::make_offer(black_box(dialog))
}

#[library_benchmark]
#[bench::first(warm(offered, jobs::answer_offer))]
fn answer_offer(
    input: (OfferAnswer, SessionDescription),
) -> (OfferAnswer, SessionDescription, SessionDescription, Negotiated) {
    jobs::answer_offer(black_box(input))
}

#[library_benchmark]
#[bench::first(warm(both, jobs::exchange))]
fn exchange(dialogs: (OfferAnswer, OfferAnswer)) -> (OfferAnswer, OfferAnswer, Negotiated) {
    jobs::exchange(black_box(dialogs))
}

library_benchmark_group!(
    name = sdp,
    benchmarks = [parse, write, make_offer, answer_offer, exchange]
);
