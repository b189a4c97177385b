//! A webhook on axum that reads what Mobivate posts and passes it to your function.
//!
//! Copy it with `receipts.rs` and the crates that it needs.
//!
//! ```toml
//! axum = { version = "0.8.9", default-features = false, features = ["http1", "tokio"] }
//! tokio = { version = "1.54.1", features = ["rt", "time"] }
//! ```
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
//!             // Look for the reference among your messages before you act on it.
//!             Received::Status(_) | Received::Incoming(_) => {
//!                 stored.lock().map_err(|_| "the store is poisoned")?.push(received);
//!             }
//!             Received::Neither => {}
//!         }
//!         Ok(())
//!     }
//! });
//! // Receipts aren't signed, so keep the path secret.
//! let app = axum::Router::new().route("/mobivate/a-long-random-path", webhook);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).await?; // behind a proxy that has TLS and a timeout for headers
//! # Ok(())
//! # }
//! ```
//!
//! | response | cause |
//! |---|---|
//! | 200 `stored` | your function returned `Ok` |
//! | 400 | the body is truncated, malformed, or ambiguous, and your function wasn't called |
//! | 405 | the method isn't POST |
//! | 408 | the body didn't arrive in time |
//! | 413 | the body is larger than [`BODY_LIMIT`] |
//! | 500 `not stored` | your function failed or panicked |
//!
//! Mobivate asks for a 200 and documents no retries, so after any other response you may never get the
//! same receipt again. The [message log](crate::message_log) has its status, but not a "STOP".

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::routing::{MethodRouter, post};
use axum::{BoxError, body::Bytes, http::StatusCode, response};
use tokio::time::timeout;

use crate::receipts::{Received, read};

/// The largest body that is read. A receipt takes less than 1 KiB.
pub const BODY_LIMIT: usize = 256 << 10;

/// Returns a route that reads each body within `upload` and passes it to `store`.
///
/// `store` returns `Ok` once what was posted is on the disk. It runs to its end even if the client hangs
/// up. It may get the same receipt twice, and two receipts at once.
pub fn webhook<S, F>(upload: Duration, store: S) -> MethodRouter
where
    S: Fn(Received) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let receive = async move |request: Request| -> response::Result<&'static str> {
        let body = timeout(upload, Bytes::from_request(request, &())).await;
        let body = body.map_err(|_| StatusCode::REQUEST_TIMEOUT)??;
        let received = read(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        // A task of its own goes on when the client hangs up, and a panic ends only the task.
        let stored = tokio::spawn(async move { store(received).await }).await;
        if let Err(error) = stored.unwrap_or_else(|panicked| Err(panicked.into())) {
            eprintln!("a receipt or an incoming message couldn't be stored: {error}");
            return Err((StatusCode::INTERNAL_SERVER_ERROR, "not stored").into());
        }
        Ok("stored")
    };
    post(receive).layer(DefaultBodyLimit::max(BODY_LIMIT))
}
