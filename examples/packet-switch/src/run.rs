//! Command line, interfaces, and the loop.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use packet_ring::batch::{
    AfPacket, AfPacketConfig, Datagram, PacketIo, SocketId, Tick, TickConfig,
};
use packet_ring::pool::{PacketPool, PoolConfig};

use crate::bridge::Bridge;
use crate::config::Config;
use crate::pcap::Pcap;
use crate::router::Router;
use crate::table;

/// A software switch or router over network interfaces. Needs CAP_NET_RAW.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Switch frames between these interfaces: `veth1,veth2,veth3+veth4`, the last two being parallel links.
    #[arg(
        long,
        value_delimiter = ',',
        conflicts_with = "route",
        required_unless_present = "route"
    )]
    bridge: Vec<String>,
    /// Route packets as this file says.
    #[arg(long)]
    route: Option<PathBuf>,
    /// Write every frame received into this file.
    #[arg(long)]
    pcap: Option<PathBuf>,
    /// Frames under way at most.
    #[arg(long, default_value_t = 1024)]
    slots: usize,
    /// Print counters every so many seconds; 0: never. On a terminal they stay in place.
    #[arg(long, default_value_t = 1)]
    report: u64,
}

/// What is done with frames.
pub trait Device {
    /// A frame came in; `out` takes what is to be sent.
    fn handle(
        &mut self,
        now: Duration,
        frame: Datagram,
        pool: &PacketPool,
        out: &mut Vec<Datagram>,
    );

    /// Time has passed.
    fn handle_timeout(&mut self, now: Duration, pool: &PacketPool, out: &mut Vec<Datagram>);

    /// When it wants to hear of the time.
    fn poll_timeout(&self) -> Option<Duration>;

    /// An interface's link went up or down.
    fn set_up(&mut self, interface: SocketId, up: bool);

    /// Lines for the table.
    fn describe(&self) -> Vec<String>;
}

/// What one interface did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traffic {
    pub frames_in: u64,
    pub bytes_in: u64,
    pub frames_out: u64,
    pub bytes_out: u64,
}

/// How often links are looked at.
const LINKS: Duration = Duration::from_millis(200);

pub fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut io = AfPacket::new(AfPacketConfig::default());
    let mut keys = [0; 8];
    getrandom::fill(&mut keys).map_err(|error| anyhow::anyhow!("no random key: {error}"))?;
    let key = u64::from_ne_bytes(keys);
    let mut device: Box<dyn Device> = match &arguments.route {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            let config: Config =
                toml::from_str(&text).with_context(|| path.display().to_string())?;
            Box::new(Router::open(&mut io, &config, key)?)
        }
        None => Box::new(Bridge::open(&mut io, &arguments.bridge, key)?),
    };
    let mut pcap = arguments.pcap.as_deref().map(Pcap::create).transpose()?;
    // Slots for what virtual interfaces give: segments of up to 64 KiB, not yet cut. Untouched memory of a
    // slot costs nothing.
    let config = PoolConfig { slots: arguments.slots, slot_size: 66_000, headroom: 64 };
    let pool = PacketPool::new(config)?;

    let interfaces: Vec<SocketId> =
        (0..).map(SocketId).take_while(|id| io.name(*id).is_some()).collect();
    let mut traffic = vec![Traffic::default(); interfaces.len()];
    let mut up = vec![true; interfaces.len()];
    let started = Instant::now();
    let mut tick =
        Tick::new(TickConfig { longest: Duration::from_micros(200), ..TickConfig::default() });
    let (mut batch, mut out) = (Vec::new(), Vec::new());
    let (mut looked, mut reported) = (None::<Duration>, Duration::ZERO);
    let mut screen = table::Screen::new(std::io::stdout().is_terminal());
    println!("running; Ctrl-C stops it");
    loop {
        let now = started.elapsed();
        let until = device.poll_timeout().map_or(LINKS, |at| at.saturating_sub(now).min(LINKS));
        let pause = tick.pause();
        let wait = if pause.is_zero() {
            until
        } else {
            std::thread::sleep(pause);
            Duration::ZERO
        };
        let count = io.recv_batch(&pool, &mut batch, Some(wait))?;
        let now = started.elapsed();
        tick.received(now, count);
        for frame in batch.drain(..) {
            if let Some(traffic) = traffic.get_mut(frame.socket.0 as usize) {
                traffic.frames_in += 1;
                traffic.bytes_in += frame.packet.len() as u64;
            }
            if let Some(pcap) = &mut pcap {
                pcap.write(frame.received.unwrap_or_default(), &frame.packet)?;
            }
            device.handle(now, frame, &pool, &mut out);
        }
        if device.poll_timeout().is_some_and(|at| at <= now) {
            device.handle_timeout(now, &pool, &mut out);
        }
        for frame in &out {
            if let Some(traffic) = traffic.get_mut(frame.socket.0 as usize) {
                traffic.frames_out += 1;
                traffic.bytes_out += frame.packet.len() as u64;
            }
        }
        io.send_batch(&mut out)?;
        if looked.is_none_or(|at| now >= at + LINKS) {
            looked = Some(now);
            for (id, up) in interfaces.iter().zip(&mut up) {
                let is_up = io.is_up(*id);
                if is_up != *up {
                    *up = is_up;
                    device.set_up(*id, is_up);
                }
            }
            if let Some(pcap) = &mut pcap {
                pcap.flush()?;
            }
        }
        if arguments.report > 0 && now >= reported + Duration::from_secs(arguments.report) {
            reported = now;
            let names: Vec<_> = interfaces.iter().map(|id| io.name(*id).unwrap_or("?")).collect();
            screen.show(&table::render(&names, &up, &traffic, io.counters(), &device.describe()));
        }
    }
}
