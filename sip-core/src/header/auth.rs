//! Challenges and credentials (RFC 3261 §20.7, §20.27, §20.28, §20.44; RFC 7616, RFC 8760).

use core::ops::{Deref, DerefMut};
use std::borrow::Cow;

use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{Cursor, Token, class, is_token, str, unquote, write_quoted};

/// The parameters of a challenge or of credentials: `realm="atlanta.com", stale=FALSE`. Names are
/// compared without regard to case; none may stand twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AuthParams(Vec<AuthParam>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AuthParam {
    name: Box<str>,
    // As it is written, with its quotes; none for a token68 (RFC 7235 §2.1).
    value: Option<Box<str>>,
}

impl AuthParams {
    /// The value of a parameter, what a quoted string means if it is one.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.raw(name).map(unquote)
    }

    /// The value of a parameter as it is written, with its quotes.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let param = self.0.iter().find(|param| param.name.eq_ignore_ascii_case(name))?;
        param.value.as_deref()
    }

    /// All of them, in order: name, and value as it is written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|param| (&*param.name, param.value.as_deref()))
    }

    /// Sets a parameter to a quoted string, in its place if it is there. A bare token68 gives way to it.
    ///
    /// # Errors
    ///
    /// When the name is not a token.
    pub fn set_quoted(&mut self, name: &str, value: &str) -> Result<(), ValueError> {
        let mut out = Vec::with_capacity(value.len() + 2);
        write_quoted(value, &mut out);
        self.set_raw(name, &String::from_utf8_lossy(&out))
    }

    /// Sets a parameter to a token, in its place if it is there. A bare token68 gives way to it.
    ///
    /// # Errors
    ///
    /// When the name or the value is not a token.
    pub fn set_token(&mut self, name: &str, value: &str) -> Result<(), ValueError> {
        if !is_token(value.as_bytes()) {
            return Err(ValueError::expected("a token as the value", 0));
        }
        self.set_raw(name, value)
    }

    fn set_raw(&mut self, name: &str, value: &str) -> Result<(), ValueError> {
        if !is_token(name.as_bytes()) {
            return Err(ValueError::expected("a token as the name", 0));
        }
        let value = Some(value.into());
        // A token68 stands alone.
        self.0.retain(|param| param.value.is_some());
        match self.0.iter_mut().find(|param| param.name.eq_ignore_ascii_case(name)) {
            Some(param) => param.value = value,
            None => self.0.push(AuthParam { name: name.into(), value }),
        }
        Ok(())
    }

    /// Removes a parameter; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|param| !param.name.eq_ignore_ascii_case(name));
        self.0.len() < before
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn read<'a>(text: &'a str, cursor: &mut Cursor<'a>) -> Result<AuthParams, ValueError> {
        let mut params = AuthParams::default();
        read_params(text, cursor, |name, value| {
            let value = if value.starts_with('"') { fold_free(value) } else { value.into() };
            if params.0.iter().any(|param| param.name.eq_ignore_ascii_case(name)) {
                return Err(ValueErrorKind::Repeated);
            }
            params.0.push(AuthParam { name: name.into(), value: Some(value) });
            if params.0.len() > AuthParams::MOST {
                return Err(ValueErrorKind::Limit(crate::limits::Limit::Params));
            }
            Ok(())
        })?;
        Ok(params)
    }

    // Looking for repetitions takes a square of the number; no scheme has half as many.
    const MOST: usize = 64;

    fn write(&self, out: &mut Vec<u8>) {
        for (index, param) in self.0.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(param.name.as_bytes());
            if let Some(value) = &param.value {
                out.push(b'=');
                out.extend_from_slice(value.as_bytes());
            }
        }
    }
}

/// Reads parameters up to the end: each name, and its value as it is written. `text` is what the cursor
/// reads: it is known to be UTF-8, so that its parts need not be looked through again.
#[inline]
fn read_params<'a>(
    text: &'a str,
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(&'a str, &'a str) -> Result<(), ValueErrorKind>,
) -> Result<(), ValueError> {
    let since = |at: usize, end: usize| text.get(at..end).unwrap_or_default();
    loop {
        let at = cursor.at();
        cursor.token("the name of a parameter")?;
        let name = since(at, cursor.at());
        if !cursor.separator(b'=') {
            return Err(cursor.expected("= after the name of a parameter"));
        }
        let start = cursor.at();
        if cursor.peek() == Some(b'"') {
            cursor.quoted()?;
        } else {
            cursor.token("the value of a parameter")?;
        }
        let value = since(start, cursor.at());
        each(name, value).map_err(|kind| ValueError::new(kind, at))?;
        if !cursor.separator(b',') {
            return cursor.end();
        }
    }
}

