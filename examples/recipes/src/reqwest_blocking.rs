//! reqwest without async: `send(limit, client.post(url).header("authorization", key).json(&message))`,
//! with the feature `json`.
//!
//! ```no_run
//! # use mobivate_response::{CircuitBreaker, Action, SendOutcome};
//! # use reqwest::{Error, blocking::RequestBuilder};
//! # use recipes::reqwest_blocking::{Attempt, send};
//! # use std::{thread::sleep, time::Duration};
//! # const WAIT: Duration = Duration::from_secs(60);
//! # fn deliver(
//! #     limit: Duration, request: impl Fn() -> RequestBuilder, circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<SendOutcome<'static>, Error> {
//! loop {
//!     match send(limit, request()) {
//!         Attempt::Response { status, body } => {
//!             return Ok(SendOutcome::decode(status, &body).into_owned()); // a batch: `BatchOutcome`
//!         }
//!         Attempt::NoResponse(reason) => return Ok(SendOutcome::no_response(reason)),
//!         Attempt::NotSent(error) => match circuit_breaker.record_not_sent() {
//!             Action::Stop(_) => return Err(error),
//!             Action::Continue | Action::BackOff(_) => sleep(WAIT), // then send the same message again
//!         },
//!     }
//! }
//! # }
//! ```

use std::{io::Read, time::Duration};

use reqwest::{
    Error,
    blocking::{Client, ClientBuilder, RequestBuilder},
    redirect, retry,
};

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

/// A client for [`send`] with the same time limit, to `build`.
///
/// It follows no redirect: it would turn the POST into a GET, and the page that it leads to would
/// answer for the message. It sends nothing twice by itself, as it would over HTTP/2. `no_proxy`
/// leaves out the proxies of the environment. A limit of its own for connecting tells "not sent"
/// from "no answer".
pub fn client(limit: Duration) -> ClientBuilder {
    let client = Client::builder().redirect(redirect::Policy::none()).retry(retry::never());
    client.no_proxy().pool_idle_timeout(IDLE_LIMIT).connect_timeout(limit / 2)
}

/// Sends a message, once, with a time limit for the whole of it: the client's own starts anew at each
/// piece of the body. No `error_for_status`: it drops the body, and an opt-out reads as `Forbidden`.
pub fn send(limit: Duration, request: RequestBuilder) -> Attempt {
    let response = match request.timeout(limit).send() {
        Ok(response) => response,
        Err(error) if not_sent(&error) => return Attempt::NotSent(error),
        // `Debug`, since `Display` leaves out the cause: a time limit, a reset.
        Err(error) => return Attempt::NoResponse(format!("{:?}", error.without_url())),
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // A body that breaks off still counts: what arrived before the error stays in `body`.
    let _ = response.take(BODY_LIMIT as u64).read_to_end(&mut body);
    Attempt::Response { status, body }
}

/// Only what certainly precedes the sending.
fn not_sent(error: &Error) -> bool {
    error.is_connect() || error.is_builder()
}
