//! Why a send wasn't accepted, and how to go on.

use alloc::{borrow::Cow, format, string::String};
use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::redact::Redacted;

/// A send that was rejected, or that may or may not have been accepted.
///
/// [`retry`](Self::retry) tells you whether to send the message again, and [`scope`](Self::scope)
/// whether the recipient, the request, the account, or the service is the problem.
///
/// `Display` is one line: `opted out (403): Recipient is opted out: ************`. It leaves out a
/// code of 0. `Display` and `Debug` redact phone numbers and show at most 256 characters of the
/// detail and of the id. The fields and the serialized form aren't redacted.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
#[error("{kind}{}: {}", in_parentheses(*.code), Redacted::prose(.detail))]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The HTTP status (RFC 9110) that you passed in, or 0 if no response came.
    pub status: u16,
    /// The code that counts, which is the HTTP status or an error code in the body.
    ///
    /// The [rules](crate::SendOutcome) say which one. In Mobivate's samples the body's code repeats the
    /// HTTP status.
    pub code: u16,
    /// The kind of failure.
    pub kind: FailureKind,
    /// The response's own words, unchanged. Never empty in an outcome of this crate.
    ///
    /// If the response has no error message, the detail describes the body, such as `empty body` or
    /// `truncated JSON`. If no response came, it's the reason that you gave.
    pub detail: Cow<'a, str>,
    /// The id, if a response that is no success has one. Look the message up by it.
    ///
    /// No such response is documented or observed, so this is a precaution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
}

impl<'a> Failure<'a> {
    /// Creates a failure of a kind that you know, with status and code 0 and without an id.
    ///
    /// An empty detail becomes `no detail given`. Use this for errors that no response reports, such
    /// as a malformed URL, and in tests.
    ///
    /// ```
    /// # use mobivate_response::{Failure, FailureKind, Retry};
    /// let failure = Failure::new(FailureKind::Misconfigured, "the URL has no host");
    /// assert_eq!(failure.retry(), Retry::AfterFix);
    /// assert_eq!(failure.to_string(), "misconfigured: the URL has no host");
    /// ```
    pub fn new(kind: FailureKind, detail: impl Into<Cow<'a, str>>) -> Self {
        let detail = Some(detail.into()).filter(|detail| !detail.is_empty());
        let detail = detail.unwrap_or(Cow::Borrowed("no detail given"));
        Self { status: 0, code: 0, kind, detail, id: None }
    }

    /// Returns whether to send the message again.
    ///
    /// It follows from the [kind](FailureKind). But if that's `Later` or `AfterFix` and the response
    /// has an id nevertheless, it's `MayDuplicate`, because Mobivate may have accepted the message.
    ///
    /// ```
    /// # use mobivate_response::{Retry, SendOutcome};
    /// let slow_down = SendOutcome::decode(429, br#"{"code":429,"message":"Slow down"}"#);
    /// assert_eq!(slow_down.failure().map(|failure| failure.retry()), Some(Retry::Later));
    ///
    /// let with_id = SendOutcome::decode(429, br#"{"code":429,"id":"m-1"}"#);
    /// assert_eq!(with_id.failure().map(|failure| failure.retry()), Some(Retry::MayDuplicate));
    /// ```
    pub fn retry(&self) -> Retry {
        match self.kind.retry() {
            Retry::Later | Retry::AfterFix if self.id.is_some() => Retry::MayDuplicate,
            retry => retry,
        }
    }

    /// Returns the scope of the failure. It follows from the [kind](FailureKind).
    ///
    /// ```
    /// # use mobivate_response::{Scope, SendOutcome};
    /// let no_credit = SendOutcome::decode(402, b"");
    /// assert_eq!(no_credit.failure().map(|failure| failure.scope()), Some(Scope::Account));
    /// ```
    pub fn scope(&self) -> Scope {
        self.kind.scope()
    }

    /// Converts into an owned value, which outlives the body.
    #[must_use]
    pub fn into_owned(self) -> Failure<'static> {
        Failure {
            status: self.status,
            code: self.code,
            kind: self.kind,
            detail: owned(self.detail),
            id: self.id.map(owned),
        }
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("kind", &self.kind)
            .field("detail", &Redacted::prose(&self.detail))
            .field("id", &self.id.as_deref().map(Redacted::id))
            .finish()
    }
}

