//! From what the file says to what it means, with every contradiction named.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dialplan::plan::Plan;
use pbx::exchange::MediaNetworks;
use pbx::front::{Network, NetworkError, Settings as FrontSettings};
use toml::Spanned;

use super::ConfigError;
use super::file::{self, File};

/// A configuration without contradictions.
#[derive(Debug)]
pub struct Config {
    pub listen_udp: Vec<SocketAddr>,
    pub listen_tcp: Vec<SocketAddr>,
    pub external_address: Option<IpAddr>,
    pub rtp_address: IpAddr,
    pub rtp_ports: RangeInclusive<u16>,
    pub realm: String,
    pub ring_time: Duration,
    pub silence_limit: Option<Duration>,
    pub max_calls: usize,
    pub emergency: Vec<String>,
    pub front: FrontSettings,
    /// Where RTP may go.
    pub media_networks: MediaNetworks,
    /// Where metrics and bans are shown.
    pub http: Option<SocketAddr>,
    /// Where SIP messages are sent for watching, and our number there.
    pub hep: Option<(SocketAddr, u32)>,
    /// Bytes of the last SIP messages that are kept.
    pub kept_messages: usize,
    pub extensions: Vec<Extension>,
    pub services: Vec<Service>,
    pub menus: Vec<Menu>,
    pub trunks: Vec<Trunk>,
    pub routes: Vec<Route>,
}

#[derive(Debug)]
pub struct Extension {
    pub number: String,
    pub name: String,
    /// `None`: to be made at the first start.
    pub password: Option<String>,
}

#[derive(Debug)]
pub struct Service {
    pub number: String,
    pub kind: ServiceKind,
}

#[derive(Debug)]
pub enum ServiceKind {
    Echo,
    /// The menu of this name.
    Menu(String),
}

impl Config {
    /// Whether it listens on more than loopback.
    pub fn is_open(&self) -> bool {
        self.listen_udp.iter().chain(&self.listen_tcp).any(|address| !address.ip().is_loopback())
    }
}

impl std::fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Echo => f.write_str("the echo test"),
            Self::Menu(name) => write!(f, "the voice menu \"{name}\""),
        }
    }
}

#[derive(Debug)]
pub struct Menu {
    pub name: String,
    pub greeting: Option<PathBuf>,
    pub keys: Vec<(char, String)>,
    pub direct_digits: usize,
}

#[derive(Debug)]
pub struct Trunk {
    pub name: String,
    pub address: SocketAddr,
    pub tcp: bool,
}

#[derive(Debug)]
pub struct Route {
    pub pattern: String,
    pub trunk: String,
    pub strip: usize,
    pub prefix: String,
    /// Extensions may use it.
    pub extensions: bool,
    /// Trunks whose callers may use it.
    pub trunks: Vec<String>,
}

/// Shortest password of an office that listens on more than loopback.
const SHORTEST_PASSWORD: usize = 12;
const FEWEST_CHARACTERS: usize = 5;
/// Who we are for a capture server that is told nothing else.
const HEP_AGENT: u32 = 2_001;

pub(super) fn check(file: File, text: &str, path: &Path) -> Result<Config, ConfigError> {
    let context = Context { text, path };
    let listen_udp = context.addresses(file.listen.udp, "listen.udp")?;
    let listen_tcp = context.addresses(file.listen.tcp, "listen.tcp")?;
    let open = listen_udp.iter().chain(&listen_tcp).any(|address| !address.ip().is_loopback());
    let Some(first) = listen_udp.first().or(listen_tcp.first()).copied() else {
        return Err(context.nowhere("listen", "name at least one address in udp or tcp"));
    };
    let external_address = context.ip(file.listen.external_address, "listen.external_address")?;
    let rtp_address =
        context.ip(file.listen.rtp_address, "listen.rtp_address")?.unwrap_or(first.ip());
    let rtp_ports = context.ports(file.listen.rtp_first_port, file.listen.rtp_last_port)?;
    let extensions = context.extensions(file.extension, open)?;
    let menus = context.menus(file.menu)?;
    let services = context.services(file.service, &menus, &extensions)?;
    let trunks = context.trunks(file.trunk)?;
    let routes = context.routes(file.route, &trunks)?;
    let ring = context.positive(file.calls.ring_seconds, "calls.ring_seconds", 25)?;
    let silence = file.calls.silence_seconds.map_or(30, Spanned::into_inner);
    let max_calls = match file.calls.max_calls {
        Some(value) if *value.get_ref() == 0 => {
            return Err(context.at(&value, "calls.max_calls", "has to be at least 1"));
        }
        value => value.map_or(1_000, Spanned::into_inner),
    };
    let emergency = context.emergency(file.calls.emergency)?;
    let front = context.front(file.guard)?;
    let media_networks = MediaNetworks {
        forbidden: context.networks(&file.media.forbidden, "media.forbidden")?,
        allowed: context.networks(&file.media.allowed, "media.allowed")?,
    };
    let http = file.watch.http.map(|value| context.address(&value, "watch.http")).transpose()?;
    let hep = file.watch.hep.map(|value| context.address(&value, "watch.hep")).transpose()?;
    let hep = hep.map(|server| (server, file.watch.hep_agent.unwrap_or(HEP_AGENT)));
    let realm = match file.calls.realm {
        Some(value) if value.get_ref().is_empty() || value.get_ref().contains(['"', '\\']) => {
            return Err(context.at(&value, "calls.realm", "needs text without quotation marks"));
        }
        value => value.map_or_else(|| "office-pbx".to_owned(), Spanned::into_inner),
    };
    Ok(Config {
        listen_udp,
        listen_tcp,
        external_address,
        rtp_address,
        rtp_ports,
        realm,
        ring_time: Duration::from_secs(ring),
        silence_limit: (silence > 0).then(|| Duration::from_secs(silence)),
        max_calls,
        emergency,
        front,
        media_networks,
        http,
        hep,
        kept_messages: file.watch.kept_messages_kib.unwrap_or(0) * 1_024,
        extensions,
        services,
        menus,
        trunks,
        routes,
    })
}

