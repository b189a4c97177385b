//! Why a message was not accepted, and what to do next.

use alloc::borrow::Cow;
use core::{error::Error, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::redact::Redacted;

/// A message that was not accepted, or of which nobody can tell.
///
/// `Display` is one line that begins with the kind, then the code in brackets unless it is 0:
/// `opted out (403): Recipient is opted out: ************`. In it and in `Debug`, every run of seven
/// or more digits of the detail is starred, control and bidirectional characters are escaped, and at
/// most 256 characters are shown. A refusal that quotes the message's text shows it, and `Debug`
/// shows the id as it is. The fields and `Serialize` give the full truth: do not log them.
///
/// As an error it has no source: the response is the root cause.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The HTTP status as given; 0 if no response came.
    pub status: u16,
    /// What the kind was judged by: the response's own `code` where that is in 400..=599, else the HTTP
    /// status. A status of 0 or 5xx stands, whatever the response names.
    pub code: u16,
    /// What kind of failure it is: what to do next follows from it.
    pub kind: FailureKind,
    /// The response's own words, unchanged: its `message` or its `error`. Without any, what kind of
    /// body came, such as `empty body` or `HTML page`. Never empty when decoded.
    pub detail: Cow<'a, str>,
    /// An id in a response that is no success: the handle to look the message up by, before it is
    /// resent on whatever advice. Never white space alone, nor `0`, when decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
}

impl Failure<'_> {
    /// The same failure, with text of its own: it outlives the body that it was decoded from.
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

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.code != 0 {
            write!(f, " ({})", self.code)?;
        }
        write!(f, ": {}", Redacted::prose(&self.detail))
    }
}

impl Error for Failure<'_> {}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("kind", &self.kind)
            .field("detail", &Redacted::prose(&self.detail))
            .field("id", &self.id)
            .finish()
    }
}

/// What kind of failure it is, and so what to do next.
///
/// | code | kind | retry | scope |
/// |---|---|---|---|
/// | 0 | `NoResponse` | `MayDuplicate` | `Service` |
/// | 5xx | `ServerError` | `MayDuplicate` | `Service` |
/// | the text says opted out | `OptedOut` | `Never` | `Recipient` |
/// | 303, 408, 409, 499 | `Unconfirmed` | `MayDuplicate` | `Service` |
/// | 400, 413, 422 | `BadRequest` | `AfterFix` | `Request` |
/// | 401 | `Unauthorized` | `AfterFix` | `Account` |
/// | 402 | `OutOfCredit` | `AfterFix` | `Account` |
/// | 403 | `Forbidden` | `AfterFix` | `Account` |
/// | 429 | `RateLimited` | `Later` | `Account` |
/// | other 3xx and 4xx | `Misconfigured` | `AfterFix` | `Account` |
/// | anything else | `Unconfirmed` | `MayDuplicate` | `Service` |
/// | none: only of an accepted message, later | `Undelivered` | `MayDuplicate` | `Request` |
///
/// The codes are those that [Mobivate publishes]; where it is silent, those of [RFC 9110]. How a
/// response gets its code stands at [`SendOutcome::decode`](crate::SendOutcome::decode).
///
/// It carries no data, so it is a label for metrics: [`as_str`](Self::as_str) and serde give one
/// word (`opted_out`), `Display` gives words (`opted out`). Serde reads a name that this version
/// does not know as [`Unconfirmed`](Self::Unconfirmed), the safe side.
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
    /// `{"code":400,"message":"Invalid mobile number"}`. Mend the request and go on.
    BadRequest,
    /// The API key is invalid or expired: 401.
    ///
    /// `{"code":401,"message":"Unauthorized"}`. Call a person.
    Unauthorized,
    /// "Out of Credit - Insufficient funds": 402.
    ///
    /// What body comes with it is not known. Call a person to top up the account.
    OutOfCredit,
    /// The response says in so many words that the recipient opted out.
    ///
    /// `{"code":403,"message":"Recipient is opted out: 44XXXXXXXX"}`. Suppress the recipient that
    /// you sent to.
    OptedOut,
    /// Any other 403: the key lacks a permission or is invalid, or a firewall objects. It says
    /// nothing about the recipient.
    ///
    /// `{"error":"API Key is not permitted to perform this action. (create:SingleSMS)"}`. Call a
    /// person, but only after a few consecutive: a 403 that lost its text on the way looks the same.
    Forbidden,
    /// "Slow down - Rate limit exceeded": 429.
    ///
    /// `{"code":429,"message":"Slow down"}`. Wait, then send the same again, unless the failure has
    /// an [`id`](Failure::id): look that up first.
    RateLimited,
    /// The provider or a proxy before it failed: 5xx.
    ///
    /// An HTML page, mostly. The message may be on its way: look it up before resending.
    ServerError,
    /// No such address or method, or a redirect: any other 3xx or 4xx.
    ///
    /// `{"code":404,"message":"Not Found"}`. Call a person to mend the URL.
    Misconfigured,
    /// Accepted, but not delivered: only [`DeliveryStatus`](crate::DeliveryStatus) says so, never
    /// the answer to a send.
    ///
    /// `EXPIRED`, `UNDELIVERABLE` and the like. It may still arrive: resend only where a duplicate is
    /// tolerable. One such word suppresses nobody.
    Undelivered,
    /// A response that neither accepts nor refuses: unreadable, without an id, contradictory, 303, 408,
    /// 409, 499, an interim 1xx, or no status that HTTP defines.
    ///
    /// `{"success":true}`. The message may be on its way: look it up before resending.
    Unconfirmed,
    /// The request was sent, but no response came.
    ///
    /// The message may be on its way: look it up before resending.
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
        Self::Forbidden,
        Self::RateLimited,
        Self::ServerError,
        Self::Misconfigured,
        Self::Undelivered,
        Self::Unconfirmed,
        Self::NoResponse,
    ];

    /// Whether the message may be sent again.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Retry};
    /// assert_eq!(FailureKind::ServerError.retry(), Retry::MayDuplicate);
    /// ```
    pub const fn retry(self) -> Retry {
        self.row().1
    }

    /// Who or what the failure is about.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Scope};
    /// assert_eq!(FailureKind::OutOfCredit.scope(), Scope::Account);
    /// ```
    pub const fn scope(self) -> Scope {
        self.row().2
    }

    /// The kind as one word in lower case: stable, a metric label.
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
        write_words(f, self.as_str())
    }
}

