//! The receiving direction.

use alloc::vec::Vec;
use core::fmt;

use super::index::MAX_INDEX;
use super::keyring::Key;
use super::protector::rtcp_ssrc;
use super::replay::Novelty;
use super::streams::Streams;
use super::transform::{ENCRYPTED, RTCP_HEADER, RTCP_INDEX};
use super::{KeyError, MasterKey, Policy, SrtpConfig, SrtpError};
use crate::Ssrc;
use crate::packet;

/// Master keys that may be valid at once.
const MAX_KEYS: usize = 16;

/// Turns SRTP into RTP and SRTCP into RTCP, and refuses what is forged or repeated.
///
/// One for all streams that come from one peer. Several keys may be valid at once when each packet
/// says by its master key identifier which is its own (RFC 3711 section 3.1).
pub struct Unprotector {
    /// At least one, all with MKIs of one length.
    keys: Vec<Key>,
    config: SrtpConfig,
    streams: Streams,
    counters: UnprotectorCounters,
}

/// What has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnprotectorCounters {
    /// Packets that were authentic and new.
    pub accepted: u64,
    /// Packets that had come before, or may have.
    pub replayed: u64,
    /// Packets whose tag was not right, or whose key is not known.
    pub forged: u64,
    /// Packets that could not be read, or that a limit kept out.
    pub refused: u64,
}

impl Unprotector {
    /// An unprotector that has heard nothing yet.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: there is no key, one cannot be used, or not together with the others.
    pub fn new(
        keys: impl IntoIterator<Item = MasterKey>,
        config: SrtpConfig,
    ) -> Result<Unprotector, KeyError> {
        let mut unprotector = Unprotector {
            keys: Vec::new(),
            config,
            streams: Streams::new(config.max_streams),
            counters: UnprotectorCounters::default(),
        };
        unprotector.replace_keys(keys)?;
        Ok(unprotector)
    }

    /// Takes an SRTP packet apart in place and returns the length of the RTP packet that is then at
    /// the front of `datagram`.
    ///
    /// # Errors
    ///
    /// [`SrtpError`]: the peer's fault, an attack, or a limit (`KeyExpired`, `TooManyStreams`). The
    /// datagram is to be dropped; what is in it then is not to be used.
    #[inline]
    pub fn unprotect_rtp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let result = self.take_rtp(datagram);
        self.counters.note(&result);
        result
    }

    /// Takes an SRTCP packet apart in place and returns the length of the RTCP compound that is then
    /// at the front of `datagram`.
    ///
    /// # Errors
    ///
    /// As [`Unprotector::unprotect_rtp`].
    pub fn unprotect_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let result = self.take_rtcp(datagram);
        self.counters.note(&result);
        result
    }

    /// Another key becomes valid beside the others.
    ///
    /// # Errors
    ///
    /// [`KeyError`]: it cannot be used, or its MKI is not as long as those of the others, or the
    /// same as one of them.
    pub fn add_key(&mut self, key: &MasterKey) -> Result<(), KeyError> {
        if self.keys.len() == MAX_KEYS {
            return Err(KeyError::TooMany(MAX_KEYS));
        }
        self.keys.push(join(&self.keys, key, &self.config)?);
        Ok(())
    }

    /// The key of `mki` is no longer valid. False when there is none, or it is the only one.
    pub fn remove_key(&mut self, mki: &[u8]) -> bool {
        let before = self.keys.len();
        if before > 1 {
            self.keys.retain(|key| key.mki() != mki);
        }
        self.keys.len() < before
    }

    /// Goes on with other keys: rollover counters and replay windows stay (RFC 3711 section 3.3.1).
    ///
    /// # Errors
    ///
    /// [`KeyError`]: as [`Unprotector::new`]; the old keys stay.
    pub fn replace_keys(
        &mut self,
        keys: impl IntoIterator<Item = MasterKey>,
    ) -> Result<(), KeyError> {
        let mut ring = Vec::new();
        for key in keys {
            if ring.len() == MAX_KEYS {
                return Err(KeyError::TooMany(MAX_KEYS));
            }
            ring.push(join(&ring, &key, &self.config)?);
        }
        if ring.is_empty() {
            return Err(KeyError::None);
        }
        self.keys = ring;
        Ok(())
    }

    /// What has come so far.
    pub fn counters(&self) -> UnprotectorCounters {
        self.counters
    }

    /// How often the sequence numbers of `ssrc` have wrapped.
    pub fn rollover_counter(&self, ssrc: Ssrc) -> Option<u32> {
        self.streams.look(ssrc).map(|stream| stream.rollover_counter())
    }

    /// Sets the rollover counter of a stream that was joined late, or lost for 2^15 packets, and
    /// empties its replay window.
    ///
    /// # Errors
    ///
    /// [`SrtpError::TooManyStreams`].
    pub fn set_rollover_counter(&mut self, ssrc: Ssrc, rollover: u32) -> Result<(), SrtpError> {
        self.streams.entry(ssrc)?.restart(rollover);
        Ok(())
    }

    /// Makes room by forgetting a stream. Under the same key its packets can be replayed from then
    /// on.
    pub fn forget(&mut self, ssrc: Ssrc) -> bool {
        self.streams.remove(ssrc)
    }

    /// How many SSRCs are known.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The policy of the keys.
    pub fn policy(&self) -> Policy {
        self.keys.first().map_or(Policy::AesCm128HmacSha1_80, Key::policy)
    }

    #[inline]
    fn take_rtp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let policy = self.policy();
        let mki_len = self.mki_len();
        let tag_len = policy.rtp_tag_len();
        let len = datagram.len();
        let trailer = tag_len + mki_len;
        let needed = packet::FIXED_HEADER_LEN + trailer;
        let packet = len.checked_sub(trailer).and_then(|len| datagram.get(..len));
        let packet = packet.ok_or(SrtpError::Truncated { needed, len })?;
        let header = packet::PrefixHeader::parse(packet)?;
        let mki_end = if policy.is_aead() { len } else { len - tag_len };
        let key = select(&mut self.keys, datagram, mki_end, mki_len)?;
        key.rtp.check_lifetime()?;

        let stream = self.streams.find(header.ssrc);
        let known = stream.is_some();
        let index = match stream {
            Some(stream) => {
                let index = stream.index(header.sequence_number);
                if index > MAX_INDEX {
                    return Err(SrtpError::IndexExhausted);
                }
                check(stream.rtp.check(index, self.config.replay_window))?;
                index
            }
            None => u64::from(header.sequence_number),
        };
        if !known {
            self.streams.check_room()?;
        }
        let (transform, _) = key.rtp_at(index)?;
        let len = transform.unprotect_rtp(datagram, header.len, (header.ssrc, index), mki_len)?;
        key.rtp.count();
        // Only now is anything believed, and remembered.
        self.streams.entry(header.ssrc)?.rtp.record(index);
        Ok(len)
    }

    fn take_rtcp(&mut self, datagram: &mut [u8]) -> Result<usize, SrtpError> {
        let policy = self.policy();
        let mki_len = self.mki_len();
        let tag_len = policy.rtcp_tag_len();
        let len = datagram.len();
        let needed = RTCP_HEADER + RTCP_INDEX + tag_len + mki_len;
        if len < needed {
            return Err(SrtpError::Truncated { needed, len });
        }
        let ssrc = rtcp_ssrc(datagram)?;
        // The MKI, and the index in front of it.
        let mki_end = if policy.is_aead() { len } else { len - tag_len };
        let index_end = mki_end - mki_len;
        let word = datagram.get(index_end - RTCP_INDEX..index_end);
        let word = word.and_then(<[u8]>::first_chunk::<RTCP_INDEX>).copied();
        let word = u32::from_be_bytes(word.ok_or(SrtpError::Truncated { needed, len })?);
        let index = word & !ENCRYPTED;
        let key = select(&mut self.keys, datagram, mki_end, mki_len)?;
        key.rtcp.check_lifetime()?;

        match self.streams.find(ssrc) {
            Some(stream) => {
                check(stream.rtcp.check(index.into(), self.config.replay_window))?;
            }
            None => self.streams.check_room()?,
        }
        let (transform, _) = key.rtcp_at(index)?;
        let len = transform.unprotect_rtcp(datagram, (ssrc, word), mki_len)?;
        key.rtcp.count();
        self.streams.entry(ssrc)?.rtcp.record(index.into());
        Ok(len)
    }

    #[inline]
    fn mki_len(&self) -> usize {
        self.keys.first().map_or(0, |key| key.mki().len())
    }
}

