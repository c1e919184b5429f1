//! Headers that hold an address: From, To, Contact, Route and their kin (RFC 3261 §20.10).

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::borrow::Cow;

use super::params::{Params, ParamsRef};
use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{Cursor, Out, Part, class, is_token, str, trim, unquote, write_quoted};
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

/// `1`, `0.5`, `0.123`, as thousandths.
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

macro_rules! addresses {
    ($($(#[$doc:meta])* $owned:ident $borrowed:ident $shape:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $owned(pub NameAddr);

        impl TypedHeader for $owned {
            const NAME: HeaderName = HeaderName::$owned;
            const SHAPE: Shape = Shape::$shape;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                $borrowed::read(value).map(|address| $owned(address.0.to_name_addr()))
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }

        impl Deref for $owned {
            type Target = NameAddr;

            fn deref(&self) -> &NameAddr {
                &self.0
            }
        }

        impl DerefMut for $owned {
            fn deref_mut(&mut self) -> &mut NameAddr {
                &mut self.0
            }
        }

        impl core::convert::From<NameAddr> for $owned {
            fn from(address: NameAddr) -> Self {
                $owned(address)
            }
        }

        #[doc = concat!("[`", stringify!($owned), "`] read in place.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $borrowed<'a>(pub NameAddrRef<'a>);

        impl<'a> HeaderView<'a> for $borrowed<'a> {
            const NAME: HeaderName = HeaderName::$owned;
            const SHAPE: Shape = Shape::$shape;

            #[inline]
            fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
                NameAddrRef::parse(value).map($borrowed).map_err(|error| error.of(HeaderName::$owned))
            }
        }

        impl<'a> Deref for $borrowed<'a> {
            type Target = NameAddrRef<'a>;

            fn deref(&self) -> &NameAddrRef<'a> {
                &self.0
            }
        }
    )* };
}

