//! URI parameters: `;transport=tcp;lr` (RFC 3261 §19.1.1).

use core::fmt;
use std::borrow::Cow;

use super::escape;
use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, class};

/// The parameters of a URI, in order, as they were written. Names are compared without regard to
/// case, and after undoing escapes.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UriParams(String);

/// One parameter, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriParam<'a> {
    /// The name, escapes and all.
    pub name: &'a str,
    /// The value, escapes and all; `None` for a flag such as `lr`.
    pub value: Option<&'a str>,
}

impl UriParams {
    /// Takes text that [`check`] has passed.
    pub(super) fn copy(text: &str) -> UriParams {
        UriParams(text.to_owned())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = UriParam<'_>> + Clone {
        iter(&self.0)
    }

    /// Whether the parameter is there, with or without a value.
    pub fn contains(&self, name: &str) -> bool {
        find(&self.0, name).is_some()
    }

    /// The value of a parameter with its escapes undone; `None` when it is absent, and an empty
    /// text when it has no value. A value that is not UTF-8 after that is given as it stands.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        find(&self.0, name).map(|param| decode(param.value.unwrap_or_default()))
    }

    /// Sets a parameter, in its place if it is there; `None` makes it a flag. Escapes are added.
    ///
    /// # Errors
    ///
    /// When the name or the value is empty: the grammar knows no such parameter.
    pub fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ValueError> {
        if name.is_empty() || value == Some("") {
            return Err(ValueError::new(ValueErrorKind::Expected("a parameter"), 0));
        }
        let mut text = String::with_capacity(self.0.len() + name.len() + 16);
        let mut written = false;
        for param in self.iter() {
            if same(param.name, name) {
                if !written {
                    push(&mut text, &escape::escape_param(name), value);
                }
                written = true;
            } else {
                push_raw(&mut text, param);
            }
        }
        if !written {
            push(&mut text, &escape::escape_param(name), value);
        }
        self.0 = text;
        Ok(())
    }

    /// Appends a parameter that is known to be valid and absent.
    pub(super) fn append(&mut self, name: &str, value: &str) {
        push(&mut self.0, name, Some(value));
    }

    /// Removes a parameter; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let mut text = String::with_capacity(self.0.len());
        for param in self.iter().filter(|param| !same(param.name, name)) {
            push_raw(&mut text, param);
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
}

impl fmt::Display for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UriParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Passes `*( ";" pname [ "=" pvalue ] )`.
#[inline]
pub(super) fn check(cursor: &mut Cursor<'_>) -> Result<(), ValueError> {
    while let [b';', rest @ ..] = cursor.rest() {
        cursor.set_rest(rest);
        // Few have escapes, of which the slow way knows.
        if cursor.run(class::PARAM).is_empty() || cursor.peek() == Some(b'%') {
            check_escaped(cursor, class::PARAM, "the name of a parameter")?;
        }
        if cursor.eat(b'=')
            && (cursor.run(class::PARAM_VALUE).is_empty() || cursor.peek() == Some(b'%'))
        {
            check_escaped(cursor, class::PARAM_VALUE, "the value of a parameter")?;
        }
    }
    Ok(())
}

/// Goes on with a name or value at an escape, if there is one.
fn check_escaped(
    cursor: &mut Cursor<'_>,
    class: u16,
    what: &'static str,
) -> Result<(), ValueError> {
    if escape::run(cursor, class)?.is_empty() {
        return Err(cursor.expected(what));
    }
    Ok(())
}

pub(super) fn iter(text: &str) -> impl Iterator<Item = UriParam<'_>> + Clone {
    text.split(';').skip(1).map(|param| match param.split_once('=') {
        Some((name, value)) => UriParam { name, value: Some(value) },
        None => UriParam { name: param, value: None },
    })
}

pub(super) fn find<'a>(text: &'a str, name: &str) -> Option<UriParam<'a>> {
    iter(text).find(|param| same(param.name, name))
}

pub(super) fn decode(text: &str) -> Cow<'_, str> {
    match escape::unescape(text) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(plain) => Cow::Owned(plain),
            Err(_) => Cow::Borrowed(text),
        },
    }
}

fn same(written: &str, name: &str) -> bool {
    written.eq_ignore_ascii_case(name)
        || written.contains('%') && escape::unescape(written).eq_ignore_ascii_case(name.as_bytes())
}

fn push(text: &mut String, name: &str, value: Option<&str>) {
    text.push(';');
    text.push_str(name);
    if let Some(value) = value {
        text.push('=');
        text.push_str(&escape::escape_param(value));
    }
}

fn push_raw(text: &mut String, param: UriParam<'_>) {
    text.push(';');
    text.push_str(param.name);
    if let Some(value) = param.value {
        text.push('=');
        text.push_str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_up_set_and_remove() {
        let mut params = UriParams::copy(";lr;Transport=TCP;%6C%72=v%61l");
        assert_eq!(params.get("transport").as_deref(), Some("TCP"));
        assert_eq!(params.get("lr").as_deref(), Some(""));
        assert!(params.contains("LR") && !params.contains("l"));
        params.set("transport", Some("udp")).unwrap();
        params.set("x", Some("a b;")).unwrap();
        assert_eq!(params.as_str(), ";lr;transport=udp;%6C%72=v%61l;x=a%20b%3B");
        assert_eq!(params.get("x").as_deref(), Some("a b;"));
        assert!(params.remove("lr"));
        assert_eq!(params.as_str(), ";transport=udp;x=a%20b%3B");
        assert!(!params.remove("lr"));
        assert!(params.set("", None).is_err());
        assert!(params.set("y", Some("")).is_err());
    }
}
