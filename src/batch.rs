//! The outcome of a batch: the same verdict on what `POST /send/batch` answers.

use alloc::{borrow::Cow, vec::Vec};
use core::{fmt, mem};

use serde::{Deserialize, Serialize};

use crate::{
    decode::{judge, no_response},
    failure::{Failure, FailureKind},
    outcome::{Label, owned},
    redact::{Count, Presence, Redacted},
    wire::{BATCH, Entry, Field, Reply},
};

/// What became of a batch that was sent.
///
/// The verdict, the failures and the serde form are those of [`SendOutcome`](crate::SendOutcome).
/// A single send's reply decodes to the same verdict and the same id, with no recipients; a batch's
/// reply given to `SendOutcome` likewise, and the message's id is the batch's then.
///
/// A refusal refuses the whole batch. [`FailureKind::OptedOut`] refuses it because of the one
/// recipient that it names: take that one out and send the rest, unless the failure has an id to
/// look the batch up by first. It never means that all of them opted out.
///
/// ```
/// # use mobivate_response::BatchOutcome;
/// let body = br#"{"id":"b-1","recipients":[{"recipient":"447700900123","reference":"r-1"}]}"#;
/// let outcome = BatchOutcome::decode(200, body);
/// let batch = outcome.success().unwrap();
/// assert_eq!(batch.id, "b-1");
/// assert_eq!(batch.recipients[0].reference.as_deref(), Some("r-1"));
/// ```
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", try_from = "Flat")]
pub enum BatchOutcome<'a> {
    /// Mobivate accepted the batch.
    ///
    /// *Accepted is not sent*: the entries echo the request, and neither they nor their number is a
    /// verdict. Recipients who opted out are filtered without a word. Receipts are matched by
    /// `reference`.
    Success(Batch<'a>),
    /// The batch was refused, or nobody can tell: [`FailureKind::retry`] says which.
    Failure(Failure<'a>),
}

impl<'a> BatchOutcome<'a> {
    /// What became of the batch that was answered with this HTTP status and this body.
    ///
    /// It is total, and takes time linear in the body. The list of recipients is one allocation, and
    /// its growth; a recipient is larger than the shortest entry that makes one, so limit the body
    /// before.
    pub fn decode(status: u16, body: &'a [u8]) -> Self {
        judge(status, body, |id, reply| Self::Success(batch(id, reply)), Self::Failure)
    }

    /// The outcome of a request that was sent but got no response; see
    /// [`SendOutcome::no_response`](crate::SendOutcome::no_response).
    pub fn no_response(reason: impl fmt::Display) -> BatchOutcome<'static> {
        BatchOutcome::Failure(no_response(reason))
    }

    /// The accepted batch, or the failure with text of its own, so that `?` works everywhere.
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
    #[must_use]
    pub fn success(&self) -> Option<&Batch<'a>> {
        match self {
            Self::Success(batch) => Some(batch),
            Self::Failure(_) => None,
        }
    }

    /// The failure.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure<'a>> {
        match self {
            Self::Success(_) => None,
            Self::Failure(failure) => Some(failure),
        }
    }

    /// Whether the batch was accepted.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success().is_some()
    }

    /// The same outcome, with text of its own: it outlives the body that it was decoded from.
    pub fn into_owned(self) -> BatchOutcome<'static> {
        match self {
            Self::Success(batch) => BatchOutcome::Success(batch.into_owned()),
            Self::Failure(failure) => BatchOutcome::Failure(failure.into_owned()),
        }
    }
}

/// A batch that Mobivate accepted, as the reply describes it.
///
/// Every field but the id is the reply's echo of the request, and may be missing. `Debug` shows how
/// many recipients there are, never who; seven or more digits in a row are starred outside the id.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch<'a> {
    /// Mobivate's name for the batch, not for a message; in no fixed format, never empty when
    /// decoded.
    pub id: Cow<'a, str>,
    /// The caller's name for the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// The route that carries the messages: the reply's `routeId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// When the batch is to go out: the reply's `scheduleDateTime`, else its `scheduled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
    /// How many recipients the reply states: its `recipientCount`, which Vortex gives instead of a
    /// list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u64>,
    /// Whether links in the texts are shortened: the reply's `shortenUrls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shorten_urls: Option<bool>,
    /// Whether recipients who opted out are left out, without a word: the reply's `excludeOptouts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_optouts: Option<bool>,
    /// Whether a recipient who stands in the list twice is texted once: the reply's
    /// `excludeDuplicates`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_duplicates: Option<bool>,
    /// Over how many hours the batch is spread: the reply's `spreadHours`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_hours: Option<u64>,
    /// The entries that the reply echoes, in order. An entry that is no object is left out; a reply
    /// without a list has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient<'a>>,
}

