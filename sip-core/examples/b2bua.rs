//! A back-to-back user agent of two legs: every call that comes in goes out again to one target, with
//! a dialog of its own on either side. Requests in a call, such as holding, pass through as well.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example b2bua -- 127.0.0.1:5070 127.0.0.1:5060`

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;

use sip_core::endpoint::{ClientId, Config, Event, ServerId, within};
use sip_core::header::{ContentType, From};
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::{DialogId, Endpoint, Flow, HeaderName, Method, Request, Response};
use sip_core::{SipUri, StatusCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = std::env::args().skip(1).map(|text| text.parse::<SocketAddr>());
    let mut address = || addresses.next().ok_or("usage: b2bua OWN:PORT TARGET:PORT");
    let (own, target) = (address()??, address()??);
    let mut transports = Transports::new(Default::default());
    let local = transports.bind_udp(own).await?;
    println!("UDP {local}");
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);
    let mut bridge = Bridge::new(Flow::udp(local, target));
    loop {
        let event = driver.event().await;
        bridge.handle(&mut driver, event);
    }
}

/// Our request, and the dialog that its response belongs to.
type Names = (ClientId, Option<DialogId>);

/// What is known of the calls: both tables hold names of the endpoint, nothing of SIP.
pub struct Bridge {
    out: Flow,
    /// Requests that were passed on, and what they came as.
    passed: HashMap<ClientId, (ServerId, Request)>,
    /// The other leg of each dialog.
    legs: HashMap<DialogId, DialogId>,
}

impl Bridge {
    /// Calls go out on this flow.
    pub fn new(out: Flow) -> Self {
        Self { out, passed: HashMap::new(), legs: HashMap::new() }
    }

    /// Deals with one event of the endpoint.
    pub fn handle(&mut self, driver: &mut Driver, event: Event) {
        match event {
            Event::Request { id, dialog: None, request, .. } => self.call(driver, id, request),
            Event::Request { id, dialog: Some(dialog), request, .. } => {
                self.pass(driver, id, dialog, request);
            }
            Event::Response { id, dialog, response, .. } => {
                self.pass_back(driver, (id, dialog), &response);
            }
            Event::Ack { dialog, request } => {
                let Some(other) = self.legs.get(&dialog) else { return };
                let kind = request.headers.typed::<ContentType>().ok().flatten();
                let _ = driver.endpoint.ack(driver.now(), *other, kind.zip(Some(request.body)));
            }
            Event::Cancelled { id } => {
                for (client, _) in self.passed.iter().filter(|(_, (server, _))| *server == id) {
                    let _ = driver.endpoint.cancel(driver.now(), *client);
                }
            }
            Event::Failed { id, .. } => {
                // Whoever sent anything else has given up by now as well.
                let passed = self.passed.remove(&id).filter(|(_, of)| of.method == Method::Invite);
                let Some((server, request)) = passed else { return };
                answer(driver, server, &request, StatusCode::REQUEST_TIMEOUT);
            }
            Event::AckTimeout { dialog } => {
                let _ = driver.endpoint.request_in(driver.now(), dialog, within(Method::Bye));
                self.hang_up(driver, dialog);
            }
            _ => {}
        }
    }

    /// A request outside a dialog: an INVITE becomes one of ours, without a word of how it came here.
    fn call(&mut self, driver: &mut Driver, id: ServerId, request: Request) {
        if request.method != Method::Invite {
            return answer(driver, id, &request, StatusCode::METHOD_NOT_ALLOWED);
        }
        let user = request.uri.as_sip().and_then(|uri| uri.user()).unwrap_or_default();
        let target = SipUri::new(&user, self.out.remote.ip(), Some(self.out.remote.port()));
        let mut invite = Request::new(Method::Invite, target);
        if let Ok(From(mut caller)) = request.headers.require() {
            caller.clear_tag();
            invite.headers.push(From(caller));
        }
        copy_body(&request, &mut invite);
        match driver.endpoint.invite(driver.now(), invite, self.out) {
            Ok(client) => drop(self.passed.insert(client, (id, request))),
            Err(_) => answer(driver, id, &request, StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    fn pass(&mut self, driver: &mut Driver, id: ServerId, dialog: DialogId, request: Request) {
        if request.method == Method::Bye {
            answer(driver, id, &request, StatusCode::OK);
            return self.hang_up(driver, dialog);
        }
        let mut other = within(request.method.clone());
        copy_body(&request, &mut other);
        let leg = self.legs.get(&dialog);
        match leg.and_then(|leg| driver.endpoint.request_in(driver.now(), *leg, other).ok()) {
            Some(client) => drop(self.passed.insert(client, (id, request))),
            None => answer(driver, id, &request, StatusCode::REQUEST_PENDING),
        }
    }

    fn pass_back(&mut self, driver: &mut Driver, (id, dialog): Names, response: &Response) {
        let Some((server, request)) = self.passed.get(&id) else { return };
        let mut back = Response::to(request, response.status);
        back.body = response.body.clone();
        back.headers.copy(HeaderName::ContentType, &response.headers);
        match (driver.endpoint.respond(driver.now(), *server, back), dialog) {
            (Ok(Some(own)), Some(theirs)) => self.legs.extend([(own, theirs), (theirs, own)]),
            // The caller has given up as the callee answered, who learns it after the ACK.
            (Err(_), Some(theirs)) if response.status.is_success() => {
                let _ = driver.endpoint.request_in(driver.now(), theirs, within(Method::Bye));
            }
            _ => {}
        }
        if response.status.is_final() {
            self.passed.remove(&id);
        }
    }

    fn hang_up(&mut self, driver: &mut Driver, dialog: DialogId) {
        let Some(other) = self.legs.remove(&dialog) else { return };
        self.legs.remove(&other);
        let _ = driver.endpoint.request_in(driver.now(), other, within(Method::Bye));
    }
}

fn answer(driver: &mut Driver, id: ServerId, request: &Request, status: StatusCode) {
    let _ = driver.endpoint.respond(driver.now(), id, Response::to(request, status));
}

fn copy_body(from: &Request, to: &mut Request) {
    to.body = from.body.clone();
    to.headers.copy(HeaderName::ContentType, &from.headers);
}
