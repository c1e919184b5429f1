//! Session timers (RFC 4028): agreeing on an interval and on who refreshes.
//!
//! ```text
//!   request: Session-Expires, Min-SE -----> too brief: 422 with Min-SE
//!                                    -----> 2xx: Session-Expires;refresher=...
//!   agreed --- half the interval ---> the refresher sends UPDATE or re-INVITE ---> agreed again
//!      |
//!      +--- nobody refreshed: the interval less the lesser of 32 s and a third ---> BYE
//! ```

use core::time::Duration;

use crate::header::{MinSe, Refresher, Require, SessionExpires, Supported};
use crate::text::Token;
use crate::{HeaderError, Headers};

/// The option tag.
pub(crate) const TIMER: Token = Token::from_static("timer");

/// The least interval that the standard knows, in seconds (§4).
pub const LEAST: u32 = 90;

/// What we ask for and agree to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The interval that we ask for, in seconds, at least `min`. Default 1,800.
    pub interval: u32,
    /// The shortest interval that we agree to, in seconds, at least 90. Default 90.
    pub min: u32,
    /// Who refreshes, seen from the side that sends the request, when the peer leaves it to us. By default
    /// the side that sent it, if it can.
    pub refresher: Refresher,
    /// Whether the endpoint refreshes by re-INVITE where the peer takes no UPDATE, offering what we
    /// said last (§7.4). Default `true`; else its user is asked to.
    pub re_invite: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval: 1800, min: LEAST, refresher: Refresher::Uac, re_invite: true }
    }
}

impl Settings {
    fn min(&self) -> u32 {
        self.min.max(LEAST)
    }
}

/// Who sends the refreshes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// We do.
    Ours,
    /// The peer does.
    Theirs,
}

/// What both sides have agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Agreed {
    /// Seconds.
    pub interval: u32,
    /// Who refreshes.
    pub refresher: Side,
}

impl Agreed {
    /// How long after the last refresh the next one is due (§10).
    pub fn refresh_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.interval)) / 2
    }

    /// How long after the last refresh the session is given up (§10).
    pub fn expire_after(&self) -> Duration {
        let interval = Duration::from_secs(u64::from(self.interval));
        interval - (interval / 3).min(Duration::from_secs(32))
    }
}

/// What a request says about the session's length.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Asked {
    /// Session-Expires.
    pub interval: Option<u32>,
    /// Its refresher.
    pub refresher: Option<Refresher>,
    /// Min-SE; 90 without one.
    pub min: u32,
    /// Whether the sender knows session timers.
    pub knows: bool,
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// A header is malformed.
    pub fn read(headers: &Headers) -> Result<Self, HeaderError> {
        let expires = headers.typed::<SessionExpires>()?;
        let min = headers.typed::<MinSe>()?.map_or(LEAST, |min| min.seconds);
        let supported = headers.typed::<Supported>()?.is_some_and(|tags| tags.contains("timer"));
        let required = headers.typed::<Require>()?.is_some_and(|tags| tags.contains("timer"));
        Ok(Self {
            interval: expires.as_ref().map(|expires| expires.seconds),
            refresher: expires.as_ref().and_then(SessionExpires::refresher),
            min,
            knows: supported || required,
        })
    }

    /// The Min-SE of the 422 that this request deserves, if it does (§8.1, §9).
    pub fn too_brief(&self, settings: &Settings) -> Option<u32> {
        let brief = self.interval.is_some_and(|interval| interval < settings.min());
        (brief && self.knows).then_some(settings.min())
    }

    /// What we, the UAS, agree to in a 2xx (§9).
    pub fn agree(&self, settings: &Settings) -> Agreed {
        let floor = self.min.max(settings.min());
        let own = settings.interval.max(floor);
        let interval = self.interval.map_or(own, |asked| asked.min(own).max(floor));
        let refresher = match (self.knows, self.refresher) {
            // Who knows no session timers cannot refresh.
            (false, _) => Refresher::Uas,
            (true, Some(refresher)) => refresher,
            (true, None) => settings.refresher,
        };
        let refresher = if refresher == Refresher::Uas { Side::Ours } else { Side::Theirs };
        Agreed { interval, refresher }
    }
}

