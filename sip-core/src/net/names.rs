//! Who a certificate says its owner is (RFC 5922 §7).

use core::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use crate::{Host, Uri};

/// The names that a peer's certificate proves (RFC 5922 §7.1): the hosts of its `sip:` URIs; of a
/// certificate without any, its DNS names; of one without alternative names at all, its common
/// name. Addresses count beside them.
///
/// A wildcard proves nothing, and neither does a name anything below or above it (§7.2).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ProvedNames {
    domains: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl ProvedNames {
    /// Reads the names in an X.509 certificate in DER; `None` when it cannot be read.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let mut names = Self::default();
        let Some(alternatives) = certificate.subject_alternative_name().ok()? else {
            let common = certificate.subject().iter_common_name().filter_map(|n| n.as_str().ok());
            names.domains.extend(common.filter_map(domain));
            return Some(names);
        };
        let mut plain = Vec::new();
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::URI(uri) => names.domains.extend(sip_domain(uri)),
                GeneralName::DNSName(name) => plain.extend(domain(name)),
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        if names.domains.is_empty() {
            names.domains = plain;
        }
        Some(names)
    }

    /// The domains, in lower case.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.iter().map(String::as_str)
    }

    /// The addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().copied()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.addresses.is_empty()
    }

    /// Whether the peer is this host.
    pub fn proves(&self, host: &Host) -> bool {
        match host.ip() {
            Some(ip) => self.addresses.contains(&ip),
            None => host.name().is_some_and(|name| {
                let name = name.strip_suffix('.').unwrap_or(name);
                self.domains.iter().any(|own| own.eq_ignore_ascii_case(name))
            }),
        }
    }
}

/// A `sip:` URI names a domain when it names no user (§7.1, step 2).
fn sip_domain(uri: &str) -> Option<String> {
    let uri = Uri::parse(uri).ok()?;
    let uri = uri.as_sip().filter(|uri| !uri.is_secure() && uri.user().is_none())?;
    domain(uri.host().name()?)
}

fn domain(name: &str) -> Option<String> {
    let host = Host::parse(name).ok()?;
    host.name().map(|name| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn names(common: &str, alternatives: Vec<SanType>) -> ProvedNames {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names = alternatives;
        let key = KeyPair::generate().unwrap();
        ProvedNames::of(params.self_signed(&key).unwrap().der()).unwrap()
    }

    fn dns(name: &str) -> SanType {
        SanType::DnsName(name.try_into().unwrap())
    }

    fn uri(uri: &str) -> SanType {
        SanType::URI(uri.try_into().unwrap())
    }

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn sip_uris_come_before_dns_names_and_those_before_the_common_name() {
        let all = names("cn.example", vec![dns("dns.example"), uri("sip:URI.example")]);
        assert_eq!(all.domains().collect::<Vec<_>>(), ["uri.example"]);
        let plain = names("cn.example", vec![dns("dns.example"), uri("https://web.example/")]);
        assert_eq!(plain.domains().collect::<Vec<_>>(), ["dns.example"]);
        let old = names("cn.example", Vec::new());
        assert_eq!(old.domains().collect::<Vec<_>>(), ["cn.example"]);
        let ip = names("cn.example", vec![SanType::IpAddress([192, 0, 2, 1].into())]);
        assert_eq!(ip.domains().count(), 0, "the common name does not count beside other names");
        assert!(ip.proves(&host("192.0.2.1")) && !ip.proves(&host("192.0.2.2")));
    }

    #[test]
    fn users_secure_uris_and_wildcards_prove_nothing() {
        let person = names("x", vec![uri("sip:alice@example.com"), uri("sips:example.org")]);
        assert!(person.is_empty());
        let wild = names("x", vec![dns("*.example.com"), dns("example.com")]);
        assert!(wild.proves(&host("EXAMPLE.com")) && wild.proves(&host("example.com.")));
        for other in ["a.example.com", "com", "xexample.com", "*.example.com"] {
            assert!(!Host::parse(other).is_ok_and(|other| wild.proves(&other)), "{other}");
        }
    }

    #[test]
    fn rubbish_is_no_certificate() {
        assert_eq!(ProvedNames::of(b""), None);
        assert_eq!(ProvedNames::of(&[0x30, 0x82, 0xff, 0xff, 1]), None);
    }
}
