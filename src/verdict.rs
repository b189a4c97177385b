//! What a response means: everything that decides stands here.

use alloc::{borrow::Cow, string::ToString};
use core::{fmt, mem};

use crate::{
    failure::{Failure, FailureKind},
    opt_out::is_opt_out_notice,
    wire::{Fields, Response, Value},
};

/// The id of what was accepted, or the failure.
pub(crate) fn classify<'a>(
    status: u16,
    response: &mut Response<'a>,
) -> Result<Cow<'a, str>, Failure<'a>> {
    let stated = body_code(&response.code);
    let code = effective_code(status, stated);
    let success = Success::of(&response.success);
    let denied = is_denied(&success, &response.error, stated);
    let refused = response.is_complete && success == Success::False;
    let (opted_out, text) = take_text(response);

    let (kind, id) = match (code, take_id(response)) {
        // 1. Nobody can tell. An outage of the provider's own opt-out store suppresses nobody.
        (0 | 500..=599, id) => (kind_for_code(code), id),

        // 2. The text says opted out, whatever else there is.
        (_, id) if opted_out => (FailureKind::OptedOut, id),

        // 3. The code refuses; a refusal that says success contradicts itself.
        (..=199 | 300.., id) if success == Success::True => (FailureKind::Unconfirmed, id),
        (..=199 | 300.., id) => (kind_for_code(code), id),

        // 4. Accepted: a complete response with an id, and nothing that denies it.
        (200..=299, Some(id)) if response.is_complete && !denied => return Ok(id),

        // 5. A clear refusal: a complete response whose success is false, without an id.
        (200..=299, None) if refused => (FailureKind::BadRequest, None),

        // 6. A fault, no id, or a denial beside one: nobody can tell.
        (200..=299, id) => (FailureKind::Unconfirmed, id),
    };
    let detail = text.unwrap_or(Cow::Borrowed(response.body_description));
    Err(Failure { status, code, kind, detail, id })
}

/// What a code alone stands for.
///
/// Mobivate's own words are quoted, from
/// <https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes>.
/// Where they are silent, [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#name-status-codes) speaks.
#[expect(clippy::match_same_arms, reason = "each row stands under its own source")]
const fn kind_for_code(code: u16) -> FailureKind {
    match code {
        // curl's `000`: no response.
        0 => FailureKind::NoResponse,

        // > Bad request - Some of the provided parameters were invalid.
        // 413 and 422 (RFC 9110) are about this one request too: too long, or not to be processed.
        400 | 413 | 422 => FailureKind::BadRequest,

        // > Unauthorized - API key is invalid or has expired.
        401 => FailureKind::Unauthorized,

        // > Out of Credit - Insufficient funds to send code.
        402 => FailureKind::OutOfCredit,

        // > Opted Out - Message blocked because recipient is opted out.
        // Only if the text says so: a missing permission, an invalid key and a firewall answer 403
        // as well.
        403 => FailureKind::Forbidden,

        // > Slow down - Rate limit exceeded.
        429 => FailureKind::RateLimited,

        // The answer is elsewhere, came too late, met the same request before, or the client had
        // left (nginx's 499): the message may have been accepted.
        303 | 408 | 409 | 499 => FailureKind::Unconfirmed,

        // A wrong address or method.
        300..=499 => FailureKind::Misconfigured,

        // > Internal error - We are experiencing a technical issue.
        // Nobody says at which point it failed: after acceptance, perhaps.
        500..=599 => FailureKind::ServerError,

        // A 2xx that is no success, an interim 1xx, or no HTTP status at all.
        1..=299 | 600.. => FailureKind::Unconfirmed,
    }
}

/// The code that a response is judged by: its own where that is in 400..=599, else the HTTP status. A
/// status of 0 or 5xx stands: nothing that the body names makes it certain what became of the
/// message.
fn effective_code(status: u16, stated: Option<i64>) -> u16 {
    match (status, stated.and_then(|code| u16::try_from(code).ok())) {
        (1..=499 | 600.., Some(stated @ 400..=599)) => stated,
        _ => status,
    }
}

