//! libcurl: `send(&mut easy, timeout, url, "Bearer …", json)`.
//!
//! ```toml
//! curl = { version = "0.4.51", features = ["static-curl", "static-ssl"] } # builds libcurl and OpenSSL
//! httpdate = "1.0.3"
//! ```
//!
//! ```no_run
//! # use mobivate_response::{Action, CircuitBreaker, Retry, SendOutcome};
//! # use recipes::curl::{Attempt, send, wait};
//! # use curl::{Error, easy::Easy};
//! # use std::{thread::sleep, time::Duration};
//! # fn deliver(
//! #     easy: &mut Easy, timeout: Duration, url: &str, key: &str, json: &str,
//! #     circuit_breaker: &mut CircuitBreaker,
//! # ) -> Result<(SendOutcome<'static>, Action), Error> {
//! loop {
//!     let (outcome, retry_after) = match send(easy, timeout, url, key, json) {
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
//!
//! The `curl` command says `000` where no status came. The request was not sent if the exit status is
//! 1, 3, 5, 6, 7 or 28 *and* `%{size_request}` is 0; else it may have been sent. Ask for all three:
//! `--write-out '%{http_code} %{exitcode} %{size_request}'`. The exit status alone does not tell: 28 is
//! "connecting timed out" as well as "no response in time", and 1 follows a response of HTTP/0.9, too.
//! Give the command no `--retry`.

use std::time::{Duration, SystemTime};

use curl::{
    Error,
    easy::{Easy, HttpVersion, List},
};

/// The response to a batch of 1,000 long texts fits in; a longer body is truncated here.
pub const BODY_LIMIT: usize = 4 << 20;

/// The longest wait that a response may ask for: a server's mistake must not stop a campaign for days.
pub const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(60 * 60);

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

/// Sends a message, once, with a timeout for all of it.
///
/// All options that the handle had before are reset. Connections that it kept are not used.
///
/// - Resends: where a kept connection closes without a response, libcurl sends the POST again by
///   itself, within one `perform`, and reports only the second response. No option forbids that. So no
///   connection is used twice: `fresh_connect` ignores the kept ones, and `forbid_reuse` closes this
///   one after the response. That costs a handshake for each send. HTTP/1.1 is set, since libcurl also
///   resends a stream that an HTTP/2 server refused. `Expect`, which libcurl adds from 1 MiB on, is
///   removed, since a 417 makes it resend, too.
/// - Error responses: their bodies are kept; `fail_on_error` would drop them.
/// - Redirects: none is followed, which is libcurl's default.
/// - Proxies: `proxy("")` leaves out those of the environment, since a proxy's own response would be
///   taken for Mobivate's; if you need a proxy, name it.
/// - Compression: not asked for.
/// - A timeout of its own for connecting leaves time for the response.
pub fn send(easy: &mut Easy, timeout: Duration, url: &str, key: &str, json: &str) -> Attempt {
    if let Err(error) = set(easy, timeout, url, key, json) {
        return Attempt::NotSent(error);
    }
    let mut head = Head::default();
    let mut body = Vec::new();
    let performed = perform(easy, &mut head, &mut body);
    let status = easy.response_code().ok().and_then(|code| u16::try_from(code).ok());
    match (status, performed) {
        // A truncated body still counts: the status and what arrived say more than nothing.
        (Some(status @ 200..), _) if head.is_complete => {
            Attempt::Response { status, body, retry_after: head.retry_after }
        }
        (_, Err(error)) if not_sent(&error, easy) => Attempt::NotSent(error),
        (_, Err(error)) => Attempt::NoResponse(error.to_string()),
        (_, Ok(())) => Attempt::NoResponse("no status".to_owned()),
    }
}

fn set(easy: &mut Easy, timeout: Duration, url: &str, key: &str, json: &str) -> Result<(), Error> {
    easy.reset();
    easy.fresh_connect(true)?;
    easy.forbid_reuse(true)?;
    easy.http_version(HttpVersion::V11)?;
    easy.proxy("")?;
    easy.connect_timeout(timeout / 2)?;
    easy.timeout(timeout)?;
    easy.url(url)?;
    let mut headers = List::new();
    headers.append(&format!("Authorization: {key}"))?;
    headers.append("Content-Type: application/json")?;
    headers.append("Expect:")?;
    easy.http_headers(headers)?;
    easy.post(true)?;
    easy.post_fields_copy(json.as_bytes())
}

fn perform(easy: &mut Easy, head: &mut Head, body: &mut Vec<u8>) -> Result<(), Error> {
    let mut transfer = easy.transfer();
    transfer.header_function(|line| {
        head.read(line);
        true
    })?;
    transfer.write_function(|piece| {
        let read = piece.len().min(BODY_LIMIT - body.len());
        body.extend(piece.iter().take(read));
        // Less than the piece ends the transfer.
        Ok(read)
    })?;
    transfer.perform()
}

/// The lines before the body. Only the last head counts, since an interim one (100) may precede it.
#[derive(Default)]
struct Head {
    is_complete: bool,
    retry_after: Option<Duration>,
}

impl Head {
    fn read(&mut self, line: &[u8]) {
        if line.starts_with(b"HTTP/") {
            *self = Self::default();
        } else if line.trim_ascii().is_empty() {
            self.is_complete = true;
        } else if !self.is_complete && self.retry_after.is_none() {
            // What follows a complete head is a trailer.
            let mut parts = line.splitn(2, |&byte| byte == b':');
            if parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"retry-after")) {
                self.retry_after = parts.next().and_then(|value| retry_after(value.trim_ascii()));
            }
        }
    }
}

/// Returns how long to wait after [`Action::BackOff(n)`](mobivate_response::Action::BackOff): 2
/// seconds, then twice as long each time, up to 17 minutes; longer if the response asked for that.
#[must_use]
pub fn wait(n: u32, retry_after: Option<Duration>) -> Duration {
    let backoff = Duration::from_secs(1 << n.min(10));
    backoff.max(retry_after.unwrap_or_default())
}

/// Only errors that certainly precede the sending. libcurl reports one error for a timeout of
/// connecting and of the response, and one for an unsupported protocol of the URL and of the response
/// (HTTP/0.9). So the request's size must be 0, too. After an error of TLS the request may have been
/// sent.
fn not_sent(error: &Error, easy: &Easy) -> bool {
    let precedes = error.is_couldnt_connect()
        || error.is_couldnt_resolve_host()
        || error.is_couldnt_resolve_proxy()
        || error.is_operation_timedout()
        || error.is_unsupported_protocol()
        || error.is_url_malformed();
    precedes && easy.request_size().is_ok_and(|size| size == 0)
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