addresses! {
    /// Who the request is from (RFC 3261 §20.20).
    ///
    /// Grammar: `( name-addr / addr-spec ) *( ";" ( "tag=" token / generic-param ) )`
    ///
    /// Example: `From: "A. G. Bell" <sip:agb@bell-telephone.com>;tag=a48s`
    From FromRef Single;
    /// Who the request is for (RFC 3261 §20.39).
    ///
    /// Grammar: `( name-addr / addr-spec ) *( ";" ( "tag=" token / generic-param ) )`
    ///
    /// Example: `To: The Operator <sip:operator@cs.columbia.edu>;tag=287447`
    To ToRef Single;
    /// A hop that the request must pass (RFC 3261 §20.34).
    ///
    /// Grammar: `name-addr *( ";" rr-param ) *( "," … )`
    ///
    /// Example: `Route: <sip:bigbox3.site3.atlanta.com;lr>, <sip:server10.biloxi.com;lr>`
    Route RouteRef List;
    /// A proxy that wants to stay in the path of the dialog (RFC 3261 §20.30).
    ///
    /// Grammar: `name-addr *( ";" rr-param ) *( "," … )`
    ///
    /// Example: `Record-Route: <sip:server10.biloxi.com;lr>`
    RecordRoute RecordRouteRef List;
    /// A proxy between a registered contact and the registrar (RFC 3327 §4).
    ///
    /// Grammar: `name-addr *( ";" rr-param ) *( "," … )`
    ///
    /// Example: `Path: <sip:P3.EXAMPLEHOME.COM;lr>,<sip:P1.EXAMPLEVISITED.COM;lr>`
    Path PathRef List;
    /// A hop of outgoing requests of a registered user (RFC 3608 §5).
    ///
    /// Grammar: `name-addr *( ";" rr-param ) *( "," … )`
    ///
    /// Example: `Service-Route: <sip:P2.HOME.EXAMPLE.COM;lr>`
    ServiceRoute ServiceRouteRef List;
    /// Where to direct replies (RFC 3261 §20.31).
    ///
    /// Grammar: `( name-addr / addr-spec ) *( ";" generic-param )`
    ///
    /// Example: `Reply-To: Bob <sip:bob@biloxi.com>`
    ReplyTo ReplyToRef Single;
    /// Whom to contact instead (RFC 3515 §2.1). Its URI may carry headers, such as Replaces.
    ///
    /// Grammar: `( name-addr / addr-spec ) *( ";" generic-param )`
    ///
    /// Example: `Refer-To: <sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>`
    ReferTo ReferToRef Single;
    /// Who asked for the referral (RFC 3892 §3).
    ///
    /// Grammar: `( name-addr / addr-spec ) *( ";" ( "cid=" sip-clean-msg-id / generic-param ) )`
    ///
    /// Example: `Referred-By: <sip:referror@referror.example>;cid="20398823.2UWQFN309shb3@referror.example"`
    ReferredBy ReferredByRef Single;
    /// Who the caller is, as trusted neighbours assert (RFC 3325 §9.1).
    ///
    /// Grammar: `( name-addr / addr-spec ) *( "," … )`
    ///
    /// Example: `P-Asserted-Identity: "Cullen Jennings" <sip:fluffy@cisco.com>`
    PAssertedIdentity PAssertedIdentityRef List;
    /// Which identity the user would like to be asserted (RFC 3325 §9.2).
    ///
    /// Grammar: `( name-addr / addr-spec ) *( "," … )`
    ///
    /// Example: `P-Preferred-Identity: "Cullen Jennings" <sip:fluffy@cisco.com>`
    PPreferredIdentity PPreferredIdentityRef List;
    /// A user that diverted the call, and why (RFC 5806).
    ///
    /// Grammar: `name-addr *( ";" ( "reason=" … / "counter=" … / "limit=" … / "privacy=" … / "screen=" … / generic-param ) ) *( "," … )`
    ///
    /// Example: `Diversion: <sip:bob@example.com>;reason=no-answer;counter=1`
    Diversion DiversionRef List;
    /// A step of the request's retargeting (RFC 7044 §5).
    ///
    /// Grammar: `name-addr *( ";" ( "index=" 1*DIGIT *( "." 1*DIGIT ) / "rc=" … / "mp=" … / generic-param ) ) *( "," … )`
    ///
    /// Example: `History-Info: <sip:bob@192.0.2.4>;index=1.2;mp=1`
    HistoryInfo HistoryInfoRef List;
    /// Who the remote party is, in a form that never became a standard and is still in use
    /// (draft-ietf-sip-privacy).
    ///
    /// Grammar: `name-addr *( ";" ( "party=" … / "id-type=" … / "screen=" … / "privacy=" … / generic-param ) ) *( "," … )`
    ///
    /// Example: `Remote-Party-ID: "John Doe" <sip:jdoe@foo.com>;party=calling;screen=yes;privacy=off`
    RemotePartyId RemotePartyIdRef List;
    /// The address of record that a call was made to (RFC 7315 §4.2).
    ///
    /// Grammar: `name-addr *( ";" generic-param )`
    ///
    /// Example: `P-Called-Party-ID: <sip:user1-business@example.com>`
    PCalledPartyId PCalledPartyIdRef Single;
    /// An identity that belongs to the registered user (RFC 7315 §4.1).
    ///
    /// Grammar: `name-addr *( ";" generic-param ) *( "," … )`
    ///
    /// Example: `P-Associated-URI: <sip:user1@example.com>, <tel:+12015550123>`
    PAssociatedUri PAssociatedUriRef List;
    /// A ring tone to play (RFC 3261 §20.4, RFC 7462): `<http://www.example.com/sounds/moo.wav>`.
    ///
    /// Grammar: `"<" absoluteURI ">" *( ";" generic-param ) *( "," … )`
    ///
    /// Example: `Alert-Info: <http://www.example.com/sounds/moo.wav>`
    AlertInfo AlertInfoRef List;
    /// More about the caller or callee (RFC 3261 §20.9): `<http://example.com/p.jpg>;purpose=icon`.
    ///
    /// Grammar: `"<" absoluteURI ">" *( ";" ( "purpose=" … / generic-param ) ) *( "," … )`
    ///
    /// Example: `Call-Info: <http://www.example.com/alice/photo.jpg>;purpose=icon`
    CallInfo CallInfoRef List;
    /// More about a failure (RFC 3261 §20.18): `<sip:not-in-service-recording@atlanta.com>`.
    ///
    /// Grammar: `"<" absoluteURI ">" *( ";" generic-param ) *( "," … )`
    ///
    /// Example: `Error-Info: <sip:not-in-service-recording@atlanta.com>`
    ErrorInfo ErrorInfoRef List;
    /// Where the certificate of an [`super::Identity`] is (RFC 4474 §9, obsolete).
    ///
    /// Grammar: `"<" absoluteURI ">" *( ";" ( "alg=" token / generic-param ) )`
    ///
    /// Example: `Identity-Info: <https://example.com/example.cer>;alg=rsa-sha1`
    IdentityInfo IdentityInfoRef Single;
    /// Where the caller is, by reference (RFC 6442 §4.1): `<cid:target123@atlanta.example.com>`.
    ///
    /// Grammar: `"<" locationURI ">" *( ";" generic-param ) *( "," … )`
    ///
    /// Example: `Geolocation: <cid:target123@atlanta.example.com>`
    Geolocation GeolocationRef List;
}

