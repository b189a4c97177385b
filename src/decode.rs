//! Weighs what the reply says and builds the outcome.

use alloc::{borrow::Cow, string::ToString};
use core::fmt;

use crate::{
    classify,
    failure::{Failure, FailureKind},
    opt_out::says_opted_out,
    outcome::{Message, SendOutcome},
    wire::{Field, MESSAGE, Reply},
};

impl<'a> SendOutcome<'a> {
    /// What became of the message that was answered with this HTTP status and this body.
    ///
    /// It is total: any status and any bytes have exactly one outcome, without a panic, in time
    /// linear in the body. Both generations of the API are read: the flat record and Vortex's
    /// `{"success":true,"record":{…}}`.
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, Retry, SendOutcome};
    /// let accepted = SendOutcome::decode(200, br#"{"success":true,"record":{"id":"m-1"}}"#);
    /// assert_eq!(accepted.success().unwrap().id, "m-1");
    ///
    /// let html = SendOutcome::decode(502, b"<html><h1>Bad Gateway</h1></html>");
    /// let failure = html.failure().unwrap();
    /// assert_eq!((failure.code, failure.kind), (502, FailureKind::ServerError));
    /// assert_eq!(failure.kind.retry(), Retry::MayDuplicate);
    /// ```
    pub fn decode(status: u16, body: &'a [u8]) -> Self {
        judge(status, body, |id, reply| Self::Success(message(id, reply)), Self::Failure)
    }

    /// The outcome of a request that was sent but got no response: a time-out, a reset connection.
    ///
    /// The message may be on its way. Where the request was never sent (no connection), do not call
    /// this: it is safe to send again. The reason becomes the detail; where an error's `Display`
    /// leaves out the cause, as reqwest's does, pass `format_args!("{error:?}")`.
    ///
    /// ```
    /// # use mobivate_response::{Retry, SendOutcome};
    /// let outcome = SendOutcome::no_response("operation timed out");
    /// let failure = outcome.failure().unwrap();
    /// assert_eq!(failure.kind.retry(), Retry::MayDuplicate);
    /// assert_eq!(failure.to_string(), "no response (0): operation timed out");
    /// ```
    pub fn no_response(reason: impl fmt::Display) -> SendOutcome<'static> {
        SendOutcome::Failure(no_response(reason))
    }
}

impl<'a> Failure<'a> {
    /// A failure with this code and detail, of the kind that [`SendOutcome::decode`] gives to a
    /// reply that says no more: for tests and for failures from elsewhere.
    pub fn new(code: u16, detail: impl Into<Cow<'a, str>>) -> Self {
        let detail = non_empty(detail.into(), "no detail given");
        let opted_out = says_opted_out(&detail);
        let kind = if opted_out { FailureKind::OptedOut } else { classify::kind(code) };
        Self { status: code, code, kind, detail, id: None }
    }
}

pub(crate) fn no_response(reason: impl fmt::Display) -> Failure<'static> {
    let detail = non_empty(reason.to_string().into(), "no reason given");
    Failure { status: 0, code: 0, kind: FailureKind::NoResponse, detail, id: None }
}

/// The verdict: what `success` makes of an accepted reply, or `failure` of a failure.
pub(crate) fn judge<'a, T, const N: usize>(
    status: u16,
    body: &'a [u8],
    success: impl FnOnce(Cow<'a, str>, &mut Reply<'a, N>) -> T,
    failure: impl FnOnce(Failure<'a>) -> T,
) -> T {
    const TEXTS: [Field; 2] = [Field::Message, Field::Error];
    let mut reply = Reply::default();
    reply.read(body);
    let (said, succeeded) = (reply.code(), reply.success());
    let code = said
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| matches!(code, 400..=599))
        .unwrap_or(status);
    let opted_out = TEXTS.iter().find(|text| reply.words(**text).is_some_and(says_opted_out));
    let denied = succeeded == Some(false)
        || reply.has_error()
        || !matches!(said, None | Some(0 | 200..=299));

    let (kind, id) = match (opted_out, code, reply.id()) {
        (Some(_), _, id) => (FailureKind::OptedOut, id),
        (None, 200..=299, Some(id)) if !denied => return success(id, &mut reply),
        (None, 200..=299, None) if succeeded == Some(false) => (FailureKind::BadRequest, None),
        (None, _, id) => (classify::kind(code), id),
    };
    let text = opted_out.or_else(|| TEXTS.iter().find(|text| reply.words(**text).is_some()));
    let detail = text.and_then(|text| reply.take_words(*text));
    let detail = detail.unwrap_or(Cow::Borrowed(reply.nature));
    failure(Failure { status, code, kind, detail, id })
}

fn message<'a>(id: Cow<'a, str>, reply: &mut Reply<'a, MESSAGE>) -> Message<'a> {
    let fields = reply.accepted();
    Message {
        id,
        originator: fields.text(Field::Originator),
        recipient: fields.text(Field::Recipient),
        body: fields.text(Field::Body).or_else(|| fields.text(Field::Text)),
        route_id: fields.text(Field::RouteId),
        reference: fields.text(Field::Reference),
        campaign_id: fields.text(Field::CampaignId),
        scheduled: fields.text(Field::Scheduled),
    }
}

fn non_empty<'a>(detail: Cow<'a, str>, otherwise: &'static str) -> Cow<'a, str> {
    if detail.is_empty() { Cow::Borrowed(otherwise) } else { detail }
}