/// Reads what [`as_str`](FailureKind::as_str) gives, and nothing else.
///
/// ```
/// # use mobivate_response::{FailureKind, ParseFailureKindError};
/// assert_eq!("opted_out".parse(), Ok(FailureKind::OptedOut));
/// assert_eq!("Opted out".parse::<FailureKind>(), Err(ParseFailureKindError));
/// ```
impl FromStr for FailureKind {
    type Err = ParseFailureKindError;

    fn from_str(name: &str) -> Result<Self, ParseFailureKindError> {
        let known = Self::ALL.iter().find(|kind| kind.as_str() == name);
        known.copied().ok_or(ParseFailureKindError)
    }
}

/// The name of no [`FailureKind`] that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParseFailureKindError;

impl fmt::Display for ParseFailureKindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kind of failure")
    }
}

impl Error for ParseFailureKindError {}

impl<'de> Deserialize<'de> for FailureKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Cow::<str>::deserialize(deserializer)?.parse().unwrap_or(Self::Unconfirmed))
    }
}

/// Whether the message may be sent again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Not sent: the same request may pass after a wait, longer each time.
    ///
    /// No response with a `Retry-After` was ever seen; honour one that comes. If the failure has an
    /// [`id`](Failure::id), the response contradicts itself: look it up first.
    Later,
    /// Not sent: a person must first mend the request, the key, the credit or the URL.
    ///
    /// If the failure has an [`id`](Failure::id), look it up first, as for [`Later`](Self::Later).
    AfterFix,
    /// It may be on its way already: resend only where a duplicate is tolerable, or after a look-up
    /// (see [`DeliveryStatus`](crate::DeliveryStatus#looking-a-message-up)).
    ///
    /// The API knows no idempotency key, so give every message a `reference` of its own, and keep it
    /// when you send the message again: nothing else can be looked up. A look-up that finds nothing
    /// proves nothing; after a day, hand the message to a person.
    MayDuplicate,
    /// Do not send to this recipient; of a batch, to the one that the text names.
    Never,
}

impl Retry {
    /// The answer as one word in lower case.
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
        write_words(f, self.as_str())
    }
}

/// Who or what a failure is about. Whether to go on, to wait or to stop, [`CircuitBreaker`] says.
///
/// [`CircuitBreaker`]: crate::CircuitBreaker
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This recipient: suppress it and go on.
    Recipient,
    /// This request: mend it and go on.
    Request,
    /// The account: every send will fare alike.
    Account,
    /// The provider, or the way to it, fails.
    Service,
}

impl Scope {
    /// The scope as one word in lower case.
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
        write_words(f, self.as_str())
    }
}

/// `opted_out` as `opted out`.
fn write_words(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    for (at, word) in name.split('_').enumerate() {
        f.write_str(if at == 0 { "" } else { " " })?;
        f.write_str(word)?;
    }
    Ok(())
}

pub(crate) fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
