//! Parameters of header values: `;tag=abc;q="0.5"` (RFC 3261 §7.3.1, `generic-param` of §25.1).

use core::fmt;
use std::borrow::Cow;

use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, class, is_token, str, unquote, write_quoted};

/// The parameters of a header's value, in order, as they were written but for white space.
/// Names are compared without regard to case.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Params(String);

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name.
    pub name: &'a str,
    /// The value as it was written, with its quotes; `None` for a flag such as `rport`.
    pub value: Option<&'a str>,
}

impl<'a> Param<'a> {
    /// The value, what a quoted string means if it is one; empty for a flag.
    pub fn text(&self) -> Cow<'a, str> {
        unquote(self.value.unwrap_or_default())
    }
}

impl Params {
    /// Reads `*( ";" name [ "=" value ] )`, the whole of `text`.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `text`.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Params, ValueError> {
        let mut cursor = Cursor::new(text.as_ref());
        let params = ParamsRef::read(&mut cursor, |_, _| Ok(()))?;
        cursor.end()?;
        Ok(params.to_params())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.as_ref().iter()
    }

    /// Whether the parameter is there, with or without a value.
    pub fn contains(&self, name: &str) -> bool {
        self.as_ref().find(name).is_some()
    }

    /// The value of a parameter as it was written, with its quotes; empty for a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.as_ref().get(name)
    }

    /// The value of a parameter, what a quoted string means if it is one; empty for a flag.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(unquote)
    }

    /// Sets a parameter, in its place if it is there. `None` makes it a flag; a value that is no
    /// token and no host is written as a quoted string.
    ///
    /// # Errors
    ///
    /// When the name is not a token.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ValueError> {
        let quoted = value.map(|value| {
            let bytes = value.as_bytes();
            if !bytes.is_empty() && crate::text::all(bytes, class::VALUE) {
                return Cow::Borrowed(value);
            }
            let mut out = Vec::with_capacity(value.len() + 2);
            write_quoted(value, &mut out);
            Cow::Owned(String::from_utf8_lossy(&out).into_owned())
        });
        self.set_raw(name, quoted.as_deref())
    }

    /// The same with a value that is valid as it stands.
    pub(crate) fn set_raw(&mut self, name: &str, value: Option<&str>) -> Result<(), ValueError> {
        if !is_token(name.as_bytes()) {
            return Err(ValueError::expected("a token as the name of a parameter", 0));
        }
        if !self.contains(name) {
            push(&mut self.0, Param { name, value });
            return Ok(());
        }
        let mut text = String::with_capacity(self.0.len() + 16);
        let mut written = false;
        for param in self.iter() {
            if !param.name.eq_ignore_ascii_case(name) {
                push(&mut text, param);
            } else if !written {
                push(&mut text, Param { name, value });
                written = true;
            }
        }
        self.0 = text;
        Ok(())
    }

    /// Removes a parameter; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let mut text = String::with_capacity(self.0.len());
        for param in self.iter().filter(|param| !param.name.eq_ignore_ascii_case(name)) {
            push(&mut text, param);
        }
        let found = text.len() != self.0.len();
        self.0 = text;
        found
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, empty or from its first semicolon.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Borrows them.
    pub fn as_ref(&self) -> ParamsRef<'_> {
        ParamsRef(self.0.as_bytes())
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Parameters read in place: checked text, white space included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParamsRef<'a>(&'a [u8]);

impl<'a> ParamsRef<'a> {
    /// Reads parameters and stops behind them, showing each to `see`, and where it ends.
    #[inline]
    pub(crate) fn read(
        cursor: &mut Cursor<'a>,
        mut see: impl FnMut(RawParam<'a>, usize) -> Result<(), ValueErrorKind>,
    ) -> Result<ParamsRef<'a>, ValueError> {
        let before = cursor.rest();
        while cursor.separator(b';') {
            let at = cursor.at();
            let param = RawParam::read(cursor)?;
            see(param, cursor.at()).map_err(|kind| ValueError::new(kind, at))?;
        }
        Ok(ParamsRef(cursor.since(before)))
    }

    /// Takes text that has been read once.
    pub(crate) fn checked(text: &'a [u8]) -> ParamsRef<'a> {
        ParamsRef(text)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        self.raw().map(|param| Param { name: str(param.name), value: param.value.map(str) })
    }

    /// The same, not yet text.
    pub(crate) fn raw(&self) -> impl Iterator<Item = RawParam<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.0);
        core::iter::from_fn(move || {
            if !cursor.separator(b';') {
                return None;
            }
            RawParam::read(&mut cursor).ok()
        })
    }

    /// Finds a parameter.
    pub fn find(&self, name: &str) -> Option<Param<'a>> {
        let found = self.raw().find(|param| param.name.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(Param { name: str(found.name), value: found.value.map(str) })
    }

    /// The value of a parameter as it was written, with its quotes; empty for a flag.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.find(name).map(|param| param.value.unwrap_or_default())
    }

    /// Copies them, without white space between.
    pub fn to_params(&self) -> Params {
        if !self.0.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Params(str(self.0).to_owned());
        }
        let mut text = String::with_capacity(self.0.len());
        for param in self.iter() {
            push(&mut text, param);
        }
        Params(text)
    }
}

