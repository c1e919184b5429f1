//! One TCP connection: reading, framing, writing, and the times after which it is given up.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::transports::{Config, Report};
use crate::endpoint::Input;
use crate::flow::Flow;
use crate::framing::{Frame, Framer};

/// The way to a connection's writer.
pub(super) type Queue = mpsc::Sender<Bytes>;

/// Runs a connection until either side closes it, framing is lost, a time is up, or nobody wants
/// to write to it any more.
pub(super) async fn run(
    stream: TcpStream,
    flow: Flow,
    opened_by_us: bool,
    queue: (Queue, mpsc::Receiver<Bytes>),
    config: Config,
    reports: mpsc::Sender<Report>,
) {
    // Without it each small answer may wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let (strong, messages) = queue;
    let pongs = strong.downgrade();
    // The writer ends when the owner of the connection lets go of its queue.
    drop(strong);
    let framer = match opened_by_us {
        true => Framer::expecting_pongs(&config.message),
        false => Framer::new(&config.message),
    };
    tokio::select! {
        () = reader(read, framer, flow, pongs, &config, &reports) => {}
        () = writer(write, messages, &config) => {}
    }
    if let Some(connection) = flow.connection {
        let _ = reports.send(Report::Closed { connection }).await;
    }
}

/// Opens a connection from one of our addresses.
pub(super) async fn open(flow: &Flow, config: &Config) -> io::Result<TcpStream> {
    let socket = match flow.remote {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if !flow.local.ip().is_unspecified() && flow.local.is_ipv4() == flow.remote.is_ipv4() {
        socket.bind(SocketAddr::new(flow.local.ip(), 0))?;
    }
    match timeout(config.connect, socket.connect(flow.remote)).await {
        Ok(connected) => connected,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn reader(
    mut read: OwnedReadHalf,
    mut framer: Framer,
    flow: Flow,
    pongs: mpsc::WeakSender<Bytes>,
    config: &Config,
    reports: &mpsc::Sender<Report>,
) {
    let mut buffer = vec![0; 16_384];
    let mut unfinished: Option<Instant> = None;
    loop {
        // A message must be whole in time, however busily its bytes trickle in.
        let idle = Instant::now() + config.idle;
        let deadline = unfinished.map_or(idle, |since| idle.min(since + config.partial));
        let length = match timeout_at(deadline, read.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => length,
            _ => return,
        };
        framer.push(buffer.get(..length).unwrap_or_default());
        let mut progress = false;
        loop {
            let input = match framer.next() {
                Ok(Some(Frame::Message(message))) => Input::Received { flow, message },
                Ok(Some(Frame::KeepAlive)) => {
                    progress = true;
                    if let Some(pongs) = pongs.upgrade() {
                        // A peer that does not read its pongs need not get them.
                        let _ = pongs.try_send(Bytes::from_static(b"\r\n"));
                    }
                    continue;
                }
                Ok(Some(Frame::Pong)) => {
                    progress = true;
                    continue;
                }
                Ok(None) => break,
                Err(error) => {
                    // What there is may be enough for an answer, which then gets a moment to leave.
                    let input = Input::Received { flow, message: error.head };
                    let _ = reports.send(Report::Input(input)).await;
                    sleep(Duration::from_millis(200)).await;
                    return;
                }
            };
            progress = true;
            if reports.send(Report::Input(input)).await.is_err() {
                return;
            }
        }
        if framer.pending() == 0 {
            unfinished = None;
        } else if progress || unfinished.is_none() {
            unfinished = Some(Instant::now());
        }
    }
}

async fn writer(mut write: OwnedWriteHalf, mut messages: mpsc::Receiver<Bytes>, config: &Config) {
    while let Some(message) = messages.recv().await {
        match timeout(config.write, write.write_all(&message)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
    // Nobody wants to write any more: all was sent, and the peer is told.
    let _ = timeout(config.write, write.shutdown()).await;
}
