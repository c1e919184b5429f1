//! Changing the list.

use super::own::{clean_value, offset};
use super::{FIRST_LINES, Field, Headers};
use crate::error::{HeaderError, ValueError};
use crate::header::name::Known;
use crate::header::{HeaderName, Shape, TypedHeader};
use crate::text::Elements;

impl Headers {
    /// Replaces all values of a header by one, where its first line stood, else at the end.
    pub fn set<T: TypedHeader>(&mut self, value: T) {
        self.set_with(T::NAME, |out| value.write(out));
    }

    /// The same with a value that is written in place.
    pub(crate) fn set_with(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) {
        match self.position(&name) {
            Some(first) => {
                let field = self.write_own(name.clone(), value);
                self.replace(first, field);
                self.remove_after(first + 1, &name);
            }
            None => self.push_with(name, value),
        }
    }

    /// Adds a line at the end.
    pub fn push<T: TypedHeader>(&mut self, value: T) {
        let field = self.write_own(T::NAME, |out| value.write(out));
        self.push_field(field);
    }

    /// Adds a line before the first of the same name. Where there is none, a Via goes to the top,
    /// anything else to the end.
    pub fn push_front<T: TypedHeader>(&mut self, value: T) {
        self.push_front_with(T::NAME, |out| value.write(out));
    }

    /// The same with a value that is written in place.
    pub(crate) fn push_front_with(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) {
        let end = if name == HeaderName::Via { 0 } else { self.fields.len() };
        let at = self.position(&name).unwrap_or(end);
        let field = self.write_own(name, value);
        self.fields.insert(at, field);
    }

    /// Takes the first value out: of a comma list, its first element only.
    ///
    /// # Errors
    ///
    /// When the value is malformed; then it stays.
    pub fn pop_front<T: TypedHeader>(&mut self) -> Result<Option<T>, HeaderError> {
        let first = self.typed::<T>()?;
        if first.is_some() {
            self.replace_element::<T>(None);
        }
        Ok(first)
    }

    /// Replaces the first value, of a comma list its first element only; adds it at the front when
    /// there is none.
    pub fn set_front<T: TypedHeader>(&mut self, value: T) {
        if self.contains(T::NAME) {
            self.replace_element(Some(&value));
        } else {
            self.push_front(value);
        }
    }

