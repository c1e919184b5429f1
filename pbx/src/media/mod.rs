//! Media: a second sans-IO machine that carries the voices of calls.

mod command;
mod concealment;
mod hearing;
pub mod machine;
mod port;
mod recorder;
mod repacketizer;
pub mod wav;

pub use command::{
    Audio, Codec, CodecKind, Command, Event, EventPayload, RecordedSides, RecordingId, Stream,
    StreamStatistics,
};
pub use machine::Machine;
pub use port::{Port, PortId, PortPool};
pub use recorder::Block;
