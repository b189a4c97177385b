//! The verdict written a second time: on a strict reader's value, with the table as plain data.

use mobivate_response::{
    Batch, BatchOutcome, Failure, FailureKind, Message, Recipient, Retry, Scope, SendOutcome,
};
use serde_json::Value;

/// The first row that a code lies in is its own.
pub(crate) const TABLE: [(u16, u16, FailureKind, Retry, Scope); 18] = {
    use FailureKind::{
        BadRequest, Forbidden, Misconfigured, NoResponse, OutOfCredit, RateLimited, ServerError,
        Unauthorized, Unconfirmed,
    };
    use Retry::{AfterFix, Later, MayDuplicate};
    use Scope::{Account, Request, Service};
    [
        (0, 0, NoResponse, MayDuplicate, Service),
        (1, 299, Unconfirmed, MayDuplicate, Service),
        (303, 303, Unconfirmed, MayDuplicate, Service),
        (300, 399, Misconfigured, AfterFix, Account),
        (400, 400, BadRequest, AfterFix, Request),
        (401, 401, Unauthorized, AfterFix, Account),
        (402, 402, OutOfCredit, AfterFix, Account),
        (403, 403, Forbidden, AfterFix, Account),
        (408, 408, Unconfirmed, MayDuplicate, Service),
        (409, 409, Unconfirmed, MayDuplicate, Service),
        (413, 413, BadRequest, AfterFix, Request),
        (422, 422, BadRequest, AfterFix, Request),
        (429, 429, RateLimited, Later, Account),
        (499, 499, Unconfirmed, MayDuplicate, Service),
        (404, 498, Misconfigured, AfterFix, Account),
        (500, 599, ServerError, MayDuplicate, Service),
        (600, u16::MAX, Unconfirmed, MayDuplicate, Service),
        // No code is left for the last row: only the text says opted out.
        (1, 0, FailureKind::OptedOut, Retry::Never, Scope::Recipient),
    ]
};

/// The kind that the table gives to a code.
pub(crate) fn kind(code: u16) -> FailureKind {
    let row = TABLE.iter().find(|(first, last, ..)| (*first..=*last).contains(&code));
    row.unwrap().2
}

/// The outcome of a single send, from a reply that a strict reader understands.
pub(crate) fn outcome(status: u16, reply: &Value) -> SendOutcome<'static> {
    let id = match judge(status, reply) {
        Ok(id) => id,
        Err(failure) => return SendOutcome::Failure(failure),
    };
    let of = reply.get("record").filter(|record| record.is_object()).unwrap_or(reply);
    let mut message = Message::new(id);
    message.originator = text(of, "originator").map(Into::into);
    message.recipient = text(of, "recipient").map(Into::into);
    message.body = text(of, "body").or_else(|| text(of, "text")).map(Into::into);
    message.route_id = text(of, "routeId").map(Into::into);
    message.reference = text(of, "reference").map(Into::into);
    message.campaign_id = text(of, "campaignId").map(Into::into);
    message.scheduled = text(of, "scheduled").map(Into::into);
    SendOutcome::Success(message)
}

/// The outcome of a batch, from the same.
pub(crate) fn batch_outcome(status: u16, reply: &Value) -> BatchOutcome<'static> {
    let id = match judge(status, reply) {
        Ok(id) => id,
        Err(failure) => return BatchOutcome::Failure(failure),
    };
    let of = reply.get("record").filter(|record| record.is_object()).unwrap_or(reply);
    let natural = |key| of.get(key).and_then(Value::as_u64);
    let bool = |key| of.get(key).and_then(Value::as_bool);
    let mut batch = Batch::new(id);
    batch.name = text(of, "name").map(Into::into);
    batch.route_id = text(of, "routeId").map(Into::into);
    let scheduled = text(of, "scheduleDateTime").or_else(|| text(of, "scheduled"));
    batch.scheduled = scheduled.map(Into::into);
    batch.recipient_count = natural("recipientCount");
    batch.spread_hours = natural("spreadHours");
    batch.shorten_urls = bool("shortenUrls");
    batch.exclude_optouts = bool("excludeOptouts");
    batch.exclude_duplicates = bool("excludeDuplicates");
    for entry in of.get("recipients").and_then(Value::as_array).into_iter().flatten() {
        if !entry.is_object() {
            continue;
        }
        let mut recipient = Recipient::default();
        recipient.originator = text(entry, "originator").map(Into::into);
        recipient.recipient = text(entry, "recipient").map(Into::into);
        recipient.text = text(entry, "text").map(Into::into);
        recipient.reference = text(entry, "reference").map(Into::into);
        recipient.route_id = text(entry, "routeId").map(Into::into);
        batch.recipients.push(recipient);
    }
    BatchOutcome::Success(batch)
}

