//! Every kernel that this machine has gives the bytes of the reference, at every length and alignment.

mod common;

use std::fmt::Debug;

use codec_g711::kernel::Kernel;
use codec_g711::transcode::Rule;
use codec_g711::{alaw, ulaw};
use common::{bytes, shared, words};

/// More than the longest block and its tail.
const LENGTHS: usize = 300;

/// As many as a cache line has bytes, unless a slow checker asks for fewer.
fn offsets() -> std::ops::Range<usize> {
    let fewer = std::env::var("KERNEL_TEST_OFFSETS").ok().and_then(|count| count.parse().ok());
    0..fewer.unwrap_or(64)
}

type EncodeOne = fn(i16) -> u8;
type DecodeOne = fn(u8) -> i16;
type Encode = fn(Kernel, &[i16], &mut [u8]) -> usize;
type Decode = fn(Kernel, &[u8], &mut [i16]) -> usize;

const ENCODERS: [(&str, Encode, EncodeOne); 2] = [
    ("alaw", Kernel::alaw_encode, alaw::encode_sample),
    ("ulaw", Kernel::ulaw_encode, ulaw::encode_sample),
];
const DECODERS: [(&str, Decode, DecodeOne); 2] = [
    ("alaw", Kernel::alaw_decode, alaw::decode_sample),
    ("ulaw", Kernel::ulaw_decode, ulaw::decode_sample),
];

/// All samples, in an order that puts unlike ones side by side.
fn shuffled_samples() -> Vec<i16> {
    (0..=u16::MAX).map(|n| n.wrapping_mul(40503).wrapping_add(12345) as i16).collect()
}

#[test]
fn the_kernels_of_this_machine_are_named() {
    let names: Vec<_> = Kernel::available().map(Kernel::name).collect();
    println!("kernels: {names:?}, best: {}", Kernel::best().name());
    assert_eq!(names[0], "portable");
    assert_eq!(Kernel::available().last(), Some(Kernel::best()));
    for absent in ["sse2", "ssse3", "avx2", "avx512", "avx512-fp16", "neon"] {
        if !names.contains(&absent) {
            println!("skipped: this machine has no {absent}");
        }
    }
}

#[test]
fn every_sample_encodes_as_the_reference_says() {
    let oracle = shared().map(|shared| shared.join("g711-oracle"));
    for kernel in Kernel::available() {
        for (law, encode, one) in ENCODERS {
            for pcm in [(i16::MIN..=i16::MAX).collect(), shuffled_samples()] {
                let mut codes = vec![0; pcm.len()];
                assert_eq!(encode(kernel, &pcm, &mut codes), 65536);
                for (sample, code) in pcm.iter().zip(&codes) {
                    assert_eq!(*code, one(*sample), "{} {law} of {sample}", kernel.name());
                }
            }
            let Some(oracle) = &oracle else { continue };
            let pcm: Vec<i16> = (i16::MIN..=i16::MAX).collect();
            let mut codes = vec![0; pcm.len()];
            encode(kernel, &pcm, &mut codes);
            assert_eq!(codes, bytes(oracle.join(format!("{law}_enc.bin"))), "{}", kernel.name());
        }
    }
}

#[test]
fn every_code_decodes_as_the_reference_says() {
    let oracle = shared().map(|shared| shared.join("g711-oracle"));
    let codes: Vec<u8> = (0..=255).collect();
    for kernel in Kernel::available() {
        for (law, decode, one) in DECODERS {
            let mut pcm = vec![0; 256];
            assert_eq!(decode(kernel, &codes, &mut pcm), 256);
            for (code, sample) in codes.iter().zip(&pcm) {
                assert_eq!(*sample, one(*code), "{} {law} of {code:#x}", kernel.name());
            }
            let Some(oracle) = &oracle else { continue };
            assert_eq!(pcm, words(oracle.join(format!("{law}_dec.s16le"))), "{}", kernel.name());
        }
    }
}

