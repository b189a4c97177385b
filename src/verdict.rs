//! Decides the outcome of a response.

use alloc::borrow::Cow;

use crate::{
    batch::BatchOutcome,
    delivery::DeliveryStatus,
    failure::{Failure, FailureKind},
    message::SendOutcome,
    opt_out::number_in_notice,
    outcome::Outcome,
    wire::{Fields, Response, Value},
};

impl<'a> SendOutcome<'a> {
    /// Decodes the response to a single send.
    ///
    /// Any status and any bytes have an outcome, in time linear in the body and without a panic. If
    /// the body is truncated, pass what arrived. Don't use it on other responses: a record of the
    /// message log may read as a success.
    ///
    /// The rules are documented at [`SendOutcome`](crate::SendOutcome).
    ///
    /// ```
    /// # use mobivate_response::{FailureKind, SendOutcome};
    /// let accepted = SendOutcome::decode(200, br#"{"success":true,"record":{"id":"m-1"}}"#);
    /// assert!(accepted.success().is_some_and(|message| message.id == "m-1"));
    ///
    /// let page = SendOutcome::decode(502, b"<html><title>502 Bad Gateway</title>");
    /// let failure = page.failure().ok_or("accepted")?;
    /// assert_eq!((failure.code, failure.kind), (502, FailureKind::ServerError));
    /// assert_eq!(failure.detail, "502 Bad Gateway");
    /// # Ok::<(), &str>(())
    /// ```
    pub fn decode(status: u16, body: &'a [u8]) -> Self {
        let mut response = Response::new();
        response.read(body);
        match response.repaired(body) {
            None => decide(status, &mut response, false),
            Some(copy) => SendOutcome::decode(status, copy.as_bytes()).into_owned(),
        }
    }
}

impl<'a> BatchOutcome<'a> {
    /// Decodes the response to a batch, with its recipients.
    ///
    /// Limit the body. A response to 1,000 recipients is about 100 KB without their texts, and
    /// reading it takes at most 40 times as much memory as the body.
    ///
    /// Don't use it on the response to a single send, whose opt-out notice would become a
    /// [`BatchOptedOut`](FailureKind::BatchOptedOut).
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
        let mut response = Response::new();
        response.read(body);
        match response.repaired(body) {
            None => decide(status, &mut response, true),
            Some(copy) => {
                drop(response); // its recipients
                BatchOutcome::decode(status, copy.as_bytes()).into_owned()
            }
        }
    }
}

fn decide<'a, T: Fields<'a>>(
    status: u16,
    response: &mut Response<'a, T>,
    is_batch: bool,
) -> Outcome<'a, T> {
    let code = effective_code(status, response);
    let success = truth(&response.success);
    let id = response.take_id();
    let notice = response.error_messages().find(|text| number_in_notice(text).is_some());

    // 1. Accepted. Beside an opt-out notice, the response contradicts itself.
    let is_accepted = matches!(code, 200..=299)
        && response.is_complete
        && id.is_some()
        && !shows_failure(response);
    if is_accepted && notice.is_none() {
        return Outcome::Success(response.take_accepted(id.unwrap_or_default()));
    }
    let kind = match code {
        _ if is_accepted => FailureKind::Unconfirmed,

        // 2. Unknown. An outage of Mobivate's opt-out store doesn't suppress anyone.
        0 | 500..=599 => kind_of(code),

        // 3. An opt-out notice.
        _ if notice.is_some() && is_batch => FailureKind::BatchOptedOut,
        _ if notice.is_some() => FailureKind::OptedOut,

        // 4. An error. If it says success, it contradicts itself.
        ..=199 | 300.. if success == Some(true) => FailureKind::Unconfirmed,
        ..=199 | 300.. => kind_of(code),

        // 5. Rejected. A batch may have been accepted in part.
        _ if !is_batch && response.is_complete && success == Some(false) && id.is_none() => {
            FailureKind::BadRequest
        }

        // 6. Truncated, malformed, without an id, or with a sign of failure beside one.
        _ => FailureKind::Unconfirmed,
    };
    let text = notice.or_else(|| response.error_messages().next());
    let detail = text.cloned().unwrap_or(Cow::Borrowed(response.description));
    Outcome::Failure(Failure { status, code, kind, detail, id })
}

/// The kind that a code alone stands for, in the words of Mobivate's [table of codes] and otherwise by
/// RFC 9110.
///
/// [table of codes]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes
#[expect(clippy::match_same_arms, reason = "each row is below its own source")]
const fn kind_of(code: u16) -> FailureKind {
    match code {
        0 => FailureKind::NoResponse,

        // > Bad request - Some of the provided parameters were invalid.
        // By RFC 9110, this request is too long (413) or can't be processed (422).
        400 | 413 | 422 => FailureKind::BadRequest,

        // > Unauthorized - API key is invalid or has expired.
        401 => FailureKind::Unauthorized,

        // > Out of Credit - Insufficient funds to send code.
        402 => FailureKind::OutOfCredit,

        // > Opted Out - Message blocked because recipient is opted out.
        // A missing permission, an invalid key, and a firewall are 403 as well.
        403 => FailureKind::Forbidden,

        // > Slow down - Rate limit exceeded.
        429 => FailureKind::RateLimited,

        // Servers redirect a form that they have carried out (302, 303) and negotiate after the
        // handler ran (406). The client was slow or had left (408, a proxy's 460 and 499), or the same
        // request came before (409).
        302 | 303 | 406 | 408 | 409 | 460 | 499 => FailureKind::Unconfirmed,

        // A wrong URL or method, or another redirect.
        300..=499 => FailureKind::Misconfigured,

        // > Internal error - We are experiencing a technical issue.
        500..=599 => FailureKind::ServerError,

        // An interim response (1xx), or no HTTP status at all.
        1..=299 | 600.. => FailureKind::Unconfirmed,
    }
}

/// The HTTP status, unless the body has an error code. An HTTP status of 0 or 5xx stands, because the
/// outcome is unknown whatever the body says.
fn effective_code<T>(status: u16, response: &Response<'_, T>) -> u16 {
    if matches!(status, 0 | 500..=599) {
        return status;
    }
    let codes = [&response.code, &response.top.status].into_iter().filter_map(body_code);
    let mut codes = codes.filter_map(|code| u16::try_from(code).ok());
    codes.find(|code| matches!(code, 400..=599)).unwrap_or(status)
}

/// A code in the body: an integer, an integral float, or a string of one to five digits.
fn body_code(code: &Value<'_>) -> Option<i64> {
    match code {
        Value::Unsigned(code) => Some(i64::try_from(*code).unwrap_or(i64::MAX)),
        Value::Integer(code) => Some(*code),
        // `parse` alone would also read a sign.
        Value::Text(text) if text.len() <= 5 && text.bytes().all(|c| c.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// The value of `success`, if it's true or false.
fn truth(success: &Value<'_>) -> Option<bool> {
    match success {
        Value::Bool(value) => Some(*value),
        Value::Unsigned(number @ 0..=1) => Some(*number == 1),
        Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn shows_failure<'a, T: Fields<'a>>(response: &Response<'a, T>) -> bool {
    let part = response.record.as_ref().unwrap_or(&response.top);
    let has_failed = |name: &str| DeliveryStatus::from_name(name).failure_kind().is_some();
    !matches!(response.success, Value::Null) && truth(&response.success) != Some(true)
        || response.has_error()
        || body_code(&response.code).is_some_and(|code| !matches!(code, 0 | 200..=299))
        || matches!(&part.status, Value::Text(name) if has_failed(name))
}
