//! The side that challenges and verifies (RFC 3261 §22.2, RFC 7616).
//!
//! Nonces are stateless: time and randomness, signed together with the realm, so that a challenge
//! costs no memory and several processes with one key know each other's. What is remembered is
//! which nonce counts were used, within a bound.
//!
//! A correct digest over a nonce that is expired, was used before or comes from an earlier key is
//! challenged again with `stale=true`, so that a phone answers without asking its owner. An
//! unknown user and a wrong password look the same and cost the same.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use rand_core::Rng;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::digest::{Algorithm, Covered, Hex, Qop, stored_hex};
use super::nonce::{Nonces, Replays, milliseconds};
use crate::header::{
    Authorization, AuthorizationRef, Credentials, CredentialsRef, ProxyAuthorization,
    ProxyAuthorizationRef, nonce_count,
};
use crate::text::write_quoted;
use crate::uri::{HostRef, UriRef};
use crate::{HeaderName, Request, Response, StatusCode, Uri};

/// How an [`Authenticator`] behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// For how long a nonce is good. Default 5 minutes.
    pub nonce_lifetime: Duration,
    /// What is offered, best first, and all that is accepted. Default SHA-256, then MD5. Some
    /// phones (baresip 1.0 is one) do not pass over a challenge with an algorithm that they do not
    /// know, as they should, but give up: [`Authenticator::challenge_with`] offers them MD5 alone.
    pub algorithms: Vec<Algorithm>,
    /// Whether `auth-int`, which covers the body, is offered beside `auth`. Off by default: most
    /// phones do not know it.
    pub auth_int: bool,
    /// Whether to challenge as a proxy does: 407 and the Proxy- headers. Off by default.
    pub proxy: bool,
    /// How many nonces in use are remembered. When there are more, users of the oldest are
    /// challenged once more. Default 65,536, about 100 bytes each.
    pub nonces: usize,
    /// Whether the `uri` of the credentials must have the user and host of the Request-URI. Default on;
    /// off behind a proxy that rewrites it.
    pub match_uri: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nonce_lifetime: Duration::from_secs(300),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            auth_int: false,
            proxy: false,
            nonces: 65_536,
            match_uri: true,
        }
    }
}

/// What the server knows of a user.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The password.
    Password(String),
    /// What [`stored_digest`](super::stored_digest) made of it, for each algorithm without `-sess` that is to work.
    Digests(Vec<(Algorithm, String)>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Who sent a request.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The user name of the credentials. Whether it may use the address of record or the From of
    /// the request is for the caller to say.
    pub username: String,
    /// The algorithm that was used.
    pub algorithm: Algorithm,
}

/// Why a request is not taken as it is.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Rejection {
    /// It needs a challenge: there are no credentials for our realm, or they are not good.
    #[error("to be challenged")]
    Challenge {
        /// Whether only the nonce is to blame; give it to [`Authenticator::challenge`].
        stale: bool,
        /// Whether there were credentials, and their user or password was wrong: what guessing
        /// looks like.
        failed: bool,
    },
    /// The credentials are malformed: 400.
    #[error("malformed credentials: {0}")]
    BadRequest(&'static str),
}

/// Challenges and verifies the requests of one realm.
#[derive(Debug)]
pub struct Authenticator {
    realm: String,
    /// A challenge up to its nonce.
    offer: Vec<u8>,
    config: Config,
    nonces: Nonces,
    replays: Replays,
}

