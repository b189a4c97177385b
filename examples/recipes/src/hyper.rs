//! hyper 1 with the client of hyper-util: `send(timeout, client.request(request)).await`.
//!
//! ```toml
//! http-body-util = "0.1.5"
//! httpdate = "1.0.3"
//! hyper = "1.12.0"
//! hyper-util = { version = "0.1.21", features = ["client-legacy", "http1", "http2", "tokio"] }
//! tokio = { version = "1.54.1", features = ["rt", "time"] }
//! ```
//!
//! ```no_run
//! # use mobivate_response::{Action, CircuitBreaker, Retry, SendOutcome};
//! # use recipes::hyper::{Attempt, send, wait};
//! # use http_body_util::Full;
//! # use hyper::{Request, body::Bytes};
//! # use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
//! # use std::time::Duration;
//! # use tokio::time::sleep;
//! # async fn deliver(
//! #     timeout: Duration, client: &Client<HttpConnector, Full<Bytes>>,
//! #     request: Request<Full<Bytes>>, circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<(SendOutcome<'static>, Action), Error> {
//! loop {
//!     let (outcome, retry_after) = match send(timeout, client.request(request.clone())).await {
//!         Attempt::Response { status, body, retry_after } => {
//!             (SendOutcome::decode(status, &body).into_owned(), retry_after) // a batch: `BatchOutcome`
//!         }
//!         Attempt::NoResponse(reason) => (SendOutcome::no_response(reason), None),
//!         Attempt::NotSent(error) => match circuit_breaker.record_not_sent() {
//!             Action::BackOff(n) => {
//!                 sleep(wait(n, None)).await;
//!                 continue; // and send the same message again
//!             }
//!             Action::Continue | Action::Stop(_) => return Err(error),
//!         },
//!     };
//!     let action = circuit_breaker.record(&outcome);
//!     if let Action::BackOff(n) = action {
//!         sleep(wait(n, retry_after)).await; // before this message or the next
//!     }
//!     let later = outcome.failure().is_some_and(|failure| failure.retry() == Retry::Later);
//!     if !later || matches!(action, Action::Stop(_)) {
//!         return Ok((outcome, action));
//!     }
//! }
//! # }
//! ```

use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, header::RETRY_AFTER};
use hyper_util::{
    client::legacy::{
        Client, Error, ResponseFuture,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};

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

/// Returns a client for [`send`].
///
/// - Error responses: their bodies are kept.
/// - Redirects: none is followed.
/// - Compression: hyper decompresses nothing, so do not ask for it.
/// - Proxies: those of the environment are left out.
/// - Resends: hyper resends only a request of which no byte was sent, because the kept connection was
///   already closed. It resends no stream that an HTTP/2 server refused.
/// - Idle connections are kept for [`IDLE_LIMIT`]; those of HTTP/2, too.
pub fn client<C: Connect + Clone>(connector: C) -> Client<C, Full<Bytes>> {
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_idle_timeout(IDLE_LIMIT).pool_timer(TokioTimer::new()).build(connector)
}

/// Returns the connector for [`client`]; for TLS, wrap it in that of hyper-rustls or hyper-tls.
///
/// A timeout of its own for connecting tells "not sent" from "no response".
#[must_use]
pub fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(timeout / 2));
    connector.set_nodelay(true);
    // Lets `https` pass to the TLS around it.
    connector.enforce_http(false);
    connector
}

/// Sends a message, once, with a timeout for all of it.
pub async fn send(timeout: Duration, response: ResponseFuture) -> Attempt {
    let deadline = Instant::now() + timeout;
    let mut response = match timeout_at(deadline, response).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if not_sent(&error) => return Attempt::NotSent(error),
        // `Debug`, since `Display` leaves out the cause: a reset, say.
        Ok(Err(error)) => return Attempt::NoResponse(format!("{error:?}")),
        Err(late) => return Attempt::NoResponse(late.to_string()),
    };
    let status = response.status().as_u16();
    let mut retry_afters = response.headers().get_all(RETRY_AFTER).iter();
    let retry_after = retry_afters.find_map(|value| retry_after(value.as_bytes()));
    let mut body = Vec::new();
    // A truncated body still counts: the status and what arrived say more than nothing.
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, response.frame()).await {
        body.extend(frame.into_data().unwrap_or_default());
        if body.len() >= BODY_LIMIT {
            break;
        }
    }
    body.truncate(BODY_LIMIT);
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
    error.is_connect()
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
