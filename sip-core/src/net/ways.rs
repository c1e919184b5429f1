//! The way from our sockets to a target.

use core::net::SocketAddr;

use super::Transports;
use crate::Transport;
use crate::flow::Flow;
use crate::resolve::{Target, Ways};

impl Ways for Transports {
    /// From the first address that is bound for the transport and of the target's family. A client
    /// that does not listen on a stream transport opens connections from any address.
    fn way(&mut self, target: &Target) -> Option<Flow> {
        let v4 = target.address.is_ipv4();
        let bound = self.addresses(target.transport).find(|bound| bound.is_ipv4() == v4);
        let local = match (bound, target.transport) {
            (Some(bound), _) => bound,
            (None, Transport::Udp) => return None,
            (None, _) if v4 => SocketAddr::from(([0, 0, 0, 0], 0)),
            (None, _) => SocketAddr::from(([0; 16], 0)),
        };
        let flow =
            Flow { transport: target.transport, local, remote: target.address, connection: None };
        self.speaks(target.transport).then(|| self.connect(&target.host, flow))
    }
}
