//! RTP of calls: 172 bytes every 20 ms to where the server wants them, and a count of what comes back. The first
//! two bytes of the voice say whose it is.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rtp_core::{Header, PayloadType, Ssrc};

use crate::loss::Loss;

const TICK: Duration = Duration::from_millis(20);
const PAYLOAD: usize = 160;

/// Sockets that speak on a thread of their own.
pub(crate) struct Media {
    orders: Sender<Order>,
    counts: Arc<Counts>,
    heard: HashMap<u16, Arc<Heard>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
    ends: AtomicBool,
}

/// What has been heard on one port.
#[derive(Debug, Default)]
struct Heard {
    packets: AtomicU64,
    /// The port of whoever spoke last.
    from: AtomicU16,
}

enum Order {
    Speak { port: u16, to: SocketAddr },
    BeSilent { port: u16 },
}

struct Stream {
    socket: UdpSocket,
    to: Option<SocketAddr>,
    sequence: u16,
    timestamp: u32,
    heard: Arc<Heard>,
}

impl Media {
    /// Binds `count` sockets on 127.0.0.1 and begins to listen; returns their ports, too. What `loss` strikes
    /// is not sent, or not heard.
    ///
    /// # Errors
    ///
    /// There are not so many ports or descriptors.
    pub(crate) fn start(count: usize, loss: Option<Loss>) -> io::Result<(Self, Vec<u16>)> {
        let mut streams = HashMap::new();
        for _ in 0..count {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            let port = socket.local_addr()?.port();
            let heard = Arc::default();
            streams.insert(port, Stream { socket, to: None, sequence: 0, timestamp: 0, heard });
        }
        let ports = streams.keys().copied().collect();
        let heard = streams.iter().map(|(port, stream)| (*port, stream.heard.clone())).collect();
        let (orders, ordered) = channel();
        let counts = Arc::new(Counts::default());
        let theirs = counts.clone();
        let thread = std::thread::spawn(move || speak(streams, &ordered, &theirs, loss));
        Ok((Self { orders, counts, heard, thread: Some(thread) }, ports))
    }

    /// From now on RTP goes from our `port` to `to`.
    pub(crate) fn speak(&self, port: u16, to: SocketAddr) {
        let _ = self.orders.send(Order::Speak { port, to });
    }

    /// No RTP any more from our `port`.
    pub(crate) fn be_silent(&self, port: u16) {
        let _ = self.orders.send(Order::BeSilent { port });
    }

    /// Packets heard on our `port` so far, and the port of whoever spoke last.
    pub(crate) fn heard(&self, port: u16) -> (u64, u16) {
        self.heard.get(&port).map_or((0, 0), |heard| {
            (heard.packets.load(Ordering::Relaxed), heard.from.load(Ordering::Relaxed))
        })
    }

    /// Packets sent, and packets received, so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let Counts { sent, received, .. } = &*self.counts;
        (sent.load(Ordering::Relaxed), received.load(Ordering::Relaxed))
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.counts.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn speak(
    mut streams: HashMap<u16, Stream>,
    orders: &Receiver<Order>,
    counts: &Counts,
    mut loss: Option<Loss>,
) {
    let mut next = Instant::now();
    let mut tick = 0_u32;
    let mut buffer = [0; 2_048];
    while !counts.ends.load(Ordering::Relaxed) {
        for order in orders.try_iter() {
            match order {
                Order::Speak { port, to } => {
                    streams.entry(port).and_modify(|stream| stream.to = Some(to));
                }
                Order::BeSilent { port } => {
                    streams.entry(port).and_modify(|stream| stream.to = None);
                }
            }
        }
        tick = tick.wrapping_add(1);
        for (port, stream) in &mut streams {
            // Those who do not speak seldom hear anything.
            if stream.to.is_none() && !tick.is_multiple_of(16) {
                continue;
            }
            while let Ok(length) = stream.socket.recv(&mut buffer) {
                if length > PAYLOAD && !loss.as_mut().is_some_and(Loss::strikes) {
                    counts.received.fetch_add(1, Ordering::Relaxed);
                    stream.heard.packets.fetch_add(1, Ordering::Relaxed);
                    let from = u16::from_be_bytes([buffer[12], buffer[13]]);
                    stream.heard.from.store(from, Ordering::Relaxed);
                }
            }
            if let Some(to) = stream.to
                && stream.send(*port, to, loss.as_mut().is_some_and(Loss::strikes))
            {
                counts.sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        next += TICK;
        match next.checked_duration_since(Instant::now()) {
            Some(rest) => std::thread::sleep(rest),
            // Late: the next tick counts from now, lest it sends bursts.
            None => next = Instant::now(),
        }
    }
}

impl Stream {
    fn send(&mut self, port: u16, to: SocketAddr, is_lost: bool) -> bool {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(PAYLOAD as u32);
        let ssrc = Ssrc(u32::from(port));
        let mut header = Header::new(PayloadType::PCMA, self.sequence, self.timestamp, ssrc);
        header.marker = self.sequence == 1;
        let mut packet = [0xD5; 12 + PAYLOAD];
        let length = header.write(&mut packet).ok();
        packet[12..14].copy_from_slice(&port.to_be_bytes());
        // What gets lost was sent, for all that the sender knows.
        length.is_some() && (is_lost || self.socket.send_to(&packet, to).is_ok())
    }
}
