//! Character classes, one bit each, so that one table serves every scan.

/// `token`
pub(crate) const TOKEN: u16 = 1 << 12;
/// `user` of a SIP URI, without `%`
pub(crate) const USER: u16 = 1 << 1;
/// `password` of a SIP URI, without `%`
pub(crate) const PASSWORD: u16 = 1 << 2;
/// `paramchar` of a SIP URI, without `%`
pub(crate) const PARAM: u16 = 1 << 3;
/// the same with what `transport`, `user` and `method` may have, which are tokens
pub(crate) const PARAM_VALUE: u16 = 1 << 14;
/// `hnv-unreserved / unreserved` of a SIP URI's headers, without `%`
pub(crate) const HEADER: u16 = 1 << 4;
/// host names and IPv4 addresses
pub(crate) const HOST: u16 = 1 << 5;
/// `word`, as in Call-ID
pub(crate) const WORD: u16 = 1 << 6;
/// what stands between the brackets of an IPv6 reference
pub(crate) const IPV6: u16 = 1 << 7;
/// unquoted value of a header's parameter: token or host, with or without brackets
pub(crate) const VALUE: u16 = 1 << 8;
/// `reserved / unreserved` of an absolute URI, without `%`
pub(crate) const URIC: u16 = 1 << 9;
/// the same as some senders write it: with what base64 has beyond a token
pub(crate) const LOOSE_VALUE: u16 = 1 << 13;
pub(crate) const DIGIT: u16 = 1 << 10;
/// plain inside of a quoted string within ASCII: anything but `"`, `\` and controls
pub(crate) const QUOTED: u16 = 1 << 11;

pub(super) static CLASS: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [0u16; 256];
    let mut byte = 0usize;
    while byte < 256 {
        let c = byte as u8;
        let mut bits = 0;
        if c.is_ascii_alphanumeric() {
            bits |= USER | PASSWORD | PARAM | PARAM_VALUE | HEADER | HOST | URIC;
        }
        if c.is_ascii_hexdigit() || matches!(c, b':' | b'.') {
            bits |= IPV6;
        }
        if c.is_ascii_digit() {
            bits |= DIGIT;
        }
        if is_token_byte(c) {
            bits |= TOKEN | WORD | VALUE | LOOSE_VALUE;
        }
        // mark
        if matches!(c, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')') {
            bits |= USER | PASSWORD | PARAM | PARAM_VALUE | HEADER | URIC;
        }
        if matches!(c, b'&' | b'=' | b'+' | b'$' | b',') {
            bits |= USER | PASSWORD;
        }
        if matches!(c, b';' | b'?' | b'/') {
            bits |= USER;
        }
        if matches!(c, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$') {
            bits |= PARAM | PARAM_VALUE;
        }
        if c == b'`' {
            bits |= PARAM_VALUE;
        }
        if matches!(c, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$') {
            bits |= HEADER;
        }
        // The underscore is no host name, but container names have it and resolvers take it.
        if matches!(c, b'-' | b'.' | b'_') {
            bits |= HOST;
        }
        if matches!(
            c,
            b'(' | b')'
                | b'<'
                | b'>'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'{'
                | b'}'
        ) {
            bits |= WORD;
        }
        if matches!(c, b'[' | b']' | b':') {
            bits |= VALUE | LOOSE_VALUE;
        }
        if matches!(c, b'/' | b'=') {
            bits |= LOOSE_VALUE;
        }
        if matches!(c, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',') {
            bits |= URIC;
        }
        if c >= 0x20 && c < 0x7f && !matches!(c, b'"' | b'\\') || c == b'\t' {
            bits |= QUOTED;
        }
        table[byte] = bits;
        byte += 1;
    }
    table
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

#[inline]
pub(crate) fn is(byte: u8, class: u16) -> bool {
    CLASS[usize::from(byte)] & class != 0
}

/// Whether `bytes` is a token: not empty, and nothing but token characters.
pub(crate) const fn is_token(bytes: &[u8]) -> bool {
    let mut index = 0;
    while index < bytes.len() {
        if !is_token_byte(bytes[index]) {
            return false;
        }
        index += 1;
    }
    index > 0
}

pub(crate) fn all(bytes: &[u8], class: u16) -> bool {
    bytes.iter().all(|&byte| CLASS[usize::from(byte)] & class != 0)
}
