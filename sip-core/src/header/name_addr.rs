//! A URI with a display name and parameters, as many headers hold one (RFC 3261 §20.10).

use core::fmt;
use std::borrow::Cow;

use super::params::{Params, ParamsRef, q_value};
use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, Out, Part, class, is_token, str, unquote, write_quoted};
use crate::uri::{Uri, UriRef};

/// A URI with a display name and parameters: `"Bob" <sip:bob@example.com>;tag=a6c85cf`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameAddr {
    /// The display name, as it is meant: without quotes and escapes. Written as a quoted string,
    /// with spaces in place of CR and LF.
    pub display_name: Option<String>,
    /// The URI. Written in angle brackets, so that its parameters stay its own.
    pub uri: Uri,
    /// The header's parameters.
    pub params: Params,
}

impl NameAddr {
    /// An address without display name and parameters.
    pub fn new(uri: impl Into<Uri>) -> NameAddr {
        NameAddr { display_name: None, uri: uri.into(), params: Params::default() }
    }

    /// Reads `name-addr` or `addr-spec` with parameters.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    pub fn parse(value: impl AsRef<[u8]>) -> Result<NameAddr, ValueError> {
        NameAddrRef::parse(value.as_ref()).map(|address| address.to_name_addr())
    }

    /// The same with a display name.
    pub fn with_display_name(mut self, name: impl Into<String>) -> NameAddr {
        self.display_name = Some(name.into());
        self
    }

    /// The tag, which names one side of a dialog (§19.3).
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// Sets the tag.
    ///
    /// # Errors
    ///
    /// When it is not a token.
    pub fn set_tag(&mut self, tag: &str) -> Result<(), ValueError> {
        if !is_token(tag.as_bytes()) {
            return Err(ValueError::expected("a token as the tag", 0));
        }
        self.params.set_raw("tag", Some(tag))
    }

    /// Removes the tag.
    pub fn clear_tag(&mut self) {
        self.params.remove("tag");
    }

    /// The preference of a contact in thousandths, 0 to 1000 (§20.10).
    ///
    /// # Errors
    ///
    /// When `q` is there and malformed.
    pub fn q(&self) -> Result<Option<u16>, ValueError> {
        self.params.get("q").map(q_value).transpose()
    }

    /// How long a contact is valid, in seconds. Times beyond 2³²-1 are that.
    ///
    /// # Errors
    ///
    /// When `expires` is there and no number; a registrar then takes its default (§10.2.1.1).
    pub fn expires(&self) -> Result<Option<u32>, ValueError> {
        let Some(text) = self.params.get("expires") else { return Ok(None) };
        if text.is_empty() || !crate::text::all(text.as_bytes(), class::DIGIT) {
            return Err(ValueError::expected("a number of seconds", 0));
        }
        Ok(Some(text.parse().unwrap_or(u32::MAX)))
    }

    /// Appends the text.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Some(name) = &self.display_name {
            write_quoted(name, out);
            out.push(b' ');
        }
        out.push(b'<');
        // Writing to a Vec cannot fail.
        let _ = self.uri.put(&mut Out(out));
        out.push(b'>');
        out.extend_from_slice(self.params.as_str().as_bytes());
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// A [`NameAddr`] read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddrRef<'a> {
    value: &'a [u8],
    /// The display name; empty when there is none.
    display_name: Part,
    tag: Part,
    params: Part,
    uri: UriRef<'a>,
}

impl<'a> NameAddrRef<'a> {
    /// Reads `name-addr` or `addr-spec` with parameters.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    pub fn parse(value: &'a [u8]) -> Result<NameAddrRef<'a>, ValueError> {
        Part::fits(value)?;
        let mut cursor = Cursor::new(value);
        let display_name = match cursor.rest() {
            [b'<', ..] => Part::default(),
            [b'"', ..] => {
                cursor.quoted()?;
                let name = Part::new(0, cursor.at());
                cursor.lws();
                name
            }
            _ => read_name(&mut cursor)?,
        };
        let uri = match cursor.rest() {
            [b'<', rest @ ..] => {
                cursor.set_rest(rest);
                let uri = UriRef::read(&mut cursor)?;
                if !cursor.eat(b'>') {
                    return Err(cursor.expected("> after the URI"));
                }
                uri
            }
            _ if display_name.is_empty() => read_bare(&mut cursor)?,
            _ => return Err(cursor.expected("< before the URI")),
        };
        let start = cursor.at();
        let mut tag = Part::default();
        ParamsRef::read(&mut cursor, |param, end| {
            if let [b't' | b'T', b'a' | b'A', b'g' | b'G'] = param.name {
                if !tag.is_empty() {
                    return Err(ValueErrorKind::Repeated);
                }
                let Some(value) = param.token() else {
                    return Err(ValueErrorKind::Expected("a token as the tag"));
                };
                tag = Part::new(end - value.len(), end);
            }
            Ok(())
        })?;
        let params = Part::new(start, cursor.at());
        cursor.end()?;
        Ok(NameAddrRef { value, display_name, tag, params, uri })
    }

    /// The display name as it is meant: without quotes and escapes.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        match self.display_name {
            none if none.is_empty() => None,
            name => Some(display_name(str(name.of(self.value).trim_ascii()))),
        }
    }

    /// The URI.
    pub fn uri(&self) -> &UriRef<'a> {
        &self.uri
    }

    /// The tag, which names one side of a dialog.
    pub fn tag(&self) -> Option<&'a str> {
        (!self.tag.is_empty()).then(|| str(self.tag.of(self.value)))
    }

    /// The same, not yet text; empty when there is none.
    pub(crate) fn tag_bytes(&self) -> &'a [u8] {
        self.tag.of(self.value)
    }

    /// All parameters, the tag among them.
    pub fn params(&self) -> ParamsRef<'a> {
        ParamsRef::checked(self.params.of(self.value))
    }

    /// Copies it.
    pub fn to_name_addr(&self) -> NameAddr {
        NameAddr {
            display_name: self.display_name().map(Cow::into_owned),
            uri: self.uri.to_uri(),
            params: self.params().to_params(),
        }
    }
}