struct Context<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Context<'_> {
    fn at<T>(&self, value: &Spanned<T>, key: &str, says: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.text, value.span(), key, says.into())
    }

    fn nowhere(&self, key: &str, says: &str) -> ConfigError {
        let start = self.text.find(&format!("[{key}]")).unwrap_or(0);
        ConfigError::at(self.path, self.text, start..start, key, says.to_owned())
    }

    fn addresses(
        &self,
        values: Option<Vec<Spanned<String>>>,
        key: &str,
    ) -> Result<Vec<SocketAddr>, ConfigError> {
        let Some(values) = values else {
            return Ok(vec![SocketAddr::from(([127, 0, 0, 1], 5060))]);
        };
        values.iter().map(|value| self.address(value, key)).collect()
    }

    fn address(&self, value: &Spanned<String>, key: &str) -> Result<SocketAddr, ConfigError> {
        value.get_ref().parse().map_err(|_| {
            let says = format!(
                "\"{}\" is not an address with a port, such as \"192.0.2.1:5060\" or \"[2001:db8::1]:5060\"",
                value.get_ref()
            );
            self.at(value, key, says)
        })
    }

    fn ip(&self, value: Option<Spanned<String>>, key: &str) -> Result<Option<IpAddr>, ConfigError> {
        let Some(value) = value else { return Ok(None) };
        value.get_ref().parse().map(Some).map_err(|_| {
            let says = format!("\"{}\" is not an IPv4 or IPv6 address", value.get_ref());
            self.at(&value, key, says)
        })
    }

    fn ports(
        &self,
        first: Option<Spanned<u16>>,
        last: Option<Spanned<u16>>,
    ) -> Result<RangeInclusive<u16>, ConfigError> {
        let from = first.as_ref().map_or(16_384, |value| *value.get_ref());
        let to = last.as_ref().map_or(32_766, |value| *value.get_ref());
        if from < 1_024 || to < from.saturating_add(2) {
            let key = "listen.rtp_first_port";
            let says = format!("ports {from} to {to}: need at least two even ports from 1024 up");
            return Err(match first.or(last) {
                Some(value) => self.at(&value, key, says),
                None => self.nowhere("listen", &says),
            });
        }
        Ok(from..=to)
    }

    fn positive(
        &self,
        value: Option<Spanned<u64>>,
        key: &str,
        or: u64,
    ) -> Result<u64, ConfigError> {
        match value {
            Some(value) if !(1..=86_400).contains(value.get_ref()) => {
                Err(self.at(&value, key, "has to be 1 to 86400"))
            }
            value => Ok(value.map_or(or, Spanned::into_inner)),
        }
    }

    fn emergency(&self, values: Vec<Spanned<String>>) -> Result<Vec<String>, ConfigError> {
        let check = |value: Spanned<String>| match value.get_ref() {
            number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(value.into_inner())
            }
            number => {
                let says = format!("\"{number}\" is not a number: digits only");
                Err(self.at(&value, "calls.emergency", says))
            }
        };
        values.into_iter().map(check).collect()
    }

    fn networks(&self, values: &[Spanned<String>], key: &str) -> Result<Vec<Network>, ConfigError> {
        let network = |value: &Spanned<String>| {
            let wrong = |error: NetworkError| {
                let says = format!("\"{}\" is {error}", value.get_ref());
                self.at(value, key, says)
            };
            value.get_ref().parse().map_err(wrong)
        };
        values.iter().map(network).collect()
    }

    fn front(&self, values: file::Guard) -> Result<FrontSettings, ConfigError> {
        let mut settings = FrontSettings::default();
        if let Some(trusted) = values.trusted {
            settings.trusted = self.networks(&trusted, "guard.trusted")?;
        }
        let number = |value, key, or: u32| -> Result<u32, ConfigError> {
            Ok(self.positive(value, key, or.into())? as u32)
        };
        let FrontSettings { requests, strangers, bans, overload, .. } = &mut settings;
        requests.per_second =
            number(values.requests_per_second, "guard.requests_per_second", requests.per_second)?;
        requests.burst = number(values.requests_burst, "guard.requests_burst", requests.burst)?;
        strangers.per_second = number(
            values.strangers_per_second,
            "guard.strangers_per_second",
            strangers.per_second,
        )?;
        strangers.burst = number(values.strangers_burst, "guard.strangers_burst", strangers.burst)?;
        bans.failures = values.ban_failures.unwrap_or(bans.failures);
        let seconds = |value, key, or: Duration| {
            self.positive(value, key, or.as_secs()).map(Duration::from_secs)
        };
        bans.window = seconds(values.ban_window_seconds, "guard.ban_window_seconds", bans.window)?;
        bans.lasts = seconds(values.ban_seconds, "guard.ban_seconds", bans.lasts)?;
        if let Some(scanners) = values.scanners {
            if let Some(short) = scanners.iter().find(|name| name.get_ref().trim().len() < 4) {
                let says = "a part of a name has to have 4 letters, else it fits too many";
                return Err(self.at(short, "guard.scanners", says));
            }
            bans.scanners = scanners.into_iter().map(Spanned::into_inner).collect();
        }
        let target = overload.target.as_millis() as u64;
        overload.target =
            Duration::from_millis(self.positive(values.target_ms, "guard.target_ms", target)?);
        overload.interval = overload.interval.max(overload.target * 2);
        Ok(settings)
    }

    fn extensions(
        &self,
        values: Vec<file::Extension>,
        open: bool,
    ) -> Result<Vec<Extension>, ConfigError> {
        let mut seen = HashSet::with_capacity(values.len());
        for value in &values {
            let number = value.number.get_ref().as_str();
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                let says = format!("\"{number}\" is not a number: digits only");
                return Err(self.at(&value.number, "extension.number", says));
            }
            if !seen.insert(number) {
                let says = format!("{number} is given twice");
                return Err(self.at(&value.number, "extension.number", says));
            }
            if let Some(password) = &value.password
                && let Some(weakness) = weakness(password.get_ref(), number, open)
            {
                return Err(self.at(password, "extension.password", weakness));
            }
        }
        let extension = |value: file::Extension| Extension {
            number: value.number.into_inner(),
            name: value.name,
            password: value.password.map(Spanned::into_inner),
        };
        Ok(values.into_iter().map(extension).collect())
    }

    fn menus(&self, values: Vec<file::Menu>) -> Result<Vec<Menu>, ConfigError> {
        let mut menus: Vec<Menu> = Vec::with_capacity(values.len());
        for value in values {
            let name = value.name.get_ref().clone();
            if menus.iter().any(|menu| menu.name == name) {
                return Err(self.at(&value.name, "menu.name", format!("{name} is given twice")));
            }
            let mut keys = Vec::new();
            for (key, number) in &value.keys {
                let mut letters = key.get_ref().chars();
                match (letters.next(), letters.next()) {
                    (Some(letter), None) if letter.is_ascii_digit() || letter == '*' => {
                        keys.push((letter, number.get_ref().clone()));
                    }
                    _ => {
                        let says = format!("\"{}\" is not one of 0 to 9 and *", key.get_ref());
                        return Err(self.at(key, "menu.keys", says));
                    }
                }
            }
            let greeting = value.greeting.map(|greeting| self.beside(greeting.get_ref()));
            let direct_digits = value.direct_digits.map_or(3, Spanned::into_inner);
            menus.push(Menu { name, greeting, keys, direct_digits });
        }
        Ok(menus)
    }

    /// Files are named from the configuration's own folder.
    fn beside(&self, file: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }

    fn services(
        &self,
        values: Vec<file::Service>,
        menus: &[Menu],
        extensions: &[Extension],
    ) -> Result<Vec<Service>, ConfigError> {
        let mut services: Vec<Service> = Vec::with_capacity(values.len());
        for value in values {
            let number = value.number.get_ref().clone();
            if services.iter().any(|service| service.number == number)
                || extensions.iter().any(|extension| extension.number == number)
            {
                let says = format!("{number} is given twice");
                return Err(self.at(&value.number, "service.number", says));
            }
            let kind = match (value.kind, value.menu) {
                (file::ServiceKind::Echo, _) => ServiceKind::Echo,
                (file::ServiceKind::Menu, Some(menu)) => {
                    if !menus.iter().any(|known| known.name == *menu.get_ref()) {
                        let says = format!("there is no menu \"{}\"", menu.get_ref());
                        return Err(self.at(&menu, "service.menu", says));
                    }
                    ServiceKind::Menu(menu.into_inner())
                }
                (file::ServiceKind::Menu, None) => {
                    let says = "a service of kind \"menu\" has to name its menu";
                    return Err(self.at(&value.number, "service.menu", says));
                }
            };
            services.push(Service { number, kind });
        }
        Ok(services)
    }

    fn trunks(&self, values: Vec<file::Trunk>) -> Result<Vec<Trunk>, ConfigError> {
        let mut trunks: Vec<Trunk> = Vec::with_capacity(values.len());
        for value in values {
            let name = value.name.get_ref().clone();
            if name.is_empty() || name == "extensions" {
                return Err(self.at(&value.name, "trunk.name", "needs a name of its own"));
            }
            let address = self.address(&value.address, "trunk.address")?;
            if address.port() == 0 || address.ip().is_unspecified() {
                return Err(self.at(
                    &value.address,
                    "trunk.address",
                    "needs an address and a port",
                ));
            }
            if trunks.iter().any(|trunk| trunk.name == name) {
                return Err(self.at(&value.name, "trunk.name", format!("{name} is given twice")));
            }
            if let Some(other) = trunks.iter().find(|trunk| trunk.address == address) {
                let says = format!("is the address of trunk \"{}\" already", other.name);
                return Err(self.at(&value.address, "trunk.address", says));
            }
            trunks.push(Trunk { name, address, tcp: value.transport == file::Transport::Tcp });
        }
        Ok(trunks)
    }

    fn routes(
        &self,
        values: Vec<file::Route>,
        trunks: &[Trunk],
    ) -> Result<Vec<Route>, ConfigError> {
        let mut routes = Vec::with_capacity(values.len());
        for value in values {
            let pattern = value.pattern.get_ref().clone();
            let mut probe = Plan::builder();
            if let Err(error) = probe.context("probe").add(&pattern, ()) {
                return Err(self.at(&value.pattern, "route.pattern", error.to_string()));
            }
            self.known_trunk(&value.trunk, trunks, "route.trunk")?;
            let mut extensions = value.from.is_empty();
            let mut allowed = Vec::new();
            for from in &value.from {
                if from.get_ref() == "extensions" {
                    extensions = true;
                } else {
                    self.known_trunk(from, trunks, "route.from")?;
                    allowed.push(from.get_ref().clone());
                }
            }
            routes.push(Route {
                pattern,
                trunk: value.trunk.into_inner(),
                strip: value.strip,
                prefix: value.prefix,
                extensions,
                trunks: allowed,
            });
        }
        Ok(routes)
    }

    fn known_trunk(
        &self,
        name: &Spanned<String>,
        trunks: &[Trunk],
        key: &str,
    ) -> Result<(), ConfigError> {
        if trunks.iter().any(|trunk| trunk.name == *name.get_ref()) {
            return Ok(());
        }
        Err(self.at(name, key, format!("there is no trunk \"{}\"", name.get_ref())))
    }
}

/// Why a password must not be used, if so. On loopback only an empty one is refused.
pub(crate) fn weakness(password: &str, number: &str, open: bool) -> Option<String> {
    if password.is_empty() {
        return Some("is empty".to_owned());
    }
    if !open {
        return None;
    }
    let mut different = String::new();
    for character in password.chars() {
        if different.chars().count() < FEWEST_CHARACTERS && !different.contains(character) {
            different.push(character);
        }
    }
    let weak = password.chars().count() < SHORTEST_PASSWORD
        || password == number
        || different.chars().count() < FEWEST_CHARACTERS;
    weak.then(|| {
        format!(
            "is too weak for an office that listens on more than loopback: use at least \
             {SHORTEST_PASSWORD} characters, {FEWEST_CHARACTERS} of them different"
        )
    })
}
