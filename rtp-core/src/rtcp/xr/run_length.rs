//! A bit for each packet, in runs and vectors (RFC 3611 sections 4.1 and 4.2).

use super::{read_range, thinned, write_range};
use crate::Ssrc;
use crate::rtcp::{CompoundWriter, RtcpWriteError};

/// A bit for each packet of a source: in a Loss RLE block true is "came", in a Duplicate RLE block
/// true is "came once".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLength<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// The first sequence number reported upon.
    pub begin: u16,
    /// The one behind the last.
    pub end: u16,
    /// Only numbers that are multiples of 2^`thinning` are reported upon; 0 to 15.
    pub thinning: u8,
    /// Chunks as they stand on the wire; see [`encode_runs`].
    pub chunks: &'a [[u8; 2]],
}

impl<'a> RunLength<'a> {
    /// The chunks up to the first null one.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk> + use<'a> {
        self.chunks.iter().map(|octets| Chunk::from_bytes(*octets)).take_while(Chunk::is_content)
    }

    /// Each packet's number with its bit; bits beyond `end` are left out, numbers beyond the bits,
    /// too.
    pub fn iter(&self) -> impl Iterator<Item = (u16, bool)> + use<'a> {
        let bits = self.chunks().flat_map(Chunk::bits);
        thinned(self.begin, self.end, self.thinning).zip(bits)
    }

    pub(super) fn read(specific: u8, data: &'a [u8]) -> Option<RunLength<'a>> {
        let (ssrc, begin, end, rest) = read_range(data)?;
        let (chunks, []) = rest.as_chunks() else { return None };
        Some(RunLength { ssrc, begin, end, thinning: specific & 0x0f, chunks })
    }

    pub(super) fn write(&self, writer: &mut CompoundWriter<'_>) -> Result<u8, RtcpWriteError> {
        write_range(writer, (self.ssrc, self.begin, self.end))?;
        writer.put(self.chunks.as_flattened())?;
        if !self.chunks.len().is_multiple_of(2) {
            // A null chunk ends a list that is no whole number of words.
            writer.put(&[0; 2])?;
        }
        Ok(self.thinning & 0x0f)
    }
}

/// Sixteen bits of a [`RunLength`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// The end.
    Null,
    /// So many packets, 1 to 16,383, with the same bit.
    Run {
        /// The bit.
        bit: bool,
        /// How many.
        count: u16,
    },
    /// Fifteen packets' bits, the first one highest.
    Vector(u16),
}

impl Chunk {
    /// As it stands on the wire. Counts above 16,383 are cut.
    pub fn to_bytes(self) -> [u8; 2] {
        let bits = match self {
            Chunk::Null => 0,
            Chunk::Run { bit, count } => u16::from(bit) << 14 | count.min(MAX_RUN),
            Chunk::Vector(bits) => 0x8000 | bits & 0x7fff,
        };
        bits.to_be_bytes()
    }

    fn from_bytes(octets: [u8; 2]) -> Chunk {
        let bits = u16::from_be_bytes(octets);
        match bits {
            0 => Chunk::Null,
            0x8000.. => Chunk::Vector(bits & 0x7fff),
            _ => Chunk::Run { bit: bits & 0x4000 != 0, count: bits & MAX_RUN },
        }
    }

    fn is_content(&self) -> bool {
        *self != Chunk::Null
    }

    fn bits(self) -> impl Iterator<Item = bool> {
        let count = match self {
            Chunk::Null => 0,
            Chunk::Run { count, .. } => count,
            Chunk::Vector(_) => VECTOR,
        };
        (0..count).map(move |n| match self {
            Chunk::Run { bit, .. } => bit,
            Chunk::Vector(bits) => bits >> (VECTOR - 1 - n) & 1 == 1,
            Chunk::Null => false,
        })
    }
}

/// Bits in a vector.
const VECTOR: u16 = 15;
const MAX_RUN: u16 = 0x3fff;

/// Encodes a bit a packet into `chunks`, and returns how many chunks that took: runs where there are
/// at least fifteen alike, vectors elsewhere. Bits behind the last of a vector are false; the
/// block's `end` says where the packets end.
///
/// # Errors
///
/// [`RtcpWriteError::BufferTooSmall`]: `chunks` is too short. One for 15 packets, and one more, is
/// always enough.
pub fn encode_runs(
    bits: impl IntoIterator<Item = bool>,
    chunks: &mut [[u8; 2]],
) -> Result<usize, RtcpWriteError> {
    let mut encoder = Encoder { chunks, len: 0, held: 0, held_len: 0, run: 0, bit: false };
    for bit in bits {
        encoder.push(bit)?;
    }
    encoder.flush_run()?;
    if encoder.held_len > 0 {
        encoder.put(Chunk::Vector(encoder.held << (VECTOR - encoder.held_len)))?;
    }
    Ok(encoder.len)
}

