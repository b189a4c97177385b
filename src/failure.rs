//! Why a message was not accepted, and what to do next.

use alloc::borrow::Cow;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{outcome::owned, redact::Redacted};

/// A message that was not accepted, or of which nobody can tell.
///
/// `Display` is one line that begins with the kind: `opted out (403): Recipient is opted out:
/// ************`. In it and in `Debug`, every run of seven or more digits is starred, control and
/// bidirectional characters are escaped, and at most 256 characters of the detail are shown. The
/// fields and `Serialize` give the full truth.
///
/// As an error it has no source: the reply is the root cause.
#[derive(Clone, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[error("{kind} ({code}): {}", Redacted::prose(.detail))]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The HTTP status as given; 0 if no response came.
    pub status: u16,
    /// The code that the kind was judged by: the reply's own `code` where that is in 400..=599,
    /// else the HTTP status.
    pub code: u16,
    /// What kind of failure it is: what to do next follows from it.
    pub kind: FailureKind,
    /// The reply's own words, unchanged: its `message` or its `error`. Without any, what kind of
    /// body came, such as `empty body` or `HTML page`. Never empty when decoded.
    pub detail: Cow<'a, str>,
    /// An id in a reply that is no success: the handle to look the message up by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
}

impl Failure<'_> {
    /// The same failure, with text of its own.
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
            .field("id", &self.id)
            .finish()
    }
}

/// What kind of failure it is: a closed question for [`retry`](Self::retry) and
/// [`scope`](Self::scope), and a label for metrics.
///
/// `Display` is in words (`opted out`), [`as_str`](Self::as_str) and serde in one (`opted_out`). A
/// name that this version does not know is read as [`Unconfirmed`](Self::Unconfirmed), the safe
/// side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// Something in this request is wrong: 400, 413, 422, or a 2xx without an id that says `success`
    /// is not true.
    BadRequest,
    /// The API key is invalid or expired: 401.
    Unauthorized,
    /// "Out of Credit - Insufficient funds": 402.
    OutOfCredit,
    /// The reply's text says in so many words that the recipient opted out, whatever its code.
    OptedOut,
    /// Any other 403: the key lacks a permission or is invalid, or a firewall objects. It says
    /// nothing about the recipient.
    Forbidden,
    /// "Slow down - Rate limit exceeded": 429.
    RateLimited,
    /// The provider or a proxy before it failed: 5xx. The message may be on its way all the same.
    ServerError,
    /// No such address or method, or a redirect: any other 3xx or 4xx.
    Misconfigured,
    /// A reply that neither accepts nor refuses: unreadable, without an id, contradictory, 303, 408,
    /// 409, 499, or outside of what HTTP defines. The message may be on its way.
    Unconfirmed,
    /// The request was sent, but no response came. The message may be on its way.
    NoResponse,
}

impl FailureKind {
    /// Every kind, in order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::OutOfCredit,
        Self::OptedOut,
        Self::Forbidden,
        Self::RateLimited,
        Self::ServerError,
        Self::Misconfigured,
        Self::Unconfirmed,
        Self::NoResponse,
    ];

    /// The kind as one word in lower case, such as `opted_out`: stable, a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::OutOfCredit => "out_of_credit",
            Self::OptedOut => "opted_out",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Misconfigured => "misconfigured",
            Self::Unconfirmed => "unconfirmed",
            Self::NoResponse => "no_response",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.as_str().split('_').enumerate() {
            f.write_str(if at == 0 { "" } else { " " })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl Serialize for FailureKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FailureKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|kind| kind.as_str() == name);
        Ok(known.copied().unwrap_or(Self::Unconfirmed))
    }
}

/// Whether the message may be sent again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retry {
    /// Not accepted; the same request may pass after a wait.
    Later,
    /// Not accepted; a person must first mend the request, the key, the credit or the address.
    AfterFix,
    /// It may be on its way already: resend only where a duplicate is tolerable, or after looking
    /// it up by `reference` or `id`. The API knows no idempotency key.
    MayDuplicate,
    /// Do not send to this recipient; of a batch, to the one that the text names.
    Never,
}

impl Retry {
    /// The answer as one word in lower case, such as `may_duplicate`.
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

/// Who or what a failure is about, and so what must be seen to.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// This recipient: suppress it and go on.
    Recipient,
    /// This request: mend it and go on.
    Request,
    /// The account: every send will fare alike. Stop and call a person, but only after a few in a
    /// row: one cut or emptied 403 reads as [`FailureKind::Forbidden`] too.
    Account,
    /// The provider or the way to it is unwell: pause.
    Service,
}

impl Scope {
    /// The scope as one word in lower case, such as `recipient`.
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

impl<'a> Failure<'a> {
    /// The failure that a serialised form tells of, or what it lacks.
    pub(crate) fn read(
        status: Option<u16>,
        code: Option<u16>,
        kind: Option<FailureKind>,
        detail: Option<Cow<'a, str>>,
        id: Option<Cow<'a, str>>,
    ) -> Result<Self, &'static str> {
        Ok(Self {
            status: status.ok_or("missing field `status`")?,
            code: code.ok_or("missing field `code`")?,
            kind: kind.ok_or("missing field `kind`")?,
            detail: detail.ok_or("missing field `detail`")?,
            id,
        })
    }
}
