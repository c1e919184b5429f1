//! The router: longest prefix, next hop, neighbour, header.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use packet_ring::batch::{AfPacket, Datagram, Offload, SocketId};
use packet_ring::forward::discovery::Discovery;
use packet_ring::forward::ecmp::{Group, Policy};
use packet_ring::forward::ethernet::{CachedHeader, EthernetHeader, ether_type};
use packet_ring::forward::fib::{Fib, NextHop, Prefix};
use packet_ring::forward::icmp::{self, Limiter, Problem};
use packet_ring::forward::ip::{IpHeader, ipv4_checksum_is_right};
use packet_ring::forward::neighbour::{
    Neighbour, NeighbourConfig, NeighbourEvent, NeighbourTable, Resolution,
};
use packet_ring::forward::rewrite::{self, HopError};
use packet_ring::forward::{FlowKey, MacAddress};
use packet_ring::pool::{PacketBuf, PacketPool};

use crate::config::{Config, PolicyConfig};
use crate::run::Device;

pub struct Router {
    interfaces: Vec<Interface>,
    v4: Fib<Ipv4Addr>,
    v6: Fib<Ipv6Addr>,
    /// What the numbers in the tables mean.
    targets: Vec<Target>,
    neighbours: NeighbourTable<Waiting>,
    headers: HashMap<Neighbour, (MacAddress, CachedHeader)>,
    key: u64,
    errors: Limiter,
    counts: Counts,
}

struct Interface {
    mac: MacAddress,
    mtu: usize,
    addresses: Vec<(IpAddr, u8)>,
}

enum Target {
    /// An address of ours.
    Local,
    /// A network that is reached directly.
    Direct(u16),
    /// Routers, on these interfaces; all that were configured, and those whose link is up.
    Via { all: Vec<(u16, IpAddr)>, up: Group<(u16, IpAddr)> },
}

/// A packet that waits for its neighbour.
struct Waiting {
    packet: PacketBuf,
    offload: Option<Offload>,
    /// Where it came from, unless it is ours.
    from: Option<u16>,
}

#[derive(Default)]
struct Counts {
    forwarded: u64,
    local: u64,
    expired: u64,
    no_route: u64,
    unreachable: u64,
    too_big: u64,
    malformed: u64,
}

impl Router {
    pub fn open(io: &mut AfPacket, config: &Config, key: u64) -> Result<Self> {
        let mut router = Self {
            interfaces: Vec::new(),
            v4: Fib::new(),
            v6: Fib::new(),
            targets: vec![Target::Local],
            neighbours: NeighbourTable::new(NeighbourConfig::default()),
            headers: HashMap::new(),
            key,
            errors: Limiter::new(1000, 50),
            counts: Counts::default(),
        };
        for interface in &config.interface {
            let id =
                io.add(&interface.name).with_context(|| format!("interface {}", interface.name))?;
            let number = id.0 as u16;
            let mut addresses = Vec::new();
            for text in &interface.addresses {
                let (address, len) = address_of(text)?;
                addresses.push((address, len));
                let target = router.target(Target::Direct(number))?;
                router.add(address, len, target)?;
                let bits = if address.is_ipv4() { 32 } else { 128 };
                router.add(address, bits, local())?;
            }
            router.interfaces.push(Interface {
                mac: io.mac(id).context("no address")?,
                mtu: io.mtu(id).unwrap_or(1500),
                addresses,
            });
        }
        for route in &config.route {
            let mut all = Vec::new();
            for via in &route.via {
                let interface = router.direct(*via).with_context(|| {
                    format!("route {}: {via} is on no network of ours", route.prefix)
                })?;
                all.push((interface, *via));
            }
            if all.is_empty() {
                bail!("route {}: no next hop", route.prefix);
            }
            let policy = match route.policy {
                PolicyConfig::Resilient => Policy::default(),
                PolicyConfig::HashThreshold => Policy::HashThreshold,
                PolicyConfig::Rendezvous => Policy::Rendezvous,
            };
            let mut up = Group::new(policy, key);
            for hop in &all {
                up.set(*hop, 1);
            }
            let target = router.target(Target::Via { all, up })?;
            if let Ok(prefix) = route.prefix.parse::<Prefix<Ipv4Addr>>() {
                router.v4.insert(prefix, target)?;
            } else {
                let prefix: Prefix<Ipv6Addr> =
                    route.prefix.parse().with_context(|| format!("route {}", route.prefix))?;
                router.v6.insert(prefix, target)?;
            }
        }
        Ok(router)
    }

