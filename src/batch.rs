//! What became of a batch: the same verdict on what `POST /send/batch` answers.

use alloc::{borrow::Cow, vec::Vec};
use core::{fmt, mem};

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, owned},
    redact::{Count, Presence, Redacted},
    verdict::classify,
    wire::{self, Fields, Response},
};

/// What became of a batch that was sent.
///
/// The verdict, the failures and the serde form are those of [`SendOutcome`]. The response to a single
/// send decodes to the same verdict and the same id, without recipients; a batch's response given to
/// `SendOutcome` likewise, unless the fault is within the recipients, which it skips; the message's
/// id is the batch's then.
///
/// A refusal refuses the complete batch. [`OptedOut`] refuses it because of the one recipient that the
/// text names, so ask for that kind before `retry` and `scope`, which speak of that one alone:
///
/// ```
/// use mobivate_response::{BatchOutcome, FailureKind};
///
/// fn next(outcome: &BatchOutcome<'_>, sent_to: &[&str]) -> String {
///     let failure = match outcome {
///         BatchOutcome::Success(batch) => return format!("accepted: store the id {}", batch.id),
///         BatchOutcome::Failure(failure) => failure,
///     };
///     if failure.kind != FailureKind::OptedOut {
///         return format!("as for a single send: {failure}");
///     }
///     if let Some(id) = &failure.id {
///         return format!("perhaps accepted: look {id} up before resending any");
///     }
///     let named = failure.opted_out_number();
///     match named.and_then(|named| sent_to.iter().position(|to| named.matches(to))) {
///         Some(at) => format!("suppress recipient {at}, and send to the others"),
///         None => "it names none of them: send to each alone".into(),
///     }
/// }
///
/// let refusal = br#"{"code":403,"message":"Recipient is opted out: 447700900123"}"#;
/// let next = next(&BatchOutcome::decode(403, refusal), &["+44 7700 900122", "+44 7700 900123"]);
/// assert_eq!(next, "suppress recipient 1, and send to the others");
/// ```
///
/// [`OptedOut`]: crate::FailureKind::OptedOut
/// [`SendOutcome`]: crate::SendOutcome
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome<'a> {
    /// Mobivate accepted the batch.
    ///
    /// *Accepted is not sent*: the entries echo the request, and neither they nor their number is a
    /// verdict. Recipients who opted out may be left out without a word. A stated count that is not
    /// what was sent is a case for a person: the batch was accepted all the same. What became of each
    /// message, [`DeliveryStatus`](crate::DeliveryStatus) says; receipts are matched by `reference`.
    Success(Batch<'a>),
    /// The batch was refused, or nobody can tell: [`FailureKind::retry`] says which.
    ///
    /// [`FailureKind::retry`]: crate::FailureKind::retry
    Failure(Failure<'a>),
}

impl<'a> BatchOutcome<'a> {
    /// What became of the batch that was answered with this HTTP status and this body.
    ///
    /// As [`SendOutcome::decode`](crate::SendOutcome::decode), and it reads the recipients. Limit the
    /// body before: responses to 1,000 recipients are about 100 KB besides their texts, and a list
    /// takes at most 40 times its body while it grows.
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// let body = br#"{"id":"b-1","recipients":[{"recipient":"447700900123","reference":"r-1"}]}"#;
    /// let outcome = BatchOutcome::decode(200, body);
    /// let batch = outcome.success().ok_or("refused")?;
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
        match classify(status, response) {
            Ok(id) => Self::Success(Batch::described(id, response.described())),
            Err(failure) => Self::Failure(failure),
        }
    }

    /// The outcome of a request that was sent but got no response; see
    /// [`SendOutcome::no_response`](crate::SendOutcome::no_response).
    ///
    /// ```
    /// # use mobivate_response::{BatchOutcome, FailureKind};
    /// let outcome = BatchOutcome::no_response("connection reset");
    /// assert_eq!(outcome.failure().map(|failure| failure.kind), Some(FailureKind::NoResponse));
    /// ```
    pub fn no_response(reason: impl fmt::Display) -> BatchOutcome<'static> {
        BatchOutcome::Failure(Failure::no_response(reason))
    }

    /// The accepted batch, or the failure with text of its own, so that `?` works everywhere.
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// let batch = BatchOutcome::decode(200, br#"{"id":"b-1"}"#).into_result()?;
    /// assert_eq!(batch.id, "b-1");
    /// # Ok::<(), mobivate_response::Failure>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The [`Failure`], if the outcome is one.
    pub fn into_result(self) -> Result<Batch<'a>, Failure<'static>> {
        match self {
            Self::Success(batch) => Ok(batch),
            Self::Failure(failure) => Err(failure.into_owned()),
        }
    }

    /// The accepted batch.
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// let outcome = BatchOutcome::decode(200, br#"{"id":"b-1","recipientCount":2}"#);
    /// assert_eq!(outcome.success().and_then(|batch| batch.recipient_count), Some(2));
    /// ```
    #[must_use]
    pub fn success(&self) -> Option<&Batch<'a>> {
        match self {
            Self::Success(batch) => Some(batch),
            Self::Failure(_) => None,
        }
    }

    /// The failure.
    ///
    /// ```
    /// # use mobivate_response::{BatchOutcome, FailureKind};
    /// let outcome = BatchOutcome::decode(413, b"");
    /// assert_eq!(outcome.failure().map(|failure| failure.kind), Some(FailureKind::BadRequest));
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<&Failure<'a>> {
        match self {
            Self::Success(_) => None,
            Self::Failure(failure) => Some(failure),
        }
    }

    /// Whether the batch was accepted.
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// assert!(BatchOutcome::decode(200, br#"{"id":"b-1"}"#).is_success());
    /// ```
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success().is_some()
    }

    /// The same outcome, with text of its own: it outlives the body that it was decoded from.
    ///
    /// ```
    /// # use mobivate_response::BatchOutcome;
    /// fn read(body: Vec<u8>) -> BatchOutcome<'static> {
    ///     BatchOutcome::decode(200, &body).into_owned()
    /// }
    /// assert!(read(br#"{"id":"b-1"}"#.to_vec()).is_success());
    /// ```
    pub fn into_owned(self) -> BatchOutcome<'static> {
        match self {
            Self::Success(batch) => BatchOutcome::Success(batch.into_owned()),
            Self::Failure(failure) => BatchOutcome::Failure(failure.into_owned()),
        }
    }
}

