//! What arrives at a stateful proxy: requests, CANCELs and responses (RFC 3261 §16.3, §16.7, §16.10).

use core::time::Duration;

use super::super::{Refusal, check, mark_source, pop_via, preprocess, routing_mark};
use super::{Branch, Context, ContextId, Event, Offered, Proxy, without};
use crate::flow::Flow;
use crate::header::{CSeq, Via};
use crate::slab::Key;
use crate::transaction::{Answer, ClientKey, Incoming, ServerTag};
use crate::{Method, Request, Response, StatusCode};

impl Proxy {
    pub(super) fn receive_request(&mut self, now: Duration, flow: Flow, mut request: Request) {
        let Ok(reply) = mark_source(&mut request, &flow) else { return };
        let Ok(tag) = ServerTag::of(&request) else { return };
        let is_ack = request.method == Method::Ack;
        match self.transactions.receive_request(now, &request.method, &tag) {
            Incoming::Absorbed => return,
            // The ACK for a 2xx is a request of its own that only happens to share a branch.
            Incoming::Ack(_) | Incoming::Unmatched => {}
        }
        let checked = routing_mark(&request).map_err(Refusal::from).and_then(|mark| {
            check(&request, &self.config.ours, &self.config.supported, mark)?;
            Ok((mark, preprocess(&mut request, &self.config.ours)?))
        });
        if is_ack {
            if let Ok((_, passed)) = checked {
                self.events.push_back(Event::Ack { request, flow, passed });
            }
            return;
        }
        if request.method == Method::Cancel {
            return self.receive_cancel(now, request, tag, reply);
        }
        let port = request.headers.require::<Via>().map_or(5060, |via| via.port_or_default());
        let mark = checked.as_ref().map_or(0, |(mark, _)| *mark);
        let tag_of_ours = self.tag();
        let context = Context::new(request.clone(), mark, tag_of_ours, &self.config);
        let key = self.contexts.insert(context);
        let Ok(server) = self.transactions.accept(now, &request, tag, reply, port, key) else {
            self.contexts.remove(key);
            let full = Response::to(&request, StatusCode::SERVICE_UNAVAILABLE);
            self.transactions.transmit(reply, full.to_bytes());
            return;
        };
        if let Some(context) = self.contexts.get_mut(key) {
            context.server = Some(server);
        }
        match checked {
            Ok((_, passed)) => {
                self.events.push_back(Event::Request { id: ContextId(key), request, flow, passed });
            }
            Err(refusal) => self.answer(now, key, refusal.response(&request)),
        }
    }

    /// A CANCEL is answered here, and new ones go to the branches (§16.10).
    pub(super) fn receive_cancel(
        &mut self,
        now: Duration,
        request: Request,
        tag: ServerTag,
        reply: Flow,
    ) {
        let invite = ServerTag::cancelled(&request).ok();
        let key = invite
            .and_then(|invite| self.transactions.find(&invite))
            .and_then(|server| self.transactions.server(server).copied());
        let status = match key {
            Some(_) => StatusCode::OK,
            None => StatusCode::CALL_DOES_NOT_EXIST,
        };
        // The CANCEL's own transaction absorbs its repetitions; nothing stands behind it.
        let tag_of_ours = self.tag();
        let none = Context::new(request.clone(), 0, tag_of_ours, &self.config);
        let none = self.contexts.insert(none);
        let port = request.headers.require::<Via>().map_or(5060, |via| via.port_or_default());
        match self.transactions.accept(now, &request, tag, reply, port, none) {
            Ok(server) => {
                if let Some(context) = self.contexts.get_mut(none) {
                    context.server = Some(server);
                }
                self.answer(now, none, Response::to(&request, status));
                // Nobody asked for it, so nobody is told.
                self.events.pop_back();
            }
            Err(_) => {
                self.contexts.remove(none);
                return;
            }
        }
        let Some(key) = key else { return };
        let Some(context) = self.contexts.get_mut(key) else { return };
        context.groups.clear();
        context.closed = true;
        let untried = context.responses.is_over() && !context.responses.is_decided();
        let steps = context.responses.cancel(now);
        self.act(now, key, steps);
        if untried && let Some(context) = self.contexts.get(key) {
            let terminated = Response::to(&context.request, StatusCode::REQUEST_TERMINATED);
            self.answer(now, key, terminated);
        }
    }

    pub(super) fn receive_response(&mut self, now: Duration, mut response: Response) {
        let (Ok(via), Ok(cseq)) =
            (response.headers.require::<Via>(), response.headers.require::<CSeq>())
        else {
            return;
        };
        match self.transactions.receive_response(now, &response, &via, &cseq) {
            Answer::Deliver(key) => {
                let Some(&Branch::Of(context)) = self.transactions.client(key) else { return };
                if !pop_via(&mut response, &self.config.ours) {
                    return;
                }
                self.deliver(now, context, key, response);
            }
            Answer::Absorbed => {}
            // What matches nothing is not passed on (RFC 6026 §8.9): transactions stay for as long as a
            // 2xx may be repeated.
            Answer::Stray => {}
        }
    }

    pub(super) fn deliver(
        &mut self,
        now: Duration,
        key: Key,
        client: ClientKey,
        response: Response,
    ) {
        let Some(context) = self.contexts.get_mut(key) else { return };
        if response.status.is_provisional()
            && let Some(at) = context.waiting.iter().position(|waiting| *waiting == client)
        {
            // Only now may the CANCEL go out (§9.1).
            context.waiting.swap_remove(at);
            self.transactions.send_cancel(now, client, Branch::Cancel);
        }
        let Some(context) = self.contexts.get_mut(key) else { return };
        if response.status.is_final() {
            context.breadth.retain(|(branch, _)| *branch != client);
        }
        let contacts = match context.closed {
            true => Vec::new(),
            false => context.redirection.take(&response),
        };
        if !contacts.is_empty() {
            context.responses.redirected(&client);
            let rest = without(&response, &contacts);
            context.offered.push(Offered { response, rest });
            self.events.push_back(Event::Redirected { id: ContextId(key), contacts });
            return self.arm(key);
        }
        let more = !context.groups.is_empty() || !context.offered.is_empty();
        let steps = context.responses.handle_response(now, &client, response, more);
        self.act(now, key, steps);
        if self.is_stuck(key) {
            let _ = self.try_next(now, key);
        }
    }
}
