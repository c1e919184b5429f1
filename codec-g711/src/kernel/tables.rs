//! What the kernels look up, computed from the laws when the crate is compiled.

use crate::{alaw, ulaw};

/// By the high byte of a magnitude: the segment in the high half, the shift that brings the four mantissa
/// bits to the bottom in the low half.
pub(super) type EncodeTable = [u8; 128];

pub(super) static ALAW_ENCODE: EncodeTable = encode_table(1);
pub(super) static ULAW_ENCODE: EncodeTable = encode_table(0);

/// `lowest` is the first segment that doubles its step.
const fn encode_table(lowest: u8) -> EncodeTable {
    let mut table = [0; 128];
    let mut high = 0u8;
    while high < 128 {
        let segment = 8 - high.leading_zeros() as u8;
        let steep = if segment < lowest { lowest } else { segment };
        table[high as usize] = segment << 4 | (3 + steep);
        high += 1;
    }
    table
}

/// The values of the 128 negative codes (bit 7 clear), split into bytes.
pub(super) struct DecodeTable {
    pub(super) low: [u8; 128],
    pub(super) high: [u8; 128],
}

pub(super) static ALAW_DECODE: DecodeTable = decode_table(true);
pub(super) static ULAW_DECODE: DecodeTable = decode_table(false);

const fn decode_table(a: bool) -> DecodeTable {
    let mut table = DecodeTable { low: [0; 128], high: [0; 128] };
    let mut code = 0;
    while code < 128 {
        let value = if a { alaw::expand(code as u8) } else { ulaw::expand(code as u8) };
        let [low, high] = value.to_le_bytes();
        table.low[code] = low;
        table.high[code] = high;
        code += 1;
    }
    table
}

/// Decoding by nibbles: a value is twice (A-law) or once (mu-law, plus bias) the product of a mantissa, which
/// the low nibble gives, and a signed power of two, which the high nibble gives.
pub(super) struct NibbleTable {
    /// By the low nibble: the mantissa in quarters.
    pub(super) mantissa: [u8; 16],
    /// By the high nibble: what a segment above the lowest adds to the mantissa.
    pub(super) leading: [u8; 16],
    /// By the high nibble: two factors whose sum is the power of two, so that neither exceeds a signed byte.
    pub(super) factors: [[i8; 16]; 2],
}

pub(super) static ALAW_NIBBLES: NibbleTable = {
    let mut table = NibbleTable { mantissa: [0; 16], leading: [0; 16], factors: [[0; 16]; 2] };
    let mut nibble = 0;
    while nibble < 16 {
        table.mantissa[nibble] = (2 * (nibble as u8 ^ 5) + 1) * 4;
        let segment = (nibble ^ 5) & 7;
        table.leading[nibble] = if segment > 0 { 128 } else { 0 };
        let power = if segment > 1 { 1 << (segment - 1) } else { 1 };
        let signed = if nibble & 8 == 0 { -power } else { power };
        table.factors[0][nibble] = signed;
        table.factors[1][nibble] = signed;
        nibble += 1;
    }
    table
};

pub(super) static ULAW_NIBBLES: NibbleTable = {
    let mut table = NibbleTable { mantissa: [0; 16], leading: [128; 16], factors: [[0; 16]; 2] };
    let mut nibble = 0;
    while nibble < 16 {
        table.mantissa[nibble] = (2 * (nibble as u8 ^ 15) + 1) * 4;
        let segment = (nibble ^ 15) & 7;
        let (first, second) =
            if segment > 0 { (1 << (segment - 1), 1 << (segment - 1)) } else { (1, 0) };
        let negative = nibble & 8 == 0;
        table.factors[0][nibble] = if negative { -first } else { first };
        table.factors[1][nibble] = if negative { -second } else { second };
        nibble += 1;
    }
    table
};