impl<'a> Batch<'a> {
    /// A batch of which nothing but the id is known.
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

    /// The same batch, with text of its own.
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
            recipients: self.recipients.into_iter().map(Recipient::into_owned).collect(),
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

/// An entry of a batch: one message to one recipient, as the reply echoes it.
///
/// Every field may be missing. `Debug` shows the route, with seven or more digits in a row starred;
/// of the other fields, which hold personal data, only whether they are present.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recipient<'a> {
    /// The sender that the recipient sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The number that the message goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The message's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    /// The caller's own reference, by which receipts and look-ups find the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The route that carries this message: the entry's `routeId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
}

impl Recipient<'_> {
    /// The same entry, with text of its own.
    #[must_use]
    pub fn into_owned(self) -> Recipient<'static> {
        Recipient {
            originator: self.originator.map(owned),
            recipient: self.recipient.map(owned),
            text: self.text.map(owned),
            reference: self.reference.map(owned),
            route_id: self.route_id.map(owned),
        }
    }
}

impl fmt::Debug for Recipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("originator", &Presence(self.originator.is_some()))
            .field("recipient", &Presence(self.recipient.is_some()))
            .field("text", &Presence(self.text.is_some()))
            .field("reference", &Presence(self.reference.is_some()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .finish()
    }
}

fn batch<'a>(id: Cow<'a, str>, reply: &mut Reply<'a, BATCH>) -> Batch<'a> {
    let fields = reply.accepted();
    Batch {
        id,
        name: fields.text(Field::Name),
        route_id: fields.text(Field::RouteId),
        scheduled: fields.text(Field::ScheduleDateTime).or_else(|| fields.text(Field::Scheduled)),
        recipient_count: fields.natural(Field::RecipientCount),
        shorten_urls: fields.bool(Field::ShortenUrls),
        exclude_optouts: fields.bool(Field::ExcludeOptouts),
        exclude_duplicates: fields.bool(Field::ExcludeDuplicates),
        spread_hours: fields.natural(Field::SpreadHours),
        recipients: mem::take(&mut fields.recipients).into_iter().map(recipient).collect(),
    }
}

fn recipient(mut entry: Entry<'_>) -> Recipient<'_> {
    Recipient {
        originator: entry.text(Field::Originator),
        recipient: entry.text(Field::Recipient),
        text: entry.text(Field::Text),
        reference: entry.text(Field::Reference),
        route_id: entry.text(Field::RouteId),
    }
}

/// The serialised form of an outcome, field by field; see that of `SendOutcome`.
#[derive(Deserialize)]
struct Flat {
    outcome: Label,
    id: Option<Cow<'static, str>>,
    name: Option<Cow<'static, str>>,
    route_id: Option<Cow<'static, str>>,
    scheduled: Option<Cow<'static, str>>,
    recipient_count: Option<u64>,
    shorten_urls: Option<bool>,
    exclude_optouts: Option<bool>,
    exclude_duplicates: Option<bool>,
    spread_hours: Option<u64>,
    #[serde(default)]
    recipients: Vec<Recipient<'static>>,
    status: Option<u16>,
    code: Option<u16>,
    kind: Option<FailureKind>,
    detail: Option<Cow<'static, str>>,
}

impl TryFrom<Flat> for BatchOutcome<'_> {
    type Error = &'static str;

    fn try_from(flat: Flat) -> Result<Self, Self::Error> {
        Ok(match flat.outcome {
            Label::Success => Self::Success(Batch {
                id: flat.id.ok_or("missing field `id`")?,
                name: flat.name,
                route_id: flat.route_id,
                scheduled: flat.scheduled,
                recipient_count: flat.recipient_count,
                shorten_urls: flat.shorten_urls,
                exclude_optouts: flat.exclude_optouts,
                exclude_duplicates: flat.exclude_duplicates,
                spread_hours: flat.spread_hours,
                recipients: flat.recipients,
            }),
            Label::Failure => Self::Failure(Failure::read(
                flat.status,
                flat.code,
                flat.kind,
                flat.detail,
                flat.id,
            )?),
        })
    }
}
