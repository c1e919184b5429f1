//! SIP and SIPS URIs (RFC 3261 §19.1).

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use super::host::{self, RawHost};
use super::params::{self, UriParams, decode};
use super::tel::TelUri;
use super::{Host, HostPort, HostRef, Uri, escape};
use crate::error::{ValueError, ValueErrorKind};
use crate::text::{Cursor, Part, class, put_number, str};
use crate::transport::Transport;

/// `sip:user:password@host:port;parameters?headers`.
///
/// Escapes are kept as they were written and undone when a part is asked for.
///
/// ```
/// use sip_core::uri::{Host, SipUri};
///
/// let uri: SipUri = "sip:semi%3Bcolon@example.com:5070;transport=tcp".parse()?;
/// assert_eq!(uri.user().as_deref(), Some("semi;colon"));
/// assert_eq!(uri.port(), Some(5070));
///
/// let uri = SipUri::new("bob", Host::parse("192.0.2.4")?, None).with_param("lr", None)?;
/// assert_eq!(uri.to_string(), "sip:bob@192.0.2.4;lr");
/// # Ok::<(), sip_core::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri {
    secure: bool,
    user: Option<Box<str>>,
    password: Option<Box<str>>,
    host: Host,
    port: Option<u16>,
    params: UriParams,
    headers: Box<str>,
}

impl SipUri {
    /// `sip:user@host:port`, or without the user when it is empty. Escapes are added where needed.
    pub fn new(user: &str, host: impl Into<Host>, port: Option<u16>) -> SipUri {
        SipUri {
            secure: false,
            user: (!user.is_empty()).then(|| escape::escape_user(user).into()),
            password: None,
            host: host.into(),
            port,
            params: UriParams::default(),
            headers: "".into(),
        }
    }

