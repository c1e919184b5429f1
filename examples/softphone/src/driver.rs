//! The phone on sockets, files and the clock.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use packet_ring::pool::PacketPool;
use pbx::media::wav;
use sip_core::net::Transports;
use sip_core::{Flow, endpoint};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

use crate::errand::{Errand, Run};
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::phone::{Input, Phone, Transmit};
use crate::progress::Progress;

/// Tries to find an even port that nobody holds (RFC 3550 §11).
const ATTEMPTS: usize = 32;

/// Everything outside the phone.
pub struct Driver<W> {
    /// The SIP sockets.
    pub transports: Transports,
    /// The RTP socket.
    pub media: UdpSocket,
    /// Buffers for RTP, of which the phone has the other end.
    pub pool: PacketPool,
    /// A datagram socket connected to the server, which hears when nothing listens there.
    pub probe: Option<Probe>,
    /// Where the recording goes.
    pub recording: Option<wav::Writer>,
    /// The screen.
    pub progress: Progress<W>,
    /// Ctrl-C and its like.
    pub interrupts: Interrupts,
}

/// A socket that hears when nothing listens at a UDP address: the answer of the network goes to
/// connected sockets only, and signalling needs one that is open to all.
pub struct Probe {
    socket: UdpSocket,
    flow: Flow,
}

impl Probe {
    /// Sends an empty line to the peer of `flow`, which every SIP stack ignores (RFC 3261 §7.5).
    ///
    /// # Errors
    ///
    /// There is no way to the peer.
    pub async fn send(flow: Flow) -> io::Result<Self> {
        let socket = UdpSocket::bind((flow.local.ip(), 0)).await?;
        socket.connect(flow.remote).await?;
        socket.send(b"\r\n\r\n").await?;
        Ok(Self { socket, flow })
    }

    /// Resolves when the network says that nothing listens.
    async fn refused(&self) -> Flow {
        let mut answer = [0; 512];
        loop {
            match self.socket.recv(&mut answer).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return self.flow,
                // Anything else comes from somebody who listens.
                _ => std::future::pending().await,
            }
        }
    }
}

impl<W: io::Write> Driver<W> {
    /// Runs an errand to its end.
    ///
    /// # Errors
    ///
    /// Why it failed; also when the recording could not be written.
    pub async fn run(mut self, mut phone: Phone, errand: Errand) -> anyhow::Result<()> {
        let start = Instant::now();
        let now = || start.elapsed();
        let mut run = Run::start(now(), errand, &mut phone)?;
        let mut trouble = None;
        let outcome = loop {
            if let Err(error) = self.flush(&mut phone) {
                // The call has still to be ended properly.
                self.recording = None;
                trouble = Some(error);
                run.interrupt(now(), &mut phone);
            }
            let mut told = false;
            while let Some(event) = phone.poll_event() {
                self.progress.show(&event);
                run.handle_event(now(), &event, &mut phone);
                told = true;
            }
            if told {
                continue;
            }
            if let Some(outcome) = run.outcome(now(), &phone) {
                break outcome;
            }
            let wake = [phone.poll_timeout(), run.poll_timeout()].into_iter().flatten().min();
            tokio::select! {
                input = self.transports.receive() => self.on_signal(now(), input, &mut phone),
                Ok(()) = self.media.readable() => self.on_packets(now(), &mut phone),
                flow = refused(self.probe.as_ref()) => {
                    self.probe = None;
                    let input = Input::Signal(endpoint::Input::FlowFailed { flow });
                    phone.handle_input(now(), input);
                }
                () = sleep_until(start + wake.unwrap_or_default()), if wake.is_some() => {
                    phone.handle_timeout(now());
                }
                () = self.interrupts.next() => {
                    if !run.interrupt(now(), &mut phone) {
                        break Err(Failure::Interrupted);
                    }
                }
            }
        };
        self.flush(&mut phone)?;
        self.transports.close().await;
        if let Some(recording) = self.recording {
            recording.finish().context("the recording cannot be completed")?;
        }
        match trouble {
            Some(error) => Err(error),
            None => Ok(outcome?),
        }
    }

    fn on_signal(&mut self, now: Duration, input: endpoint::Input, phone: &mut Phone) {
        if matches!(input, endpoint::Input::Received { .. }) {
            self.probe = None;
        }
        phone.handle_input(now, Input::Signal(input));
    }

    fn on_packets(&mut self, now: Duration, phone: &mut Phone) {
        // Where every buffer is in use the packets wait in the kernel.
        while let Some(mut packet) = self.pool.take() {
            match self.media.try_recv_from(packet.spare_mut()) {
                Ok((length, source)) => {
                    if packet.set_len(length).is_ok() {
                        phone.handle_input(now, Input::Packet { source, packet });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The network's answer to a packet of ours: the peer does not listen (yet).
                Err(_) => {}
            }
        }
    }

    fn flush(&mut self, phone: &mut Phone) -> anyhow::Result<()> {
        while let Some(transmit) = phone.poll_transmit() {
            match transmit {
                Transmit::Signal(transmit) => self.transports.send(transmit),
                Transmit::Packet { destination, packet } => {
                    // Sound that cannot leave now is worth nothing later.
                    let _ = self.media.try_send_to(&packet, destination);
                }
            }
        }
        while let Some(block) = phone.poll_block() {
            if let Some(recording) = &mut self.recording {
                recording.write(&block.samples).context("the recording cannot be written")?;
            }
        }
        Ok(())
    }
}

async fn refused(probe: Option<&Probe>) -> Flow {
    match probe {
        Some(probe) => probe.refused().await,
        None => std::future::pending().await,
    }
}

/// Our address towards a peer, by the routing table: that of a connected socket, which sends nothing.
///
/// # Errors
///
/// There is no way there.
pub fn local_towards(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

/// Binds an RTP socket to an even port of the system's choice.
///
/// # Errors
///
/// The address is not ours, or no port is free.
pub async fn bind_media(ip: IpAddr) -> io::Result<UdpSocket> {
    let mut odd = Vec::new();
    for _ in 0..ATTEMPTS {
        let socket = UdpSocket::bind((ip, 0)).await?;
        if socket.local_addr()?.port() % 2 == 0 {
            return Ok(socket);
        }
        // Held, so that the system gives another one.
        odd.push(socket);
    }
    odd.pop().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}
