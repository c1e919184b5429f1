//! The server: sockets, threads, clocks and the disk around the sans-IO machines.
//!
//! ```text
//!   telephones, trunks                          program (commands, events)
//!         | SIP                                        |
//!  sip_core::net::Transports  <----->  owner task: Exchange  ---> store thread (SQLite)
//!                                          |      ^
//!                          commands, ports v      | events      (packet_ring::spsc)
//!                                       media thread: Machine
//!                                                 |
//!                                         RTP sockets
//! ```
//!
//! One task owns all calls, so that nothing about a call needs a lock.

mod calm;
mod capture;
mod clock;
mod control;
mod datagrams;
mod media_thread;
#[cfg(feature = "metrics")]
mod meters;
mod owner;
mod ports;
mod trace;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use packet_ring::pool::{PacketPool, PoolConfig};
use sip_core::Transport;
use sip_core::net::Transports;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::directory::Directory;
use crate::exchange::{Command, Event, Exchange, Input, Settings as ExchangeSettings};
use crate::front::{self, Front};
use crate::media::Machine;
use crate::store::writer::{Progress, Writer};
use crate::store::{Store, StoreError};
use calm::Calm;
use capture::{Hep, Memory};
use clock::Clock;
pub use control::{Banned, Control, State, Tally};
use media_thread::MediaThread;
use owner::Owner;
pub use packet_ring::batch::Backend as MediaBackend;
use ports::PortBinder;
pub use trace::SipTrace;

/// Where a server listens and what it may use.
#[derive(Clone, Debug)]
pub struct Settings {
    /// SIP addresses, UDP and TCP.
    pub listen: Vec<(Transport, SocketAddr)>,
    /// Where RTP is received.
    pub rtp_address: IpAddr,
    /// RTP ports; even ones are used.
    pub rtp_ports: RangeInclusive<u16>,
    /// Buffers for RTP packets under way.
    pub packet_buffers: usize,
    /// Who is let through to the exchange, and when it is too much. The numbers for emergencies are
    /// the exchange's, and trunks of the directory are added to its peers.
    pub front: front::Settings,
    /// How RTP is received and sent: the back ends to try, the best first. Empty: by the number of ports.
    pub media_backends: Vec<MediaBackend>,
    /// Prints every SIP message.
    pub sip_trace: Option<SipTrace>,
    /// Sends every SIP message to a capture server (Homer, sngrep) as HEP3, which names us by this
    /// number.
    pub hep: Option<(SocketAddr, u32)>,
    /// Bytes of the last SIP messages that are kept for [`Control::pcap`]; 0: none.
    pub kept_messages: usize,
    /// Called when a busy time is over and its tables have become small, for a program whose allocator
    /// keeps what was freed: on each thread that has given back, since allocators keep some for each. It may
    /// take some milliseconds: meanwhile no message is handled.
    pub when_calm: Option<fn()>,
}