impl Authenticator {
    /// An authenticator for `realm`. `key` signs its nonces: keep it secret; a fresh random one a
    /// start is best, since `now` starts anew as well.
    pub fn new(realm: impl Into<String>, key: [u8; 32], config: Config) -> Self {
        let realm = realm.into();
        let mut offer = b"Digest realm=".to_vec();
        write_quoted(&realm, &mut offer);
        // NUL has no place in a header, escaped or not.
        offer.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
        offer.extend_from_slice(b", nonce=\"");
        Self {
            offer,
            nonces: Nonces::new(key, &realm),
            replays: Replays::new(config.nonces),
            realm,
            config,
        }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// How many nonces are remembered as used.
    pub fn nonces_in_use(&self) -> usize {
        self.replays.len()
    }

    /// Gives back what nonces take that were issued longer than `age` ago: they are refused as stale from now on, and
    /// their users get new ones. For when there is little to do; without it each in use is remembered
    /// for [`Config::nonce_lifetime`].
    pub fn forget(&mut self, now: Duration, age: Duration) {
        let lifetime = age.min(self.config.nonce_lifetime);
        self.replays.forget(milliseconds(now.saturating_sub(lifetime)));
    }

    /// Verifies the credentials of a request. `secret` looks up what is known of a user name.
    ///
    /// Call it once for a request: its nonce count is used up.
    ///
    /// # Errors
    ///
    /// The request is to be challenged, or answered 400.
    pub fn verify(
        &mut self,
        now: Duration,
        request: &Request,
        secret: &dyn Fn(&str) -> Option<Secret>,
    ) -> Result<Verified, Rejection> {
        let fresh = Rejection::Challenge { stale: false, failed: false };
        let Some(credentials) = self.find(request)? else { return Err(fresh) };
        let given = Given::read(&credentials)?;
        let algorithm = match credentials.algorithm() {
            None => Some(Algorithm::Md5),
            Some(name) => Algorithm::parse(&name),
        };
        let Some(algorithm) =
            algorithm.filter(|algorithm| self.config.algorithms.contains(algorithm))
        else {
            return Err(fresh);
        };
        if given.qop == Qop::AuthInt && !self.config.auth_int {
            return Err(Rejection::BadRequest("qop was not offered"));
        }
        let covered = Covered {
            algorithm,
            nonce: &given.nonce,
            protection: Some((given.qop, &given.count_text, &given.cnonce)),
            method: request.method.as_str(),
            uri: &given.uri,
            body: &request.body,
        };
        let secret = secret(&given.username);
        let computed = self.computed(algorithm, &given.username, secret.as_ref());
        let (stored, known) = known(algorithm, secret.as_ref(), computed);
        let expected = covered.response(stored.as_str());
        let mut response = Hex::default();
        let fits = response.set_lower_case(&given.response);
        let correct = expected.as_bytes().ct_eq(response.as_bytes());
        if !known | !fits | !bool::from(correct) {
            return Err(Rejection::Challenge { stale: false, failed: true });
        }
        if self.config.match_uri && !same_resource(&given.uri, &request.uri) {
            return Err(Rejection::BadRequest("uri is not the Request-URI"));
        }
        self.use_up(now, &given)?;
        Ok(Verified { username: given.username.into_owned(), algorithm })
    }

    /// The response that challenges a request: 401 or 407 with one challenge an algorithm, best
    /// first (RFC 8760 §2.3).
    pub fn challenge(
        &self,
        now: Duration,
        request: &Request,
        stale: bool,
        random: &mut dyn Rng,
    ) -> Response {
        self.challenge_with(now, request, stale, &self.config.algorithms, random)
    }

    /// The same with an offer for this request only, such as MD5 alone for a phone that is known to
    /// take nothing else. [`verify`](Self::verify) accepts what [`Config::algorithms`] names.
    pub fn challenge_with(
        &self,
        now: Duration,
        request: &Request,
        stale: bool,
        algorithms: &[Algorithm],
        random: &mut dyn Rng,
    ) -> Response {
        let (status, name) = self.asks_by();
        let mut response = Response::to(request, status);
        let nonce = self.nonces.issue(now, random);
        let mut line = Vec::with_capacity(self.offer.len() + 160);
        for algorithm in algorithms {
            line.clear();
            self.write_offer(&nonce, *algorithm, stale, &mut line);
            response.headers.push_written(name.clone(), &line);
        }
        response
    }

    /// The status of a challenge, and the header that it is in.
    pub(crate) fn asks_by(&self) -> (StatusCode, HeaderName) {
        match self.config.proxy {
            true => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, HeaderName::ProxyAuthenticate),
            false => (StatusCode::UNAUTHORIZED, HeaderName::WwwAuthenticate),
        }
    }