    /// Reads a SIP or SIPS URI.
    ///
    /// # Errors
    ///
    /// When `text` is malformed or of another scheme.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<SipUri, ValueError> {
        match Uri::parse(text)? {
            Uri::Sip(uri) => Ok(uri),
            _ => Err(ValueError::new(ValueErrorKind::Expected("sip: or sips:"), 0)),
        }
    }

    /// Whether the scheme is `sips`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The user part with its escapes undone. When that is not UTF-8, the text as it stands;
    /// then [`SipUri::user_bytes`] tells more.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.user.as_deref().map(decode)
    }

    /// The user part with its escapes undone, byte by byte.
    pub fn user_bytes(&self) -> Option<Cow<'_, [u8]>> {
        self.user.as_deref().map(escape::unescape)
    }

    /// The user part as it was written.
    pub fn user_escaped(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password with its escapes undone. Its use is not recommended (§19.1.1).
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.password.as_deref().map(decode)
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Host and port.
    pub fn host_port(&self) -> HostPort {
        HostPort { host: self.host.clone(), port: self.port }
    }

    /// The parameters.
    pub fn params(&self) -> &UriParams {
        &self.params
    }

    /// The parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut UriParams {
        &mut self.params
    }

    /// The headers, `name=value` joined by `&`, as they were written, without the question mark.
    pub fn headers_escaped(&self) -> &str {
        &self.headers
    }

    /// The headers with their escapes undone. A Refer-To carries Replaces this way (RFC 3891).
    pub fn headers(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        headers(&self.headers).map(|(name, value)| (decode(name), decode(value)))
    }

    /// Removes the headers: a Request-URI must have none (§19.1.5).
    pub fn clear_headers(&mut self) {
        self.headers = "".into();
    }

    /// The `transport` parameter, if it is there and a token.
    pub fn transport(&self) -> Option<Transport> {
        Transport::parse(&self.params.get("transport")?)
    }

    /// Whether the `lr` parameter marks a loose router (§16.12.1.1).
    pub fn lr(&self) -> bool {
        self.params.contains("lr")
    }

    /// The `maddr` parameter, if it is there and a host.
    pub fn maddr(&self) -> Option<Host> {
        let maddr = self.params.get("maddr")?;
        Host::parse(maddr.as_bytes()).ok()
    }

    /// Whether the user part is a telephone number: `;user=phone`.
    pub fn is_phone(&self) -> bool {
        self.params.get("user").is_some_and(|user| user.eq_ignore_ascii_case("phone"))
    }

    /// The same as a `sips` URI, or as a `sip` URI.
    pub fn with_secure(mut self, secure: bool) -> SipUri {
        self.secure = secure;
        self
    }

    /// Sets the user part; escapes are added. An empty one removes it, with the password.
    pub fn set_user(&mut self, user: &str) {
        self.user = (!user.is_empty()).then(|| escape::escape_user(user).into());
        if self.user.is_none() {
            self.password = None;
        }
    }

    /// The same with another user part.
    pub fn with_user(mut self, user: &str) -> SipUri {
        self.set_user(user);
        self
    }

    /// Takes a user part whose escapes are in place.
    pub(super) fn with_user_escaped(mut self, user: &str) -> SipUri {
        self.user = Some(user.into());
        self
    }

    /// The same with a password; escapes are added. Without a user there is no password.
    pub fn with_password(mut self, password: &str) -> SipUri {
        self.password = self.user.is_some().then(|| escape::escape_password(password).into());
        self
    }

    /// Sets the host.
    pub fn set_host(&mut self, host: impl Into<Host>) {
        self.host = host.into();
    }

    /// Sets the port, or removes it.
    pub fn set_port(&mut self, port: Option<u16>) {
        self.port = port;
    }

    /// The same with another host and port.
    pub fn with_host_port(mut self, address: impl Into<HostPort>) -> SipUri {
        let HostPort { host, port } = address.into();
        self.host = host;
        self.port = port;
        self
    }

    /// The same with a parameter, see [`UriParams::set`].
    ///
    /// # Errors
    ///
    /// When name or value is empty.
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Result<SipUri, ValueError> {
        self.params.set(name, value)?;
        Ok(self)
    }

    /// The same with one more header; escapes are added.
    ///
    /// # Errors
    ///
    /// When the name is empty.
    pub fn with_header(
        mut self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<SipUri, ValueError> {
        if name.is_empty() {
            return Err(ValueError::new(ValueErrorKind::Expected("the name of a header"), 0));
        }
        let mut text = String::from(&*self.headers);
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&escape::escape_header(name.as_bytes()));
        text.push('=');
        text.push_str(&escape::escape_header(value.as_ref()));
        self.headers = text.into();
        Ok(self)
    }

    /// The telephone number as a tel URI (§19.1.6): the user part, if `user=phone` says that it is
    /// a number and it is a valid one.
    pub fn to_tel(&self) -> Option<TelUri> {
        let user = self.user.as_deref().filter(|_| self.is_phone())?;
        match Uri::parse(format!("tel:{user}")).ok()? {
            Uri::Tel(uri) => Some(uri),
            _ => None,
        }
    }

    /// Whether both name the same resource (§19.1.4).
    pub fn equivalent(&self, other: &SipUri) -> bool {
        super::compare::sip_equivalent(self, other)
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.put(f)
    }
}

impl SipUri {
    /// Appends the text.
    pub(super) fn put(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            out.write_str(user)?;
            if let Some(password) = &self.password {
                out.write_str(":")?;
                out.write_str(password)?;
            }
            out.write_str("@")?;
        }
        self.host.as_ref().put(out)?;
        if let Some(port) = self.port {
            out.write_str(":")?;
            put_number(out, port.into())?;
        }
        out.write_str(self.params.as_str())?;
        if !self.headers.is_empty() {
            out.write_str("?")?;
            out.write_str(&self.headers)?;
        }
        Ok(())
    }
}

impl FromStr for SipUri {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        SipUri::parse(text)
    }
}

/// A SIP or SIPS URI read in place. Escapes are undone when a part is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipUriRef<'a> {
    /// What follows the scheme.
    text: &'a [u8],
    /// The user part; empty when there is none.
    user: Part,
    host: RawHost<'a>,
    params: Part,
    port: Option<u16>,
    secure: bool,
}

