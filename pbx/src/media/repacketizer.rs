//! Packets of one length made into packets of another (RFC 3551 §4.2: G.711 may be cut anywhere).

/// The longest packet made: 60 ms of G.711.
const LONGEST: usize = 480;

/// Collects G.711 octets and cuts them into frames of one length.
#[derive(Debug)]
pub(super) struct Repacketizer {
    octets: [u8; LONGEST],
    filled: usize,
    frame: usize,
    /// Timestamp of the source at the first octet held.
    timestamp: u32,
}

impl Repacketizer {
    /// Frames of `ptime_ms`, 10 to 60.
    pub(super) fn new(ptime_ms: u32) -> Self {
        let frame = (ptime_ms.clamp(10, 60) * 8) as usize;
        Self { octets: [0; LONGEST], filled: 0, frame, timestamp: 0 }
    }

    /// Takes a packet and hands out each frame that it completes, with its timestamp. A step in the
    /// timestamps drops what was held, which is less than a frame.
    pub(super) fn push(
        &mut self,
        timestamp: u32,
        octets: &[u8],
        mut frame: impl FnMut(u32, &[u8]),
    ) {
        let expected = self.timestamp.wrapping_add(self.filled as u32);
        if self.filled == 0 || timestamp != expected {
            self.filled = 0;
            self.timestamp = timestamp;
        }
        for octet in octets {
            if let Some(slot) = self.octets.get_mut(self.filled) {
                *slot = *octet;
                self.filled += 1;
            }
            if self.filled == self.frame {
                frame(self.timestamp, self.octets.get(..self.frame).unwrap_or_default());
                self.filled = 0;
                self.timestamp = self.timestamp.wrapping_add(self.frame as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(ptime_ms: u32, packets: &[(u32, usize)]) -> Vec<(u32, Vec<u8>)> {
        let mut frames = Vec::new();
        let mut cutter = Repacketizer::new(ptime_ms);
        for (timestamp, length) in packets {
            let octets: Vec<u8> = (0..*length).map(|n| (*timestamp as usize + n) as u8).collect();
            cutter.push(*timestamp, &octets, |at, frame| frames.push((at, frame.to_vec())));
        }
        frames
    }

    #[test]
    fn every_octet_comes_out_once_at_its_own_time() {
        for (from, to) in [(20, 30), (30, 20), (20, 60), (60, 10), (10, 20)] {
            let packets: Vec<_> = (0..12).map(|n| (n * from * 8, from as usize * 8)).collect();
            let frames = cut(to, &packets);
            assert_eq!(frames.len() as u32, 12 * from / to, "{from} to {to}");
            for (n, (timestamp, octets)) in frames.iter().enumerate() {
                assert_eq!(*timestamp, n as u32 * to * 8);
                let expected: Vec<u8> = (0..to * 8).map(|k| (timestamp + k) as u8).collect();
                assert_eq!(*octets, expected);
            }
        }
    }

    #[test]
    fn a_gap_begins_a_new_frame() {
        let frames = cut(30, &[(0, 160), (1_600, 160), (1_760, 160)]);
        assert_eq!(frames.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1_600]);
    }
}
