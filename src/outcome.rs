//! What became of a message.

use alloc::borrow::Cow;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, owned},
    redact::{Presence, Redacted},
    verdict::classify,
    wire::{Fields, Response},
};

/// What became of a message that was sent.
///
/// # Serde
///
/// The derived form, which loses nothing: `{"success":{"id":…,"route_id":…}}` or
/// `{"failure":{"status":403,"code":403,"kind":"opted_out","detail":…}}`. Absent fields are left
/// out, unknown ones are ignored, and what is read back owns its text. The format must be
/// self-describing and name its fields, as JSON and CBOR do; postcard is not such a format.
///
/// Unlike `Debug` and `Display`, the serialised form holds numbers and texts in full: do not log it.
///
/// ```
/// use mobivate_response::SendOutcome;
///
/// let outcome = SendOutcome::decode(200, br#"{"success":true,"record":{"id":"m-1"}}"#);
/// let queued = serde_json::to_string(&outcome)?;
/// assert_eq!(queued, r#"{"success":{"id":"m-1"}}"#);
/// let read: SendOutcome<'static> = serde_json::from_str(&queued)?;
/// assert_eq!(read, outcome);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome<'a> {
    /// Mobivate accepted the message.
    ///
    /// *Accepted is not sent*: a message to an opted-out number may be accepted with an id like any
    /// other, and then dropped without a word or a receipt (observed on the current host). What
    /// became of it, [`DeliveryStatus`](crate::DeliveryStatus) says.
    Success(Message<'a>),
    /// The message was refused, or nobody can tell: [`FailureKind::retry`] says which.
    ///
    /// [`FailureKind::retry`]: crate::FailureKind::retry
    Failure(Failure<'a>),
}

impl<'a> SendOutcome<'a> {
    /// What became of the message that was answered with this HTTP status and this body.
    ///
    /// It is total: any status and any bytes have exactly one outcome, without a panic, in time
    /// linear in the body. Both generations of the API are read: the flat record, and the current
    /// host's `{"success":true,"record":{…}}`.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Retry, SendOutcome};
    /// let accepted = SendOutcome::decode(200, br#"{"success":true,"record":{"id":"m-1"}}"#);
    /// assert!(accepted.success().is_some_and(|message| message.id == "m-1"));
    ///
    /// let html = SendOutcome::decode(502, b"<html><h1>Bad Gateway</h1></html>");
    /// let failure = html.failure().ok_or("accepted")?;
    /// assert_eq!((failure.code, failure.kind), (502, FailureKind::ServerError));
    /// assert_eq!(failure.kind.retry(), Retry::MayDuplicate);
    /// # Ok::<(), &str>(())
    /// ```
    ///
    /// # The verdict
    ///
    /// The *id* is the `record`'s, else the one at the top; white space and `0` are none. The *code*
    /// is the response's own `code` where that is in 400..=599, else the HTTP status; but a status of 0
    /// or 5xx stands, whatever the body names. The *text* is the first of `message` and `error` that
    /// says opted out, else the first of them that is a non-empty string. Then, in this order:
    ///
    /// 1. The code is 0 or 5xx, nobody can tell: [`NoResponse`], [`ServerError`].
    /// 2. The text says opted out: [`OptedOut`].
    /// 3. The code is not 2xx: [`Unconfirmed`] if `success` is true, for a refusal that says success
    ///    contradicts itself; else the kind that [the table](crate::FailureKind) gives to the code.
    /// 4. The response is complete, has an id, and nothing denies it: `Success`. What denies is a `success`
    ///    that is neither true nor null; an `error` other than null, `false`, `0`, `""`, `[]` and
    ///    `{}`; a `code` (a number without a fraction, or up to five digits as text) that is neither 0
    ///    nor 2xx.
    /// 5. The response is complete, `success` is false, and there is no id: [`BadRequest`].
    /// 6. Otherwise: [`Unconfirmed`].
    ///
    /// A text *says opted out* with the words "Recipient is opted out", in any case; "has", "was" or
    /// no verb will do, and `_` or `-` between the words. It says nothing after "if", "whether",
    /// "unless" or "no". So neither a missing permission, nor "Recipient has not opted out", nor the
    /// message's own text in the echo suppresses anyone.
    ///
    /// # Reading leniently
    ///
    /// Unknown keys, odd types, and invalid UTF-8 and half surrogate pairs in a text are no fault. Every value that
    /// was complete before a fault counts: a response that broke off keeps its id, its code and its text.
    /// But a faulty response is never a success.
    ///
    /// # Feeding it
    ///
    /// Any HTTP client will do that gives the status and the body's bytes. Write down that you are
    /// about to send, and then send: after a crash, such a message is looked up, not sent again.
    ///
    /// - An error before anything was sent (no address, a refused connection, a time limit for
    ///   connecting) *not sent*: send the same again after a wait, as
    ///   [`CircuitBreaker::record_not_sent`](crate::CircuitBreaker::record_not_sent) says. Count as such only what
    ///   certainly comes before the sending. In doubt, it is the next case.
    /// - Attempt, but no status came (a time limit, a reset), or the client lost it:
    ///   [`no_response`](Self::no_response). Pass on no status that the client or a proxy's refusal to
    ///   connect made up. curl's `000` is either of the two: its exit status tells.
    /// - A status came, but the body broke off: decode what arrived. Read the body piece by piece, for
    ///   a call that reads all of it may drop what it had.
    /// - Switch off what turns a 4xx into an error: it drops the body, and an opt-out reads as
    ///   [`Forbidden`].
    /// - Ask for no compression, unless the client unpacks it.
    /// - Switch off redirects: following one sends the message again, or lets another page answer for
    ///   it.
    /// - Switch off what sends a request again by itself.
    /// - Keep no idle connection longer than the provider does: a send on one that it has just closed
    ///   ends without an answer.
    /// - Limit the body: 64 KiB are plenty for a single send.
    /// - Decode answers to sends only. A record of the message history reads as a success.
    ///
    /// [`BadRequest`]: crate::FailureKind::BadRequest
    /// [`Forbidden`]: crate::FailureKind::Forbidden
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
        match classify(status, response) {
            Ok(id) => Self::Success(Message::described(id, response.described())),
            Err(failure) => Self::Failure(failure),
        }
    }

    /// The outcome of a request that was sent but got no response: a time limit, a reset connection.
    ///
    /// The message may be on its way. Where the request not sent, do not call this: it is safe to
    /// send again. The reason becomes the whole detail: leave out the URL where it holds a key (for
    /// reqwest, `error.without_url()`), and where an error's `Display` leaves out the cause, pass
    /// `format_args!("{error:?}")`.
    ///
    /// ```
    /// # use mobivate_response::{Retry, SendOutcome};
    /// let outcome = SendOutcome::no_response("operation timed out");
    /// let failure = outcome.failure().ok_or("accepted")?;
    /// assert_eq!(failure.kind.retry(), Retry::MayDuplicate);
    /// assert_eq!(failure.to_string(), "no response: operation timed out");
    /// # Ok::<(), &str>(())
    /// ```
    pub fn no_response(reason: impl fmt::Display) -> SendOutcome<'static> {
        SendOutcome::Failure(Failure::no_response(reason))
    }

    /// The accepted message, or the failure with text of its own, so that `?` works everywhere.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// fn id_of(status: u16, body: &[u8]) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    ///     let message = SendOutcome::decode(status, body).into_result()?;
    ///     Ok(message.id.into_owned())
    /// }
    /// assert_eq!(id_of(200, br#"{"id":"m-1"}"#)?, "m-1");
    /// let error = id_of(401, br#"{"code":401,"message":"Unauthorized"}"#).err();
    /// let shown = error.map(|error| error.to_string());
    /// assert_eq!(shown.as_deref(), Some("unauthorized (401): Unauthorized"));
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
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
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// let outcome = SendOutcome::decode(200, br#"{"id":"m-1","reference":"r-1"}"#);
    /// let reference = outcome.success().and_then(|message| message.reference.as_deref());
    /// assert_eq!(reference, Some("r-1"));
    /// ```
    #[must_use]
    pub fn success(&self) -> Option<&Message<'a>> {
        match self {
            Self::Success(message) => Some(message),
            Self::Failure(_) => None,
        }
    }

    /// The failure.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, SendOutcome};
    /// let outcome = SendOutcome::decode(401, b"");
    /// let kind = outcome.failure().map(|failure| failure.kind);
    /// assert_eq!(kind, Some(FailureKind::Unauthorized));
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<&Failure<'a>> {
        match self {
            Self::Success(_) => None,
            Self::Failure(failure) => Some(failure),
        }
    }

    /// Whether the message was accepted.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// assert!(SendOutcome::decode(200, br#"{"id":"m-1"}"#).is_success());
    /// assert!(!SendOutcome::decode(200, b"").is_success());
    /// ```
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success().is_some()
    }

    /// The same outcome, with text of its own: it outlives the body that it was decoded from.
    ///
    /// ```
    /// # use mobivate_response::SendOutcome;
    /// fn read(body: Vec<u8>) -> SendOutcome<'static> {
    ///     SendOutcome::decode(200, &body).into_owned()
    /// }
    /// assert!(read(br#"{"id":"m-1"}"#.to_vec()).is_success());
    /// ```
    pub fn into_owned(self) -> SendOutcome<'static> {
        match self {
            Self::Success(message) => SendOutcome::Success(message.into_owned()),
            Self::Failure(failure) => SendOutcome::Failure(failure.into_owned()),
        }
    }
}

