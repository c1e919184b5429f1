//! Watches a mailbox: subscribes to message-summary and prints each notice until it is ended.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example subscriber -- sip:101@127.0.0.1:5060 101 secret`

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};

use sip_core::auth::client::Credentials;
use sip_core::endpoint::{Config, Ended, Event};
use sip_core::header::{self, Accept, Expires, From, NameAddr};
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::package::message_summary::MessageSummary;
use sip_core::{Endpoint, Flow, Method, Request, Response, SipUri, StatusCode, Token};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mailbox, user, password] = arguments.as_slice() else {
        return Err("usage: subscriber sip:MAILBOX@ADDRESS[:PORT] USER PASSWORD".into());
    };
    let mailbox = SipUri::parse(mailbox)?;
    let ip = mailbox.host().ip().ok_or("the host must be an address")?;
    let remote = SocketAddr::new(ip, mailbox.port().unwrap_or(5060));

    // The address that the peer sees us at: the one the system would send from.
    let probe = UdpSocket::bind(if ip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    probe.connect(remote)?;
    let mut transports = Transports::new(Default::default());
    let local = transports.bind_udp(SocketAddr::new(probe.local_addr()?.ip(), 0)).await?;
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);
    let credentials = Credentials::new(user, password);
    let why = watch(&mut driver, Flow::udp(local, remote), mailbox, &credentials, |summary| {
        println!("{summary:?}");
    })
    .await?;
    println!("ended: {why:?}");
    driver.close().await;
    Ok(())
}

/// Subscribes, answering one challenge, and hands over each notice until the subscription is over.
pub async fn watch(
    driver: &mut Driver,
    flow: Flow,
    mailbox: SipUri,
    credentials: &Credentials,
    mut told: impl FnMut(MessageSummary),
) -> Result<Ended, Box<dyn Error>> {
    let mut subscribe = subscription(mailbox)?;
    let mut id = driver.endpoint.subscribe(driver.now(), subscribe.clone(), flow)?;
    loop {
        match driver.event().await {
            // The endpoint has answered the NOTIFY, and refreshes the subscription by itself.
            Event::Notified { subscription, request, .. }
                if subscription == id && !request.body.is_empty() =>
            {
                told(MessageSummary::parse(&request.body)?);
            }
            Event::SubscriptionEnded { subscription, why } if subscription == id => match why {
                Ended::Refused(response) if response.status == StatusCode::UNAUTHORIZED => {
                    credentials.authorize(
                        &mut subscribe,
                        &response,
                        &mut SystemRandom::default(),
                    )?;
                    id = driver.endpoint.subscribe(driver.now(), subscribe.clone(), flow)?;
                }
                why => return Ok(why),
            },
            Event::Request { id, request, .. } => {
                let response = Response::to(&request, StatusCode::METHOD_NOT_ALLOWED);
                driver.endpoint.respond(driver.now(), id, response)?;
            }
            _ => {}
        }
    }
}

/// SUBSCRIBE to the mailbox, for an hour at a time.
fn subscription(mailbox: SipUri) -> Result<Request, Box<dyn Error>> {
    let mut request = Request::new(Method::Subscribe, mailbox.clone());
    request.headers.push(From(NameAddr::new(mailbox)));
    request.headers.push(header::Event::new(Token::from_static("message-summary")));
    request.headers.push(Accept(vec![MessageSummary::content_type().0]));
    request.headers.push(Expires(3600));
    Ok(request)
}
