//! What became of a batch: the same verdict on the response to `POST /send/batch`.

use alloc::{borrow::Cow, vec::Vec};
use core::{fmt, mem};

use serde::{Deserialize, Serialize};

use crate::{
    failure::owned,
    outcome::Outcome,
    redact::{Count, Presence, Redacted},
    verdict::classify,
    wire::{self, Fields, Response},
};

/// What became of a batch: accepted or rejected as a whole.
///
/// The failures are those of a single send, with one exception: an opt-out notice is a
/// [`BatchOptedOut`](crate::FailureKind::BatchOptedOut). So one match on
/// [`Failure::retry`](crate::Failure::retry) is safe for both. A batch has these cases of its own:
///
/// | outcome | what to do |
/// |---|---|
/// | `Success` | all are accepted, under the batch's id; match delivery receipts by `reference` |
/// | `Success`, but the count is not that of the recipients sent | look each recipient's message up |
/// | `BatchOptedOut` that names a recipient of the batch | suppress that one; send to the others, or look them up where `retry` says `MayDuplicate` |
/// | `BatchOptedOut` that names nobody in the batch | suppress nobody; send half of the batch at a time, until one recipient is alone |
/// | `BadRequest` for more than one recipient, 413 among them | send half of the batch at a time |
/// | any other failure | as for a single send, for every recipient of the batch |
///
/// A program does all of this by itself; no operator is needed. The count is `recipient_count`, or else
/// the length of `recipients`, if there are any. A notice names at most one recipient: the next
/// rejection names the next. Halve only where `retry` says "not sent", and send both halves before
/// either is halved again: consecutive failures stop the circuit breaker. Send a batch of one as a
/// single send: then the notice is about that recipient.
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
/// let sent_to = ["+44 7700 900122", "+44 7700 900123"];
/// let suppressed = sent_to.iter().find(|recipient| number.matches(recipient));
/// assert_eq!(suppressed, Some(&"+44 7700 900123"));
/// # Ok::<(), &str>(())
/// ```
pub type BatchOutcome<'a> = Outcome<'a, Batch<'a>>;

impl<'a> BatchOutcome<'a> {
    /// Decodes the response to a batch, by the rules of
    /// [`SendOutcome::decode`](crate::SendOutcome::decode), and reads its recipients.
    ///
    /// Limit the body: a response to 1,000 recipients is about 100 KB without their texts, and reading
    /// it takes at most 40 times as much memory as the body.
    ///
    /// Decode the response to a single send with `SendOutcome::decode`: here, its opt-out notice would
    /// be a [`BatchOptedOut`](crate::FailureKind::BatchOptedOut).
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// let body = br#"{"id":"b-1","recipients":[{"recipient":"447700900123","reference":"r-1"}]}"#;
    /// let outcome = BatchOutcome::decode(200, body);
    /// let batch = outcome.success().ok_or("not accepted")?;
    /// assert_eq!(batch.id, "b-1");
    /// assert_eq!(batch.recipients.len(), 1);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn decode(status: u16, body: &'a [u8]) -> Self {
        let mut response = Response { is_batch: true, ..Response::default() };
        match response.read(body) {
            Ok(()) => Self::of(status, &mut response),
            Err(copy) => {
                BatchOutcome::of(status, &mut Response::from_lossy(&copy, true)).into_owned()
            }
        }
    }

    fn of(status: u16, response: &mut Response<'a>) -> Self {
        let verdict = classify(status, response);
        verdict.map_or_else(Self::Failure, |id| Batch::described(id, response.described()).into())
    }

    /// Converts into an owned value, which outlives the body.
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// fn read(body: Vec<u8>) -> BatchOutcome<'static> {
    ///     BatchOutcome::decode(200, &body).into_owned()
    /// }
    /// assert!(read(br#"{"id":"b-1"}"#.to_vec()).is_success());
    /// ```
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
/// Every field but the id describes the request, and may be missing. Mobivate documents them all, for
/// the legacy API, unless another source is named. `Debug` is [redacted](crate#logs): it shows how many
/// recipients there are, never who.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch<'a> {
    /// Mobivate's id of the batch, not of a message; opaque, never empty when decoded.
    ///
    /// In the response: `record.id`, else the top-level `id`. It may be the `id` of your own request.
    pub id: Cow<'a, str>,
    /// The name that you gave to the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// The route that carries the messages: the response's `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// When the batch is to be sent: the response's `scheduleDateTime` (legacy API), else its
    /// `scheduled` (current API).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
    /// How many recipients the response states: its `recipientCount`, which the current API gives
    /// instead of a list (documented and observed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u64>,
    /// Whether links in the texts are shortened: the response's `shortenUrls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shorten_urls: Option<bool>,
    /// Whether recipients who opted out are left out silently: the response's `excludeOptouts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_optouts: Option<bool>,
    /// Whether a recipient who is in the list twice gets one message: the response's
    /// `excludeDuplicates`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_duplicates: Option<bool>,
    /// Over how many hours the batch is spread: the response's `spreadHours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_hours: Option<u64>,
    /// The recipients that the response echoes, in order: its `recipients`, else its `messages`; empty
    /// where the response has no list. An element is left out if it is not an object, or has none of
    /// the known fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<BatchRecipient<'a>>,
}