impl<'a> From<Batch<'a>> for BatchOutcome<'a> {
    fn from(batch: Batch<'a>) -> Self {
        Self::Success(batch)
    }
}

impl<'a> From<Failure<'a>> for BatchOutcome<'a> {
    fn from(failure: Failure<'a>) -> Self {
        Self::Failure(failure)
    }
}

/// A batch that Mobivate accepted, as the response describes it.
///
/// Every field but the id is the response's echo of the request, and may be missing. `Debug` shows how
/// many recipients there are, never who; seven or more digits consecutive are starred outside the id.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch<'a> {
    /// Mobivate's name for the batch, not for a message; in no fixed format, never empty when
    /// decoded.
    pub id: Cow<'a, str>,
    /// The caller's name for the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// The route that carries the messages: the response's `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// When the batch is to go out: the response's `scheduleDateTime`, else its `scheduled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
    /// How many recipients the response states: its `recipientCount`, which Vortex gives instead of a
    /// list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u64>,
    /// Whether links in the texts are shortened: the response's `shortenUrls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shorten_urls: Option<bool>,
    /// Whether recipients who opted out are left out, without a word: the response's `excludeOptouts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_optouts: Option<bool>,
    /// Whether a recipient who stands in the list twice is texted once: the response's
    /// `excludeDuplicates`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_duplicates: Option<bool>,
    /// Over how many hours the batch is spread: the response's `spreadHours`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_hours: Option<u64>,
    /// The entries that the response echoes, in order. An entry that is no object, or holds none of
    /// the known fields, is left out; a response without a list has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<BatchRecipient<'a>>,
}

impl<'a> Batch<'a> {
    /// A batch of which nothing but the id is known.
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
            recipients: mem::take(&mut fields.recipients)
                .into_iter()
                .map(BatchRecipient::from_wire)
                .collect(),
        }
    }

    /// The same batch, with text of its own: it outlives the body that it was decoded from.
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
            .field("id", &self.id)
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

/// An entry of a batch: one message to one recipient, as the response echoes it.
///
/// Every field may be missing. `Debug` shows the route, with seven or more digits consecutive starred;
/// of the other fields, which hold personal data, only whether they are present.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchRecipient<'a> {
    /// The sender that the recipient sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The number that the message goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The message's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// The caller's own reference, by which receipts and look-ups find the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The route that carries this message: the entry's `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
}

impl<'a> BatchRecipient<'a> {
    fn from_wire(entry: wire::BatchRecipient<'a>) -> Self {
        Self {
            originator: entry.originator,
            recipient: entry.recipient,
            text: entry.text,
            reference: entry.reference,
            route_id: entry.route_id,
        }
    }

    /// The same entry, with text of its own: it outlives the body that it was decoded from.
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
