//! A master key in use: its session keys, and how much of its lifetime is gone.

use alloc::boxed::Box;

use super::derivation::Derivation;
use super::transform::{Protocol, Transform};
use super::{KeyDerivationRate, KeyError, MasterKey, Policy, SrtpError};

/// A master key with what was derived from it. The master key itself is not kept.
pub(super) struct Key {
    policy: Policy,
    mki: Box<[u8]>,
    derivation: Derivation,
    rate: KeyDerivationRate,
    pub(super) rtp: SessionKeys,
    pub(super) rtcp: SessionKeys,
}

impl Key {
    pub(super) fn new(master: &MasterKey, rate: KeyDerivationRate) -> Result<Key, KeyError> {
        let derivation = Derivation::new(master)?;
        let (policy, rtp, rtcp) = (master.policy(), master.rtp_lifetime(), master.rtcp_lifetime());
        Ok(Key {
            policy,
            mki: master.mki().into(),
            rate,
            rtp: SessionKeys::new(policy, Protocol::Rtp, &derivation, rate, rtp)?,
            rtcp: SessionKeys::new(policy, Protocol::Rtcp, &derivation, rate, rtcp)?,
            derivation,
        })
    }

    pub(super) fn policy(&self) -> Policy {
        self.policy
    }

    pub(super) fn mki(&self) -> &[u8] {
        &self.mki
    }

    /// The session keys for the RTP packet of `index`, and the MKI.
    #[inline]
    pub(super) fn rtp_at(&mut self, index: u64) -> Result<(&Transform, &[u8]), SrtpError> {
        let epoch = self.rate.epoch(index);
        Ok((self.rtp.at(epoch, self.policy, &self.derivation)?, &self.mki))
    }

    /// The session keys for the RTCP packet of `index`, and the MKI.
    pub(super) fn rtcp_at(&mut self, index: u32) -> Result<(&Transform, &[u8]), SrtpError> {
        let epoch = self.rate.epoch(index.into());
        Ok((self.rtcp.at(epoch, self.policy, &self.derivation)?, &self.mki))
    }
}

/// The session keys of one protocol, and its share of the lifetime.
pub(super) struct SessionKeys {
    protocol: Protocol,
    epoch: u64,
    transform: Transform,
    /// The keys used before those, for packets that were overtaken; only where keys change at all.
    other: Option<Box<(u64, Transform)>>,
    left: u64,
}

impl SessionKeys {
    fn new(
        policy: Policy,
        protocol: Protocol,
        derivation: &Derivation,
        rate: KeyDerivationRate,
        lifetime: u64,
    ) -> Result<SessionKeys, KeyError> {
        let transform = || Transform::new(policy, protocol, derivation, 0);
        let other = match rate {
            KeyDerivationRate::NEVER => None,
            _ => Some(Box::new((0, transform()?))),
        };
        Ok(SessionKeys { protocol, epoch: 0, transform: transform()?, other, left: lifetime })
    }

    /// Packets that the lifetime leaves.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    #[inline]
    pub(super) fn check_lifetime(&self) -> Result<(), SrtpError> {
        if self.left == 0 { Err(SrtpError::KeyExpired) } else { Ok(()) }
    }

    /// A packet was protected, or taken.
    #[inline]
    pub(super) fn count(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    #[inline]
    fn at(
        &mut self,
        epoch: u64,
        policy: Policy,
        derivation: &Derivation,
    ) -> Result<&Transform, SrtpError> {
        if epoch != self.epoch {
            self.change(epoch, policy, derivation)?;
        }
        Ok(&self.transform)
    }

    #[cold]
    fn change(
        &mut self,
        epoch: u64,
        policy: Policy,
        derivation: &Derivation,
    ) -> Result<(), SrtpError> {
        let Some(other) = &mut self.other else { return Ok(()) };
        if other.0 != epoch {
            // The lengths were right when the key was made, so this does not fail.
            other.1 = Transform::new(policy, self.protocol, derivation, epoch)
                .map_err(|_| SrtpError::KeyExpired)?;
            other.0 = epoch;
        }
        core::mem::swap(&mut self.epoch, &mut other.0);
        core::mem::swap(&mut self.transform, &mut other.1);
        Ok(())
    }
}
