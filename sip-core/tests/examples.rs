//! The examples of proxies and of TLS, run as they stand.
#![cfg(feature = "tokio")]

mod net_support;

#[allow(dead_code)]
#[path = "../examples/forking_proxy.rs"]
mod forking_proxy;
#[allow(dead_code)]
#[path = "../examples/stateless_proxy.rs"]
mod stateless_proxy;
#[cfg(feature = "tls")]
#[allow(dead_code)]
#[path = "../examples/tls_phones.rs"]
mod tls_phones;
#[cfg(feature = "tls")]
#[allow(dead_code)]
#[path = "../examples/tls_server.rs"]
mod tls_server;
#[cfg(feature = "tls")]
#[allow(dead_code)]
#[path = "../examples/tls_uac.rs"]
mod tls_uac;

use core::net::SocketAddr;

use net_support::{answer_all, driver, loopback, request, soon};
use sip_core::endpoint::{Event, within};
use sip_core::header::{Contact, From, NameAddr, RecordRoute, To, Via};
use sip_core::net::{Config, Driver, Transports};
use sip_core::{Flow, Method, Request, Response, StatusCode};

async fn udp(seed: u64) -> (Driver, SocketAddr) {
    let mut transports = Transports::new(Config::default());
    let address = transports.bind_udp(loopback()).await.unwrap();
    (driver(transports, seed), address)
}

#[tokio::test]
async fn the_stateless_proxy_forwards_by_its_table() {
    let (bob, there) = udp(2).await;
    tokio::spawn(answer_all(bob));
    let mut transports = Transports::new(Config::default());
    let proxy = transports.bind_udp(loopback()).await.unwrap();
    let table = [("example.com".to_owned(), there)].into();
    tokio::spawn(stateless_proxy::serve(transports, proxy, table));
    let (mut alice, local) = udp(1).await;
    for (uri, status) in
        [("sip:bob@Example.com", StatusCode::OK), ("sip:bob@elsewhere.net", StatusCode::NOT_FOUND)]
    {
        let now = alice.now();
        alice
            .endpoint
            .request(now, request(Method::Options, uri), Flow::udp(local, proxy))
            .unwrap();
        let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
        assert_eq!(response.status, status);
        assert_eq!(response.headers.all::<Via>().count(), 1);
    }
}

/// A phone that registers as bob; `answers` it takes the call, else it rings for ever.
async fn phone(seed: u64, proxy: SocketAddr, q: &str, answers: bool) {
    let (mut phone, local) = udp(seed).await;
    let mut register = request(Method::Register, &format!("sip:{proxy}"));
    let bob: NameAddr = NameAddr::parse(format!("<sip:bob@{proxy}>")).unwrap();
    register.headers.set(From(bob.clone()));
    register.headers.set(To(bob));
    let contact = NameAddr::parse(format!("<sip:bob@{local}>;q={q}")).unwrap();
    register.headers.push(Contact::Address(contact));
    let now = phone.now();
    phone.endpoint.request(now, register, Flow::udp(local, proxy)).unwrap();
    let Event::Response { response, .. } = soon(phone.event()).await else { panic!("none") };
    assert_eq!(response.status, StatusCode::OK);
    tokio::spawn(async move {
        loop {
            let Event::Request { id, request, .. } = phone.event().await else { continue };
            let status = match request.method {
                Method::Invite if answers => StatusCode::OK,
                Method::Invite => StatusCode::RINGING,
                _ => StatusCode::OK,
            };
            phone.endpoint.respond(phone.now(), id, Response::to(&request, status)).unwrap();
        }
    });
}

fn invite(proxy: SocketAddr) -> Request {
    request(Method::Invite, &format!("sip:bob@{proxy}"))
}

#[tokio::test]
async fn the_forking_proxy_rings_every_phone_and_stays_in_the_way() {
    let mut transports = Transports::new(Config::default());
    let proxy = transports.bind_udp(loopback()).await.unwrap();
    tokio::spawn(forking_proxy::Office::new(proxy).serve(transports));
    let (mut alice, local) = udp(1).await;
    let flow = Flow::udp(local, proxy);
    let now = alice.now();
    alice.endpoint.invite(now, invite(proxy), flow).unwrap();
    let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
    assert_eq!(response.status, StatusCode::TEMPORARILY_UNAVAILABLE, "nobody is registered");

    phone(2, proxy, "0.9", false).await;
    phone(3, proxy, "0.9", true).await;
    let now = alice.now();
    alice.endpoint.invite(now, invite(proxy), flow).unwrap();
    let (dialog, response) = loop {
        match soon(alice.event()).await {
            Event::Response { dialog: Some(dialog), response, .. }
                if response.status.is_success() =>
            {
                break (dialog, response);
            }
            Event::Response { response, .. } => assert_eq!(response.status, StatusCode::RINGING),
            event => panic!("{event:?}"),
        }
    };
    assert_eq!(response.headers.all::<RecordRoute>().count(), 1);
    alice.endpoint.ack(now, dialog, None).unwrap();
    alice.endpoint.request_in(now, dialog, within(Method::Bye)).unwrap();
    let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
    assert_eq!(response.status, StatusCode::OK);
}

