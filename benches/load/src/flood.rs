//! Strangers: malformed and unauthenticated messages from many ports.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Ports that strangers send from.
const SOURCES: usize = 16;

/// Sends hostile messages at a steady rate and counts what comes back.
pub(crate) struct Flood {
    sockets: Vec<UdpSocket>,
    server: SocketAddr,
    rate: f64,
    began: Duration,
    sent: u64,
    random: ChaCha20Rng,
    /// Bytes sent, and bytes that came back.
    pub(crate) bytes: (u64, u64),
}

impl Flood {
    pub(crate) fn new(
        server: SocketAddr,
        rate: f64,
        began: Duration,
        seed: u64,
    ) -> io::Result<Self> {
        let socket = |_| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let sockets = (0..SOURCES).map(socket).collect::<io::Result<_>>()?;
        let random = ChaCha20Rng::seed_from_u64(seed);
        Ok(Self { sockets, server, rate, began, sent: 0, random, bytes: (0, 0) })
    }

    /// When the next message is due.
    pub(crate) fn due(&self) -> Duration {
        self.began + Duration::from_secs_f64(self.sent as f64 / self.rate)
    }

    pub(crate) fn work(&mut self, now: Duration) {
        while self.due() <= now {
            let at = (self.sent % SOURCES as u64) as usize;
            let local = self.sockets[at].local_addr().map_or(0, |address| address.port());
            let message = message(self.server, local, &mut self.random);
            if self.sockets[at].send_to(&message, self.server).is_ok() {
                self.bytes.0 += message.len() as u64;
            }
            self.sent += 1;
        }
        let mut buffer = [0; 4_096];
        for socket in &self.sockets {
            while let Ok(length) = socket.recv(&mut buffer) {
                self.bytes.1 += length as u64;
            }
        }
    }
}

/// One of eight kinds of message that scanners and fools send.
fn message(server: SocketAddr, local: u16, random: &mut ChaCha20Rng) -> Vec<u8> {
    let id = random.next_u64();
    let head = |method: &str, uri: &str, agent: &str, more: &str| {
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{local};branch=z9hG4bK{id:x}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{id:x}@{server}>;tag={id:x}\r\nTo: <{uri}>\r\n\
             Call-ID: {id:x}\r\nCSeq: 1 {method}\r\nContact: <sip:x@127.0.0.1:{local}>\r\n\
             User-Agent: {agent}\r\n{more}Content-Length: 0\r\n\r\n"
        )
    };
    let uri = format!("sip:{}@{server}", 100 + id % 900);
    let digest = "Authorization: Digest username=\"101\", realm=\"office-pbx\", nonce=\"0\", \
                  uri=\"sip:x\", response=\"00000000000000000000000000000000\"\r\n";
    match random.next_u64() % 8 {
        0 => head("INVITE", &uri, "friendly-scanner", "").into_bytes(),
        1 => head("REGISTER", &uri, "sipvicious", "").into_bytes(),
        2 => head("REGISTER", &uri, "phone", digest).into_bytes(),
        3 => head("OPTIONS", &uri, "sipcli", "").into_bytes(),
        4 => head("INVITE", &format!("sip:00{id}@{server}"), "phone", digest).into_bytes(),
        5 => head("INVITE", &uri, "phone", "").replace("Call-ID", "Call ID").into_bytes(),
        6 => head("INVITE", &uri, "phone", "").replace("Via: SIP/2.0", "Via: SIP/").into_bytes(),
        _ => (0..256).map(|_| random.next_u32() as u8).collect(),
    }
}
