//! The accepted batch, and the outcome of a batch.

use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::owned,
    outcome::Outcome,
    redact::{Redacted, presence},
};

/// The outcome of a batch, decided by the rules of [`SendOutcome`](crate::SendOutcome).
///
/// An opt-out notice is a [`BatchOptedOut`](crate::FailureKind::BatchOptedOut), whose `retry` isn't
/// `Never`, so that code for single sends doesn't suppress a whole batch.
///
/// Part of a failed batch may have been accepted, even if `retry` is `Later` or `AfterFix`. So look its
/// references up before you send any of it again. [The guide](crate::guide#batches) says how.
///
/// ```
/// use mobivate_response::{BatchOutcome, FailureKind};
///
/// let body = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
/// let outcome = BatchOutcome::decode(403, body);
/// let failure = outcome.failure().ok_or("accepted")?;
/// assert_eq!(failure.kind, FailureKind::BatchOptedOut);
///
/// let number = failure.opted_out_number().ok_or("no number")?;
/// let recipients = ["+44 7700 900122", "+44 7700 900123"];
/// let opted_out = recipients.iter().find(|recipient| number.matches(recipient));
/// assert_eq!(opted_out, Some(&"+44 7700 900123"));
/// # Ok::<(), &str>(())
/// ```
pub type BatchOutcome<'a> = Outcome<'a, Batch<'a>>;

impl BatchOutcome<'_> {
    /// Converts into an owned value, which outlives the body.
    pub fn into_owned(self) -> BatchOutcome<'static> {
        self.map(Batch::into_owned)
    }
}

impl<'a> From<Batch<'a>> for BatchOutcome<'a> {
    fn from(batch: Batch<'a>) -> Self {
        Self::Success(batch)
    }
}

/// A batch that Mobivate accepted, as the response describes it.
///
/// All fields but the id repeat your request, and any of them may be missing. The legacy API
/// documents them unless noted otherwise.
///
/// `Debug` shows the number of recipients, but not their phone numbers and texts.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch<'a> {
    /// Mobivate's id of the batch, which isn't the id of a message. It has no fixed format.
    ///
    /// If your request contained an `id`, this may be yours.
    pub id: Cow<'a, str>,
    /// The name that you gave to the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// The route that carries the messages, from `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// When the batch is to be sent, from `scheduleDateTime` or else from `scheduled` (current API).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
    /// The number of recipients, from `recipientCount` (documented and observed on the current API).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u64>,
    /// Whether links in the texts are shortened, from `shortenUrls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shorten_urls: Option<bool>,
    /// Whether opted-out recipients are silently left out, from `excludeOptouts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_optouts: Option<bool>,
    /// Whether a recipient that's listed twice gets one message, from `excludeDuplicates`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_duplicates: Option<bool>,
    /// The number of hours that the batch is spread over, from `spreadHours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_hours: Option<u64>,
    /// The recipients in order, from `recipients` or else from `messages`.
    ///
    /// Empty if the response has no list. An element without any known field is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<BatchRecipient<'a>>,
}

impl<'a> Batch<'a> {
    /// Creates a batch that has only an id.
    pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: id.into(),
            name: None,
            route_id: None,
            scheduled: None,
            recipient_count: None,
            shorten_urls: None,
            exclude_optouts: None,
            exclude_duplicates: None,
            spread_hours: None,
            recipients: Vec::new(),
        }
    }

    /// Converts into an owned value, which outlives the body.
    #[must_use]
    pub fn into_owned(self) -> Batch<'static> {
        Batch {
            id: owned(self.id),
            name: self.name.map(owned),
            route_id: self.route_id.map(owned),
            scheduled: self.scheduled.map(owned),
            recipient_count: self.recipient_count,
            shorten_urls: self.shorten_urls,
            exclude_optouts: self.exclude_optouts,
            exclude_duplicates: self.exclude_duplicates,
            spread_hours: self.spread_hours,
            recipients: self.recipients.into_iter().map(BatchRecipient::into_owned).collect(),
        }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("id", &Redacted::id(&self.id))
            .field("name", &presence(self.name.as_deref()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .field("scheduled", &self.scheduled.as_deref().map(Redacted::token))
            .field("recipient_count", &self.recipient_count)
            .field("shorten_urls", &self.shorten_urls)
            .field("exclude_optouts", &self.exclude_optouts)
            .field("exclude_duplicates", &self.exclude_duplicates)
            .field("spread_hours", &self.spread_hours)
            .field("recipients", &self.recipients.len())
            .finish()
    }
}

/// A recipient of a batch and the message to it, as the response describes them.
///
/// Any field may be missing. The legacy API documents them. `Debug` shows the route, and for the
/// other fields only whether they're present.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchRecipient<'a> {
    /// The sender ID that the recipient sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The phone number that the message goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The text of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// Your client reference, by which you match receipts and lookups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The route that carries this message, from `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
}

impl BatchRecipient<'_> {
    /// Converts into an owned value, which outlives the body.
    #[must_use]
    pub fn into_owned(self) -> BatchRecipient<'static> {
        BatchRecipient {
            originator: self.originator.map(owned),
            recipient: self.recipient.map(owned),
            text: self.text.map(owned),
            reference: self.reference.map(owned),
            route_id: self.route_id.map(owned),
        }
    }
}

impl fmt::Debug for BatchRecipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRecipient")
            .field("originator", &presence(self.originator.as_deref()))
            .field("recipient", &presence(self.recipient.as_deref()))
            .field("text", &presence(self.text.as_deref()))
            .field("reference", &presence(self.reference.as_deref()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .finish()
    }
}