fn fold_free(quoted: &str) -> Box<str> {
    if !quoted.contains('\r') {
        return quoted.into();
    }
    let mut out = Vec::with_capacity(quoted.len());
    write_quoted(&unquote(quoted), &mut out);
    String::from_utf8_lossy(&out).into()
}

/// A scheme and its parameters, as both challenges and credentials have them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scheme {
    scheme: Token,
    params: AuthParams,
}

impl Scheme {
    fn parse(value: &[u8]) -> Result<Scheme, ValueError> {
        let (text, mut cursor) = Cursor::with_text(value)?;
        cursor.lws();
        let scheme = Token::copy(cursor.token("an authentication scheme")?);
        if !cursor.lws() {
            return Err(cursor.expected("white space after the scheme"));
        }
        let start = cursor.at();
        let params = match AuthParams::read(text, &mut cursor) {
            Ok(params) => params,
            Err(error) if scheme.as_str().eq_ignore_ascii_case("Digest") => return Err(error),
            Err(error) => {
                // Other schemes may have a bare token68, as Basic has.
                cursor.seek(start);
                let text = str(cursor.run(class::URIC));
                cursor.end().map_err(|_| error)?;
                if text.is_empty() {
                    return Err(error);
                }
                AuthParams(vec![AuthParam { name: text.into(), value: None }])
            }
        };
        Ok(Scheme { scheme, params })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.scheme.as_str().as_bytes());
        out.push(b' ');
        self.params.write(out);
    }

    fn is_digest(&self) -> bool {
        self.scheme.as_str().eq_ignore_ascii_case("Digest")
    }
}

/// What a server asks for: `Digest realm="atlanta.com", nonce="84a4cc6f", qop="auth"`.
///
/// The accessors give what the parameters mean; [`Challenge::params`] has all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Challenge(Scheme);

impl Challenge {
    /// A Digest challenge with realm and nonce.
    pub fn digest(realm: &str, nonce: &str) -> Challenge {
        let mut params = AuthParams::default();
        // The names are tokens, so nothing can be refused.
        let _ = params.set_quoted("realm", realm);
        let _ = params.set_quoted("nonce", nonce);
        Challenge(Scheme { scheme: Token::from_static("Digest"), params })
    }

    /// Reads a challenge.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    pub fn parse(value: impl AsRef<[u8]>) -> Result<Challenge, ValueError> {
        Scheme::parse(value.as_ref()).map(Challenge)
    }

    /// The realm.
    pub fn realm(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("realm")
    }

    /// The nonce.
    pub fn nonce(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("nonce")
    }

    /// The opaque text to send back.
    pub fn opaque(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("opaque")
    }

    /// The algorithm; MD5 is meant when there is none.
    pub fn algorithm(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("algorithm")
    }

    /// The qualities of protection offered: `auth`, `auth-int`.
    pub fn qop(&self) -> Vec<String> {
        let Some(list) = self.0.params.get("qop") else { return Vec::new() };
        list.split(',').map(|qop| qop.trim().to_owned()).filter(|qop| !qop.is_empty()).collect()
    }

    /// Whether only the nonce was too old: the password is not in question.
    pub fn stale(&self) -> bool {
        self.0.params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
    }

    /// The domain: URIs that the credentials serve, separated by spaces.
    pub fn domain(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("domain")
    }

    /// Whether user names may be sent hashed (RFC 7616 §3.4.4).
    pub fn userhash(&self) -> bool {
        self.0.params.get("userhash").is_some_and(|hash| hash.eq_ignore_ascii_case("true"))
    }
}

/// What a client answers: `Digest username="bob", realm=…, nonce=…, uri=…, response=…`.
///
/// The accessors give what the parameters mean; [`Credentials::params`] has all of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credentials(Scheme);

impl Credentials {
    /// Digest credentials without any parameter yet.
    pub fn digest() -> Credentials {
        let params = AuthParams::default();
        Credentials(Scheme { scheme: Token::from_static("Digest"), params })
    }

    /// Reads credentials.
    ///
    /// # Errors
    ///
    /// The offset is from the first byte of `value`.
    pub fn parse(value: impl AsRef<[u8]>) -> Result<Credentials, ValueError> {
        Scheme::parse(value.as_ref()).map(Credentials)
    }

