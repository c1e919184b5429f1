//! The switch: learns who is where, floods what it does not know.

use std::time::Duration;

use anyhow::{Context, Result};
use packet_ring::batch::{AfPacket, Datagram, SocketId};
use packet_ring::forward::ethernet::EthernetHeader;
use packet_ring::forward::{Learned, LinkAggregate, MacTable, MacTableConfig};
use packet_ring::pool::PacketPool;

use crate::run::Device;

/// How often the aged are forgotten.
const SWEEP: Duration = Duration::from_secs(10);

pub struct Bridge {
    stations: MacTable,
    ports: Vec<Port>,
    /// The port of each interface.
    port_of: Vec<u16>,
    sweep: Duration,
    moved: u64,
    flooded: u64,
    filtered: u64,
}

/// One interface, or parallel ones.
struct Port {
    links: LinkAggregate,
}

impl Bridge {
    /// Opens the interfaces; `a+b` are parallel links.
    pub fn open(io: &mut AfPacket, names: &[String], key: u64) -> Result<Self> {
        let (mut ports, mut port_of) = (Vec::new(), Vec::new());
        for names in names {
            let mut links = Vec::new();
            for name in names.split('+') {
                let id = io.add(name).with_context(|| format!("interface {name}"))?;
                links.push(id.0 as u16);
                port_of.push(ports.len() as u16);
            }
            ports.push(Port { links: LinkAggregate::new(links, key) });
        }
        let stations = MacTable::new(MacTableConfig::default(), key);
        Ok(Self { stations, ports, port_of, sweep: SWEEP, moved: 0, flooded: 0, filtered: 0 })
    }
}

impl Device for Bridge {
    fn handle(
        &mut self,
        now: Duration,
        frame: Datagram,
        pool: &PacketPool,
        out: &mut Vec<Datagram>,
    ) {
        let Some(header) = EthernetHeader::parse(&frame.packet) else { return };
        let Some(&from) = self.port_of.get(frame.socket.0 as usize) else { return };
        let vlan = header.tag.map_or(0, |tag| tag.vlan);
        if let Learned::Moved { .. } = self.stations.learn(now, vlan, header.source, from) {
            self.moved += 1;
        }
        let [a, b, c, d, e, f] = header.destination.0;
        // Addresses of link protocols go no further (IEEE 802.1D, 7.12.6).
        if !header.source.is_station() || ([a, b, c, d, e] == [1, 0x80, 0xc2, 0, 0] && f < 16) {
            self.filtered += 1;
            return;
        }
        match self.stations.lookup(now, vlan, header.destination) {
            Some(to) if to == from => self.filtered += 1,
            Some(to) => {
                if let Some(link) = self.ports[usize::from(to)].links.select(&frame.packet) {
                    out.push(leaving_by(link, frame));
                }
            }
            None => {
                self.flooded += 1;
                let mut links = self
                    .ports
                    .iter()
                    .enumerate()
                    .filter(|(port, _)| *port != usize::from(from))
                    .filter_map(|(_, port)| port.links.select(&frame.packet));
                let Some(last) = links.next() else { return };
                for link in links {
                    let Some(mut packet) = pool.take() else { continue };
                    if packet.extend_from_slice(&frame.packet).is_ok() {
                        let mut copy = Datagram::frame(SocketId(link.into()), packet);
                        copy.offload = frame.offload;
                        out.push(copy);
                    }
                }
                out.push(leaving_by(last, frame));
            }
        }
    }

    fn handle_timeout(&mut self, now: Duration, _: &PacketPool, _: &mut Vec<Datagram>) {
        if now >= self.sweep {
            self.stations.handle_timeout(now);
            self.sweep = now + SWEEP;
        }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        Some(self.sweep)
    }

    fn set_up(&mut self, interface: SocketId, up: bool) {
        let Some(&port) = self.port_of.get(interface.0 as usize) else { return };
        let links = &mut self.ports[usize::from(port)].links;
        links.set_up(interface.0 as u16, up);
        if links.up() == 0 {
            self.stations.forget_port(port);
        }
    }

    fn describe(&self) -> Vec<String> {
        vec![format!(
            "stations {} moved {} flooded {} filtered {}",
            self.stations.len(),
            self.moved,
            self.flooded,
            self.filtered
        )]
    }
}

fn leaving_by(link: u16, mut frame: Datagram) -> Datagram {
    frame.socket = SocketId(link.into());
    frame
}
