//! What a response means: everything that decides.

use alloc::{borrow::Cow, string::ToString};
use core::fmt;

use crate::{
    delivery::DeliveryStatus,
    failure::{Failure, FailureKind},
    opt_out::is_opt_out_notice,
    wire::{Fields, Response, Value},
};

/// The id of what was accepted, or the failure.
pub(crate) fn classify<'a>(
    status: u16,
    response: &mut Response<'a>,
) -> Result<Cow<'a, str>, Failure<'a>> {
    let code = effective_code(status, response);
    let success = Success::of(&response.success);
    let id = take_id(response);
    let notice = response.texts.in_order().find(|text| is_opt_out_notice(text));
    let accepts = matches!(code, 200..=299)
        && response.is_complete
        && id.is_some()
        && !is_denied(&success, response);

    let (kind, id) = match (code, id) {
        // 1. The outcome is unknown. An outage of the provider's own opt-out store suppresses nobody.
        (0 | 500..=599, id) => (kind_for_code(code), id),

        // 2. An opt-out notice, whatever `success` says; but where rule 4 would accept, the response
        // contradicts itself.
        (_, id) if notice.is_some() && accepts => (FailureKind::Unconfirmed, id),
        (_, id) if notice.is_some() && response.is_batch => (FailureKind::BatchOptedOut, id),
        (_, id) if notice.is_some() => (FailureKind::OptedOut, id),

        // 3. The code is an error; one that says success contradicts itself.
        (..=199 | 300.., id) if success == Success::True => (FailureKind::Unconfirmed, id),
        (..=199 | 300.., id) => (kind_for_code(code), id),

        // 4. Accepted: complete, with an id, and nothing denies it.
        (200..=299, Some(id)) if accepts => return Ok(id),

        // 5. A clear rejection: complete, its success is false, and there is no id.
        (200..=299, None) if response.is_complete && success == Success::False => {
            (FailureKind::BadRequest, None)
        }

        // 6. Truncated, malformed, without an id, or a denial beside one: unknown.
        (200..=299, id) => (FailureKind::Unconfirmed, id),
    };
    let text = notice.or_else(|| response.texts.in_order().next());
    let detail = text.cloned().unwrap_or(Cow::Borrowed(response.body_description));
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
        // Only if the text says so: a missing permission, an invalid key and a firewall are 403
        // as well.
        403 => FailureKind::Forbidden,

        // > Slow down - Rate limit exceeded.
        429 => FailureKind::RateLimited,

        // Servers have long responded 302 and 303 to a form that they carried out; a framework
        // negotiates (406) after its handler ran; the client was too slow or had left (408, a proxy's
        // 460 and 499); the same request came before (409).
        302 | 303 | 406 | 408 | 409 | 460 | 499 => FailureKind::Unconfirmed,

        // A wrong URL or method, or another redirect.
        300..=499 => FailureKind::Misconfigured,

        // > Internal error - We are experiencing a technical issue.
        // It is unknown at which point it failed; it may have been after acceptance.
        500..=599 => FailureKind::ServerError,

        // An interim 1xx, or no HTTP status at all; a 2xx only from `Failure::new`.
        1..=299 | 600.. => FailureKind::Unconfirmed,
    }
}

/// The code that decides: the first of the response's own `code` and `status` that is in 400..=599,
/// else the HTTP status. An HTTP status of 0 or 5xx stands: nothing that the body names makes the
/// outcome known.
fn effective_code(status: u16, response: &Response<'_>) -> u16 {
    let named = || {
        let own = [&response.code, &response.top.status].into_iter().filter_map(body_code);
        own.filter_map(|code| u16::try_from(code).ok()).find(|code| matches!(code, 400..=599))
    };
    match status {
        0 | 500..=599 => status,
        _ => named().unwrap_or(status),
    }
}

/// A code in the body: an integer, an integral float, or a string of one to five digits.
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

/// Whether something in a 2xx denies that it accepts.
fn is_denied(success: &Success, response: &Response<'_>) -> bool {
    let fields = response.record.as_ref().unwrap_or(&response.top);
    let fails = |name: &str| DeliveryStatus::from_name(name).failure_kind().is_some();
    matches!(success, Success::False | Success::Neither)
        || response.texts.error.is_set
        || response.texts.errors.is_set
        || body_code(&response.code).is_some_and(|code| !matches!(code, 0 | 200..=299))
        || matches!(&fields.status, Value::Text(name) if fails(name))
}

/// The id in the `record`, else the one at the top. Whitespace alone and `0` count as absent.
fn take_id<'a>(response: &mut Response<'a>) -> Option<Cow<'a, str>> {
    let id = |fields: &mut Fields<'a>| {
        fields.id.take_if(|id| id != "0" && !id.chars().all(char::is_whitespace))
    };
    response.record.as_mut().and_then(id).or_else(|| id(&mut response.top))
}

impl<'a> Failure<'a> {
    /// Creates a failure with this code and this detail, of the kind that
    /// [`SendOutcome::decode`](crate::SendOutcome#the-verdict) gives to a response that says no more:
    /// for tests, and for failures from elsewhere.
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
    pub(crate) fn no_response(reason: impl fmt::Display) -> Self {
        let detail = non_empty(reason.to_string().into(), "no reason given");
        Failure { status: 0, code: 0, kind: FailureKind::NoResponse, detail, id: None }
    }
}

fn non_empty<'a>(detail: Cow<'a, str>, otherwise: &'static str) -> Cow<'a, str> {
    if detail.is_empty() { Cow::Borrowed(otherwise) } else { detail }
}
