//! When to send RTCP (RFC 3550 sections 6.2, 6.3 and appendix A.7).
//!
//! ```text
//!            now >= next                    written
//!   Waiting ------------> reconsidered ----> Due -----> Waiting
//!      ^                       | the group has grown
//!      +-----------------------+
//! ```

use core::time::Duration;

use rand_core::Rng;

/// How the report traffic is bounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduleLimits {
    /// What all members together may spend on RTCP, in octets a second: by RFC 3550 section 6.2
    /// 5 % of the session's bandwidth.
    pub bandwidth: f64,
    /// The least mean time between two reports; the RFC's is 5 s, halved before the first.
    pub minimum: Duration,
}

impl Default for ScheduleLimits {
    /// For one G.711 stream of 80 kbit/s with its IP headers: 500 octets a second; 5 s.
    fn default() -> ScheduleLimits {
        ScheduleLimits { bandwidth: 500.0, minimum: Duration::from_secs(5) }
    }
}

/// Who takes part, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// All members, ourselves included; at least 1.
    pub members: u32,
    /// Those that send RTP, ourselves included when we do.
    pub senders: u32,
    /// Have we sent RTP since the report before the last?
    pub we_sent: bool,
}

/// The timer of one participant's reports.
#[derive(Debug, Clone)]
pub struct Schedule {
    limits: ScheduleLimits,
    /// `tp`: when the last report was sent.
    previous: Duration,
    /// `tn`: when the next one is considered.
    next: Duration,
    /// `pmembers`: how many members there were when `next` was computed.
    members_prior: u32,
    initial: bool,
    average_size: f64,
    /// The random factor of the interval behind the report that is due.
    due: Option<f64>,
    /// Those of whose leaving we know since we began to leave, and ourselves.
    leaving: Option<u32>,
}

/// Reconsidering shortens the mean interval by this (RFC 3550 section 6.3.1).
const COMPENSATION: f64 = core::f64::consts::E - 1.5;

/// Fewer members than this leave at once (RFC 3550 section 6.3.7).
const BYE_BACKOFF_MEMBERS: u32 = 50;

/// Header octets of IPv4 and UDP, which count as RTCP traffic (RFC 3550 section 6.2).
const LOWER_LAYERS: usize = 28;

