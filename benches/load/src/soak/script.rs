//! What a call goes through.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sip_core::sdp::Direction;

/// Who takes part in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Who calls.
    Caller,
    /// Who is called, and may transfer the caller.
    Callee,
    /// To whom.
    Target,
    /// The callee again, in its call with the target.
    Consultation,
}

impl Role {
    pub(crate) const ALL: [Self; 4] =
        [Self::Caller, Self::Callee, Self::Target, Self::Consultation];
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Talk.
    Plain,
    /// One side holds the other and resumes.
    Held,
    /// The callee holds and transfers by REFER.
    Blind,
    /// The callee holds, calls the target, and transfers by REFER with Replaces.
    Attended,
}

impl Kind {
    pub(crate) const ALL: [(Self, &'static str); 4] = [
        (Self::Plain, "plain"),
        (Self::Held, "held and resumed"),
        (Self::Blind, "transferred blind"),
        (Self::Attended, "transferred attended"),
    ];

    /// A fifth is held, three twentieths each are transferred one way and the other.
    pub(crate) fn of(chance: u32) -> Self {
        match chance % 20 {
            0..=3 => Self::Held,
            4..=6 => Self::Blind,
            7..=9 => Self::Attended,
            _ => Self::Plain,
        }
    }
}

/// A step of a call.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Act {
    /// The caller calls the callee.
    Call,
    /// Time passes.
    Wait(Duration),
    /// A re-INVITE of one's, and what it lets flow.
    Direct(Role, Direction),
    /// The callee calls the target.
    Consult,
    /// The callee refers the caller to the target.
    Refer,
    /// What is heard counts from now.
    Listen,
    /// Who should be heard has to have been.
    Check,
    /// One side hangs up.
    HangUp(Role),
}

/// How long is listened before a call ends.
const LISTEN: Duration = Duration::from_millis(2_000);
/// A word with the target before the transfer.
const CONSULTATION: Duration = Duration::from_millis(1_500);

/// The steps of a call of a kind that lasts about `hold`, and not less than it takes to listen.
pub(crate) fn script(kind: Kind, hold: Duration, chance: u32) -> VecDeque<Act> {
    let free = hold.saturating_sub(LISTEN);
    let third = free / 3;
    let other =
        if matches!(kind, Kind::Blind | Kind::Attended) { Role::Target } else { Role::Callee };
    let ends = if chance & 1 == 0 { Role::Caller } else { other };
    let holds = if chance & 2 == 0 { Role::Caller } else { Role::Callee };
    let mut script = vec![Act::Call];
    match kind {
        Kind::Plain => script.push(Act::Wait(free)),
        Kind::Held => script.extend([
            Act::Wait(third),
            Act::Direct(holds, Direction::SendOnly),
            Act::Wait(third),
            Act::Direct(holds, Direction::SendRecv),
            Act::Wait(third),
        ]),
        Kind::Blind => script.extend([
            Act::Wait(third),
            Act::Direct(Role::Callee, Direction::SendOnly),
            Act::Refer,
            Act::Wait(2 * third),
        ]),
        Kind::Attended => script.extend([
            Act::Wait(third),
            Act::Direct(Role::Callee, Direction::SendOnly),
            Act::Consult,
            Act::Wait(CONSULTATION),
            Act::Refer,
            Act::Wait((2 * third).saturating_sub(CONSULTATION)),
        ]),
    }
    script.extend([Act::Listen, Act::Wait(LISTEN), Act::Check, Act::HangUp(ends)]);
    script.into()
}

/// When calls begin, the last first: at random times, as people call.
pub(crate) fn schedule(rate: f64, length: Duration, seed: u64) -> Vec<Duration> {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let count = (rate * length.as_secs_f64()) as usize;
    let mut share = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut times: Vec<Duration> = (0..count).map(|_| length.mul_f64(share())).collect();
    times.sort_unstable_by(|one, other| other.cmp(one));
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_calls_listens_checks_and_ends() {
        for (kind, name) in Kind::ALL {
            for chance in 0..4 {
                let script = script(kind, Duration::from_secs(15), chance);
                assert_eq!(script.front(), Some(&Act::Call), "{name}");
                assert!(matches!(script.back(), Some(Act::HangUp(_))), "{name}");
                assert!(script.contains(&Act::Check), "{name}");
                let waits = script.iter().filter_map(|act| match act {
                    Act::Wait(time) => Some(*time),
                    _ => None,
                });
                let all: Duration = waits.sum();
                assert!(all <= Duration::from_secs(15) && all > Duration::from_secs(14), "{name}");
            }
        }
    }

    #[test]
    fn kinds_have_their_shares() {
        let count = |kind| (0..20).filter(|chance| Kind::of(*chance) == kind).count();
        assert_eq!(Kind::ALL.map(|(kind, _)| count(kind)), [10, 4, 3, 3]);
    }

    #[test]
    fn calls_begin_within_their_time_as_the_seed_says() {
        let times = schedule(10.0, Duration::from_secs(5), 3);
        assert_eq!(times.len(), 50);
        assert!(times.is_sorted_by(|one, next| one >= next));
        assert_eq!(times, schedule(10.0, Duration::from_secs(5), 3));
    }
}
