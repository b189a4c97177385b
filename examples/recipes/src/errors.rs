//! A failure among an application's other errors: `?` takes it, and a downcast finds it again.

use std::error::Error;

use anyhow::Context;
use mobivate_response::{Failure, FailureKind, SendOutcome};
use reqwest::RequestBuilder;

use crate::reqwest_async::{Attempt, send};

/// The id of an accepted message, in an application that uses `anyhow`.
///
/// # Errors
///
/// The client's error if the request not sent, else the [`Failure`].
pub async fn id(request: RequestBuilder) -> anyhow::Result<String> {
    let outcome = match send(request).await {
        Attempt::Response { status, body } => SendOutcome::decode(status, &body).into_owned(),
        Attempt::NoResponse(reason) => SendOutcome::no_response(reason),
        Attempt::NotSent(error) => return Err(error).context("nothing was sent"),
    };
    let message = outcome.into_result().context("the message was not accepted")?;
    Ok(message.id.into_owned())
}

/// The same without `anyhow`.
///
/// # Errors
///
/// As above.
pub fn boxed_id(status: u16, body: &[u8]) -> Result<String, Box<dyn Error + Send + Sync>> {
    Ok(SendOutcome::decode(status, body).into_result()?.id.into_owned())
}

/// Whether an error says, far from the sending, that the recipient opted out.
#[must_use]
pub fn is_opted_out(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == FailureKind::OptedOut)
}
