//! What every user writes down: what it has asked for, who owes it an answer, and what was sent before.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use sip_core::dialog::DialogId;
use sip_core::endpoint::ClientId;
use sip_core::header::{CSeq, CallId, To, Via};
use sip_core::{HeaderName, Limits, Message, Method};

use crate::world::{Agent, World};

/// What has happened, to see that something has.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    pub(crate) packets: u64,
    pub(crate) calls_up: u64,
    pub(crate) outcomes: u64,
    pub(crate) failures: u64,
    pub(crate) crashes: u64,
    pub(crate) corrupted: u64,
    pub(crate) resets: u64,
    pub(crate) refused_connections: u64,
    pub(crate) jumps: u64,
    pub(crate) partitions: u64,
    pub(crate) unresolved: u64,
    pub(crate) failovers: u64,
    pub(crate) refreshes_missed: u64,
    pub(crate) reports: u64,
}

pub(crate) fn sum(total: &mut Counts, one: &Counts) {
    let Counts {
        packets,
        calls_up,
        outcomes,
        failures,
        crashes,
        corrupted,
        resets,
        refused_connections,
        jumps,
        partitions,
        unresolved,
        failovers,
        refreshes_missed,
        reports,
    } = one;
    for (sum, one) in [
        (&mut total.packets, packets),
        (&mut total.calls_up, calls_up),
        (&mut total.outcomes, outcomes),
        (&mut total.failures, failures),
        (&mut total.crashes, crashes),
        (&mut total.corrupted, corrupted),
        (&mut total.resets, resets),
        (&mut total.refused_connections, refused_connections),
        (&mut total.jumps, jumps),
        (&mut total.partitions, partitions),
        (&mut total.unresolved, unresolved),
        (&mut total.failovers, failovers),
        (&mut total.refreshes_missed, refreshes_missed),
        (&mut total.reports, reports),
    ] {
        *sum += one;
    }
}

impl World {
    /// A 2xx to an INVITE that this agent has sent and still knows.
    pub(crate) fn knows_2xx(&self, agent: usize, bytes: &Bytes) -> bool {
        let Ok(Message::Response(response)) = Message::parse(bytes.clone(), &Limits::default())
        else {
            return false;
        };
        let Ok(cseq) = response.headers.require::<CSeq>() else { return false };
        let Ok(via) = response.headers.require::<Via>() else { return false };
        let branch = via.branch().unwrap_or_default().to_owned();
        response.status.is_success()
            && cseq.method == Method::Invite
            && self.agents[agent].invites.get(&branch).is_some_and(|(_, until)| {
                // 64*T1 after the first 2xx its transaction is over.
                until.is_none_or(|until| self.clock(agent) < until)
            })
    }

    /// Deals with all that an endpoint has to say and to send; gives the names of what it sent.
    pub(crate) fn attend(&mut self, agent: usize) -> Vec<String> {
        let mut sent = Vec::new();
        loop {
            while let Some(event) = self.next_event(agent) {
                self.react(agent, event);
            }
            if let Some(transmit) = self.agents[agent].endpoint.poll_transmit() {
                sent.push(self.record(agent, &transmit.bytes));
                self.network(agent, transmit.flow, transmit.bytes);
            } else if !self.look_up(agent) {
                break;
            }
        }
        let clock = self.clock(agent);
        let Agent { asked, accepted, looked_up, .. } = &self.agents[agent];
        for (id, asks) in looked_up {
            assert!(clock <= asks.due, "{agent}: {id:?} is looked up for ever");
        }
        for (id, (method, due)) in asked {
            assert!(clock <= *due, "{agent}: {method} {id:?} has no outcome in time");
        }
        for (dialog, (_, due)) in accepted {
            assert!(clock <= *due, "{agent}: {dialog:?} has neither ACK nor time-out");
        }
        sent
    }

    /// What is sent once more is what was sent before, to the byte.
    pub(crate) fn record(&mut self, agent: usize, bytes: &Bytes) -> String {
        let message = Message::parse(bytes.clone(), &Limits::default()).unwrap();
        let (name, headers) = match &message {
            Message::Request(request) => (request.method.to_string(), &request.headers),
            Message::Response(response) => (response.status.code().to_string(), &response.headers),
        };
        let via: Via = headers.require().unwrap();
        let branch = via.branch().unwrap_or_default().to_owned();
        let mut hash = DefaultHasher::new();
        bytes.hash(&mut hash);
        // The answer to a broken request has what could be read of it.
        let Ok(cseq) = headers.require::<CSeq>() else { return name };
        let final_or_request = match &message {
            Message::Request(_) => true,
            Message::Response(response) => response.status.is_final(),
        };
        let unmatched = name == "481" || name == "503" || name == "400";
        if final_or_request && !unmatched {
            // A broken bit in the top Via or a transaction that has ended make a request new, with a
            // tag of its own.
            let via = headers.raw(HeaderName::Via).next().unwrap_or_default();
            let to = headers.raw(HeaderName::To).next().unwrap_or_default();
            let (via, to) = (String::from_utf8_lossy(via), String::from_utf8_lossy(to));
            let key = (agent, format!("{name} {} {via} {to}", cseq.method));
            let before = *self.sent.entry(key).or_insert(hash.finish());
            assert_eq!(before, hash.finish(), "{agent}: in another form: {message:?}");
        }
        let books = &mut self.agents[agent];
        if name == "INVITE" && books.called.insert(branch.clone()) {
            let call_id = headers.require::<CallId>().unwrap().as_str().to_owned();
            let id = match headers.require::<To>().unwrap().tag() {
                None => books.calling.pop_front(),
                Some(_) => books.renewing.remove(&(call_id, cseq.number)),
            };
            books.invites.extend(id.map(|id| (branch, (id, None))));
        }
        name
    }

    pub(crate) fn outcome(&mut self, agent: usize, id: ClientId, dialog: Option<DialogId>) {
        self.counts.outcomes += 1;
        let books = &mut self.agents[agent];
        if let Some(dialog) = books.byes.remove(&id) {
            books.accepted.remove(&dialog);
        }
        books.invites.retain(|_, (known, until)| *known != id || until.is_some());
        // It may have failed before it was sent.
        books.calling.retain(|calling| *calling != id);
        let first = books.asked.remove(&id).is_some();
        let unheard = books.finished.insert((id, dialog));
        assert!(first && unheard, "{agent}: {id:?} has two outcomes");
    }
}
