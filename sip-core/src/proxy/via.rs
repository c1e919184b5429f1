//! Where requests came from and responses go (RFC 3261 §18.2, RFC 3581).

use core::net::SocketAddr;

use super::Ours;
use crate::flow::Flow;
use crate::header::Via;
use crate::{HeaderError, Request, Response};

/// Writes into the top Via where a request came from, and gives the flow that its responses take.
///
/// # Errors
///
/// Via is missing or malformed: nobody knows where an answer should go.
pub fn mark_source(request: &mut Request, flow: &Flow) -> Result<Flow, HeaderError> {
    let mut via: Via = request.headers.require()?;
    let asks_port = via.rport().is_some();
    if asks_port || via.sent_by.host.ip() != Some(flow.remote.ip()) {
        via.set_received(flow.remote.ip());
    }
    if asks_port {
        via.set_rport(Some(flow.remote.port()));
    }
    let port = if asks_port { flow.remote.port() } else { via.port_or_default() };
    request.headers.set_front(via);
    if flow.is_reliable() {
        return Ok(*flow);
    }
    Ok(Flow { remote: SocketAddr::new(flow.remote.ip(), port), ..*flow })
}

/// Takes our Via off a response. `false` when the top one is not ours: the response is not for us
/// and is dropped (§16.7, step 3).
pub fn pop_via(response: &mut Response, ours: &Ours) -> bool {
    match response.headers.require::<Via>() {
        Ok(via) if ours.contains(&via.sent_by) => {
            matches!(response.headers.pop_front::<Via>(), Ok(Some(_)))
        }
        _ => false,
    }
}

/// The flow that a response takes according to its top Via (§18.2.2), from `local`: back to where
/// the request came from, as we have noted it there. `None` without a Via, which means that the
/// response was for us, and for a host name, which we never leave unmarked.
///
/// A `maddr` is not followed: it lets anyone aim answers at anyone.
pub fn response_flow(response: &Response, local: SocketAddr) -> Option<Flow> {
    let via: Via = response.headers.require().ok()?;
    let ip = via.received().or_else(|| via.sent_by.host.ip())?;
    let port = via.rport().flatten().unwrap_or_else(|| via.port_or_default());
    let remote = SocketAddr::new(ip, port);
    Some(Flow { transport: via.transport, local, remote, connection: None })
}
