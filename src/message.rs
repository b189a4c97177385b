//! The accepted message, and the outcome of a single send.

use alloc::borrow::Cow;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::owned,
    outcome::Outcome,
    redact::{Redacted, presence},
};

/// The outcome of a single send.
///
/// ```
/// use mobivate_response::SendOutcome;
///
/// match SendOutcome::decode(200, br#"{"id":"m-1"}"#) {
///     SendOutcome::Success(message) => assert_eq!(message.id, "m-1"),
///     SendOutcome::Failure(failure) => panic!("{failure}"),
/// }
/// ```
///
/// # How an outcome is decided
///
/// A response is *complete* if its body is one JSON object and nothing else. The *id* is that of the
/// `record`, or else the one at the top. The *code* is the first of the
/// top-level `code` and `status` that is in 400..=599, or else the HTTP status. But an HTTP status of
/// 0 or 5xx stands, whatever the body says. The *error message* is the first of the response's [error
/// messages](#error-messages) that is an [opt-out notice], or else the first of them. The first of
/// these rules that applies decides:
///
/// 1. If the code is 2xx, and the response is complete, has an id, and shows no sign of failure, it's
///    a `Success`. But if its error message is an opt-out notice, it contradicts itself and is
///    [`Unconfirmed`].
/// 2. If the code is 0 or 5xx, the outcome is unknown: [`NoResponse`] or [`ServerError`]. So an outage
///    of Mobivate's opt-out store doesn't suppress anyone.
/// 3. If the error message is an opt-out notice, it's [`OptedOut`], or [`BatchOptedOut`] for a batch.
/// 4. If the code isn't 2xx, the kind is the one in [the table](crate::FailureKind). But if `success`
///    is true, the response contradicts itself and is [`Unconfirmed`].
/// 5. If the response to a single send is complete, `success` is false, and there's no id, it's a
///    [`BadRequest`]. A batch may have been accepted in part.
/// 6. Otherwise, it's [`Unconfirmed`].
///
/// Each of these is a sign of failure:
///
/// - a `success` other than true and null
/// - an `error` or `errors` other than null, `false`, the number `0`, `""`, `[]`, and `{}`
/// - a readable `code` other than 0 and 2xx
/// - a `status` that [`DeliveryStatus::from_name`](crate::DeliveryStatus::from_name) reads as failed, in
///   the `record` or, without a record, at the top
///
/// # Error messages
///
/// A JSON object's error messages are in its `message`, `error`, `errors`, `detail`, and `title`, in
/// this order. Each key may also begin with a capital letter. A non-empty string is the message
/// itself. A list's is that of its first element that has one, and an object's is the first of its own
/// by the same five keys, at most three lists and objects deep. So `{"error":{"message":"…"}}` has
/// one, and so have the problem details of [RFC 9457]. No other field is searched, because a success
/// echoes the text that you sent.
///
/// The detail of a failure is the error message. If the body isn't a JSON object, the detail is the
/// title of a page or a short plain text, which is never an opt-out notice. Otherwise it describes the
/// body, such as `empty body`, `HTML page`, or `truncated JSON`.
///
/// # Lenient reading
///
/// - Values before a syntax error count, so a truncated response keeps its id, code, and error
///   message. But it's never a success.
/// - Unknown keys and unexpected types are ignored. Invalid UTF-8 and lone surrogates are read as
///   U+FFFD. The last complete value of a repeated key counts.
/// - A text field may be a non-negative integer. `code` and `status` may be an integer, an integral
///   float, or up to five digits in a string. `success` may be `1`, `0`, or `"true"` or `"false"` in
///   any case. An id that's empty, whitespace, or `0` counts as absent.
///
/// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
/// [opt-out notice]: crate::OptedOutNumber
/// [`BadRequest`]: crate::FailureKind::BadRequest
/// [`BatchOptedOut`]: crate::FailureKind::BatchOptedOut
/// [`NoResponse`]: crate::FailureKind::NoResponse
/// [`OptedOut`]: crate::FailureKind::OptedOut
/// [`ServerError`]: crate::FailureKind::ServerError
/// [`Unconfirmed`]: crate::FailureKind::Unconfirmed
pub type SendOutcome<'a> = Outcome<'a, Message<'a>>;

impl SendOutcome<'_> {
    /// Converts into an owned value, which outlives the body.
    pub fn into_owned(self) -> SendOutcome<'static> {
        self.map(Message::into_owned)
    }
}

impl<'a> From<Message<'a>> for SendOutcome<'a> {
    fn from(message: Message<'a>) -> Self {
        Self::Success(message)
    }
}

/// A message that Mobivate accepted, as the response describes it.
///
/// All fields but the id repeat your request, and any of them may be missing. The legacy API
/// documents them unless noted otherwise. Both APIs leave fields out, and the current one wraps them
/// in a `record`.
///
/// `Debug` shows the id, the route, the campaign, the time, and the count. For the other fields it
/// shows only whether they're present.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Mobivate's id of the message. It has no fixed format.
    ///
    /// Examples are a UUID, 32 hexadecimal digits, and `proxied_…` with a timestamp (observed).
    pub id: Cow<'a, str>,
    /// The sender ID that the recipient sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The phone number that the message goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The text of the message, from `body` or else from `text` (observed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
    /// The route that carries the message, from `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// Your client reference, by which you match receipts and lookups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The campaign that the message belongs to, from `campaignId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<Cow<'a, str>>,
    /// When the message is to be sent (observed in a batch of the current API).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
    /// The number of recipients, from `recipientCount` (observed in a batch of the current API).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u64>,
}

impl<'a> Message<'a> {
    /// Creates a message that has only an id.
    ///
    /// ```
    /// # use mobivate_response::{Message, SendOutcome};
    /// let outcome = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
    /// assert_eq!(outcome, SendOutcome::from(Message::new("m-1")));
    /// ```
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
            recipient_count: None,
        }
    }

    /// Converts into an owned value, which outlives the body.
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
            recipient_count: self.recipient_count,
        }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &Redacted::id(&self.id))
            .field("originator", &presence(self.originator.as_deref()))
            .field("recipient", &presence(self.recipient.as_deref()))
            .field("body", &presence(self.body.as_deref()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .field("reference", &presence(self.reference.as_deref()))
            .field("campaign_id", &self.campaign_id.as_deref().map(Redacted::token))
            .field("scheduled", &self.scheduled.as_deref().map(Redacted::token))
            .field("recipient_count", &self.recipient_count)
            .finish()
    }
}
