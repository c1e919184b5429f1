//! How long the crates' main jobs take here and now.
//!
//! The jobs of a group take turns, so that a machine that gets slower in between is slow for all of
//! them alike.
#![allow(missing_docs, reason = "what criterion's macros write")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use codec_g711::kernel::Kernel;
use criterion::{Criterion, criterion_group, criterion_main};
use pbx::media::CodecKind::{Pcma, Pcmu};
use trunkline_benches::call::{self, Origin, Rehearsal, Scene};
use trunkline_benches::relay::Bridge;
use trunkline_benches::{dtmf, g711, invite, rtp, sdp, sip, uas};

/// A job and a way to do it that many times, which gives the time without making input and dropping
/// output.
struct Contender<'a> {
    name: String,
    run: Box<dyn Fn(u64) -> Duration + 'a>,
}

fn contender<'a, I, O>(
    name: &str,
    input: impl Fn() -> I + 'a,
    job: impl Fn(I) -> O + 'a,
) -> Contender<'a> {
    contender_with(name, (), move |()| input(), move |(), input| job(input))
}

/// A contender that works on something which stays.
fn contender_with<'a, S: 'a, I, O>(
    name: &str,
    state: S,
    input: impl Fn(&mut S) -> I + 'a,
    job: impl Fn(&mut S, I) -> O + 'a,
) -> Contender<'a> {
    let state = RefCell::new(state);
    let run = move |times: u64| {
        let state = &mut *state.borrow_mut();
        let inputs: Vec<I> = (0..times).map(|_| input(state)).collect();
        let mut outputs = Vec::with_capacity(inputs.len());
        let start = Instant::now();
        for input in inputs {
            outputs.push(job(black_box(&mut *state), black_box(input)));
        }
        let taken = start.elapsed();
        black_box(&outputs);
        taken
    };
    Contender { name: name.to_owned(), run: Box::new(run) }
}

/// Measures each contender while all of them take turns of `turn` jobs.
fn in_turns(criterion: &mut Criterion, group: &str, turn: u64, contenders: &[Contender<'_>]) {
    let mut group = criterion.benchmark_group(group);
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    for measured in contenders {
        group.bench_function(&measured.name, |bencher| {
            bencher.iter_custom(|times| {
                let mut total = Duration::ZERO;
                let mut left = times;
                while left > 0 {
                    let jobs = left.min(turn);
                    left -= jobs;
                    for contender in contenders {
                        let taken = (contender.run)(jobs);
                        if std::ptr::eq(contender, measured) {
                            total += taken;
                        }
                    }
                }
                total
            });
        });
    }
    group.finish();
}

fn messages(criterion: &mut Criterion) {
    let with_body = || (invite::request(), invite::offer_bytes());
    in_turns(
        criterion,
        "sip",
        64,
        &[
            contender("view", invite::bytes, sip::view),
            contender("view_and_six_headers", invite::bytes, sip::view_and_six_headers),
            contender("owned", invite::bytes, sip::owned),
            contender("check", invite::request, sip::check),
            contender("write_response", with_body, sip::write_response),
            contender("write_request", invite::offer_bytes, sip::write_request),
            contender("write_received", invite::request, sip::write_received),
        ],
    );
}

fn descriptions(criterion: &mut Criterion) {
    let offered = || (sdp::negotiation(), invite::offer());
    let both = || (sdp::negotiation(), sdp::negotiation());
    in_turns(
        criterion,
        "sdp",
        64,
        &[
            contender("parse", invite::offer_bytes, sdp::parse),
            contender("write", invite::offer, sdp::write),
            contender("make_offer", sdp::negotiation, sdp::make_offer),
            contender("answer_offer", offered, sdp::answer_offer),
            contender("exchange", both, sdp::exchange),
        ],
    );
}

fn servers(criterion: &mut Criterion) {
    let with_ping = || (uas::Server::warm(), uas::ping());
    in_turns(
        criterion,
        "uas",
        16,
        &[
            contender("options", with_ping, uas::options),
            contender("call", uas::with_script, uas::call),
        ],
    );
}

fn packets(criterion: &mut Criterion) {
    in_turns(
        criterion,
        "rtp, a hundred packets",
        4,
        &[
            contender("parse", rtp::packets, rtp::parse),
            contender("write_header", rtp::packets, rtp::write_header),
            contender("relay", || (rtp::sender(), rtp::packets()), rtp::relay),
        ],
    );
}

fn audio(criterion: &mut Criterion) {
    let contenders = [
        contender("detect digits", dtmf::digits, dtmf::detect),
        contender("detect in a held digit", dtmf::held_digit, dtmf::detect),
        contender("detect in a voice", dtmf::voice, dtmf::detect),
        contender("generate", dtmf::generator, dtmf::generate),
        contender("tone", dtmf::dial_tone, dtmf::sound),
    ];
    in_turns(criterion, "dtmf, 100 frames", 10, &contenders);
}

fn codec(criterion: &mut Criterion) {
    type Job = fn(&mut g711::Frame);
    let jobs: [(&str, Job); 4] = [
        ("g711 alaw_encode", g711::alaw_encode),
        ("g711 ulaw_encode", g711::ulaw_encode),
        ("g711 alaw_decode", g711::alaw_decode),
        ("g711 ulaw_decode", g711::ulaw_decode),
    ];
    for (name, job) in jobs {
        let kernels: Vec<_> = Kernel::available()
            .map(|kernel| {
                let frame = g711::frame(kernel.name());
                contender_with(kernel.name(), frame, |_| (), move |frame, ()| job(frame))
            })
            .collect();
        in_turns(criterion, name, 256, &kernels);
    }
}

fn calls(criterion: &mut Criterion) {
    in_turns(
        criterion,
        "call",
        1,
        &[
            contender("extension", || Rehearsal::new(Origin::Extension), call::exchange),
            contender("trunk", || Rehearsal::new(Origin::Trunk), call::exchange),
            contender(
                "extension, with telephones",
                || Scene::new(Origin::Extension),
                call::with_telephones,
            ),
            contender(
                "trunk, with telephones",
                || Scene::new(Origin::Trunk),
                call::with_telephones,
            ),
        ],
    );
}

fn media(criterion: &mut Criterion) {
    let leg = |name, kind, ptime_ms| {
        contender_with(name, Bridge::new(kind, ptime_ms), Bridge::arrival, Bridge::relay)
    };
    in_turns(
        criterion,
        "relay",
        16,
        &[
            leg("same law", Pcma, 20),
            leg("other law", Pcmu, 20),
            leg("other law, other length", Pcmu, 10),
        ],
    );
}

criterion_group!(benches, messages, descriptions, servers, packets, audio, codec, calls, media);
criterion_main!(benches);
