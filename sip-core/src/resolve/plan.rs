//! The procedure of RFC 3263 §4 over what is known so far: either what has to be asked next, or
//! the outcome.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::sync::Arc;

use rand_core::Rng;

use super::destination::{Destination, Target, Targets};
use super::question::{Answer, Kind, Naptr, Question, Record, Srv};
use super::resolver::{Config, Error, Families};
use super::srv;
use crate::{Host, Transport};

/// The answers that a lookup has got.
pub(super) type Known = BTreeMap<Question, Arc<Answer>>;

/// How far a lookup has come.
pub(super) enum Plan {
    /// These have to be answered first.
    Ask(Vec<Question>),
    Done(Result<Targets, Error>),
}

/// A name with SRV records, and the transport they are for.
type Service = (String, Transport);

/// Runs the procedure. `random` is drawn from only when nothing is left to ask.
pub(super) fn plan(
    destination: &Destination,
    known: &Known,
    config: &Config,
    random: &mut dyn Rng,
) -> Plan {
    let mut walk = Walk { destination, known, config, asks: Vec::new(), failed: false };
    let servers = match walk.servers() {
        Ok(servers) => servers,
        Err(error) => return Plan::Done(Err(error)),
    };
    if walk.asks.is_empty() {
        // Every server's addresses are asked for at once, so that the order can wait.
        for server in servers.iter().flatten() {
            walk.addresses(&server.host);
        }
    }
    if !walk.asks.is_empty() {
        return Plan::Ask(walk.asks);
    }
    let mut targets: Vec<Target> = Vec::new();
    for group in servers {
        for server in ordered(group, random) {
            for ip in walk.addresses(&server.host) {
                let address = SocketAddr::new(ip, server.port);
                let host = destination.host.clone();
                let target = Target { transport: server.transport, address, host };
                if !targets.contains(&target) && targets.len() < config.targets {
                    targets.push(target);
                }
            }
        }
    }
    Plan::Done(match (targets.is_empty(), walk.failed) {
        (false, _) => Ok(targets.into_iter().collect()),
        (true, true) => Err(Error::Unreachable),
        (true, false) => Err(Error::NoSuchName),
    })
}

/// A host that serves, at a port.
struct Server {
    host: Host,
    port: u16,
    transport: Transport,
    priority: u16,
    weight: u16,
}

fn ordered(group: Vec<Server>, random: &mut dyn Rng) -> Vec<Server> {
    let mut group: Vec<Option<Server>> = group.into_iter().map(Some).collect();
    // The target's place holds the index, so that the order of RFC 2782 is made in one place.
    let records = group.iter().enumerate().filter_map(|(index, server)| {
        let server = server.as_ref()?;
        let (priority, weight, port) = (server.priority, server.weight, server.port);
        Some(Srv { priority, weight, port, target: index.to_string() })
    });
    let order = srv::order(records.collect(), random);
    let index = |record: Srv| record.target.parse::<usize>().ok();
    order.into_iter().filter_map(index).filter_map(|at| group.get_mut(at)?.take()).collect()
}

struct Walk<'a> {
    destination: &'a Destination,
    known: &'a Known,
    config: &'a Config,
    asks: Vec<Question>,
    failed: bool,
}

