//! A relay of 172-byte packets: what a packet costs the thread that carries it, user and system time.
//!
//! In each turn another thread puts the packets into the sockets' queues; then a contender receives them all
//! and sends them on, and its thread's clock says what that took.

use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use packet_ring::batch::{
    AfPacket, AfPacketConfig, Backend, Datagram, IoConfig, PacketIo, SocketId, UdpIo, open,
};
use packet_ring::pool::{PacketPool, PoolConfig};

use crate::lab::{FAR_MAC, Lab, NEAR_MAC, NOBODY};
use crate::report::{contender, goal, measure};
use crate::uring::{BareUring, Form};

const PAYLOAD: usize = 172;
const PACKETS: usize = 512;
const TURNS: usize = 60;
const BATCH: usize = 64;
const PORT: u16 = 20_000;
const MANY: usize = 1000;

pub fn run() {
    println!("\n## Sockets, 172-byte packets, CPU time a packet");
    let Some(lab) = Lab::new() else {
        println!("\nskipped: no network namespaces here (root and iproute2 are needed)");
        return;
    };
    if let Err(error) = lab.enter() {
        println!("\nskipped: the namespace cannot be entered: {error}");
        return;
    }
    let feeder = Feeder { socket: lab.feeder().expect("a packet socket") };
    few(&feeder);
    many(&feeder);
    frames(&feeder);
    segments();
}

/// Where relayed packets go: out by e1, to nobody.
fn destination() -> SocketAddr {
    SocketAddr::from(([10, 9, 1, 2], 9))
}

fn pool() -> PacketPool {
    PacketPool::new(PoolConfig { slots: 4096, ..PoolConfig::default() }).expect("memory")
}

fn config(backend: Backend) -> IoConfig {
    // As bare as the loops compared with: no timestamps, one datagram a message.
    IoConfig { order: vec![backend], timestamps: false, gso: false, ..IoConfig::default() }
}

/// One socket.
fn few(feeder: &Feeder) {
    let pool = pool();
    let turn = |port: u16, relay: &mut dyn FnMut(usize) -> usize| {
        timed(PACKETS, &|| feeder.feed(port, 1, PACKETS), relay)
    };
    let plain = socket(PORT);
    let bare = socket(PORT + 1);
    let mut bare_mmsg = BareMmsg::new();
    let mut contenders = vec![
        contender("bare `recvfrom`, `sendto`", || {
            turn(PORT, &mut |left| (0..left).take_while(|_| bare_once(&plain)).count())
        }),
        contender("bare `recvmmsg`, `sendmmsg`", || turn(PORT + 1, &mut |_| bare_mmsg.relay(&bare))),
    ];
    let mut names = vec![];
    for (backend, port) in [(Backend::Std, PORT + 2), (Backend::Mmsg, PORT + 3), (Backend::IoUring, PORT + 4)] {
        let Ok((mut io, _)) = open(&config(backend)) else {
            println!("\nskipped: {backend} is not permitted here");
            continue;
        };
        let id = io.add(socket(port)).expect("a place");
        let (pool, mut batch) = (&pool, Vec::new());
        names.push(backend);
        contenders.push(contender(format!("packet-ring, {backend}"), move || {
            turn(port, &mut |_| library(&mut *io, pool, &mut batch, |_| id))
        }));
    }
    let (mut default, _) = open(&IoConfig { gso: true, ..config(Backend::Mmsg) }).expect("Linux");
    let id = default.add(socket(PORT + 5)).expect("a place");
    let (lent, mut batch) = (&pool, Vec::new());
    contenders.push(contender("packet-ring, mmsg with GSO, as by default", move || {
        turn(PORT + 5, &mut |_| library(&mut *default, lent, &mut batch, |_| id))
    }));
    let least = measure("relay, one socket", TURNS, contenders);
    println!();
    let of = |backend| names.iter().position(|name| *name == backend).map(|at| least[at + 2]);
    if let Some(ours) = of(Backend::Std) {
        let over = ours - least[0];
        goal("at most 50 ns over bare calls, std", over <= 50.0, format!("{over:+.0} ns"));
    }
    if let Some(ours) = of(Backend::Mmsg) {
        let over = ours - least[1];
        goal("at most 50 ns over bare calls, mmsg", over <= 50.0, format!("{over:+.0} ns"));
        let ratio = least[0] / ours;
        goal("mmsg at least 1.08x plain, without GSO", ratio >= 1.08, format!("{ratio:.2}x"));
    }
    if let Some(ours) = least.last() {
        let ratio = least[0] / ours;
        goal("mmsg at least 1.08x plain, as by default", ratio >= 1.08, format!("{ratio:.2}x"));
    }
}

