//! The targets of a request, one group after the other (RFC 3261 §16.6), and what they may fork into
//! (RFC 5393 §5.3.3).

use core::time::Duration;

use super::super::{MaxBreadth, forward};
use super::marked::Marked;
use super::{Branch, Proxy};
use crate::slab::Key;
use crate::{HeaderError, StatusCode};

impl Proxy {
    /// Whether all branches have failed and there are other targets.
    pub(super) fn is_stuck(&self, key: Key) -> bool {
        self.contexts.get(key).is_some_and(|context| {
            context.responses.is_over()
                && !context.responses.is_decided()
                && context.offered.is_empty()
                && !context.groups.is_empty()
        })
    }

    /// Sends to the next group, when no branch is open.
    pub(super) fn try_next(&mut self, now: Duration, key: Key) -> Result<(), HeaderError> {
        let Some(context) = self.contexts.get_mut(key) else { return Ok(()) };
        if context.closed || context.responses.is_decided() {
            return Ok(());
        }
        let Some(group) = context.groups.pop_front() else {
            self.fail(now, key, StatusCode::TEMPORARILY_UNAVAILABLE);
            return Ok(());
        };
        let (request, mark) = (context.request.clone(), context.mark);
        let taken: u32 = context.breadth.iter().map(|(_, breadth)| breadth).sum();
        let breadth = request.headers.typed::<MaxBreadth>().ok().flatten();
        let mut left = breadth.map_or(self.config.breadth, |b| b.0).saturating_sub(taken);
        if left == 0 && !context.responses.is_over() {
            // Once a branch has ended there is breadth again.
            context.groups.push_front(group);
            return Ok(());
        }
        if left == 0 {
            self.fail(now, key, StatusCode::MAX_BREADTH_EXCEEDED);
            return Ok(());
        }
        let most = self.config.branches.min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut open = u32::try_from(group.len().min(most)).unwrap_or(u32::MAX);
        let mut tried = 0;
        for hop in group.into_iter().take(most) {
            // Each branch may divide its part further.
            let share = left / open.max(1);
            (left, open) = (left - share, open.saturating_sub(1));
            let mut copy = match forward(&request, hop.target.as_ref(), &hop.record_route) {
                Ok(copy) => copy,
                Err(error) => {
                    self.fail(now, key, error.status());
                    return Err(error);
                }
            };
            copy.headers.set(MaxBreadth(share));
            let sent_by = self.config.address.on(&hop.flow);
            let mut branch = Marked::new(&mut *self.random, mark);
            let user = Branch::Of(key);
            let sent = self.transactions.send(now, copy, hop.flow, sent_by, &mut branch, user);
            if let (Ok(client), Some(context)) = (sent, self.contexts.get_mut(key)) {
                context.responses.add(now, client);
                context.open += 1;
                context.breadth.push((client, share));
                tried += 1;
            }
        }
        if tried == 0 {
            self.fail(now, key, StatusCode::SERVICE_UNAVAILABLE);
        }
        self.arm(key);
        Ok(())
    }
}
