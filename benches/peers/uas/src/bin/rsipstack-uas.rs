//! The same on rsipstack, built as its own `bench_ua` is: transactions come from its endpoint, dialogs from
//! its dialog layer, and a task of each call's own handles the INVITE until its ACK.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use peers_uas::ANSWER;
use rsipstack::EndpointBuilder;
use rsipstack::dialog::DialogId;
use rsipstack::dialog::dialog::{Dialog, DialogState, DialogStateReceiver, DialogStateSender};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::sip::{Header, Method, Scheme, StatusCode, Uri};
use rsipstack::transaction::TransactionReceiver;
use rsipstack::transport::TransportLayer;
use rsipstack::transport::udp::UdpConnection;
use tokio_util::sync::CancellationToken;

fn main() -> Result<(), Box<dyn Error>> {
    peers_uas::run(serve)
}

async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let token = CancellationToken::new();
    let transports = TransportLayer::new(token.clone());
    let socket = UdpConnection::create_connection(address, None, Some(token.child_token())).await?;
    transports.add_transport(socket.into());
    let endpoint =
        EndpointBuilder::new().with_cancel_token(token).with_transport_layer(transports).build();
    let bound = endpoint.get_addrs().first().ok_or("no address")?.clone();
    println!("listening on {}", bound.addr);
    let contact = Uri {
        scheme: Some(Scheme::Sip),
        auth: None,
        host_with_port: bound.addr,
        params: vec![],
        headers: vec![],
    };
    let incoming = endpoint.incoming_transactions()?;
    let layer = Arc::new(DialogLayer::new(endpoint.inner.clone()));
    let (sender, receiver) = layer.new_dialog_state_channel();
    tokio::select! {
        _ = endpoint.serve() => {}
        _ = requests(layer.clone(), incoming, sender, contact) => {}
        () = calls(layer.clone(), receiver) => {}
    }
    Ok(())
}

async fn requests(
    layer: Arc<DialogLayer>,
    mut incoming: TransactionReceiver,
    sender: DialogStateSender,
    contact: Uri,
) -> rsipstack::Result<()> {
    while let Some(mut transaction) = incoming.recv().await {
        match transaction.original.method {
            Method::Invite => {
                let contact = Some(contact.clone());
                let mut dialog = layer.get_or_create_server_invite(
                    &transaction,
                    sender.clone(),
                    None,
                    contact,
                )?;
                tokio::spawn(async move { dialog.handle(&mut transaction).await.ok() });
            }
            Method::Bye => {
                let dialog = DialogId::try_from(&transaction)?;
                transaction.reply(StatusCode::OK).await?;
                layer.remove_dialog(&dialog);
            }
            _ => {}
        }
    }
    Ok(())
}

async fn calls(layer: Arc<DialogLayer>, mut states: DialogStateReceiver) {
    while let Some(state) = states.recv().await {
        match state {
            DialogState::Calling(id) => {
                if let Some(Dialog::Invite(dialog)) = layer.get_dialog(&id) {
                    dialog.ringing(None, None).ok();
                    let kind = Header::ContentType("application/sdp".to_string().into());
                    dialog.accept(Some(vec![kind]), Some(ANSWER.into())).ok();
                }
            }
            DialogState::Terminated(id, _) => layer.remove_dialog(&id),
            _ => {}
        }
    }
}
