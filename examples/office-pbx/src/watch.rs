//! Metrics, bans and captures over HTTP, for whoever keeps the exchange running.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use pbx::server::Control;
use tokio::net::TcpListener;

/// A port that is ours, and where metrics are gathered.
pub struct Watch {
    listener: TcpListener,
    address: SocketAddr,
    metrics: PrometheusHandle,
}

/// Binds the port and installs the recorder.
///
/// # Errors
///
/// When the address is in use, or not ours.
pub async fn bind(address: SocketAddr) -> anyhow::Result<Watch> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (watch.http)"))?;
    let address = listener.local_addr()?;
    let metrics = PrometheusBuilder::new().install_recorder()?;
    Ok(Watch { listener, address, metrics })
}

impl Watch {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers for as long as the program runs.
    pub async fn serve(self, control: Control) {
        let routes = routes(control, self.metrics);
        if let Err(error) = axum::serve(self.listener, routes).await {
            tracing::error!(%error, "metrics are no longer served");
        }
    }
}

fn routes(control: Control, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/metrics", get(show_metrics))
        .route("/bans", get(show_bans))
        .route("/bans/{source}", delete(lift_ban))
        .route("/pcap/{call_id}", get(show_call))
        .with_state((control, metrics))
}

type Shared = State<(Control, PrometheusHandle)>;

async fn show_metrics(State((control, metrics)): Shared) -> impl IntoResponse {
    match control.state().await {
        Some(state) => {
            state.publish();
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (kind, metrics.render()).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// One line a source: address, reason, seconds left.
async fn show_bans(State((control, _)): Shared) -> String {
    let bans = control.bans().await;
    let line = |ban: &pbx::server::Banned| {
        format!("{}\t{}\t{}\n", ban.source, ban.reason.as_str(), ban.left.as_secs())
    };
    bans.iter().map(line).collect()
}

async fn lift_ban(Path(source): Path<IpAddr>, State((control, _)): Shared) -> StatusCode {
    match control.lift(source).await {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}

async fn show_call(Path(call_id): Path<String>, State((control, _)): Shared) -> impl IntoResponse {
    /// Of a pcap file without packets.
    const EMPTY: usize = 24;
    let file = control.pcap(&call_id).await;
    if file.len() <= EMPTY {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, "application/vnd.tcpdump.pcap")], file).into_response()
}
