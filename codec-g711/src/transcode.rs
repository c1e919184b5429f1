//! A-law to mu-law and back, code by code, without going through linear samples.
//!
//! Two rules are in use, and both are offered:
//!
//! - [`Rule::Tables`], the default: the direct tables 3 and 4 of ITU-T G.711, as published with the
//!   software that most telephone equipment took them from. They are symmetrical in sign, and a chain of
//!   conversions settles after the first pair.
//! - [`Rule::Recode`]: decode to linear and encode again. It differs from the tables in 34 codes from A to
//!   mu and in 46 codes from mu to A, always by one step, and treats positive and negative values of
//!   mu-law differently where a decoded value falls on the border of two A-law intervals.
//!
//! The tables are the default because they are what the Recommendation prescribes for a digital path
//! between countries, so that this end does what an exchange on the way would have done.

use crate::kernel::Kernel;
use crate::{alaw, ulaw};

/// How a code of one law becomes a code of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rule {
    /// The direct tables 3 and 4 of ITU-T G.711.
    #[default]
    Tables,
    /// Decoding to linear samples and encoding again.
    Recode,
}

impl Rule {
    pub(crate) fn alaw_to_ulaw(self) -> &'static [u8; 256] {
        match self {
            Self::Tables => &TABLES_A_TO_U,
            Self::Recode => &RECODE_A_TO_U,
        }
    }

    pub(crate) fn ulaw_to_alaw(self) -> &'static [u8; 256] {
        match self {
            Self::Tables => &TABLES_U_TO_A,
            Self::Recode => &RECODE_U_TO_A,
        }
    }
}

/// Converts A-law codes to mu-law by [`Rule::Tables`] until one of the slices ends; returns how many.
pub fn alaw_to_ulaw(alaw: &[u8], ulaw: &mut [u8]) -> usize {
    alaw_to_ulaw_by(Rule::Tables, alaw, ulaw)
}

/// Converts mu-law codes to A-law by [`Rule::Tables`] until one of the slices ends; returns how many.
pub fn ulaw_to_alaw(ulaw: &[u8], alaw: &mut [u8]) -> usize {
    ulaw_to_alaw_by(Rule::Tables, ulaw, alaw)
}

/// Converts A-law codes to mu-law where they are, by [`Rule::Tables`].
pub fn alaw_to_ulaw_in_place(codes: &mut [u8]) {
    Kernel::best().alaw_to_ulaw_in_place(Rule::Tables, codes);
}

/// Converts mu-law codes to A-law where they are, by [`Rule::Tables`].
pub fn ulaw_to_alaw_in_place(codes: &mut [u8]) {
    Kernel::best().ulaw_to_alaw_in_place(Rule::Tables, codes);
}

/// Converts A-law codes to mu-law by the given rule until one of the slices ends; returns how many.
pub fn alaw_to_ulaw_by(rule: Rule, alaw: &[u8], ulaw: &mut [u8]) -> usize {
    Kernel::best().alaw_to_ulaw(rule, alaw, ulaw)
}

/// Converts mu-law codes to A-law by the given rule until one of the slices ends; returns how many.
pub fn ulaw_to_alaw_by(rule: Rule, ulaw: &[u8], alaw: &mut [u8]) -> usize {
    Kernel::best().ulaw_to_alaw(rule, ulaw, alaw)
}

/// Converts one A-law code to mu-law by [`Rule::Tables`].
#[inline]
pub fn alaw_to_ulaw_sample(code: u8) -> u8 {
    TABLES_A_TO_U[usize::from(code)]
}

/// Converts one mu-law code to A-law by [`Rule::Tables`].
#[inline]
pub fn ulaw_to_alaw_sample(code: u8) -> u8 {
    TABLES_U_TO_A[usize::from(code)]
}

static TABLES_A_TO_U: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0u8;
    loop {
        // Codes travel with alternate bits (A) or all bits (mu) inverted; bit 7 set is positive in both.
        let magnitude = u_magnitude((code ^ 0x55) & 0x7F);
        table[code as usize] = (magnitude ^ 0x7F) | (code & 0x80);
        if code == 255 {
            break table;
        }
        code += 1;
    }
};