impl UnprotectorCounters {
    #[inline]
    fn note(&mut self, result: &Result<usize, SrtpError>) {
        let counter = match result {
            Ok(_) => &mut self.accepted,
            Err(SrtpError::Replayed | SrtpError::TooOld) => &mut self.replayed,
            Err(SrtpError::Authentication | SrtpError::UnknownMki) => &mut self.forged,
            Err(_) => &mut self.refused,
        };
        *counter += 1;
    }
}

impl fmt::Debug for Unprotector {
    /// Says nothing about keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unprotector")
            .field("policy", &self.policy())
            .field("keys", &self.keys.len())
            .field("config", &self.config)
            .field("streams", &self.streams.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// `key` made ready, if it can be told apart from `others`.
fn join(others: &[Key], key: &MasterKey, config: &SrtpConfig) -> Result<Key, KeyError> {
    for other in others {
        if other.policy() != key.policy() {
            return Err(KeyError::Policies);
        }
        if other.mki().len() != key.mki().len() || other.mki() == key.mki() {
            return Err(KeyError::Ambiguous);
        }
    }
    Key::new(key, config.key_derivation_rate)
}

/// The key that the MKI in front of `mki_end` names.
#[inline]
fn select<'k>(
    keys: &'k mut [Key],
    datagram: &[u8],
    mki_end: usize,
    mki_len: usize,
) -> Result<&'k mut Key, SrtpError> {
    if mki_len == 0 {
        return keys.first_mut().ok_or(SrtpError::UnknownMki);
    }
    let mki = datagram.get(mki_end.saturating_sub(mki_len)..mki_end);
    keys.iter_mut().find(|key| Some(key.mki()) == mki).ok_or(SrtpError::UnknownMki)
}

#[inline]
fn check(novelty: Novelty) -> Result<(), SrtpError> {
    match novelty {
        Novelty::New => Ok(()),
        Novelty::Seen => Err(SrtpError::Replayed),
        Novelty::TooOld => Err(SrtpError::TooOld),
    }
}