    fn target(&mut self, target: Target) -> Result<NextHop> {
        let id = u16::try_from(self.targets.len()).ok().and_then(NextHop::new);
        self.targets.push(target);
        id.context("too many routes")
    }

    fn add(&mut self, address: IpAddr, len: u8, target: NextHop) -> Result<()> {
        match address {
            IpAddr::V4(address) => self.v4.insert(Prefix::of(address, len)?, target)?,
            IpAddr::V6(address) => self.v6.insert(Prefix::of(address, len)?, target)?,
        };
        Ok(())
    }

    fn find(&self, address: IpAddr) -> Option<&Target> {
        let id = match address {
            IpAddr::V4(address) => self.v4.lookup(address),
            IpAddr::V6(address) => self.v6.lookup(address),
        };
        self.targets.get(usize::from(id?.id()))
    }

    fn direct(&self, address: IpAddr) -> Option<u16> {
        match self.find(address)? {
            Target::Direct(interface) => Some(*interface),
            _ => None,
        }
    }

    /// Our address on an interface, for a correspondent.
    fn own_address(&self, interface: u16, towards: IpAddr) -> Option<IpAddr> {
        let own = &self.interfaces.get(usize::from(interface))?.addresses;
        let same = |address: &&(IpAddr, u8)| address.0.is_ipv4() == towards.is_ipv4();
        own.iter().filter(same).map(|(address, _)| *address).next()
    }

    fn discovery(
        &mut self,
        now: Duration,
        interface: u16,
        message: Discovery,
        pool: &PacketPool,
        out: &mut Vec<Datagram>,
    ) {
        let Some(own) = self.interfaces.get(usize::from(interface)) else { return };
        let mac = own.mac;
        match message {
            Discovery::Solicitation { sender, target } => {
                let is_ours = own.addresses.iter().any(|(address, _)| *address == target);
                if let Some((address, mac)) = sender
                    && self.direct(address) == Some(interface)
                {
                    self.neighbours.heard(now, Neighbour { interface, address }, mac, is_ours);
                }
                if !is_ours {
                    return;
                }
                let to = sender.unwrap_or((target, MacAddress::BROADCAST));
                let solicited = sender.is_some();
                let to = match (solicited, target) {
                    // Everybody shall hear that the address is taken.
                    (false, IpAddr::V6(_)) => {
                        (Ipv6Addr::UNSPECIFIED.into(), MacAddress([0x33, 0x33, 0, 0, 0, 1]))
                    }
                    _ => to,
                };
                let answer =
                    Discovery::Advertisement { target, mac, solicited, overrides: true, to };
                let Some(mut packet) = pool.take() else { return };
                if answer.write((target, mac), None, None, &mut packet).is_ok() {
                    out.push(Datagram::frame(SocketId(interface.into()), packet));
                }
            }
            Discovery::Advertisement { target, mac, solicited, overrides, .. } => {
                let neighbour = Neighbour { interface, address: target };
                self.neighbours.advertised(now, neighbour, mac, solicited, overrides);
            }
            _ => {}
        }
    }

