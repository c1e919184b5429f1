//! The codec's own concealment, as the playout asks for it.

use codec_g711::plc::{DELAY, Plc};
use jitter_buffer::audio::Concealment;

/// The longest piece handed on at once: 20 ms.
const PIECE: usize = 160;

/// G.711's concealment (after ITU-T G.711 Appendix I), behind the playout's trait.
///
/// The codec's runs [`DELAY`] samples behind so that it can smooth its own seams. The playout smooths them
/// itself and wants no delay: what the codec makes of frames that came is not used, only what it
/// learns from them, and a gap begins after the samples that it still holds.
#[derive(Debug, Default)]
pub(super) struct G711Concealment {
    plc: Plc,
}

impl Concealment for G711Concealment {
    fn hear(&mut self, frame: &[i16]) {
        let mut unused = [0; PIECE];
        for piece in frame.chunks(PIECE) {
            let Some(place) = unused.get_mut(..piece.len()) else { return };
            place.copy_from_slice(piece);
            self.plc.good_frame(place);
        }
    }

    fn conceal(&mut self, out: &mut [i16]) {
        if !self.plc.is_concealing() {
            self.plc.conceal(&mut [0; DELAY]);
        }
        self.plc.conceal(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(from: usize, count: usize) -> Vec<i16> {
        let wave = |n: usize| (n as f64 * std::f64::consts::TAU / 64.0).sin() * 8_000.0;
        (from..from + count).map(|n| wave(n) as i16).collect()
    }

    #[test]
    fn a_gap_goes_on_where_the_speech_ended_without_the_delay_of_the_codec() {
        let mut concealment = G711Concealment::default();
        for frame in 0..4 {
            concealment.hear(&tone(frame * 160, 160));
        }
        let mut made_up = [0; 80];
        concealment.conceal(&mut made_up);
        for (heard, lost) in made_up.iter().zip(tone(640, 80)) {
            assert!((heard - lost).abs() < 400, "{heard} in place of {lost}");
        }
        let mut long = [0; 1_600];
        concealment.conceal(&mut long);
        assert!(
            long.iter().rev().take(80).all(|sample| *sample == 0),
            "nothing buzzes on for ever"
        );
    }
}
