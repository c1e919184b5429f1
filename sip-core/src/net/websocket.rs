//! One WebSocket connection (RFC 6455, RFC 7118): the opening handshake, frames both ways, pongs and
//! the closing handshake.

use std::io;

use bytes::Bytes;
use rand_core::Rng;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::Config;
use super::SystemRandom;
use super::connection::Link;
use super::connections::Report;
use crate::endpoint::Input;
use crate::flow::Flow;
use crate::framing::{
    Close, Role, Upgrade, UpgradeAnswer, WebSocketFrame, WebSocketFramer, write_close,
    write_message, write_pong,
};

/// Pongs and the like that wait to be written; a peer that does not read them need not get them.
const REPLIES: usize = 8;

/// Runs a connection from its handshake to its end.
pub(super) async fn run<S>(mut stream: S, link: &mut Link)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = link.config.clone();
    let handshake = async {
        match link.opened_for.is_some() {
            true => open(&mut stream, link).await,
            false => accept(&mut stream).await,
        }
    };
    let Ok(Ok(rest)) = timeout(config.handshake, handshake).await else { return };
    let role = if link.opened_for.is_some() { Role::Client } else { Role::Server };
    let mut framer = WebSocketFramer::new(role, &config.message);
    framer.push(&rest);
    let (read, mut write) = tokio::io::split(stream);
    link.let_go();
    let (replies, waiting) = mpsc::channel(REPLIES);
    let last = tokio::select! {
        last = reader(read, framer, link.flow, replies, &config, &link.reports) => last,
        () = writer(&mut write, &mut link.queue.1, waiting, role, &config) => None,
    };
    if let Some(last) = last {
        let mut frame = Vec::new();
        write_close(last.as_ref(), Mask::new(role).next(), &mut frame);
        let goodbye = async {
            write.write_all(&frame).await?;
            write.shutdown().await
        };
        let _ = timeout(config.write, goodbye).await;
    }
}

/// The server's side of the handshake; gives what followed it.
async fn accept<S>(stream: &mut S) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = Vec::new();
    loop {
        match Upgrade::read(&bytes) {
            Ok(Some((upgrade, length))) => {
                stream.write_all(upgrade.accept().as_bytes()).await?;
                stream.flush().await?;
                return Ok(bytes.split_off(length));
            }
            Ok(None) => more(stream, &mut bytes).await?,
            Err(error) => {
                stream.write_all(error.answer().as_bytes()).await?;
                stream.shutdown().await?;
                return Err(io::Error::other(error));
            }
        }
    }
}

/// The client's side of it.
async fn open<S>(stream: &mut S, link: &Link) -> io::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let authority = match &link.opened_for {
        Some(host) if host.name().is_some() => format!("{host}:{}", link.flow.remote.port()),
        _ => link.flow.remote.to_string(),
    };
    let mut key = [0; 16];
    SystemRandom::default().fill_bytes(&mut key);
    let upgrade = Upgrade::new(&authority, "/", key);
    stream.write_all(upgrade.to_string().as_bytes()).await?;
    stream.flush().await?;
    let mut bytes = Vec::new();
    loop {
        match UpgradeAnswer::read(&bytes, &upgrade).map_err(io::Error::other)? {
            Some(length) => return Ok(bytes.split_off(length)),
            None => more(stream, &mut bytes).await?,
        }
    }
}

/// Reads on; the handshake bounds how much.
async fn more(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(bytes).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Reads until the connection is to be closed. `Some` says with which goodbye.
async fn reader(
    mut read: impl AsyncRead + Unpin,
    mut framer: WebSocketFramer,
    flow: Flow,
    replies: mpsc::Sender<Reply>,
    config: &Config,
    reports: &mpsc::Sender<Report>,
) -> Option<Option<Close>> {
    let mut buffer = vec![0; 16_384];
    let mut unfinished: Option<Instant> = None;
    loop {
        let mut progress = false;
        loop {
            let message = match framer.next() {
                Ok(Some(WebSocketFrame::Message(message))) => message,
                // An endpoint passes over it; a registration waits for it.
                Ok(Some(WebSocketFrame::KeepAliveAnswer)) => Bytes::from_static(b"\r\n"),
                Ok(Some(WebSocketFrame::KeepAlive)) => {
                    let _ = replies.try_send(Reply::Line);
                    progress = true;
                    continue;
                }
                Ok(Some(WebSocketFrame::Ping(payload))) => {
                    let _ = replies.try_send(Reply::Pong(payload));
                    progress = true;
                    continue;
                }
                Ok(Some(WebSocketFrame::Pong(_))) => {
                    progress = true;
                    continue;
                }
                Ok(Some(WebSocketFrame::Close(why))) => return Some(why),
                Ok(None) => break,
                Err(error) => {
                    return Some(Some(Close {
                        code: error.close_code(),
                        reason: error.kind.to_string(),
                    }));
                }
            };
            progress = true;
            let input = Input::Received { flow, message };
            if reports.send(Report::Input(input)).await.is_err() {
                return None;
            }
        }
        if framer.pending() == 0 {
            unfinished = None;
        } else if progress || unfinished.is_none() {
            unfinished = Some(Instant::now());
        }
        // A message must be whole in time, however busily its bytes trickle in.
        let idle = Instant::now() + config.idle;
        let deadline = unfinished.map_or(idle, |since| idle.min(since + config.partial));
        match timeout_at(deadline, read.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => {
                framer.push(buffer.get(..length).unwrap_or_default());
            }
            _ => return None,
        }
    }
}

/// What is answered without the user.
enum Reply {
    Pong(Bytes),
    Line,
}

async fn writer(
    write: &mut (impl AsyncWrite + Unpin),
    messages: &mut mpsc::Receiver<Bytes>,
    mut replies: mpsc::Receiver<Reply>,
    role: Role,
    config: &Config,
) {
    let mut mask = Mask::new(role);
    let mut frame = Vec::new();
    loop {
        frame.clear();
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => write_message(&message, mask.next(), &mut frame),
                None => break,
            },
            Some(reply) = replies.recv() => match reply {
                Reply::Pong(payload) => write_pong(&payload, mask.next(), &mut frame),
                Reply::Line => write_message(b"\r\n", mask.next(), &mut frame),
            },
        }
        let sent = async {
            write.write_all(&frame).await?;
            write.flush().await
        };
        match timeout(config.write, sent).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
    // Nobody wants to write any more: all was sent, and the peer is told.
    let why = Close { code: 1000, reason: String::new() };
    write_close(Some(&why), mask.next(), &mut frame);
    let goodbye = async {
        write.write_all(&frame).await?;
        write.shutdown().await
    };
    let _ = timeout(config.write, goodbye).await;
}

/// The masks of a client's frames; a server's have none (RFC 6455 §5.3).
struct Mask(Option<SystemRandom>);

impl Mask {
    fn new(role: Role) -> Self {
        Self((role == Role::Client).then(SystemRandom::default))
    }

    fn next(&mut self) -> Option<[u8; 4]> {
        self.0.as_mut().map(|random| random.next_u32().to_be_bytes())
    }
}
