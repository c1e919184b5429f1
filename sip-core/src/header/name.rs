//! Names of headers.

use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::Bytes;

use crate::text::{Token, is_token};

macro_rules! names {
    ($($variant:ident $name:literal $($compact:literal)?;)*) => {
        /// The name of a header. Names are compared without regard to case, and a compact form is
        /// the same name as the long one (RFC 3261 §7.3.1, §7.3.3).
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(
                #[doc = concat!("`", $name, "`", $(", or `", $compact, "`",)? ".")]
                $variant,
            )*
            /// A header that this crate has no name for.
            Other(Token),
        }

        /// The names that this crate knows, one byte each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Known {
            $($variant,)*
            Other,
        }

        impl HeaderName {
            /// The name as it is written, in its long form: `Call-ID`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$variant => $name,)*
                    HeaderName::Other(name) => name.as_str(),
                }
            }

            /// The compact form, if there is one: `i`.
            pub const fn compact(&self) -> Option<&'static str> {
                match self {
                    $($(HeaderName::$variant => Some($compact),)?)*
                    _ => None,
                }
            }

            pub(crate) const fn known(&self) -> Known {
                match self {
                    $(HeaderName::$variant => Known::$variant,)*
                    HeaderName::Other(_) => Known::Other,
                }
            }
        }

        impl Known {
            /// The name, unless it is another one.
            pub(crate) const fn name(self) -> Option<HeaderName> {
                match self {
                    $(Known::$variant => Some(HeaderName::$variant),)*
                    Known::Other => None,
                }
            }

            /// Looks a name up, long or compact, in any case.
            pub(crate) fn find(name: &[u8]) -> Known {
                $(
                    if name.eq_ignore_ascii_case($name.as_bytes())
                        $(|| name.eq_ignore_ascii_case($compact.as_bytes()))?
                    {
                        return Known::$variant;
                    }
                )*
                Known::Other
            }
        }
    };
}

names! {
    Accept "Accept";
    AcceptContact "Accept-Contact" "a";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    AlertInfo "Alert-Info";
    Allow "Allow";
    AllowEvents "Allow-Events" "u";
    AuthenticationInfo "Authentication-Info";
    Authorization "Authorization";
    CallId "Call-ID" "i";
    CallInfo "Call-Info";
    Contact "Contact" "m";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" "e";
    ContentId "Content-ID";
    ContentLanguage "Content-Language";
    ContentLength "Content-Length" "l";
    ContentType "Content-Type" "c";
    CSeq "CSeq";
    Date "Date";
    Diversion "Diversion";
    ErrorInfo "Error-Info";
    Event "Event" "o";
    Expires "Expires";
    FlowTimer "Flow-Timer";
    From "From" "f";
    Geolocation "Geolocation";
    GeolocationError "Geolocation-Error";
    GeolocationRouting "Geolocation-Routing";
    HistoryInfo "History-Info";
    Identity "Identity" "y";
    IdentityInfo "Identity-Info" "n";
    InReplyTo "In-Reply-To";
    InfoPackage "Info-Package";
    Join "Join";
    MaxForwards "Max-Forwards";
    MimeVersion "MIME-Version";
    MinExpires "Min-Expires";
    MinSe "Min-SE";
    Organization "Organization";
    PAccessNetworkInfo "P-Access-Network-Info";
    PAssertedIdentity "P-Asserted-Identity";
    PAssociatedUri "P-Associated-URI";
    PCalledPartyId "P-Called-Party-ID";
    PEarlyMedia "P-Early-Media";
    PPreferredIdentity "P-Preferred-Identity";
    Path "Path";
    Priority "Priority";
    Privacy "Privacy";
    ProxyAuthenticate "Proxy-Authenticate";
    ProxyAuthenticationInfo "Proxy-Authentication-Info";
    ProxyAuthorization "Proxy-Authorization";
    ProxyRequire "Proxy-Require";
    RAck "RAck";
    RSeq "RSeq";
    Reason "Reason";
    RecordRoute "Record-Route";
    RecvInfo "Recv-Info";
    ReferSub "Refer-Sub";
    ReferTo "Refer-To" "r";
    ReferredBy "Referred-By" "b";
    RejectContact "Reject-Contact" "j";
    RemotePartyId "Remote-Party-ID";
    Replaces "Replaces";
    ReplyTo "Reply-To";
    RequestDisposition "Request-Disposition" "d";
    Require "Require";
    RetryAfter "Retry-After";
    Route "Route";
    Server "Server";
    ServiceRoute "Service-Route";
    SessionExpires "Session-Expires" "x";
    SipEtag "SIP-ETag";
    SipIfMatch "SIP-If-Match";
    Subject "Subject" "s";
    SubscriptionState "Subscription-State";
    Supported "Supported" "k";
    TargetDialog "Target-Dialog";
    Timestamp "Timestamp";
    To "To" "t";
    Unsupported "Unsupported";
    UserAgent "User-Agent";
    Via "Via" "v";
    Warning "Warning";
    WwwAuthenticate "WWW-Authenticate";
}

impl HeaderName {
    /// A name of your own, known when the program is written.
    ///
    /// # Panics
    ///
    /// When `name` is not a token; in a constant this is a compile error.
    pub const fn from_static(name: &'static str) -> HeaderName {
        HeaderName::Other(Token::from_static(name))
    }

    /// Reads a name, long or compact, in any case. `None` unless it is a token.
    pub fn parse(name: impl AsRef<[u8]>) -> Option<HeaderName> {
        let name = name.as_ref();
        if !is_token(name) {
            return None;
        }
        match Known::find(name).name() {
            Some(known) => Some(known),
            None => Token::new(Bytes::copy_from_slice(name)).map(HeaderName::Other),
        }
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self.known(), other.known()) {
            (Known::Other, _) | (_, Known::Other) => {
                self.as_str().eq_ignore_ascii_case(other.as_str())
            }
            (one, other) => one == other,
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.as_str().bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.write_u8(0xff);
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_length() {
        assert_eq!(HeaderName::parse("cALL-id"), Some(HeaderName::CallId));
        assert_eq!(HeaderName::parse("I"), Some(HeaderName::CallId));
        assert_eq!(HeaderName::CallId.compact(), Some("i"));
        assert_eq!(HeaderName::parse("x-FOO"), Some(HeaderName::from_static("X-Foo")));
        assert_eq!(HeaderName::from_static("via"), HeaderName::Via);
        assert_eq!(HeaderName::parse("C%6Fntact").unwrap().as_str(), "C%6Fntact");
        assert_eq!(HeaderName::parse("To\u{1}"), None);
        assert_eq!(HeaderName::parse(""), None);
    }
}