fn in_parentheses(code: u16) -> String {
    if code == 0 { String::new() } else { format!(" ({code})") }
}

/// The kind of a failure.
///
/// | code | kind | retry | scope |
/// |---|---|---|---|
/// | 0 | `NoResponse` | `MayDuplicate` | `Service` |
/// | 5xx | `ServerError` | `MayDuplicate` | `Service` |
/// | an opt-out notice | `OptedOut` | `Never` | `Recipient` |
/// | an opt-out notice, of a batch | `BatchOptedOut` | `AfterFix` | `Request` |
/// | 302, 303, 406, 408, 409, 460, 499 | `Unconfirmed` | `MayDuplicate` | `Service` |
/// | 400, 413, 422 | `BadRequest` | `AfterFix` | `Request` |
/// | 401 | `Unauthorized` | `AfterFix` | `Account` |
/// | 402 | `OutOfCredit` | `AfterFix` | `Account` |
/// | 403 | `Forbidden` | `AfterFix` | `Account` |
/// | 429 | `RateLimited` | `Later` | `Account` |
/// | other 3xx and 4xx | `Misconfigured` | `AfterFix` | `Account` |
/// | anything else | `Unconfirmed` | `MayDuplicate` | `Service` |
/// | no response, because it wasn't sent | `NotSent` | `Later` | `Service` |
/// | a delivery status, after acceptance | `Undelivered` | `MayDuplicate` | `Request` |
///
/// The codes are those that [Mobivate publishes], and otherwise those of [RFC 9110].
/// [`SendOutcome`](crate::SendOutcome) explains which code of a response counts.
///
/// A kind has no payload, so you can use it as a metric label: [`as_str`](Self::as_str) and serde
/// write `opted_out`, and `Display` writes `opted out`. Serde reads a name that this version doesn't
/// know as [`Unconfirmed`](Self::Unconfirmed).
///
/// [Mobivate publishes]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// Something in this request is wrong.
    ///
    /// `{"code":400,"message":"Invalid mobile number"}`. Fix this request and continue with the
    /// others. A complete 2xx with `"success":false` and no id is one as well, after a single send.
    BadRequest,
    /// The API key is invalid or has expired.
    ///
    /// `{"code":401,"message":"Unauthorized"}`. Check the key.
    Unauthorized,
    /// The account has no credit.
    ///
    /// Mobivate's table says "Out of Credit - Insufficient funds to send code". Top the account up.
    OutOfCredit,
    /// The recipient has opted out, according to the response to a single send.
    ///
    /// `{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}`. Suppress the recipient of the
    /// message.
    OptedOut,
    /// A recipient has opted out, according to the response to a batch.
    ///
    /// `{"code":403,"message":"Recipient is opted out: 447700900123"}`. Suppress the recipient that
    /// [`opted_out_number`](Failure::opted_out_number) matches, and look the others up. Don't suppress
    /// the whole batch.
    BatchOptedOut,
    /// A 403 that isn't an [opt-out notice](crate::OptedOutNumber).
    ///
    /// `{"error":"API Key is not permitted to perform this action. (create:SingleSMS)"}`. The key
    /// lacks a permission or is invalid, or a firewall rejects the request. Don't suppress anyone.
    Forbidden,
    /// You send too many requests.
    ///
    /// Mobivate's table says "Slow down - Rate limit exceeded". Back off.
    RateLimited,
    /// Mobivate or a proxy in front of it failed, possibly after it accepted the message.
    ///
    /// The body is often a proxy's HTML page.
    ServerError,
    /// The URL, the method, or the client's configuration is wrong.
    ///
    /// `{"code":404,"message":"Not Found"}`, a redirect, or a URL that your client rejects.
    Misconfigured,
    /// The message was accepted, but not delivered.
    ///
    /// Only a [`DeliveryStatus`](crate::DeliveryStatus) has this kind. An expired message may still
    /// arrive, so don't suppress a recipient after one of these.
    Undelivered,
    /// The request was sent, or may have been, and no response came.
    ///
    /// The connection was reset or timed out, for example.
    NoResponse,
    /// The request wasn't sent.
    ///
    /// The name didn't resolve or the connection was refused, for example.
    NotSent,
    /// The response doesn't tell whether the message was accepted.
    ///
    /// It's truncated, malformed, or contradictory, it has no id, or its code leaves the outcome
    /// open. Servers send 302 or 406 for requests that they've carried out, and 408, 460, and 499 say
    /// that the client was slow or had left.
    #[serde(other)]
    Unconfirmed,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::OutOfCredit,
        Self::OptedOut,
        Self::BatchOptedOut,
        Self::Forbidden,
        Self::RateLimited,
        Self::ServerError,
        Self::Misconfigured,
        Self::Undelivered,
        Self::NoResponse,
        Self::NotSent,
        Self::Unconfirmed,
    ];

    /// Returns the kind's name in snake case, which stays the same across versions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    pub(crate) const fn retry(self) -> Retry {
        self.row().1
    }

    pub(crate) const fn scope(self) -> Scope {
        self.row().2
    }

    const fn row(self) -> (&'static str, Retry, Scope) {
        match self {
            Self::BadRequest => ("bad_request", Retry::AfterFix, Scope::Request),
            Self::Unauthorized => ("unauthorized", Retry::AfterFix, Scope::Account),
            Self::OutOfCredit => ("out_of_credit", Retry::AfterFix, Scope::Account),
            Self::OptedOut => ("opted_out", Retry::Never, Scope::Recipient),
            Self::BatchOptedOut => ("batch_opted_out", Retry::AfterFix, Scope::Request),
            Self::Forbidden => ("forbidden", Retry::AfterFix, Scope::Account),
            Self::RateLimited => ("rate_limited", Retry::Later, Scope::Account),
            Self::ServerError => ("server_error", Retry::MayDuplicate, Scope::Service),
            Self::Misconfigured => ("misconfigured", Retry::AfterFix, Scope::Account),
            Self::Undelivered => ("undelivered", Retry::MayDuplicate, Scope::Request),
            Self::NoResponse => ("no_response", Retry::MayDuplicate, Scope::Service),
            Self::NotSent => ("not_sent", Retry::Later, Scope::Service),
            Self::Unconfirmed => ("unconfirmed", Retry::MayDuplicate, Scope::Service),
        }
    }
}