/// A server over TLS that runs one of the examples, and a driver with a connection to it.
#[cfg(feature = "tls")]
async fn over_tls(serve: impl FnOnce(Transports)) -> (Driver, Flow) {
    use net_support::authority::Authority;
    use sip_core::Transport;
    use sip_core::net::{ClientCertificates, Tls};

    let authority = Authority::new();
    let identity = authority.identity(&["example.com"]);
    let tls = Tls::new(authority.roots(), Some(identity), ClientCertificates::Asked).unwrap();
    let mut transports = Transports::new(Config::default());
    transports.use_tls(tls.clone());
    let remote = transports.bind(Transport::Tls, loopback()).await.unwrap();
    serve(transports);
    let mut transports = Transports::new(Config::default());
    transports.use_tls(tls);
    let mut alice = driver(transports, 1);
    let flow = Flow { transport: Transport::Tls, local: loopback(), remote, connection: None };
    let name = sip_core::Host::parse("example.com").unwrap();
    let flow = alice.transports.connect(&name, flow);
    (alice, flow)
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn the_tls_server_answers_options() {
    let (mut alice, flow) = over_tls(|transports| {
        tokio::spawn(tls_server::serve(transports));
    })
    .await;
    for (method, status) in
        [(Method::Options, StatusCode::OK), (Method::Message, StatusCode::METHOD_NOT_ALLOWED)]
    {
        let now = alice.now();
        alice.endpoint.request(now, request(method, "sips:example.com"), flow).unwrap();
        let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
        assert_eq!(response.status, status);
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn phones_log_in_and_call_over_tls() {
    use rand_core::SeedableRng;
    use sip_core::auth::client::Credentials;

    let users = [("101".to_owned(), "secret".to_owned())].into();
    let serve = |transports| {
        // What it fails with is no matter of other threads.
        tokio::spawn(async move { tls_phones::serve(transports, users).await.map_err(drop) });
    };
    let (mut alice, flow) = over_tls(serve).await;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4);
    for (method, password, expected) in [
        (Method::Register, "guess", StatusCode::UNAUTHORIZED),
        (Method::Register, "secret", StatusCode::OK),
        (Method::Invite, "secret", StatusCode::OK),
    ] {
        let uri = format!("sip:{}", flow.remote);
        let phone = NameAddr::parse(format!("<sip:101@{}>", flow.remote)).unwrap();
        let mut first = request(method.clone(), &uri);
        first.headers.set(From(phone.clone()));
        first.headers.set(To(phone));
        if method == Method::Register {
            let contact = NameAddr::parse("<sip:101@127.0.0.1:5061>").unwrap();
            first.headers.push(Contact::Address(contact));
        }
        let now = alice.now();
        alice.endpoint.request(now, first.clone(), flow).unwrap();
        let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
        assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        Credentials::new("101", password).authorize(&mut first, &response, &mut random).unwrap();
        let now = alice.now();
        alice.endpoint.request(now, first, flow).unwrap();
        let Event::Response { response, dialog, .. } = soon(alice.event()).await else {
            panic!("none")
        };
        assert_eq!(response.status, expected, "{method} {password}");
        let Some(dialog) = dialog else { continue };
        assert!(response.body.starts_with(b"v=0"));
        alice.endpoint.ack(now, dialog, None).unwrap();
        alice.endpoint.request_in(now, dialog, within(Method::Bye)).unwrap();
        let Event::Response { response, .. } = soon(alice.event()).await else { panic!("none") };
        assert_eq!(response.status, StatusCode::OK);
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn the_tls_caller_calls_whom_it_knows() {
    use net_support::authority::Authority;
    use sip_core::net::{ClientCertificates, Tls};
    use sip_core::{SipUri, Transport};

    let authority = Authority::new();
    let identity = authority.identity(&["example.com"]);
    let tls = Tls::new(authority.roots(), Some(identity), ClientCertificates::Ignored).unwrap();
    let mut transports = Transports::new(Config::default());
    transports.use_tls(tls);
    let remote = transports.bind(Transport::Tls, loopback()).await.unwrap();
    tokio::spawn(answer_all(driver(transports, 2)));
    for (roots, name, answered) in [
        (authority.roots(), "example.com", true),
        (authority.roots(), "example.net", false),
        (Authority::new().roots(), "example.com", false),
    ] {
        let mut transports = Transports::new(Config::default());
        transports.use_tls(Tls::new(roots, None, ClientCertificates::Ignored).unwrap());
        let target = SipUri::parse(format!("sip:600@{name};transport=tls")).unwrap();
        let mut caller = tls_uac::Caller::new(transports, remote, target).unwrap();
        for _ in 0..2 {
            assert_eq!(soon(caller.call()).await.is_ok(), answered, "{name}");
        }
    }
}
