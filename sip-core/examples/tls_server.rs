//! A server over TLS: says who has connected, answers OPTIONS, takes no calls, and reads its
//! certificate anew every hour.
//!
//! `cargo run -p trunkline-sip-core --features tls --example tls_server -- 127.0.0.1:5061 chain.pem key.pem [clients-ca.pem]`

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use sip_core::endpoint::{Config, Event};
use sip_core::net::{ClientCertificates, Driver, Identity, Roots, SystemRandom, Tls, Transports};
use sip_core::{Endpoint, Method, Response, StatusCode, Transport};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: tls_server ADDRESS:PORT CHAIN KEY [CLIENTS-CA]";
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or(USAGE)?.parse()?;
    let chain = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let key = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let identity = Identity::from_files(&chain, &key)?;
    let tls = match arguments.next() {
        // Who shows a certificate of this authority's is known by name; others are let in too.
        Some(authority) => Tls::new(
            Roots::from_pem(&std::fs::read(authority)?)?,
            Some(identity.clone()),
            ClientCertificates::Asked,
        )?,
        None => Tls::new(Roots::none(), Some(identity.clone()), ClientCertificates::Ignored)?,
    };
    let mut transports = Transports::new(Default::default());
    transports.use_tls(tls);
    println!("TLS {}", transports.bind(Transport::Tls, address).await?);

    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            if let Err(error) = identity.reload_files(&chain, &key) {
                eprintln!("the old certificate stays: {error}");
            }
        }
    });
    serve(transports).await;
    Ok(())
}

/// Answers for ever.
pub async fn serve(transports: Transports) {
    let mut config = Config::default();
    config.allow = vec![Method::Options];
    let endpoint = Endpoint::new(config, Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);
    loop {
        let Event::Request { id, request, flow, .. } = driver.event().await else { continue };
        let names: Vec<&str> =
            driver.transports.names(&flow).into_iter().flat_map(|n| n.domains()).collect();
        println!("{} from {} {names:?}", request.method, flow.remote);
        let status = match request.method {
            Method::Options => StatusCode::OK,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        };
        // An error says that the request was cancelled meanwhile.
        let _ = driver.endpoint.respond(driver.now(), id, Response::to(&request, status));
    }
}