    /// The user name.
    pub fn username(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("username")
    }

    /// The realm.
    pub fn realm(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("realm")
    }

    /// The nonce of the challenge.
    pub fn nonce(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("nonce")
    }

    /// The URI that the response covers.
    pub fn uri(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("uri")
    }

    /// The response: hexadecimal digits.
    pub fn response(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("response")
    }

    /// The algorithm; MD5 is meant when there is none.
    pub fn algorithm(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("algorithm")
    }

    /// The client's nonce.
    pub fn cnonce(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("cnonce")
    }

    /// The opaque text of the challenge.
    pub fn opaque(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("opaque")
    }

    /// The quality of protection chosen.
    pub fn qop(&self) -> Option<Cow<'_, str>> {
        self.0.params.get("qop")
    }

    /// How often the nonce was used, as eight hexadecimal digits.
    ///
    /// # Errors
    ///
    /// When `nc` is there and not that.
    pub fn nc(&self) -> Result<Option<u32>, ValueError> {
        self.0.params.get("nc").map(|text| nonce_count(&text)).transpose()
    }

    /// Whether the user name is sent hashed (RFC 7616 §3.4.4).
    pub fn userhash(&self) -> bool {
        self.0.params.get("userhash").is_some_and(|hash| hash.eq_ignore_ascii_case("true"))
    }
}

/// How often a nonce was used, as eight hexadecimal digits say.
pub(crate) fn nonce_count(text: &str) -> Result<u32, ValueError> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u32::from_str_radix(text, 16) {
        Ok(count) if is_hex && text.len() == 8 => Ok(count),
        _ => Err(ValueError::expected("eight hexadecimal digits", 0)),
    }
}

/// Credentials read in place: the parameters of Digest that a server asks for, as they are written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CredentialsRef<'a> {
    pub(crate) is_digest: bool,
    /// In the order of [`CredentialsRef::NAMES`].
    values: [Option<&'a str>; 9],
}

impl<'a> CredentialsRef<'a> {
    const NAMES: [&'static str; 9] =
        ["username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "qop", "nc"];

    /// The place of a name in [`CredentialsRef::NAMES`].
    #[inline]
    fn slot(name: &str) -> Option<usize> {
        // Nearly all write it as the standard does.
        Some(match name {
            "username" => 0,
            "realm" => 1,
            "nonce" => 2,
            "uri" => 3,
            "response" => 4,
            "algorithm" => 5,
            "cnonce" => 6,
            "qop" => 7,
            "nc" => 8,
            _ => return Self::NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)),
        })
    }

    /// What [`Credentials::parse`] takes and refuses.
    fn read(value: &'a [u8]) -> Result<Self, ValueError> {
        let (text, mut cursor) = Cursor::with_text(value)?;
        cursor.lws();
        let scheme = cursor.token("an authentication scheme")?;
        if !scheme.eq_ignore_ascii_case(b"Digest") {
            return Credentials::parse(value).map(|_| Self::default());
        }
        if !cursor.lws() {
            return Err(cursor.expected("white space after the scheme"));
        }
        let mut values = [None; 9];
        let mut others = Others::default();
        read_params(text, &mut cursor, |name, value| {
            let slot = Self::slot(name);
            match slot.and_then(|slot| values.get_mut(slot)) {
                Some(Some(_)) => Err(ValueErrorKind::Repeated),
                Some(known) => {
                    *known = Some(value);
                    others.count()
                }
                None => others.add(name),
            }
        })?;
        Ok(Self { is_digest: true, values })
    }

    /// What a parameter means; its number is its place in [`CredentialsRef::NAMES`].
    fn meant<const SLOT: usize>(&self) -> Option<Cow<'a, str>> {
        self.values.get(SLOT).copied().flatten().map(unquote)
    }

    pub(crate) fn username(&self) -> Option<Cow<'a, str>> {
        self.meant::<0>()
    }

    pub(crate) fn realm(&self) -> Option<Cow<'a, str>> {
        self.meant::<1>()
    }

    pub(crate) fn nonce(&self) -> Option<Cow<'a, str>> {
        self.meant::<2>()
    }

    pub(crate) fn uri(&self) -> Option<Cow<'a, str>> {
        self.meant::<3>()
    }

    pub(crate) fn response(&self) -> Option<Cow<'a, str>> {
        self.meant::<4>()
    }

    pub(crate) fn algorithm(&self) -> Option<Cow<'a, str>> {
        self.meant::<5>()
    }

    pub(crate) fn cnonce(&self) -> Option<Cow<'a, str>> {
        self.meant::<6>()
    }

    pub(crate) fn qop(&self) -> Option<Cow<'a, str>> {
        self.meant::<7>()
    }

    pub(crate) fn nc(&self) -> Option<Cow<'a, str>> {
        self.meant::<8>()
    }
}

