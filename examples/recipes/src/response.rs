//! The response that each HTTP client's recipe returns, and the loop that uses it.
//!
//! Copy this file along with the client's: `ureq.rs`, `reqwest.rs`, `hyper.rs`, or `curl.rs`. It needs
//! no crate but `mobivate-response`.
//!
//! Each client's `send` returns `Result<Response, Failure<'static>>`:
//!
//! - `Ok` if a status came. The body may be truncated.
//! - [`NotSent`](mobivate_response::FailureKind::NotSent) if no byte of the request can have been
//!   sent. Send it again after a wait.
//! - [`Misconfigured`](mobivate_response::FailureKind::Misconfigured) if the request can never be
//!   sent, for example because its URL is malformed. Fix it first.
//! - [`NoResponse`](mobivate_response::FailureKind::NoResponse) for every other error, because the
//!   message may have been sent.
//!
//! # The loop
//!
//! This sends one message, and sends it again only if it certainly wasn't sent and a wait may help. It
//! returns what to do with the next message along with the outcome. For a batch, use
//! [`Response::batch_outcome`]. With an async client, `send` and `sleep` are awaited.
//!
//! ```
//! use std::time::Duration;
//!
//! use mobivate_response::{Action, CircuitBreaker, Failure, Retry, SendOutcome};
//! use recipes::response::Response;
//!
//! fn deliver(
//!     mut send: impl FnMut() -> Result<Response, Failure<'static>>,
//!     mut sleep: impl FnMut(Duration),
//!     circuit_breaker: &mut CircuitBreaker,
//! ) -> (SendOutcome<'static>, Action) {
//!     loop {
//!         let (outcome, retry_after) = match send() {
//!             Ok(response) => (response.outcome().into_owned(), response.retry_after),
//!             Err(failure) => (failure.into(), None),
//!         };
//!         let action = circuit_breaker.record(&outcome);
//!         if let Action::BackOff(wait) = action {
//!             sleep(wait.max(retry_after.unwrap_or_default())); // before this message or the next
//!         }
//!         let retry = outcome.failure().map(|failure| failure.retry());
//!         if retry != Some(Retry::Later) || matches!(action, Action::Stop(_)) {
//!             return (outcome, action);
//!         }
//!     }
//! }
//! # use mobivate_response::{FailureKind, StopReason};
//! # fn check(
//! #     responses: &[Result<Response, Failure<'static>>],
//! #     waits: &[u64],
//! #     expected: (Option<FailureKind>, Action),
//! # ) {
//! #     let (mut next, mut slept) = (responses.iter().cloned(), vec![]);
//! #     let sleep = |wait: Duration| slept.push(wait.as_secs());
//! #     let mut circuit_breaker = CircuitBreaker::new();
//! #     let (outcome, action) = deliver(|| next.next().unwrap(), sleep, &mut circuit_breaker);
//! #     assert_eq!((outcome.failure().map(|failure| failure.kind), action), expected);
//! #     assert_eq!((slept.as_slice(), next.len()), (waits, 0));
//! # }
//! # let response = |status, body: &str, wait: Option<u64>| {
//! #     let (body, retry_after) = (body.into(), wait.map(Duration::from_secs));
//! #     Ok::<_, Failure>(Response { status, body, retry_after })
//! # };
//! # let failure = |kind| Err(Failure::new(kind, ""));
//! # let (accepted, slow_down) = (response(200, r#"{"id":"m-1"}"#, None), response(429, "", Some(7)));
//! # let opted_out = response(403, r#"{"message":"Recipient is opted out"}"#, None);
//! # let (not_sent, no_response) = (failure(FailureKind::NotSent), failure(FailureKind::NoResponse));
//! # let misconfigured = failure(FailureKind::Misconfigured);
//! #
//! # // A message that certainly wasn't sent is sent again after a wait.
//! # check(&[slow_down.clone(), accepted.clone()], &[7], (None, Action::Continue));
//! # check(&[not_sent.clone(), accepted.clone()], &[2], (None, Action::Continue));
//! # // The circuit breaker ends it.
//! # let stop = (Some(FailureKind::RateLimited), Action::Stop(StopReason::RateLimit));
//! # check(&vec![slow_down; 10], &[7, 7, 8, 16, 32, 64, 128, 256, 512], stop);
//! # let stop = (Some(FailureKind::NotSent), Action::Stop(StopReason::Service));
//! # check(&vec![not_sent; 3], &[2, 4], stop);
//! # // Everything else is sent once. After `NoResponse`, the wait is one before the next message.
//! # let back_off = Action::BackOff(Duration::from_secs(2));
//! # check(&[accepted], &[], (None, Action::Continue));
//! # check(&[opted_out], &[], (Some(FailureKind::OptedOut), Action::Continue));
//! # check(&[misconfigured], &[], (Some(FailureKind::Misconfigured), Action::Continue));
//! # check(&[no_response], &[2], (Some(FailureKind::NoResponse), back_off));
//! ```

use std::{fmt, time::Duration};

use mobivate_response::{BatchOutcome, SendOutcome};

/// The longest body that is read. A longer one is truncated.
///
/// The response to a batch of 1,000 long messages fits.
pub const BODY_LIMIT: usize = 4 << 20;

/// The longest time that an idle connection is kept.
///
/// Common servers close an idle connection after 5 seconds or more. If your request is on its way at
/// that moment, you can't know whether it was received.
pub const IDLE_LIMIT: Duration = Duration::from_secs(2);

/// The longest wait that a response can ask for.
///
/// It's limited so that a wrong value doesn't stop you for days.
pub const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(60 * 60);

/// An HTTP response, whose body may be truncated.
///
/// `Debug` leaves out the body, because it may contain phone numbers and message texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The part of the body that arrived, at most [`BODY_LIMIT`] bytes.
    pub body: Vec<u8>,
    /// The wait that the `Retry-After` header asks for, at most [`RETRY_AFTER_LIMIT`].
    pub retry_after: Option<Duration>,
}

impl Response {
    /// Decodes the response to a single message.
    pub fn outcome(&self) -> SendOutcome<'_> {
        SendOutcome::decode(self.status, &self.body)
    }

    /// Decodes the response to a batch.
    pub fn batch_outcome(&self) -> BatchOutcome<'_> {
        BatchOutcome::decode(self.status, &self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

/// Reads the value of a `Retry-After` header (RFC 9110) that is a number of seconds.
///
/// It doesn't read an HTTP date, which would depend on this machine's clock. No `Retry-After` of
/// Mobivate's is documented or observed, but a proxy may send one.
#[must_use]
pub fn retry_after(value: &[u8]) -> Option<Duration> {
    let seconds = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_LIMIT))
}