impl<'a> From<Message<'a>> for SendOutcome<'a> {
    fn from(message: Message<'a>) -> Self {
        Self::Success(message)
    }
}

impl<'a> From<Failure<'a>> for SendOutcome<'a> {
    fn from(failure: Failure<'a>) -> Self {
        Self::Failure(failure)
    }
}

/// A message that Mobivate accepted, as the response describes it.
///
/// Every field but the id is the response's echo of the request: it may be missing, and it says
/// nothing about delivery. Text borrows from the body where it can: not where it needs unescaping,
/// nor from a body with bad UTF-8 or half a surrogate pair.
///
/// `Debug` shows the id as it is; the route, the campaign and the schedule, with seven or more
/// digits consecutive starred; and of the other fields, which hold personal data, only whether they
/// are present. The fields and `Serialize` give the full truth.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Mobivate's name for the message, in no fixed format: UUIDs, 32 hex digits, `proxied_…` and
    /// `batch-1` were all seen. Never empty when decoded.
    ///
    /// In the response: `record.id`, else the top-level `id`. For a batch it is the batch's id.
    pub id: Cow<'a, str>,
    /// The sender that the recipient sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator: Option<Cow<'a, str>>,
    /// The number that the message goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Cow<'a, str>>,
    /// The message's text: the response's `body`, else its `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'a, str>>,
    /// The route that carries the message, such as `mglobal`: the response's `routeId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<Cow<'a, str>>,
    /// The caller's own reference, by which receipts and look-ups find the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// The campaign that the message belongs to: the response's `campaignId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<Cow<'a, str>>,
    /// When the message is to go out, as the response puts it: such as `2026-09-04T09:00:00.000Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    /// A message of which nothing but the id is known.
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
        }
    }

    /// The same message, with text of its own: it outlives the body that it was decoded from.
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
