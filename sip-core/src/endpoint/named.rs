//! INVITEs and other requests that name a dialog of ours: Replaces (RFC 3891), Join (RFC 3911) and
//! Target-Dialog (RFC 4538). Each is in force when its option tag, `replaces`, `join` or
//! `tdialog`, is in [`Config::supported`](super::Config::supported).

use core::time::Duration;
use std::collections::{HashSet, VecDeque};

use super::usage::Pending;
use super::{Endpoint, Event, ServerId, Wake, within};
use crate::dialog::{DialogId, DialogState, DialogTag, Role};
use crate::header::{Join, Replaces, TargetDialog};
use crate::keyed::KeyedHash;
use crate::{Method, Request, StatusCode};

/// How many dialogs that have ended are remembered.
const REMEMBERED: usize = 1024;

/// The dialog of ours that a request outside it names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Named {
    /// The INVITE takes its place. When it is answered 2xx the endpoint ends the other one and
    /// tells with [`Event::Replaced`]. Whether the sender may do so is for the user to say
    /// before (RFC 3891 §3, §8): with 401, 407 or 403.
    Replaces(DialogId),
    /// The INVITE joins it, usually in a conference that the user makes of both.
    Join(DialogId),
    /// The sender knows it: for the user a reason to allow what it asks for.
    Target(DialogId),
}

/// Dialogs that have ended a short time ago (RFC 3891 §3 tells them from those that never were).
#[derive(Debug)]
pub(super) struct Departed {
    known: HashSet<DialogTag, KeyedHash>,
    order: VecDeque<DialogTag>,
}

impl Departed {
    pub(super) fn new(hash: KeyedHash) -> Self {
        Self { known: HashSet::with_hasher(hash), order: VecDeque::new() }
    }

    pub(super) fn shrink(&mut self) {
        self.known.shrink_to_fit();
        self.order.shrink_to_fit();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.known.remove(&oldest);
        }
    }
}

impl Endpoint {
    /// The dialog that a request, one that [`Event::Request`] brought without a dialog of its own,
    /// names in Replaces, Join or Target-Dialog. `None` when it names none, or none that is here.
    pub fn named(&self, id: ServerId) -> Option<Named> {
        let named = self.transactions.server(id.0)?.setup.as_ref()?.named?;
        let (Named::Replaces(dialog) | Named::Join(dialog) | Named::Target(dialog)) = named;
        self.dialogs.contains(dialog.0).then_some(named)
    }

    /// Looks for what a request outside a dialog names; the status to refuse it with when that
    /// is not to be had (RFC 3891 §3, RFC 3911 §4).
    pub(super) fn find_named(&self, request: &Request) -> Result<Option<Named>, StatusCode> {
        let abilities = self.abilities;
        let headers = &request.headers;
        let broken = StatusCode::BAD_REQUEST;
        if request.method == Method::Invite && (abilities.replaces || abilities.join) {
            let replaces = headers.typed::<Replaces>().map_err(|_| broken)?;
            let join = headers.typed::<Join>().map_err(|_| broken)?;
            if replaces.is_some() && join.is_some() {
                return Err(broken);
            }
            if let Some(replaces) = replaces.filter(|_| abilities.replaces) {
                let tag =
                    DialogTag::new(replaces.call_id.as_str(), &replaces.to_tag, &replaces.from_tag);
                let dialog = self.match_call(&tag)?;
                let confirmed = self
                    .dialogs
                    .get(dialog.0)
                    .is_some_and(|usage| usage.dialog.state() == DialogState::Confirmed);
                if confirmed && replaces.early_only() {
                    return Err(StatusCode::BUSY_HERE);
                }
                return Ok(Some(Named::Replaces(dialog)));
            }
            if let Some(join) = join.filter(|_| abilities.join) {
                let tag = DialogTag::new(join.call_id.as_str(), &join.to_tag, &join.from_tag);
                return self.match_call(&tag).map(|dialog| Some(Named::Join(dialog)));
            }
        }
        if abilities.target
            && let Ok(Some(target)) = headers.typed::<TargetDialog>()
        {
            let tag =
                DialogTag::new(target.call_id.as_str(), &target.local_tag, &target.remote_tag);
            return Ok(self.dialog_tags.get(&tag).copied().map(Named::Target));
        }
        Ok(None)
    }

    /// The call with this tag: 481 without one, 603 when it has just ended.
    fn match_call(&self, tag: &DialogTag) -> Result<DialogId, StatusCode> {
        let Some(id) = self.dialog_tags.get(tag).copied() else {
            return Err(match self.departed.known.contains(tag) {
                true => StatusCode::DECLINE,
                false => StatusCode::CALL_DOES_NOT_EXIST,
            });
        };
        let Some(usage) = self.dialogs.get(id.0).filter(|usage| usage.call) else {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        };
        if usage.bye.is_some() {
            return Err(StatusCode::DECLINE);
        }
        // A call that rings here was not begun by us: another may not take it from outside.
        if usage.dialog.state() == DialogState::Early && usage.dialog.role() == Role::Callee {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        }
        Ok(id)
    }

    /// Remembers that a call has ended, for 64*T1.
    pub(super) fn remember_departed(&mut self, now: Duration, tag: DialogTag) {
        if !self.abilities.replaces && !self.abilities.join {
            return;
        }
        if self.departed.order.len() < REMEMBERED && self.departed.known.insert(tag.clone()) {
            self.departed.order.push_back(tag);
            let until = now + self.config.timing.timeout();
            self.timers.start(self.config.timing.grained(until), Wake::ForgetDeparted);
        }
    }

    /// An INVITE with Replaces was accepted: the call whose place it takes is ended.
    pub(super) fn replace(&mut self, now: Duration, old: DialogId, by: DialogId) {
        let Some(usage) = self.dialogs.get(old.0) else { return };
        let early = usage.dialog.state() == DialogState::Early;
        let bye = match usage.invite {
            Some(Pending::Ours(client)) if early => {
                let _ = self.cancel(now, client);
                None
            }
            _ => self.request_in(now, old, within(Method::Bye)).ok(),
        };
        self.events.push_back(Event::Replaced { dialog: old, by, bye });
    }
}
