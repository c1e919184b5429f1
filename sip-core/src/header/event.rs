//! Events, subscriptions, session timers and reasons (RFC 6665, RFC 4028, RFC 3326).

use super::lists::token_and_params;
use super::params::{Params, ParamsRef};
use super::{HeaderName, Shape, TypedHeader};
use crate::error::{HeaderError, ValueError};
use crate::text::{Cursor, Token};

macro_rules! token_headers {
    ($($(#[$doc:meta])* $name:ident $field:ident $shape:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            /// The token before the parameters; compared without regard to case.
            pub $field: Token,
            /// The parameters.
            pub params: Params,
        }

        impl $name {
            /// Without parameters.
            pub fn new($field: Token) -> $name {
                $name { $field, params: Params::default() }
            }

            /// Whether the token is this one, in any case.
            pub fn is(&self, name: &str) -> bool {
                self.$field.as_str().eq_ignore_ascii_case(name)
            }
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;
            const SHAPE: Shape = Shape::$shape;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                token_and_params(value)
                    .map(|($field, params)| $name { $field, params })
                    .map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.$field.as_str().as_bytes());
                out.extend_from_slice(self.params.as_str().as_bytes());
            }
        }
    )* };
}

token_headers! {
    /// The event package of a subscription (RFC 6665 §8.2.1): `dialog;id=4`.
    ///
    /// Grammar: `event-type *( ";" ( "id=" token / generic-param ) )`
    ///
    /// Example: `Event: dialog;id=4`
    Event package Single;
    /// What became of a subscription (RFC 6665 §8.2.3): `active;expires=3600`.
    ///
    /// Grammar: `( "active" / "pending" / "terminated" / token ) *( ";" ( "reason=" … / "expires=" … / "retry-after=" … / generic-param ) )`
    ///
    /// Example: `Subscription-State: terminated;reason=noresource`
    SubscriptionState state Single;
    /// Why a request was sent (RFC 3326 §2): `Q.850;cause=16;text="Terminated"`.
    ///
    /// Grammar: `( "SIP" / "Q.850" / token ) *( ";" ( "cause=" 1*DIGIT / "text=" quoted-string / generic-param ) ) *( "," … )`
    ///
    /// Example: `Reason: Q.850;cause=16;text="Terminated"`
    Reason protocol List;
    /// The package of an INFO request (RFC 6086 §7).
    ///
    /// Grammar: `token *( ";" generic-param )`
    ///
    /// Example: `Info-Package: dtmf`
    InfoPackage package Single;
    /// What was wrong with a [`super::Geolocation`] (RFC 6442 §4.3): `300 ;code="Permission"`.
    ///
    /// Grammar: `3DIGIT *( ";" ( "code=" quoted-string / generic-param ) )`
    ///
    /// Example: `Geolocation-Error: 300;code="Permission To Use Location Information"`
    GeolocationError code Single;
}

impl Event {
    /// The `id` that tells subscriptions of one dialog apart.
    pub fn id(&self) -> Option<&str> {
        self.params.get("id")
    }
}

impl SubscriptionState {
    /// Seconds until the subscription ends, if given and valid.
    pub fn expires(&self) -> Option<u32> {
        self.params.get("expires")?.parse().ok()
    }

    /// Why it ended: `deactivated`, `timeout`, `noresource` …
    pub fn reason(&self) -> Option<&str> {
        self.params.get("reason")
    }

    /// Seconds to wait before subscribing again, if given and valid.
    pub fn retry_after(&self) -> Option<u32> {
        self.params.get("retry-after")?.parse().ok()
    }
}

impl Reason {
    /// A reason with a cause, in a protocol such as `SIP` or `Q.850`.
    pub fn with_cause(protocol: Token, cause: u16, text: &str) -> Reason {
        let mut reason = Reason::new(protocol);
        // The names are tokens, so nothing can be refused.
        let _ = reason.params.set_raw("cause", Some(&cause.to_string()));
        if !text.is_empty() {
            let mut quoted = Vec::new();
            crate::text::write_quoted(text, &mut quoted);
            let _ = reason.params.set_raw("text", Some(&String::from_utf8_lossy(&quoted)));
        }
        reason
    }

    /// The cause, if given and valid: a SIP status, or 1 to 127 of Q.850.
    pub fn cause(&self) -> Option<u16> {
        self.params.get("cause")?.parse().ok()
    }
}

/// Whether a REFER shall make a subscription (RFC 4488 §4): `false`.
///
/// Grammar: `( "true" / "false" ) *( ";" generic-param )`
///
/// Example: `Refer-Sub: false`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReferSub {
    /// Whether it shall.
    pub subscribe: bool,
    /// The parameters.
    pub params: Params,
}

