//! When a busy time is over, and what it has taken can be given back.
//!
//! Tables keep the room that they once needed, and many an allocator keeps what was freed. Both are let
//! go of in steps, whenever no more than a quarter is left of what there was: so it takes little each
//! time, and an exchange that is always somewhat busy gives back as well. The last step is taken when nothing
//! is left, or what is left stays, and other threads have had time for theirs.

use std::time::Duration;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(5);
/// So few calls, transactions and messages leave too little behind.
const FEW: usize = 32;
/// The last step comes no sooner after the one before it: by then the store has rested.
const REST: Duration = Duration::from_secs(10);
/// And no later: the transactions that were left are over by then.
const PATIENCE: Duration = Duration::from_secs(40);

/// What to give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Nothing yet.
    None,
    /// What is not needed any more.
    Some,
    /// The same for the last time: it has not become less since.
    Last,
}

/// Watches how much there is to do.
#[derive(Debug, Default)]
pub(super) struct Calm {
    /// The most that there was since it became calm last.
    most: usize,
    look: Duration,
    /// When the last step was taken but one.
    settles: Option<Duration>,
}

impl Calm {
    /// When to look, which may be done later. `None` while nothing has to be given back.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        (self.most > FEW || self.settles.is_some()).then_some(self.look)
    }

    /// Whether to look now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.look
    }

    /// Takes how much there is to do; what to give back now.
    pub(super) fn handle_timeout(&mut self, now: Duration, size: usize) -> Step {
        self.look = now + LOOK;
        self.most = self.most.max(size);
        if self.most > FEW && size <= self.most / 4 {
            (self.most, self.settles) = (size, Some(now));
            return Step::Some;
        }
        let rested = self.settles.map(|since| now.saturating_sub(since));
        if !rested.is_some_and(|rest| (size == 0 && rest >= REST) || rest >= PATIENCE) {
            return Step::None;
        }
        self.settles = None;
        Step::Last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Watch {
        calm: Calm,
        now: Duration,
    }

    impl Watch {
        /// Looks once; whether it gives back, and whether it looks again.
        fn look(&mut self, size: usize) -> (Step, bool) {
            assert!(self.calm.is_due(self.now));
            let over = self.calm.handle_timeout(self.now, size);
            assert!(!self.calm.is_due(self.now));
            self.now += LOOK;
            (over, self.calm.poll_timeout().is_some())
        }
    }

    #[test]
    fn it_becomes_calm_in_steps() {
        let mut watch = Watch { calm: Calm::default(), now: Duration::ZERO };
        assert_eq!(watch.calm.poll_timeout(), None);
        assert_eq!(watch.look(10), (Step::None, false));
        assert_eq!(watch.look(1_000), (Step::None, true));
        assert_eq!(watch.look(251), (Step::None, true));
        assert_eq!(watch.look(250), (Step::Some, true), "a quarter is left");
        assert_eq!(watch.look(250), (Step::None, true), "nothing has become less");
        assert_eq!(watch.look(300), (Step::None, true));
        assert_eq!(watch.look(75), (Step::Some, true));
        assert_eq!(watch.look(0), (Step::Some, true));
        assert_eq!(watch.look(0), (Step::None, true), "others have not rested yet");
        assert_eq!(watch.look(0), (Step::Last, false), "nobody wakes for it any more");
        assert_eq!(watch.look(0), (Step::None, false));
    }

    #[test]
    fn the_last_step_does_not_wait_for_what_always_goes_on() {
        let mut watch = Watch { calm: Calm::default(), now: Duration::ZERO };
        assert_eq!(watch.look(1_000), (Step::None, true));
        assert_eq!(watch.look(20), (Step::Some, true));
        for _ in 0..7 {
            assert_eq!(watch.look(20), (Step::None, true));
        }
        assert_eq!(watch.look(20), (Step::Last, false));
        assert_eq!(watch.look(1_000), (Step::None, true), "and it begins anew");
        assert_eq!(watch.look(200), (Step::Some, true));
        for size in 200..207 {
            assert_eq!(watch.look(size), (Step::None, true));
        }
        assert_eq!(watch.look(200), (Step::Last, true), "registrations that go on");
        assert_eq!(watch.look(200), (Step::None, true));
        assert_eq!(watch.look(40), (Step::Some, true));
        assert_eq!(watch.look(10), (Step::Some, true), "the last step is put off");
        assert_eq!(watch.look(0), (Step::None, true));
        assert_eq!(watch.look(0), (Step::Last, false));
    }
}
