use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::string::{String, ToString};
use std::time::Duration;
use std::vec::Vec;
use std::{mem, ptr};

use super::super::sockets::Sockets;
use super::super::{BATCH, Backend, Counters, Datagram, Offload, PacketIo, SocketId};
use super::frame_ring::{Frame, FrameRing};
use super::intake::set_option;
use super::messages::give_back;
use super::readiness::milliseconds;
use crate::forward::MacAddress;
use crate::forward::ethernet::{VlanTag, push_tag};
use crate::pool::{PacketBuf, PacketPool};

/// Whole frames of network interfaces: AF_PACKET with a TPACKET_V3 receive ring, and batches of
/// `sendmmsg` for transmission. Needs `CAP_NET_RAW` and Linux 4.20.
///
/// Frames that this host sends itself are not received.
pub struct AfPacket {
    config: AfPacketConfig,
    interfaces: Sockets<Interface>,
    /// Which interface has its turn first.
    turn: u32,
    counters: Counters,
}

/// How interfaces are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AfPacketConfig {
    /// Bytes of a block, a multiple of the page size. Default 256 KiB.
    pub block_size: usize,
    /// Blocks of a ring. Default 16.
    pub blocks: usize,
    /// After which time the kernel hands over a block that is not full, in whole milliseconds. Default 1 ms.
    pub latency: Duration,
    /// Whether all frames are received or only those to the interface's own address. Default true.
    pub promiscuous: bool,
    /// Whether frames may come and go with work left undone ([`Offload`]): long segments, and checksums not
    /// yet computed. Virtual interfaces give such frames to everybody who listens. Long ones need slots of
    /// 64 KiB. Default true.
    pub offloads: bool,
    /// Whether frames go past the interface's queueing discipline. Default true.
    pub bypass_queue: bool,
}

impl Default for AfPacketConfig {
    fn default() -> Self {
        Self {
            block_size: 1 << 18,
            blocks: 16,
            latency: Duration::from_millis(1),
            promiscuous: true,
            offloads: true,
            bypass_queue: true,
        }
    }
}

struct Interface {
    name: String,
    mac: MacAddress,
    mtu: usize,
    // The ring is unmapped before its socket is closed.
    ring: FrameRing,
    receiver: OwnedFd,
    sender: OwnedFd,
}

impl AfPacket {
    /// No interfaces yet.
    pub fn new(config: AfPacketConfig) -> Self {
        Self { config, interfaces: Sockets::default(), turn: 0, counters: Counters::default() }
    }

