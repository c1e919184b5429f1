//! When a busy time is over, and what it has taken can be given back.
//!
//! Tables keep the room that they once needed, and many an allocator keeps what was freed. Both are let
//! go of in steps, whenever no more than a quarter is left of what there was: so it takes little each
//! time, and an exchange that is always somewhat busy gives back as well.

use std::time::Duration;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(5);
/// So few calls and transactions leave too little behind.
const FEW: usize = 32;

/// Watches how much there is to do.
#[derive(Debug, Default)]
pub(super) struct Calm {
    /// The most that there was since it became calm last.
    most: usize,
    look: Duration,
}

impl Calm {
    /// When to look, which may be done later. `None` while nothing has to be given back.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        (self.most > FEW).then_some(self.look)
    }

    /// Whether to look now.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.look
    }

    /// Takes how many entries the tables have; whether a busy time is over.
    pub(super) fn handle_timeout(&mut self, now: Duration, size: usize) -> bool {
        self.look = now + LOOK;
        let over = self.most > FEW && size <= self.most / 4;
        self.most = if over { size } else { self.most.max(size) };
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_becomes_calm_in_steps() {
        let mut calm = Calm::default();
        let mut now = Duration::ZERO;
        assert_eq!(calm.poll_timeout(), None);
        let mut look = |size| {
            assert!(calm.is_due(now));
            let over = calm.handle_timeout(now, size);
            assert!(!calm.is_due(now));
            now += LOOK;
            (over, calm.poll_timeout().is_some())
        };
        assert_eq!(look(10), (false, false));
        assert_eq!(look(1_000), (false, true));
        assert_eq!(look(251), (false, true));
        assert_eq!(look(250), (true, true), "a quarter is left");
        assert_eq!(look(250), (false, true), "nothing has become less");
        assert_eq!(look(300), (false, true));
        assert_eq!(look(75), (true, true));
        assert_eq!(look(0), (true, false), "nobody wakes for it any more");
    }
}
