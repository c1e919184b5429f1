//! Methods (RFC 3261 §7.1).

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::text::Token;

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {
        /// What a request asks for. Names are compared with regard to case.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Method {
            $($(#[$doc])* $name,)*
            /// A method that this crate has no name for.
            Other(Token),
        }

        impl Method {
            /// The name: `INVITE`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Method::$name => $text,)*
                    Method::Other(name) => name.as_str(),
                }
            }

            pub(crate) fn known(name: &str) -> Option<Method> {
                match name {
                    $($text => Some(Method::$name),)*
                    _ => None,
                }
            }
        }
    };
}

methods! {
    /// Starts or changes a session (RFC 3261 §13, §14).
    Invite "INVITE";
    /// Confirms a final response to INVITE (RFC 3261 §13.2.2.4).
    Ack "ACK";
    /// Asks what the other side can do (RFC 3261 §11).
    Options "OPTIONS";
    /// Ends a session (RFC 3261 §15).
    Bye "BYE";
    /// Takes a request back (RFC 3261 §9).
    Cancel "CANCEL";
    /// Binds a contact to an address of record (RFC 3261 §10).
    Register "REGISTER";
    /// Confirms a reliable provisional response (RFC 3262).
    Prack "PRACK";
    /// Asks to be told of events (RFC 6665).
    Subscribe "SUBSCRIBE";
    /// Tells of an event (RFC 6665).
    Notify "NOTIFY";
    /// Publishes state (RFC 3903).
    Publish "PUBLISH";
    /// Carries something within a dialog (RFC 6086).
    Info "INFO";
    /// Asks to contact a third party (RFC 3515).
    Refer "REFER";
    /// Carries a message (RFC 3428).
    Message "MESSAGE";
    /// Changes a session before or after it is set up (RFC 3311).
    Update "UPDATE";
}

/// A method's name that is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a method must be a token")]
pub struct NotAMethod;

impl Method {
    /// Reads a name. `None` unless it is a token.
    pub fn parse(name: &str) -> Option<Method> {
        Method::known(name).or_else(|| Token::new(name.to_owned()).map(Method::Other))
    }

    /// Whether a request of this method can make a dialog: INVITE, SUBSCRIBE, REFER.
    pub const fn makes_dialog(&self) -> bool {
        matches!(self, Method::Invite | Method::Subscribe | Method::Refer)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = NotAMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Method::parse(name).ok_or(NotAMethod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mind_case() {
        assert_eq!(Method::parse("INVITE"), Some(Method::Invite));
        assert_eq!(Method::parse("invite").unwrap().as_str(), "invite");
        assert_ne!(Method::parse("invite"), Some(Method::Invite));
        assert!(matches!(Method::parse("RE%47IST%45R"), Some(Method::Other(_))));
        assert_eq!(Method::parse("IN VITE"), None);
    }
}
