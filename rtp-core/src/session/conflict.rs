//! SSRC collisions and loops (RFC 3550 section 8.2).

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// Addresses that are remembered; the one that was quiet for the longest gives way.
const MAX_ADDRESSES: usize = 8;

/// Why packets with our own SSRC come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Another participant has chosen it, too. We have another one now; the old one's goodbye is in
    /// the next report.
    Collision {
        /// The SSRC that both had.
        old: crate::Ssrc,
        /// Ours from now on.
        new: crate::Ssrc,
    },
    /// It comes from an address that we have made way for before: those are our own packets that
    /// find their way back. They are to be dropped; another SSRC would not help.
    Loop,
}

/// The addresses from which our own SSRC came.
#[derive(Debug)]
pub(super) struct Conflicts {
    seen: Vec<(SocketAddr, Duration)>,
}

impl Conflicts {
    pub(super) fn new() -> Conflicts {
        Conflicts { seen: Vec::new() }
    }

    /// Our SSRC came from `address`: has it before, within `memory`?
    pub(super) fn is_known(
        &mut self,
        now: Duration,
        address: SocketAddr,
        memory: Duration,
    ) -> bool {
        self.seen.retain(|&(_, at)| now.saturating_sub(at) <= memory);
        if let Some((_, at)) = self.seen.iter_mut().find(|(known, _)| *known == address) {
            *at = now;
            return true;
        }
        if self.seen.len() == MAX_ADDRESSES
            && let Some(oldest) = self.seen.iter().enumerate().min_by_key(|(_, (_, at))| *at)
        {
            let index = oldest.0;
            self.seen.swap_remove(index);
        }
        self.seen.push((address, now));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_forgotten_and_bounded() {
        let at = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let minute = Duration::from_secs(60);
        let mut conflicts = Conflicts::new();
        assert!(!conflicts.is_known(Duration::ZERO, at(1), minute));
        assert!(conflicts.is_known(minute, at(1), minute));
        assert!(conflicts.is_known(2 * minute, at(1), minute));
        assert!(!conflicts.is_known(4 * minute, at(1), minute));
        for port in 0..1_000 {
            assert!(!conflicts.is_known(5 * minute, at(10 + port), minute));
        }
        assert_eq!(conflicts.seen.len(), MAX_ADDRESSES);
    }
}
