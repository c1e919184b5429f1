//! Headers that are lists of tokens: Allow, Supported, Require and their kin (RFC 3261 §20.5,
//! §20.29, §20.32, §20.37, §20.40).

use super::cseq::read_call_id;
use super::params::{Params, ParamsRef, q_value};
use super::{CallId, HeaderName, InfoPackage, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::message::Method;
use crate::text::{Cursor, Elements, Token, trim};

/// The methods that the sender takes (RFC 3261 §20.5). Methods are compared with regard to case.
///
/// Grammar: `[ Method *( "," Method ) ]`
///
/// Example: `Allow: INVITE, ACK, OPTIONS, CANCEL, BYE`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Allow(pub Vec<Method>);

impl Allow {
    /// Whether the method is in the list.
    pub fn contains(&self, method: &Method) -> bool {
        self.0.contains(method)
    }
}

impl TypedHeader for Allow {
    const NAME: HeaderName = HeaderName::Allow;
    const SHAPE: Shape = Shape::Whole;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        tokens(value)
            .map(|tokens| {
                Allow(
                    tokens
                        .iter()
                        .map(|token| Method::of_token(token.as_str().as_bytes()))
                        .collect(),
                )
            })
            .map_err(|error| error.of(HeaderName::Allow))
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (index, method) in self.0.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(method.as_str().as_bytes());
        }
    }

    fn merge(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

macro_rules! token_lists {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub Vec<Token>);

        impl $name {
            /// Whether the list has this token, in any case.
            pub fn contains(&self, name: &str) -> bool {
                self.0.iter().any(|token| token.as_str().eq_ignore_ascii_case(name))
            }
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            const SHAPE: Shape = Shape::Whole;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                tokens(value).map($name).map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                write_tokens(&self.0, b", ", out);
            }

            fn merge(&mut self, more: Self) {
                self.0.extend(more.0);
            }
        }

        impl FromIterator<Token> for $name {
            fn from_iter<I: IntoIterator<Item = Token>>(tokens: I) -> Self {
                $name(tokens.into_iter().collect())
            }
        }
    )* };
}

token_lists! {
    /// The extensions that the sender knows (RFC 3261 §20.37): `100rel, timer`.
    ///
    /// Grammar: `[ option-tag *( "," option-tag ) ]`
    ///
    /// Example: `Supported: 100rel, timer`
    Supported;
    /// The extensions that the UAS must know (RFC 3261 §20.32).
    ///
    /// Grammar: `option-tag *( "," option-tag )`
    ///
    /// Example: `Require: 100rel`
    Require;
    /// The extensions that every proxy must know (RFC 3261 §20.29).
    ///
    /// Grammar: `option-tag *( "," option-tag )`
    ///
    /// Example: `Proxy-Require: foo`
    ProxyRequire;
    /// The extensions that the answerer lacks, in a 420 (RFC 3261 §20.40).
    ///
    /// Grammar: `option-tag *( "," option-tag )`
    ///
    /// Example: `Unsupported: foo`
    Unsupported;
    /// The event packages that the sender takes (RFC 6665 §8.2.2).
    ///
    /// Grammar: `event-type *( "," event-type )`
    ///
    /// Example: `Allow-Events: presence, dialog`
    AllowEvents;
    /// The codings of the body, outermost last (RFC 3261 §20.12).
    ///
    /// Grammar: `token *( "," token )`
    ///
    /// Example: `Content-Encoding: gzip`
    ContentEncoding;
    /// The languages of the body (RFC 3261 §20.13).
    ///
    /// Grammar: `language-tag *( "," language-tag )`
    ///
    /// Example: `Content-Language: fr`
    ContentLanguage;
    /// What may be heard and said before the call is answered (RFC 5009 §8): `sendrecv, gated`.
    ///
    /// Grammar: `[ em-param *( "," em-param ) ]`
    ///
    /// Example: `P-Early-Media: sendrecv, gated`
    PEarlyMedia;
}