impl Walk<'_> {
    /// The servers in groups: the order of groups is fixed, that within a group is drawn.
    fn servers(&mut self) -> Result<Vec<Vec<Server>>, Error> {
        let destination = self.destination;
        let default = if destination.secure { Transport::Tls } else { Transport::Udp };
        let written = match destination.transport {
            Some(Transport::Tcp) if destination.secure => Some(Transport::Tls),
            Some(Transport::Ws) if destination.secure => Some(Transport::Wss),
            written => written,
        };
        if destination.secure && written.is_some_and(|transport| !transport.is_secure()) {
            return Err(Error::NoCommonTransport);
        }
        let transport = written.unwrap_or(default);
        let name = match &destination.host {
            Host::Name(name) if destination.port.is_none() => name.as_str(),
            // Nothing to be looked up but addresses (§4.2).
            _ => return self.check(transport).map(|()| vec![vec![self.itself(transport)]]),
        };
        let services = match written {
            Some(written) => {
                self.check(written)?;
                vec![service(name, written)]
            }
            None => self.services(name)?,
        };
        if !self.asks.is_empty() {
            return Ok(Vec::new());
        }
        let mut groups = Vec::new();
        let mut denied = false;
        for (name, transport) in services.into_iter().flatten() {
            let records = self.ask(&name, Kind::Srv);
            let records = records.iter().filter_map(|record| match record {
                Record::Srv(srv) => Some(srv),
                _ => None,
            });
            let mut group = Vec::new();
            for record in records.take(self.config.targets) {
                // One record with the root as its target says that there is no service (RFC 2782).
                match Host::parse(record.target.strip_suffix('.').unwrap_or(&record.target)) {
                    Ok(host) if record.port != 0 => group.push(Server {
                        host,
                        port: record.port,
                        transport,
                        priority: record.priority,
                        weight: record.weight,
                    }),
                    _ => denied = true,
                }
            }
            groups.push(group);
        }
        if !self.asks.is_empty() {
            return Ok(Vec::new());
        }
        if groups.iter().all(Vec::is_empty) {
            if denied {
                return Err(Error::NoSuchService);
            }
            // No SRV records: the name itself, by the transport that was written or the default.
            self.check(transport)?;
            return Ok(vec![vec![self.itself(transport)]]);
        }
        Ok(groups)
    }

    fn itself(&self, transport: Transport) -> Server {
        Server {
            host: self.destination.host.clone(),
            port: self.destination.port.unwrap_or_else(|| transport.default_port()),
            transport,
            priority: 0,
            weight: 0,
        }
    }

    /// Where no transport is written: what NAPTR offers, or else all that we speak (§4.1).
    fn services(&mut self, name: &str) -> Result<Vec<Option<Service>>, Error> {
        let records = self.ask(name, Kind::Naptr);
        if !self.asks.is_empty() {
            return Ok(Vec::new());
        }
        let mut offered: Vec<(&Naptr, Transport)> = Vec::new();
        let mut strange = false;
        for record in records.iter().take(self.config.targets) {
            let Record::Naptr(naptr) = record else { continue };
            let Some((transport, secure)) = offer(&naptr.service) else { continue };
            let fits = naptr.flags.eq_ignore_ascii_case("s")
                && (secure || !self.destination.secure)
                && self.config.transports.contains(&transport);
            match fits {
                true => offered.push((naptr, transport)),
                false => strange = true,
            }
        }
        offered.sort_by_key(|(naptr, _)| (naptr.order, naptr.preference));
        if !offered.is_empty() {
            let service =
                |(naptr, transport): (&Naptr, _)| Some((naptr.replacement.clone(), transport));
            return Ok(offered.into_iter().map(service).collect());
        }
        if strange {
            return Err(Error::NoCommonTransport);
        }
        let spoken = self.config.transports.iter().copied();
        Ok(spoken
            .filter(|transport| transport.is_secure() || !self.destination.secure)
            .map(|transport| service(name, transport))
            .collect())
    }

    /// The addresses of a host, in the order of the families.
    fn addresses(&mut self, host: &Host) -> Vec<IpAddr> {
        let name = match host {
            Host::Name(name) => name.as_str(),
            _ => return host.ip().into_iter().collect(),
        };
        let kinds: &[Kind] = match self.config.families {
            Families::V4 => &[Kind::A],
            Families::V6 => &[Kind::Aaaa],
            Families::V4First => &[Kind::A, Kind::Aaaa],
            Families::V6First => &[Kind::Aaaa, Kind::A],
        };
        let mut addresses = Vec::new();
        for kind in kinds {
            let records = self.ask(name, *kind);
            addresses.extend(records.iter().filter_map(|record| match record {
                Record::Address(ip) if ip.is_ipv4() == (*kind == Kind::A) => Some(*ip),
                _ => None,
            }));
        }
        addresses
    }

    /// What is known; what is not is noted down to be asked.
    fn ask(&mut self, name: &str, kind: Kind) -> Vec<Record> {
        let question = Question::new(name, kind);
        match self.known.get(&question) {
            Some(answer) => {
                self.failed |= **answer == Answer::Failed;
                answer.records().to_vec()
            }
            None => {
                if !self.asks.contains(&question) {
                    self.asks.push(question);
                }
                Vec::new()
            }
        }
    }

    fn check(&self, transport: Transport) -> Result<(), Error> {
        match self.config.transports.contains(&transport) {
            true => Ok(()),
            false => Err(Error::NoCommonTransport),
        }
    }
}

/// The name under which a domain lists the servers for a transport (§4.2); WebSocket has none.
fn service(domain: &str, transport: Transport) -> Option<Service> {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Sctp => "_sip._sctp",
        _ => return None,
    };
    Some((format!("{prefix}.{domain}"), transport))
}

/// What a NAPTR service stands for, and whether it is secure.
fn offer(service: &str) -> Option<(Transport, bool)> {
    const KNOWN: [(&str, Transport, bool); 4] = [
        ("SIP+D2U", Transport::Udp, false),
        ("SIP+D2T", Transport::Tcp, false),
        ("SIPS+D2T", Transport::Tls, true),
        ("SIP+D2S", Transport::Sctp, false),
    ];
    let known = KNOWN.iter().find(|(name, ..)| name.eq_ignore_ascii_case(service));
    known.map(|(_, transport, secure)| (*transport, *secure))
}