/// Reads a display name of tokens up to the bracket, or finds that there is none: before a bare
/// URI.
fn read_name(cursor: &mut Cursor<'_>) -> Result<Part, ValueError> {
    let before = cursor.rest();
    while !cursor.run(class::TOKEN).is_empty() {
        cursor.lws();
    }
    match cursor.rest() {
        [b'<', ..] => Ok(Part::new(0, cursor.at())),
        [b':', ..] => {
            cursor.set_rest(before);
            Ok(Part::default())
        }
        _ => Err(cursor.expected("a display name or a URI")),
    }
}

/// A URI without brackets ends at the first semicolon, which starts the header's parameters. One
/// that itself holds a comma, question mark or semicolon must stand in brackets (§20.10).
fn read_bare<'a>(cursor: &mut Cursor<'a>) -> Result<UriRef<'a>, ValueError> {
    let (start, rest) = (cursor.at(), cursor.rest());
    let end = |byte: &u8| matches!(byte, b';' | b',' | b'?' | b' ' | b'\t' | b'\r');
    let length = rest.iter().position(end).unwrap_or(rest.len());
    cursor.advance(length);
    // Headers could be meant for the URI or for the message; the query of another scheme could not.
    let is_sip =
        |uri: &[u8]| uri.get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"sip"));
    if cursor.peek() == Some(b'?') && !is_sip(rest) {
        let query = |byte: &u8| end(byte) && *byte != b'?';
        let length = cursor.rest().iter().position(query).unwrap_or(cursor.rest().len());
        cursor.advance(length);
    }
    if matches!(cursor.peek(), Some(b'?' | b',')) {
        return Err(cursor.expected("< and > around a URI with ? or ,"));
    }
    UriRef::parse(cursor.since(rest)).map_err(|error| error.shifted(start))
}

/// What a display name means: a quoted string undone, or tokens with single spaces between.
fn display_name(written: &str) -> Cow<'_, str> {
    let is_plain = |text: &str| !text.contains("  ") && !text.contains(['\t', '\r']);
    if written.starts_with('"') {
        return unquote(written);
    }
    if is_plain(written) {
        return Cow::Borrowed(written);
    }
    Cow::Owned(written.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> NameAddr {
        NameAddr::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"))
    }

    #[test]
    fn display_names() {
        for (value, name) in [
            (
                "\"J Rosenberg \\\\\\\"\"       <sip:j@h>\r\n  ;\r\n  tag = 98asjd8",
                Some("J Rosenberg \\\""),
            ),
            ("caller<sip:caller@example.com>;tag=323", Some("caller")),
            ("T. \r\n  Watson <sip:t@h>", Some("T. Watson")),
            ("token1~` token2'+_ token3*%!.- <sip:m@h>", Some("token1~` token2'+_ token3*%!.-")),
            ("\"\" <sip:j@h>", Some("")),
            ("\"%Z%45\" <sip:j@h>", Some("%Z%45")),
            ("\"NUL:\\\0\"<sip:j@h>", Some("NUL:\0")),
            ("<sip:j@h>", None),
            ("sip:j@h", None),
        ] {
            assert_eq!(parse(value).display_name.as_deref(), name, "{value}");
        }
    }

    #[test]
    fn parameters_of_bare_uris_are_the_headers() {
        let bare = parse("sip:+19725552222@gw1.example.net;unknownparam");
        assert!(bare.params.contains("unknownparam"));
        assert_eq!(bare.to_string(), "<sip:+19725552222@gw1.example.net>;unknownparam");
        let bracketed = parse("<sip:+19725552222@gw1.example.net;unknownparam>");
        assert!(bracketed.params.is_empty());
        assert!(bracketed.uri.as_sip().unwrap().params().contains("unknownparam"));
    }

    #[test]
    fn addresses_that_are_none() {
        for value in [
            "",
            "x",
            "\"x",
            "\"Mr. J. User <sip:j.user@example.com>",
            "Bell, Alexander <sip:a@h>;tag=43",
            "\"W\" < sip:t@h >",
            "<sip:j@h",
            "sip:j@h?Route=%3Csip:h%3E",
            "<sip:>;sip:;1001@h;tag=1",
            "<sip:j@h>;tag=",
            "<sip:j@h>;tag",
            "<sip:j@h>;tag=a;tag=b",
            "<sip:j@h>;;;;",
            "<sip:j@h> x",
            "\"a\u{1}\" <sip:j@h>",
            "Женя <sip:j@h>",
            "sip:j@h <sip:j@h>",
            "\"x\" sip:j@h",
            "*",
        ] {
            assert!(NameAddr::parse(value).is_err(), "{value:?}");
        }
        assert!(NameAddr::parse(b"\"\xff\" <sip:j@h>").is_err());
    }
}