/// The response's own `code`: an integer, an integral float, or a string of one to five digits.
fn body_code(code: &Value<'_>) -> Option<i64> {
    match code {
        Value::Unsigned(code) => Some(i64::try_from(*code).unwrap_or(i64::MAX)),
        Value::Integer(code) => Some(*code),
        // `parse` alone would read a sign, too.
        Value::Text(text) if text.len() <= 5 && text.bytes().all(|c| c.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// What the response's `success` says.
#[derive(PartialEq)]
enum Success {
    True,
    False,
    /// Null or absent.
    Silent,
    Neither,
}

impl Success {
    fn of(success: &Value<'_>) -> Self {
        match success {
            Value::Null => Self::Silent,
            Value::Bool(true) | Value::Unsigned(1) => Self::True,
            Value::Bool(false) | Value::Unsigned(0) => Self::False,
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Self::True,
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Self::False,
            _ => Self::Neither,
        }
    }
}

/// Whether something in a 2xx denies that it accepts: a `success` that is neither true nor null, an
/// `error` that is more than a placeholder, a `code` that is neither 0 nor 2xx.
fn is_denied(success: &Success, error: &Value<'_>, stated: Option<i64>) -> bool {
    let code_denies = stated.is_some_and(|code| !matches!(code, 0 | 200..=299));
    matches!(success, Success::False | Success::Neither) || is_error(error) || code_denies
}

fn is_error(error: &Value<'_>) -> bool {
    match error {
        Value::Null | Value::Bool(false) | Value::Unsigned(0) => false,
        Value::Text(text) => !text.is_empty(),
        Value::List { is_empty } | Value::Object { is_empty } => !is_empty,
        Value::Bool(true) | Value::Unsigned(_) | Value::Integer(_) | Value::Float => true,
    }
}

/// Whether `message` or `error` says opted out; and the first of them that does, else the first
/// that says anything.
fn take_text<'a>(response: &mut Response<'a>) -> (bool, Option<Cow<'a, str>>) {
    let text = |value: &mut Value<'a>| match mem::take(value) {
        Value::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    };
    match (text(&mut response.message), text(&mut response.error)) {
        (Some(message), _) if is_opt_out_notice(&message) => (true, Some(message)),
        (_, Some(error)) if is_opt_out_notice(&error) => (true, Some(error)),
        (message, error) => (false, message.or(error)),
    }
}

/// The id in the `record`, else the one at the top. White space and `0` are none.
fn take_id<'a>(response: &mut Response<'a>) -> Option<Cow<'a, str>> {
    let id = |fields: &mut Fields<'a>| {
        fields.id.take().filter(|id| !id.chars().all(char::is_whitespace) && id != "0")
    };
    response.record.as_mut().and_then(id).or_else(|| id(&mut response.top))
}

impl<'a> Failure<'a> {
    /// A failure with this code and this detail, of the kind that
    /// [`SendOutcome::decode`](crate::SendOutcome::decode) gives to a response that says no more: for
    /// tests, and for failures from elsewhere.
    ///
    /// ```
    /// # use mobivate_response::{Failure, FailureKind};
    /// assert_eq!(Failure::new(429, "Slow down").kind, FailureKind::RateLimited);
    /// assert_eq!(Failure::new(403, "Recipient is opted out").kind, FailureKind::OptedOut);
    /// ```
    pub fn new(code: u16, detail: impl Into<Cow<'a, str>>) -> Self {
        let detail = non_empty(detail.into(), "no detail given");
        let kind = match kind_for_code(code) {
            kind @ (FailureKind::NoResponse | FailureKind::ServerError) => kind,
            _ if is_opt_out_notice(&detail) => FailureKind::OptedOut,
            kind => kind,
        };
        Self { status: code, code, kind, detail, id: None }
    }

    /// The failure of a send that got no response.
    pub(crate) fn no_response(reason: impl fmt::Display) -> Failure<'static> {
        let detail = non_empty(reason.to_string().into(), "no reason given");
        Failure { status: 0, code: 0, kind: FailureKind::NoResponse, detail, id: None }
    }
}

fn non_empty<'a>(detail: Cow<'a, str>, otherwise: &'static str) -> Cow<'a, str> {
    if detail.is_empty() { Cow::Borrowed(otherwise) } else { detail }
}
