//! What Linux has.

mod af_packet;
mod demand;
mod frame_ring;
mod messages;
mod mmsg;
mod names;
mod readiness;
mod uring;

pub use af_packet::{AfPacket, AfPacketConfig};
pub use mmsg::MmsgIo;
pub use uring::UringIo;