impl ReferSub {
    /// Without parameters.
    pub fn new(subscribe: bool) -> ReferSub {
        ReferSub { subscribe, params: Params::default() }
    }
}

impl TypedHeader for ReferSub {
    const NAME: HeaderName = HeaderName::ReferSub;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<ReferSub, ValueError> {
            let (token, params) = token_and_params(value)?;
            let subscribe = match token.as_str() {
                yes if yes.eq_ignore_ascii_case("true") => true,
                no if no.eq_ignore_ascii_case("false") => false,
                _ => return Err(ValueError::expected("true or false", 0)),
            };
            Ok(ReferSub { subscribe, params })
        };
        read().map_err(|error| error.of(HeaderName::ReferSub))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{}{}", self.subscribe, self.params).as_bytes());
    }
}

macro_rules! second_headers {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            /// Seconds.
            pub seconds: u32,
            /// The parameters.
            pub params: Params,
        }

        impl $name {
            /// Without parameters.
            pub fn new(seconds: u32) -> $name {
                $name { seconds, params: Params::default() }
            }
        }

        impl TypedHeader for $name {
            const NAME: HeaderName = HeaderName::$name;

            fn parse(value: &[u8]) -> Result<Self, HeaderError> {
                seconds(value)
                    .map(|(seconds, params)| $name { seconds, params })
                    .map_err(|error| error.of(HeaderName::$name))
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(format!("{}{}", self.seconds, self.params).as_bytes());
            }
        }
    )* };
}

second_headers! {
    /// How long a session lives without a refresh (RFC 4028 §4): `1800;refresher=uac`.
    ///
    /// Grammar: `delta-seconds *( ";" ( "refresher=" ( "uac" / "uas" ) / generic-param ) )`
    ///
    /// Example: `Session-Expires: 1800;refresher=uac`
    SessionExpires;
    /// The shortest session interval that is agreed to (RFC 4028 §5).
    ///
    /// Grammar: `delta-seconds *( ";" generic-param )`
    ///
    /// Example: `Min-SE: 90`
    MinSe;
}

/// Which side refreshes a session (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answers it.
    Uas,
}

impl SessionExpires {
    /// Who refreshes, if that is said and valid.
    pub fn refresher(&self) -> Option<Refresher> {
        match self.params.get("refresher")? {
            who if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            who if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        }
    }

    /// The same with a refresher.
    pub fn with_refresher(mut self, refresher: Refresher) -> SessionExpires {
        let who = match refresher {
            Refresher::Uac => "uac",
            Refresher::Uas => "uas",
        };
        // The name is a token, so nothing can be refused.
        let _ = self.params.set_raw("refresher", Some(who));
        self
    }
}

fn seconds(value: &[u8]) -> Result<(u32, Params), ValueError> {
    let mut cursor = Cursor::of(value)?;
    cursor.lws();
    let seconds = cursor.number(u64::from(u32::MAX))?;
    let params = ParamsRef::read(&mut cursor, |_, _| Ok(()))?.to_params();
    cursor.end()?;
    Ok((u32::try_from(seconds).unwrap_or(u32::MAX), params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions() {
        let state = SubscriptionState::parse(b"Terminated;reason=timeout;retry-after=7").unwrap();
        assert!(state.is("terminated"));
        assert_eq!(
            (state.reason(), state.retry_after(), state.expires()),
            (Some("timeout"), Some(7), None)
        );
        assert_eq!(Event::parse(b"dialog ; id=4").unwrap().id(), Some("4"));
        assert!(Event::parse(b"").is_err() && Event::parse(b"a, b").is_err());
    }

    #[test]
    fn reasons() {
        let reason = Reason::with_cause(Token::from_static("Q.850"), 16, "Normal \"clearing\"");
        let mut out = Vec::new();
        reason.write(&mut out);
        assert_eq!(out, b"Q.850;cause=16;text=\"Normal \\\"clearing\\\"\"");
        assert_eq!(Reason::parse(&out), Ok(reason));
    }

    #[test]
    fn silent_referrals() {
        assert!(!ReferSub::parse(b"FALSE;x").unwrap().subscribe);
        assert!(ReferSub::parse(b"maybe").is_err());
    }

    #[test]
    fn session_timers() {
        let expires = SessionExpires::parse(b"1800 ; refresher=UAS").unwrap();
        assert_eq!((expires.seconds, expires.refresher()), (1800, Some(Refresher::Uas)));
        let own = SessionExpires::new(90).with_refresher(Refresher::Uac);
        let mut out = Vec::new();
        own.write(&mut out);
        assert_eq!(out, b"90;refresher=uac");
        assert!(MinSe::parse(b"").is_err() && MinSe::parse(b"4294967296").is_err());
    }
}