    /// Sends a packet, which begins with its IP header, on its way.
    fn route(
        &mut self,
        now: Duration,
        waiting: Waiting,
        pool: &PacketPool,
        out: &mut Vec<Datagram>,
    ) {
        let Some(header) = IpHeader::parse(&waiting.packet) else { return };
        let hop = match self.find(header.destination) {
            Some(Target::Direct(interface)) => Some((*interface, header.destination)),
            Some(Target::Via { up, .. }) => {
                let flow = FlowKey::of(&waiting.packet).map_or(0, |flow| flow.hash(self.key));
                up.select(flow).copied()
            }
            Some(Target::Local) | None => None,
        };
        let Some((interface, address)) = hop else {
            self.counts.no_route += 1;
            return self.complain(now, Problem::NoRoute, &waiting, pool, out);
        };
        let mtu = self.interfaces.get(usize::from(interface)).map_or(0, |interface| interface.mtu);
        let segmented = waiting.offload.is_some_and(|offload| offload.is_segmented());
        if !segmented && !rewrite::fits(&header, mtu) {
            self.counts.too_big += 1;
            let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
            return self.complain(now, Problem::TooBig { mtu }, &waiting, pool, out);
        }
        let neighbour = Neighbour { interface, address };
        match self.neighbours.resolve(now, neighbour, waiting) {
            Resolution::Known(mac, waiting) => self.transmit(neighbour, mac, waiting, out),
            Resolution::Waits => {}
            Resolution::Refused(waiting) => {
                self.counts.unreachable += 1;
                self.complain(now, Problem::Unreachable, &waiting, pool, out);
            }
        }
    }

    fn transmit(
        &mut self,
        neighbour: Neighbour,
        mac: MacAddress,
        mut waiting: Waiting,
        out: &mut Vec<Datagram>,
    ) {
        let Some(own) = self.interfaces.get(usize::from(neighbour.interface)) else { return };
        let fresh = || {
            let kind =
                if neighbour.address.is_ipv4() { ether_type::IPV4 } else { ether_type::IPV6 };
            CachedHeader::new(&EthernetHeader {
                destination: mac,
                source: own.mac,
                tag: None,
                ether_type: kind,
            })
        };
        let (known, header) = self.headers.entry(neighbour).or_insert_with(|| (mac, fresh()));
        if *known != mac {
            (*known, *header) = (mac, fresh());
        }
        if header.prepend_to(&mut waiting.packet).is_ok() {
            self.counts.forwarded += u64::from(waiting.from.is_some());
            let mut frame = Datagram::frame(SocketId(neighbour.interface.into()), waiting.packet);
            frame.offload = waiting.offload;
            out.push(frame);
        }
    }

    /// Tells the sender of a packet that it goes no further.
    fn complain(
        &mut self,
        now: Duration,
        problem: Problem,
        about: &Waiting,
        pool: &PacketPool,
        out: &mut Vec<Datagram>,
    ) {
        let Some(header) = IpHeader::parse(&about.packet) else { return };
        let Some(router) = about.from.and_then(|from| self.own_address(from, header.source)) else {
            return;
        };
        let Some(mut packet) = pool.take() else { return };
        if icmp::report(problem, &about.packet, router, &mut packet) == Ok(true)
            && self.errors.allow(now)
        {
            self.route(now, Waiting { packet, offload: None, from: None }, pool, out);
        }
    }

