//! Contact (RFC 3261 §20.10).

use super::name_addr::{NameAddr, NameAddrRef};
use super::{HeaderName, HeaderView, Shape, TypedHeader};
use crate::error::HeaderError;
use crate::text::trim;
use crate::uri::Uri;

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

impl From<NameAddr> for Contact {
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

    #[test]
    fn contacts() {
        assert_eq!(Contact::parse(b"*"), Ok(Contact::Star));
        let contact = Contact::parse(b"<sip:j@h>;q=0.33;expires=280297596632815").unwrap();
        let address = contact.address().unwrap();
        assert_eq!(address.q(), Ok(Some(330)));
        assert_eq!(address.expires(), Ok(Some(u32::MAX)));
    }
}
