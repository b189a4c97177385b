//! Why a send was not accepted, and what to do next.

use alloc::{borrow::Cow, format, string::String};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::redact::Redacted;

/// A send that was not accepted, or of which it is unknown whether it was.
///
/// `Display` is one line, the kind first, then the code in brackets unless it is 0:
/// `opted out (403): Recipient is opted out: ************`. `Display` and `Debug` are
/// [redacted](crate#logs), and show at most 256 characters of the detail, and of the id.
///
/// As an error it has no source: the response is the root cause.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
#[error("{kind}{}: {}", in_brackets(*.code), Redacted::prose(.detail))]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The HTTP status (RFC 9110), as given to `decode`; 0 if no response came.
    pub status: u16,
    /// The code that decides: the first of the response's own `code` and `status` that is in 400..=599,
    /// else the HTTP status. An HTTP status of 0 or 5xx decides, whatever the body names. In Mobivate's
    /// samples, `code` repeats the HTTP status.
    pub code: u16,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// The response's own words, unchanged: the first of its
    /// [texts](crate::SendOutcome#the-responses-texts) that is an opt-out notice, else the first of
    /// them. If it has none, the kind of body, such as `empty body` or `truncated JSON`; if no response
    /// came, the reason. Never empty when decoded.
    pub detail: Cow<'a, str>,
    /// The id in a response that is not a success (inferred): look the message up by it. Never
    /// whitespace alone, nor `0`, when decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
}

impl Failure<'_> {
    /// Returns whether the message may be sent again, and what to do next.
    ///
    /// It is the kind's [`retry`](FailureKind::retry), with one exception: where that is `Later` or
    /// `AfterFix`, which say "not sent", but the response has an id, it is `MayDuplicate`. Such a
    /// response contradicts itself: Mobivate may have accepted the message.
    ///
    /// | retry | was it sent? | what to do |
    /// |---|---|---|
    /// | `Later` | no | send the same request again after a wait |
    /// | `AfterFix` | no | an operator first fixes the request, the key, the credit or the URL |
    /// | `MayDuplicate` | unknown | look it up; resend only where a duplicate is tolerable |
    /// | `Never` | no | suppress the recipient |
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

    /// Returns who or what the failure is about: the kind's [`scope`](FailureKind::scope).
    ///
    /// ```
    /// # use mobivate_response::{Failure, Scope};
    /// assert_eq!(Failure::new(402, "Out of Credit").scope(), Scope::Account);
    /// ```
    pub fn scope(&self) -> Scope {
        self.kind.scope()
    }

    /// Converts into an owned value, which outlives the body.
    ///
    /// ```
    /// # use mobivate_response::Failure;
    /// fn decoded_elsewhere() -> Failure<'static> {
    ///     let body = String::from("Unauthorized");
    ///     Failure::new(401, &*body).into_owned()
    /// }
    /// assert_eq!(decoded_elsewhere().detail, "Unauthorized");
    /// ```
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

/// A code as ` (403)`, and 0 as nothing.
fn in_brackets(code: u16) -> String {
    if code == 0 { String::new() } else { format!(" ({code})") }
}

/// What kind of failure it is.
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
/// | none: only of an accepted message, later | `Undelivered` | `MayDuplicate` | `Request` |
///
/// The codes are those that [Mobivate publishes]; where it is silent, those of [RFC 9110].
/// [`SendOutcome::decode`](crate::SendOutcome#the-verdict) says which code of a response decides.
///
/// [`Failure::retry`] tells what to do next with the message, the
/// [`CircuitBreaker`](crate::CircuitBreaker) whether to send the next one. A kind carries no data, so it
/// is a label for metrics: [`as_str`](Self::as_str) and serde give `opted_out`, `Display` gives
/// `opted out`. Serde reads a name that this version does not know as
/// [`Unconfirmed`](Self::Unconfirmed), the conservative choice. The order of kinds is that of
/// declaration, and means nothing.
///
/// [Mobivate publishes]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// Something in this request is wrong: 400, 413, 422, or a 2xx that says `"success":false` and
    /// has no id.
    ///
    /// `{"code":400,"message":"Invalid mobile number"}`. Fix this request, and send the others.
    BadRequest,
    /// The API key is invalid or has expired: 401.
    ///
    /// `{"code":401,"message":"Unauthorized"}`. Alert an operator.
    Unauthorized,
    /// The account has no credit: 402.
    ///
    /// Mobivate's table says "Out of Credit - Insufficient funds to send code"; the body is unknown.
    /// Alert an operator.
    OutOfCredit,
    /// The response to a single send is an [opt-out notice].
    ///
    /// `{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}`. Suppress the recipient that
    /// you sent to.
    ///
    /// [opt-out notice]: crate::OptedOutNumber#the-opt-out-notice
    OptedOut,
    /// The response to a batch is an [opt-out notice]: all of the batch was rejected because a recipient
    /// opted out.
    ///
    /// `{"code":403,"message":"Recipient is opted out: 447700900123"}`. Suppress the recipients that
    /// [`opted_out_number`](Failure::opted_out_number) matches and nobody else, and send to the
    /// others: see [`BatchOutcome`](crate::BatchOutcome).
    ///
    /// [opt-out notice]: crate::OptedOutNumber#the-opt-out-notice
    BatchOptedOut,
    /// Any other 403: the key lacks a permission or is invalid, or a firewall objects. Nothing is said
    /// about the recipient.
    ///
    /// `{"error":"API Key is not permitted to perform this action. (create:SingleSMS)"}`. Alert an
    /// operator, but only after some consecutive ones: an opt-out notice that was lost on the way
    /// looks the same.
    Forbidden,
    /// Too many requests: 429.
    ///
    /// Mobivate's table says "Slow down - Rate limit exceeded". Back off.
    RateLimited,
    /// The provider or a proxy before it failed: 5xx.
    ///
    /// An HTML page, mostly. The message may have been sent.
    ServerError,
    /// No such URL or method, or a redirect: any other 3xx or 4xx.
    ///
    /// `{"code":404,"message":"Not Found"}`. Alert an operator.
    Misconfigured,
    /// Accepted, but not delivered: only a [`DeliveryStatus`](crate::DeliveryStatus) says so, never
    /// the response to a send.
    ///
    /// `EXPIRED`, `UNDELIVERABLE` and the like. An expired message may still arrive. One such status
    /// suppresses nobody.
    Undelivered,
    /// It is unknown whether the message was accepted. The response is truncated, malformed,
    /// contradictory or without an id; or its code leaves it open: servers also respond 302 or 406 to a
    /// request that they carried out, and 408, 460 and 499 say that the client was too slow or had left.
    ///
    /// `{"success":true}`. The message may have been sent.
    Unconfirmed,
    /// The request was sent, or may have been, and no response came.
    ///
    /// A timeout, a reset connection. The message may have been sent.
    NoResponse,
}

