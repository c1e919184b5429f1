//! What TLS connections need: trust, an identity, and whose names are asked for.

use core::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme,
};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::names::ProvedNames;
use crate::Host;

/// Why TLS cannot be set up. It is always the caller's material.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("a certificate or key file cannot be read: {0}")]
    File(#[from] io::Error),
    /// There is no certificate, or something that is none.
    #[error("no certificate can be read")]
    Certificate,
    /// There is no private key, or it cannot be used.
    #[error("no private key can be read")]
    Key,
    /// The key is not that of the certificate, or a kind that is not supported.
    #[error("certificate and key: {0}")]
    Identity(rustls::Error),
    /// No root certificate that could be used.
    #[error("no root certificate")]
    Roots,
}

/// Whose signatures on certificates are believed.
#[derive(Clone, Debug)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Nobody's: for a server that connects to nobody.
    pub fn none() -> Self {
        Self(Arc::new(RootCertStore::empty()))
    }

    /// Those that the operating system believes.
    ///
    /// # Errors
    ///
    /// There is none that can be read.
    pub fn system() -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs().certs;
        let (taken, _) = store.add_parsable_certificates(found);
        if taken == 0 { Err(TlsError::Roots) } else { Ok(Self(Arc::new(store))) }
    }

    /// These, in PEM, and no others.
    ///
    /// # Errors
    ///
    /// There is none, or one that cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        Self::none().with_pem(pem)
    }

    /// These beside the others.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn with_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let store = Arc::make_mut(&mut self.0);
        for certificate in chain(pem)? {
            store.add(certificate).map_err(|_| TlsError::Certificate)?;
        }
        Ok(self)
    }
}

/// Our certificate chain and its key. It can be exchanged at any time: handshakes that begin later
/// use the new one, open connections stay.
#[derive(Clone)]
pub struct Identity(Arc<RwLock<Arc<CertifiedKey>>>);

impl Identity {
    /// The chain, its first certificate ours, and the key, each in PEM.
    ///
    /// # Errors
    ///
    /// One of them cannot be read, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(RwLock::new(certified(chain, key)?))))
    }

    /// The same from files.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::from_pem(&std::fs::read(chain)?, &std::fs::read(key)?)
    }

    /// Exchanges chain and key.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); the old ones stay.
    pub fn reload_pem(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let fresh = certified(chain, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Exchanges them for what the files now hold.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem); the old ones stay.
    pub fn reload_files(&self, chain: &Path, key: &Path) -> Result<(), TlsError> {
        self.reload_pem(&std::fs::read(chain)?, &std::fs::read(key)?)
    }

    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Whether clients show a certificate. One that is shown must be good.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ClientCertificates {
    /// None is asked for: phones have none.
    #[default]
    Ignored,
    /// It is asked for: trunks prove who they are, phones may come without.
    Asked,
    /// Nobody connects without.
    Required,
}

/// TLS for [`Transports`](super::Transports): versions 1.2 and 1.3, by rustls with ring.
///
/// A server must prove the host that the connection is for, by the rules of [`ProvedNames`]; a
/// connection to a mere address needs a certificate for that address.
#[derive(Clone, Debug)]
pub struct Tls {
    connector: Arc<ClientConfig>,
    acceptor: Option<Arc<ServerConfig>>,
}

impl Tls {
    /// TLS that connects, and listens when there is an identity, which is also shown to servers
    /// that ask for one.
    ///
    /// # Errors
    ///
    /// Client certificates are asked for without roots to check them by.
    pub fn new(
        roots: Roots,
        identity: Option<Identity>,
        clients: ClientCertificates,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let versions = |error| TlsError::Identity(error);
        let verifier = Verifier { roots: Arc::clone(&roots.0), provider: Arc::clone(&provider) };
        let connector = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let connector = match &identity {
            Some(identity) => connector.with_client_cert_resolver(Arc::new(identity.clone())),
            None => connector.with_no_client_auth(),
        };
        let acceptor = match identity {
            None => None,
            Some(identity) => {
                let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
                    .with_safe_default_protocol_versions()
                    .map_err(versions)?;
                let builder = match clients {
                    ClientCertificates::Ignored => builder.with_no_client_auth(),
                    _ => builder.with_client_cert_verifier(asking(clients, &roots, &provider)?),
                };
                Some(Arc::new(builder.with_cert_resolver(Arc::new(identity))))
            }
        };
        Ok(Self { connector: Arc::new(connector), acceptor })
    }

    /// Whether there is an identity to listen with.
    pub fn listens(&self) -> bool {
        self.acceptor.is_some()
    }

    /// Makes an accepted connection secure.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, ProvedNames)> {
        let config = self.acceptor.clone().ok_or(io::ErrorKind::Unsupported)?;
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let names = proved(stream.get_ref().1.peer_certificates());
        Ok((stream.into(), names))
    }

    /// Makes a connection of ours secure; the peer must prove `host`.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        host: &Host,
    ) -> io::Result<(TlsStream<TcpStream>, ProvedNames)> {
        let name = match host.ip() {
            Some(ip) => ServerName::IpAddress(ip.into()),
            None => ServerName::try_from(host.name().unwrap_or_default().to_owned())
                .map_err(|_| io::ErrorKind::InvalidInput)?,
        };
        let connector = TlsConnector::from(Arc::clone(&self.connector));
        let stream = connector.connect(name, stream).await?;
        let names = proved(stream.get_ref().1.peer_certificates());
        Ok((stream.into(), names))
    }
}

/// Chains by webpki, names by RFC 5922.
#[derive(Debug)]
struct Verifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        rustls::client::verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        let names = ProvedNames::of(end_entity).ok_or(CertificateError::BadEncoding)?;
        match Host::parse(server_name.to_str().as_ref()) {
            Ok(host) if names.proves(&host) => Ok(ServerCertVerified::assertion()),
            _ => Err(CertificateError::NotValidForName.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn asking(
    clients: ClientCertificates,
    roots: &Roots,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots.0), Arc::clone(provider));
    let builder = match clients {
        ClientCertificates::Required => builder,
        _ => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|_| TlsError::Roots)
}

fn proved(certificates: Option<&[CertificateDer<'_>]>) -> ProvedNames {
    certificates
        .and_then(<[_]>::first)
        .and_then(|certificate| ProvedNames::of(certificate))
        .unwrap_or_default()
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::Certificate)?;
    if chain.is_empty() { Err(TlsError::Certificate) } else { Ok(chain) }
}

fn certified(chain_pem: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Key)?;
    let chain = chain(chain_pem)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map(Arc::new)
        .map_err(TlsError::Identity)
}
