//! Responses to the branches of one request, and which of them goes back (RFC 3261 §16.7, §16.8).

use core::time::Duration;

use crate::header::{ProxyAuthenticate, WwwAuthenticate};
use crate::{HeaderName, Response, StatusCode};

/// The branches that a request was forwarded to. `B` names them.
///
/// ```text
///   1xx ───────────────> forwarded, timer C starts again
///   2xx ───────────────> forwarded, all others cancelled
///   6xx ───────────────> all others cancelled, forwarded when they are over
///   3xx 4xx 5xx ───────> kept; the best is forwarded when all are over
/// ```
#[derive(Debug)]
pub struct ResponseContext<B> {
    invite: bool,
    timer_c: Duration,
    after_cancel: Duration,
    branches: Vec<Branch<B>>,
    finals: Vec<Response>,
    /// A final response has gone back.
    decided: bool,
}

#[derive(Debug)]
struct Branch<B> {
    id: B,
    over: bool,
    ringing: bool,
    cancelled: bool,
    /// When timer C fires, or waiting for the end of a cancelled branch ends.
    deadline: Option<Duration>,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step<B> {
    /// Send this back.
    Forward(Response),
    /// Cancel this branch: as soon as it has answered provisionally, as always.
    Cancel(B),
    /// Treat this branch as timed out.
    GiveUp(B),
}

impl<B: Clone + PartialEq> ResponseContext<B> {
    /// A context without branches yet. `timer_c` must be more than 3 minutes for an INVITE; other
    /// requests have no such timer. A branch that was cancelled gets `after_cancel`, 64*T1, for
    /// its final response (§9.1).
    pub fn new(invite: bool, timer_c: Duration, after_cancel: Duration) -> Self {
        Self {
            invite,
            timer_c,
            after_cancel,
            branches: Vec::new(),
            finals: Vec::new(),
            decided: false,
        }
    }

    /// The request was sent to one more branch.
    pub fn add(&mut self, now: Duration, id: B) {
        let deadline = self.invite.then_some(now + self.timer_c);
        self.branches.push(Branch { id, over: false, ringing: false, cancelled: false, deadline });
    }

    /// Whether every branch has its final response.
    pub fn is_over(&self) -> bool {
        self.branches.iter().all(|branch| branch.over)
    }

    /// Whether a final response has gone back.
    pub fn is_decided(&self) -> bool {
        self.decided
    }

    /// A response has come on a branch, our Via already off. `more` says that other targets are
    /// still to be tried should all of these fail.
    pub fn handle_response(
        &mut self,
        now: Duration,
        id: &B,
        response: Response,
        more: bool,
    ) -> Vec<Step<B>> {
        let timer_c = self.timer_c;
        let status = response.status;
        let Some(branch) = self.branches.iter_mut().find(|branch| branch.id == *id) else {
            return Vec::new();
        };
        if status.is_provisional() {
            if branch.over {
                return Vec::new();
            }
            branch.ringing = true;
            // 100 says no more than that the next hop has it (§16.7, step 2).
            if status != StatusCode::TRYING && !branch.cancelled && branch.deadline.is_some() {
                branch.deadline = Some(now + timer_c);
            }
            let tells = status != StatusCode::TRYING && !self.decided;
            return if tells { vec![Step::Forward(response)] } else { Vec::new() };
        }
        let repeated = core::mem::replace(&mut branch.over, true);
        branch.deadline = None;
        if status.is_success() {
            // Every 2xx to an INVITE goes back, also after another (§16.7, step 5).
            if !self.invite && core::mem::replace(&mut self.decided, true) {
                return Vec::new();
            }
            self.decided = true;
            let mut steps = vec![Step::Forward(response)];
            steps.extend(self.cancel(now));
            return steps;
        }
        if repeated {
            return Vec::new();
        }
        let global = status.class() == 6;
        self.finals.push(response);
        let mut steps = if global { self.cancel(now) } else { Vec::new() };
        steps.extend(self.decide(more && !global));
        steps
    }