impl FailureKind {
    /// Every kind, in order of declaration.
    ///
    /// ```
    /// # use mobivate_response::FailureKind;
    /// assert!(FailureKind::ALL.contains(&FailureKind::OptedOut));
    /// ```
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
        Self::Unconfirmed,
        Self::NoResponse,
    ];

    /// Returns whether a message may be sent again after a failure of this kind. If you have the
    /// failure, call [`Failure::retry`], which also looks at its id.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Retry};
    /// assert_eq!(FailureKind::ServerError.retry(), Retry::MayDuplicate);
    /// ```
    pub const fn retry(self) -> Retry {
        self.row().1
    }

    /// Returns who or what a failure of this kind is about.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Scope};
    /// assert_eq!(FailureKind::OutOfCredit.scope(), Scope::Account);
    /// ```
    pub const fn scope(self) -> Scope {
        self.row().2
    }

    /// Returns the kind's stable name in snake case, a metric label.
    ///
    /// ```
    /// # use mobivate_response::FailureKind;
    /// assert_eq!(FailureKind::OptedOut.as_str(), "opted_out");
    /// assert_eq!(FailureKind::OptedOut.to_string(), "opted out");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The one table: name, retry and scope of each kind.
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
            Self::Unconfirmed => ("unconfirmed", Retry::MayDuplicate, Scope::Service),
            Self::NoResponse => ("no_response", Retry::MayDuplicate, Scope::Service),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_words(f, self.as_str())
    }
}

/// Reads what [`as_str`](FailureKind::as_str) gives, and nothing else.
///
/// ```
/// # use mobivate_response::FailureKind;
/// assert_eq!("opted_out".parse(), Ok(FailureKind::OptedOut));
/// assert!("Opted out".parse::<FailureKind>().is_err());
/// ```
impl FromStr for FailureKind {
    type Err = ParseFailureKindError;

    fn from_str(name: &str) -> Result<Self, ParseFailureKindError> {
        let known = Self::ALL.iter().find(|kind| kind.as_str() == name);
        known.copied().ok_or(ParseFailureKindError(()))
    }
}

/// The error of parsing a [`FailureKind`]: no kind of this version has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("unknown failure kind")]
pub struct ParseFailureKindError(());

impl<'de> Deserialize<'de> for FailureKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Cow::<str>::deserialize(deserializer)?.parse().unwrap_or(Self::Unconfirmed))
    }
}

/// Whether a message may be sent again; [`Failure::retry`] says what to do.
///
/// Give every message a unique client reference, and keep it when you send the message again: Mobivate
/// documents no idempotency key, and a message whose id is unknown is looked up by its reference.
///
/// The order is that of declaration, and means nothing.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
// From the least conservative to the most: `DeliveryStatus::merge` relies on it.
pub enum Retry {
    /// Not sent: the same request may be accepted after a wait. Back off exponentially, and honor a
    /// `Retry-After`, though none was observed.
    Later,
    /// Not sent: an operator must first fix the request, the key, the credit or the URL.
    AfterFix,
    /// It may have been sent: resend only where a duplicate is tolerable, or after a
    /// [lookup](crate::DeliveryStatus#looking-a-message-up).
    MayDuplicate,
    /// Not sent: do not send to this recipient.
    Never,
}

impl Retry {
    /// Returns the value's stable name in snake case.
    ///
    /// ```
    /// # use mobivate_response::Retry;
    /// assert_eq!(Retry::MayDuplicate.as_str(), "may_duplicate");
    /// ```
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

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_words(f, self.as_str())
    }
}

/// Who or what a failure is about.
///
/// The order is that of declaration, and means nothing.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This recipient: suppress it and continue.
    Recipient,
    /// This request: fix it and continue.
    Request,
    /// The account: every send will fail the same way.
    Account,
    /// The provider, or the network path to it, fails.
    Service,
}

impl Scope {
    /// Returns the scope's stable name in snake case.
    ///
    /// ```
    /// # use mobivate_response::Scope;
    /// assert_eq!(Scope::Recipient.as_str(), "recipient");
    /// ```
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

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad_words(f, self.as_str())
    }
}

/// Writes `opted_out` as `opted out`, in the width that is asked for.
pub(crate) fn pad_words(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    f.pad(&name.replace('_', " "))
}

pub(crate) fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
