//! Digits in the sound of G.711.

use codec_g711::{alaw, ulaw};
use rtp_core::Packet;
use rtp_core::dtmf::{Detector, DetectorConfig, Event};

use crate::payload::Format;

/// Samples that are decoded at a time.
const PIECE: usize = 160;
/// What is missing is taken for silence up to a second; beyond it the sound begins anew.
const MAX_GAP: u32 = 8_000;

/// Listens to one stream.
pub(crate) struct InBand {
    detector: Detector,
    /// The timestamp that comes next.
    next: Option<u32>,
    pub(crate) digits: String,
}

impl InBand {
    pub(crate) fn new() -> InBand {
        let detector = Detector::new(DetectorConfig::default());
        InBand { detector, next: None, digits: String::new() }
    }

    /// Takes a packet of PCMA or PCMU; others are not sound that it understands. What comes late is left out.
    pub(crate) fn take(&mut self, packet: &Packet<'_>, format: &Format) {
        let decode = match format.name.to_ascii_uppercase().as_str() {
            "PCMA" => alaw::decode,
            "PCMU" => ulaw::decode,
            _ => return,
        };
        let gap = self.next.map_or(0, |next| packet.timestamp().wrapping_sub(next));
        if gap > u32::MAX / 2 {
            return;
        }
        self.listen(&vec![0; gap.min(MAX_GAP) as usize]);
        for codes in packet.payload().chunks(PIECE) {
            let mut pcm = [0; PIECE];
            let samples = decode(codes, &mut pcm);
            self.listen(pcm.get(..samples).unwrap_or_default());
        }
        self.next = Some(packet.timestamp().wrapping_add(packet.payload().len() as u32));
    }

    fn listen(&mut self, pcm: &[i16]) {
        let digits = &mut self.digits;
        self.detector.process(pcm, |event| {
            if let Event::Started { digit, .. } = event {
                digits.push(digit.as_char());
            }
        });
    }
}
