//! Both laws and both transcoding rules against the vectors of ITU-T G.191.

mod common;

use codec_g711::transcode::{self, Rule};
use codec_g711::{alaw, ulaw};
use common::{bytes, shared, words};

fn every_sample() -> Vec<i16> {
    (i16::MIN..=i16::MAX).collect()
}

fn every_code() -> Vec<u8> {
    (0..=255).collect()
}

fn encoded(pcm: &[i16], encode: fn(&[i16], &mut [u8]) -> usize) -> Vec<u8> {
    let mut codes = vec![0; pcm.len()];
    assert_eq!(encode(pcm, &mut codes), pcm.len());
    codes
}

fn decoded(codes: &[u8], decode: fn(&[u8], &mut [i16]) -> usize) -> Vec<i16> {
    let mut pcm = vec![0; codes.len()];
    assert_eq!(decode(codes, &mut pcm), codes.len());
    pcm
}

#[test]
fn all_inputs_encode_as_the_tables_say() {
    let Some(shared) = shared() else { return };
    let pcm = every_sample();
    for (name, encode, one) in [
        (
            "alaw",
            alaw::encode as fn(&[i16], &mut [u8]) -> usize,
            alaw::encode_sample as fn(i16) -> u8,
        ),
        ("ulaw", ulaw::encode, ulaw::encode_sample),
    ] {
        let expected = bytes(shared.join(format!("g711-oracle/{name}_enc.bin")));
        assert_eq!(expected.len(), 65536);
        let codes = encoded(&pcm, encode);
        for (sample, (code, expected)) in pcm.iter().zip(codes.iter().zip(&expected)) {
            assert_eq!(code, expected, "{name} of {sample}");
            assert_eq!(one(*sample), *expected, "{name} of {sample}");
        }
    }
}

#[test]
fn all_codes_decode_as_the_tables_say() {
    let Some(shared) = shared() else { return };
    let codes = every_code();
    for (name, decode, one) in [
        (
            "alaw",
            alaw::decode as fn(&[u8], &mut [i16]) -> usize,
            alaw::decode_sample as fn(u8) -> i16,
        ),
        ("ulaw", ulaw::decode, ulaw::decode_sample),
    ] {
        let expected = words(shared.join(format!("g711-oracle/{name}_dec.s16le")));
        assert_eq!(decoded(&codes, decode), expected);
        assert_eq!(codes.iter().map(|code| one(*code)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_sweep_encodes_and_decodes_as_the_itu_files_say() {
    let Some(shared) = shared() else { return };
    let file = |name: &str| words(shared.join("itu-g711").join(name));
    let source = file("sweep.src");
    for (law, encode, decode) in [
        (
            "a",
            alaw::encode as fn(&[i16], &mut [u8]) -> usize,
            alaw::decode as fn(&[u8], &mut [i16]) -> usize,
        ),
        ("u", ulaw::encode, ulaw::decode),
    ] {
        let codes = encoded(&source, encode);
        // The tool stores one code a word.
        let expected = file(&format!("sweep-r.{law}"));
        assert!(codes.iter().map(|code| i16::from(*code)).eq(expected), "{law}: codes");
        let heard = decoded(&codes, decode);
        assert_eq!(heard, file(&format!("sweep-r.{law}-{law}")), "{law}: decoded");
    }
}

#[test]
fn transcoding_equals_both_published_rules() {
    let Some(shared) = shared() else { return };
    let codes = every_code();
    for (rule, name) in [(Rule::Tables, "sun"), (Rule::Recode, "naive")] {
        let mut out = [0; 256];
        transcode::alaw_to_ulaw_by(rule, &codes, &mut out);
        assert_eq!(
            out[..],
            bytes(shared.join(format!("g711-oracle/{name}_a2u.bin"))),
            "{name} A to mu"
        );
        transcode::ulaw_to_alaw_by(rule, &codes, &mut out);
        assert_eq!(
            out[..],
            bytes(shared.join(format!("g711-oracle/{name}_u2a.bin"))),
            "{name} mu to A"
        );
    }
}
