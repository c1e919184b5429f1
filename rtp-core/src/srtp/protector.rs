//! The sending direction.

use core::fmt;

use super::index::MAX_INDEX;
use super::keyring::Key;
use super::replay::Novelty;
use super::streams::Streams;
use super::transform::{RTCP_HEADER, RTCP_INDEX};
use super::{KeyError, MAX_RTCP_PACKETS, MasterKey, Policy, SrtpConfig, SrtpError};
use crate::Ssrc;
use crate::packet::{self, PacketError};

/// Turns RTP into SRTP and RTCP into SRTCP.
///
/// One for all streams of ours that go to one peer under one key. The peer's streams are under
/// another key, and belong to an [`Unprotector`](super::Unprotector).
pub struct Protector {
    key: Key,
    config: SrtpConfig,
    streams: Streams,
}

impl Protector {
    /// A protector whose streams have sent nothing yet.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: the key cannot be used.
    pub fn new(key: MasterKey, config: SrtpConfig) -> Result<Protector, KeyError> {
        let key = Key::new(&key, config.key_derivation_rate)?;
        Ok(Protector { key, config, streams: Streams::new(config.max_streams) })
    }

    /// Octets that [`Protector::protect_rtp`] adds.
    pub fn rtp_overhead(&self) -> usize {
        self.key.policy().rtp_tag_len() + self.key.mki().len()
    }

    /// Octets that [`Protector::protect_rtcp`] adds.
    pub fn rtcp_overhead(&self) -> usize {
        self.key.policy().rtcp_tag_len() + RTCP_INDEX + self.key.mki().len()
    }

