//! A program that calls everything in codec-g711 and has no panic handler to link: `tests/no_panic.rs` builds
//! it. The handler below refers to a symbol that does not exist, so that one path to a panic, anywhere, fails
//! the link.

#![no_std]
#![no_main]

use codec_g711::audio::{self, Gain, Level};
use codec_g711::kernel::Kernel;
use codec_g711::noise::{Estimator, Generator, Sid};
use codec_g711::plc::{Mode, Plc};
use codec_g711::transcode::{self, Rule};
use codec_g711::vad::{Config, Vad};
use codec_g711::{alaw, ulaw};
use core::hint::black_box;

unsafe extern "C" {
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never linked, let alone called.
    unsafe { a_panic_can_be_reached() }
}

/// What unwinding would ask for, were there any.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let length = black_box(160);
    let (mut pcm, mut codes) = ([0i16; 160], [0u8; 160]);
    let (Some(pcm), Some(codes)) = (pcm.get_mut(..length), codes.get_mut(..length)) else { return 1 };
    let (pcm, codes) = (black_box(pcm), black_box(codes));

    alaw::encode(pcm, codes);
    alaw::decode(codes, pcm);
    ulaw::encode(pcm, codes);
    ulaw::decode(codes, pcm);
    black_box(alaw::encode_sample(black_box(1)));
    black_box(alaw::decode_sample(black_box(1)));
    black_box(ulaw::encode_sample(black_box(1)));
    black_box(ulaw::decode_sample(black_box(1)));
    black_box(transcode::alaw_to_ulaw_sample(black_box(1)));
    black_box(transcode::ulaw_to_alaw_sample(black_box(1)));
    transcode::alaw_to_ulaw_in_place(codes);
    transcode::ulaw_to_alaw_in_place(codes);
    let mut others = [0u8; 160];
    transcode::alaw_to_ulaw(codes, black_box(&mut others[..]));
    transcode::ulaw_to_alaw(codes, black_box(&mut others[..]));

    for kernel in Kernel::available() {
        black_box(kernel.name());
        kernel.alaw_encode(pcm, codes);
        kernel.alaw_decode(codes, pcm);
        kernel.ulaw_encode(pcm, codes);
        kernel.ulaw_decode(codes, pcm);
        for rule in [Rule::Tables, Rule::Recode] {
            kernel.alaw_to_ulaw(rule, codes, black_box(&mut others[..]));
            kernel.ulaw_to_alaw(rule, codes, black_box(&mut others[..]));
            kernel.alaw_to_ulaw_in_place(rule, codes);
            kernel.ulaw_to_alaw_in_place(rule, codes);
        }
        kernel.apply_gain(Gain::from_db(black_box(3.0)), pcm);
        black_box(kernel.level(pcm));
        let mut out = [0i16; 160];
        kernel.mix(black_box(&[&*pcm, &*pcm]), black_box(&mut out[..]));
    }

    let mut out = [0i16; 160];
    audio::mix(black_box(&[&*pcm, &*pcm]), black_box(&mut out[..]));
    Gain::from_factor(black_box(0.5)).apply(pcm);
    black_box(audio::is_silent(pcm, black_box(-50.0)));
    let level = Level::of(pcm).and(Level::of(&out));
    black_box((level.rms_dbm0(), level.peak_dbm0(), level.rms_dbov(), level.mean_square(), level.peak()));

    for mode in [Mode::AppendixI, Mode::TwoSided] {
        let mut plc = Plc::new(black_box(mode));
        plc.good_frame(pcm);
        plc.conceal(pcm);
        plc.good_frame(pcm);
        black_box((plc.mode(), plc.is_concealing()));
        plc.reset();
    }

    let mut vad = Vad::new(black_box(Config::default()));
    black_box(vad.judge(pcm));
    black_box(vad.noise_dbm0());

    let mut estimator = Estimator::new();
    estimator.observe(pcm);
    let sid = estimator.describe(black_box(10));
    black_box((sid.write(codes), sid.level(), sid.order(), sid.reflections()));
    let mut generator = Generator::new(black_box(1));
    if let Some(sid) = Sid::from_payload(codes) {
        generator.follow(&sid);
    }
    generator.fill(pcm);

    // The control: an index that may be out of bounds.
    #[cfg(with_a_panic)]
    black_box(pcm[black_box(7)]);
    0
}