macro_rules! coding_lists {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub Vec<Coding>);

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            const SHAPE: Shape = Shape::Whole;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                codings(value).map($name).map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                for (index, coding) in self.0.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(b", ");
                    }
                    out.extend_from_slice(coding.name.as_str().as_bytes());
                    out.extend_from_slice(coding.params.as_str().as_bytes());
                }
            }

            fn merge(&mut self, more: Self) {
                self.0.extend(more.0);
            }
        }
    )* };
}

/// One entry of [`AcceptEncoding`] or [`AcceptLanguage`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coding {
    /// The coding or language; `*` is any.
    pub name: Token,
    /// The parameters, such as `q`.
    pub params: Params,
}

impl Coding {
    /// The preference in thousandths, 0 to 1000; 1000 when there is none or it is malformed.
    pub fn q(&self) -> u16 {
        self.params.get("q").and_then(|q| q_value(q).ok()).unwrap_or(1000)
    }
}

coding_lists! {
    /// The codings of bodies that the sender takes (RFC 3261 §20.2): `gzip;q=1.0, identity;q=0.5`.
    ///
    /// Grammar: `[ ( content-coding / "*" ) *( ";" accept-param ) *( "," … ) ]`
    ///
    /// Example: `Accept-Encoding: gzip;q=1.0, identity;q=0.5`
    AcceptEncoding;
    /// The languages that the sender takes (RFC 3261 §20.3): `da, en-gb;q=0.8, en;q=0.7`.
    ///
    /// Grammar: `[ ( language-tag / "*" ) *( ";" accept-param ) *( "," … ) ]`
    ///
    /// Example: `Accept-Language: da, en-gb;q=0.8, en;q=0.7`
    AcceptLanguage;
}

/// The calls that this one answers (RFC 3261 §20.21): `70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com`.
///
/// Grammar: `callid *( "," callid )`
///
/// Example: `In-Reply-To: 70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct InReplyTo(pub Vec<CallId>);

impl TypedHeader for InReplyTo {
    const NAME: HeaderName = HeaderName::InReplyTo;
    const SHAPE: Shape = Shape::Whole;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<InReplyTo, ValueError> {
            let mut cursor = Cursor::new(value);
            let mut ids = Vec::new();
            // A Call-ID may have quotes and brackets, so that this is no list like others.
            loop {
                cursor.lws();
                ids.push(CallId::copy(read_call_id(&mut cursor)?));
                if !cursor.separator(b',') {
                    cursor.end()?;
                    return Ok(InReplyTo(ids));
                }
            }
        };
        read().map_err(|error| error.of(HeaderName::InReplyTo))
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (index, id) in self.0.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            id.write(out);
        }
    }

    fn merge(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

/// The INFO packages that the sender takes (RFC 6086 §7). An empty list means none, and so does `nil`.
///
/// Grammar: `[ info-package-name *( ";" generic-param ) *( "," … ) ]`
///
/// Example: `Recv-Info: dtmf, conference`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecvInfo(pub Vec<InfoPackage>);

impl RecvInfo {
    /// Whether the list has a package of this name, in any case.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|package| package.is(name))
    }
}

impl TypedHeader for RecvInfo {
    const NAME: HeaderName = HeaderName::RecvInfo;
    const SHAPE: Shape = Shape::Whole;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let mut packages = Vec::new();
        if !trim(value).is_empty() {
            for (at, element) in Elements::new(value) {
                let read = token_and_params(element);
                let (package, params) =
                    read.map_err(|error| error.shifted(at).of(HeaderName::RecvInfo))?;
                packages.push(InfoPackage { package, params });
            }
        }
        Ok(RecvInfo(packages))
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (index, package) in self.0.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            package.write(out);
        }
    }

    fn merge(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

impl FromIterator<Token> for RecvInfo {
    fn from_iter<I: IntoIterator<Item = Token>>(packages: I) -> Self {
        RecvInfo(packages.into_iter().map(InfoPackage::new).collect())
    }
}

/// What the sender wants hidden (RFC 3323 §4.2): `id;critical`.
///
/// Grammar: `priv-value *( ";" priv-value )`
///
/// Example: `Privacy: id;critical`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Privacy(pub Vec<Token>);

impl Privacy {
    /// Whether the list has this value, in any case.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|token| token.as_str().eq_ignore_ascii_case(name))
    }
}

