//! The file as it is written, before anything in it is understood.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PlanData {
    #[serde(default)]
    pub(super) start: Vec<Spanned<String>>,
    pub(super) schedules: Option<Vec<String>>,
    pub(super) tariff: Option<Spanned<String>>,
    pub(super) profile: Option<Spanned<ProfileData>>,
    #[serde(default)]
    pub(super) context: BTreeMap<String, Spanned<ContextData>>,
    #[serde(default)]
    pub(super) trunk: BTreeMap<String, Spanned<TrunkData>>,
    #[serde(default)]
    pub(super) route: BTreeMap<String, Spanned<RouteData>>,
    pub(super) emergency: Option<Spanned<EmergencyData>>,
    #[serde(default)]
    pub(super) caller_id: CallerIdData,
    #[serde(default)]
    pub(super) block: BlockData,
    #[serde(default)]
    pub(super) spending: Vec<Spanned<SpendingData>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ProfileData {
    pub(super) country: Spanned<String>,
    pub(super) name: Option<String>,
    pub(super) international_prefix: Option<Spanned<String>>,
    pub(super) trunk_prefix: Option<Spanned<String>>,
    pub(super) national_lengths: Option<[u32; 2]>,
    pub(super) national_first: Option<Spanned<String>>,
    pub(super) bare_national: Option<bool>,
    pub(super) bare_country_code: Option<bool>,
    pub(super) area: Option<Spanned<String>>,
    pub(super) local_length: Option<u32>,
    pub(super) emergency: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) short: Vec<ShortData>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShortData {
    pub(super) starts: Spanned<String>,
    pub(super) length: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextData {
    #[serde(default)]
    pub(super) include: Vec<Spanned<IncludeData>>,
    #[serde(default)]
    pub(super) extensions: BTreeMap<String, Spanned<TargetData>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a context's name, or { context, when }")]
pub(super) enum IncludeData {
    Name(String),
    When(WhenData),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenData {
    pub(super) context: String,
    pub(super) when: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name, or { external = \"number\" }")]
pub(super) enum TargetData {
    Local(String),
    External(ExternalData),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalData {
    pub(super) external: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrunkData {
    pub(super) number: Option<Spanned<String>>,
    pub(super) capacity: Option<u32>,
    pub(super) schedule: Option<String>,
    pub(super) failover: Option<Vec<u16>>,
    pub(super) timeout: Option<u64>,
    pub(super) tariff: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteData {
    pub(super) prefixes: Vec<Spanned<String>>,
    pub(super) policy: Option<PolicyData>,
    pub(super) trunks: Vec<Spanned<ChoiceData>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PolicyData {
    InOrder,
    LeastCost,
    Weighted,
    Percentage,
    RoundRobin,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a trunk's name, or { trunk, priority, weight, prefix, schedule, cost }"
)]
pub(super) enum ChoiceData {
    Name(String),
    Table(ChoiceTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceTable {
    pub(super) trunk: String,
    pub(super) priority: Option<u32>,
    pub(super) weight: Option<u32>,
    pub(super) prefix: Option<String>,
    pub(super) schedule: Option<String>,
    pub(super) cost: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct EmergencyData {
    #[serde(default)]
    pub(super) trunks: Vec<String>,
    pub(super) urn_number: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerIdData {
    pub(super) company: Option<Spanned<String>>,
    pub(super) forwarding: Option<ForwardingData>,
    #[serde(default)]
    pub(super) devices: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) directions: BTreeMap<String, Spanned<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ForwardingData {
    Own,
    Caller,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockData {
    #[serde(default)]
    pub(super) prefixes: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) allow: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpendingData {
    pub(super) window: u64,
    pub(super) amount: Spanned<String>,
}