impl Default for Settings {
    /// SIP on 127.0.0.1:5060 over UDP and TCP, RTP on even ports from 16384, 16,384 packet buffers,
    /// `recvmmsg` and `sendmmsg` where the system has them.
    fn default() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 5060));
        Self {
            listen: vec![(Transport::Udp, address), (Transport::Tcp, address)],
            rtp_address: address.ip(),
            rtp_ports: 16_384..=32_766,
            packet_buffers: 16_384,
            front: front::Settings::default(),
            // A port has one packet at a time: io_uring costs a little more then, having nothing to
            // gather by socket.
            media_backends: vec![MediaBackend::Mmsg, MediaBackend::IoUring, MediaBackend::Std],
            sip_trace: None,
            hep: None,
            kept_messages: 0,
            when_calm: None,
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {transport} {address}: {}", why(error))]
    Listen {
        /// Which transport.
        transport: Transport,
        /// Which address.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// RTP ports cannot be bound.
    #[error("cannot use the RTP ports of {address}: {}", why(error))]
    Rtp {
        /// Which address.
        address: IpAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// A capture server cannot be sent to.
    #[error("cannot send SIP messages to the capture server {server}: {error}")]
    Capture {
        /// Its address.
        server: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gives no thread, random numbers or memory.
    #[error("the operating system refuses: {0}")]
    System(#[from] io::Error),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::Receiver<Event>,
    control: Control,
    owner: JoinHandle<Progress>,
    addresses: Vec<(Transport, SocketAddr)>,
}

/// Events that wait for a program that does not read them; further ones are dropped and counted.
const EVENTS: usize = 4_096;

impl Server {
    /// Binds every address, reads the store, and begins to serve.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing is left running then.
    pub async fn start(
        settings: Settings,
        mut exchange: ExchangeSettings,
        directory: Directory,
        mut store: Box<dyn Store>,
        seed: [u8; 32],
    ) -> Result<Self, StartError> {
        let clock = Clock::start();
        let transports = bind(&settings.listen).await?;
        let udp = transports.udp_addresses().map(|address| (Transport::Udp, address));
        let tcp = transports.tcp_addresses().map(|address| (Transport::Tcp, address));
        let addresses: Vec<(Transport, SocketAddr)> = udp.chain(tcp).collect();
        exchange.listens.clone_from(&addresses);
        let external = exchange.external_address;
        let pool =
            PacketPool::new(PoolConfig { slots: settings.packet_buffers, ..PoolConfig::default() })
                .map_err(io::Error::other)?;
        let machine = Machine::new(pool.clone(), split(seed, 1));
        let news = Arc::new(Notify::new());
        let ports = settings.rtp_ports.len() / 2;
        let backends = settings.media_backends;
        let when_calm = settings.when_calm;
        let told = Arc::clone(&news);
        let media = MediaThread::start(machine, pool, clock, told, backends, ports, when_calm)?;
        let mut guard = settings.front;
        guard.emergency.clone_from(&exchange.emergency);
        guard.peers.extend(directory.trunks().map(|trunk| trunk.address));
        let front = Front::new(guard, exchange.endpoint.message.clone(), split(seed, 3));
        let first_call = store.next_call()?;
        let bindings = store.bindings()?;
        let mut exchange =
            Exchange::new(exchange, directory, clock.wall(), first_call, split(seed, 2));
        for binding in bindings {
            exchange.handle_input(clock.now(), Input::Restore(binding));
        }
        let binder = PortBinder::new(settings.rtp_address, settings.rtp_ports);
        let (commands, commanded) = mpsc::unbounded_channel();
        let (asks, asked) = mpsc::unbounded_channel();
        let hep = settings.hep.map(|(server, agent)| {
            Hep::to(server, agent).map_err(|error| StartError::Capture { server, error })
        });
        let (announced, events) = mpsc::channel(EVENTS);
        let durable = Arc::clone(&news);
        let rested = move || when_calm.into_iter().for_each(|give_back| give_back());
        let store = Writer::start_telling(store, move || durable.notify_one(), rested)?;
        let mut owner = Owner {
            clock,
            front,
            exchange,
            transports,
            datagrams: None,
            media,
            binder,
            external,
            ports_exhausted: false,
            store,
            store_full: false,
            news,
            records: VecDeque::new(),
            announcements: VecDeque::new(),
            commands: commanded,
            events: announced,
            events_dropped: 0,
            trace: settings.sip_trace,
            hep: hep.transpose()?,
            memory: (settings.kept_messages > 0).then(|| Memory::new(settings.kept_messages)),
            asked,
            tally: Tally::default(),
            out_of_ports: 0,
            bind_again: Duration::ZERO,
            accepts_failed: 0,
            calm: Calm::default(),
            received: 0,
            when_calm,
        };
        owner
            .bind_ports()
            .map_err(|error| StartError::Rtp { address: settings.rtp_address, error })?;
        let owner = tokio::spawn(owner.run());
        Ok(Self { commands, events, control: Control(asks), owner, addresses })
    }

    /// Where it listens, with the ports that the system chose where 0 was asked for.
    pub fn addresses(&self) -> &[(Transport, SocketAddr)] {
        &self.addresses
    }

    /// Asks the exchange for something.
    pub fn command(&self, command: Command) {
        // A server that has stopped carries nothing out.
        let _ = self.commands.send(command);
    }

    /// A handle to look into the server with.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The next event; `None` when the server has stopped.
    pub async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Takes no new calls, says goodbye to the rest, writes every record and ends. Returns what was
    /// written.
    pub async fn stop(self) -> Progress {
        self.command(Command::Stop);
        drop(self.events);
        self.owner.await.unwrap_or_default()
    }
}

async fn bind(listen: &[(Transport, SocketAddr)]) -> Result<Transports, StartError> {
    let mut transports = Transports::new(Default::default());
    for (transport, address) in listen.iter().copied() {
        let bound = match transport {
            Transport::Tcp => transports.bind_tcp(address).await,
            _ => transports.bind_udp(address).await,
        };
        bound.map_err(|error| StartError::Listen { transport, address, error })?;
    }
    Ok(transports)
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses this port; stop it, or listen on another one".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not; ports below 1024 need privileges".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

/// Independent seeds from one, by the generator that will use them.
fn split(seed: [u8; 32], stream: u64) -> [u8; 32] {
    use rand_core::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha20Rng::from_seed(seed);
    random.set_stream(stream);
    let mut part = [0; 32];
    random.fill_bytes(&mut part);
    part
}
