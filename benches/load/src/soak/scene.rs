//! A call of a soak.

use std::collections::VecDeque;
use std::time::Duration;

use super::leg::Leg;
use super::script::{Act, Kind, Role};

/// One call from its beginning to its end, transfers included.
pub(super) struct Scene {
    pub(super) kind: Kind,
    pub(super) users: [String; 3],
    pub(super) begun: Duration,
    pub(super) script: VecDeque<Act>,
    /// What is under way.
    pub(super) act: Act,
    pub(super) legs: [Option<Leg>; 4],
    /// When the act is over, or is tried again.
    pub(super) wakes: Option<Duration>,
    pub(super) deadline: Duration,
    pub(super) tries: u8,
    pub(super) transferred: bool,
    /// Packets heard by the caller and by its partner when listening began.
    pub(super) heard: [u64; 2],
}

impl Scene {
    /// The RTP ports of the caller and of whom it should hear.
    pub(super) fn ports(&self) -> [u16; 2] {
        let partner = if self.transferred { Role::Target } else { Role::Callee };
        let port = |role: Role| self.legs[role as usize].as_ref().map_or(0, |leg| leg.port);
        [port(Role::Caller), port(partner)]
    }

    pub(super) fn name(&self) -> &'static str {
        Kind::ALL[self.kind as usize].1
    }
}

/// Who will be called by whom in a call of a kind.
pub(super) fn pairs(
    kind: Kind,
    [caller, callee, target]: &[String; 3],
) -> Vec<((String, String), Role)> {
    let mut pairs = vec![((caller.clone(), callee.clone()), Role::Callee)];
    match kind {
        Kind::Plain | Kind::Held => {}
        Kind::Blind => pairs.push(((caller.clone(), target.clone()), Role::Target)),
        Kind::Attended => pairs.push(((callee.clone(), target.clone()), Role::Target)),
    }
    pairs
}
