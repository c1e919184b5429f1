//! Whom to call.

use std::str::FromStr;

use sip_core::{HostPort, SipUri, Uri};

/// A number, which the account's server knows, or a URI, which says itself where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `600`, `+4930123456`.
    Number(String),
    /// `sip:bob@192.0.2.7:5070`.
    Uri(SipUri),
}

/// Text that names nobody who can be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Nothing is there, or something that is neither a number nor a URI.
    #[error("not a number, and no URI like sip:600@127.0.0.1:5060")]
    Neither,
    /// A URI that is malformed.
    #[error("not a URI: {0}")]
    Malformed(#[from] sip_core::ValueError),
    /// `sips:` asks for TLS all the way.
    #[error("sips: needs TLS, which this phone does not speak; use sip:")]
    Secure,
    /// A scheme that is no telephone's.
    #[error("{0}: URIs cannot be called")]
    Scheme(String),
}

impl Destination {
    /// The Request-URI, for numbers at `server`.
    pub fn uri(&self, server: &HostPort) -> SipUri {
        match self {
            Self::Number(number) => SipUri::new(number, server.host.clone(), server.port),
            Self::Uri(uri) => uri.clone(),
        }
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let has_scheme = ["sip:", "sips:", "tel:"]
            .iter()
            .any(|scheme| text.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
        if !has_scheme && text.contains('@') {
            return format!("sip:{text}").parse();
        }
        if !has_scheme {
            let is_number = !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "+*#-._".contains(c));
            return is_number
                .then(|| Self::Number(text.to_owned()))
                .ok_or(DestinationError::Neither);
        }
        match Uri::parse(text)? {
            Uri::Sip(uri) if uri.is_secure() => Err(DestinationError::Secure),
            Uri::Sip(mut uri) => {
                // Headers of a URI (RFC 3261 §19.1.1) belong to no Request-URI.
                uri.clear_headers();
                Ok(Self::Uri(uri))
            }
            Uri::Tel(uri) => Ok(Self::Number(uri.digits())),
            other => Err(DestinationError::Scheme(other.scheme().to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri_of(text: &str) -> String {
        let server = HostPort::parse("192.0.2.1:5080").unwrap();
        text.parse::<Destination>().unwrap().uri(&server).to_string()
    }

    #[test]
    fn numbers_are_the_servers_and_uris_their_own() {
        assert_eq!(uri_of("600"), "sip:600@192.0.2.1:5080");
        assert_eq!(uri_of("*97#"), "sip:*97%23@192.0.2.1:5080");
        assert_eq!(uri_of("tel:+49-30-123"), "sip:+4930123@192.0.2.1:5080");
        assert_eq!(uri_of("bob@192.0.2.9:5070"), "sip:bob@192.0.2.9:5070");
        assert_eq!(uri_of("SIP:b@h;transport=tcp?Subject=x"), "sip:b@h;transport=tcp");
    }

    #[test]
    fn what_cannot_be_called_is_refused_with_the_reason() {
        let error = |text: &str| text.parse::<Destination>().unwrap_err();
        assert_eq!(error(""), DestinationError::Neither);
        assert_eq!(error("6 00"), DestinationError::Neither);
        assert_eq!(error("sips:bob@example.com"), DestinationError::Secure);
        assert!(matches!(error("sip:bob@[::1"), DestinationError::Malformed(_)));
    }
}