    /// Writes the value of a challenge.
    pub(crate) fn write_offer(
        &self,
        nonce: &Hex,
        algorithm: Algorithm,
        stale: bool,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(&self.offer);
        out.extend_from_slice(nonce.as_bytes());
        out.extend_from_slice(match self.config.auth_int {
            true => b"\", qop=\"auth,auth-int\", algorithm=",
            false => b"\", qop=\"auth\", algorithm=",
        });
        out.extend_from_slice(algorithm.as_str().as_bytes());
        if stale {
            out.extend_from_slice(b", stale=true");
        }
    }

    pub(super) fn is_proxy(&self) -> bool {
        self.config.proxy
    }

    pub(crate) fn next_nonce(&self, now: Duration, random: &mut dyn Rng) -> Hex {
        self.nonces.issue(now, random)
    }

    /// The digest credentials for our realm, of all that the request carries.
    pub(super) fn credentials(&self, request: &Request) -> Result<Option<Credentials>, Rejection> {
        let malformed = |_| Rejection::BadRequest("cannot be read");
        let headers = &request.headers;
        let ours = |credentials: &Credentials| {
            credentials.is_digest() && credentials.realm().as_deref() == Some(&*self.realm)
        };
        if self.config.proxy {
            for value in headers.all::<ProxyAuthorization>() {
                let ProxyAuthorization(credentials) = value.map_err(malformed)?;
                if ours(&credentials) {
                    return Ok(Some(credentials));
                }
            }
        } else {
            for value in headers.all::<Authorization>() {
                let Authorization(credentials) = value.map_err(malformed)?;
                if ours(&credentials) {
                    return Ok(Some(credentials));
                }
            }
        }
        Ok(None)
    }

    /// The same, read in place.
    fn find<'a>(&self, request: &'a Request) -> Result<Option<CredentialsRef<'a>>, Rejection> {
        let malformed = |_| Rejection::BadRequest("cannot be read");
        let headers = &request.headers;
        let ours = |credentials: &CredentialsRef<'_>| {
            credentials.is_digest && credentials.realm().as_deref() == Some(&*self.realm)
        };
        if self.config.proxy {
            for value in headers.all::<ProxyAuthorizationRef<'_>>() {
                let ProxyAuthorizationRef(credentials) = value.map_err(malformed)?;
                if ours(&credentials) {
                    return Ok(Some(credentials));
                }
            }
        } else {
            for value in headers.all::<AuthorizationRef<'_>>() {
                let AuthorizationRef(credentials) = value.map_err(malformed)?;
                if ours(&credentials) {
                    return Ok(Some(credentials));
                }
            }
        }
        Ok(None)
    }

    /// The stored digest of a user, and whether it is one: where there is none for this algorithm,
    /// another of the same length is given, so that what follows takes the same work.
    pub(super) fn stored(
        &self,
        algorithm: Algorithm,
        username: &str,
        secret: &dyn Fn(&str) -> Option<Secret>,
    ) -> (Hex, bool) {
        let secret = secret(username);
        let computed = self.computed(algorithm, username, secret.as_ref());
        known(algorithm, secret.as_ref(), computed)
    }

    /// What the digest of a user would be stored as, whoever that is.
    fn computed(&self, algorithm: Algorithm, username: &str, secret: Option<&Secret>) -> Hex {
        let password = match secret {
            Some(Secret::Password(password)) => password.as_str(),
            _ => "no password at all",
        };
        stored_hex(algorithm, username, &self.realm, password)
    }

    fn use_up(&mut self, now: Duration, given: &Given) -> Result<(), Rejection> {
        let stale = Rejection::Challenge { stale: true, failed: false };
        let now = milliseconds(now);
        let oldest = now.saturating_sub(milliseconds(self.config.nonce_lifetime));
        self.replays.expire(oldest);
        let nonce = self.nonces.read(&given.nonce).ok_or_else(|| stale.clone())?;
        // A nonce from the future is one of an earlier run with the same key.
        if nonce.issued < oldest || nonce.issued > now || !self.replays.note(nonce, given.count) {
            return Err(stale);
        }
        Ok(())
    }
}

