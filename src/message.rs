//! What became of a single message.

use alloc::borrow::Cow;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::owned,
    outcome::Outcome,
    redact::{Count, Presence, Redacted},
    verdict::classify,
    wire::{Fields, Response},
};

/// What became of a single message.
///
/// ```
/// use mobivate_response::SendOutcome;
///
/// match SendOutcome::decode(200, br#"{"id":"m-1"}"#) {
///     SendOutcome::Success(message) => assert_eq!(message.id, "m-1"),
///     SendOutcome::Failure(failure) => panic!("{failure}"),
/// }
/// ```
pub type SendOutcome<'a> = Outcome<'a, Message<'a>>;

impl<'a> SendOutcome<'a> {
    /// Decodes the response to a single send: its HTTP status, and its body's bytes.
    ///
    /// It is total: any status and any bytes have exactly one outcome, without a panic, in time
    /// linear in the body. It reads both APIs: the legacy one's flat record, and the current one's
    /// `{"success":true,"record":{…}}`. Decode responses to sends only: a record of the message log
    /// may read as a success.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Retry, SendOutcome};
    /// let accepted = SendOutcome::decode(200, br#"{"success":true,"record":{"id":"m-1"}}"#);
    /// assert!(accepted.success().is_some_and(|message| message.id == "m-1"));
    ///
    /// let page = SendOutcome::decode(502, b"<html><title>502 Bad Gateway</title>");
    /// let failure = page.failure().ok_or("accepted")?;
    /// assert_eq!((failure.code, failure.kind), (502, FailureKind::ServerError));
    /// assert_eq!(failure.detail, "502 Bad Gateway");
    /// assert_eq!(failure.retry(), Retry::MayDuplicate);
    /// # Ok::<(), &str>(())
    /// ```
    ///
    /// # The verdict
    ///
    /// The *id* is the `record`'s, else the one at the top; one of whitespace alone, or `0`, counts as
    /// absent. The *code* is the first of the top-level `code` and `status` that is in 400..=599, else
    /// the HTTP status; but an HTTP status of 0 or 5xx decides, whatever the body names. The *text* is
    /// the first of the [response's texts](#the-responses-texts) that is an [opt-out notice], else the
    /// first of them. Then, in this order:
    ///
    /// 1. The code is 0 or 5xx: the outcome is unknown, [`NoResponse`] or [`ServerError`].
    /// 2. The text is an opt-out notice: [`OptedOut`], or [`BatchOptedOut`] for a batch; but
    ///    [`Unconfirmed`] where rule 4 would accept, for such a response contradicts itself.
    /// 3. The code is not 2xx: [`Unconfirmed`] if `success` is true, for an error that says success
    ///    contradicts itself; else the kind that [the table](crate::FailureKind) gives to the code.
    /// 4. The response is complete, has an id, and nothing denies it: `Success`. What denies: a
    ///    `success` that is neither true nor null; an `error` or `errors` other than null, `false`,
    ///    `0`, `""`, `[]` and `{}`; a `code` that can be read and is neither 0 nor 2xx; a `status` of
    ///    the `record` (without a record, of the top) that
    ///    [`DeliveryStatus::from_name`](crate::DeliveryStatus::from_name) reads as failed.
    /// 5. The response is complete, `success` is false, and there is no id: [`BadRequest`].
    /// 6. Otherwise: [`Unconfirmed`].
    ///
    /// # The response's texts
    ///
    /// A JSON object has the texts of its `message`, `error`, `errors`, `detail` and `title`, in this
    /// order. A string is its own text, unless it is empty; the text of a list is that of its first
    /// element that has one; the text of an object is the first of its texts by the same five keys; at
    /// most three lists and objects deep. So `{"error":{"message":"…"}}`,
    /// `{"errors":[{"message":"…"}]}` and the problem details of [RFC 9457] have one.
    ///
    /// Any other body has one text at most, if it is UTF-8; a byte order mark and whitespace before it
    /// are skipped:
    ///
    /// - A page (it begins with `<`): what is between `<title>` and `</title>` in its first KiB.
    /// - A body of at most a KiB that begins with an ASCII letter and is not `true`, `false` or `null`:
    ///   the body itself. If seven or more digits follow its last letter, it ends at that letter, since
    ///   the number may be truncated.
    ///
    /// No other field is searched: a success echoes the message's own text.
    ///
    /// # Reading leniently
    ///
    /// - Unknown keys and unexpected types, invalid UTF-8 and lone surrogates (read as U+FFFD) are no
    ///   error. The last complete value of a repeated key counts.
    /// - What was read before a syntax error counts, too: a truncated response keeps its id, its code
    ///   and its text. But it is never a success.
    /// - A text field may be a non-negative integer: its digits are the text. `code` and `status` may
    ///   be an integer, an integral float, or up to five digits in a string; `success` may be `1`, `0`,
    ///   or `"true"` or `"false"` in any case.
    ///
    /// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
    /// [opt-out notice]: crate::OptedOutNumber#the-opt-out-notice
    /// [`BadRequest`]: crate::FailureKind::BadRequest
    /// [`BatchOptedOut`]: crate::FailureKind::BatchOptedOut
    /// [`NoResponse`]: crate::FailureKind::NoResponse
    /// [`OptedOut`]: crate::FailureKind::OptedOut
    /// [`ServerError`]: crate::FailureKind::ServerError
    /// [`Unconfirmed`]: crate::FailureKind::Unconfirmed
    pub fn decode(status: u16, body: &'a [u8]) -> Self {
        let mut response = Response::default();
        match response.read(body) {
            Ok(()) => Self::of(status, &mut response),
            Err(copy) => {
                SendOutcome::of(status, &mut Response::from_lossy(&copy, false)).into_owned()
            }
        }
    }

