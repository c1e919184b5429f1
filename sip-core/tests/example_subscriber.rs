//! The example `subscriber` against a notifier that challenges it, on sockets.
#![cfg(feature = "tokio")]

#[allow(dead_code, unreachable_pub)]
#[path = "../examples/subscriber.rs"]
mod subscriber;

use sip_core::auth::client::Credentials;
use sip_core::auth::server::{Authenticator, Rejection, Secret};
use sip_core::endpoint::{Config, Ended, Event, Notice};
use sip_core::net::{Driver, SystemRandom, Transports};
use sip_core::package::message_summary::MessageSummary;
use sip_core::{Endpoint, Flow, Response, SipUri, StatusCode};

async fn party() -> (Driver, std::net::SocketAddr) {
    let mut transports = Transports::new(Default::default());
    let local = transports.bind_udp(([127, 0, 0, 1], 0).into()).await.unwrap();
    let endpoint = Endpoint::new(Config::default(), Box::new(SystemRandom::default()));
    (Driver::new(endpoint, transports), local)
}

fn summary(new: u32) -> Notice {
    Notice::active(MessageSummary::content_type(), MessageSummary::voice(new, 1).write())
}

/// A mailbox that tells of one new message, then ends.
async fn serve(mut driver: Driver) {
    let mut guard = Authenticator::new("example.com", [1; 32], Default::default());
    let secret = |user: &str| (user == "101").then(|| Secret::Password("secret".to_owned()));
    loop {
        let Event::Request { id, request, .. } = driver.event().await else { continue };
        let now = driver.now();
        match guard.verify(now, &request, &secret) {
            Ok(_) => {
                let response = Response::to(&request, StatusCode::OK);
                let endpoint = &mut driver.endpoint;
                let watcher = endpoint.accept_subscription(now, id, response, summary(0)).unwrap();
                endpoint.notify(now, watcher, summary(1)).unwrap();
                endpoint.end_subscription(now, watcher, "noresource", summary(2)).unwrap();
            }
            Err(Rejection::Challenge { stale, .. }) => {
                let random = &mut SystemRandom::default();
                let challenge = guard.challenge(now, &request, stale, random);
                driver.endpoint.respond(now, id, challenge).unwrap();
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_mailbox_is_watched_until_it_ends() {
    let (server, remote) = party().await;
    let (mut driver, local) = party().await;
    let mailbox = SipUri::new("101", remote.ip(), Some(remote.port()));
    let credentials = Credentials::new("101", "secret");
    let mut told = Vec::new();
    let watching = subscriber::watch(
        &mut driver,
        Flow::udp(local, remote),
        mailbox,
        &credentials,
        |summary| told.push(summary.voice_messages().map(|count| count.new)),
    );
    let why = tokio::select! {
        why = watching => why.unwrap(),
        () = serve(server) => panic!("the notifier has stopped"),
    };
    // The middle one was overtaken by the last while the first was being answered.
    assert_eq!(told, [Some(0), Some(2)]);
    assert!(
        matches!(why, Ended::Terminated { reason: Some(reason), .. } if reason == "noresource")
    );
}
