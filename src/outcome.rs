//! The outcome of a send.

use alloc::string::ToString;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};

/// The outcome of a send: accepted, or failed.
///
/// Use it by its aliases, [`SendOutcome`] for a single message and [`BatchOutcome`] for a batch. You
/// get one from a response with `decode`, or without a response from [`not_sent`](Self::not_sent) and
/// [`no_response`](Self::no_response).
///
/// # Serde
///
/// The derived form is lossless: `{"success":{"id":…}}` or
/// `{"failure":{"status":403,"code":403,"kind":"opted_out","detail":…}}`. Absent fields are left out,
/// unknown ones are ignored, and reading gives owned values. The format must be self-describing and
/// name its fields, as JSON and CBOR do. A text may hold a NUL, which `PostgreSQL`'s `text` and
/// `jsonb` reject.
///
/// It holds phone numbers and message texts unredacted.
///
/// ```
/// use mobivate_response::SendOutcome;
///
/// let outcome = SendOutcome::decode(200, br#"{"success":true,"record":{"id":"m-1"}}"#);
/// let stored = serde_json::to_string(&outcome)?;
/// assert_eq!(stored, r#"{"success":{"id":"m-1"}}"#);
/// let read: SendOutcome<'static> = serde_json::from_str(&stored)?;
/// assert_eq!(read, outcome);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// [`BatchOutcome`]: crate::BatchOutcome
/// [`SendOutcome`]: crate::SendOutcome
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<'a, T> {
    /// Mobivate accepted it.
    ///
    /// *Accepted* isn't *delivered*. On the current API, a message to an opted-out recipient gets
    /// an id like any other and is then dropped silently (observed). On the legacy API, an error about
    /// credit, sender ID, or limits may follow (documented). [`DeliveryStatus`](crate::DeliveryStatus)
    /// reads what Mobivate reports later.
    Success(T),
    /// Mobivate rejected it, or may or may not have accepted it. [`Failure::retry`] tells you which.
    Failure(Failure<'a>),
}

impl<'a, T> Outcome<'a, T> {
    /// Creates the outcome of a request that certainly wasn't sent.
    ///
    /// Use it only if no byte of the request can have been sent, as after a DNS failure, a refused
    /// connection, or a connect timeout. If in doubt, it's
    /// [`no_response`](Self::no_response). A request that can never be sent, such as one with a
    /// malformed URL, is a [`Failure::new`] of the kind [`Misconfigured`](FailureKind::Misconfigured),
    /// because waiting doesn't help.
    ///
    /// ```
    /// # use mobivate_response::{Retry, SendOutcome};
    /// let outcome = SendOutcome::not_sent("connection refused");
    /// assert_eq!(outcome.failure().map(|failure| failure.retry()), Some(Retry::Later));
    /// ```
    pub fn not_sent(reason: impl fmt::Display) -> Self {
        Self::Failure(Failure::new(FailureKind::NotSent, reason.to_string()))
    }

    /// Creates the outcome of a request that was sent, or may have been, and got no response.
    ///
    /// The reason becomes the detail. Leave out a URL that contains a key (with reqwest, pass
    /// `error.without_url()`). If your error's `Display` hides the cause, pass
    /// `format_args!("{error:?}")`.
    ///
    /// ```
    /// # use mobivate_response::{Retry, SendOutcome};
    /// let outcome = SendOutcome::no_response("operation timed out");
    /// assert_eq!(outcome.failure().map(|failure| failure.retry()), Some(Retry::MayDuplicate));
    /// ```
    pub fn no_response(reason: impl fmt::Display) -> Self {
        Self::Failure(Failure::new(FailureKind::NoResponse, reason.to_string()))
    }

    /// Converts into a `Result` with an owned error, so that `?` works everywhere.
    ///
    /// ```
    /// # use std::error::Error;
    /// # use mobivate_response::SendOutcome;
    /// fn id_of(status: u16, body: &[u8]) -> Result<String, Box<dyn Error + Send + Sync>> {
    ///     let message = SendOutcome::decode(status, body).into_result()?;
    ///     Ok(message.id.into_owned())
    /// }
    /// assert_eq!(id_of(200, br#"{"id":"m-1"}"#)?, "m-1");
    /// # Ok::<(), Box<dyn Error + Send + Sync>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the [`Failure`] if the outcome is one.
    pub fn into_result(self) -> Result<T, Failure<'static>> {
        match self {
            Self::Success(accepted) => Ok(accepted),
            Self::Failure(failure) => Err(failure.into_owned()),
        }
    }

    /// Returns the accepted message or batch, if it was accepted.
    #[must_use]
    pub fn success(&self) -> Option<&T> {
        match self {
            Self::Success(accepted) => Some(accepted),
            Self::Failure(_) => None,
        }
    }

    /// Returns the failure, if it is one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure<'a>> {
        match self {
            Self::Success(_) => None,
            Self::Failure(failure) => Some(failure),
        }
    }

    /// Returns whether Mobivate accepted it.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success().is_some()
    }

    /// Converts both sides into owned values.
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Outcome<'static, U> {
        match self {
            Self::Success(accepted) => Outcome::Success(convert(accepted)),
            Self::Failure(failure) => Outcome::Failure(failure.into_owned()),
        }
    }
}

impl<'a, T> From<Failure<'a>> for Outcome<'a, T> {
    fn from(failure: Failure<'a>) -> Self {
        Self::Failure(failure)
    }
}