impl Schedule {
    /// A timer started at `now` by a participant that expects its first report to be `size` octets.
    pub fn new(
        limits: ScheduleLimits,
        now: Duration,
        size: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Schedule {
        let mut schedule = Schedule {
            limits,
            previous: now,
            next: now,
            members_prior: 1,
            initial: true,
            average_size: (size + LOWER_LAYERS) as f64,
            due: None,
            leaving: None,
        };
        let alone = Membership { members: 1, senders: 0, we_sent: false };
        schedule.next = now + schedule.interval(alone, uniform(rng));
        schedule
    }

    /// When to call [`Schedule::expire`]; `None` while a report is due.
    pub fn next(&self) -> Option<Duration> {
        self.due.is_none().then_some(self.next)
    }

    /// Is a report (or, when leaving, the goodbye) to be sent now?
    pub fn is_due(&self) -> bool {
        self.due.is_some()
    }

    /// Td: the mean interval before chance shifts it.
    pub fn deterministic_interval(&self, membership: Membership) -> Duration {
        let minimum = if self.initial { self.limits.minimum / 2 } else { self.limits.minimum };
        let members = f64::from(membership.members);
        let senders = f64::from(membership.senders);
        let mut bandwidth = self.limits.bandwidth;
        let mut sharing = members;
        if senders <= members * 0.25 {
            // Senders have a quarter of the bandwidth to themselves, so that their names and clocks
            // are known soon even in a large audience.
            if membership.we_sent {
                bandwidth *= 0.25;
                sharing = senders;
            } else {
                bandwidth *= 0.75;
                sharing = members - senders;
            }
        }
        let mean = seconds(self.average_size * sharing / bandwidth);
        mean.max(minimum)
    }

    /// The timer has run out: reconsiders it by the group as it is now. True when the report is
    /// due; [`Schedule::sent`] has to follow.
    pub fn expire(
        &mut self,
        now: Duration,
        membership: Membership,
        rng: &mut (impl Rng + ?Sized),
    ) -> bool {
        if self.due.is_some() {
            return true;
        }
        if now < self.next {
            return false;
        }
        let membership = self.effective(membership);
        self.next = self.previous + self.interval(membership, uniform(rng));
        self.members_prior = membership.members;
        if self.next <= now {
            self.due = Some(uniform(rng));
        }
        self.due.is_some()
    }

    /// The report that was due has been sent, `size` octets of RTCP.
    pub fn sent(&mut self, now: Duration, size: usize, membership: Membership) {
        self.average(size);
        self.previous = now;
        self.initial = false;
        if let Some(chance) = self.due.take() {
            let membership = self.effective(membership);
            self.next = now + self.interval(membership, chance);
        }
    }

    /// A compound of `size` octets came from someone.
    pub fn received(&mut self, size: usize) {
        if self.leaving.is_none() {
            self.average(size);
        }
    }

    /// Members have left and `members` remain, ourselves included: the next report comes sooner, so
    /// that those who stay do not time each other out (RFC 3550 section 6.3.4).
    pub fn members_left(&mut self, now: Duration, members: u32) {
        if self.leaving.is_some() || members >= self.members_prior {
            return;
        }
        let share = f64::from(members) / f64::from(self.members_prior);
        self.next = now + self.next.saturating_sub(now).mul_f64(share);
        self.previous = now.saturating_sub(now.saturating_sub(self.previous).mul_f64(share));
        self.members_prior = members;
    }

    /// We leave a group of `members` with a goodbye of `size` octets. A small group is left at
    /// once; in a large one goodbyes are spread, so that a mass departure is no flood.
    pub fn leave(
        &mut self,
        now: Duration,
        members: u32,
        size: usize,
        rng: &mut (impl Rng + ?Sized),
    ) {
        if members < BYE_BACKOFF_MEMBERS {
            self.leaving = Some(1);
            self.due = Some(uniform(rng));
            return;
        }
        self.leaving = Some(1);
        self.due = None;
        self.previous = now;
        self.members_prior = 1;
        self.initial = true;
        self.average_size = (size + LOWER_LAYERS) as f64;
        let alone = Membership { members: 1, senders: 0, we_sent: false };
        self.next = now + self.interval(alone, uniform(rng));
    }

    /// Someone else's goodbye came; while we are leaving ourselves it counts.
    pub fn bye_received(&mut self) {
        if let Some(members) = &mut self.leaving {
            *members = members.saturating_add(1);
        }
    }

    /// While leaving, only those count that leave, too.
    fn effective(&self, membership: Membership) -> Membership {
        match self.leaving {
            Some(members) => Membership { members, senders: 0, we_sent: false },
            None => membership,
        }
    }

    fn interval(&self, membership: Membership, chance: f64) -> Duration {
        self.deterministic_interval(membership).mul_f64((chance + 0.5) / COMPENSATION)
    }

    fn average(&mut self, size: usize) {
        self.average_size += ((size + LOWER_LAYERS) as f64 - self.average_size) / 16.0;
    }
}

/// A number from 0.0 to just below 1.0.
fn uniform(rng: &mut (impl Rng + ?Sized)) -> f64 {
    f64::from(rng.next_u32()) / 4_294_967_296.0
}

/// A configuration without bandwidth makes intervals long, never a panic.
fn seconds(seconds: f64) -> Duration {
    const YEAR: f64 = 31_557_600.0;
    if seconds.is_finite() {
        Duration::from_secs_f64(seconds.clamp(0.0, YEAR))
    } else {
        Duration::from_secs_f64(YEAR)
    }
}
