//! Listening sockets.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Config;
use super::census::{Place, Shared};
use super::connections::Report;
use crate::Transport;
use crate::flow::Flow;

/// A listening socket of one family.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart need not wait for the old connections to be forgotten.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

/// Takes connections for as long as somebody serves them.
pub(super) async fn accept(
    listener: TcpListener,
    transport: Transport,
    bound: SocketAddr,
    shared: Arc<Shared>,
    config: Config,
    reporter: mpsc::Sender<Report>,
) {
    loop {
        let Ok((stream, remote)) = listener.accept().await else {
            // Out of descriptors, most likely: others have to close first.
            shared.count_failure();
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let each = Some(config.connections_each);
        let Some(place) = Place::take(&shared, remote.ip(), config.connections, each) else {
            continue;
        };
        let local = stream.local_addr().unwrap_or(bound);
        let connection = Some(shared.next_id());
        let flow = Flow { transport, local, remote, connection };
        if reporter.send(Report::Accepted { stream, flow, place }).await.is_err() {
            return;
        }
    }
}