    /// A branch has ended in a redirection that is followed: its response does not count, the
    /// targets that it names take its place (§16.7, step 4).
    pub fn redirected(&mut self, id: &B) {
        if let Some(branch) = self.branches.iter_mut().find(|branch| branch.id == *id) {
            branch.over = true;
            branch.deadline = None;
        }
    }

    /// Lets a response count that belongs to no open branch: what a redirection leaves, or one that
    /// is not followed after all.
    pub fn keep(&mut self, response: Response, more: bool) -> Option<Step<B>> {
        self.finals.push(response);
        self.decide(more)
    }

    /// Cancels what is still open: the request was cancelled, or its outcome is known (§16.10).
    pub fn cancel(&mut self, now: Duration) -> Vec<Step<B>> {
        let deadline = now + self.after_cancel;
        if !self.invite {
            return Vec::new();
        }
        let open = self.branches.iter_mut().filter(|branch| !branch.over && !branch.cancelled);
        open.map(|branch| {
            branch.cancelled = true;
            branch.deadline = Some(deadline);
            Step::Cancel(branch.id.clone())
        })
        .collect()
    }

    /// Timer C (§16.8): a branch that rang for too long is cancelled; one that never answered, or
    /// did not end when it was cancelled, is given up.
    pub fn handle_timeout(&mut self, now: Duration) -> Vec<Step<B>> {
        let mut steps = Vec::new();
        for branch in &mut self.branches {
            if branch.deadline.is_none_or(|deadline| deadline > now) {
                continue;
            }
            branch.deadline = None;
            if branch.ringing && !branch.cancelled {
                branch.cancelled = true;
                branch.deadline = Some(now + self.after_cancel);
                steps.push(Step::Cancel(branch.id.clone()));
            } else {
                steps.push(Step::GiveUp(branch.id.clone()));
            }
        }
        steps
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.branches.iter().filter_map(|branch| branch.deadline).min()
    }

    fn decide(&mut self, more: bool) -> Option<Step<B>> {
        if self.decided || more || !self.is_over() {
            return None;
        }
        let best = choose(&self.finals)?;
        let mut best = self.finals.swap_remove(best);
        self.decided = true;
        match best.status {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                self.gather_challenges(&mut best);
            }
            // That one hop is overloaded does not say that we are (§16.7, step 6).
            StatusCode::SERVICE_UNAVAILABLE => {
                let plain = Response::new(StatusCode::SERVER_INTERNAL_ERROR);
                best.headers.remove(HeaderName::RetryAfter);
                (best.status, best.reason) = (plain.status, plain.reason);
            }
            _ => {}
        }
        Some(Step::Forward(best))
    }

    /// Puts the challenges of every branch into the response that goes back (§16.7, step 7).
    fn gather_challenges(&self, best: &mut Response) {
        for other in &self.finals {
            if matches!(
                other.status,
                StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            ) {
                for challenge in other.headers.all::<WwwAuthenticate>().flatten() {
                    best.headers.push(challenge);
                }
                for challenge in other.headers.all::<ProxyAuthenticate>().flatten() {
                    best.headers.push(challenge);
                }
            }
        }
    }
}

/// The place of the best final response (§16.7, step 6): any 6xx, else one of the lowest class; of
/// 4xx one that the caller can do something about.
fn choose(finals: &[Response]) -> Option<usize> {
    let rank = |status: StatusCode| {
        let class = if status.class() == 6 { 0 } else { status.class() };
        let within = match status {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => 0,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::BAD_EXTENSION
            | StatusCode::ADDRESS_INCOMPLETE => 1,
            StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE => 3,
            _ => 2,
        };
        (class, within)
    };
    let ranked = finals.iter().enumerate().min_by_key(|(_, response)| rank(response.status));
    ranked.map(|(at, _)| at)
}