/// The names beyond those that are known, none of which may stand twice, and how many there are in
/// all.
#[derive(Default)]
struct Others<'a> {
    /// Allocates when there is one, which is rare.
    names: Vec<&'a str>,
    all: usize,
}

impl<'a> Others<'a> {
    fn add(&mut self, name: &'a str) -> Result<(), ValueErrorKind> {
        if self.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(ValueErrorKind::Repeated);
        }
        self.names.push(name);
        self.count()
    }

    fn count(&mut self) -> Result<(), ValueErrorKind> {
        self.all += 1;
        match self.all > AuthParams::MOST {
            true => Err(ValueErrorKind::Limit(crate::limits::Limit::Params)),
            false => Ok(()),
        }
    }
}

macro_rules! views {
    ($($name:ident $of:ident;)*) => { $(
        /// The header read in place.
        pub(crate) struct $name<'a>(pub(crate) CredentialsRef<'a>);

        impl<'a> HeaderView<'a> for $name<'a> {
            const NAME: HeaderName = HeaderName::$of;
            const SHAPE: Shape = Shape::Lines;

            #[inline]
            fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
                CredentialsRef::read(value).map($name).map_err(|error| error.of(HeaderName::$of))
            }
        }
    )* };
}

views! {
    AuthorizationRef Authorization;
    ProxyAuthorizationRef ProxyAuthorization;
}

macro_rules! schemes {
    ($($name:ident)*) => { $(
        impl $name {
            /// The scheme: `Digest`.
            pub fn scheme(&self) -> &str {
                self.0.scheme.as_str()
            }

            /// Whether the scheme is Digest.
            pub fn is_digest(&self) -> bool {
                self.0.is_digest()
            }

            /// All parameters.
            pub fn params(&self) -> &AuthParams {
                &self.0.params
            }

            /// All parameters, to be changed.
            pub fn params_mut(&mut self) -> &mut AuthParams {
                &mut self.0.params
            }
        }
    )* };
}

schemes! { Challenge Credentials }

macro_rules! headers {
    ($($(#[$doc:meta])* $name:ident $inner:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $inner);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            // The commas within keep several from sharing a line (§7.3.1).
            const SHAPE: Shape = Shape::Lines;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                $inner::parse(value).map($name).map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.0.0.write(out);
            }
        }

        impl Deref for $name {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut $inner {
                &mut self.0
            }
        }

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                $name(inner)
            }
        }
    )* };
}

headers! {
    /// The challenge of a UAS or registrar, in a 401 (RFC 3261 §20.44).
    ///
    /// Grammar: `"Digest" LWS digest-cln *( "," digest-cln ) / auth-scheme LWS auth-param *( "," auth-param )`
    ///
    /// Example: `WWW-Authenticate: Digest realm="atlanta.com", qop="auth", nonce="84a4cc6f3082121f32b42a2187831a9e", algorithm=MD5`
    WwwAuthenticate Challenge;
    /// The challenge of a proxy, in a 407 (RFC 3261 §20.27).
    ///
    /// Grammar: `"Digest" LWS digest-cln *( "," digest-cln ) / auth-scheme LWS auth-param *( "," auth-param )`
    ///
    /// Example: `Proxy-Authenticate: Digest realm="atlanta.com", nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5`
    ProxyAuthenticate Challenge;
    /// Credentials for a UAS or registrar (RFC 3261 §20.7).
    ///
    /// Grammar: `"Digest" LWS dig-resp *( "," dig-resp ) / auth-scheme LWS auth-param *( "," auth-param )`
    ///
    /// Example: `Authorization: Digest username="Alice", realm="atlanta.com", nonce="84a4cc6f3082121f32b42a2187831a9e", uri="sip:atlanta.com", response="7587245234b3434cc3412213e5f113a5"`
    Authorization Credentials;
    /// Credentials for a proxy (RFC 3261 §20.28).
    ///
    /// Grammar: `"Digest" LWS dig-resp *( "," dig-resp ) / auth-scheme LWS auth-param *( "," auth-param )`
    ///
    /// Example: `Proxy-Authorization: Digest username="Alice", realm="atlanta.com", nonce="c60f3082ee1212b402a21831ae", uri="sip:bob@biloxi.com", response="245f23415f11432b3434341c022"`
    ProxyAuthorization Credentials;
}

