//! What a server finds in its store when it begins.
#![cfg(feature = "server")]

use std::net::SocketAddr;
use std::time::Duration;

use dialplan::plan::Plan;
use jiff::Timestamp;
use pbx::directory::{Directory, Extension};
use pbx::exchange::{Event, Settings as ExchangeSettings};
use pbx::server::{Server, Settings};
use pbx::store::{MemoryStore, Store as _, StoredBinding, Write};
use sip_core::Transport;
use sip_core::auth::server::Secret;

#[tokio::test]
async fn a_connection_that_ended_with_the_process_is_told_though_nobody_calls() {
    let mut directory = Directory::new(Plan::builder().build().unwrap());
    directory.add_extension(Extension {
        number: "101".into(),
        name: "Anna".into(),
        secret: Secret::Password("of the test".into()),
    });
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let contact = "sip:101@127.0.0.1:5062;transport=tcp";
    let mut store = MemoryStore::new();
    let binding = StoredBinding {
        extension: "101".into(),
        contact: contact.into(),
        contact_header: format!("<{contact}>"),
        transport: Transport::Tcp,
        local: any,
        remote: SocketAddr::from(([127, 0, 0, 1], 49_152)),
        until: Timestamp::now() + Duration::from_secs(3_600),
        q: 1_000,
        call_id: "a@b".into(),
        cseq: 7,
    };
    store.append(&[Write::Bind(binding)]).unwrap();
    let settings = Settings {
        listen: vec![(Transport::Udp, any), (Transport::Tcp, any)],
        rtp_ports: 30_000..=39_998,
        ..Settings::default()
    };
    let exchange = ExchangeSettings::default();
    let mut server =
        Server::start(settings, exchange, directory, Box::new(store), [9; 32]).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(60), server.event()).await;
    let event = told.expect("nobody has to call for it").expect("a server that runs");
    assert!(
        matches!(&event, Event::Unregistered { extension, .. } if extension == "101"),
        "{event:?}"
    );
}
