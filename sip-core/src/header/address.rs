//! Headers that hold an address: From, To, Route and their kin.

use core::ops::{Deref, DerefMut};
use std::borrow::Cow;

use super::name_addr::{NameAddr, NameAddrRef};
use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::HeaderError;

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
