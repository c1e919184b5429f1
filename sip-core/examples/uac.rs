//! A caller: calls a SIP URI, shows how the call goes, and hangs up after three seconds.
//!
//! `cargo run -p trunkline-sip-core --features tokio --example uac -- sip:600@127.0.0.1:5060 101 secret`

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use sip_core::auth::client::Credentials;
use sip_core::endpoint::{ClientId, Config, Event, within};
use sip_core::header::{ContentType, From, NameAddr};
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::{DialogId, Endpoint, Flow, Method, Request, Response, SipUri, StatusCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, user, password] = arguments.as_slice() else {
        return Err("usage: uac sip:NUMBER@ADDRESS[:PORT] USER PASSWORD".into());
    };
    let target = SipUri::parse(target)?;
    let ip = target.host().ip().ok_or("the host must be an address")?;
    let remote = SocketAddr::new(ip, target.port().unwrap_or(5060));

    // The address that the peer sees us at: the one the system would send from.
    let probe = UdpSocket::bind(if ip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    probe.connect(remote)?;
    let mut transports = Transports::new(Default::default());
    let local = transports.bind_udp(SocketAddr::new(probe.local_addr()?.ip(), 0)).await?;
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    let mut driver = Driver::new(endpoint, transports);

    let flow = Flow::udp(local, remote);
    let mut invite = invite(target, user, local);
    let id = driver.endpoint.invite(driver.now(), invite.clone(), flow)?;
    let (mut response, mut dialog) = outcome(&mut driver, id).await?;
    if response.status == StatusCode::UNAUTHORIZED {
        let credentials = Credentials::new(user, password);
        credentials.authorize(&mut invite, &response, &mut SystemRandom::default())?;
        let id = driver.endpoint.invite(driver.now(), invite, flow)?;
        (response, dialog) = outcome(&mut driver, id).await?;
    }
    if let (true, Some(dialog)) = (response.status.is_success(), dialog) {
        driver.endpoint.ack(driver.now(), dialog, None)?;
        let _ = tokio::time::timeout(Duration::from_secs(3), hung_up(&mut driver)).await;
        // An error says that the other side has hung up already.
        if let Ok(id) = driver.endpoint.request_in(driver.now(), dialog, within(Method::Bye)) {
            outcome(&mut driver, id).await?;
        }
    }
    driver.close().await;
    Ok(())
}

/// An offer of audio that stays silent: this example has no media.
fn invite(target: SipUri, user: &str, local: SocketAddr) -> Request {
    let from = SipUri::new(user, target.host().clone(), target.port());
    let mut invite = Request::new(Method::Invite, target);
    invite.headers.push(From(NameAddr::new(from)));
    invite.headers.push(ContentType::sdp());
    let address = format!("IN {} {}", if local.is_ipv4() { "IP4" } else { "IP6" }, local.ip());
    invite.body = format!(
        "v=0\r\no=- 1 1 {address}\r\ns=-\r\nc={address}\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 8 0\r\na=inactive\r\n"
    )
    .into();
    invite
}

/// The final response to one of our requests, and the dialog that it made.
async fn outcome(
    driver: &mut Driver,
    id: ClientId,
) -> Result<(Response, Option<DialogId>), Box<dyn Error>> {
    loop {
        match driver.event().await {
            Event::Response { id: of, response, dialog, .. } if of == id => {
                println!("{} {}", response.status.code(), response.reason);
                if response.status.is_final() {
                    return Ok((response, dialog));
                }
            }
            Event::Failed { id: of, reason } if of == id => {
                return Err(format!("no answer: {reason:?}").into());
            }
            other => answer(driver, other),
        }
    }
}

/// Waits for the other side's BYE.
async fn hung_up(driver: &mut Driver) {
    loop {
        let event = driver.event().await;
        let ends =
            matches!(&event, Event::Request { request, .. } if request.method == Method::Bye);
        answer(driver, event);
        if ends {
            return println!("the other side hung up");
        }
    }
}

/// What a caller says to requests of the other side.
fn answer(driver: &mut Driver, event: Event) {
    if let Event::Request { id, request, .. } = event {
        let status = match request.method {
            Method::Bye | Method::Options => StatusCode::OK,
            _ => StatusCode::NOT_IMPLEMENTED,
        };
        let _ = driver.endpoint.respond(driver.now(), id, Response::to(&request, status));
    }
}
