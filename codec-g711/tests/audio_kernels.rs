//! Mixing, gain and level give the same result with every kernel of this machine, at every length.

use codec_g711::audio::Gain;
use codec_g711::kernel::Kernel;

const LENGTHS: usize = 300;

fn stream(number: usize, length: usize) -> Vec<i16> {
    let mut state = (number as u32).wrapping_mul(2_654_435_761) | 1;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16
        })
        .collect()
}

/// The definition: an exact sum, then saturation.
fn mixed(streams: &[&[i16]], length: usize) -> Vec<i16> {
    (0..length)
        .map(|at| {
            let sum: i64 =
                streams.iter().map(|stream| i64::from(stream.get(at).copied().unwrap_or(0))).sum();
            sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16
        })
        .collect()
}

#[test]
fn mixing_is_exact_for_any_number_of_streams() {
    for kernel in Kernel::available() {
        for count in [0, 1, 2, 3, 7, 32] {
            for length in 0..=LENGTHS {
                // Some streams are too short, one too long.
                let streams: Vec<Vec<i16>> = (0..count)
                    .map(|number| stream(number, (length + 5).saturating_sub(number * 11)))
                    .collect();
                let streams: Vec<&[i16]> = streams.iter().map(Vec::as_slice).collect();
                let mut out = vec![0x1EE; length + 70];
                kernel.mix(&streams, &mut out[..length]);
                assert_eq!(out[..length], mixed(&streams, length), "{} {count}", kernel.name());
                assert!(out[length..].iter().all(|sample| *sample == 0x1EE));
            }
        }
    }
}

#[test]
fn the_loudest_streams_do_not_wrap() {
    let (high, low) = (vec![i16::MAX; 160], vec![i16::MIN; 160]);
    for kernel in Kernel::available() {
        for (loud, expected) in [(&high, i16::MAX), (&low, i16::MIN)] {
            let streams: Vec<&[i16]> = (0..1000).map(|_| loud.as_slice()).collect();
            let mut out = vec![0; 160];
            kernel.mix(&streams, &mut out);
            assert_eq!(out, [expected; 160], "{}", kernel.name());
        }
    }
}

#[test]
fn gain_is_the_same_everywhere() {
    let every_sample: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for kernel in Kernel::available() {
        for db in [-200.0, -40.0, -6.0, -0.1, 0.0, 3.0, 20.0, 90.0, 1000.0, f32::NAN] {
            let gain = Gain::from_db(db);
            let mut expected = every_sample.clone();
            Kernel::PORTABLE.apply_gain(gain, &mut expected);
            let mut made = every_sample.clone();
            kernel.apply_gain(gain, &mut made);
            assert_eq!(made, expected, "{} {db} dB", kernel.name());
            for length in 0..=LENGTHS {
                let mut made = every_sample[1000..1000 + length].to_vec();
                kernel.apply_gain(gain, &mut made);
                assert_eq!(made, expected[1000..1000 + length], "{} {db} dB", kernel.name());
            }
        }
    }
}

#[test]
fn levels_are_exact_everywhere() {
    for kernel in Kernel::available() {
        for length in 0..=LENGTHS {
            for samples in [stream(length, length), vec![i16::MIN; length]] {
                let level = kernel.level(&samples);
                let squares: u64 = samples.iter().map(|x| u64::from(x.unsigned_abs()).pow(2)).sum();
                let mean = if length == 0 { 0.0 } else { squares as f32 / length as f32 };
                assert_eq!(level.mean_square(), mean, "{} {length}", kernel.name());
                let peak = samples.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
                assert_eq!(level.peak(), peak, "{} {length}", kernel.name());
            }
        }
    }
}
