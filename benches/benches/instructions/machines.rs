//! Whole bridged calls in memory, from the first byte to the record, and one RTP packet on its way
//! through the media machine.

use std::hint::black_box;

use gungraun::prelude::*;
use pbx::media::CodecKind::{Pcma, Pcmu};
use pbx::media::machine::Transmit;
use pbx::record::CallRecord;
use trunkline_benches::call::{self as calls, Office, Origin, Rehearsal, Scene};
use trunkline_benches::relay::{self as relays, Arrival, Bridge};

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
#[bench::same_law(Bridge::new(Pcma, 20).with_arrival())]
#[bench::other_law(Bridge::new(Pcmu, 20).with_arrival())]
#[bench::other_law_other_length(Bridge::new(Pcmu, 10).with_arrival())]
fn relay(input: (Bridge, Arrival)) -> (Bridge, Option<Transmit>) {
    relays::relay(black_box(input))
}

library_benchmark_group!(name = media, benchmarks = [relay]);
