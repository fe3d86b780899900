//! What the world sees: webhooks, and whether the server is well.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tracing::{info, warn};

use super::Server;
use crate::bot::forge::Event;
use crate::words::{Diagnostic, Result};

/// The most bytes of a webhook; GitHub sends at most as many.
pub const BODY: usize = 25 * 1024 * 1024;

/// Listens there; the error says who can't.
pub async fn listen(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        let error = Diagnostic::error(format!("can't listen at {address}: {e}"));
        error.help("give an address of this machine and a free port, such as 127.0.0.1:8443").into()
    })
}

/// Takes webhooks until it is stopped.
pub async fn serve(listener: TcpListener, server: Arc<Server>) {
    info!(address = listener.local_addr().ok().map(tracing::field::display), "taking webhooks at /webhook");
    let stop = server.stop.clone();
    let router = Router::new().route("/webhook", post(webhook)).route("/healthz", get(health));
    let router = router.layer(DefaultBodyLimit::max(BODY)).with_state(server);
    if let Err(e) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(error = %e, "webhooks are not taken any more");
    }
}

/// Shows metrics, apart from what the world sees.
pub async fn measure(listener: TcpListener, server: Arc<Server>) {
    info!(address = listener.local_addr().ok().map(tracing::field::display), "serving /healthz and /metrics");
    let stop = server.stop.clone();
    let router = Router::new().route("/metrics", get(metrics)).route("/healthz", get(health)).with_state(server);
    if let Err(e) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(error = %e, "metrics are not served any more");
    }
}

async fn webhook(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let (status, outcome, said) = take(&server, &headers, &body).await;
    server.metrics.webhook(outcome);
    (status, format!("{said}\n"))
}

async fn take(server: &Server, headers: &HeaderMap, body: &[u8]) -> (StatusCode, &'static str, String) {
    let named =
        |(name, value): (&header::HeaderName, &header::HeaderValue)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()));
    let headers: BTreeMap<String, String> = headers.iter().filter_map(named).collect();
    let Some(delivery) = server.forge.authentic(&headers, body, &server.secret) else {
        warn!("a webhook with a wrong signature, or none");
        return (StatusCode::UNAUTHORIZED, "unsigned", "the signature is missing or wrong".into());
    };
    let event = match server.forge.event(&headers, body) {
        Ok(event) => event,
        Err(why) => {
            warn!(delivery, why, "a webhook that can't be read");
            return (StatusCode::BAD_REQUEST, "unreadable", why);
        }
    };
    if let Event::Ignored(why) = event {
        info!(delivery, why, "ignored");
        return (StatusCode::OK, "ignored", format!("ignored: {why}"));
    }
    match server.store.deliver(&delivery, event).await {
        Ok(true) => {
            info!(delivery, "queued");
            (StatusCode::ACCEPTED, "queued", "queued".into())
        }
        Ok(false) => {
            info!(delivery, "it came before");
            (StatusCode::OK, "replayed", "ignored: it came before".into())
        }
        Err(e) => {
            // Whoever sent it can send it again.
            tracing::error!(delivery, error = %e, "it can't be queued");
            (StatusCode::SERVICE_UNAVAILABLE, "refused", "try again later".into())
        }
    }
}

async fn health(State(server): State<Arc<Server>>) -> impl IntoResponse {
    match server.store.waiting().await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database can't be read\n"),
    }
}

async fn metrics(State(server): State<Arc<Server>>) -> impl IntoResponse {
    const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let waiting = server.store.waiting().await.unwrap_or_default();
    ([(header::CONTENT_TYPE, TEXT)], server.metrics.text(&waiting))
}
