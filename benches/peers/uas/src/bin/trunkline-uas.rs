//! A UAS on trunkline-sip-core's driver: 180 and 200 to each INVITE, 200 to each BYE.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use peers_uas::ANSWER;
use sip_core::endpoint::{Config, Event, within};
use sip_core::header::ContentType;
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::{Endpoint, Method, Response, StatusCode};

fn main() -> Result<(), Box<dyn Error>> {
    peers_uas::run(serve)
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut transports = Transports::new(Default::default());
    println!("listening on {}", transports.bind_udp(address).await?);
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);
    loop {
        match driver.event().await {
            Event::Request { id, request, .. } if request.method == Method::Invite => {
                let ring = Response::to(&request, StatusCode::RINGING);
                driver.endpoint.respond(driver.now(), id, ring)?;
                let mut answer = Response::to(&request, StatusCode::OK);
                answer.headers.push(ContentType::sdp());
                answer.body = Bytes::from_static(ANSWER.as_bytes());
                driver.endpoint.respond(driver.now(), id, answer)?;
            }
            Event::Request { id, request, .. } => {
                let status = match request.method {
                    Method::Bye | Method::Options => StatusCode::OK,
                    _ => StatusCode::METHOD_NOT_ALLOWED,
                };
                driver.endpoint.respond(driver.now(), id, Response::to(&request, status))?;
            }
            Event::AckTimeout { dialog } => {
                driver.endpoint.request_in(driver.now(), dialog, within(Method::Bye))?;
            }
            _ => {}
        }
    }
}
