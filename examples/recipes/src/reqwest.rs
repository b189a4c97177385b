//! Sends with reqwest.
//!
//! Copy `response.rs` along, which also shows the loop around [`send`]. You need this crate:
//!
//! ```toml
//! reqwest = { version = "0.13.5", features = ["gzip"] }
//! ```
//!
//! Without async, block on [`send`] with `Runtime::block_on` of a multi-thread tokio runtime. The
//! timeout of `reqwest::blocking` starts again with each piece of the body.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use recipes::reqwest::{client, send};
//!
//! let client = client(Duration::from_secs(30)).build()?; // once, for all sends
//! let request = client.post("https://api.mobivatebulksms.com/send/single");
//! let request = request.header("Authorization", "Bearer <API key>");
//! let json = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi","reference":"r-1"}"#;
//! let response = send(request, json).await?;
//! let outcome = response.outcome();
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use mobivate_response::{Failure, FailureKind};
use reqwest::{Client, ClientBuilder, Error, RequestBuilder, redirect, retry};

use super::response::{BODY_LIMIT, IDLE_LIMIT, Response, retry_after};

/// Creates the builder of a client for [`send`], with a timeout for the whole send.
///
/// - Redirects aren't followed. reqwest would turn the POST into a GET, and you'd get the response of
///   another page.
/// - reqwest doesn't send a request again by itself. By default, it does so if an HTTP/2 server
///   refuses the stream.
/// - The environment's proxies aren't used, because a proxy's own response would pass for Mobivate's.
///   If you need a proxy, set it here.
/// - Idle connections are kept for [`IDLE_LIMIT`] at most.
/// - Connecting has a timeout of half the time, so that it ends as `NotSent`.
pub fn client(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .pool_idle_timeout(IDLE_LIMIT)
        .connect_timeout(timeout / 2)
        .timeout(timeout)
}

/// Sends a message or a batch, once.
///
/// # Errors
///
/// Returns a [`Failure`] if no status came. [`response`](super::response) lists the kinds.
pub async fn send(request: RequestBuilder, json: &str) -> Result<Response, Failure<'static>> {
    let request = request.header("content-type", "application/json").body(json.to_owned());
    let mut response = request.send().await.map_err(failure)?;
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after");
    let retry_after = header.and_then(|value| retry_after(value.as_bytes()));
    let mut body = Vec::new();
    // An error ends the body, and what arrived before it counts.
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() >= BODY_LIMIT {
            break;
        }
    }
    body.truncate(BODY_LIMIT);
    Ok(Response { status, body, retry_after })
}

fn failure(error: Error) -> Failure<'static> {
    let kind = if error.is_builder() {
        FailureKind::Misconfigured
    } else if error.is_connect() {
        FailureKind::NotSent
    } else {
        FailureKind::NoResponse
    };
    // The URL may contain a key. `Display` leaves out the cause, such as a timeout.
    Failure::new(kind, format!("{:?}", error.without_url()))
}