impl<'a> SipUriRef<'a> {
    /// Reads what follows the scheme, and stops behind it. The cursor's text must fit into parts.
    #[inline(always)]
    pub(super) fn read(cursor: &mut Cursor<'a>, secure: bool) -> Result<SipUriRef<'a>, ValueError> {
        let text = cursor.rest();
        let user = user_info(cursor)?;
        let at = |rest: &[u8]| text.len() - rest.len();
        let host = RawHost::read(cursor)?;
        let port = host::port(cursor)?;
        let start = at(cursor.rest());
        if cursor.peek() == Some(b';') {
            params::check(cursor)?;
        }
        let params = Part::new(start, at(cursor.rest()));
        if cursor.eat(b'?') {
            check_headers(cursor)?;
        }
        Ok(SipUriRef { text: cursor.since(text), user, host, params, port, secure })
    }

    /// Whether the scheme is `sips`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The user part with its escapes undone; see [`SipUri::user`].
    pub fn user(&self) -> Option<Cow<'a, str>> {
        self.user_escaped().map(decode)
    }

    /// The user part as it was written.
    pub fn user_escaped(&self) -> Option<&'a str> {
        (!self.user.is_empty()).then(|| str(self.user.of(self.text)))
    }

    /// The password with its escapes undone.
    pub fn password(&self) -> Option<Cow<'a, str>> {
        self.password_escaped().map(decode)
    }

    fn password_escaped(&self) -> Option<&'a str> {
        match self.text.get(self.user.of(self.text).len()..)? {
            [b':', rest @ ..] if !self.user.is_empty() => {
                rest.split(|byte| *byte == b'@').next().map(str)
            }
            _ => None,
        }
    }

    /// The host.
    pub fn host(&self) -> HostRef<'a> {
        self.host.to_ref()
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a parameter as it was written; an empty text for a flag.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        let params = str(self.params.of(self.text));
        params::find(params, name).map(|param| param.value.unwrap_or_default())
    }

    /// The headers, `name=value` joined by `&`, as they were written.
    pub fn headers_escaped(&self) -> &'a str {
        match self.text.get(self.params.end()..) {
            Some([b'?', headers @ ..]) => str(headers),
            _ => "",
        }
    }

    /// Copies it.
    pub fn to_sip_uri(&self) -> SipUri {
        SipUri {
            secure: self.secure,
            user: self.user_escaped().map(Into::into),
            password: self.password_escaped().map(Into::into),
            host: self.host().to_host(),
            port: self.port,
            params: UriParams::copy(str(self.params.of(self.text))),
            headers: self.headers_escaped().into(),
        }
    }
}

/// Reads `[ userinfo "@" ]`, and gives the user part. Only behind it shows whether it was one.
#[inline]
fn user_info(cursor: &mut Cursor<'_>) -> Result<Part, ValueError> {
    let before = cursor.rest();
    let user = cursor.run(class::USER).len();
    if user > 0 && cursor.eat(b'@') {
        return Ok(Part::new(0, user));
    }
    match cursor.rest() {
        // A port more often than a password.
        [b':', rest @ ..] if user > 0 => {
            cursor.set_rest(rest);
            cursor.run(class::PASSWORD);
            if let Some(b'%' | b'@') = cursor.peek() {
                cursor.set_rest(before);
                return any_user_info(cursor);
            }
        }
        [b'%' | b':' | b'@', ..] => {
            cursor.set_rest(before);
            return any_user_info(cursor);
        }
        _ => {}
    }
    cursor.set_rest(before);
    Ok(Part::default())
}

/// The same for user parts with escapes or passwords, and for hosts with ports.
fn any_user_info(cursor: &mut Cursor<'_>) -> Result<Part, ValueError> {
    let before = cursor.rest();
    let user = escape::run(cursor, class::USER)?.len();
    if cursor.eat(b':') {
        escape::run(cursor, class::PASSWORD)?;
    }
    if !cursor.eat(b'@') {
        cursor.set_rest(before);
        return Ok(Part::default());
    }
    if user == 0 {
        cursor.set_rest(before);
        return Err(cursor.expected("a user before the @"));
    }
    Ok(Part::new(0, user))
}

