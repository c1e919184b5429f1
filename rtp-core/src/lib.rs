//! RTP, RTCP, SRTP, telephone events and media quality figures, sans-IO.
//!
//! Nothing in this crate opens a socket, reads a clock or draws its own randomness: packets and
//! `now` (a [`core::time::Duration`] since an arbitrary start) come in, bytes go out into buffers
//! that the caller owns. No function that handles a packet allocates.
//!
//! SRTP is behind the feature `srtp`; without the default feature `std` the crate needs `alloc` only.
//!
//! ```
//! use rtp_core::{Packet, PayloadType, Ssrc, header::Header};
//!
//! // A header goes in front of a payload that is already in place.
//! let mut buf = [0u8; 172];
//! buf[12..].fill(0xd5);
//! let header = Header::new(PayloadType::PCMA, 7, 160, Ssrc(0x1234_5678));
//! let len = header.write(&mut buf).unwrap();
//! assert_eq!(len, 12);
//!
//! // The view borrows the datagram; nothing is copied.
//! let packet = Packet::parse(&buf).unwrap();
//! assert_eq!(packet.payload_type(), PayloadType::PCMA);
//! assert_eq!(packet.sequence_number(), 7);
//! assert_eq!(packet.payload().len(), 160);
//! ```
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod clock;
pub mod comfort_noise;
pub mod demux;
pub mod dtmf;
pub mod extension;
pub mod header;
pub mod latch;
pub mod ntp;
pub mod packet;
pub mod payload_type;
pub mod quality;
pub mod rtcp;
pub mod run;
pub mod sequence;
pub mod session;
#[cfg(feature = "srtp")]
pub mod srtp;
pub mod ssrc;
pub mod stats;
pub mod telephone_event;
pub mod tone;

pub use clock::ClockRate;
pub use header::Header;
pub use ntp::NtpTime;
pub use packet::{Packet, PacketMut};
pub use payload_type::{PayloadType, PayloadTypeSet};
pub use session::Session;
pub use ssrc::Ssrc;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
