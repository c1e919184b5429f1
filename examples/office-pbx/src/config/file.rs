//! The shape of the file, before anything in it was checked.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) listen: Listen,
    pub(super) calls: Calls,
    pub(super) media: Media,
    pub(super) guard: Guard,
    pub(super) watch: Watch,
    pub(super) extension: Vec<Extension>,
    pub(super) service: Vec<Service>,
    pub(super) menu: Vec<Menu>,
    pub(super) trunk: Vec<Trunk>,
    pub(super) route: Vec<Route>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listen {
    pub(super) udp: Option<Vec<Spanned<String>>>,
    pub(super) tcp: Option<Vec<Spanned<String>>>,
    pub(super) external_address: Option<Spanned<String>>,
    pub(super) rtp_address: Option<Spanned<String>>,
    pub(super) rtp_first_port: Option<Spanned<u16>>,
    pub(super) rtp_last_port: Option<Spanned<u16>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Calls {
    pub(super) realm: Option<Spanned<String>>,
    pub(super) ring_seconds: Option<Spanned<u64>>,
    pub(super) silence_seconds: Option<Spanned<u64>>,
    pub(super) max_calls: Option<Spanned<usize>>,
    pub(super) emergency: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Media {
    pub(super) forbidden: Vec<Spanned<String>>,
    pub(super) allowed: Vec<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Guard {
    pub(super) trusted: Option<Vec<Spanned<String>>>,
    pub(super) requests_per_second: Option<Spanned<u64>>,
    pub(super) requests_burst: Option<Spanned<u64>>,
    pub(super) strangers_per_second: Option<Spanned<u64>>,
    pub(super) strangers_burst: Option<Spanned<u64>>,
    pub(super) ban_failures: Option<u32>,
    pub(super) ban_window_seconds: Option<Spanned<u64>>,
    pub(super) ban_seconds: Option<Spanned<u64>>,
    pub(super) scanners: Option<Vec<Spanned<String>>>,
    pub(super) target_ms: Option<Spanned<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Watch {
    pub(super) http: Option<Spanned<String>>,
    pub(super) hep: Option<Spanned<String>>,
    pub(super) hep_agent: Option<u32>,
    pub(super) kept_messages_kib: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    pub(super) number: Spanned<String>,
    #[serde(default)]
    pub(super) name: String,
    pub(super) password: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) number: Spanned<String>,
    pub(super) kind: ServiceKind,
    pub(super) menu: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ServiceKind {
    Echo,
    Menu,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Menu {
    pub(super) name: Spanned<String>,
    pub(super) greeting: Option<Spanned<String>>,
    pub(super) keys: std::collections::BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) direct_digits: Option<Spanned<usize>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trunk {
    pub(super) name: Spanned<String>,
    pub(super) address: Spanned<String>,
    #[serde(default)]
    pub(super) transport: Transport,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Transport {
    #[default]
    Udp,
    Tcp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) pattern: Spanned<String>,
    pub(super) trunk: Spanned<String>,
    #[serde(default)]
    pub(super) strip: usize,
    #[serde(default)]
    pub(super) prefix: String,
    #[serde(default)]
    pub(super) from: Vec<Spanned<String>>,
}