    /// Protects the RTP packet in the first `len` octets of `buf`, in place, and returns its new
    /// length: [`Protector::rtp_overhead`] more.
    ///
    /// # Errors
    ///
    /// [`SrtpError`], of which the peer can cause none: a header that cannot be read, a buffer too
    /// small or a sequence number used before are the caller's misuse; `KeyExpired`,
    /// `IndexExhausted` and `TooManyStreams` are limits. The packet is as it was and must not be
    /// sent.
    #[inline]
    pub fn protect_rtp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let (needed, room) = (len.saturating_add(self.rtp_overhead()), buf.len());
        let too_small = SrtpError::BufferTooSmall { needed, len: room };
        let header = packet::PrefixHeader::parse(buf.get(..len).ok_or(too_small)?)?;
        if room < needed {
            return Err(too_small);
        }
        let stream = self.streams.entry(header.ssrc)?;
        let index = stream.index(header.sequence_number);
        if index > MAX_INDEX {
            return Err(SrtpError::IndexExhausted);
        }
        if stream.rtp.check(index, self.config.replay_window) != Novelty::New {
            return Err(SrtpError::SequenceReused(header.sequence_number));
        }
        self.key.rtp.check_lifetime()?;
        let (transform, mki) = self.key.rtp_at(index)?;
        let lengths = (header.len, len);
        let len = transform.protect_rtp(buf, lengths, (header.ssrc, index), mki)?;
        self.key.rtp.count();
        stream.rtp.record(index);
        Ok(len)
    }

    /// Protects the RTCP compound in the first `len` octets of `buf`, in place, and returns its new
    /// length: [`Protector::rtcp_overhead`] more.
    ///
    /// # Errors
    ///
    /// As [`Protector::protect_rtp`]; RTCP has no numbers to use twice.
    pub fn protect_rtcp(&mut self, buf: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let (needed, room) = (len.saturating_add(self.rtcp_overhead()), buf.len());
        let too_small = SrtpError::BufferTooSmall { needed, len: room };
        let ssrc = rtcp_ssrc(buf.get(..len).ok_or(too_small)?)?;
        if room < needed {
            return Err(too_small);
        }
        let stream = self.streams.entry(ssrc)?;
        let index = stream.rtcp.highest().map_or(0, |highest| highest + 1);
        let Some(number) = u32::try_from(index).ok().filter(|_| index < MAX_RTCP_PACKETS) else {
            return Err(SrtpError::IndexExhausted);
        };
        self.key.rtcp.check_lifetime()?;
        let encrypt = self.config.encrypt_rtcp;
        let (transform, mki) = self.key.rtcp_at(number)?;
        let len = transform.protect_rtcp(buf, len, (ssrc, number), encrypt, mki)?;
        self.key.rtcp.count();
        stream.rtcp.record(index);
        Ok(len)
    }

    /// Goes on with another key: rollover counters and indices stay (RFC 3711 section 3.3.1).
    ///
    /// # Errors
    ///
    /// [`KeyError`]: the key cannot be used; the old one stays.
    pub fn rekey(&mut self, key: MasterKey) -> Result<(), KeyError> {
        self.key = Key::new(&key, self.config.key_derivation_rate)?;
        Ok(())
    }

    /// The policy of the key.
    pub fn policy(&self) -> Policy {
        self.key.policy()
    }

    /// SRTP packets that the key may still protect. Time for a new key is well before zero, from
    /// where on [`SrtpError::KeyExpired`] is the answer.
    pub fn rtp_packets_left(&self) -> u64 {
        self.key.rtp.left()
    }

    /// SRTCP packets that the key may still protect.
    pub fn rtcp_packets_left(&self) -> u64 {
        self.key.rtcp.left()
    }

    /// How often the sequence numbers of `ssrc` have wrapped: what a receiver that joins late has
    /// to be told.
    pub fn rollover_counter(&self, ssrc: Ssrc) -> Option<u32> {
        self.streams.look(ssrc).map(|stream| stream.rollover_counter())
    }

    /// Sets the rollover counter of a stream, before its first packet or to a later value: for a
    /// stream that another process began.
    ///
    /// # Errors
    ///
    /// [`SrtpError::TooManyStreams`]; [`SrtpError::SequenceReused`] for a counter that is not above
    /// that of a stream which has sent, since its packets would be encrypted like earlier ones.
    pub fn set_rollover_counter(&mut self, ssrc: Ssrc, rollover: u32) -> Result<(), SrtpError> {
        let stream = self.streams.entry(ssrc)?;
        if let Some(highest) = stream.rtp.highest()
            && rollover <= stream.rollover_counter()
        {
            return Err(SrtpError::SequenceReused(highest as u16));
        }
        stream.restart(rollover);
        Ok(())
    }

    #[cfg(test)]
    fn set_rtcp_index(&mut self, ssrc: Ssrc, next: u64) {
        self.streams.entry(ssrc).unwrap().rtcp.restart(next.checked_sub(1));
    }
}

impl fmt::Debug for Protector {
    /// Says nothing about keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protector")
            .field("policy", &self.policy())
            .field("config", &self.config)
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}

/// The sender of an RTCP compound, which begins it.
pub(super) fn rtcp_ssrc(compound: &[u8]) -> Result<Ssrc, SrtpError> {
    match *compound {
        [first, _, _, _, a, b, c, d, ..] if first >> 6 == 2 => {
            Ok(Ssrc(u32::from_be_bytes([a, b, c, d])))
        }
        [first, _, _, _, _, _, _, _, ..] => Err(PacketError::Version(first >> 6).into()),
        _ => Err(PacketError::Truncated { needed: RTCP_HEADER, len: compound.len() }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protector(config: SrtpConfig) -> Protector {
        let key = MasterKey::from_bytes(Policy::AesCm128HmacSha1_80, &[3; 30]).unwrap();
        Protector::new(key, config).unwrap()
    }

    #[test]
    fn rtcp_ends_before_its_index_begins_anew() {
        let mut protector = protector(SrtpConfig::default());
        protector.set_rtcp_index(Ssrc(1), (1 << 31) - 1);
        let mut buf = [0; 64];
        buf[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
        let len = protector.protect_rtcp(&mut buf, 8).unwrap();
        assert_eq!(buf[8..12], [0xff; 4]);
        assert_eq!(len, 8 + protector.rtcp_overhead());
        assert_eq!(protector.protect_rtcp(&mut buf, 8), Err(SrtpError::IndexExhausted));
    }
}
