//! The side that is called.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip_core::endpoint::Event;
use sip_core::header::ContentType;
use sip_core::{DialogId, Method, Response, StatusCode};

use crate::agent::Agent;
use crate::caller::{description, media_address};

/// Answers every call.
pub(crate) struct Callee {
    pub(crate) agent: Agent,
    /// Ports for calls with media.
    pub(crate) ports: Vec<u16>,
    by_dialog: HashMap<DialogId, u16>,
    /// Calls answered: our port, and where the server wants RTP.
    pub(crate) answered: Vec<(u16, SocketAddr)>,
}

impl Callee {
    pub(crate) fn new(agent: Agent, ports: Vec<u16>) -> Self {
        Self { agent, ports, by_dialog: HashMap::new(), answered: Vec::new() }
    }

    pub(crate) fn work(&mut self, now: Duration) {
        self.agent.receive(now);
        while let Some(event) = self.agent.event() {
            let Event::Request { id, request, dialog, .. } = event else { continue };
            let mut response = Response::to(&request, StatusCode::OK);
            let mut port = None;
            match request.method {
                Method::Invite => {
                    port = self.ports.pop();
                    response.headers.push(ContentType::sdp());
                    response.body = Bytes::from(description(port.unwrap_or(40_002)));
                }
                Method::Bye => {
                    let port = dialog.and_then(|dialog| self.by_dialog.remove(&dialog));
                    self.ports.extend(port);
                }
                Method::Options => {}
                _ => response = Response::to(&request, StatusCode::METHOD_NOT_ALLOWED),
            }
            let made = self.agent.endpoint.respond(now, id, response);
            if let (Some(port), Ok(Some(dialog))) = (port, made) {
                self.by_dialog.insert(dialog, port);
                if let Some(media) = media_address(&request.body) {
                    self.answered.push((port, media));
                }
            }
        }
        self.agent.send();
    }
}
