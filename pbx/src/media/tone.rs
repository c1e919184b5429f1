//! Call progress tones as audio.

use std::f64::consts::TAU;
use std::time::Duration;

use super::Audio;

const RATE: u32 = 8_000;
/// Peak amplitude that gives about -13 dBm0, the level of progress tones (ITU-T E.180 §4.2).
const AMPLITUDE: f64 = 7_000.0;

/// The ringing tone of most of Europe and Russia: 425 Hz, one second on and four off (ITU-T E.180).
pub fn ringback() -> Audio {
    cadence(425.0, &[(1_000, true), (4_000, false)])
}

/// The busy tone: 425 Hz, 400 ms on and 400 ms off.
pub fn busy() -> Audio {
    cadence(425.0, &[(400, true), (400, false)])
}

/// The two tones of a key (ITU-T Q.23), for peers that have not agreed to telephone events. `None` for
/// a character that is on no telephone.
pub fn dtmf(digit: char, duration: Duration) -> Option<Audio> {
    const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
    const COLUMNS: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let key = "123A456B789C*0#D".find(digit.to_ascii_uppercase())?;
    let (low, high) = (*ROWS.get(key / 4)?, *COLUMNS.get(key % 4)?);
    let count = duration.as_millis().min(10_000) as u32 * (RATE / 1_000);
    let wave = |hertz: f64, n: u32| (TAU * hertz * f64::from(n) / f64::from(RATE)).sin();
    let samples: Vec<i16> =
        (0..count).map(|n| ((wave(low, n) + wave(high, n)) * AMPLITUDE) as i16).collect();
    Some(Audio { samples: samples.into(), repeat: false })
}

fn cadence(hertz: f64, parts: &[(u32, bool)]) -> Audio {
    let mut samples = Vec::new();
    for (milliseconds, on) in parts {
        let count = RATE / 1_000 * milliseconds;
        samples.extend((0..count).map(|n| {
            if *on {
                ((TAU * hertz * f64::from(n) / f64::from(RATE)).sin() * AMPLITUDE) as i16
            } else {
                0
            }
        }));
    }
    Audio { samples: samples.into(), repeat: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ringback_sounds_for_a_second_and_rests_for_four() {
        let tone = ringback();
        assert_eq!(tone.samples.len(), 5 * 8_000);
        let energy = |part: &[i16]| part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        assert!(energy(&tone.samples[..8_000]) > 1e11);
        assert_eq!(energy(&tone.samples[8_000..]), 0.0);
        assert!(tone.repeat);
    }
}