impl TypedHeader for Privacy {
    const NAME: HeaderName = HeaderName::Privacy;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<Privacy, ValueError> {
            let mut cursor = Cursor::of(value)?;
            cursor.lws();
            let mut values = vec![Token::copy(cursor.token("a privacy value")?)];
            // RFC 3323 has semicolons; commas are common, and can mean nothing else.
            while cursor.separator(b';') || cursor.separator(b',') {
                values.push(Token::copy(cursor.token("a privacy value")?));
            }
            cursor.end()?;
            Ok(Privacy(values))
        };
        read().map_err(|error| error.of(HeaderName::Privacy))
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_tokens(&self.0, b";", out);
    }
}

fn tokens(value: &[u8]) -> Result<Vec<Token>, ValueError> {
    let mut tokens = Vec::new();
    if trim(value).is_empty() {
        return Ok(tokens);
    }
    for (at, element) in Elements::new(value) {
        let mut read = || -> Result<(), ValueError> {
            let mut cursor = Cursor::of(element)?;
            tokens.push(Token::copy(cursor.token("a token")?));
            cursor.end()
        };
        read().map_err(|error| error.shifted(at))?;
    }
    Ok(tokens)
}

fn write_tokens(tokens: &[Token], separator: &[u8], out: &mut Vec<u8>) {
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(token.as_str().as_bytes());
    }
}

fn codings(value: &[u8]) -> Result<Vec<Coding>, ValueError> {
    let mut codings = Vec::new();
    if trim(value).is_empty() {
        return Ok(codings);
    }
    for (at, element) in Elements::new(value) {
        let (name, params) = token_and_params(element).map_err(|error| error.shifted(at))?;
        codings.push(Coding { name, params });
    }
    Ok(codings)
}

/// Reads a token and parameters, the whole of `value`.
pub(super) fn token_and_params(value: &[u8]) -> Result<(Token, Params), ValueError> {
    let mut cursor = Cursor::of(value)?;
    cursor.lws();
    let token = Token::copy(cursor.token("a token")?);
    let params = ParamsRef::read(&mut cursor, |_, _| Ok(()))?.to_params();
    cursor.end()?;
    Ok((token, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let supported = Supported::parse(b" 100rel ,\r\n timer").unwrap();
        assert!(
            supported.contains("100REL")
                && supported.contains("timer")
                && !supported.contains("path")
        );
        assert_eq!(Supported::parse(b"").unwrap().0, []);
        assert!(Supported::parse(b"a,,b").is_err() && Supported::parse(b"a b").is_err());
        let allow = Allow::parse(b"INVITE, ACK, FOO").unwrap();
        assert!(allow.contains(&Method::Ack) && !allow.contains(&Method::Bye));
        let mut out = Vec::new();
        allow.write(&mut out);
        assert_eq!(out, b"INVITE, ACK, FOO");
    }

    #[test]
    fn codings_have_preferences() {
        let languages = AcceptLanguage::parse(b"da, en-gb;q=0.8, *;q=0").unwrap();
        let preferences: Vec<_> = languages.0.iter().map(Coding::q).collect();
        assert_eq!(preferences, [1000, 800, 0]);
        assert_eq!(AcceptEncoding::parse(b"").unwrap().0, []);
        assert!(AcceptEncoding::parse(b"gzip;").is_err());
    }

    #[test]
    fn replies() {
        let calls = InReplyTo::parse(b"a\"b@c , <d").unwrap();
        let ids: Vec<_> = calls.0.iter().map(CallId::as_str).collect();
        assert_eq!(ids, ["a\"b@c", "<d"]);
        assert!(InReplyTo::parse(b"").is_err() && InReplyTo::parse(b"a,").is_err());
    }

    #[test]
    fn privacy() {
        let privacy = Privacy::parse(b"id ; critical").unwrap();
        let mut out = Vec::new();
        privacy.write(&mut out);
        assert_eq!(out, b"id;critical");
        assert!(privacy.contains("ID"));
        assert!(Privacy::parse(b"").is_err() && Privacy::parse(b"id;").is_err());
    }
}
