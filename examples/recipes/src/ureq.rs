//! Sends with ureq 3.
//!
//! Copy `response.rs` along, which also shows the loop around [`send`]. You need this crate:
//!
//! ```toml
//! ureq = "3.5.2"
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use recipes::ureq::{agent, send};
//!
//! let agent = agent(Duration::from_secs(30)); // once, for all sends
//! let request = agent.post("https://api.mobivatebulksms.com/send/single");
//! let request = request.header("Authorization", "Bearer <API key>");
//! let json = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi","reference":"r-1"}"#;
//! let response = send(request, json)?;
//! let outcome = response.outcome();
//! # Ok::<(), mobivate_response::Failure>(())
//! ```

use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use mobivate_response::{Failure, FailureKind};
use ureq::{Agent, Error, RequestBuilder, Timeout, typestate::WithBody};

use super::response::{BODY_LIMIT, IDLE_LIMIT, Response, retry_after};

/// Creates an agent for [`send`], with a timeout for the whole send.
///
/// - An error response isn't an error of ureq. By default, ureq drops the body of a 4xx, so that an
///   opt-out reads as `Forbidden`.
/// - Redirects aren't followed. ureq would turn the POST into a GET, and you'd get the response of
///   another page.
/// - The environment's proxies aren't used, because a proxy's own response would pass for Mobivate's.
///   If you need a proxy, set it here.
/// - Idle connections are kept for [`IDLE_LIMIT`] at most.
/// - Connecting has a timeout of half the time, so that it ends as `NotSent`.
///
/// ureq doesn't send a POST again by itself, and doesn't use HTTP/2.
#[must_use]
pub fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .max_idle_age(IDLE_LIMIT)
        .timeout_connect(Some(timeout / 2))
        .timeout_global(Some(timeout));
    config.build().new_agent()
}

/// Sends a message or a batch, once.
///
/// # Errors
///
/// Returns a [`Failure`] if no status came. [`response`](super::response) lists the kinds.
pub fn send(request: RequestBuilder<WithBody>, json: &str) -> Result<Response, Failure<'static>> {
    let response =
        request.content_type("application/json").send(json).map_err(|error| failure(&error))?;
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after");
    let retry_after = header.and_then(|value| retry_after(value.as_bytes()));
    let mut body = Vec::new();
    // After an error, what arrived before it is in `body`.
    let _ = response.into_body().into_reader().take(BODY_LIMIT as u64).read_to_end(&mut body);
    Ok(Response { status, body, retry_after })
}

/// Other errors of I/O and of TLS may come from a connection on which the request was already sent.
fn failure(error: &Error) -> Failure<'static> {
    let kind = match error {
        // Its text contains the URL, which may contain a key.
        Error::BadUri(_) => return Failure::new(FailureKind::Misconfigured, "malformed URL"),
        Error::Http(_) | Error::TlsRequired => FailureKind::Misconfigured,
        Error::HostNotFound
        | Error::ConnectionFailed
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => FailureKind::NotSent,
        Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => FailureKind::NotSent,
        // std has no kind for a name that can't be resolved, but it always has this text.
        Error::Io(error) if error.to_string().starts_with("failed to lookup address") => {
            FailureKind::NotSent
        }
        _ => FailureKind::NoResponse,
    };
    Failure::new(kind, error.to_string())
}
