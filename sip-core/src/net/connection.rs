//! One connection: what is agreed on before messages flow, reading, framing, writing, and the
//! times after which it is given up.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Config;
use super::connections::Report;
#[cfg(feature = "tls")]
use super::tls::Tls;
#[cfg(feature = "ws")]
use super::websocket;
use crate::endpoint::Input;
use crate::flow::Flow;
use crate::framing::{Frame, Framer};
use crate::{Host, Transport};

/// The way to a connection's writer.
pub(super) type Queue = mpsc::Sender<Bytes>;

/// What the task of a connection knows.
pub(super) struct Link {
    pub(super) flow: Flow,
    /// Whom a connection of ours is for; `None` when the peer has opened it.
    pub(super) opened_for: Option<Host>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
    pub(super) queue: (Queue, mpsc::Receiver<Bytes>),
    pub(super) config: Config,
    pub(super) reports: mpsc::Sender<Report>,
}

/// Opens a connection and runs it.
pub(super) async fn open(link: Link) {
    match connect(&link.flow, &link.config).await {
        Ok(stream) => run(stream, link).await,
        Err(_) => link.closed().await,
    }
}

/// Runs a connection until either side closes it, framing is lost, a time is up, or nobody wants
/// to write to it any more.
pub(super) async fn run(stream: TcpStream, mut link: Link) {
    // Without it each small answer may wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    match link.flow.transport {
        Transport::Tcp => {
            let (read, write) = stream.into_split();
            messages(read, write, &mut link).await;
        }
        #[cfg(feature = "tls")]
        Transport::Tls => {
            if let Some(stream) = secure(stream, &link).await {
                let (read, write) = tokio::io::split(stream);
                messages(read, write, &mut link).await;
            }
        }
        #[cfg(feature = "ws")]
        Transport::Ws => websocket::run(stream, &mut link).await,
        #[cfg(all(feature = "tls", feature = "ws"))]
        Transport::Wss => {
            if let Some(stream) = secure(stream, &link).await {
                websocket::run(stream, &mut link).await;
            }
        }
        _ => {}
    }
    link.closed().await;
}

impl Link {
    async fn closed(self) {
        if let Some(connection) = self.flow.connection {
            let _ = self.reports.send(Report::Closed { connection }).await;
        }
    }
}

/// The TLS handshake; `None` when it failed or took too long.
#[cfg(feature = "tls")]
async fn secure(stream: TcpStream, link: &Link) -> Option<tokio_rustls::TlsStream<TcpStream>> {
    let tls = link.tls.as_ref()?;
    let handshake = async {
        match &link.opened_for {
            Some(host) => tls.connect(stream, host).await,
            None => tls.accept(stream).await,
        }
    };
    let (stream, names) = timeout(link.config.handshake, handshake).await.ok()?.ok()?;
    let connection = link.flow.connection?;
    link.reports.send(Report::Proved { connection, names }).await.ok()?;
    Some(stream)
}

/// Messages one behind the other on a stream, both ways.
async fn messages(read: impl AsyncRead + Unpin, write: impl AsyncWrite + Unpin, link: &mut Link) {
    let pongs = link.let_go();
    let (config, reports) = (&link.config, &link.reports);
    let framer = match link.opened_for {
        Some(_) => Framer::expecting_pongs(&config.message),
        None => Framer::new(&config.message),
    };
    tokio::select! {
        () = reader(read, framer, link.flow, pongs, config, reports) => {}
        () = writer(write, &mut link.queue.1, config) => {}
    }
}

impl Link {
    /// The writer ends when the owner of the connection lets go of its queue, so that the task must
    /// not hold it itself. What is left is enough for pongs.
    pub(super) fn let_go(&mut self) -> mpsc::WeakSender<Bytes> {
        let weak = self.queue.0.downgrade();
        let (closed, _) = mpsc::channel(1);
        self.queue.0 = closed;
        weak
    }
}

/// Opens a connection from one of our addresses.
async fn connect(flow: &Flow, config: &Config) -> io::Result<TcpStream> {
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
    mut read: impl AsyncRead + Unpin,
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
                // An endpoint passes over it; a registration waits for it.
                Ok(Some(Frame::Pong)) => {
                    Input::Received { flow, message: Bytes::from_static(b"\r\n") }
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

async fn writer(
    mut write: impl AsyncWrite + Unpin,
    messages: &mut mpsc::Receiver<Bytes>,
    config: &Config,
) {
    while let Some(message) = messages.recv().await {
        let sent = async {
            write.write_all(&message).await?;
            write.flush().await
        };
        match timeout(config.write, sent).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
    // Nobody wants to write any more: all was sent, and the peer is told.
    let _ = timeout(config.write, write.shutdown()).await;
}