    fn of(status: u16, response: &mut Response<'a>) -> Self {
        let verdict = classify(status, response);
        verdict.map_or_else(Self::Failure, |id| Message::described(id, response.described()).into())
    }

    /// Converts into an owned value, which outlives the body.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// fn read(body: Vec<u8>) -> SendOutcome<'static> {
    ///     SendOutcome::decode(200, &body).into_owned()
    /// }
    /// assert!(read(br#"{"id":"m-1"}"#.to_vec()).is_success());
    /// ```
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
/// Every field but the id describes the request: it may be missing, and it says nothing about delivery.
/// The word in brackets says how well it is known: see [Terms](crate#terms).
///
/// A field borrows from the body, unless it needs unescaping or is a number there, or the body holds
/// invalid UTF-8 or a lone surrogate.
///
/// `Debug` is [redacted](crate#logs): it shows the id, the route, the campaign, the schedule and the
/// count, and of the other fields only whether they are present.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Mobivate's id, opaque: UUIDs, 32 hex digits and `batch-1` are documented, `proxied_…` was
    /// observed. Never empty when decoded.
    ///
    /// In the response: `record.id`, else the top-level `id`. In the response to a batch it is the
    /// batch's.
    pub id: Cow<'a, str>,
    /// The sender ID, which the recipient sees (documented).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The phone number that the message goes to (documented).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The message's text: the response's `body` (documented), else its `text` (observed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
    /// The route that carries the message, such as `mglobal`: the response's `routeId` (documented).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// The client reference, by which delivery receipts and lookups are matched (documented).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The campaign that the message belongs to: the response's `campaignId` (documented).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<Cow<'a, str>>,
    /// When the message is to be sent, as the response writes it, such as `2026-09-04T09:00:00.000Z`
    /// (observed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
    /// How many recipients the response states: its `recipientCount` (observed). If it is not 1, alert
    /// an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_count: Option<u64>,
}

impl<'a> Message<'a> {
    /// Creates a message of which only the id is known.
    ///
    /// ```
    /// # use mobivate_response::{Message, SendOutcome};
    /// let outcome = SendOutcome::decode(200, br#"{"id":"m-1"}"#);
    /// assert_eq!(outcome, SendOutcome::from(Message::new("m-1")));
    /// ```
    pub fn new(id: impl Into<Cow<'a, str>>) -> Self {
        Self::described(id.into(), &mut Fields::default())
    }

    fn described(id: Cow<'a, str>, fields: &mut Fields<'a>) -> Self {
        Self {
            id,
            originator: fields.originator.take(),
            recipient: fields.recipient.take(),
            body: fields.body.take().or_else(|| fields.text.take()),
            route_id: fields.route_id.take(),
            reference: fields.reference.take(),
            campaign_id: fields.campaign_id.take(),
            scheduled: fields.scheduled.take(),
            recipient_count: fields.recipient_count,
        }
    }

    /// Converts into an owned value, which outlives the body.
    ///
    /// ```
    /// # use mobivate_response::Message;
    /// let id = String::from("m-1");
    /// let message: Message<'static> = Message::new(&*id).into_owned();
    /// assert_eq!(message.id, id);
    /// ```
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
            .field("originator", &Presence(self.originator.is_some()))
            .field("recipient", &Presence(self.recipient.is_some()))
            .field("body", &Presence(self.body.is_some()))
            .field("route_id", &self.route_id.as_deref().map(Redacted::token))
            .field("reference", &Presence(self.reference.is_some()))
            .field("campaign_id", &self.campaign_id.as_deref().map(Redacted::token))
            .field("scheduled", &self.scheduled.as_deref().map(Redacted::token))
            .field("recipient_count", &self.recipient_count.map(Count))
            .finish()
    }
}