    fn replace_element<T: TypedHeader>(&mut self, new: Option<&T>) {
        let Some(at) = self.position(&T::NAME) else { return };
        let Some(field) = self.fields.get(at) else { return };
        let old = self.value_of(field);
        let second = match T::SHAPE {
            Shape::List => Elements::new(old).nth(1).map(|(second, _)| second),
            _ => None,
        };
        let rest = second.map(|second| old.get(second..).unwrap_or_default().to_vec());
        if new.is_none() && rest.is_none() {
            self.fields.remove(at);
            return;
        }
        let field = self.write_own(T::NAME, |out| {
            if let Some(new) = new {
                new.write(out);
            }
            if let Some(rest) = rest {
                if new.is_some() {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(&rest);
            }
        });
        self.replace(at, field);
    }

    /// Replaces the first value of a comma list, given as a line of its own without line end, the
    /// value from an offset on. What it holds is known to start no other line.
    pub(crate) fn replace_first(&mut self, known: Known, mut line: Vec<u8>, value: usize) {
        let Some(at) = self.fields.iter().position(|field| field.known == known) else { return };
        let Some(&old) = self.fields.get(at) else { return };
        let old_value = self.value_of(&old);
        if memchr::memchr(b',', old_value).is_some()
            && let Some((second, _)) = Elements::new(old_value).nth(1)
        {
            line.extend_from_slice(b", ");
            line.extend_from_slice(old_value.get(second..).unwrap_or_default());
        }
        let start = match self.own.is_empty() {
            true => {
                self.own = line;
                0
            }
            false => {
                let start = self.make_room();
                self.own.extend_from_slice(&line);
                start
            }
        };
        let value = u16::try_from(value).unwrap_or(u16::MAX);
        let field = self.end_own(Field { is_own: true, start: offset(start), value, ..old });
        self.replace(at, field);
    }

    /// Appends to the value of the first line of a name, all else left to the byte. Says whether
    /// there is such a line.
    pub(crate) fn append_to(&mut self, known: Known, more: &[&[u8]]) -> bool {
        let at = self.fields.iter().position(|field| field.known == known);
        at.is_some_and(|at| self.append_at(at, more))
    }

    /// The same if there is one such line and it ends in a certain byte.
    pub(crate) fn append_behind(&mut self, known: Known, last: u8, more: &[&[u8]]) -> bool {
        let mut named = self.fields.iter().enumerate().filter(|(_, field)| field.known == known);
        let Some((at, field)) = named.next() else { return false };
        let fits = named.next().is_none() && self.line(field).last() == Some(&last);
        fits && self.append_at(at, more)
    }

    fn append_at(&mut self, at: usize, more: &[&[u8]]) -> bool {
        let Some(&old) = self.fields.get(at) else { return false };
        let start = self.make_room();
        let line = old.start as usize..old.end as usize;
        match old.is_own {
            true if line.end <= self.own.len() => self.own.extend_from_within(line),
            true => return false,
            false => self.own.extend_from_slice(self.source.get(line).unwrap_or_default()),
        }
        let written = self.own.trim_ascii_end().len();
        self.own.truncate(written.max(start));
        let joint = self.own.len();
        more.iter().for_each(|part| self.own.extend_from_slice(part));
        clean_value(self.own.get_mut(joint..).unwrap_or_default());
        let field = self.end_own(Field { is_own: true, start: offset(start), ..old });
        self.replace(at, field);
        true
    }

    /// Removes every line of a header; says how many there were.
    pub fn remove(&mut self, name: HeaderName) -> usize {
        self.remove_after(0, &name)
    }

    fn remove_after(&mut self, from: usize, name: &HeaderName) -> usize {
        let before = self.fields.len();
        let known = name.resolve();
        let others = &self.others;
        let mut index = 0;
        self.fields.retain(|field| {
            index += 1;
            index <= from || !field.is(known, name, others)
        });
        before - self.fields.len()
    }

    /// Removes every line of a header but the last one; says how many those were.
    pub fn keep_last(&mut self, name: HeaderName) -> usize {
        let known = name.resolve();
        let others = &self.others;
        let mut left = self.fields.iter().filter(|field| field.is(known, &name, others)).count();
        let before = self.fields.len();
        self.fields.retain(|field| {
            let of_that_name = field.is(known, &name, others);
            left -= usize::from(of_that_name);
            !of_that_name || left == 0
        });
        before - self.fields.len()
    }

    /// Adds a line at the end with a value as it is.
    ///
    /// # Errors
    ///
    /// When the value holds CR, LF or NUL: they could start another line.
    pub fn push_raw(
        &mut self,
        name: HeaderName,
        value: impl AsRef<[u8]>,
    ) -> Result<(), HeaderError> {
        let value = value.as_ref();
        if let Some(at) = memchr::memchr3(b'\r', b'\n', 0, value) {
            return Err(ValueError::expected("no CR, LF or NUL", at).of(name));
        }
        let field = self.write_own(name, |out| out.extend_from_slice(value));
        self.push_field(field);
        Ok(())
    }

    /// Adds a line at the end with a value that is written in place.
    pub(crate) fn push_with(&mut self, name: HeaderName, value: impl FnOnce(&mut Vec<u8>)) {
        let field = self.write_own(name, value);
        self.push_field(field);
    }

    /// The same with a value that is known to hold none of these.
    pub(crate) fn push_written(&mut self, name: HeaderName, value: &[u8]) {
        let start = self.make_room();
        self.own.extend_from_slice(name.as_str().as_bytes());
        self.own.extend_from_slice(b": ");
        let at = self.own.len();
        self.own.extend_from_slice(value);
        let field = self.own_field(name, start, at);
        self.push_field(field);
    }

    /// Copies every line of that name from another message to the end, to the byte.
    pub fn copy(&mut self, name: HeaderName, from: &Headers) {
        let known = name.resolve();
        self.copy_fields(from, |field| field.is(known, &name, &from.others));
    }

    /// Copies every line of known names that pass from another message to the end, to the byte.
    pub(crate) fn copy_known(&mut self, from: &Headers, passes: impl Fn(Known) -> bool) {
        self.copy_fields(from, |field| passes(field.known));
    }

    fn copy_fields(&mut self, from: &Headers, passes: impl Fn(&Field) -> bool) {
        if self.fields.capacity() == 0 {
            self.fields = Vec::with_capacity(FIRST_LINES);
        }
        // Whoever has no received lines may share those of the other.
        if self.source.is_empty() {
            self.source = from.source.clone();
        }
        let is_shared = core::ptr::eq(&*self.source, &*from.source);
        for field in from.fields.iter().filter(|field| passes(field)) {
            let mut copy = *field;
            if field.is_own || !is_shared {
                let start = self.make_room();
                self.own.extend_from_slice(from.line(field));
                copy = self.end_own(Field { is_own: true, start: offset(start), ..copy });
            }
            if field.known == Known::Other {
                copy.other = self.add_other(field.name(&from.others).clone());
            }
            self.fields.push(copy);
        }
    }

    fn push_field(&mut self, field: Field) {
        if self.fields.capacity() == 0 {
            self.fields = Vec::with_capacity(FIRST_LINES);
        }
        self.fields.push(field);
    }

    fn replace(&mut self, at: usize, field: Field) {
        if let Some(old) = self.fields.get_mut(at) {
            *old = field;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{headers, written};
    use crate::HeaderName;
    use crate::header::{MaxForwards, Route, Via};

    #[test]
    fn the_last_line_of_a_name_is_kept_in_its_place() {
        let mut headers =
            headers(&[("X-A", "1"), ("Subject", "a"), ("x-a", "2"), ("s", "b"), ("To", "c")]);
        assert_eq!(headers.keep_last(HeaderName::Via), 0);
        assert_eq!(headers.keep_last(HeaderName::Subject), 1);
        assert_eq!(headers.keep_last(HeaderName::parse("x-A").unwrap()), 1);
        assert_eq!(headers.keep_last(HeaderName::To), 0);
        let lines = "x-a: 2\r\nSubject: b\r\nTo: c\r\nContent-Length: 0\r\n";
        assert_eq!(written(&headers).to_lowercase(), lines.to_lowercase());
    }

    #[test]
    fn editing() {
        let mut headers = headers(&[
            ("Via", "SIP/2.0/UDP a, SIP/2.0/TCP b"),
            ("Max-Forwards", "70"),
            ("X-Secret ".trim(), "1"),
            ("x-secret", "2"),
        ]);
        let via = headers.pop_front::<Via>().unwrap().unwrap();
        assert_eq!(via.sent_by.to_string(), "a");
        headers.push_front(via);
        headers.set(MaxForwards(69));
        assert_eq!(headers.remove(HeaderName::parse("X-SECRET").unwrap()), 2);
        assert_eq!(
            written(&headers),
            "Via: SIP/2.0/UDP a\r\nVia: SIP/2.0/TCP b\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n"
        );
        headers.pop_front::<Via>().unwrap();
        headers.pop_front::<Via>().unwrap();
        assert_eq!(headers.pop_front::<Via>(), Ok(None));
        assert_eq!(headers.pop_front::<Route>(), Ok(None));
    }

    #[test]
    fn the_first_of_a_list_is_replaced() {
        let mut headers = headers(&[("Via", "SIP/2.0/UDP a,\tSIP/2.0/TCP b")]);
        let mut via = headers.require::<Via>().unwrap();
        via.set_rport(Some(5));
        headers.set_front(via);
        assert_eq!(
            written(&headers),
            "Via: SIP/2.0/UDP a;rport=5, SIP/2.0/TCP b\r\nContent-Length: 0\r\n"
        );
    }
}
