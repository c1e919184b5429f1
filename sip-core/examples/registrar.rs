//! A registrar with digest authentication: phones log in, their bindings are printed.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example registrar -- 127.0.0.1:5060 101:secret 102:word`

use std::collections::HashMap;
use std::error::Error;

use rand_core::Rng;
use sip_core::auth::Algorithm;
use sip_core::auth::server::{Authenticator, Rejection, Secret};
use sip_core::endpoint::{Config, Event};
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::registrar::Registrar;
use sip_core::{Endpoint, Flow, Method, Request, Response, StatusCode};

struct Office {
    passwords: HashMap<String, String>,
    authenticator: Authenticator,
    registrar: Registrar,
    random: SystemRandom,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: registrar ADDRESS:PORT USER:PASSWORD...")?;
    let address: std::net::SocketAddr = address.parse()?;
    let passwords = arguments
        .filter_map(|user| user.split_once(':').map(|(u, p)| (u.to_owned(), p.to_owned())))
        .collect();
    let mut random = SystemRandom::default();
    let mut key = [0; 32];
    random.fill_bytes(&mut key);
    let mut auth = sip_core::auth::server::Config::default();
    // Some phones give up at the sight of a challenge with SHA-256 instead of passing it over.
    auth.algorithms = vec![Algorithm::Md5];
    let mut office = Office {
        passwords,
        authenticator: Authenticator::new("example", key, auth),
        registrar: Registrar::new(Default::default()),
        random,
    };

    let mut transports = Transports::new(Default::default());
    println!("UDP {}", transports.bind_udp(address).await?);
    println!("TCP {}", transports.bind_tcp(address).await?);
    // Browsers come to the next port.
    #[cfg(feature = "ws")]
    {
        let next = std::net::SocketAddr::new(address.ip(), address.port() + 1);
        println!("WS {}", transports.bind(sip_core::Transport::Ws, next).await?);
    }
    let mut config = Config::default();
    config.allow = vec![Method::Register, Method::Options];
    let endpoint = Endpoint::new(config, Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);
    loop {
        if let Event::Request { id, request, flow, .. } = driver.event().await {
            let response = match request.method {
                Method::Register => office.register(driver.now(), &request, flow),
                Method::Options => Response::to(&request, StatusCode::OK),
                _ => Response::to(&request, StatusCode::METHOD_NOT_ALLOWED),
            };
            driver.endpoint.respond(driver.now(), id, response)?;
            while let Some(change) = office.registrar.poll_change() {
                println!("{change:?}");
            }
        }
    }
}

impl Office {
    fn register(&mut self, now: std::time::Duration, request: &Request, flow: Flow) -> Response {
        let passwords = &self.passwords;
        let secret = |user: &str| passwords.get(user).cloned().map(Secret::Password);
        let verified = match self.authenticator.verify(now, request, &secret) {
            Ok(verified) => verified,
            Err(Rejection::Challenge { stale, .. }) => {
                return self.authenticator.challenge(now, request, stale, &mut self.random);
            }
            Err(Rejection::BadRequest(_)) => return Response::to(request, StatusCode::BAD_REQUEST),
        };
        // Everybody may register only himself, under whatever name the phone knows us by.
        self.registrar
            .register_as(now, &verified, &|_domain| true, request, flow)
            .unwrap_or_else(|rejection| rejection.response(request))
    }
}