/// The id of what was accepted, or the failure.
fn judge(status: u16, reply: &Value) -> Result<String, Failure<'static>> {
    let record = reply.get("record").filter(|record| record.is_object());
    let id = |object: &Value| text(object, "id").filter(|id| !id.is_empty() && id != "0");
    let id = record.and_then(id).or_else(|| id(reply));

    let said = number(reply.get("code"));
    let code = said.filter(|code| (400.0..600.0).contains(code));
    let code = code.map_or(status, |code| format!("{code}").parse().unwrap());

    let texts = [reply.get("message"), reply.get("error")].map(|text| text.and_then(Value::as_str));
    let texts: Vec<&str> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let opted_out = texts.iter().find(|text| says_opted_out(text));
    let nature =
        if reply.is_object() { "JSON without a message" } else { "JSON, but not an object" };
    let detail = *opted_out.or(texts.first()).unwrap_or(&nature);

    let denied = success(reply) == Some(false)
        || is_error(reply)
        || said.is_some_and(|code| code != 0.0 && !(200.0..300.0).contains(&code));
    let kind = if opted_out.is_some() {
        FailureKind::OptedOut
    } else if !(200..300).contains(&code) {
        kind(code)
    } else if let (Some(id), false) = (&id, denied) {
        return Ok(id.clone());
    } else if success(reply) == Some(false) && id.is_none() {
        FailureKind::BadRequest
    } else {
        FailureKind::Unconfirmed
    };

    let mut failure = Failure::new(code, detail.to_owned());
    failure.status = status;
    failure.kind = kind;
    failure.id = id.map(Into::into);
    Err(failure)
}

fn text(object: &Value, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) => Some(text.clone()),
        value => value.as_u64().map(|number| number.to_string()),
    }
}

fn success(reply: &Value) -> Option<bool> {
    Some(match reply.get("success")? {
        Value::Null => return None,
        Value::Bool(success) => *success,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        value => value.as_u64() == Some(1),
    })
}

fn is_error(reply: &Value) -> bool {
    match reply.get("error") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(error)) => *error,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
        Some(Value::Number(number)) => number.as_u64() != Some(0),
    }
}

/// The code as a number without a fraction.
fn number(code: Option<&Value>) -> Option<f64> {
    match code? {
        // With `arbitrary_precision` a number may be too large for any float.
        Value::Number(number) => {
            Some(number.as_f64().unwrap_or(f64::MAX)).filter(|number| number.fract() == 0.0)
        }
        Value::String(text) => {
            let digits = text.chars().filter(char::is_ascii_digit).count();
            let is_number = digits == text.chars().count() && (1..=5).contains(&digits);
            is_number.then(|| text.parse().unwrap())
        }
        _ => None,
    }
}

/// Read from the end of the phrase to its beginning.
pub(crate) fn says_opted_out(text: &str) -> bool {
    let space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r');
    let before = |text: &str| {
        let trimmed = text.trim_end_matches(space);
        (trimmed.len() < text.len()).then(|| trimmed.to_owned())
    };
    let text: String = text.chars().map(|c| c.to_ascii_lowercase()).collect();
    ["opted out", "opted-out", "opted_out"].iter().any(|words| {
        text.match_indices(words).any(|(at, _)| {
            let follows = text[at + words.len()..].chars().next();
            let ends = !follows.is_some_and(char::is_alphanumeric);
            let Some(head) = before(&text[..at]) else { return false };
            let verb = ["is", "has", "was"].iter().find_map(|verb| head.strip_suffix(verb));
            let subject = verb.and_then(before).unwrap_or_else(|| head.clone());
            ends && (subject.ends_with("recipient") || head.ends_with("recipient"))
        })
    })
}
