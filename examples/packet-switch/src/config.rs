//! The router's file.

use std::net::IpAddr;

use serde::Deserialize;

/// Interfaces and routes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub interface: Vec<InterfaceConfig>,
    #[serde(default)]
    pub route: Vec<RouteConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceConfig {
    pub name: String,
    /// Own addresses with the length of the prefix that is reached directly: `192.0.2.1/24`.
    pub addresses: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    pub prefix: String,
    /// Next hops of equal cost, each on a network that is reached directly.
    pub via: Vec<IpAddr>,
    #[serde(default)]
    pub policy: PolicyConfig,
}

/// How flows are shared among next hops.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyConfig {
    #[default]
    Resilient,
    HashThreshold,
    Rendezvous,
}