/// Whether to send a message again after a failure.
///
/// | retry | was it sent? | next step |
/// |---|---|---|
/// | `Later` | no | wait, then send the same request again |
/// | `AfterFix` | no | fix the request or the account first |
/// | `MayDuplicate` | unknown | look it up, and resend only if a duplicate is acceptable |
/// | `Never` | no | suppress the recipient |
///
/// After a failed batch, part of it may have been sent in any case. See
/// [the guide](crate::guide#batches).
///
/// The values are ordered from the least conservative to the most.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Not sent. The same request may pass after a wait.
    Later,
    /// Not sent. Fix the request or the account first.
    AfterFix,
    /// May have been sent. Look it up, and resend only if a duplicate is acceptable.
    MayDuplicate,
    /// Not sent. Suppress this recipient.
    Never,
}

impl Retry {
    /// Returns the value's name in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Later => "later",
            Self::AfterFix => "after_fix",
            Self::MayDuplicate => "may_duplicate",
            Self::Never => "never",
        }
    }
}

/// The scope of a failure.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This recipient. Suppress it and continue.
    Recipient,
    /// This request. Fix it and continue.
    Request,
    /// The account. Every send will fail the same way.
    Account,
    /// Mobivate, or the network path to it.
    Service,
}

impl Scope {
    /// Returns the scope's name in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Request => "request",
            Self::Account => "account",
            Self::Service => "service",
        }
    }
}

/// `Display` writes the name `opted_out` as `opted out`.
macro_rules! display_name {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.as_str().replace('_', " "))
            }
        }
    )*};
}
pub(crate) use display_name;

display_name!(FailureKind, Retry, Scope);

pub(crate) fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
