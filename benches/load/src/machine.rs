//! What the media machine itself costs a packet, without any socket: relaying, and what transcoding and
//! recording add.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::media::{Codec, CodecKind, Command, Machine, PortId, RecordedSides, RecordingId, Stream};
use rtp_core::{Header, PayloadType, Ssrc};

const FRAME: Duration = Duration::from_millis(20);
const PAYLOAD: usize = 160;

/// What the machine does with each call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Relay,
    Transcode,
    /// Both sides of one leg, as a listener hears them.
    Record,
}

/// Prints nanoseconds a packet of each kind of work, the least of `rounds` in turn.
///
/// # Errors
///
/// There is not enough memory for the packets.
pub(crate) fn measure(calls: usize, seconds: f64, rounds: usize) -> anyhow::Result<()> {
    let works = [Work::Relay, Work::Transcode, Work::Record];
    let mut least = [f64::INFINITY; 3];
    for _ in 0..rounds.max(1) {
        for (least, work) in least.iter_mut().zip(works) {
            *least = least.min(once(calls, seconds, work)?);
        }
    }
    let [relay, transcode, record] = least;
    println!("{calls} calls, {seconds} s of packets, the least of {rounds} rounds:");
    println!("relay {relay:.0} ns a packet");
    println!("transcoding adds {:.0} ns", transcode - relay);
    println!("recording both sides of every call adds {:.0} ns", record - relay);
    Ok(())
}

fn once(calls: usize, seconds: f64, work: Work) -> anyhow::Result<f64> {
    let pool = PacketPool::new(PoolConfig { slots: 128 * calls.max(64), ..PoolConfig::default() })?;
    let mut machine = Machine::new(pool.clone(), [1; 32]);
    let legs = 2 * calls as u32;
    for leg in 0..legs {
        let other_law = work == Work::Transcode && leg % 2 == 1;
        machine.handle_command(
            Duration::ZERO,
            Command::Open { port: PortId(leg), stream: stream(leg, other_law) },
        );
    }
    for a in (0..legs).step_by(2) {
        let bridge = Command::Bridge { a: PortId(a), b: PortId(a + 1) };
        machine.handle_command(Duration::ZERO, bridge);
        if work == Work::Record {
            let recording = RecordingId(u64::from(a));
            let sides = RecordedSides::Both;
            let record = Command::Record { port: PortId(a), recording, sides };
            machine.handle_command(Duration::ZERO, record);
        }
    }
    let frames = (seconds / FRAME.as_secs_f64()) as u32;
    let mut spent = Duration::ZERO;
    let mut sent = 0u64;
    for frame in 0..frames {
        for leg in 0..legs {
            // Spread over the frame, as calls are.
            let now = FRAME * frame + FRAME * leg / legs;
            let kind = if work == Work::Transcode && leg % 2 == 1 { 0 } else { 8 };
            let kind = PayloadType::new(kind).context("a payload type")?;
            let mut packet = pool.take().context("no buffer")?;
            packet.set_len(12 + PAYLOAD)?;
            packet.fill(0xd5);
            let timestamp = frame.wrapping_mul(PAYLOAD as u32);
            Header::new(kind, frame as u16, timestamp, Ssrc(leg)).write(&mut packet)?;
            let begun = Instant::now();
            machine.handle_packet(now, PortId(leg), peer(leg), packet);
            if machine.poll_timeout().is_some_and(|at| at <= now) {
                machine.handle_timeout(now);
            }
            while let Some(transmit) = machine.poll_transmit() {
                sent += 1;
                drop(transmit);
            }
            while machine.poll_block().is_some() {}
            spent += begun.elapsed();
        }
    }
    anyhow::ensure!(sent == u64::from(frames) * u64::from(legs), "{sent} packets were relayed");
    Ok(spent.as_nanos() as f64 / sent as f64)
}

fn peer(leg: u32) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 10_000 + leg as u16))
}

fn stream(leg: u32, other_law: bool) -> Stream {
    let (kind, payload_type) = if other_law { (CodecKind::Pcmu, 0) } else { (CodecKind::Pcma, 8) };
    Stream {
        remote: Some(peer(leg)),
        rtcp_mux: false,
        sends_first: true,
        signalled_from: None,
        codecs: vec![Codec {
            kind,
            send_payload_type: payload_type,
            receive_payload_type: payload_type,
            clock_rate: 8_000,
        }],
        events: None,
        ptime_ms: 20,
        send: true,
        receive: true,
        silence: None,
    }
}
