//! Lines of our own.

use super::{FIRST_LINES, Field, Headers};
use crate::header::HeaderName;
use crate::header::name::Known;

/// Room for so many bytes is made with the first.
const FIRST_BYTES: usize = 256;

impl Headers {
    /// Writes a line of our own. What could start another line becomes a space; folds of a value
    /// that was received are no danger and stay.
    pub(super) fn write_own(
        &mut self,
        name: HeaderName,
        value: impl FnOnce(&mut Vec<u8>),
    ) -> Field {
        let start = self.make_room();
        self.own.extend_from_slice(name.as_str().as_bytes());
        self.own.extend_from_slice(b": ");
        let at = self.own.len();
        value(&mut self.own);
        clean_value(self.own.get_mut(at..).unwrap_or_default());
        self.own_field(name, start, at)
    }

    /// Ends the line that was written last, its value starting at `at`.
    pub(super) fn own_field(&mut self, name: HeaderName, start: usize, at: usize) -> Field {
        let known = name.resolve();
        let other = if known == Known::Other { self.add_other(name) } else { 0 };
        // A name of more than 64 KiB has no business here; its value would be read as too long.
        let value = u16::try_from(at - start).unwrap_or(u16::MAX);
        self.end_own(Field { start: offset(start), end: 0, value, known, is_own: true, other })
    }

    /// Where the next line of our own starts.
    pub(super) fn make_room(&mut self) -> usize {
        if self.own.is_empty() {
            self.own = Vec::with_capacity(FIRST_BYTES);
        } else if self.own.len() > 4 * FIRST_BYTES {
            self.drop_the_dead();
        }
        self.own.len()
    }

    /// Ends the line that was written last.
    pub(super) fn end_own(&mut self, field: Field) -> Field {
        let end = offset(self.own.len());
        self.own.extend_from_slice(b"\r\n");
        Field { end, ..field }
    }

    /// Forgets lines that were replaced or removed, when they are most of what there is.
    pub(super) fn drop_the_dead(&mut self) {
        let own = self.fields.iter().filter(|field| field.is_own);
        let living: usize = own.map(|field| field.len() + 2).sum();
        if living * 2 > self.own.len() {
            return;
        }
        let mut kept = Vec::with_capacity(living + FIRST_BYTES);
        for field in self.fields.iter_mut().filter(|field| field.is_own) {
            let line = self.own.get(field.start as usize..field.end as usize + 2);
            field.end = offset(kept.len()) + (field.end - field.start);
            field.start = offset(kept.len());
            kept.extend_from_slice(line.unwrap_or_default());
        }
        self.own = kept;
    }

    pub(super) fn add_other(&mut self, name: HeaderName) -> u32 {
        // Whoever sets one name again and again shall not fill the memory with it.
        match self.others.iter().rposition(|other| other.as_str() == name.as_str()) {
            Some(same) if self.others.len() > FIRST_LINES => offset(same),
            _ => {
                self.others.push(name);
                offset(self.others.len() - 1)
            }
        }
    }
}

/// Offsets of lines of our own, of which nobody has four gigabytes.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX - 2)
}

/// A typed value should have none of these; that no line can be forged rests on this alone.
pub(super) fn clean_value(value: &mut [u8]) {
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        return;
    }
    let mut before = b' ';
    for index in 0..value.len() {
        let byte = value[index];
        let fold = byte == b'\r'
            && value.get(index + 1) == Some(&b'\n')
            && matches!(value.get(index + 2), Some(b' ' | b'\t'));
        let folded =
            byte == b'\n' && before == b'\r' && matches!(value.get(index + 1), Some(b' ' | b'\t'));
        let escaped = byte == 0 && before == b'\\';
        if matches!(byte, b'\r' | b'\n' | 0) && !fold && !folded && !escaped {
            value[index] = b' ';
        }
        before = value[index];
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::written;
    use super::*;
    use crate::HeaderError;
    use crate::header::TypedHeader;

    #[test]
    fn no_line_can_be_forged() {
        let mut headers = Headers::new();
        for value in ["a\r\nb: c", "a\nb", "a\rb", "a\0b"] {
            assert!(headers.push_raw(HeaderName::Subject, value).is_err(), "{value:?}");
        }
        struct Forger;
        impl TypedHeader for Forger {
            const NAME: HeaderName = HeaderName::from_static("X");
            fn parse(_: &[u8]) -> Result<Self, HeaderError> {
                Ok(Forger)
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(b"a\r\nVia: x\r\n\r\n\0 \\\0 b\r\n c\r\r\n d\n");
            }
        }
        headers.push(Forger);
        assert_eq!(
            written(&headers),
            "X: a  Via: x      \\\0 b\r\n c \r\n d \r\nContent-Length: 0\r\n"
        );
    }
}
