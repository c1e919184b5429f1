//! The two band filters of the detector.
//!
//! Each is a linear-phase low-pass (windowed sinc, Kaiser window, beta 2.5) moved to the middle of its
//! group, so that what comes out is the group's signal as complex numbers. The length is a trade: an
//! edge in time is smeared over 8 ms, and the other group is 35 dB down.
//!
//! | | low group | high group |
//! |---|---|---|
//! | centre | 819 Hz | 1421 Hz |
//! | cut-off (-6 dB) | ±235 Hz | ±350 Hz |
//! | the group's edges ±3.5 % | -0.75 dB or better | -1 dB or better |
//! | the other group's edge ±1.5 % | -36 dB | -35 dB |

/// Taps of a filter, and samples that it looks at: 8 ms.
pub(super) const TAPS: usize = 64;
/// A tone of peak amplitude A comes out as A/2 times this.
pub(super) const GAIN: f32 = 22_000.0 / 16_384.0;

/// A complex band-pass filter.
pub(super) struct Filter {
    cosine: [i16; TAPS],
    sine: [i16; TAPS],
}

/// 672 to 974 Hz.
pub(super) const LOW: Filter = Filter::mirrored(&LOW_COSINE, &LOW_SINE);
/// 1166 to 1690 Hz.
pub(super) const HIGH: Filter = Filter::mirrored(&HIGH_COSINE, &HIGH_SINE);

impl Filter {
    const fn mirrored(cosine: &[i16; TAPS / 2], sine: &[i16; TAPS / 2]) -> Filter {
        let mut filter = Filter { cosine: [0; TAPS], sine: [0; TAPS] };
        let mut n = 0;
        while n < TAPS / 2 {
            filter.cosine[n] = cosine[n];
            filter.cosine[TAPS - 1 - n] = cosine[n];
            filter.sine[n] = -sine[n];
            filter.sine[TAPS - 1 - n] = sine[n];
            n += 1;
        }
        filter
    }

    /// What the filter makes of a window of samples, oldest first.
    #[inline]
    pub(super) fn apply(&self, window: &[i16; TAPS]) -> [i16; 2] {
        [dot(&self.cosine, window), dot(&self.sine, window)]
    }
}

