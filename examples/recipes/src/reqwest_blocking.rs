//! reqwest without async:
//! `send(timeout, client.post(url).header("authorization", key).json(&message))`.
//!
//! ```toml
//! httpdate = "1.0.3"
//! reqwest = { version = "0.13.5", features = ["blocking", "gzip", "json"] }
//! ```
//!
//! ```no_run
//! # use mobivate_response::{Action, CircuitBreaker, Retry, SendOutcome};
//! # use recipes::reqwest_blocking::{Attempt, send, wait};
//! # use reqwest::{Error, blocking::RequestBuilder};
//! # use std::{thread::sleep, time::Duration};
//! # fn deliver(
//! #     timeout: Duration, request: impl Fn() -> RequestBuilder, circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<(SendOutcome<'static>, Action), Error> {
//! loop {
//!     let (outcome, retry_after) = match send(timeout, request()) {
//!         Attempt::Response { status, body, retry_after } => {
//!             (SendOutcome::decode(status, &body).into_owned(), retry_after) // a batch: `BatchOutcome`
//!         }
//!         Attempt::NoResponse(reason) => (SendOutcome::no_response(reason), None),
//!         Attempt::NotSent(error) => match circuit_breaker.record_not_sent() {
//!             Action::BackOff(n) => {
//!                 sleep(wait(n, None));
//!                 continue; // and send the same message again
//!             }
//!             Action::Continue | Action::Stop(_) => return Err(error),
//!         },
//!     };
//!     let action = circuit_breaker.record(&outcome);
//!     if let Action::BackOff(n) = action {
//!         sleep(wait(n, retry_after)); // before this message or the next
//!     }
//!     let later = outcome.failure().is_some_and(|failure| failure.retry() == Retry::Later);
//!     if !later || matches!(action, Action::Stop(_)) {
//!         return Ok((outcome, action));
//!     }
//! }
//! # }
//! ```

use std::{
    io::Read,
    time::{Duration, SystemTime},
};

use reqwest::{
    Error,
    blocking::{Client, ClientBuilder, RequestBuilder},
    header::RETRY_AFTER,
    redirect, retry,
};

/// The response to a batch of 1,000 long texts fits in; a longer body is truncated here.
pub const BODY_LIMIT: usize = 4 << 20;

/// The longest wait that a response may ask for: a server's mistake must not stop a campaign for days.
pub const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Common servers close an idle connection after 5 seconds or more. If a request is on its way just
/// then, it is unknown whether it was received. So no idle connection is kept for longer than this.
pub const IDLE_LIMIT: Duration = Duration::from_secs(2);

/// What became of a request.
#[must_use]
#[derive(Debug)]
pub enum Attempt {
    /// A response came.
    Response {
        /// The HTTP status.
        status: u16,
        /// As much of the body as arrived, at most [`BODY_LIMIT`] bytes.
        body: Vec<u8>,
        /// The wait that `Retry-After` asks for, at most [`RETRY_AFTER_LIMIT`]; `None` where the
        /// header is absent or malformed.
        retry_after: Option<Duration>,
    },
    /// The request was sent, or may have been, and no response came, for this reason.
    NoResponse(String),
    /// The request was not sent: sending it again is safe.
    NotSent(Error),
}

/// Returns a client for [`send`] with the same timeout, to `build`.
///
/// - Error responses: no `error_for_status`, which drops the body: an opt-out reads as `Forbidden`.
/// - Redirects: none is followed. reqwest would turn the POST into a GET, and the response would be
///   another page's.
/// - Proxies: those of the environment are left out, since a proxy's own response would be taken
///   for Mobivate's; if you need a proxy, name it.
/// - Resends: `retry::never` forbids reqwest to resend a stream that an HTTP/2 server refused.
/// - Idle connections are kept for [`IDLE_LIMIT`]; those of HTTP/2, too.
/// - A timeout of its own for connecting tells "not sent" from "no response".
pub fn client(timeout: Duration) -> ClientBuilder {
    let client = Client::builder().redirect(redirect::Policy::none()).retry(retry::never());
    client.no_proxy().pool_idle_timeout(IDLE_LIMIT).connect_timeout(timeout / 2)
}

/// Sends a message, once, with a timeout for all of it: the client's own starts again at each piece of
/// the body.
pub fn send(timeout: Duration, request: RequestBuilder) -> Attempt {
    let response = match request.timeout(timeout).send() {
        Ok(response) => response,
        Err(error) if not_sent(&error) => return Attempt::NotSent(error),
        // `Debug`, since `Display` leaves out the cause: a timeout, a reset.
        Err(error) => return Attempt::NoResponse(format!("{:?}", error.without_url())),
    };
    let status = response.status().as_u16();
    let mut retry_afters = response.headers().get_all(RETRY_AFTER).iter();
    let retry_after = retry_afters.find_map(|value| retry_after(value.as_bytes()));
    let mut body = Vec::new();
    // A truncated body still counts: what arrived before the error stays in `body`.
    let _ = response.take(BODY_LIMIT as u64).read_to_end(&mut body);
    Attempt::Response { status, body, retry_after }
}

/// Returns how long to wait after [`Action::BackOff(n)`](mobivate_response::Action::BackOff): 2
/// seconds, then twice as long each time, up to 17 minutes; longer if the response asked for that.
#[must_use]
pub fn wait(n: u32, retry_after: Option<Duration>) -> Duration {
    let backoff = Duration::from_secs(1 << n.min(10));
    backoff.max(retry_after.unwrap_or_default())
}

/// Only errors that certainly precede the sending.
fn not_sent(error: &Error) -> bool {
    error.is_connect() || error.is_builder()
}

/// Reads the value of `Retry-After` (RFC 9110): seconds, or an HTTP date by this machine's clock.
fn retry_after(value: &[u8]) -> Option<Duration> {
    let value = std::str::from_utf8(value).ok()?;
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(SystemTime::now()).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_LIMIT))
}
