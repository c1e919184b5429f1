//! From the command line to a phone on its sockets, and its errand.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::media::wav;
use rand_core::Rng as _;
use sip_core::auth::client::Credentials;
use sip_core::net::{SystemRandom, Transports};
use sip_core::sdp::Codec;
use sip_core::{Flow, HostPort, SipUri, Transport};

use crate::account::Account;
use crate::cli::{AccountOptions, Cli, CodecName, Command, SoundOptions};
use crate::destination::Destination;
use crate::driver::{Driver, Probe, bind_media, local_towards};
use crate::errand::Errand;
use crate::interrupt::Interrupts;
use crate::phone::{Answering, Login, Phone, Script, Settings};
use crate::progress::Progress;

/// Where `answer --no-register` listens.
const DIRECT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5070);

/// Does what the command line says.
///
/// # Errors
///
/// Why it could not be done.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let options = &cli.account;
    let plan = Plan::new(&cli)?;
    let mut place = Place::bind(options, plan.peer.as_ref()).await?;
    let settings = plan.settings(&place, place.media.local_addr()?.port())?;

    let pool = PacketPool::new(PoolConfig { slots: 256, ..PoolConfig::default() })?;
    let mut seed = [0; 32];
    SystemRandom::default().fill_bytes(&mut seed);
    let phone = Phone::new(settings, pool.clone(), seed);
    let recording = plan.sound.and_then(|sound| sound.record.as_deref()).map(create).transpose()?;
    let mut progress = Progress::new(std::io::stdout());
    let errand = plan.errand(&place, &mut progress);
    let probe = match place.flow.filter(|flow| flow.transport == Transport::Udp) {
        // A phone that cannot probe still works; it only learns later that nobody is there.
        Some(flow) => Probe::send(flow).await.ok(),
        None => None,
    };
    let interrupts = Interrupts::new().context("signals cannot be taken over")?;
    let transports = std::mem::replace(&mut place.transports, Transports::new(Default::default()));
    let driver =
        Driver { transports, media: place.media, pool, probe, recording, progress, interrupts };
    driver.run(phone, errand).await
}

/// What the command line comes to, before anything is bound.
struct Plan<'a> {
    command: &'a Command,
    /// Whom the first request goes to.
    peer: Option<Peer>,
    user: String,
    domain: Option<HostPort>,
    /// A password for `peer`, and for nobody else.
    password: Option<String>,
    uri: Option<SipUri>,
    sound: Option<&'a SoundOptions>,
}

/// Somebody's address before it is looked up.
struct Peer {
    address: HostPort,
    transport: Transport,
}

impl<'a> Plan<'a> {
    fn new(cli: &'a Cli) -> anyhow::Result<Self> {
        let options = &cli.account;
        let transport = if options.tcp { Transport::Tcp } else { Transport::Udp };
        let sound = match &cli.command {
            Command::Register { .. } => None,
            Command::Call { sound, .. } | Command::Answer { sound, .. } => Some(sound),
        };
        let plan = Self {
            command: &cli.command,
            peer: None,
            user: options.own_name().unwrap_or("softphone").to_owned(),
            domain: None,
            password: options.own_password(),
            uri: None,
            sound,
        };
        match &cli.command {
            Command::Answer { no_register: true, .. } => Ok(plan),
            Command::Call { destination: Destination::Uri(uri), .. }
                if options.server.is_none() =>
            {
                // A URI of our own server is called as one of its numbers would be.
                let account = options.given().account().ok();
                if let Some(account) = account.filter(|account| account.server == uri.host_port()) {
                    return Ok(plan.through(account, transport, Some(uri.clone())));
                }
                let transport = uri.transport().unwrap_or(transport);
                if !matches!(transport, Transport::Udp | Transport::Tcp) {
                    bail!("{uri}: this phone speaks UDP and TCP only");
                }
                let peer = Some(Peer { address: uri.host_port(), transport });
                // The environment's password is for the account's server, not for whoever is called.
                let password = options.password.clone();
                Ok(Self { peer, password, uri: Some(uri.clone()), ..plan })
            }
            command => {
                let account = options.given().account()?;
                let uri = match command {
                    Command::Call { destination, .. } => Some(destination.uri(&account.server)),
                    _ => None,
                };
                Ok(plan.through(account, transport, uri))
            }
        }
    }

    fn through(self, account: Account, transport: Transport, uri: Option<SipUri>) -> Self {
        let Account { user, server, password } = account;
        let peer = Some(Peer { address: server.clone(), transport });
        Self { peer, user, domain: Some(server), password, uri, ..self }
    }

    fn settings(&self, place: &Place, media_port: u16) -> anyhow::Result<Settings> {
        let login = self.password.as_ref().zip(place.flow).map(|(password, flow)| Login {
            credentials: Credentials::new(&self.user, password),
            server: flow.remote,
        });
        let mut settings = Settings {
            user: self.user.clone(),
            domain: self.domain.clone(),
            login,
            media_port,
            codecs: Vec::new(),
            ptime: None,
            answering: Answering::Never,
            patience: Duration::MAX,
            longest: None,
            script: Script::default(),
        };
        match self.command {
            Command::Call { ring_seconds, .. } => settings.patience = *ring_seconds,
            Command::Answer { ring_seconds, echo, .. } => {
                settings.answering = Answering::After(*ring_seconds);
                settings.script.echo = *echo;
            }
            Command::Register { .. } => {}
        }
        if let Some(sound) = self.sound {
            settings.codecs = codecs(&sound.codec);
            settings.ptime = sound.ptime;
            settings.longest = sound.seconds;
            let script = &mut settings.script;
            script.play = sound.play.as_deref().map(read).transpose()?;
            script.record = sound.record.is_some();
            script.listen = true;
            script.impair = sound.impair;
            script.key_length = sound.dtmf_length;
            script.presses =
                sound.dtmf.presses(sound.dtmf_delay, sound.dtmf_length, sound.dtmf_gap);
        }
        Ok(settings)
    }

