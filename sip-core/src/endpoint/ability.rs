//! Which extensions an endpoint has: those whose option tags its configuration supports.

use super::Config;

/// What [`Config::supported`] says, read once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    /// Reliable provisional responses (RFC 3262).
    pub(super) reliable: bool,
    /// Session timers (RFC 4028).
    pub(super) timer: bool,
    /// Replaces (RFC 3891).
    pub(super) replaces: bool,
    /// Join (RFC 3911).
    pub(super) join: bool,
    /// Target-Dialog (RFC 4538).
    pub(super) target: bool,
    /// Connected identity (RFC 4916).
    pub(super) from_change: bool,
    /// INFO packages (RFC 6086).
    pub(super) info_packages: bool,
    /// REFER without subscriptions (RFC 4488).
    pub(super) no_refer_sub: bool,
}

impl Abilities {
    pub(super) fn of(config: &Config) -> Self {
        let has = |tag: &str| {
            config.supported.iter().any(|known| known.as_str().eq_ignore_ascii_case(tag))
        };
        Self {
            reliable: has("100rel"),
            timer: has("timer"),
            no_refer_sub: has("norefersub"),
            replaces: has("replaces"),
            join: has("join"),
            target: has("tdialog"),
            from_change: has("from-change"),
            info_packages: !config.info_packages.is_empty(),
        }
    }
}