/// A thousand sockets, a packet in each.
fn many(feeder: &Feeder) {
    let pool = pool();
    let sockets: Vec<UdpSocket> = (0..MANY as u16).map(|n| socket(PORT + 1000 + n)).collect();
    let mut epoll = Epoll::new(&sockets);
    let mut contenders = vec![contender("bare epoll, `recvfrom`, `sendto`", || {
        timed(MANY, &|| feeder.feed(PORT + 1000, MANY, MANY), &mut |_| epoll.relay(&sockets))
    })];
    let mut forms = 0;
    for (form, name, base) in
        [(Form::Multishot, "multishot", PORT + 7000), (Form::Poll, "poll and receive", PORT + 9000)]
    {
        let sockets: Vec<UdpSocket> = (0..MANY as u16).map(|n| socket(base + n)).collect();
        let Ok(mut uring) = BareUring::new(form, &sockets) else {
            println!("\nskipped: io_uring is not permitted here");
            continue;
        };
        forms += 1;
        contenders.push(contender(format!("bare io_uring, {name}"), move || {
            let _open = &sockets;
            timed(MANY, &|| feeder.feed(base, MANY, MANY), &mut |_| uring.relay())
        }));
    }
    let mut names = vec![];
    for (backend, base) in [(Backend::Mmsg, PORT + 3000), (Backend::IoUring, PORT + 5000)] {
        let Ok((mut io, _)) = open(&config(backend)) else {
            println!("\nskipped: {backend} is not permitted here");
            continue;
        };
        for n in 0..MANY as u16 {
            io.add(socket(base + n)).expect("a place");
        }
        let (pool, mut batch) = (&pool, Vec::new());
        // Receives are armed by the first call.
        io.recv_batch(pool, &mut batch, Some(Duration::ZERO)).expect("works");
        names.push(backend);
        contenders.push(contender(format!("packet-ring, {backend}"), move || {
            timed(MANY, &|| feeder.feed(base, MANY, MANY), &mut |_| library(&mut *io, pool, &mut batch, |id| id))
        }));
    }
    let least = measure("relay, 1000 sockets", TURNS, contenders);
    println!();
    if let Some(at) = names.iter().position(|name| *name == Backend::IoUring) {
        let ours = least[at + 1 + forms];
        let ratio = least[0] / ours;
        let bare = least[1..=forms].iter().copied().fold(f64::MAX, f64::min);
        let permitted = least[0] / bare;
        if permitted >= 1.15 || ratio >= 1.15 {
            goal("io_uring at least 1.15x epoll", ratio >= 1.15, format!("{ratio:.2}x"));
        } else {
            println!(
                "- skipped: io_uring at least 1.15x epoll is not permitted here: a bare loop's best form has \
                 {permitted:.2}x; ours has {ratio:.2}x"
            );
        }
        let over = ours - least[1];
        println!("- ours over the bare multishot form, which asks for no addresses: {over:+.0} ns");
    }
}

/// Whole frames against one socket.
fn frames(feeder: &Feeder) {
    let pool = pool();
    let plain = socket(PORT + 10);
    let mut io = AfPacket::new(AfPacketConfig { offloads: false, ..AfPacketConfig::default() });
    let opened = io.add("e0").and_then(|near| Ok((near, io.add("e1")?)));
    let Ok((_, out)) = opened else {
        println!("\nskipped: AF_PACKET is not permitted here");
        return;
    };
    let mut batch = Vec::new();
    let (pool, io) = (&pool, &mut io);
    let least = measure(
        "frames, veth to veth",
        TURNS,
        vec![
            contender("bare `recvfrom`, `sendto`", || {
                timed(PACKETS, &|| feeder.feed(PORT + 10, 1, PACKETS), &mut |left| (0..left).take_while(|_| bare_once(&plain)).count())
            }),
            contender("packet-ring, AF_PACKET", || {
                // What earlier turns left in the ring is not this turn's.
                while io.recv_batch(pool, &mut batch, Some(Duration::ZERO)).expect("works") > 0 {}
                batch.clear();
                timed(PACKETS, &|| feeder.feed(PORT + 11, 1, PACKETS), &mut |_| {
                    let count = io.recv_batch(pool, &mut batch, Some(Duration::from_millis(5))).expect("works");
                    for frame in &mut batch {
                        frame.socket = out;
                        if let Some(header) = frame.packet.first_chunk_mut::<12>() {
                            header[..6].copy_from_slice(&NOBODY);
                            header[6..].copy_from_slice(&NEAR_MAC);
                        }
                    }
                    io.send_batch(&mut batch).expect("works");
                    count
                })
            }),
        ],
    );
    println!();
    let ratio = least[0] / least[1];
    goal("AF_PACKET at least 2.3x plain", ratio >= 2.3, format!("{ratio:.2}x"));
}