    fn errand<W: std::io::Write>(&self, place: &Place, progress: &mut Progress<W>) -> Errand {
        let Some(flow) = place.flow else {
            let (listen, transport) = (place.listen, place.transport);
            progress
                .say(&format!("waiting for a call at sip:{}@{listen} ({transport})", self.user));
            let keep = matches!(self.command, Command::Answer { keep: true, .. });
            return Errand::Answer { register: None, keep };
        };
        let way = format!("{} ({}), from {}", flow.remote, flow.transport, flow.local);
        match (self.command, &self.uri) {
            (Command::Register { remove: true, .. }, _) => {
                progress.say(&format!("removing the registrations of {} at {way}", self.user));
                Errand::Clear { flow }
            }
            (Command::Register { keep, expires, .. }, _) => {
                progress.say(&format!("registering {} at {way}", self.user));
                Errand::Register { flow, expires: *expires, keep: *keep }
            }
            (Command::Call { .. }, Some(uri)) => {
                progress.say(&format!("calling {uri} at {way}"));
                Errand::Call { uri: uri.clone(), flow }
            }
            (Command::Answer { keep, expires, .. }, _) => {
                progress.say(&format!("registering {} at {way}, to be called", self.user));
                Errand::Answer { register: Some((flow, *expires)), keep: *keep }
            }
            (Command::Call { .. }, None) => unreachable!("a call has a URI"),
        }
    }
}

/// The sockets, and the way to the peer.
struct Place {
    transports: Transports,
    media: tokio::net::UdpSocket,
    transport: Transport,
    listen: SocketAddr,
    flow: Option<Flow>,
}

impl Place {
    async fn bind(options: &AccountOptions, peer: Option<&Peer>) -> anyhow::Result<Self> {
        let given = if options.tcp { Transport::Tcp } else { Transport::Udp };
        let transport = peer.map_or(given, |peer| peer.transport);
        let remote = match peer {
            Some(peer) => Some(look_up(peer, options.listen).await?),
            None => None,
        };
        let local = match remote {
            Some(remote) => Some(
                local_towards(remote).with_context(|| format!("there is no way to {remote}"))?,
            ),
            None => None,
        };
        let wanted = match (options.listen, local) {
            (Some(listen), _) => listen,
            (None, Some(local)) => SocketAddr::new(local, 0),
            (None, None) => DIRECT,
        };
        if remote.is_some_and(|remote| remote.is_ipv4() != wanted.is_ipv4()) {
            bail!("--listen {wanted} and the server are of different address families");
        }
        let mut transports = Transports::new(Default::default());
        let listen = match transport {
            Transport::Tcp => transports.bind_tcp(wanted).await,
            _ => transports.bind_udp(wanted).await,
        };
        let listen = listen.with_context(|| format!("cannot listen on {wanted} ({transport})"))?;
        let media = bind_media(listen.ip())
            .await
            .with_context(|| format!("cannot bind an RTP port on {}", listen.ip()))?;
        let flow = remote.zip(local).map(|(remote, local)| {
            let ip = if listen.ip().is_unspecified() { local } else { listen.ip() };
            Flow { transport, local: SocketAddr::new(ip, listen.port()), remote, connection: None }
        });
        Ok(Self { transports, media, transport, listen, flow })
    }
}

/// The address of a peer: of those that its name has, one of the family that we listen on, else an IPv4
/// one, since a server on 127.0.0.1 is often called localhost.
async fn look_up(peer: &Peer, listen: Option<SocketAddr>) -> anyhow::Result<SocketAddr> {
    let port = peer.address.port.unwrap_or(peer.transport.default_port());
    if let Some(ip) = peer.address.host.ip() {
        return Ok(SocketAddr::new(ip, port));
    }
    let name = peer.address.host.name().unwrap_or_default();
    let found = tokio::net::lookup_host((name, port)).await;
    let found: Vec<_> = found.with_context(|| format!("cannot find {name}"))?.collect();
    let wants_ipv4 = listen.is_none_or(|listen| listen.is_ipv4());
    let fitting = found.iter().find(|address| address.is_ipv4() == wants_ipv4);
    fitting.or(found.first()).copied().with_context(|| format!("{name} has no address"))
}

fn codecs(names: &[CodecName]) -> Vec<Codec> {
    let mut codecs = Vec::new();
    for name in names {
        let codec = match name {
            CodecName::Pcma => Codec::PCMA,
            CodecName::Pcmu => Codec::PCMU,
        };
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    codecs
}

fn read(path: &Path) -> anyhow::Result<pbx::media::Audio> {
    wav::read(path).map_err(|error| match error {
        error @ wav::WavError::Format { .. } => anyhow::anyhow!("{} {error}", path.display()),
        error => anyhow::anyhow!("cannot play {}: {error}", path.display()),
    })
}

fn create(path: &Path) -> anyhow::Result<wav::Writer> {
    wav::Writer::create(path, 1).with_context(|| format!("cannot record to {}", path.display()))
}