impl HistoryInfo {
    /// Where the entry stands in the history (RFC 7044 §5): `1.2`.
    pub fn index(&self) -> Option<&str> {
        self.0.params.get("index")
    }
}

impl Diversion {
    /// Why the call was diverted: `unconditional`, `user-busy`, `no-answer` …
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        self.0.params.text("reason")
    }
}

/// Where a user agent can be reached, or `*` for all bindings of a registration
/// (RFC 3261 §20.10, §10.2.2).
///
/// Grammar: `"*" / ( name-addr / addr-spec ) *( ";" ( "q=" qvalue / "expires=" delta-seconds / generic-param ) ) *( "," … )`
///
/// Example: `Contact: "Mr. Watson" <sip:watson@worcester.bell-telephone.com>;q=0.7;expires=3600`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Contact {
    /// `*`.
    Star,
    /// An address.
    Address(NameAddr),
}

impl Contact {
    /// A contact with a URI.
    pub fn new(uri: impl Into<Uri>) -> Contact {
        Contact::Address(NameAddr::new(uri))
    }

    /// The address, unless it is `*`.
    pub fn address(&self) -> Option<&NameAddr> {
        match self {
            Contact::Star => None,
            Contact::Address(address) => Some(address),
        }
    }
}

impl core::convert::From<NameAddr> for Contact {
    fn from(address: NameAddr) -> Self {
        Contact::Address(address)
    }
}

impl TypedHeader for Contact {
    const NAME: HeaderName = HeaderName::Contact;
    const SHAPE: Shape = Shape::List;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        ContactRef::read(value).map(|contact| match contact {
            ContactRef::Star => Contact::Star,
            ContactRef::Address(address) => Contact::Address(address.to_name_addr()),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Contact::Star => out.push(b'*'),
            Contact::Address(address) => address.write(out),
        }
    }
}

/// A [`Contact`] read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactRef<'a> {
    /// `*`.
    Star,
    /// An address.
    Address(NameAddrRef<'a>),
}

impl<'a> HeaderView<'a> for ContactRef<'a> {
    const NAME: HeaderName = HeaderName::Contact;
    const SHAPE: Shape = Shape::List;

    #[inline]
    fn read(value: &'a [u8]) -> Result<Self, HeaderError> {
        if matches!(value, [] | [b'*' | b' ' | b'\t', ..]) && trim(value) == b"*" {
            return Ok(ContactRef::Star);
        }
        NameAddrRef::parse(value)
            .map(ContactRef::Address)
            .map_err(|error| error.of(HeaderName::Contact))
    }
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

    #[test]
    fn contacts() {
        assert_eq!(Contact::parse(b"*"), Ok(Contact::Star));
        let contact = Contact::parse(b"<sip:j@h>;q=0.33;expires=280297596632815").unwrap();
        let address = contact.address().unwrap();
        assert_eq!(address.q(), Ok(Some(330)));
        assert_eq!(address.expires(), Ok(Some(u32::MAX)));
        for q in ["1.1", "0.1234", "2", ".5", "", "-1", "0.x"] {
            assert!(q_value(q).is_err(), "{q}");
        }
        assert_eq!(q_value("1.000"), Ok(1000));
    }
}