    /// Opens an interface by its name.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` without `CAP_NET_RAW`, `NotFound` when there is no such interface, and what the
    /// system says about the ring.
    pub fn add(&mut self, name: &str) -> io::Result<SocketId> {
        let receiver = packet_socket()?;
        let index = interface_index(name)?;
        let (mac, mtu) = describe(receiver.as_raw_fd(), name)?;
        let fd = receiver.as_raw_fd();
        set_option(
            fd,
            libc::SOL_PACKET,
            libc::PACKET_VERSION,
            libc::tpacket_versions::TPACKET_V3 as i32,
        )?;
        set_option(fd, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
        if self.config.offloads {
            set_option(fd, libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)?;
        }
        let ring =
            FrameRing::new(fd, self.config.block_size, self.config.blocks, self.config.latency)?;
        if self.config.promiscuous {
            be_promiscuous(fd, index)?;
        }
        bind(fd, index, libc::ETH_P_ALL as u16)?;
        // A socket of its own, without protocol, so that it receives nothing.
        let sender = packet_socket()?;
        let fd = sender.as_raw_fd();
        if self.config.offloads {
            set_option(fd, libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)?;
        }
        if self.config.bypass_queue {
            set_option(fd, libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
        }
        bind(fd, index, 0)?;
        let name = name.to_string();
        Ok(self.interfaces.insert(Interface { name, mac, mtu, ring, receiver, sender }))
    }

    /// Closes an interface. Returns whether it was open.
    pub fn remove(&mut self, interface: SocketId) -> bool {
        self.interfaces.remove(interface).is_some()
    }

    /// The address of an interface, when it was opened.
    pub fn mac(&self, interface: SocketId) -> Option<MacAddress> {
        self.interfaces.get(interface).map(|interface| interface.mac)
    }

    /// The MTU of an interface, in bytes without the Ethernet header, when it was opened.
    pub fn mtu(&self, interface: SocketId) -> Option<usize> {
        self.interfaces.get(interface).map(|interface| interface.mtu)
    }

    /// The name of an interface.
    pub fn name(&self, interface: SocketId) -> Option<&str> {
        self.interfaces.get(interface).map(|interface| &*interface.name)
    }

    /// Whether an interface is up and has a link.
    pub fn is_up(&self, interface: SocketId) -> bool {
        let Some(interface) = self.interfaces.get(interface) else { return false };
        let flags = ask(interface.sender.as_raw_fd(), &interface.name, libc::SIOCGIFFLAGS);
        // SAFETY: the system filled in the flags, as SIOCGIFFLAGS asks for.
        let flags = flags.map_or(0, |request| i32::from(unsafe { request.ifr_ifru.ifru_flags }));
        flags & (libc::IFF_UP | libc::IFF_RUNNING) == libc::IFF_UP | libc::IFF_RUNNING
    }

    fn take_frames(&mut self, pool: &PacketPool, into: &mut Vec<Datagram>) -> usize {
        let mut count = 0;
        let end = self.interfaces.end();
        for step in 0..end {
            let id = SocketId((self.turn + step) % end);
            let Some(interface) = self.interfaces.get_mut(id) else { continue };
            // Each has its share, so that a busy one does not starve the others.
            let share = (BATCH - count).div_ceil((end - step) as usize);
            for _ in 0..share {
                let (counters, offloads) = (&mut self.counters, self.config.offloads);
                let mut taken = None;
                let any = interface.ring.next(|frame| {
                    let Some(packet) = pool.take() else {
                        counters.starved += 1;
                        return false;
                    };
                    taken = copy_out(&frame, packet, offloads);
                    counters.truncated += u64::from(taken.is_none());
                    true
                });
                if !any {
                    break;
                }
                if let Some((packet, received, offload)) = taken {
                    let received = Some(received);
                    into.push(Datagram { socket: id, peer: None, packet, received, offload });
                    count += 1;
                }
            }
        }
        self.turn = (self.turn + 1) % end.max(1);
        self.counters.received += count as u64;
        count
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let mut watched: Vec<libc::pollfd> = self
            .interfaces
            .iter()
            .map(|(_, interface)| libc::pollfd {
                fd: interface.receiver.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            })
            .collect();
        self.counters.calls += 1;
        // SAFETY: the array is as long as told.
        let done =
            unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as _, milliseconds(timeout)) };
        if done < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Fetches the kernel's counts of drops, which start anew each time.
    fn count_drops(&mut self) {
        for (_, interface) in self.interfaces.iter() {
            // SAFETY: zeros are valid counters.
            let mut stats: libc::tpacket_stats_v3 = unsafe { mem::zeroed() };
            let mut len = size_of_val(&stats) as u32;
            // SAFETY: the option's value is this structure, and its length is told.
            let done = unsafe {
                libc::getsockopt(
                    interface.receiver.as_raw_fd(),
                    libc::SOL_PACKET,
                    libc::PACKET_STATISTICS,
                    (&raw mut stats).cast(),
                    &mut len,
                )
            };
            if done == 0 {
                self.counters.dropped += u64::from(stats.tp_drops);
            }
        }
    }

    /// Sends frames that all leave by one interface. Returns how many went.
    fn send_run(&mut self, id: SocketId, run: &[Datagram]) -> usize {
        const NONE: [u8; Offload::LEN] = [0; Offload::LEN];
        let Some(interface) = self.interfaces.get(id) else { return 0 };
        let (fd, offloads) = (interface.sender.as_raw_fd(), self.config.offloads);
        let mut parts = Vec::with_capacity(run.len() * 2);
        for frame in run {
            if offloads {
                let header = frame.offload.as_ref().map_or(&NONE, |offload| &offload.0);
                parts.push(libc::iovec {
                    iov_base: header.as_ptr().cast_mut().cast(),
                    iov_len: header.len(),
                });
            }
            parts.push(libc::iovec {
                iov_base: frame.packet.as_ptr().cast_mut().cast(),
                iov_len: frame.packet.len(),
            });
        }
        let each = if offloads { 2 } else { 1 };
        let mut headers: Vec<libc::mmsghdr> = parts
            .chunks_mut(each)
            .map(|parts| {
                // SAFETY: zeros are a valid message header.
                let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
                header.msg_hdr.msg_iov = parts.as_mut_ptr();
                header.msg_hdr.msg_iovlen = parts.len() as _;
                header
            })
            .collect();
        let (mut sent, mut at) = (0, 0);
        while at < headers.len() {
            self.counters.calls += 1;
            let left = &mut headers[at..];
            // SAFETY: the headers lead to `parts`, and these to `run` and to `NONE`, all alive and
            // unchanged during the call, which only reads them.
            let done = unsafe {
                libc::sendmmsg(fd, left.as_mut_ptr(), left.len() as u32, libc::MSG_DONTWAIT as _)
            };
            if done > 0 {
                sent += done as usize;
                at += done as usize;
                continue;
            }
            match io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN | libc::ENOBUFS) => {
                    self.counters.send_full += 1;
                    at += 1;
                }
                _ => {
                    self.counters.errors += 1;
                    at += 1;
                }
            }
        }
        sent
    }
}

