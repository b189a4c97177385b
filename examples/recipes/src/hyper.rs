//! Sends with hyper 1 and the client of hyper-util.
//!
//! Copy `response.rs` along, which also shows the loop around [`send`]. You need these crates, and
//! hyper-rustls or hyper-tls for TLS:
//!
//! ```toml
//! http-body-util = "0.1.5"
//! hyper = "1.12.0"
//! hyper-util = { version = "0.1.21", features = ["client-legacy", "http1", "http2", "tokio"] }
//! tokio = { version = "1.54.1", features = ["rt", "time"] }
//! ```
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use hyper::Request;
//! use recipes::hyper::{client, connector, send};
//!
//! let timeout = Duration::from_secs(30);
//! let client = client(connector(timeout)); // once, for all sends
//! let json = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi","reference":"r-1"}"#;
//! let request = Request::post("https://api.mobivatebulksms.com/send/single")
//!     .header("Authorization", "Bearer <API key>")
//!     .header("Content-Type", "application/json")
//!     .body(json.into())?;
//! let response = send(&client, request, timeout).await?;
//! let outcome = response.outcome();
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{
        Client, Error,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use mobivate_response::{Failure, FailureKind};
use tokio::time::{Instant, timeout_at};

use super::response::{BODY_LIMIT, IDLE_LIMIT, Response, retry_after};

/// Creates a client for [`send`].
///
/// - Idle connections are kept for [`IDLE_LIMIT`] at most.
///
/// hyper doesn't follow redirects, use the environment's proxies, or decompress a body. It sends a
/// request again by itself only if the kept connection was closed before the first byte was sent.
pub fn client<C: Connect + Clone>(connector: C) -> Client<C, Full<Bytes>> {
    let mut client = Client::builder(TokioExecutor::new());
    // Without a timer, the idle timeout has no effect, according to hyper-util.
    client.pool_idle_timeout(IDLE_LIMIT).pool_timer(TokioTimer::new()).build(connector)
}

/// Creates the connector for [`client`]. For TLS, wrap it in that of hyper-rustls or hyper-tls.
///
/// - Connecting has a timeout of half the time, so that it ends as `NotSent`.
/// - `https` URLs pass, for the TLS connector around it.
#[must_use]
pub fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(timeout / 2));
    connector.enforce_http(false);
    connector
}

/// Sends a message or a batch, once, with a timeout for the whole send.
///
/// # Errors
///
/// Returns a [`Failure`] if no status came. [`response`](super::response) lists the kinds.
pub async fn send<C: Connect + Clone + Send + Sync + 'static>(
    client: &Client<C, Full<Bytes>>,
    request: Request<Full<Bytes>>,
    timeout: Duration,
) -> Result<Response, Failure<'static>> {
    if !matches!(request.uri().scheme_str(), Some("http" | "https")) {
        return Err(Failure::new(FailureKind::Misconfigured, "the URL isn't http or https"));
    }
    let deadline = Instant::now() + timeout;
    let mut response = match timeout_at(deadline, client.request(request)).await {
        Ok(response) => response.map_err(|error| failure(&error))?,
        Err(late) => return Err(Failure::new(FailureKind::NoResponse, late.to_string())),
    };
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after");
    let retry_after = header.and_then(|value| retry_after(value.as_bytes()));
    let mut body = Vec::new();
    // An error ends the body, and what arrived before it counts.
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, response.frame()).await {
        body.extend(frame.into_data().unwrap_or_default());
        if body.len() >= BODY_LIMIT {
            break;
        }
    }
    body.truncate(BODY_LIMIT);
    Ok(Response { status, body, retry_after })
}

fn failure(error: &Error) -> Failure<'static> {
    let kind = if error.is_connect() { FailureKind::NotSent } else { FailureKind::NoResponse };
    // `Display` leaves out the cause, such as a reset.
    Failure::new(kind, format!("{error:?}"))
}
