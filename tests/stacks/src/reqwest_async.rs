//! reqwest: `send(client.post(url).header("authorization", key).json(&message)).await`, with the
//! feature `json`.

use std::time::Duration;

use mobivate_response::SendOutcome;
use reqwest::{Client, Error, RequestBuilder, redirect};

/// A client that follows no redirect: it would turn the POST into a GET, and the page that it leads
/// to would answer for the message. `no_proxy` leaves out the proxies of the environment. A limit of
/// its own for connecting tells "never left" from "no answer".
///
/// # Errors
///
/// The client cannot be built.
pub fn client(limit: Duration) -> Result<Client, Error> {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
    client.connect_timeout(limit / 2).timeout(limit).build()
}

/// Sends a message. No `error_for_status`: it drops the body, and an opt-out reads as `Forbidden`.
///
/// # Errors
///
/// The request never left: resending is safe.
pub async fn send(request: RequestBuilder) -> Result<SendOutcome<'static>, Error> {
    let mut reply = match request.send().await {
        Ok(reply) => reply,
        Err(error) if error.is_connect() || error.is_builder() => return Err(error),
        // `Debug`, since `Display` leaves out the cause: a time limit, a reset.
        Err(error) => {
            return Ok(SendOutcome::no_response(format_args!("{:?}", error.without_url())));
        }
    };
    let mut body = Vec::new();
    // A body that breaks off still counts: the status and what arrived say more than nothing.
    while let Ok(Some(chunk)) = reply.chunk().await {
        body.extend_from_slice(&chunk);
    }
    Ok(SendOutcome::decode(reply.status().as_u16(), &body).into_owned())
}
