//! A relay without anything that a telephone exchange needs: what the sockets alone cost.
//!
//! It binds as many sockets as the exchange, sends what comes by one out by its neighbour to whoever
//! spoke there, and lets packets gather as the exchange does. One `recvfrom` and one `sendto` a packet, on
//! what a level-triggered `epoll` says is readable; no look at what is in a packet. Where the exchange is told to use a
//! certain back end, the same is done over that, too: what the back end costs, and nothing else.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use anyhow::Context as _;
use packet_ring::batch::{self, BATCH, Backend, Datagram, IoConfig, Tick, TickConfig};
use packet_ring::pool::{PacketPool, PoolConfig};
use rustix::event::{Timespec, epoll};

use crate::Options;
use crate::media::Media;
use crate::scenario::Scenario;
use crate::target::Target;
use crate::{meter, run};

/// Packets flow for so long before they are counted.
const SETTLING: Duration = Duration::from_secs(1);

/// What relaying costs, beside a bare loop: one run of each in turn, so that both see the same machine.
///
/// # Errors
///
/// Ports or descriptors run out, or the office-pbx to measure does not start.
pub(crate) fn compare(options: &Options, rounds: usize) -> anyhow::Result<()> {
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    let backend = options.target.media_io();
    for round in 1..=rounds.max(1) {
        let one = measure(options, None)?;
        let by_backend = backend.map(|name| measure(options, Some(name))).transpose()?;
        let mut target = Target::open(&options.target)?;
        let report = run::play(Scenario::Media, options, &mut target)?;
        let other = report.cpu_us_per_packet.context("the server's process is not known")?;
        print!("round {round}: bare {one:.2} us, ");
        if let (Some(name), Some(by_backend)) = (backend, by_backend) {
            print!("bare by {name} {by_backend:.2} us, ");
        }
        println!("server {other:.2} us a relayed packet");
        bare.push(one);
        ours.push(other);
    }
    let (bare, ours) = (median(&mut bare), median(&mut ours));
    println!(
        "{} calls: bare {bare:.2} us, server {ours:.2} us, {:.2} times",
        options.calls,
        ours / bare
    );
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// CPU microseconds a packet of the bare loop.
fn measure(options: &Options, backend: Option<&str>) -> anyhow::Result<f64> {
    let count = 2 * options.calls;
    let mut relay = Relay::start(count, backend)?;
    let (media, ours) = Media::start(count, None)?;
    for (port, relayed) in ours.iter().zip(relay.ports()?) {
        media.speak(*port, SocketAddr::from(([127, 0, 0, 1], relayed)));
    }
    thread::sleep(SETTLING);
    let (before, (_, first)) = (meter::running(relay.child.id())?, media.counts());
    thread::sleep(Duration::from_secs_f64(options.seconds).saturating_sub(SETTLING));
    let (after, (_, last)) = (meter::running(relay.child.id())?, media.counts());
    anyhow::ensure!(last > first, "the bare relay relays nothing");
    Ok((after - before).as_secs_f64() * 1e6 / (last - first) as f64)
}

/// The loop in a process of its own, ended when dropped.
struct Relay {
    child: Child,
    count: usize,
}

impl Relay {
    fn start(count: usize, backend: Option<&str>) -> anyhow::Result<Self> {
        let child = Command::new(env::current_exe()?)
            .args(["bare-loop", "--sockets", &count.to_string()])
            .args(backend.map(|name| format!("--backend={name}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the bare loop does not start")?;
        Ok(Self { child, count })
    }

    fn ports(&mut self) -> anyhow::Result<Vec<u16>> {
        let output = self.child.stdout.take().context("the bare loop has no output")?;
        let lines = BufReader::new(output).lines().take(self.count);
        lines.map(|line| Ok(line?.parse()?)).collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The loop itself: prints its ports and relays until its standard input ends.
///
/// # Errors
///
/// There are not so many ports or descriptors, or there is no such back end.
pub(crate) fn relay(count: usize, backend: Option<&str>) -> anyhow::Result<()> {
    match backend {
        None => relay_bare(count),
        Some("mmsg") => relay_by(Backend::Mmsg, count),
        Some("io_uring") => relay_by(Backend::IoUring, count),
        Some("std") => relay_by(Backend::Std, count),
        Some(other) => anyhow::bail!("no back end is called {other}"),
    }
}

fn relay_by(backend: Backend, count: usize) -> anyhow::Result<()> {
    let config = IoConfig {
        order: vec![backend],
        expected_sockets: count,
        timestamps: false,
        ..IoConfig::default()
    };
    let (mut io, _) = batch::open(&config)?;
    let pool = PacketPool::new(PoolConfig { slots: 4_096, ..PoolConfig::default() })?;
    for _ in 0..count {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        println!("{}", socket.local_addr()?.port());
        io.add(socket)?;
    }
    end_with_input();
    let (started, mut tick) = (Instant::now(), Tick::new(TickConfig::default()));
    let mut peers = vec![None; count];
    let mut packets: Vec<Datagram> = Vec::with_capacity(BATCH);
    loop {
        if !io.has_more() {
            thread::sleep(tick.pause());
        }
        io.recv_batch(&pool, &mut packets, Some(SETTLING))?;
        tick.received(started.elapsed(), packets.len());
        packets.retain_mut(|packet| {
            if let Some(peer) = peers.get_mut(packet.socket.0 as usize) {
                *peer = peer.or(packet.peer);
            }
            packet.socket.0 ^= 1;
            packet.peer = peers.get(packet.socket.0 as usize).copied().flatten();
            packet.peer.is_some()
        });
        io.send_batch(&mut packets)?;
    }
}

fn end_with_input() {
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

fn relay_bare(count: usize) -> anyhow::Result<()> {
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut sides = Vec::new();
    for number in 0..count {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&poll, &socket, data, epoll::EventFlags::IN)?;
        println!("{}", socket.local_addr()?.port());
        sides.push(Side { socket, peer: None });
    }
    end_with_input();
    let (started, mut tick) = (Instant::now(), Tick::new(TickConfig::default()));
    let mut events = Vec::with_capacity(64);
    let mut buffer = [0; 2_048];
    loop {
        thread::sleep(tick.pause());
        events.clear();
        let wait = Timespec { tv_sec: 1, tv_nsec: 0 };
        match epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&wait)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut relayed = 0;
        for event in &events {
            let number = event.data.u64() as usize;
            let Some(side) = sides.get_mut(number) else { continue };
            let Ok((length, source)) = side.socket.recv_from(&mut buffer) else { continue };
            side.peer.get_or_insert(source);
            relayed += 1;
            let Some(Side { socket, peer: Some(peer) }) = sides.get(number ^ 1) else { continue };
            let _ = socket.send_to(&buffer[..length], peer);
        }
        tick.received(started.elapsed(), relayed);
    }
}

struct Side {
    socket: UdpSocket,
    /// Whoever spoke first.
    peer: Option<SocketAddr>,
}
