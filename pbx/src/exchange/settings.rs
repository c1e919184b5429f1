//! What an exchange is told at its start.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtp_core::tone::{Country, Signal};
use sip_core::auth::Algorithm;
use sip_core::auth::server::Config as AuthenticationSettings;
use sip_core::{Flow, HeaderName, HostPort, Request, Token, Transport, endpoint, registrar};

use super::MediaNetworks;
use super::admission::METHODS;
use crate::media::Audio;

/// Settings of an exchange. [`Settings::default`] is right for an office on one machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The realm that passwords are valid in (RFC 3261 §22.1).
    pub realm: String,
    /// The dialplan context of authenticated extensions.
    pub extension_context: String,
    /// How long telephones ring.
    pub ring_time: Duration,
    /// A call is ended when a party that should speak sends no RTP for this long; `None` never.
    pub silence_limit: Option<Duration>,
    /// Where RTP may go, whatever a description says.
    pub media_networks: MediaNetworks,
    /// Calls at a time; further ones are answered 503.
    pub max_calls: usize,
    /// Contacts of one extension rung at a time.
    pub max_contacts_rung: usize,
    /// How often one call may be transferred on, one transfer after the other; at most 255.
    pub max_transfers: usize,
    /// Transfers that may wait for somebody to answer at a time; further ones are refused with 503.
    pub max_referrals: usize,
    /// Numbers to call for help, which find room beyond [`max_calls`](Self::max_calls); the first is
    /// what `urn:service:sos` (RFC 5031) dials.
    pub emergency: Vec<String>,
    /// The least `Retry-After` of a 503; each gets up to three times that.
    pub retry_after: Duration,
    /// Whether new calls are taken at all.
    pub accepts_calls: bool,
    /// What a caller hears while a service rings somebody for it.
    pub ringback: Audio,
    /// The address that peers outside reach us at, when it is not the one bound.
    pub external_address: Option<IpAddr>,
    /// The addresses the driver listens on, which requests to trunks leave from.
    pub listens: Vec<(Transport, SocketAddr)>,
    /// Timers and limits of SIP.
    pub endpoint: endpoint::Config,
    /// Digest authentication.
    pub authentication: AuthenticationSettings,
    /// Beginnings of the User-Agent of telephones that refuse every challenge when one of them names
    /// SHA-256, though RFC 8760 §2.4 asks them to pass over what they do not know: they are offered
    /// MD5 alone. MD5 is offered to everybody anyway, so a false name gains nothing.
    pub md5_only: Vec<String>,
    /// Registration.
    pub registrar: registrar::Config,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: "trunkline".to_owned(),
            extension_context: "internal".to_owned(),
            ring_time: Duration::from_secs(25),
            silence_limit: Some(Duration::from_secs(30)),
            media_networks: MediaNetworks::default(),
            max_calls: 5_000,
            max_contacts_rung: 8,
            max_transfers: 10,
            max_referrals: 1_000,
            emergency: Vec::new(),
            retry_after: Duration::from_secs(5),
            accepts_calls: true,
            ringback: Country::Russia
                .tone(Signal::Ringback)
                .map_or_else(Audio::silence, Audio::tone),
            external_address: None,
            listens: Vec::new(),
            endpoint: endpoint_defaults(),
            authentication: AuthenticationSettings::default(),
            md5_only: ["baresip v0.", "baresip v1."].map(str::to_owned).to_vec(),
            registrar: registrar::Config::default(),
        }
    }
}

/// Over UDP a request is remembered for 32 s after its answer (RFC 3261 §17.2.2), so that many calls a
/// second take many transactions. Strangers take none. They are forgotten twice a second: waking for
/// each would take more than what is done then.
fn endpoint_defaults() -> endpoint::Config {
    let mut config = endpoint::Config::default();
    config.timing.grain = Duration::from_millis(512);
    config.capacity.transactions.servers = 524_288;
    config.capacity.transactions.clients = 262_144;
    config
}

impl Settings {
    /// The address that we name ourselves by towards a peer.
    pub(super) fn address_towards(&self, flow: &Flow) -> IpAddr {
        self.external_address.unwrap_or(flow.local.ip())
    }

    /// The digest algorithms to offer to whoever sent a request.
    pub(super) fn algorithms_for(&self, request: &Request) -> &[Algorithm] {
        let agent = request.headers.raw(HeaderName::UserAgent).next();
        self.algorithms_of(agent.unwrap_or_default())
    }

    /// The same by User-Agent, as it was written.
    pub(super) fn algorithms_of(&self, agent: &[u8]) -> &[Algorithm] {
        let offered = &self.authentication.algorithms;
        if offered.contains(&Algorithm::Md5)
            && self.md5_only.iter().any(|beginning| agent.starts_with(beginning.as_bytes()))
        {
            &[Algorithm::Md5]
        } else {
            offered
        }
    }

    /// The endpoint's settings, with our name and methods.
    pub(super) fn endpoint(&self) -> endpoint::Config {
        let mut config = self.endpoint.clone();
        config.allow = METHODS.to_vec();
        config.supported.push(Token::from_static("norefersub"));
        if let Some(external) = self.external_address {
            config.address =
                endpoint::Address::by(move |flow| HostPort::new(external, Some(flow.local.port())));
        }
        config
    }

    /// The bound address that a request to `remote` leaves from: of the right transport and family,
    /// loopback only towards loopback.
    pub(super) fn local_towards(
        &self,
        transport: Transport,
        remote: SocketAddr,
    ) -> Option<SocketAddr> {
        let fits = |local: &SocketAddr| {
            local.is_ipv4() == remote.is_ipv4()
                && (!local.ip().is_loopback() || remote.ip().is_loopback())
        };
        let mut candidates = self
            .listens
            .iter()
            .filter(|(listens, local)| *listens == transport && fits(local))
            .map(|(_, local)| *local);
        candidates.next()
    }
}