/// The sum of a row's magnitudes is below 2^15, so that 32 bits are enough for every input.
#[inline]
fn dot(row: &[i16; TAPS], window: &[i16; TAPS]) -> i16 {
    let sum: i32 = row.iter().zip(window).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum();
    (sum >> 14).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// The energy of a window, weighted by a Hann window whose weights add up to ten: that of one hop in its
/// middle.
///
/// Ten samples by themselves would do, were it not for the beat of the two tones: cut off sharply at
/// both ends of a run it makes the energy wrong by up to 4 %, which is all that noise at 14 dB has. A
/// Hann window of 8 ms lets nothing of 250 Hz and more through, and the tones are 268 Hz apart at least.
#[inline]
pub(super) fn energy(window: &[i16; TAPS]) -> f32 {
    let (front, _) = window.as_chunks::<8>();
    let (weights, _) = HANN.as_chunks::<8>();
    let mut lanes = [0.0f32; 8];
    for (samples, weights) in front.iter().zip(weights) {
        for ((lane, sample), weight) in lanes.iter_mut().zip(samples).zip(weights) {
            let sample = f32::from(*sample);
            *lane += sample * sample * weight;
        }
    }
    lanes.iter().sum()
}

const HANN: [f32; TAPS] = {
    let mut window = [0.0; TAPS];
    let mut n = 0;
    while n < TAPS / 2 {
        window[n] = HANN_RISING[n];
        window[TAPS - 1 - n] = HANN_RISING[n];
        n += 1;
    }
    window
};

const HANN_RISING: [f32; TAPS / 2] = [
    0.000188, 0.001691, 0.004683, 0.009134, 0.015002, 0.022230, 0.030749, 0.040476, 0.051319,
    0.063172, 0.075921, 0.089445, 0.103611, 0.118284, 0.133323, 0.148583, 0.163917, 0.179177,
    0.194216, 0.208889, 0.223055, 0.236579, 0.249328, 0.261181, 0.272024, 0.281751, 0.290270,
    0.297498, 0.303366, 0.307817, 0.310809, 0.312312,
];
const LOW_COSINE: [i16; TAPS / 2] = [
    -5, -34, -65, -73, -41, 28, 105, 149, 129, 52, -45, -109, -109, -57, -7, -12, -85, -177, -196,
    -67, 204, 505, 663, 534, 98, -495, -982, -1108, -759, -47, 735, 1241,
];
const LOW_SINE: [i16; TAPS / 2] = [
    31, 33, 8, -42, -95, -118, -88, -8, 87, 148, 143, 78, -3, -45, -25, 29, 52, -17, -179, -354,
    -414, -257, 115, 567, 875, 842, 411, -279, -938, -1256, -1061, -414,
];
const HIGH_COSINE: [i16; TAPS / 2] = [
    -38, -57, 5, 89, 77, -27, -87, -39, 13, -18, -30, 83, 187, 55, -225, -285, -6, 258, 185, -26,
    -10, 99, -130, -547, -381, 565, 1210, 436, -1160, -1643, -191, 1613,
];
const HIGH_SINE: [i16; TAPS / 2] = [
    26, -32, -83, -37, 68, 98, 16, -52, -26, 0, -66, -102, 43, 240, 182, -132, -316, -133, 138,
    136, 3, 112, 312, 34, -672, -826, 177, 1361, 1113, -603, -1840, -1007,
];

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::{PI, TAU};

    /// The modified Bessel function of order zero.
    fn bessel(x: f64) -> f64 {
        let (mut sum, mut term) = (1.0, 1.0);
        for k in 1..40 {
            term *= (x / 2.0 / f64::from(k)).powi(2);
            sum += term;
        }
        sum
    }

    fn response(filter: &Filter, hertz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for n in 0..TAPS {
            let angle = TAU * hertz * n as f64 / 8e3;
            let (sine, cosine) = angle.sin_cos();
            let (a, b) = (f64::from(filter.cosine[n]), f64::from(filter.sine[n]));
            re += a * cosine - b * sine;
            im += b * cosine + a * sine;
        }
        20.0 * (re.hypot(im) / 22e3).log10()
    }

    #[test]
    fn the_tables_are_the_formula() {
        for (filter, centre, cut) in [(&LOW, 819.0, 235.0), (&HIGH, 1421.0, 350.0)] {
            let prototype: [f64; TAPS] = core::array::from_fn(|n| {
                let t = n as f64 - 31.5;
                let window = bessel(2.5 * (1.0 - (t / 31.5).powi(2)).max(0.0).sqrt());
                (TAU * cut * t / 8e3).sin() / (PI * t) * window
            });
            let sum: f64 = prototype.iter().sum();
            for (n, tap) in prototype.iter().enumerate() {
                let (sine, cosine) = (TAU * centre * (n as f64 - 31.5) / 8e3).sin_cos();
                let tap = tap / sum * 22e3;
                assert!((f64::from(filter.cosine[n]) - tap * cosine).abs() < 0.501);
                assert!((f64::from(filter.sine[n]) + tap * sine).abs() < 0.501);
            }
            for row in [&filter.cosine, &filter.sine] {
                assert!(row.iter().map(|tap| i32::from(*tap).abs()).sum::<i32>() < 1 << 15);
            }
        }
    }

    #[test]
    fn the_energy_is_that_of_a_hop() {
        for (n, weight) in HANN.iter().enumerate() {
            let sine = (PI * (n as f64 + 0.5) / TAPS as f64).sin();
            assert!((f64::from(*weight) - sine * sine * 10.0 / 32.0).abs() < 1e-6);
        }
        assert!((energy(&[100; TAPS]) - 100.0 * 100.0 * 10.0).abs() < 1.0);
        // The beat of 941 and 1209 Hz is gone, wherever the window begins.
        for start in 0..60 {
            let window = core::array::from_fn(|n| {
                let t = (n + start) as f64 / 8e3 * TAU;
                (1e4 * ((941.0 * t).sin() + (1209.0 * t).sin())) as i16
            });
            assert!((energy(&window) / 1e9 - 1.0).abs() < 0.02);
        }
    }

    #[test]
    fn the_groups_are_told_apart() {
        for hertz in [672.6, 697.0, 770.0, 852.0, 941.0, 973.9] {
            assert!(response(&LOW, hertz).abs() < 0.75, "{hertz}");
            assert!(response(&HIGH, hertz / 1.02) < -33.0, "{hertz}");
        }
        for hertz in [1166.7, 1209.0, 1336.0, 1477.0, 1633.0, 1690.2] {
            assert!(response(&HIGH, hertz).abs() < 1.0, "{hertz}");
            assert!(response(&LOW, hertz * 1.02) < -33.0, "{hertz}");
        }
    }
}
