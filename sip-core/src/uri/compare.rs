//! Equality of URIs (RFC 3261 §19.1.4, RFC 3966 §4).

use std::borrow::Cow;

use super::params::UriParam;
use super::sip::headers;
use super::{SipUri, TelUri, Uri, escape, tel};

pub(super) fn equivalent(one: &Uri, other: &Uri) -> bool {
    // What is the same is equivalent, and most are.
    if one == other {
        return true;
    }
    match (one, other) {
        (Uri::Sip(one), Uri::Sip(other)) => sip_equivalent(one, other),
        (Uri::Tel(one), Uri::Tel(other)) => tel_equivalent(one, other),
        (Uri::Other(one), Uri::Other(other)) => {
            one.scheme().eq_ignore_ascii_case(other.scheme()) && one.opaque() == other.opaque()
        }
        _ => false,
    }
}

pub(super) fn sip_equivalent(one: &SipUri, other: &SipUri) -> bool {
    one.is_secure() == other.is_secure()
        && one.user_escaped().map(normal) == other.user_escaped().map(normal)
        && one.password() == other.password()
        && one.host() == other.host()
        && one.port() == other.port()
        && params_agree(one, other)
        && headers_agree(one, other)
}

/// Parameters that make a difference even when only one side has them.
const SIGNIFICANT: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

fn params_agree(one: &SipUri, other: &SipUri) -> bool {
    let covered = |these: &SipUri, those: &SipUri| {
        these.params().iter().all(|param| {
            let mut twins = named(those.params().iter(), param.name).peekable();
            match twins.peek() {
                Some(_) => twins.any(|twin| values_agree(param, twin)),
                None => !SIGNIFICANT.iter().any(|name| names_agree(name, param.name)),
            }
        })
    };
    covered(one, other) && covered(other, one)
}

/// Headers are never left out of account; their order is.
fn headers_agree(one: &SipUri, other: &SipUri) -> bool {
    let (these, those) = (one.headers_escaped(), other.headers_escaped());
    if these == those {
        return true;
    }
    let sorted = |text| {
        let mut all: Vec<_> = headers(text)
            .map(|(name, value)| (normal(name).to_ascii_lowercase(), normal(value)))
            .collect();
        all.sort();
        all
    };
    sorted(these) == sorted(those)
}

fn tel_equivalent(one: &TelUri, other: &TelUri) -> bool {
    let covered = |these: &TelUri, those: &TelUri| {
        these.params().all(|param| {
            named(those.params(), param.name).any(|twin| {
                if names_agree(param.name, "ext") || is_number(param) {
                    tel::digits(param.value.unwrap_or_default())
                        .eq(tel::digits(twin.value.unwrap_or_default()))
                } else {
                    values_agree(param, twin)
                }
            })
        })
    };
    one.is_global() == other.is_global()
        && tel::digits(one.number()).eq(tel::digits(other.number()))
        && covered(one, other)
        && covered(other, one)
}

fn is_number(param: UriParam<'_>) -> bool {
    names_agree(param.name, "phone-context") && param.value.is_some_and(|v| v.starts_with('+'))
}

/// The parameters of a name: one, but for URIs that repeat what may stand once.
fn named<'a>(
    params: impl Iterator<Item = UriParam<'a>>,
    name: &str,
) -> impl Iterator<Item = UriParam<'a>> {
    params.filter(move |param| names_agree(param.name, name))
}

fn names_agree(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || normal(one).eq_ignore_ascii_case(&normal(other))
}

fn values_agree(one: UriParam<'_>, other: UriParam<'_>) -> bool {
    let (one, other) = (one.value.unwrap_or_default(), other.value.unwrap_or_default());
    one.eq_ignore_ascii_case(other) || normal(one).eq_ignore_ascii_case(&normal(other))
}

/// Undoes the escapes of characters outside the reserved set, which mean the same either way;
/// the others are told apart, their digits in upper case.
fn normal(text: &str) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if let Some(byte) = escape::pair(*high, *low) => {
                rest = after;
                if matches!(
                    byte,
                    b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'%'
                ) {
                    plain.extend([b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
                } else {
                    plain.push(byte);
                }
            }
            _ => plain.push(byte),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (Uri::parse(one).unwrap(), Uri::parse(other).unwrap());
        let answer = one.equivalent(&other);
        assert_eq!(answer, other.equivalent(&one), "{one} {other}: not symmetric");
        answer
    }

    /// The table of RFC 3261 §19.1.4.
    #[test]
    fn equivalent_uris() {
        for (one, other) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:[2001:DB8::1]", "sip:[2001:db8:0::1]"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn different_uris() {
        for (one, other) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
            ("sip:bob@biloxi.com;maddr=192.0.2.1", "sip:bob@biloxi.com"),
            ("sip:a%3Bb@h", "sip:a;b@h"),
            ("sip:bob:x@h", "sip:bob@h"),
            ("sip:+1@h;user=phone", "sip:+1@h"),
            ("sip:+1@h", "tel:+1"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn telephone_numbers() {
        assert!(same("tel:+1-201-555-0123", "tel:+1(201)555.0123"));
        assert!(same("tel:+1;ext=2-2;isub=a", "tel:+1;isub=A;EXT=22"));
        assert!(same("tel:1;phone-context=+1-2", "tel:1;phone-context=+12"));
        assert!(same("tel:1;phone-context=A.com", "tel:1;phone-context=a.com"));
        assert!(!same("tel:1;phone-context=b.com", "tel:1;phone-context=a.com"));
        assert!(!same("tel:+1;ext=2", "tel:+1"));
    }

    #[test]
    fn repeated_parameters_do_not_make_a_uri_differ_from_itself() {
        for text in ["sip:a@h;x=1;x=2", "sip:a@h;user=phone;user=ip", "tel:+1;ext=1;ext=2"] {
            assert!(same(text, text), "{text}");
        }
        assert!(!same("sip:a@h;x=1;x=2", "sip:a@h;x=1"));
        assert!(!same("tel:+1;ext=1;ext=2", "tel:+1;ext=1"));
    }

    #[test]
    fn other_schemes() {
        assert!(same("URN:x", "urn:x"));
        assert!(!same("urn:x", "urn:X"));
    }
}