/// Writes into a request what we ask for: the first of a session, or a refresh of `agreed`; `min` is
/// what a 422 has told us.
pub fn ask(settings: &Settings, agreed: Option<Agreed>, min: u32, headers: &mut Headers) {
    let min = min.max(settings.min());
    if !headers.contains(crate::HeaderName::SessionExpires) {
        let interval = agreed.map_or(settings.interval, |agreed| agreed.interval).max(min);
        let mut expires = SessionExpires::new(interval);
        if let Some(agreed) = agreed {
            // A refresh keeps the roles (§7.4).
            expires = expires.with_refresher(match agreed.refresher {
                Side::Ours => Refresher::Uac,
                Side::Theirs => Refresher::Uas,
            });
        }
        headers.push(expires);
    }
    if min > LEAST && !headers.contains(crate::HeaderName::MinSe) {
        headers.push(MinSe::new(min));
    }
}

/// Writes into our 2xx what we agree to.
pub fn answer(agreed: Agreed, headers: &mut Headers) {
    let refresher = match agreed.refresher {
        Side::Ours => Refresher::Uas,
        Side::Theirs => Refresher::Uac,
    };
    headers.set(SessionExpires::new(agreed.interval).with_refresher(refresher));
    if agreed.refresher == Side::Theirs {
        require(headers, TIMER);
    }
}

/// What the peer's 2xx agrees to; `None` is no session timer (§7.2).
pub fn agreed(headers: &Headers) -> Option<Agreed> {
    let expires = headers.typed::<SessionExpires>().ok()??;
    let refresher = match expires.refresher() {
        Some(Refresher::Uas) => Side::Theirs,
        // §7.2: with none named it is up to us, who asked.
        Some(Refresher::Uac) | None => Side::Ours,
    };
    Some(Agreed { interval: expires.seconds.max(LEAST), refresher })
}

/// Adds an option tag to Require.
pub(crate) fn require(headers: &mut Headers, tag: Token) {
    let mut required = headers.typed::<Require>().ok().flatten().unwrap_or_default();
    if !required.contains(tag.as_str()) {
        required.0.push(tag);
        headers.set(required);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(interval: Option<u32>, refresher: Option<Refresher>, min: u32, knows: bool) -> Asked {
        Asked { interval, refresher, min, knows }
    }

    /// The table of §9: what the UAC says against what it can.
    #[test]
    fn refreshers_follow_the_table() {
        let settings = Settings::default();
        let side = |knows, refresher| {
            asked(Some(1800), refresher, LEAST, knows).agree(&settings).refresher
        };
        assert_eq!(side(false, None), Side::Ours);
        assert_eq!(side(false, Some(Refresher::Uac)), Side::Ours);
        assert_eq!(side(true, Some(Refresher::Uac)), Side::Theirs);
        assert_eq!(side(true, Some(Refresher::Uas)), Side::Ours);
        assert_eq!(side(true, None), Side::Theirs);
    }

    #[test]
    fn intervals_stay_between_both_limits() {
        let settings = Settings { interval: 600, min: 120, ..Settings::default() };
        let agree = |interval, min| asked(interval, None, min, true).agree(&settings).interval;
        assert_eq!(agree(Some(1800), 90), 600, "shortened to ours");
        assert_eq!(agree(Some(300), 90), 300, "theirs is shorter");
        assert_eq!(agree(Some(1800), 900), 900, "not below their least");
        assert_eq!(agree(None, 90), 600);
        assert_eq!(asked(Some(100), None, 90, true).too_brief(&settings), Some(120));
        assert_eq!(asked(Some(100), None, 90, false).too_brief(&settings), None);
        assert_eq!(asked(Some(120), None, 90, true).too_brief(&settings), None);
    }

    #[test]
    fn times_of_the_standard() {
        let agreed = |interval| Agreed { interval, refresher: Side::Ours };
        assert_eq!(agreed(1800).refresh_after(), Duration::from_secs(900));
        assert_eq!(agreed(1800).expire_after(), Duration::from_secs(1768));
        assert_eq!(agreed(90).expire_after(), Duration::from_secs(60));
    }
}