/// That `write` fills a place at an offset, and touches nothing before and behind it.
fn fills<T: Copy + PartialEq + Debug>(
    offset: usize,
    guard: T,
    expected: &[T],
    what: (&str, &str),
    write: impl FnOnce(&mut [T]) -> usize,
) {
    let length = expected.len();
    let mut all = vec![guard; offset + length + 70];
    assert_eq!(write(&mut all[offset..offset + length]), length);
    let (before, rest) = all.split_at(offset);
    let (made, after) = rest.split_at(length);
    assert_eq!(made, expected, "{what:?} {length}");
    assert!(before.iter().chain(after).all(|value| *value == guard));
}

#[test]
fn encoding_is_the_same_at_every_length_and_alignment() {
    let pcm = shuffled_samples();
    for kernel in Kernel::available() {
        for (law, encode, one) in ENCODERS {
            let expected: Vec<u8> = pcm.iter().map(|sample| one(*sample)).collect();
            for length in 0..=LENGTHS {
                for offset in offsets() {
                    // A different part of the samples each time.
                    let at = (length * 61 + offset * 997) % 60000;
                    let part = at..at + length;
                    let what = (kernel.name(), law);
                    fills(offset, 0xEE, &expected[part.clone()], what, |codes| {
                        encode(kernel, &pcm[part], codes)
                    });
                }
            }
        }
    }
}

#[test]
fn decoding_is_the_same_at_every_length_and_alignment() {
    let codes: Vec<u8> =
        (0..1000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for kernel in Kernel::available() {
        for (law, decode, one) in DECODERS {
            let expected: Vec<i16> = codes.iter().map(|code| one(*code)).collect();
            for length in 0..=LENGTHS {
                for offset in offsets() {
                    let at = (length * 7 + offset * 3) % 600;
                    let part = at..at + length;
                    let what = (kernel.name(), law);
                    fills(offset, 0x1EE, &expected[part.clone()], what, |pcm| {
                        decode(kernel, &codes[part], pcm)
                    });
                }
            }
        }
    }
}

#[test]
fn transcoding_is_the_same_at_every_length_and_alignment() {
    let codes: Vec<u8> =
        (0..1000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for rule in [Rule::Tables, Rule::Recode] {
        let mut to_ulaw = vec![0; codes.len()];
        Kernel::PORTABLE.alaw_to_ulaw(rule, &codes, &mut to_ulaw);
        let mut to_alaw = vec![0; codes.len()];
        Kernel::PORTABLE.ulaw_to_alaw(rule, &codes, &mut to_alaw);
        for kernel in Kernel::available() {
            for length in 0..=LENGTHS {
                for offset in offsets() {
                    let range = offset..offset + length;
                    let mut out = vec![0xEE; codes.len()];
                    kernel.alaw_to_ulaw(rule, &codes[range.clone()], &mut out[range.clone()]);
                    assert_eq!(out[range.clone()], to_ulaw[range.clone()], "{}", kernel.name());
                    kernel.ulaw_to_alaw(rule, &codes[range.clone()], &mut out[range.clone()]);
                    assert_eq!(out[range.clone()], to_alaw[range.clone()], "{}", kernel.name());
                    assert!(
                        out[..offset].iter().chain(&out[range.end..]).all(|byte| *byte == 0xEE)
                    );

                    let mut here = codes.clone();
                    kernel.alaw_to_ulaw_in_place(rule, &mut here[range.clone()]);
                    assert_eq!(here[range.clone()], to_ulaw[range.clone()], "{}", kernel.name());
                    assert_eq!(here[range.end..], codes[range.end..]);
                    let mut here = codes.clone();
                    kernel.ulaw_to_alaw_in_place(rule, &mut here[range.clone()]);
                    assert_eq!(here[range.clone()], to_alaw[range.clone()], "{}", kernel.name());
                    assert_eq!(here[range.end..], codes[range.end..]);
                }
            }
        }
    }
}
