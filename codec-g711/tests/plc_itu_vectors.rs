//! Appendix I against the reference output of the ITU's own program, and both modes on its patterns.

mod common;

use codec_g711::plc::{DELAY, Mode, Plc};
use common::{shared, words};

const FRAME: usize = 80;
const LOST: i16 = 0x6B20;

/// Runs the speech through concealment, the erasure pattern repeated as often as needed.
fn conceal(mode: Mode, speech: &[i16], pattern: &[i16]) -> Vec<i16> {
    let mut plc = Plc::new(mode);
    let mut out = Vec::new();
    for (frame, word) in speech.chunks(FRAME).zip(pattern.iter().cycle()) {
        let mut frame = frame.to_vec();
        if *word == LOST {
            plc.conceal(&mut frame);
        } else {
            plc.good_frame(&mut frame);
        }
        out.extend(frame);
    }
    // The ITU's program takes the delay out again.
    out.drain(..DELAY);
    out
}

fn differing(a: &[i16], b: &[i16]) -> (usize, u16) {
    let apart = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    (apart.clone().filter(|apart| *apart > 0).count(), apart.max().unwrap_or(0))
}

#[test]
fn appendix_i_equals_the_reference() {
    let Some(shared) = shared() else { return };
    let file = |name: &str| words(shared.join("itu-g711-plc").join(name));
    let speech = file("f2.le");
    for (pattern, output) in [("fe10.g192", "f2_10.raw"), ("fe10_2.g192", "f2_10_2.raw")] {
        let made = conceal(Mode::AppendixI, &speech, &file(pattern));
        let (count, most) = differing(&made, &file(output));
        println!("{pattern}: {count} samples differ, by {most} at most");
        assert!(most <= 1, "{pattern}: {count} samples differ, by {most} at most");
    }
}