impl<'a> Batch<'a> {
    /// Creates a batch of which only the id is known.
    ///
    /// ```
    /// # use mobivate_response::{Batch, BatchOutcome};
    /// let outcome = BatchOutcome::decode(200, br#"{"id":"b-1"}"#);
    /// assert_eq!(outcome, BatchOutcome::from(Batch::new("b-1")));
    /// ```
    pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
        Self::described(id.into(), &mut Fields::default())
    }

    fn described(id: Cow<'a, str>, fields: &mut Fields<'a>) -> Self {
        let is_none_read = fields.recipients.is_empty();
        let list = if is_none_read { &mut fields.messages } else { &mut fields.recipients };
        let recipients = mem::take(list);
        Self {
            id,
            name: fields.name.take(),
            route_id: fields.route_id.take(),
            scheduled: fields.schedule_date_time.take().or_else(|| fields.scheduled.take()),
            recipient_count: fields.recipient_count,
            shorten_urls: fields.shorten_urls,
            exclude_optouts: fields.exclude_optouts,
            exclude_duplicates: fields.exclude_duplicates,
            spread_hours: fields.spread_hours,
            recipients: recipients.into_iter().map(BatchRecipient::from_wire).collect(),
        }
    }

    /// Converts into an owned value, which outlives the body.
    ///
    /// ```
    /// # use mobivate_response::Batch;
    /// let id = String::from("b-1");
    /// let batch: Batch<'static> = Batch::new(&*id).into_owned();
    /// assert_eq!(batch.id, id);
    /// ```
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
            .field("name", &Presence(self.name.is_some()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .field("scheduled", &self.scheduled.as_deref().map(Redacted::token))
            .field("recipient_count", &self.recipient_count.map(Count))
            .field("shorten_urls", &self.shorten_urls)
            .field("exclude_optouts", &self.exclude_optouts)
            .field("exclude_duplicates", &self.exclude_duplicates)
            .field("spread_hours", &self.spread_hours.map(Count))
            .field("recipients", &self.recipients.len())
            .finish()
    }
}

/// One recipient of a batch and the message to it, as the response echoes them.
///
/// Every field may be missing; Mobivate documents them all, for the legacy API. `Debug` is
/// [redacted](crate#logs): it shows the route, and of the other fields only whether they are present.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchRecipient<'a> {
    /// The sender ID, which the recipient sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The phone number that the message goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The message's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// The client reference, by which delivery receipts and lookups are matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The route that carries this message: the element's `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
}

impl<'a> BatchRecipient<'a> {
    fn from_wire(recipient: wire::BatchRecipient<'a>) -> Self {
        Self {
            originator: recipient.originator,
            recipient: recipient.recipient,
            text: recipient.text,
            reference: recipient.reference,
            route_id: recipient.route_id,
        }
    }

    /// Converts into an owned value, which outlives the body.
    ///
    /// ```
    /// # use mobivate_response::BatchRecipient;
    /// assert_eq!(BatchRecipient::default().into_owned(), BatchRecipient::default());
    /// ```
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
            .field("originator", &Presence(self.originator.is_some()))
            .field("recipient", &Presence(self.recipient.is_some()))
            .field("text", &Presence(self.text.is_some()))
            .field("reference", &Presence(self.reference.is_some()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .finish()
    }
}
