//! Which extensions an endpoint has: those whose option tags its configuration supports.

use super::Config;

/// What [`Config::supported`] says, read once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    /// Reliable provisional responses (RFC 3262).
    pub(super) reliable: bool,
    /// Session timers (RFC 4028).
    pub(super) timer: bool,
}

impl Abilities {
    pub(super) fn of(config: &Config) -> Self {
        let has = |tag: &str| {
            config.supported.iter().any(|known| known.as_str().eq_ignore_ascii_case(tag))
        };
        Self { reliable: has("100rel"), timer: has("timer") }
    }
}
