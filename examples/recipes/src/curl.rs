//! Sends with libcurl.
//!
//! Copy `response.rs` along, which also shows the loop around [`send`]. You need this crate, which
//! builds libcurl and OpenSSL:
//!
//! ```toml
//! curl = { version = "0.4.51", features = ["static-curl", "static-ssl"] }
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use recipes::curl::send;
//!
//! let url = "https://api.mobivatebulksms.com/send/single";
//! let json = r#"{"originator":"Brand","recipient":"447700900123","body":"Hi","reference":"r-1"}"#;
//! let response = send(url, "<API key>", json, Duration::from_secs(30))?;
//! let outcome = response.outcome();
//! # Ok::<(), mobivate_response::Failure>(())
//! ```
//!
//! # The `curl` command
//!
//! Pass `--max-time 30 --http1.1 --noproxy '*' --header 'Expect:'` for the same settings, and no
//! `--retry`. Add `--write-out '%{http_code} %{exitcode} %{size_request}'`. If `size_request` is 0, exit
//! status 1 or 3 is `Misconfigured`, and 6, 7, or 28 is `NotSent`. Otherwise, a status of `000` is
//! `NoResponse`. The exit status isn't enough, because 28 also stands for a response that didn't come
//! in time.

use std::{mem, time::Duration};

use curl::{
    Error,
    easy::{Easy2, Handler, HttpVersion, List, WriteError},
};
use mobivate_response::{Failure, FailureKind};

use super::response::{BODY_LIMIT, Response, retry_after};

/// Sends a message or a batch, once, with a timeout for the whole send.
///
/// - Each send has its own handle, and so its own connection. If a kept connection closes without a
///   response, libcurl sends the POST again by itself and reports the second response alone. No option
///   prevents that.
/// - HTTP/1.1, because libcurl sends a request again if an HTTP/2 server refuses the stream.
/// - No `Expect` header, which libcurl adds to a large body, because it sends the request again after
///   a 417.
/// - The environment's proxies aren't used, because a proxy's own response would pass for Mobivate's.
///   If you need a proxy, set it here.
/// - Connecting has a timeout of half the time, so that it ends as `NotSent`.
///
/// By default, libcurl keeps the body of an error response, and doesn't follow redirects or ask for
/// compression.
///
/// # Errors
///
/// Returns a [`Failure`] if no status came. [`response`](super::response) lists the kinds.
pub fn send(
    url: &str,
    key: &str,
    json: &str,
    timeout: Duration,
) -> Result<Response, Failure<'static>> {
    let misconfigured = |reason| Failure::new(FailureKind::Misconfigured, reason);
    if key.contains(['\r', '\n']) {
        return Err(misconfigured("the key contains a line break".to_owned()));
    }
    let easy = request(url, key, json, timeout);
    let mut easy = easy.map_err(|error| misconfigured(error.to_string()))?;
    let performed = easy.perform();
    let status = easy.response_code().ok().and_then(|code| u16::try_from(code).ok());
    let Received { head_is_complete, retry_after, body } = mem::take(easy.get_mut());
    match (status, performed) {
        // After an error, what arrived before it counts.
        (Some(status @ 200..), _) if head_is_complete => Ok(Response { status, body, retry_after }),
        (_, Err(error)) => Err(Failure::new(kind(&error, &easy), error.to_string())),
        (_, Ok(())) => Err(Failure::new(FailureKind::NoResponse, "no status")),
    }
}

fn request(url: &str, key: &str, json: &str, timeout: Duration) -> Result<Easy2<Received>, Error> {
    let mut headers = List::new();
    headers.append(&format!("Authorization: Bearer {key}"))?;
    headers.append("Content-Type: application/json")?;
    headers.append("Expect:")?;
    let mut easy = Easy2::new(Received::default());
    easy.url(url)?;
    easy.http_version(HttpVersion::V11)?;
    easy.proxy("")?;
    easy.connect_timeout(timeout / 2)?;
    easy.timeout(timeout)?;
    easy.http_headers(headers)?;
    easy.post(true)?;
    easy.post_fields_copy(json.as_bytes())?;
    Ok(easy)
}

/// An error alone doesn't tell whether the request was sent, but the size of what was sent does.
fn kind(error: &Error, easy: &Easy2<Received>) -> FailureKind {
    if easy.request_size().is_ok_and(|size| size == 0) {
        if error.is_url_malformed() || error.is_unsupported_protocol() {
            return FailureKind::Misconfigured;
        }
        let is_timeout = error.is_operation_timedout();
        if error.is_couldnt_resolve_host() || error.is_couldnt_connect() || is_timeout {
            return FailureKind::NotSent;
        }
    }
    FailureKind::NoResponse
}

/// The response so far. Only the last head counts, because interim ones (1xx) may precede it.
#[derive(Default)]
struct Received {
    head_is_complete: bool,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Handler for Received {
    fn header(&mut self, line: &[u8]) -> bool {
        if line.starts_with(b"HTTP/") {
            *self = Self::default();
        } else if line.trim_ascii().is_empty() {
            self.head_is_complete = true;
        } else if !self.head_is_complete && self.retry_after.is_none() {
            // A line after the head is a trailer.
            let mut parts = line.splitn(2, |&byte| byte == b':');
            if parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"retry-after")) {
                self.retry_after = parts.next().and_then(retry_after);
            }
        }
        true
    }

    fn write(&mut self, piece: &[u8]) -> Result<usize, WriteError> {
        let read = piece.len().min(BODY_LIMIT - self.body.len());
        self.body.extend(piece.iter().take(read));
        // Less than the piece ends the transfer.
        Ok(read)
    }
}