/// Sending alone, 64 packets in a row to one peer.
fn segments() {
    let pool = pool();
    let plain = socket(PORT + 20);
    let (mut io, _) = open(&IoConfig { gso: true, ..config(Backend::Mmsg) }).expect("Linux");
    let id = io.add(socket(PORT + 21)).expect("a place");
    let (mut single, _) = open(&config(Backend::Mmsg)).expect("Linux");
    let single_id = single.add(socket(PORT + 22)).expect("a place");
    let send = |io: &mut dyn UdpIo, id: SocketId| {
        let mut batches: Vec<Vec<Datagram>> = (0..PACKETS / BATCH)
            .map(|_| {
                (0..BATCH)
                    .map(|_| {
                        let mut packet = pool.take().expect("the pool is large enough");
                        packet.extend_from_slice(&[7; PAYLOAD]).expect("it fits");
                        Datagram::to(id, destination(), packet)
                    })
                    .collect()
            })
            .collect();
        timed(PACKETS, &|| {}, &mut |_| batches.iter_mut().map(|batch| io.send_batch(batch).expect("works")).sum())
    };
    let least = measure(
        "sending",
        TURNS,
        vec![
            contender("bare `sendto`", || {
                timed(PACKETS, &|| {}, &mut |left| {
                    for _ in 0..left {
                        plain.send_to(&[7; PAYLOAD], destination()).expect("works");
                    }
                    left
                })
            }),
            contender("packet-ring, `sendmmsg`", || send(&mut *single, single_id)),
            contender("packet-ring, GSO", || send(&mut *io, id)),
        ],
    );
    println!();
    let ratio = least[0] / least[2];
    goal("GSO at least 4.3x plain", ratio >= 4.3, format!("{ratio:.2}x"));
}

/// One round of the library's relay.
fn library(
    io: &mut dyn UdpIo,
    pool: &PacketPool,
    batch: &mut Vec<Datagram>,
    out: impl Fn(SocketId) -> SocketId,
) -> usize {
    let count = io.recv_batch(pool, batch, Some(Duration::ZERO)).expect("works");
    for datagram in batch.iter_mut() {
        datagram.socket = out(datagram.socket);
        datagram.peer = Some(destination());
    }
    io.send_batch(batch).expect("works");
    count
}

/// Nanoseconds of this thread's CPU for each of `packets`. Another thread feeds them meanwhile; what the
/// kernel lets this one do at once counts, waiting costs next to nothing.
fn timed(packets: usize, feed: &(dyn Fn() + Sync), relay: &mut dyn FnMut(usize) -> usize) -> f64 {
    let (begin, fed) = (Barrier::new(2), Barrier::new(2));
    let started = thread::scope(|scope| {
        scope.spawn(|| {
            begin.wait();
            feed();
            fed.wait();
        });
        let started = cpu();
        begin.wait();
        fed.wait();
        started
    });
    let mut left = packets;
    let mut idle = 0;
    while left > 0 {
        let count = relay(left);
        left -= count.min(left);
        idle = if count == 0 { idle + 1 } else { 0 };
        if idle > 1000 {
            // Packets were lost on the way: this turn does not count.
            return f64::MAX;
        }
    }
    (cpu() - started) as f64 / packets as f64
}

fn cpu() -> u64 {
    // SAFETY: zeros are a valid time, and the call fills it in.
    let time = unsafe {
        let mut time: libc::timespec = mem::zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time);
        time
    };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn socket(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind(("10.9.0.1", port)).expect("the address is there");
    socket.set_nonblocking(true).expect("works");
    let size: i32 = 8 << 20;
    // SAFETY: the option's value is an int, and its length is told.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVBUFFORCE,
            (&raw const size).cast(),
            4,
        );
    }
    socket
}

/// As a C program would: one packet.
fn bare_once(socket: &UdpSocket) -> bool {
    let mut bytes = [0_u8; 2048];
    // SAFETY: the buffers are as long as told, the addresses of their family's type.
    unsafe {
        let mut from: libc::sockaddr_in = mem::zeroed();
        let mut from_len = size_of_val(&from) as u32;
        let len = libc::recvfrom(
            socket.as_raw_fd(),
            bytes.as_mut_ptr().cast(),
            bytes.len(),
            libc::MSG_DONTWAIT,
            (&raw mut from).cast(),
            &mut from_len,
        );
        if len < 0 {
            return false;
        }
        let to = to();
        libc::sendto(
            socket.as_raw_fd(),
            bytes.as_ptr().cast(),
            len as usize,
            libc::MSG_DONTWAIT,
            (&raw const to).cast(),
            size_of_val(&to) as u32,
        );
    }
    true
}