/// Passes `hname "=" hvalue *( "&" … )`.
fn check_headers<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ValueError> {
    let before = cursor.rest();
    loop {
        if escape::run(cursor, class::HEADER)?.is_empty() {
            return Err(cursor.expected("the name of a header"));
        }
        if !cursor.eat(b'=') {
            return Err(cursor.expected("= after the name of a header"));
        }
        escape::run(cursor, class::HEADER)?;
        if !cursor.eat(b'&') {
            return Ok(cursor.since(before));
        }
    }
}

pub(super) fn headers(text: &str) -> impl Iterator<Item = (&str, &str)> + Clone {
    text.split('&').filter(|header| !header.is_empty()).map(|header| {
        let (name, value) = header.split_once('=').unwrap_or((header, ""));
        (name, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part() {
        let text =
            "sips:al%20ice:p%40ss@[2001:db8::1]:5061;transport=tls;lr?Replaces=a%3Bto-tag%3D1&x=";
        let uri = SipUri::parse(text).unwrap();
        assert!(uri.is_secure() && uri.lr());
        assert_eq!(uri.user().as_deref(), Some("al ice"));
        assert_eq!(uri.password().as_deref(), Some("p@ss"));
        assert_eq!(uri.host(), &Host::V6("2001:db8::1".parse().unwrap()));
        assert_eq!(uri.port(), Some(5061));
        assert_eq!(uri.transport(), Some(Transport::Tls));
        let headers: Vec<_> = uri.headers().collect();
        assert_eq!(headers, [("Replaces".into(), "a;to-tag=1".into()), ("x".into(), "".into())]);
        assert_eq!(uri.to_string(), text);
    }

    #[test]
    fn odd_users() {
        let text = "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.\
                    (doesn't-it)@example.com";
        let uri = SipUri::parse(text).unwrap();
        assert_eq!(uri.user().as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(uri.to_string(), text);
        let uri = SipUri::parse("sip:%00%00@h").unwrap();
        assert_eq!(uri.user_bytes().as_deref(), Some(&b"\0\0"[..]));
        let uri = SipUri::parse("sip:%ff@h").unwrap();
        assert_eq!(uri.user().as_deref(), Some("%ff"));
        let uri = SipUri::parse("sip:user;par=u%40example.net@example.com").unwrap();
        assert_eq!(uri.user().as_deref(), Some("user;par=u@example.net"));
        assert!(uri.params().is_empty());
    }

    #[test]
    fn uris_that_are_none() {
        for text in [
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@h",
            "sip:a@h;",
            "sip:a@h;;lr",
            "sip:a@h; lr",
            "sip:a@h;x=",
            "sip:a@h?",
            "sip:a@h?x",
            "sip:a@h?=y",
            "sip:a@h:",
            "sip:2001:db8::10",
            "sip:a@h>",
            "sip:a%4@h",
            "sip:a@h;p=%4",
            "sip:a\"@h",
            "sip:a@h,b",
            "sip:#1@h",
            "<sip:a@h>",
            "sip: a@h",
            "tel:+1",
        ] {
            assert!(SipUri::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn building_escapes() {
        let host = || Host::parse("example.com").unwrap();
        let uri = SipUri::new("a b@c", host(), Some(5070))
            .with_password("p:w")
            .with_header("Replaces", "x;from-tag=1")
            .unwrap();
        assert_eq!(
            uri.to_string(),
            "sip:a%20b%40c:p%3Aw@example.com:5070?Replaces=x%3Bfrom-tag%3D1"
        );
        assert_eq!(SipUri::parse(uri.to_string()), Ok(uri));
        assert_eq!(SipUri::new("", host(), None).to_string(), "sip:example.com");
    }

    #[test]
    fn numbers_become_tel_uris() {
        let uri = SipUri::parse("sip:+1-201-555-0123;ext=22@gw.example.com;user=phone").unwrap();
        assert_eq!(uri.to_tel().unwrap().to_string(), "tel:+1-201-555-0123;ext=22");
        assert_eq!(SipUri::parse("sip:+1201@gw.example.com").unwrap().to_tel(), None);
        assert_eq!(SipUri::parse("sip:bob@gw.example.com;user=phone").unwrap().to_tel(), None);
    }
}
