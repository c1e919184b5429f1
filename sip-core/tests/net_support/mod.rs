//! Endpoints on real sockets, and certificates for them.
#![allow(dead_code, unreachable_pub)]

use core::net::SocketAddr;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::{self, Event};
use sip_core::header::{From, NameAddr};
use sip_core::net::{Driver, Transports};
use sip_core::{Endpoint, Method, Request, Response, StatusCode, Uri};
use tokio::time::timeout;

/// Far more than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("nothing happened for a long time")
}

pub fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub fn driver(transports: Transports, seed: u64) -> Driver {
    let random = Box::new(ChaCha8Rng::seed_from_u64(seed));
    Driver::new(Endpoint::new(endpoint::Config::default(), random), transports)
}

pub fn request(method: Method, to: &str) -> Request {
    let mut request = Request::new(method, to.parse::<Uri>().unwrap());
    request.headers.push(From(NameAddr::new("sip:alice@example.com".parse::<Uri>().unwrap())));
    request
}

/// Answers everything 200, for ever.
pub async fn answer_all(mut driver: Driver) {
    loop {
        if let Event::Request { id, request, .. } = driver.event().await {
            let response = Response::to(&request, StatusCode::OK);
            driver.endpoint.respond(driver.now(), id, response).unwrap();
        }
    }
}

/// The text of an OPTIONS as a peer of another make might send it.
pub fn options(transport: &str, branch: &str, via_params: &str) -> String {
    format!(
        "OPTIONS sip:bob@x SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:5099;branch=z9hG4bK{branch}{via_params}\r\n\
         From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: {branch}\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
}

#[cfg(feature = "tls")]
pub mod authority {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
    use sip_core::net::{Identity, Roots};

    /// Who signs certificates.
    pub struct Authority {
        issuer: Issuer<'static, KeyPair>,
        pem: String,
    }

    impl Authority {
        pub fn new() -> Self {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let pem = params.self_signed(&key).unwrap().pem();
            Self { issuer: Issuer::new(params, key), pem }
        }

        pub fn roots(&self) -> Roots {
            Roots::from_pem(self.pem.as_bytes()).unwrap()
        }

        pub fn pem(&self) -> &str {
            &self.pem
        }

        /// Chain and key in PEM.
        pub fn certificate(&self, names: &[&str]) -> (String, String) {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.subject_alt_names = names
                .iter()
                .map(|name| match name.parse() {
                    Ok(ip) => SanType::IpAddress(ip),
                    Err(_) if name.starts_with("sip:") => SanType::URI((*name).try_into().unwrap()),
                    Err(_) => SanType::DnsName((*name).try_into().unwrap()),
                })
                .collect();
            let certificate = params.signed_by(&key, &self.issuer).unwrap();
            (certificate.pem(), key.serialize_pem())
        }

        pub fn identity(&self, names: &[&str]) -> Identity {
            let (chain, key) = self.certificate(names);
            Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
        }
    }
}

#[cfg(feature = "tls")]
pub mod tls {
    use core::net::SocketAddr;

    use sip_core::net::{ClientCertificates, Config, Tls, Transports};
    use sip_core::{Flow, Host, Transport};

    use super::authority::Authority;
    use super::loopback;

    /// Transports that listen, and where.
    pub async fn listening(config: Config, tls: Tls) -> (Transports, SocketAddr) {
        let mut transports = Transports::new(config);
        transports.use_tls(tls);
        let address = transports.bind(Transport::Tls, loopback()).await.unwrap();
        (transports, address)
    }

    /// TLS with a certificate for these names, and trust in its authority.
    pub fn server(authority: &Authority, names: &[&str], clients: ClientCertificates) -> Tls {
        Tls::new(authority.roots(), Some(authority.identity(names)), clients).unwrap()
    }

    /// A flow over TLS without a connection.
    pub fn flow(local: SocketAddr, remote: SocketAddr) -> Flow {
        Flow { transport: Transport::Tls, local, remote, connection: None }
    }

    /// A host name.
    pub fn host(name: &str) -> Host {
        Host::parse(name).unwrap()
    }
}
