//! What Linux has.

mod af_packet;
mod frame_ring;
mod intake;
mod messages;
mod mmsg;
mod names;
mod readiness;
mod uring;

pub use af_packet::{AfPacket, AfPacketConfig};
pub use mmsg::MmsgIo;
pub use uring::UringIo;
