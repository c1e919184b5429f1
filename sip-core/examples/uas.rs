//! A phone that rings for two seconds and takes every call, over UDP and TCP. It has no media.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example uas -- 127.0.0.1:5060`

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use sip_core::endpoint::{Config, Event, ServerId, within};
use sip_core::header::ContentType;
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::{Endpoint, Method, Request, Response, StatusCode};
use tokio::time::{Instant, sleep_until};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: uas ADDRESS:PORT")?.parse()?;
    let mut transports = Transports::new(Default::default());
    println!("UDP {}", transports.bind_udp(address).await?);
    println!("TCP {}", transports.bind_tcp(address).await?);
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);

    // Calls that ring, the oldest first.
    let mut ringing: Vec<(Instant, ServerId, Request)> = Vec::new();
    loop {
        let next = ringing.first().map(|(at, ..)| *at);
        let answer = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = driver.event() => match event {
                Event::Request { id, request, .. } if request.method == Method::Invite => {
                    println!("a call for {}", request.uri);
                    let ring = Response::to(&request, StatusCode::RINGING);
                    driver.endpoint.respond(driver.now(), id, ring)?;
                    ringing.push((Instant::now() + Duration::from_secs(2), id, request));
                }
                Event::Request { id, request, .. } => {
                    let status = match request.method {
                        Method::Bye | Method::Options => StatusCode::OK,
                        _ => StatusCode::METHOD_NOT_ALLOWED,
                    };
                    println!("{}", request.method);
                    driver.endpoint.respond(driver.now(), id, Response::to(&request, status))?;
                }
                Event::Cancelled { id } => ringing.retain(|(_, other, _)| *other != id),
                Event::AckTimeout { dialog } => {
                    driver.endpoint.request_in(driver.now(), dialog, within(Method::Bye))?;
                }
                other => println!("{other:?}"),
            },
            () = answer => {
                let (_, id, request) = ringing.remove(0);
                let mut answer = Response::to(&request, StatusCode::OK);
                answer.headers.push(ContentType::sdp());
                answer.body = silent(&request);
                // An error says that the caller has given up in this very moment.
                let _ = driver.endpoint.respond(driver.now(), id, answer);
            }
        }
    }
}

/// A description that declines every medium on offer by port 0: the call is up, and silent.
fn silent(request: &Request) -> Bytes {
    let offer = String::from_utf8_lossy(&request.body);
    let mut answer =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n".to_owned();
    for line in offer.lines().filter(|line| line.starts_with("m=")) {
        let mut words: Vec<&str> = line.split(' ').collect();
        if let Some(port) = words.get_mut(1) {
            *port = "0";
        }
        answer.push_str(&words.join(" "));
        answer.push_str("\r\n");
    }
    answer.into()
}
