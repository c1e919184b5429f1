use super::super::BATCH;

/// How many datagrams to ask a socket for.
///
/// To ask one that has no more costs nearly as much as to receive, and epoll tells of what was left. So a
/// socket is asked for one until it is ready time after time, which means that more come than are taken; then
/// for twice as many as long as it has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    next: u16,
    /// When it was asked last.
    round: u32,
    /// How often in a row it was ready for one.
    streak: u8,
    /// How long a row makes it worth asking for two.
    patience: u8,
}

/// The longest row that is waited for.
const MOST_PATIENCE: u8 = 64;

impl Default for Demand {
    fn default() -> Self {
        Self { next: 1, round: 0, streak: 0, patience: 1 }
    }
}

impl Demand {
    pub(super) fn next(&self) -> usize {
        self.next.into()
    }

    /// Notes that `received` of `wanted` were had when epoll had told of ready sockets `round` times.
    #[inline]
    pub(super) fn met(&mut self, round: u32, wanted: usize, received: usize) {
        let apart = round.wrapping_sub(self.round);
        self.round = round;
        if wanted > 1 {
            self.streak = 0;
            let next = match received {
                0 => wanted / 2,
                _ if received == wanted => wanted * 2,
                _ => received,
            };
            self.next = next.min(BATCH) as u16;
            self.patience = match next {
                1 => (self.patience * 2).min(MOST_PATIENCE),
                _ => 1,
            };
        } else if apart > 1 {
            self.streak = 0;
        } else {
            self.streak += 1;
            if self.streak >= self.patience {
                self.next = 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked for in each of `rounds` rounds when so many come between them, and what is left at last.
    fn asked(rounds: u32, come: usize) -> (Vec<usize>, usize) {
        let (mut demand, mut waiting) = (Demand::default(), 0);
        let asked = (10..10 + rounds).map(|round| {
            waiting += come;
            let wanted = demand.next();
            let received = wanted.min(waiting);
            waiting -= received;
            demand.met(round, wanted, received);
            wanted
        });
        (asked.collect(), waiting)
    }

    #[test]
    fn a_socket_with_much_is_asked_for_more_and_more() {
        let (asked, waiting) = asked(20, 40);
        assert_eq!(asked[..7], [1, 1, 2, 4, 8, 16, 32]);
        assert_eq!(asked.iter().max(), Some(&BATCH));
        assert!(waiting <= 40, "{waiting} are left");
    }

    #[test]
    fn a_socket_with_one_each_time_is_seldom_asked_for_two() {
        let (asked, waiting) = asked(1_000, 1);
        let vain = asked.iter().filter(|wanted| **wanted > 1).count();
        assert!(vain < 25, "{vain} in vain");
        assert_eq!(waiting, 0);
    }

    #[test]
    fn a_socket_that_is_ready_now_and_then_is_asked_for_one() {
        let mut demand = Demand::default();
        for round in (2..1_000).step_by(2) {
            demand.met(round, demand.next(), 1);
            assert_eq!(demand.next(), 1);
        }
    }

    #[test]
    fn what_was_asked_for_in_vain_is_halved() {
        let mut demand = Demand::default();
        let steps = [(1, 1, 2), (2, 2, 4), (4, 4, 8), (8, 0, 4), (4, 3, 3), (3, 1, 1), (1, 1, 1)];
        for (wanted, received, next) in steps {
            demand.met(1, wanted, received);
            assert_eq!(demand.next(), next);
        }
    }
}