impl PacketIo for AfPacket {
    fn recv_batch(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let ready = self.interfaces.iter().any(|(_, interface)| interface.ring.has_frame());
        if !ready && timeout != Some(Duration::ZERO) {
            self.wait(timeout)?;
            self.count_drops();
        }
        Ok(self.take_frames(pool, into))
    }

    fn send_batch(&mut self, batch: &mut Vec<Datagram>) -> io::Result<usize> {
        let (interfaces, counters) = (&self.interfaces, &mut self.counters);
        batch.retain(|frame| {
            let Some(interface) = interfaces.get(frame.socket) else {
                counters.errors += 1;
                return false;
            };
            // Header and tag are not part of the MTU; segments are cut by the interface.
            let segmented = frame.offload.is_some_and(|offload| offload.is_segmented());
            let fits = segmented || frame.packet.len() <= interface.mtu + 18;
            counters.oversize += u64::from(!fits);
            fits
        });
        let mut sent = 0;
        for run in batch.chunk_by(|a, b| a.socket == b.socket) {
            for part in run.chunks(BATCH) {
                sent += self.send_run(part[0].socket, part);
            }
        }
        give_back(batch);
        self.counters.sent += sent as u64;
        Ok(sent)
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn backend(&self) -> Backend {
        Backend::AfPacket
    }
}

/// A flag of virtio's network header: the transport checksum is only begun.
const NEEDS_CHECKSUM: u8 = 1;

/// Copies a frame out of the ring, its tag put back where it was. `None` when it does not fit.
fn copy_out(
    frame: &Frame<'_>,
    mut packet: PacketBuf,
    offloads: bool,
) -> Option<(PacketBuf, Duration, Option<Offload>)> {
    if frame.bytes.len() < frame.len {
        return None;
    }
    packet.extend_from_slice(frame.bytes).ok()?;
    let mut offload = None;
    if offloads {
        let bytes = *frame.before.last_chunk::<{ Offload::LEN }>()?;
        // Without anything left to do it is all zeros but for "the checksum is right", which only the
        // receiver may believe.
        let needed = bytes[0] & NEEDS_CHECKSUM != 0 || bytes[1] != 0;
        offload = needed.then_some(Offload(bytes));
    }
    if let Some((control, kind)) = frame.tag {
        let tag = VlanTag {
            vlan: control & 0xfff,
            priority: (control >> 13) as u8,
            drop_eligible: control & 0x1000 != 0,
        };
        push_tag(&mut packet, tag).ok()?;
        packet.get_mut(12..14)?.copy_from_slice(&kind.to_be_bytes());
        if let Some(offload) = &mut offload {
            offload.shift(4);
        }
    }
    Some((packet, frame.received, offload))
}

fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointers are passed.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        let error = io::Error::last_os_error();
        return Err(match error.kind() {
            io::ErrorKind::PermissionDenied => {
                io::Error::new(error.kind(), "AF_PACKET is for root, or needs CAP_NET_RAW")
            }
            _ => error,
        });
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn interface_index(name: &str) -> io::Result<i32> {
    let name = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the name ends with a zero.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 { Err(io::ErrorKind::NotFound.into()) } else { Ok(index as i32) }
}

fn describe(fd: RawFd, name: &str) -> io::Result<(MacAddress, usize)> {
    let request = ask(fd, name, libc::SIOCGIFHWADDR)?;
    // SAFETY: the system filled in the hardware address, as asked.
    let address = unsafe { request.ifr_ifru.ifru_hwaddr };
    if address.sa_family != libc::ARPHRD_ETHER {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "not an Ethernet interface"));
    }
    let mut mac = [0; 6];
    for (byte, given) in mac.iter_mut().zip(address.sa_data) {
        *byte = given as u8;
    }
    let request = ask(fd, name, libc::SIOCGIFMTU)?;
    // SAFETY: the system filled in the MTU, as asked.
    let mtu = unsafe { request.ifr_ifru.ifru_mtu };
    Ok((MacAddress(mac), usize::try_from(mtu).unwrap_or(0)))
}

/// An ioctl that asks about an interface.
fn ask(fd: RawFd, name: &str, what: libc::c_ulong) -> io::Result<libc::ifreq> {
    // SAFETY: zeros are a valid request.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    // SAFETY: the request is as these ioctls want it, with a name that ends with a zero.
    let done = unsafe { libc::ioctl(fd, what as _, &mut request) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(request) }
}

fn bind(fd: RawFd, index: i32, protocol: u16) -> io::Result<()> {
    // SAFETY: zeros are a valid address.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = index;
    // SAFETY: the address is of its family's type, and its length is told.
    let done = unsafe { libc::bind(fd, (&raw const address).cast(), size_of_val(&address) as u32) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn be_promiscuous(fd: RawFd, index: i32) -> io::Result<()> {
    let request = libc::packet_mreq {
        mr_ifindex: index,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    // SAFETY: the option's value is this structure, and its length is told.
    let done = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            ptr::from_ref(&request).cast(),
            size_of_val(&request) as u32,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