pub fn to() -> libc::sockaddr_in {
    // SAFETY: zeros are a valid address.
    let mut to: libc::sockaddr_in = unsafe { mem::zeroed() };
    to.sin_family = libc::AF_INET as u16;
    to.sin_port = 9_u16.to_be();
    to.sin_addr.s_addr = u32::from_ne_bytes([10, 9, 1, 2]);
    to
}

/// As a C program would: batches.
struct BareMmsg {
    buffers: Vec<[u8; 2048]>,
    names: Vec<libc::sockaddr_in>,
    iovecs: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl BareMmsg {
    fn new() -> Self {
        // SAFETY: zeros are valid addresses, vectors and headers.
        unsafe {
            Self {
                buffers: vec![[0; 2048]; BATCH],
                names: vec![mem::zeroed(); BATCH],
                iovecs: vec![mem::zeroed(); BATCH],
                headers: vec![mem::zeroed(); BATCH],
            }
        }
    }

    fn relay(&mut self, socket: &UdpSocket) -> usize {
        for at in 0..BATCH {
            self.iovecs[at] = libc::iovec { iov_base: self.buffers[at].as_mut_ptr().cast(), iov_len: 2048 };
            let header = &mut self.headers[at].msg_hdr;
            header.msg_name = (&raw mut self.names[at]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
            header.msg_iov = &mut self.iovecs[at];
            header.msg_iovlen = 1;
        }
        // SAFETY: the headers lead to the arrays of `self`.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        if count <= 0 {
            return 0;
        }
        for at in 0..count as usize {
            self.iovecs[at].iov_len = self.headers[at].msg_len as usize;
            self.names[at] = to();
        }
        // SAFETY: as above.
        unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), count as u32, libc::MSG_DONTWAIT);
        }
        count as usize
    }
}

/// As a C program would: epoll over many sockets.
struct Epoll(OwnedFd);

impl Epoll {
    fn new(sockets: &[UdpSocket]) -> Self {
        use std::os::fd::FromRawFd;
        // SAFETY: the descriptor is new; events are valid for their calls.
        unsafe {
            let epoll = OwnedFd::from_raw_fd(libc::epoll_create1(0));
            for (at, socket) in sockets.iter().enumerate() {
                let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: at as u64 };
                libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, socket.as_raw_fd(), &mut event);
            }
            Self(epoll)
        }
    }

    fn relay(&mut self, sockets: &[UdpSocket]) -> usize {
        // SAFETY: the array has room for as many events as told.
        let (events, count) = unsafe {
            let mut events: [libc::epoll_event; BATCH] = mem::zeroed();
            let count = libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), BATCH as i32, 0);
            (events, count.max(0) as usize)
        };
        events[..count].iter().filter(|event| bare_once(&sockets[event.u64 as usize])).count()
    }
}

/// Puts packets into the near sockets' queues, from the far end of e0.
struct Feeder {
    socket: OwnedFd,
}

impl Feeder {
    /// `count` packets to the `ports` ports from `port` on, in turns.
    fn feed(&self, port: u16, ports: usize, count: usize) {
        let mut frame = [0_u8; 42 + PAYLOAD];
        frame[..6].copy_from_slice(&NEAR_MAC);
        frame[6..12].copy_from_slice(&FAR_MAC);
        frame[12..14].copy_from_slice(&[8, 0]);
        let ip = &mut frame[14..34];
        ip[0] = 0x45;
        ip[2..4].copy_from_slice(&(28 + PAYLOAD as u16).to_be_bytes());
        ip[8] = 64;
        ip[9] = 17;
        ip[12..16].copy_from_slice(&[10, 9, 0, 2]);
        ip[16..20].copy_from_slice(&[10, 9, 0, 1]);
        let sum = packet_ring::forward::checksum::of(ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());
        frame[34..36].copy_from_slice(&9_u16.to_be_bytes());
        frame[38..40].copy_from_slice(&(8 + PAYLOAD as u16).to_be_bytes());
        for n in 0..count {
            let port = port + (n % ports) as u16;
            frame[36..38].copy_from_slice(&port.to_be_bytes());
            // SAFETY: the buffer is as long as told.
            unsafe { libc::send(self.socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
            // The receiving side's queue of a core holds a thousand.
            if n % 256 == 255 {
                thread::sleep(Duration::from_micros(300));
            }
        }
        // Until the last has arrived, and AF_PACKET's block was handed over.
        thread::sleep(Duration::from_millis(3));
    }
}