static TABLES_U_TO_A: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0u8;
    loop {
        let magnitude = a_magnitude(!code & 0x7F);
        table[code as usize] = (magnitude ^ 0x55) | (code & 0x80);
        if code == 255 {
            break table;
        }
        code += 1;
    }
};

static RECODE_A_TO_U: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw::encode_sample(alaw::expand(code as u8));
        code += 1;
    }
    table
};

static RECODE_U_TO_A: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw::encode_sample(ulaw::expand(code as u8));
        code += 1;
    }
    table
};

/// The mu-law interval (0 to 127) for an A-law interval, G.711 table 4.
const fn u_magnitude(a: u8) -> u8 {
    match a {
        0..=7 => 2 * a + 1,
        8..=23 => a + 8,
        24..=31 => 32 + (a - 24) / 2,
        32..=43 => a + 4,
        44..=47 => 48 + (a - 44) / 2,
        48..=61 => a + 2,
        62..=63 => 64,
        64..=78 => a + 1,
        _ => a,
    }
}

/// The A-law interval (0 to 127) for a mu-law interval, G.711 table 3.
const fn a_magnitude(u: u8) -> u8 {
    match u {
        0..=15 => u / 2,
        16..=32 => u - 8,
        33..=35 => 2 * u - 40,
        36..=47 => u - 4,
        48..=49 => 2 * u - 51,
        50..=63 => u - 2,
        64..=79 => u - 1,
        _ => u,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_differ_as_documented() {
        let differing =
            |a: &[u8; 256], b: &[u8; 256]| a.iter().zip(b).filter(|(a, b)| a != b).count();
        assert_eq!(differing(Rule::Tables.alaw_to_ulaw(), Rule::Recode.alaw_to_ulaw()), 34);
        assert_eq!(differing(Rule::Tables.ulaw_to_alaw(), Rule::Recode.ulaw_to_alaw()), 46);
    }

    #[test]
    fn the_tables_are_symmetrical_in_sign() {
        for code in 0..=255 {
            assert_eq!(alaw_to_ulaw_sample(code ^ 0x80), alaw_to_ulaw_sample(code) ^ 0x80);
            assert_eq!(ulaw_to_alaw_sample(code ^ 0x80), ulaw_to_alaw_sample(code) ^ 0x80);
        }
    }

    #[test]
    fn a_chain_of_conversions_settles_after_the_first_pair() {
        for code in 0..=255 {
            let a = |code| ulaw_to_alaw_sample(alaw_to_ulaw_sample(code));
            assert_eq!(a(a(code)), a(code));
            let u = |code| alaw_to_ulaw_sample(ulaw_to_alaw_sample(code));
            assert_eq!(u(u(code)), u(code));
        }
    }

    #[test]
    fn the_rules_differ_by_one_step_at_most() {
        for code in 0..=255u8 {
            let index = usize::from(code);
            let step = |a: u8, b: u8| (a & 0x7F).abs_diff(b & 0x7F);
            let [tables, recode] =
                [Rule::Tables, Rule::Recode].map(|rule| rule.alaw_to_ulaw()[index]);
            assert!(step(!tables, !recode) <= 1);
            let [tables, recode] =
                [Rule::Tables, Rule::Recode].map(|rule| rule.ulaw_to_alaw()[index]);
            // Negative zero is a zero to the decoder, so its sign may change as well.
            assert!(step(tables ^ 0x55, recode ^ 0x55) <= 1);
        }
    }

    #[test]
    fn in_place_equals_out_of_place() {
        let codes: [u8; 256] = core::array::from_fn(|n| n as u8);
        let (mut there, mut here) = ([0; 256], codes);
        assert_eq!(alaw_to_ulaw(&codes, &mut there), 256);
        alaw_to_ulaw_in_place(&mut here);
        assert_eq!(there, here);
        here = codes;
        assert_eq!(ulaw_to_alaw(&codes, &mut there), 256);
        ulaw_to_alaw_in_place(&mut here);
        assert_eq!(there, here);
    }
}
