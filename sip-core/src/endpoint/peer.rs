//! What the peer of a dialog has said that it can do.

use super::ability::Abilities;
use crate::header::{Allow, RecvInfo, Supported};
use crate::text::Token;
use crate::{HeaderName, Headers, Method};

/// What the peer has said in INVITE, UPDATE or their responses.
#[derive(Clone, Default, Debug)]
pub(super) struct Peer {
    /// It takes UPDATE (RFC 3311 §4).
    pub(super) update: bool,
    /// It takes another From in the course of a dialog (RFC 4916).
    pub(super) from_change: bool,
    /// The INFO packages that it takes (RFC 6086 §5.2.3).
    pub(super) packages: Vec<Token>,
}

impl Peer {
    /// What an INVITE says; `None` when no extension of ours wants to know.
    pub(super) fn of(abilities: &Abilities, headers: &Headers) -> Option<Self> {
        let Abilities { timer, from_change, info_packages, .. } = abilities;
        (*timer || *from_change || *info_packages).then(|| {
            let mut peer = Self::default();
            peer.learn(abilities, headers);
            peer
        })
    }

    /// Reads what one of our extensions wants to know; what is not said stays as it was.
    pub(super) fn learn(&mut self, abilities: &Abilities, headers: &Headers) {
        if abilities.timer
            && let Ok(Some(allow)) = headers.typed::<Allow>()
        {
            self.update = allow.contains(&Method::Update);
        }
        if abilities.from_change
            && let Ok(Some(supported)) = headers.typed::<Supported>()
        {
            self.from_change = supported.contains("from-change");
        }
        if abilities.info_packages
            && headers.contains(HeaderName::RecvInfo)
            && let Ok(Some(RecvInfo(packages))) = headers.typed::<RecvInfo>()
        {
            self.packages = packages.into_iter().map(|info| info.package).collect();
        }
    }
}
