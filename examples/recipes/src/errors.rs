//! A failure among an application's other errors: `?` converts it, and a downcast finds it again.
//!
//! ```toml
//! anyhow = "1.0.104"
//! ```

use std::error::Error;

use anyhow::Context;
use mobivate_response::{Failure, FailureKind, SendOutcome};

/// Returns the id of an accepted message, in an application that uses `anyhow`.
///
/// # Errors
///
/// Returns the [`Failure`], under the context of what was tried.
pub fn id(status: u16, body: &[u8]) -> anyhow::Result<String> {
    let message = SendOutcome::decode(status, body).into_result();
    Ok(message.context("the message was not accepted")?.id.into_owned())
}

/// Returns the same without `anyhow`.
///
/// # Errors
///
/// Returns the [`Failure`].
pub fn boxed_id(status: u16, body: &[u8]) -> Result<String, Box<dyn Error + Send + Sync>> {
    Ok(SendOutcome::decode(status, body).into_result()?.id.into_owned())
}

/// Returns whether the cause of an error is that the recipient opted out.
#[must_use]
pub fn is_opted_out(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == FailureKind::OptedOut)
}
