//! SIP over WebSocket (RFC 7118): one SIP message in each WebSocket message.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config, client_async_with_config};

use super::connection::Link;
use super::transports::{Config, Report};
use crate::endpoint::Input;
use crate::flow::Flow;

/// The subprotocol (RFC 7118 §4.1).
const SIP: &str = "sip";

/// Runs a connection from its handshake to its end.
pub(super) async fn run<S>(stream: S, link: &mut Link)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let arrival = Arrival::default();
    let stream = Watched { stream, arrival: arrival.clone() };
    let config = link.config.clone();
    let limits = WebSocketConfig::default()
        .max_message_size(Some(config.message.bytes))
        .max_frame_size(Some(config.message.bytes));
    let handshake = async {
        if link.opened_for.is_none() {
            return accept_hdr_async_with_config(stream, agree, Some(limits)).await;
        }
        let (socket, response) =
            client_async_with_config(offer(link)?, stream, Some(limits)).await?;
        match speaks_sip(response.headers()) {
            true => Ok(socket),
            false => Err(Error::Io(io::ErrorKind::Unsupported.into())),
        }
    };
    let Ok(Ok(socket)) = timeout(config.handshake, handshake).await else { return };
    arrival.clear();
    let (sink, stream) = socket.split();
    let pongs = link.let_go();
    tokio::select! {
        () = reader(stream, arrival, link.flow, pongs, &config, &link.reports) => {}
        () = writer(sink, &mut link.queue.1, &config) => {}
    }
}

/// The server's side of the handshake: who does not speak SIP is turned away.
#[allow(clippy::result_large_err)]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    if !speaks_sip(request.headers()) {
        let mut refusal = ErrorResponse::new(Some("the subprotocol is sip".to_owned()));
        *refusal.status_mut() = StatusCode::BAD_REQUEST;
        return Err(refusal);
    }
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
    Ok(response)
}

/// The client's side of it.
fn offer(link: &Link) -> Result<Request, Error> {
    let authority = match &link.opened_for {
        Some(host) if host.name().is_some() => format!("{host}:{}", link.flow.remote.port()),
        _ => link.flow.remote.to_string(),
    };
    let scheme = if link.flow.transport.is_secure() { "wss" } else { "ws" };
    let mut request = format!("{scheme}://{authority}/").into_client_request()?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
    Ok(request)
}

fn speaks_sip(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim().eq_ignore_ascii_case(SIP))
}

async fn reader<S>(
    mut stream: SplitStream<WebSocketStream<Watched<S>>>,
    arrival: Arrival,
    flow: Flow,
    pongs: mpsc::WeakSender<Bytes>,
    config: &Config,
    reports: &mpsc::Sender<Report>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let idle = Instant::now() + config.idle;
        let message = loop {
            let partial = arrival.since().unwrap_or_else(Instant::now) + config.partial;
            tokio::select! {
                message = stream.next() => break message,
                () = sleep_until(idle.min(partial)) => {
                    let now = Instant::now();
                    let late = arrival.since().is_some_and(|since| since + config.partial <= now);
                    if late || idle <= now {
                        return;
                    }
                }
            }
        };
        arrival.clear();
        let message = match message {
            Some(Ok(Message::Text(text))) => Bytes::from(text),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
        };
        // Keep-alives as on a stream (RFC 5626 §3.5.1); a shorter one is the answer to ours.
        if message.len() >= 4 && message.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            if let Some(pongs) = pongs.upgrade() {
                let _ = pongs.try_send(Bytes::from_static(b"\r\n"));
            }
            continue;
        }
        if reports.send(Report::Input(Input::Received { flow, message })).await.is_err() {
            return;
        }
    }
}

async fn writer<S>(
    mut sink: SplitSink<WebSocketStream<Watched<S>>, Message>,
    messages: &mut mpsc::Receiver<Bytes>,
    config: &Config,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(bytes) = messages.recv().await {
        let message = match Utf8Bytes::try_from(bytes.clone()) {
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(bytes),
        };
        match timeout(config.write, sink.send(message)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
    let _ = timeout(config.write, sink.close()).await;
}

/// Since when bytes have arrived that have not yet made a whole message.
#[derive(Clone, Default)]
struct Arrival(Arc<Mutex<Option<Instant>>>);

impl Arrival {
    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
    }

    fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A stream that notes when bytes arrive.
struct Watched<S> {
    stream: S,
    arrival: Arrival,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.arrival.note();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