struct Encoder<'c> {
    chunks: &'c mut [[u8; 2]],
    len: usize,
    /// Bits of a vector that is not full, and how many they are.
    held: u16,
    held_len: u16,
    /// Bits alike behind those.
    run: u16,
    bit: bool,
}

impl Encoder<'_> {
    fn push(&mut self, bit: bool) -> Result<(), RtcpWriteError> {
        if self.run > 0 && (bit != self.bit || self.run == MAX_RUN) {
            self.flush_run()?;
        }
        self.bit = bit;
        self.run += 1;
        Ok(())
    }

    fn flush_run(&mut self) -> Result<(), RtcpWriteError> {
        // A vector that was begun is filled first.
        while self.held_len > 0 && self.run > 0 {
            self.hold()?;
        }
        if self.run >= VECTOR {
            let (bit, count) = (self.bit, core::mem::take(&mut self.run));
            return self.put(Chunk::Run { bit, count });
        }
        while self.run > 0 {
            self.hold()?;
        }
        Ok(())
    }

    /// Moves one bit of the run into the vector.
    fn hold(&mut self) -> Result<(), RtcpWriteError> {
        self.held = self.held << 1 | u16::from(self.bit);
        self.held_len += 1;
        self.run -= 1;
        if self.held_len == VECTOR {
            let bits = core::mem::take(&mut self.held);
            self.held_len = 0;
            self.put(Chunk::Vector(bits))?;
        }
        Ok(())
    }

    fn put(&mut self, chunk: Chunk) -> Result<(), RtcpWriteError> {
        let place = self.chunks.get_mut(self.len).ok_or(RtcpWriteError::BufferTooSmall)?;
        *place = chunk.to_bytes();
        self.len += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn round_trip(bits: &[bool]) -> usize {
        let mut chunks = [[0xff; 2]; 5_000];
        let count = encode_runs(bits.iter().copied(), &mut chunks).unwrap();
        assert!(count <= bits.len() / 15 + 1);
        let runs = RunLength {
            ssrc: Ssrc(1),
            begin: 65_000,
            end: 65_000u16.wrapping_add(bits.len() as u16),
            thinning: 0,
            chunks: &chunks[..count],
        };
        let read: Vec<bool> = runs.iter().map(|(_, bit)| bit).collect();
        assert_eq!(read, bits);
        assert!(runs.iter().zip(0u16..).all(|((number, _), n)| number.wrapping_sub(n) == 65_000));
        count
    }

    #[test]
    fn any_pattern_comes_back() {
        let mut random = 1u32;
        for len in [0, 1, 14, 15, 16, 31, 500, 20_000, 65_535] {
            for rare in [1, 2, 20, 400] {
                let bits: Vec<bool> = (0..len)
                    .map(|_| {
                        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        !(random >> 8).is_multiple_of(rare)
                    })
                    .collect();
                round_trip(&bits);
            }
        }
    }

    #[test]
    fn long_runs_are_short() {
        assert_eq!(round_trip(&[true; 16_383]), 1);
        assert_eq!(round_trip(&[true; 60_000]), 4);
        assert_eq!(round_trip(&[[true; 300], [false; 300]].concat()), 2);
        assert_eq!(round_trip(&[&[true; 300][..], &[false], &[true; 300]].concat()), 3);
    }

    #[test]
    fn chunks_are_the_rfcs() {
        // RFC 3611 sections 4.1.1 to 4.1.3.
        for (octets, chunk) in [
            ([0, 0], Chunk::Null),
            ([0x00, 0x05], Chunk::Run { bit: false, count: 5 }),
            ([0x40, 0x05], Chunk::Run { bit: true, count: 5 }),
            ([0xc0, 0x01], Chunk::Vector(0x4001)),
        ] {
            assert_eq!(Chunk::from_bytes(octets), chunk);
            assert_eq!(chunk.to_bytes(), octets);
        }
        let first_and_last: Vec<bool> = Chunk::Vector(0x4001).bits().collect();
        assert!(first_and_last[0] && first_and_last[14]);
        assert_eq!(first_and_last.iter().filter(|&&bit| bit).count(), 2);
    }

    #[test]
    fn no_room_is_said() {
        let bits = [true, false].repeat(20);
        assert_eq!(
            encode_runs(bits.iter().copied(), &mut [[0; 2]; 2]),
            Err(RtcpWriteError::BufferTooSmall)
        );
    }
}