macro_rules! infos {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub AuthParams);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                Cursor::with_text(value)
                    .and_then(|(text, mut cursor)| {
                        cursor.lws();
                        AuthParams::read(text, &mut cursor)
                    })
                    .map($name)
                    .map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    )* };
}

infos! {
    /// What the server proves after success: `rspauth`, `nextnonce` and more (RFC 3261 §20.6).
    ///
    /// Grammar: `ainfo *( "," ainfo ), where ainfo is "nextnonce=" … / "qop=" … / "rspauth=" … / "cnonce=" … / "nc=" …`
    ///
    /// Example: `Authentication-Info: nextnonce="47364c23432d2e131a5fb210812c"`
    AuthenticationInfo;
    /// The same from a proxy (RFC 7615 §4).
    ///
    /// Grammar: `auth-param *( "," auth-param )`
    ///
    /// Example: `Proxy-Authentication-Info: rspauth="6629fae49393a05397450978507c4ef1"`
    ProxyAuthenticationInfo;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_places_however_they_are_written() {
        for (place, name) in CredentialsRef::NAMES.iter().enumerate() {
            assert_eq!(CredentialsRef::slot(name), Some(place));
            assert_eq!(CredentialsRef::slot(&name.to_uppercase()), Some(place));
        }
        assert_eq!(CredentialsRef::slot("opaque"), None);
    }

    #[test]
    fn challenges() {
        let value = "Digest realm=\"atlanta.com\",\r\n domain=\"sip:ss1.carrier.com\", qop=\"auth, auth-int\", \
                     nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=FALSE, algorithm=MD5";
        let challenge = Challenge::parse(value).unwrap();
        assert_eq!(challenge.realm().as_deref(), Some("atlanta.com"));
        assert_eq!(challenge.qop(), ["auth", "auth-int"]);
        assert_eq!(challenge.opaque().as_deref(), Some(""));
        assert!(!challenge.stale() && challenge.is_digest());
        let mut out = Vec::new();
        WwwAuthenticate(challenge).write(&mut out);
        assert_eq!(out, value.replace("\r\n ", " ").as_bytes());
    }

    #[test]
    fn credentials() {
        let mut credentials = Credentials::digest();
        let params = credentials.params_mut();
        params.set_quoted("username", "a\"b").unwrap();
        params.set_token("nc", "0000000a").unwrap();
        params.set_quoted("username", "bob\\").unwrap();
        assert!(params.set_token("qop", "a b").is_err());
        let mut out = Vec::new();
        Authorization(credentials.clone()).write(&mut out);
        assert_eq!(out, b"Digest username=\"bob\\\\\", nc=0000000a");
        assert_eq!(Authorization::parse(&out).unwrap().0, credentials);
        assert_eq!(credentials.nc(), Ok(Some(10)));
        assert_eq!(credentials.username().as_deref(), Some("bob\\"));
    }

    #[test]
    fn other_schemes() {
        let mut basic = Credentials::parse("Basic QWxhZGRpbg==").unwrap();
        assert_eq!(basic.params().iter().next(), Some(("QWxhZGRpbg==", None)));
        // The fuzzer found both written side by side, which nobody can read.
        basic.params_mut().set_quoted("nonce", "a").unwrap();
        assert_eq!(Credentials::parse("Basic nonce=\"a\""), Ok(basic));
        let odd = Credentials::parse("NoOneKnowsThisScheme opaque-data=here").unwrap();
        assert_eq!(odd.params().get("opaque-data").as_deref(), Some("here"));
        assert!(!odd.is_digest());
    }

    #[test]
    fn credentials_that_are_none() {
        for value in [
            "",
            "Digest",
            "Digest ",
            "Digest a",
            "Digest =\"",
            "Digest a=",
            "Digest a=\"",
            "Digest a=b,",
            "Digest a=b c=d",
            "Digest a=b, A=c",
            "Digest realm=\"a\u{1}\"",
            "\"Digest\" a=b",
        ] {
            assert!(Credentials::parse(value).is_err(), "{value:?}");
        }
    }
}
