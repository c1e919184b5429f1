//! SRTP and SRTCP: packets encrypted and authenticated in place (RFC 3711, 6188, 7714).
//!
//! A [`Protector`] turns RTP and RTCP into SRTP and SRTCP for one direction of a session, an
//! [`Unprotector`] turns them back. Both take the keys that signalling agreed on ([`MasterKey`])
//! and keep what belongs to each SSRC: the rollover counter, the SRTCP index, the replay windows.
//! Neither allocates once it is made, whatever comes.
//!
//! ```
//! use rtp_core::srtp::{MasterKey, Policy, Protector, SrtpConfig, SrtpError, Unprotector};
//!
//! // Thirty octets of key and salt, as SDP's `inline:` carries them (RFC 4568).
//! let agreed = [7u8; 30];
//! let policy = Policy::from_name("AES_CM_128_HMAC_SHA1_80").unwrap();
//! let config = SrtpConfig::default();
//! let mut ours = Protector::new(MasterKey::from_bytes(policy, &agreed)?, config)?;
//! let mut theirs = Unprotector::new([MasterKey::from_bytes(policy, &agreed)?], config)?;
//!
//! // The buffer has room behind the packet for what protecting adds.
//! let mut buf = [0u8; 200];
//! buf[..12].copy_from_slice(&[0x80, 8, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4]);
//! let len = ours.protect_rtp(&mut buf, 172)?;
//! assert_eq!(len, 172 + ours.rtp_overhead());
//!
//! let mut copy = buf;
//! assert_eq!(theirs.unprotect_rtp(&mut buf[..len])?, 172);
//! assert!(buf[12..172].iter().all(|&octet| octet == 0));
//! // The same packet a second time is a replay.
//! assert_eq!(theirs.unprotect_rtp(&mut copy[..len]), Err(SrtpError::Replayed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which packet is which
//!
//! Each packet has an index of 48 bits, of which 16 are on the wire; the others are the rollover
//! counter, which both sides count. A receiver that joins late, or misses 2^15 packets in a row,
//! has to be told it: [`Unprotector::set_rollover_counter`]. A sender does well to begin with a
//! sequence number below 2^15, lest the first wrap comes before the receiver has heard anything;
//! [`crate::session::Sender`] does so.
//!
//! # Keys
//!
//! Master keys, session keys and key schedules are overwritten when they are dropped. Those that
//! `ring` keeps for GCM have no such promise of its own: this crate writes another key over them.

mod counter_mode;
mod derivation;
mod error;
mod gcm;
mod hmac_sha1;
mod index;
mod keyring;
mod master_key;
mod policy;
mod protector;
mod replay;
mod streams;
mod transform;
mod unprotector;

use core::fmt;

pub use error::SrtpError;
pub use master_key::{KeyError, MAX_RTCP_PACKETS, MAX_RTP_PACKETS, MasterKey};
pub use policy::Policy;
pub use protector::Protector;
pub use unprotector::{Unprotector, UnprotectorCounters};

/// The widest replay window, in packets.
pub const MAX_REPLAY_WINDOW: u16 = replay::MAX_WINDOW;

/// How a [`Protector`] or an [`Unprotector`] behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SrtpConfig {
    /// How often session keys are derived anew; both sides have to agree.
    pub key_derivation_rate: KeyDerivationRate,
    /// Is outgoing RTCP encrypted? It is authenticated in any case. What comes says itself whether
    /// it is encrypted.
    pub encrypt_rtcp: bool,
    /// How far behind the newest a packet may come and still be taken, in packets: 64 (the least
    /// that RFC 3711 section 3.3.2 allows) to [`MAX_REPLAY_WINDOW`]; taken as the nearest bound
    /// outside of that.
    pub replay_window: u16,
    /// How many SSRCs are known at once; at least 1. Only authentic packets make an SSRC known.
    pub max_streams: usize,
}

impl Default for SrtpConfig {
    /// One derivation, encrypted RTCP, a window of 128 packets, 8 SSRCs.
    fn default() -> SrtpConfig {
        SrtpConfig {
            key_derivation_rate: KeyDerivationRate::NEVER,
            encrypt_rtcp: true,
            replay_window: 128,
            max_streams: 8,
        }
    }
}

/// After how many packets of a stream session keys are derived anew (RFC 3711 section 4.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDerivationRate(Option<u8>);

impl KeyDerivationRate {
    /// Session keys are derived once: a rate of 0, what nearly everybody uses.
    pub const NEVER: KeyDerivationRate = KeyDerivationRate(None);

    /// Every 2^`exponent` packets, as SDP's `KDR=` says it (RFC 4568 section 6.3.1); `None` above
    /// 24. RFC 4568 itself begins at 1.
    pub const fn from_exponent(exponent: u8) -> Option<KeyDerivationRate> {
        if exponent <= 24 { Some(KeyDerivationRate(Some(exponent))) } else { None }
    }

    /// r: how often keys have been derived before `index`.
    const fn epoch(self, index: u64) -> u64 {
        match self.0 {
            None => 0,
            Some(exponent) => index >> exponent,
        }
    }
}

impl fmt::Debug for KeyDerivationRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("KeyDerivationRate::NEVER"),
            Some(exponent) => write!(f, "KeyDerivationRate(2^{exponent})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    /// The octets that `text` spells, spaces left out.
    pub(super) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    }
}
