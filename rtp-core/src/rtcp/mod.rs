//! RTCP: compound packets read without copying and written in place (RFC 3550 section 6).
//!
//! ```
//! use rtp_core::Ssrc;
//! use rtp_core::rtcp::{Compound, CompoundWriter, Packet, SdesItem};
//!
//! let mut buf = [0; 256];
//! let mut writer = CompoundWriter::new(&mut buf);
//! writer.receiver_report(Ssrc(1), [])?;
//! writer.sdes(&[(Ssrc(1), &[SdesItem::cname(b"user@host")])])?;
//! writer.bye(&[Ssrc(1)], Some(b"done"))?;
//! let len = writer.finish();
//!
//! let compound = Compound::parse(&buf[..len])?;
//! let bye = compound.packets().find_map(|packet| match packet {
//!     Packet::Bye(bye) => Some(bye),
//!     _ => None,
//! });
//! assert_eq!(bye.and_then(|bye| bye.reason()), Some(&b"done"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod app;
mod bye;
mod compound;
mod feedback;
mod report;
mod sdes;
mod writer;
pub mod xr;

pub use app::App;
pub use bye::Bye;
pub use compound::{Compound, Flaw, Packet, Packets, RtcpError, Unknown};
pub use feedback::{
    Entries, Entry, Feedback, FeedbackLayer, FeedbackMessage, Nack, Nacks, RelayedStream,
};
pub use report::{ReceiverReport, ReportBlock, ReportBlocks, SenderInfo, SenderReport};
pub use sdes::{Sdes, SdesChunk, SdesItem};
pub use writer::{CompoundWriter, RtcpWriteError};
pub use xr::ExtendedReport;

/// Packet types of RTCP (RFC 3550 section 12.1 and later registrations).
pub mod packet_type {
    /// Sender report.
    pub const SR: u8 = 200;
    /// Receiver report.
    pub const RR: u8 = 201;
    /// Source description.
    pub const SDES: u8 = 202;
    /// Goodbye.
    pub const BYE: u8 = 203;
    /// Application-defined.
    pub const APP: u8 = 204;
    /// Transport-layer feedback (RFC 4585).
    pub const RTPFB: u8 = 205;
    /// Payload-specific feedback (RFC 4585).
    pub const PSFB: u8 = 206;
    /// Extended report (RFC 3611).
    pub const XR: u8 = 207;
}
