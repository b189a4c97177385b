//! What became of a send: what single sends and batches share. Each decodes in a file of its own,
//! `message.rs` and `batch.rs`.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What became of a send, single or batch.
///
/// It is used by its aliases: [`SendOutcome`] of a single message, [`BatchOutcome`] of a batch.
///
/// # Serde
///
/// The derived form, which loses nothing: `{"success":{"id":…,"route_id":…}}` or
/// `{"failure":{"status":403,"code":403,"kind":"opted_out","detail":…}}`. Absent fields are left out,
/// unknown ones are ignored, and reading gives owned values. The format must be self-describing and
/// name its fields, as JSON and CBOR do; postcard is not such a format. `PostgreSQL`'s `jsonb` rejects
/// the NUL that an id or a text may hold: store `text` or `json`.
///
/// It holds phone numbers and texts unredacted: see [Logs](crate#logs).
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
    /// *Accepted is not delivered.* On the current API a message to an opted-out phone number is
    /// accepted with an id like any other, and then dropped silently (observed); on the legacy API an
    /// error over credit, sender ID or limits may follow (documented). What became of it later is a
    /// [`DeliveryStatus`](crate::DeliveryStatus).
    Success(T),
    /// It was rejected, or it is unknown whether Mobivate accepted it: [`Failure::retry`] tells which.
    Failure(Failure<'a>),
}

impl<'a, T> Outcome<'a, T> {
    /// Returns the outcome of a request that was sent, or may have been, and got no response: a
    /// timeout, a reset connection.
    ///
    /// Not for a request that was certainly not sent: that is
    /// [`CircuitBreaker::record_not_sent`](crate::CircuitBreaker::record_not_sent).
    ///
    /// The detail is the reason, unshortened. Leave out a URL that holds a key (for reqwest, pass
    /// `error.without_url()`); where an error's `Display` leaves out its cause, pass
    /// `format_args!("{error:?}")`.
    ///
    /// ```
    /// # use mobivate_response::{Retry, SendOutcome};
    /// let outcome = SendOutcome::no_response("operation timed out");
    /// let failure = outcome.failure().ok_or("accepted")?;
    /// assert_eq!(failure.retry(), Retry::MayDuplicate);
    /// assert_eq!(failure.to_string(), "no response: operation timed out");
    /// # Ok::<(), &str>(())
    /// ```
    pub fn no_response(reason: impl fmt::Display) -> Self {
        Self::Failure(Failure::no_response(reason))
    }

    /// Converts into a `Result` whose error is owned, so that `?` works everywhere.
    ///
    /// ```
    /// # use std::error::Error;
    /// # use mobivate_response::SendOutcome;
    /// fn id_of(status: u16, body: &[u8]) -> Result<String, Box<dyn Error + Send + Sync>> {
    ///     let message = SendOutcome::decode(status, body).into_result()?;
    ///     Ok(message.id.into_owned())
    /// }
    /// assert_eq!(id_of(200, br#"{"id":"m-1"}"#)?, "m-1");
    /// let error = id_of(401, br#"{"code":401,"message":"Unauthorized"}"#).err();
    /// let shown = error.map(|error| error.to_string());
    /// assert_eq!(shown.as_deref(), Some("unauthorized (401): Unauthorized"));
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

    /// Returns what was accepted, if it was.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// let outcome = SendOutcome::decode(200, br#"{"id":"m-1","reference":"r-1"}"#);
    /// let reference = outcome.success().and_then(|message| message.reference.as_deref());
    /// assert_eq!(reference, Some("r-1"));
    /// ```
    #[must_use]
    pub fn success(&self) -> Option<&T> {
        match self {
            Self::Success(accepted) => Some(accepted),
            Self::Failure(_) => None,
        }
    }

    /// Returns the failure, if it is one.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, SendOutcome};
    /// let outcome = SendOutcome::decode(401, b"");
    /// let kind = outcome.failure().map(|failure| failure.kind);
    /// assert_eq!(kind, Some(FailureKind::Unauthorized));
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<&Failure<'a>> {
        match self {
            Self::Success(_) => None,
            Self::Failure(failure) => Some(failure),
        }
    }

    /// Returns whether it was accepted.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// assert!(SendOutcome::decode(200, br#"{"id":"m-1"}"#).is_success());
    /// assert!(!SendOutcome::decode(200, b"").is_success());
    /// ```
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success().is_some()
    }

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
