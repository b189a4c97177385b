//! The vocabulary: what became of a message, and what a failure asks for next.

use alloc::borrow::Cow;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, FailureKind},
    redact::{Presence, Redacted},
};

/// What became of a message that was sent.
///
/// # Serde
///
/// The form is flat and loses nothing: `{"outcome":"success","id":…,"route_id":…}` or
/// `{"outcome":"failure","status":403,"code":403,"kind":"opted_out","detail":…}`. Absent fields are
/// left out, unknown ones are ignored, and what is read back owns its text. The format must be
/// self-describing and name its fields, as JSON and CBOR do; postcard is not such a format.
///
/// Unlike `Debug` and `Display`, the serialised form holds numbers and texts in full: do not log it.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", try_from = "Flat")]
pub enum SendOutcome<'a> {
    /// Mobivate accepted the message.
    ///
    /// *Accepted is not sent*: a message to an opted-out number may be accepted with an id like any
    /// other and then be dropped without a word or a receipt (observed on Vortex). Only the message
    /// history tells.
    Success(Message<'a>),
    /// The message was refused, or nobody can tell: [`FailureKind::retry`] says which.
    Failure(Failure<'a>),
}

impl<'a> SendOutcome<'a> {
    /// The accepted message, or the failure with text of its own, so that `?` works everywhere.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// fn id_of(status: u16, body: &[u8]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    ///     let message = SendOutcome::decode(status, body).into_result()?;
    ///     Ok(message.id.into_owned())
    /// }
    /// assert_eq!(id_of(200, br#"{"id":"m-1"}"#).unwrap(), "m-1");
    /// let error = id_of(401, br#"{"code":401,"message":"Unauthorized"}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "unauthorized (401): Unauthorized");
    /// ```
    ///
    /// # Errors
    ///
    /// The [`Failure`], if the outcome is one.
    pub fn into_result(self) -> Result<Message<'a>, Failure<'static>> {
        match self {
            Self::Success(message) => Ok(message),
            Self::Failure(failure) => Err(failure.into_owned()),
        }
    }

    /// The accepted message.
    #[must_use]
    pub fn success(&self) -> Option<&Message<'a>> {
        match self {
            Self::Success(message) => Some(message),
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

    /// Whether the message was accepted.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success().is_some()
    }

    /// The same outcome, with text of its own: it outlives the body that it was decoded from.
    pub fn into_owned(self) -> SendOutcome<'static> {
        match self {
            Self::Success(message) => SendOutcome::Success(message.into_owned()),
            Self::Failure(failure) => SendOutcome::Failure(failure.into_owned()),
        }
    }
}

/// A message that Mobivate accepted, as the reply describes it.
///
/// Every field but the id is the reply's echo of the request: it may be missing, and it says
/// nothing about delivery. Text borrows from the body wherever it needs no unescaping.
///
/// `Debug` shows the id as it is; the route, the campaign and the schedule, with seven or more
/// digits in a row starred; and of the other fields, which hold personal data, only whether they
/// are present. The fields and `Serialize` give the full truth.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Mobivate's name for the message, in no fixed format: UUIDs, 32 hex digits, `proxied_…` and
    /// `batch-1` were all observed. Never empty when decoded.
    ///
    /// In the reply: `record.id`, else the top-level `id`. For a batch it is the batch's id.
    pub id: Cow<'a, str>,
    /// The sender that the recipient sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The number that the message goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The message's text: the reply's `body`, else its `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
    /// The route that carries the message, such as `mglobal`: the reply's `routeId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// The caller's own reference, by which receipts and look-ups find the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The campaign that the message belongs to: the reply's `campaignId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<Cow<'a, str>>,
    /// When the message is to go out, as the reply puts it: such as `2026-09-04T09:00:00.000Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    /// A message of which nothing but the id is known.
    pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
        Self {
            id: id.into(),
            originator: None,
            recipient: None,
            body: None,
            route_id: None,
            reference: None,
            campaign_id: None,
            scheduled: None,
        }
    }

    /// The same message, with text of its own.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        Message {
            id: owned(self.id),
            originator: self.originator.map(owned),
            recipient: self.recipient.map(owned),
            body: self.body.map(owned),
            route_id: self.route_id.map(owned),
            reference: self.reference.map(owned),
            campaign_id: self.campaign_id.map(owned),
            scheduled: self.scheduled.map(owned),
        }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("originator", &Presence(self.originator.is_some()))
            .field("recipient", &Presence(self.recipient.is_some()))
            .field("body", &Presence(self.body.is_some()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .field("reference", &Presence(self.reference.is_some()))
            .field("campaign_id", &self.campaign_id.as_deref().map(Redacted::token))
            .field("scheduled", &self.scheduled.as_deref().map(Redacted::token))
            .finish()
    }
}

pub(crate) fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

/// The serialised form of an outcome, field by field.
///
/// A derived tagged enum would buffer the numbers, and lose them where another crate of the build
/// switches on `serde_json`'s `arbitrary_precision`.
#[derive(Deserialize)]
struct Flat {
    outcome: Label,
    id: Option<Cow<'static, str>>,
    originator: Option<Cow<'static, str>>,
    recipient: Option<Cow<'static, str>>,
    body: Option<Cow<'static, str>>,
    route_id: Option<Cow<'static, str>>,
    reference: Option<Cow<'static, str>>,
    campaign_id: Option<Cow<'static, str>>,
    scheduled: Option<Cow<'static, str>>,
    status: Option<u16>,
    code: Option<u16>,
    kind: Option<FailureKind>,
    detail: Option<Cow<'static, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Label {
    Success,
    Failure,
}

impl TryFrom<Flat> for SendOutcome<'_> {
    type Error = &'static str;

    fn try_from(flat: Flat) -> Result<Self, Self::Error> {
        Ok(match flat.outcome {
            Label::Success => Self::Success(Message {
                id: flat.id.ok_or("missing field `id`")?,
                originator: flat.originator,
                recipient: flat.recipient,
                body: flat.body,
                route_id: flat.route_id,
                reference: flat.reference,
                campaign_id: flat.campaign_id,
                scheduled: flat.scheduled,
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
