//! Whole bridged calls in memory, from the first byte to the record, a registration with digest, and
//! RTP packets on their way through the media machine.

use std::hint::black_box;

use bytes::Bytes;
use gungraun::prelude::*;
use pbx::media::CodecKind::{Pcma, Pcmu};
use pbx::media::machine::Transmit;
use pbx::record::CallRecord;
use trunkline_benches::call::{self as calls, Office, Origin, Rehearsal, Scene};
use trunkline_benches::register::{self as registrations, Script};
use trunkline_benches::relay::{Arrival, Bridge, Frame, Recorded};

// Scenes, rehearsals and bridges are warm: calls and packets have gone before.

#[library_benchmark]
#[bench::extension(Scene::new(Origin::Extension))]
#[bench::trunk(Scene::new(Origin::Trunk))]
fn with_telephones(scene: Scene) -> (Scene, CallRecord) {
    calls::with_telephones(black_box(scene))
}

#[library_benchmark]
#[bench::extension(Rehearsal::new(Origin::Extension))]
#[bench::trunk(Rehearsal::new(Origin::Trunk))]
fn exchange(rehearsal: Rehearsal) -> (Office, CallRecord) {
    calls::exchange(black_box(rehearsal))
}

library_benchmark_group!(name = call, benchmarks = [with_telephones, exchange]);

#[library_benchmark]
#[bench::refresh(registrations::refresh())]
fn digest(input: (registrations::Office, Script)) -> (registrations::Office, [Bytes; 2]) {
    registrations::register(black_box(input))
}

library_benchmark_group!(name = register, benchmarks = [digest]);

fn with_arrival(mut bridge: Bridge) -> (Bridge, Arrival) {
    let arrival = bridge.arrival();
    (bridge, arrival)
}

#[library_benchmark]
#[bench::same_law(with_arrival(Bridge::new(Pcma, 20)))]
#[bench::other_law(with_arrival(Bridge::new(Pcmu, 20)))]
#[bench::other_law_other_length(with_arrival(Bridge::new(Pcmu, 10)))]
fn relay((mut bridge, arrival): (Bridge, Arrival)) -> (Bridge, [Option<Transmit>; 2]) {
    let transmits = black_box(&mut bridge).relay(black_box(arrival));
    (bridge, transmits)
}

fn with_frames(mut bridge: Bridge) -> (Bridge, Vec<Frame>) {
    let frames = bridge.frames();
    (bridge, frames)
}

#[library_benchmark]
#[bench::both_sides(with_frames(Bridge::recorded()))]
fn record((mut bridge, frames): (Bridge, Vec<Frame>)) -> (Bridge, Recorded) {
    let recorded = black_box(&mut bridge).record(black_box(frames));
    (bridge, recorded)
}

library_benchmark_group!(name = media, benchmarks = [relay, record]);
