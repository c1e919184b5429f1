//! Where responses go, and what that has to do with the top Via of their request (RFC 3261 §18.2,
//! RFC 3581 §4).

use core::net::IpAddr;

use crate::Request;
use crate::flow::Flow;
use crate::header::{Known, ViaRef};
use crate::text::{Out, write_number};
use crate::uri::{HostRef, write_ipv4};

/// How the line starts.
const NAME: &[u8] = b"Via: ";

/// The way back to the sender of a request.
pub(super) struct WayBack {
    /// The line of the top Via with where the request came from, when that is to be written into it.
    via: Option<Vec<u8>>,
    reply: Flow,
}

impl WayBack {
    /// Reads the way from the top Via and from where the request came from (§18.2.2). A `maddr` is
    /// not followed: it lets anyone aim answers at anyone.
    pub(super) fn of(via: &ViaRef<'_>, flow: &Flow) -> Self {
        let mut line = Vec::with_capacity(256);
        let (noted, reply) = Self::write(via, flow, &mut line);
        Self { via: noted.then_some(line), reply }
    }

    /// Writes the line of the top Via, without its end: whether it says where the request came from (else it
    /// is as it came), and the flow that responses go to.
    pub(super) fn write(via: &ViaRef<'_>, flow: &Flow, line: &mut Vec<u8>) -> (bool, Flow) {
        let seen = flow.remote.ip();
        let elsewhere = match (via.host(), seen) {
            (HostRef::V4(own), IpAddr::V4(seen)) => own != seen,
            (HostRef::V6(own), IpAddr::V6(seen)) => own != seen,
            _ => true,
        };
        line.extend_from_slice(NAME);
        let start = line.len();
        let asks_port = match via.around_rport() {
            Some((before, after)) => {
                line.extend_from_slice(before);
                line.extend_from_slice(after);
                true
            }
            None => copy_params(via, line),
        };
        let port = match asks_port {
            true => flow.remote.port(),
            false => via.port().unwrap_or_else(|| via.transport().default_port()),
        };
        let reply = match flow.is_reliable() {
            true => *flow,
            false => {
                let mut reply = *flow;
                reply.remote.set_port(port);
                reply
            }
        };
        if !asks_port && !elsewhere {
            line.truncate(start);
            line.extend_from_slice(via.as_bytes());
            return (false, reply);
        }
        line.extend_from_slice(b";received=");
        write_address(line, seen);
        if asks_port {
            line.extend_from_slice(b";rport=");
            write_number(line, flow.remote.port().into());
        }
        (true, reply)
    }

    /// The line of the top Via with where the request came from, without its end, if that is to be
    /// written into it; and the flow that responses go to.
    pub(super) fn into_line(self) -> (Option<Vec<u8>>, Flow) {
        (self.via, self.reply)
    }

    /// Writes into the top Via where the request came from (§18.2.1, RFC 3581 §4), and gives the
    /// flow that responses go to.
    pub(super) fn mark(self, request: &mut Request) -> Flow {
        if let Some(via) = self.via {
            request.headers.replace_first(Known::Via, via, NAME.len());
        }
        self.reply
    }
}

/// Copies a Via without `received` and `rport`; says whether that was there.
fn copy_params(via: &ViaRef<'_>, line: &mut Vec<u8>) -> bool {
    line.extend_from_slice(via.before_params());
    let mut asks_port = false;
    for param in via.params().raw() {
        if param.name.eq_ignore_ascii_case(b"rport") {
            asks_port = true;
        } else if !param.name.eq_ignore_ascii_case(b"received") {
            line.push(b';');
            line.extend_from_slice(param.name);
            if let Some(text) = param.value {
                line.push(b'=');
                line.extend_from_slice(text);
            }
        }
    }
    asks_port
}

/// An address without brackets, as `received` has it.
fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    use core::fmt::Write as _;
    // Writing to a Vec cannot fail.
    let _ = match address {
        IpAddr::V4(address) => return write_ipv4(address, out),
        IpAddr::V6(address) => write!(Out(out), "{address}"),
    };
}
