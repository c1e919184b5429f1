//! Where a request within a dialog goes (RFC 3261 §8.1.2, §12.2.1.1; RFC 3263 §4.1).

use core::net::{IpAddr, SocketAddr};

use super::{Endpoint, Error, Noun};
use crate::dialog::{Dialog, DialogId};
use crate::flow::Flow;
use crate::{SipUri, Transport};

/// Where requests within a dialog go. A request to a host name always stays on the dialog's flow:
/// resolving names is not done here.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum NextHop {
    /// To the first route or the remote target, as the standard says, with two exceptions. A
    /// stream to the right host is used whatever its port. And where the peer is behind a NAT, the
    /// dialog's flow is used: the peer itself, not a proxy, wrote a Contact that is not the address
    /// it sends from; or it named a private address from a public one; or our INVITE for a numeric
    /// address was sent elsewhere to begin with, as to a phone's registered flow.
    #[default]
    Standard,
    /// Always on the flow of the dialog's last message from the peer.
    SameFlow,
}

impl NextHop {
    /// The flow of the next request in `dialog`.
    pub(super) fn of(self, dialog: &Dialog) -> Flow {
        let flow = dialog.flow();
        if self == Self::SameFlow {
            return flow;
        }
        let Some((transport, remote)) = dialog.next_hop().as_sip().and_then(|u| place(u, &flow))
        else {
            return flow;
        };
        let same_host = remote.ip() == flow.remote.ip();
        if transport == flow.transport && same_host && (flow.is_reliable() || remote == flow.remote)
        {
            return flow;
        }
        let translated = !same_host
            && (dialog.is_direct() || (is_private(remote.ip()) && !is_private(flow.remote.ip())));
        if translated || remote.ip().is_ipv4() != flow.local.is_ipv4() {
            return flow;
        }
        Flow { transport, local: flow.local, remote, connection: None }
    }
}

impl Endpoint {
    /// Says where the next request in `dialog` goes when its next hop is a host name, which
    /// [`resolve`](crate::resolve) has looked up. The next message from the peer replaces it.
    ///
    /// # Errors
    ///
    /// The dialog is gone.
    pub fn set_flow(&mut self, dialog: DialogId, flow: Flow) -> Result<(), Error> {
        let usage = self.dialogs.get_mut(dialog.0).ok_or(Error::Gone(Noun::Dialog))?;
        usage.dialog.set_flow(flow);
        Ok(())
    }
}

/// Transport and address that a URI with a numeric host names; `None` for a host name and for an
/// address that nobody can be at.
fn place(uri: &SipUri, flow: &Flow) -> Option<(Transport, SocketAddr)> {
    let ip = match uri.maddr() {
        Some(host) => host.ip()?,
        None => uri.host().ip()?,
    };
    if ip.is_unspecified() || ip.is_multicast() || uri.port() == Some(0) {
        return None;
    }
    let transport = match uri.transport() {
        Some(transport) if uri.is_secure() && transport == Transport::Tcp => Transport::Tls,
        Some(transport) => transport,
        None if uri.is_secure() => Transport::Tls,
        // A Contact often leaves out the transport that its owner has just used.
        None if ip == flow.remote.ip() => flow.transport,
        None => Transport::Udp,
    };
    let port = uri.port().unwrap_or_else(|| transport.default_port());
    Some((transport, SocketAddr::new(ip, port)))
}

/// Addresses that mean another host on the other side of a NAT.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
