//! reqwest: `send(client.post(url).header("authorization", key).json(&message)).await`, with the
//! feature `json`.
//!
//! ```no_run
//! # use mobivate_response::{CircuitBreaker, Action, SendOutcome};
//! # use reqwest::{Error, RequestBuilder};
//! # use recipes::reqwest_async::{Attempt, send};
//! # use std::time::Duration;
//! # use tokio::time::sleep;
//! # const WAIT: Duration = Duration::from_secs(60);
//! # async fn deliver(
//! #     request: impl Fn() -> RequestBuilder, circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<SendOutcome<'static>, Error> {
//! loop {
//!     match send(request()).await {
//!         Attempt::Response { status, body } => {
//!             return Ok(SendOutcome::decode(status, &body).into_owned()); // a batch: `BatchOutcome`
//!         }
//!         Attempt::NoResponse(reason) => return Ok(SendOutcome::no_response(reason)),
//!         Attempt::NotSent(error) => match circuit_breaker.record_not_sent() {
//!             Action::Stop(_) => return Err(error),
//!             Action::Continue | Action::BackOff(_) => sleep(WAIT).await, // then send the same message again
//!         },
//!     }
//! }
//! # }
//! ```

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Error, RequestBuilder, redirect, retry};

/// The response to a batch of 1,000 long texts fits in; a page that never ends is cut off here.
pub const BODY_LIMIT: usize = 4 << 20;

/// Common servers close an idle connection after 5 seconds or more. A request that meets the close
/// would count as sent without an answer.
pub const IDLE_LIMIT: Duration = Duration::from_secs(2);

/// What became of a request.
#[must_use]
#[derive(Debug)]
pub enum Attempt {
    /// A response came: its status, and as much of its body as arrived.
    Response {
        /// The HTTP status.
        status: u16,
        /// At most [`BODY_LIMIT`] bytes.
        body: Vec<u8>,
    },
    /// The request was sent, or may have been, and no response came, for this reason.
    NoResponse(String),
    /// The request not sent: sending it again is safe.
    NotSent(Error),
}

/// A client for [`send`], to `build`, with a time limit for the whole of it.
///
/// It follows no redirect: it would turn the POST into a GET, and the page that it leads to would
/// answer for the message. It sends nothing twice by itself, as it would over HTTP/2. `no_proxy`
/// leaves out the proxies of the environment. A limit of its own for connecting tells "not sent"
/// from "no answer".
pub fn client(limit: Duration) -> ClientBuilder {
    let client = Client::builder().redirect(redirect::Policy::none()).retry(retry::never());
    let client = client.no_proxy().pool_idle_timeout(IDLE_LIMIT);
    client.connect_timeout(limit / 2).timeout(limit)
}

/// Sends a message, once. No `error_for_status`: it drops the body, and an opt-out reads as
/// `Forbidden`.
pub async fn send(request: RequestBuilder) -> Attempt {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) if not_sent(&error) => return Attempt::NotSent(error),
        // `Debug`, since `Display` leaves out the cause: a time limit, a reset.
        Err(error) => return Attempt::NoResponse(format!("{:?}", error.without_url())),
    };
    let mut body = Vec::new();
    // A body that breaks off still counts: the status and what arrived say more than nothing.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= BODY_LIMIT {
            break;
        }
    }
    body.truncate(BODY_LIMIT);
    Attempt::Response { status: response.status().as_u16(), body }
}

/// Only what certainly precedes the sending.
fn not_sent(error: &Error) -> bool {
    error.is_connect() || error.is_builder()
}
