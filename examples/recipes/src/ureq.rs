//! ureq 3: `send(agent.post(url).header("authorization", key), json)`.
//!
//! ```no_run
//! # use mobivate_response::{CircuitBreaker, Action, SendOutcome};
//! # use recipes::ureq::{Attempt, send};
//! # use std::{thread::sleep, time::Duration};
//! # use ureq::{Agent, Error};
//! # const WAIT: Duration = Duration::from_secs(60);
//! # fn deliver(
//! #     agent: &Agent, url: &str, json: &str, circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<SendOutcome<'static>, Error> {
//! loop {
//!     match send(agent.post(url), json) {
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

use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use ureq::{Agent, Error, RequestBuilder, Timeout, typestate::WithBody};

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

/// An agent for [`send`], with a time limit for the whole of it.
///
/// It hands over the body of a 4xx: without `http_status_as_error(false)` it drops it, and an opt-out
/// reads as `Forbidden`. It follows no redirect: it would turn the POST into a GET, and the page that
/// it leads to would answer for the message. `proxy(None)` leaves out the proxies of the environment.
/// A limit of its own for connecting tells "not sent" from "no answer".
#[must_use]
pub fn agent(limit: Duration) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
    let config = config.timeout_connect(Some(limit / 2)).timeout_global(Some(limit));
    config.max_idle_age(IDLE_LIMIT).build().new_agent()
}

/// Sends a message, once.
pub fn send(request: RequestBuilder<WithBody>, json: &str) -> Attempt {
    let response = match request.content_type("application/json").send(json) {
        Ok(response) => response,
        Err(error) if not_sent(&error) => return Attempt::NotSent(error),
        Err(error) => return Attempt::NoResponse(error.to_string()),
    };
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // A body that breaks off still counts: what arrived before the error stays in `body`.
    let _ = response.into_body().into_reader().take(BODY_LIMIT as u64).read_to_end(&mut body);
    Attempt::Response { status, body }
}

/// Only what certainly precedes the sending. Other I/O errors, an unreachable host among them, may
/// strike a connection that has carried the request already; so may an error of TLS.
fn not_sent(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        Error::Timeout(during) => matches!(during, Timeout::Resolve | Timeout::Connect),
        Error::BadUri(_) | Error::HostNotFound | Error::ConnectionFailed | Error::TlsRequired => {
            true
        }
        _ => false,
    }
}