    /// Sends the questions and what waited for answers.
    fn neighbours_out(&mut self, now: Duration, pool: &PacketPool, out: &mut Vec<Datagram>) {
        while let Some(question) = self.neighbours.poll_transmit() {
            let Neighbour { interface, address } = question.neighbour;
            let Some(own) = self.own_address(interface, address) else { continue };
            let Some(mac) = self.interfaces.get(usize::from(interface)).map(|own| own.mac) else {
                continue;
            };
            let Some(mut packet) = pool.take() else { continue };
            let message = Discovery::Solicitation { sender: Some((own, mac)), target: address };
            if message.write((own, mac), question.to, None, &mut packet).is_ok() {
                out.push(Datagram::frame(SocketId(interface.into()), packet));
            }
        }
        while let Some(event) = self.neighbours.poll_event() {
            match event {
                NeighbourEvent::Resolved { neighbour, mac, packets } => {
                    for waiting in packets {
                        self.transmit(neighbour, mac, waiting, out);
                    }
                }
                NeighbourEvent::Unreachable { neighbour, packets } => {
                    self.headers.remove(&neighbour);
                    for waiting in packets {
                        self.counts.unreachable += 1;
                        self.complain(now, Problem::Unreachable, &waiting, pool, out);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Device for Router {
    fn handle(
        &mut self,
        now: Duration,
        frame: Datagram,
        pool: &PacketPool,
        out: &mut Vec<Datagram>,
    ) {
        let interface = frame.socket.0 as u16;
        let Some(header) = EthernetHeader::parse(&frame.packet) else { return };
        let Some(own) = self.interfaces.get(usize::from(interface)) else { return };
        if header.destination != own.mac && !header.destination.is_group() {
            return;
        }
        if let Some(message) = Discovery::parse(&frame.packet) {
            self.discovery(now, interface, message, pool, out);
            return self.neighbours_out(now, pool, out);
        }
        let is_ip = matches!(header.ether_type, ether_type::IPV4 | ether_type::IPV6);
        if !is_ip || header.tag.is_some() || header.destination.is_group() {
            return;
        }
        let mut packet = frame.packet;
        packet.trim_front(header.len());
        let Some(ip) = IpHeader::parse(&packet) else {
            self.counts.malformed += 1;
            return;
        };
        if ip.source.is_ipv4() && !ipv4_checksum_is_right(&packet) {
            self.counts.malformed += 1;
            return;
        }
        // Padding of short frames is not part of the packet.
        packet.truncate(ip.total);
        let mut waiting = Waiting { packet, offload: frame.offload, from: Some(interface) };
        if let Some(Target::Local) = self.find(ip.destination) {
            self.counts.local += 1;
            if icmp::answer_echo(&mut waiting.packet) {
                waiting.from = None;
                self.route(now, waiting, pool, out);
            }
            return self.neighbours_out(now, pool, out);
        }
        match rewrite::hop(&mut waiting.packet) {
            Ok(()) => self.route(now, waiting, pool, out),
            Err(HopError::Expired) => {
                self.counts.expired += 1;
                self.complain(now, Problem::TimeExceeded, &waiting, pool, out);
            }
            Err(_) => self.counts.malformed += 1,
        }
        self.neighbours_out(now, pool, out);
    }

    fn handle_timeout(&mut self, now: Duration, pool: &PacketPool, out: &mut Vec<Datagram>) {
        self.neighbours.handle_timeout(now);
        self.neighbours_out(now, pool, out);
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.neighbours.poll_timeout()
    }

    fn set_up(&mut self, interface: SocketId, up: bool) {
        let interface = interface.0 as u16;
        for target in &mut self.targets {
            let Target::Via { all, up: group } = target else { continue };
            for hop in all.iter().filter(|hop| hop.0 == interface) {
                group.set(*hop, up.into());
            }
        }
        if !up {
            self.neighbours.forget_interface(interface);
            self.headers.retain(|neighbour, _| neighbour.interface != interface);
        }
    }

    fn describe(&self) -> Vec<String> {
        let Counts { forwarded, local, expired, no_route, unreachable, too_big, malformed } =
            &self.counts;
        vec![
            format!(
                "prefixes {} neighbours {} waiting {}",
                self.v4.len() + self.v6.len(),
                self.neighbours.len(),
                self.neighbours.waiting()
            ),
            format!(
                "forwarded {forwarded} local {local} expired {expired} no route {no_route} \
                 unreachable {unreachable} too big {too_big} malformed {malformed}"
            ),
        ]
    }
}

fn local() -> NextHop {
    const LOCAL: NextHop = match NextHop::new(0) {
        Some(local) => local,
        None => unreachable!(),
    };
    LOCAL
}

fn address_of(text: &str) -> Result<(IpAddr, u8)> {
    let (address, len) =
        text.split_once('/').with_context(|| format!("{text}: expected ADDRESS/LENGTH"))?;
    let address: IpAddr = address.parse().with_context(|| text.to_owned())?;
    let len: u8 = len.parse().with_context(|| text.to_owned())?;
    if len > if address.is_ipv4() { 32 } else { 128 } {
        bail!("{text}: the prefix is longer than the address");
    }
    Ok((address, len))
}