/// A parameter that is not yet text.
#[derive(Clone, Copy)]
pub(crate) struct RawParam<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
    /// Whether the value is a token: not a quoted string, nor a host that is none.
    pub(crate) is_token: bool,
}

impl<'a> RawParam<'a> {
    #[inline(always)]
    fn read(cursor: &mut Cursor<'a>) -> Result<RawParam<'a>, ValueError> {
        let name = cursor.token("the name of a parameter")?;
        if !cursor.separator(b'=') {
            return Ok(RawParam { name, value: None, is_token: false });
        }
        let before = cursor.rest();
        let token = cursor.run(class::TOKEN);
        match cursor.rest() {
            [b'"', ..] if token.is_empty() => {
                Ok(RawParam { name, value: Some(cursor.quoted()?), is_token: false })
            }
            [b'[' | b']' | b':', ..] => {
                cursor.run(class::VALUE);
                Ok(RawParam { name, value: Some(cursor.since(before)), is_token: false })
            }
            // A token cannot hold base64, and yet proxies put it into their branches.
            [b'/' | b'=', ..] if !token.is_empty() && name.eq_ignore_ascii_case(b"branch") => {
                cursor.run(class::LOOSE_VALUE);
                Ok(RawParam { name, value: Some(cursor.since(before)), is_token: false })
            }
            _ if token.is_empty() => Err(cursor.expected("the value of a parameter")),
            _ => Ok(RawParam { name, value: Some(token), is_token: true }),
        }
    }

    /// The value, if it is a token.
    pub(crate) fn token(&self) -> Option<&'a [u8]> {
        self.value.filter(|_| self.is_token)
    }
}

fn push(text: &mut String, param: Param<'_>) {
    text.push(';');
    text.push_str(param.name);
    if let Some(value) = param.value {
        text.push('=');
        if value.contains('\r') {
            // A fold within a quoted string means one space.
            let mut out = Vec::new();
            write_quoted(&unquote(value), &mut out);
            text.push_str(&String::from_utf8_lossy(&out));
        } else {
            text.push_str(value);
        }
    }
}

/// A `qvalue` (§25.1): `1`, `0.5`, `0.123`, as thousandths.
pub(super) fn q_value(text: &str) -> Result<u16, ValueError> {
    let error = ValueError::new(ValueErrorKind::Range, 0);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !crate::text::all(fraction.as_bytes(), class::DIGIT) {
        return Err(error);
    }
    let mut thousandths = 0u16;
    for index in 0..3 {
        let digit = fraction.as_bytes().get(index).map_or(0, |digit| digit - b'0');
        thousandths = thousandths * 10 + u16::from(digit);
    }
    match whole {
        "0" => Ok(thousandths),
        "1" if thousandths == 0 => Ok(1000),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_up_set_and_remove() {
        let mut params = Params::parse(" ;  tag    = 19v ;\r\n rport; x=\"a\\\";b\" ").unwrap();
        assert_eq!(params.as_str(), ";tag=19v;rport;x=\"a\\\";b\"");
        assert_eq!(params.get("TAG"), Some("19v"));
        assert_eq!(params.get("rport"), Some(""));
        assert_eq!(params.text("x").as_deref(), Some("a\";b"));
        params.set("rport", Some("5060")).unwrap();
        params.set("received", Some("2001:db8::9:255")).unwrap();
        params.set("y", Some("a b")).unwrap();
        params.set("z", Some("")).unwrap();
        assert!(params.remove("x"));
        assert_eq!(
            params.as_str(),
            ";tag=19v;rport=5060;received=2001:db8::9:255;y=\"a b\";z=\"\""
        );
        assert!(params.set("a b", None).is_err());
    }

    #[test]
    fn a_copy_is_what_its_parts_are() {
        for text in ["", ";a", ";a=b;c=\"d\\\";\"", "; a = b", ";a=\"b c\"", ";a=\"b\tc\" ;d"] {
            let params = Params::parse(text).unwrap();
            let mut parts = String::new();
            params.iter().for_each(|param| push(&mut parts, param));
            assert_eq!(params.as_str(), parts, "{text:?}");
        }
    }

    #[test]
    fn params_that_are_none() {
        for text in [";", ";;a", ";a=", ";=a", ";a=\"", ";a b", "a", ";a=b=c", ";a=b@c", ";ä"] {
            assert!(Params::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn qualities() {
        for q in ["1.1", "0.1234", "2", ".5", "", "-1", "0.x"] {
            assert!(q_value(q).is_err(), "{q}");
        }
        assert_eq!(q_value("1.000"), Ok(1000));
    }
}
