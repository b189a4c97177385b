//! ureq 3: `send(agent.post(url).header("authorization", key), json)`.

use std::{
    io::{ErrorKind, Read},
    time::Duration,
};

use mobivate_response::SendOutcome;
use ureq::{Agent, Error, RequestBuilder, Timeout, typestate::WithBody};

/// An agent that hands over the body of a 4xx: without `http_status_as_error(false)` it drops it,
/// and an opt-out reads as `Forbidden`. It follows no redirect: it would turn the POST into a GET,
/// and the page that it leads to would answer for the message. `proxy(None)` leaves out the proxies
/// of the environment. A limit of its own for connecting tells "never left" from "no answer".
#[must_use]
pub fn agent(limit: Duration) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
    config.timeout_connect(Some(limit / 2)).timeout_global(Some(limit)).build().new_agent()
}

/// Sends a message.
///
/// # Errors
///
/// The request never left: resending is safe.
pub fn send(request: RequestBuilder<WithBody>, json: &str) -> Result<SendOutcome<'static>, Error> {
    let reply = match request.content_type("application/json").send(json) {
        Ok(reply) => reply,
        Err(error) if never_left(&error) => return Err(error),
        Err(error) => return Ok(SendOutcome::no_response(error)),
    };
    let status = reply.status().as_u16();
    let mut body = Vec::new();
    // A body that breaks off still counts: what arrived before the error stays in `body`.
    let _ = reply.into_body().into_reader().read_to_end(&mut body);
    Ok(SendOutcome::decode(status, &body).into_owned())
}

/// Only what certainly precedes the sending. Other I/O errors, an unreachable host among them, may
/// strike a connection that has carried the request already; so may an error of TLS.
fn never_left(error: &Error) -> bool {
    match error {
        Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        Error::Timeout(during) => matches!(during, Timeout::Resolve | Timeout::Connect),
        Error::BadUri(_) | Error::HostNotFound | Error::ConnectionFailed | Error::TlsRequired => {
            true
        }
        _ => false,
    }
}
