//! Answers from DNS (feature `resolver`).

use core::net::SocketAddr;
use std::io;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::task::JoinSet;

use crate::resolve::{Answer, Kind, Naptr, Question, Record, Srv};

/// Answers a [`Resolver`](crate::resolve::Resolver)'s questions over UDP and TCP by hickory-resolver.
/// What answers hold for is the resolver's to remember: nothing is kept here.
pub struct Dns {
    resolver: TokioResolver,
    asking: JoinSet<(Question, Answer)>,
}

impl Dns {
    /// Asks the name servers that the system names, and knows its `hosts` file.
    ///
    /// # Errors
    ///
    /// The system's configuration cannot be read.
    pub fn system() -> io::Result<Self> {
        let builder = TokioResolver::builder_tokio().map_err(io::Error::other)?;
        Self::build(builder)
    }

    /// Asks these name servers, and nobody else.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn with_servers(servers: &[SocketAddr]) -> io::Result<Self> {
        let servers = servers.iter().map(|server| {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            for connection in &mut config.connections {
                connection.port = server.port();
            }
            config
        });
        let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
        let provider = TokioRuntimeProvider::default();
        Self::build(TokioResolver::builder_with_config(config, provider))
    }

    fn build(
        mut builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
    ) -> io::Result<Self> {
        let options = builder.options_mut();
        options.cache_size = 0;
        // The resolver that asks has its own patience.
        options.attempts = 2;
        let resolver = builder.build().map_err(io::Error::other)?;
        Ok(Self { resolver, asking: JoinSet::new() })
    }

    /// Begins to ask.
    pub fn ask(&mut self, question: Question) {
        let resolver = self.resolver.clone();
        self.asking.spawn(async move {
            let answer = ask(&resolver, &question).await;
            (question, answer)
        });
    }

    /// Waits for the next answer, for ever when nothing was asked. May be dropped and called again
    /// at any time.
    pub async fn answer(&mut self) -> (Question, Answer) {
        loop {
            match self.asking.join_next().await {
                Some(Ok(answer)) => return answer,
                // A task that panicked has no answer; the resolver's patience ends that.
                Some(Err(_)) => {}
                None => core::future::pending().await,
            }
        }
    }
}

impl core::fmt::Debug for Dns {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Dns").field("asking", &self.asking.len()).finish_non_exhaustive()
    }
}

async fn ask(resolver: &TokioResolver, question: &Question) -> Answer {
    // With the last dot, no search domain is tried.
    let Ok(name) = Name::from_ascii(format!("{}.", question.name)) else {
        return Answer::absent(u32::MAX);
    };
    let kind = match question.kind {
        Kind::Naptr => RecordType::NAPTR,
        Kind::Srv => RecordType::SRV,
        Kind::A => RecordType::A,
        Kind::Aaaa => RecordType::AAAA,
    };
    let lookup = match resolver.lookup(name, kind).await {
        Ok(lookup) => lookup,
        Err(NetError::Dns(DnsError::NoRecordsFound(none)))
            if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
        {
            return Answer::absent(none.negative_ttl.unwrap_or(0));
        }
        Err(_) => return Answer::Failed,
    };
    let ttl = lookup.answers().iter().map(|record| record.ttl).min().unwrap_or(0);
    let records = lookup.answers().iter().filter_map(|record| read(&record.data)).collect();
    Answer::found(records, ttl)
}

fn read(data: &RData) -> Option<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(match data {
        RData::A(a) => Record::Address(a.0.into()),
        RData::AAAA(aaaa) => Record::Address(aaaa.0.into()),
        RData::SRV(srv) => Record::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.to_ascii(),
        }),
        RData::NAPTR(naptr) => Record::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: naptr.replacement.to_ascii(),
        }),
        _ => return None,
    })
}
