//! hyper 1 with the client of hyper-util: `send(limit, client.request(request)).await`.
//!
//! ```no_run
//! # use http_body_util::Full;
//! # use hyper::{Request, body::Bytes};
//! # use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
//! # use mobivate_response::{CircuitBreaker, Action, SendOutcome};
//! # use recipes::hyper::{Attempt, send};
//! # use std::time::Duration;
//! # use tokio::time::sleep;
//! # const WAIT: Duration = Duration::from_secs(60);
//! # async fn deliver(
//! #     limit: Duration, client: &Client<HttpConnector, Full<Bytes>>,
//! #     request: Request<Full<Bytes>>, circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<SendOutcome<'static>, Error> {
//! loop {
//!     match send(limit, client.request(request.clone())).await {
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

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{
        Client, Error, ResponseFuture,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};

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

/// A client for [`send`]. It follows no redirect and unpacks no gzip: ask for neither.
///
/// It sends a request again by itself only where hyper gives it back, so it not sent.
pub fn client<C: Connect + Clone>(connector: C) -> Client<C, Full<Bytes>> {
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_idle_timeout(IDLE_LIMIT).pool_timer(TokioTimer::new()).build(connector)
}

/// The connector for [`client`]; for TLS, wrap it in that of hyper-rustls or hyper-tls.
///
/// A limit of its own for connecting tells "not sent" from "no answer".
#[must_use]
pub fn connector(limit: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(limit / 2));
    connector.set_nodelay(true);
    // Lets `https` pass to the TLS around it.
    connector.enforce_http(false);
    connector
}

/// Sends a message, once, with a time limit for the whole of it.
pub async fn send(limit: Duration, response: ResponseFuture) -> Attempt {
    let deadline = Instant::now() + limit;
    let mut response = match timeout_at(deadline, response).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) if not_sent(&error) => return Attempt::NotSent(error),
        // `Debug`, since `Display` leaves out the cause: a reset, say.
        Ok(Err(error)) => return Attempt::NoResponse(format!("{error:?}")),
        Err(late) => return Attempt::NoResponse(late.to_string()),
    };
    let mut body = Vec::new();
    // A body that breaks off still counts: the status and what arrived say more than nothing.
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, response.frame()).await {
        body.extend(frame.into_data().unwrap_or_default());
        if body.len() >= BODY_LIMIT {
            break;
        }
    }
    body.truncate(BODY_LIMIT);
    Attempt::Response { status: response.status().as_u16(), body }
}

/// Only what certainly precedes the sending.
fn not_sent(error: &Error) -> bool {
    error.is_connect()
}
