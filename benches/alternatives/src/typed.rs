//! Idiomatic typed `serde_json`: owned structs, the success tried before the error.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Answer;

/// Tries the success, then the error.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let accepted = || serde_json::from_slice(body).ok();
    read(status, accepted, || serde_json::from_slice(body).ok(), show);
}

/// Tries the success only where the HTTP status is one: the most that a careful author saves.
pub fn answer_by_status(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let is_success = matches!(status, 200..=299);
    let accepted = || is_success.then(|| serde_json::from_slice(body).ok()).flatten();
    read(status, accepted, || serde_json::from_slice(body).ok(), show);
}

/// Looks at the status first, and of a refusal reads only what it needs, borrowed: the least that a
/// careful author writes.
pub fn hand_written(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    if matches!(status, 200..=299) {
        return answer(status, body, show);
    }
    let Ok(Refusal { code, message, error }) = serde_json::from_slice(body) else {
        return show(Answer::Refused { code: status, text: "not JSON" });
    };
    let code = code.unwrap_or(status);
    let text = message.or(error).unwrap_or(Cow::Borrowed("no text"));
    if text.contains("opted out") {
        let number = text.split_once("opted out").and_then(|(_, rest)| number(rest));
        show(Answer::OptedOut { code, number });
    } else {
        show(Answer::Refused { code, text: &text });
    }
}

#[derive(Deserialize)]
struct Refusal<'a> {
    code: Option<u16>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
}

/// An accepted message of either generation: flat, or under `record`.
#[derive(Deserialize)]
pub(crate) struct Accepted {
    #[serde(rename = "success")]
    _success: Option<bool>,
    record: Option<Record>,
    id: Option<String>,
    #[serde(rename = "originator")]
    _originator: Option<String>,
    #[serde(rename = "recipient")]
    _recipient: Option<String>,
    #[serde(rename = "body", alias = "text")]
    _body: Option<String>,
    #[serde(rename = "routeId")]
    _route_id: Option<String>,
    #[serde(rename = "reference")]
    _reference: Option<String>,
    #[serde(rename = "campaignId")]
    _campaign_id: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(rename = "originator")]
    _originator: Option<String>,
    #[serde(rename = "recipient")]
    _recipient: Option<String>,
    #[serde(rename = "body", alias = "text")]
    _body: Option<String>,
    #[serde(rename = "routeId")]
    _route_id: Option<String>,
    #[serde(rename = "reference")]
    _reference: Option<String>,
    #[serde(rename = "campaignId")]
    _campaign_id: Option<String>,
    #[serde(rename = "scheduled")]
    _scheduled: Option<String>,
}

/// A refusal.
#[derive(Deserialize)]
pub(crate) struct Refused {
    code: Option<u16>,
    message: Option<String>,
    error: Option<String>,
}

/// The answer, by whichever parser of these types.
pub(crate) fn read(
    status: u16,
    accepted: impl FnOnce() -> Option<Accepted>,
    refused: impl FnOnce() -> Option<Refused>,
    show: &mut dyn FnMut(Answer<'_>),
) {
    if let Some(Accepted { record, id, .. }) = accepted()
        && let Some(id) = record.map(|record| record.id).or(id)
        && matches!(status, 200..=299)
    {
        return show(Answer::Accepted { id: &id });
    }
    let Some(Refused { code, message, error }) = refused() else {
        return show(Answer::Refused { code: status, text: "not JSON" });
    };
    let code = code.unwrap_or(status);
    let text = message.or(error).unwrap_or_else(|| "no text".to_owned());
    show(match text.split_once("ecipient is opted out") {
        Some((_, rest)) => Answer::OptedOut { code, number: number(rest) },
        None => Answer::Refused { code, text: &text },
    });
}

/// By hand, without the regular expression.
fn number(rest: &str) -> Option<&str> {
    let number = rest.strip_prefix(": ")?;
    let end = number.find(|c: char| !matches!(c, '0'..='9' | 'X')).unwrap_or(number.len());
    (7..=15).contains(&end).then(|| &number[..end])
}

/// Reads a batch that was accepted.
pub fn batch_answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    show_batch(status, serde_json::from_slice(body).ok(), show);
}

/// A batch of the first generation.
#[derive(Deserialize)]
pub(crate) struct Batch {
    id: String,
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "routeId")]
    _route_id: Option<String>,
    #[serde(rename = "shortenUrls")]
    _shorten_urls: Option<bool>,
    #[serde(rename = "spreadHours")]
    _spread_hours: Option<u64>,
    #[serde(rename = "excludeOptouts")]
    _exclude_optouts: Option<bool>,
    #[serde(rename = "excludeDuplicates")]
    _exclude_duplicates: Option<bool>,
    #[serde(rename = "scheduleDateTime")]
    _scheduled: Option<String>,
    recipients: Vec<BatchRecipient>,
}

#[derive(Deserialize)]
struct BatchRecipient {
    #[serde(rename = "originator")]
    _originator: Option<String>,
    #[serde(rename = "recipient")]
    _recipient: Option<String>,
    #[serde(rename = "text")]
    _text: Option<String>,
    reference: Option<String>,
    #[serde(rename = "routeId")]
    _route_id: Option<String>,
}

/// The answer, by whichever parser of these types.
pub(crate) fn show_batch(status: u16, batch: Option<Batch>, show: &mut dyn FnMut(Answer<'_>)) {
    match batch.filter(|_| matches!(status, 200..=299)) {
        Some(Batch { id, recipients, .. }) => show(Answer::Batch {
            id: &id,
            recipients: recipients.len(),
            last: recipients.last().and_then(|entry| entry.reference.as_deref()),
        }),
        None => show(Answer::Refused { code: status, text: "no batch" }),
    }
}
