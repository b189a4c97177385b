//! A webhook on axum: reads what Mobivate posts, and hands it to your function, which stores it.
//!
//! ```toml
//! axum = { version = "0.8.9", default-features = false, features = ["http1", "tokio"] }
//! tokio = { version = "1.54.1", features = ["rt", "time"] }
//! ```
//!
//! and `receipts.rs` beside it.
//!
//! ```no_run
//! # use recipes::{receipts::Received, webhook_axum::webhook};
//! # use std::{error::Error, sync::{Arc, Mutex}, time::Duration};
//! # async fn listen() -> Result<(), Box<dyn Error>> {
//! let stored = Arc::new(Mutex::new(Vec::new())); // stands for your database
//! let webhook = webhook(Duration::from_secs(10), move |received| {
//!     let stored = Arc::clone(&stored);
//!     async move {
//!         match received {
//!             // Look for `reference` among your messages before you act on it.
//!             Received::Status(_) | Received::Incoming(_) => {
//!                 stored.lock().map_err(|_| "the store is poisoned")?.push(received);
//!             }
//!             Received::Neither => {}
//!         }
//!         Ok::<_, &str>(()) // a client that blocks, as SQLite's: within `tokio::task::spawn_blocking`
//!     }
//! });
//! // Mobivate signs nothing: whoever knows the path can forge a receipt.
//! let app = axum::Router::new().route("/mobivate/a-long-random-path", webhook);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).await?; // behind a proxy that has TLS, and a timeout for headers
//! # Ok(())
//! # }
//! ```
//!
//! | response | when |
//! |---|---|
//! | 200 `stored` | your function returned `Ok`, whatever was posted |
//! | 400 | the body is truncated, malformed or ambiguous, as the text says: your function is not called |
//! | 405 | the method is not POST |
//! | 408 | the body did not arrive within the timeout |
//! | 413 | the body is larger than [`BODY_LIMIT`] |
//! | 500 `not stored` | your function failed or panicked: Mobivate may post it again |
//!
//! Mobivate asks for a 200, and documents no retries: after another response, the same receipt may
//! never come again. The message log ([`message_log`](crate::message_log)) has its status, but not a
//! "STOP".

use std::{fmt, time::Duration};

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use tokio::time::timeout;

use crate::receipts::{Received, read};

/// A receipt takes less than 1 KiB, an incoming message of many parts a few KiB.
pub const BODY_LIMIT: usize = 256 << 10;

/// Returns the webhook. `upload` is the timeout for a complete body; `store` returns `Ok` once what was
/// posted is on the disk.
///
/// `store` runs to its end even if the client hangs up. It may be called with the same receipt again,
/// and with two at once.
pub fn webhook<S, F, E>(upload: Duration, store: S) -> MethodRouter
where
    S: Fn(Received) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{
    post(move |request| receive(upload, store, request)).layer(DefaultBodyLimit::max(BODY_LIMIT))
}

async fn receive<S, F, E>(upload: Duration, store: S, request: Request) -> Response
where
    S: Fn(Received) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{
    let body = match timeout(upload, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(too_large_or_truncated)) => return too_large_or_truncated.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let received = match read(&body) {
        Ok(received) => received,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    // A task of its own goes on when the client hangs up, and keeps a panic to itself.
    let error = match tokio::spawn(async move { store(received).await }).await {
        Ok(Ok(())) => return "stored".into_response(),
        Ok(Err(error)) => error.to_string(),
        Err(panicked) => panicked.to_string(),
    };
    eprintln!("what Mobivate posted could not be stored: {error}");
    (StatusCode::INTERNAL_SERVER_ERROR, "not stored").into_response()
}
