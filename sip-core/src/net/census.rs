//! How many connections there are, in all and of each peer, and their numbers.

use core::net::IpAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::flow::ConnectionId;

/// What accepting tasks share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    next: AtomicU64,
    refused: AtomicU64,
    open: Mutex<Census>,
}

#[derive(Debug, Default)]
struct Census {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// A place in the census, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    peer: IpAddr,
}

impl Shared {
    pub(super) fn next_id(&self) -> ConnectionId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        ConnectionId { index: number as u32, generation: (number >> 32) as u32 }
    }
}

impl Shared {
    /// Counts a connection that the system did not let us accept.
    pub(super) fn count_failure(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn shrink(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).each.shrink_to_fit();
    }

    pub(super) fn failures(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Place {
    /// `None` when there is no more room, in all or for this peer.
    pub(super) fn take(
        shared: &Arc<Shared>,
        peer: IpAddr,
        all: usize,
        each: Option<usize>,
    ) -> Option<Self> {
        let mut census = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = census.each.get(&peer).copied().unwrap_or(0);
        if census.all >= all || each.is_some_and(|each| own >= each) {
            return None;
        }
        census.all += 1;
        census.each.insert(peer, own + 1);
        Some(Self { shared: Arc::clone(shared), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut census = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        census.all -= 1;
        if let Some(own) = census.each.get_mut(&self.peer) {
            *own -= 1;
            if *own == 0 {
                census.each.remove(&self.peer);
            }
        }
    }
}
