//! A day of an office in virtual time: every record right, every table empty at the end.
//!
//! A debug build simulates a thousand calls, a release build ten thousand.

mod office;

use std::time::Duration;

use jiff::SignedDuration;
use office::Scene;
use pbx::call::Cause;
use pbx::directory::Party;
use pbx::record::{CallRecord, EndedBy};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use testkit::Answering;

const CALLS: usize = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
const PHONES: u8 = 40;
const DAY: u64 = 86_400;

/// What happens in one call.
#[derive(Clone, Copy, Debug)]
enum Course {
    Answered { after: u64, talk: u64, caller_hangs_up: bool },
    Busy,
    NobodyAnswers,
    GivenUp { after: u64 },
    UnknownNumber,
    Echo { talk: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    at: u64,
    caller: u8,
    callee: u8,
    course: Course,
}

impl Plan {
    fn seconds(&self) -> u64 {
        match self.course {
            Course::Answered { after, talk, .. } => after + talk,
            Course::Busy | Course::UnknownNumber => 0,
            Course::NobodyAnswers => 25,
            Course::GivenUp { after } => after,
            Course::Echo { talk } => talk,
        }
    }

    fn number(&self) -> String {
        match self.course {
            Course::UnknownNumber => "555".into(),
            Course::Echo { .. } => "600".into(),
            _ => extension(self.callee),
        }
    }

    /// What the record has to say; instants are compared to the second.
    fn expected(&self) -> (Cause, EndedBy, u16, Option<Party>, u64) {
        let callee = Some(Party::Extension(extension(self.callee)));
        match self.course {
            Course::Answered { talk, caller_hangs_up, .. } => {
                let by = if caller_hangs_up { EndedBy::Caller } else { EndedBy::Callee };
                (Cause::NORMAL_CLEARING, by, 200, callee, talk)
            }
            Course::Busy => (Cause::USER_BUSY, EndedBy::Callee, 486, None, 0),
            Course::NobodyAnswers => (Cause::NO_ANSWER, EndedBy::Exchange, 480, None, 0),
            Course::GivenUp { .. } => (Cause::NORMAL_CLEARING, EndedBy::Caller, 487, None, 0),
            Course::UnknownNumber => (Cause::UNALLOCATED_NUMBER, EndedBy::Exchange, 404, None, 0),
            Course::Echo { talk } => {
                let echo = Some(Party::Service("echo".into()));
                (Cause::NORMAL_CLEARING, EndedBy::Caller, 200, echo, talk)
            }
        }
    }
}

fn extension(n: u8) -> String {
    (100 + u16::from(n)).to_string()
}

/// Calls spread over the day, each between two telephones that are free for as long as it takes.
fn plans(seed: u64) -> Vec<Plan> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |n: u64| random.next_u64() % n;
    let mut free_at = [0u64; PHONES as usize + 1];
    let mut plans = Vec::with_capacity(CALLS);
    for n in 0..CALLS as u64 {
        let at = 10 + n * (DAY - 200) / CALLS as u64;
        let mut free: Vec<u8> =
            (1..=PHONES).filter(|phone| free_at[usize::from(*phone)] <= at).collect();
        assert!(free.len() >= 2, "too few telephones for so many calls");
        let caller = free.swap_remove(below(free.len() as u64) as usize);
        let callee = free[below(free.len() as u64) as usize];
        let course = match below(10) {
            0..=4 => Course::Answered {
                after: 1 + below(20),
                talk: 1 + below(90),
                caller_hangs_up: below(2) == 0,
            },
            5 => Course::Busy,
            6 => Course::NobodyAnswers,
            7 => Course::GivenUp { after: 1 + below(20) },
            8 => Course::UnknownNumber,
            _ => Course::Echo { talk: 1 + below(60) },
        };
        let plan = Plan { at, caller, callee, course };
        for phone in [caller, callee] {
            free_at[usize::from(phone)] = at + plan.seconds() + 2;
        }
        plans.push(plan);
    }
    plans
}

/// Runs the day and returns the records in the order in which the calls began.
fn run(seed: u64) -> Vec<CallRecord> {
    let mut scene = Scene::for_long(PHONES, seed);
    for plan in plans(seed) {
        let begin = Duration::from_secs(plan.at);
        let wait = begin - scene.world.now();
        scene.run_for(wait);
        scene.answering(
            plan.callee,
            match plan.course {
                Course::Answered { after, .. } => Answering::After(Duration::from_secs(after)),
                Course::Busy => Answering::Refuse(486),
                _ => Answering::Never,
            },
        );
        scene.act(plan.caller, |phone, now| phone.call(now, &plan.number()));
        let end = begin + Duration::from_secs(plan.seconds());
        match plan.course {
            Course::Answered { caller_hangs_up: false, .. } => {
                scene.act(plan.callee, |phone, _| phone.hang_up_at(end));
            }
            Course::Answered { .. } | Course::GivenUp { .. } | Course::Echo { .. } => {
                scene.act(plan.caller, |phone, _| phone.hang_up_at(end));
            }
            Course::Busy | Course::NobodyAnswers | Course::UnknownNumber => {}
        }
    }
    let rest = Duration::from_secs(DAY) - scene.world.now();
    scene.run_for(rest);
    scene.rest();
    let mut records = scene.office().records.clone();
    records.sort_by_key(|record| record.call);
    records
}

#[test]
fn every_record_is_right_and_nothing_is_left() {
    let seed = 1;
    let (plans, records) = (plans(seed), run(seed));
    assert_eq!(records.len(), plans.len());
    for (n, (plan, record)) in plans.iter().zip(&records).enumerate() {
        let found = (
            record.cause,
            record.ended_by,
            record.status,
            record.answered_by.clone(),
            record.billable_seconds(),
        );
        let (cause, by, status, answered_by, talk) = plan.expected();
        assert_eq!(
            (found.0, found.1, found.2, &found.3),
            (cause, by, status, &answered_by),
            "call {n}: {plan:?}, {record:?}"
        );
        // The answer takes some milliseconds of the way, so a talk of 60 s may count 59 whole ones.
        assert!(found.4 == talk || found.4 + 1 == talk, "call {n}: {} s of {plan:?}", found.4);
        assert_eq!(record.caller, Party::Extension(extension(plan.caller)));
        assert_eq!(record.dialled, plan.number());
        let started = office::epoch() + SignedDuration::from_secs(plan.at as i64);
        let off = record.started.duration_since(started).as_millis();
        assert!((0..1_000).contains(&off), "call {n} began {off} ms off");
        let length = record.ended.duration_since(record.started).as_millis() as u64;
        assert!(length.abs_diff(plan.seconds() * 1_000) < 1_000, "call {n}: {length} ms, {plan:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_day() {
    assert_eq!(run(2), run(2));
}