/// The stored digest of a user, given the one computed from the password or from none, and whether it
/// is one.
fn known(algorithm: Algorithm, secret: Option<&Secret>, computed: Hex) -> (Hex, bool) {
    match secret {
        Some(Secret::Password(_)) => (computed, true),
        Some(Secret::Digests(digests)) => {
            let of = |(stored, _): &&(Algorithm, String)| stored.hash() == algorithm.hash();
            let mut stored = computed;
            // Anyone can compute the response of an empty digest, or of half a one.
            let known = digests.iter().find(of).is_some_and(|(_, digest)| {
                digest.len() == stored.as_bytes().len() && stored.set_lower_case(digest)
            });
            (stored, known)
        }
        None => (computed, false),
    }
}

/// The parameters of digest credentials, all there.
struct Given<'a> {
    username: Cow<'a, str>,
    nonce: Cow<'a, str>,
    uri: Cow<'a, str>,
    response: Cow<'a, str>,
    qop: Qop,
    count: u32,
    count_text: Cow<'a, str>,
    cnonce: Cow<'a, str>,
}

impl<'a> Given<'a> {
    fn read(credentials: &CredentialsRef<'a>) -> Result<Self, Rejection> {
        let need = |value: Option<Cow<'a, str>>, name| value.ok_or(Rejection::BadRequest(name));
        let qop = need(credentials.qop(), "qop is missing")?;
        let count_text = credentials.nc();
        let count = count_text.as_deref().map(nonce_count).transpose();
        let count = count.map_err(|_| Rejection::BadRequest("nc is malformed"))?;
        Ok(Self {
            count: count.ok_or(Rejection::BadRequest("nc is missing"))?,
            username: need(credentials.username(), "username is missing")?,
            nonce: need(credentials.nonce(), "nonce is missing")?,
            uri: need(credentials.uri(), "uri is missing")?,
            response: need(credentials.response(), "response is missing")?,
            qop: Qop::parse(&qop).ok_or(Rejection::BadRequest("qop is unknown"))?,
            count_text: need(count_text, "nc is missing")?,
            cnonce: need(credentials.cnonce(), "cnonce is missing")?,
        })
    }
}

/// Whether two URIs name the same user at the same host. Phones differ in which parameters they
/// repeat in `uri`.
fn same_resource(given: &str, request: &Uri) -> bool {
    // Nothing escaped: the common case, compared in place.
    if let (Ok(UriRef::Sip(given)), Some(request)) =
        (UriRef::parse(given.as_bytes()), request.as_sip())
        && let users = [given.user_escaped(), request.user_escaped()]
        && !users.iter().flatten().any(|user| user.contains('%'))
    {
        let hosts = match (given.host(), request.host().as_ref()) {
            (HostRef::Name(one), HostRef::Name(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one == other,
        };
        return users[0] == users[1] && hosts && given.port() == request.port();
    }
    let Ok(given) = Uri::parse(given) else { return false };
    match (given.as_sip(), request.as_sip()) {
        (Some(given), Some(request)) => {
            given.user_bytes() == request.user_bytes()
                && given.host() == request.host()
                && given.port() == request.port()
        }
        _ => given.equivalent(request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::stored_digest;

    /// What is hashed afterwards is as long for somebody whom nobody knows as for everybody else, and
    /// so takes as many rounds.
    #[test]
    fn nobody_is_as_much_work_as_somebody() {
        let server = Authenticator::new("here", [1; 32], Config::default());
        for algorithm in Algorithm::ALL {
            let other = match algorithm.hash() {
                Algorithm::Md5 => Algorithm::Sha256,
                _ => Algorithm::Md5,
            };
            let digest = |of| stored_digest(of, "101", "here", "secret");
            let known = Secret::Digests(vec![(algorithm, digest(algorithm))]);
            let length = digest(algorithm).len();
            for (secret, is_known) in [
                (Some(Secret::Password("secret".into())), true),
                (Some(known), true),
                (Some(Secret::Digests(vec![(other, digest(other))])), false),
                (Some(Secret::Digests(vec![(algorithm, String::new())])), false),
                (Some(Secret::Digests(vec![(algorithm, "ab".into())])), false),
                (None, false),
            ] {
                let (stored, known) = server.stored(algorithm, "101", &|_| secret.clone());
                let found = (stored.as_bytes().len(), known);
                assert_eq!(found, (length, is_known), "{algorithm}");
            }
        }
    }
}
