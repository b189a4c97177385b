//! Idiomatic typed `serde_json`: owned structs, the success tried before the error.

use serde::Deserialize;

use crate::Answer;

/// Tries the success, then the error.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let accepted = || serde_json::from_slice(body).ok();
    read(status, accepted, || serde_json::from_slice(body).ok(), show);
}

/// An accepted message of either API: flat, or under `record`.
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

/// An error response.
#[derive(Deserialize)]
pub(crate) struct ErrorResponse {
    code: Option<u16>,
    message: Option<String>,
    error: Option<String>,
}

/// The answer, by whichever parser of these types.
pub(crate) fn read(
    status: u16,
    accepted: impl FnOnce() -> Option<Accepted>,
    error_response: impl FnOnce() -> Option<ErrorResponse>,
    show: &mut dyn FnMut(Answer<'_>),
) {
    if let Some(Accepted { record, id, .. }) = accepted()
        && let Some(id) = record.map(|record| record.id).or(id)
        && matches!(status, 200..=299)
    {
        return show(Answer::Accepted { id: &id });
    }
    let Some(ErrorResponse { code, message, error }) = error_response() else {
        return show(Answer::Error { code: status, text: "not JSON" });
    };
    let code = code.unwrap_or(status);
    let text = message.or(error).unwrap_or_else(|| "no text".to_owned());
    show(match text.split_once("ecipient is opted out") {
        Some((_, rest)) => Answer::OptedOut { code, number: number(rest) },
        None => Answer::Error { code, text: &text },
    });
}

/// By hand, without the regular expression.
pub(crate) fn number(rest: &str) -> Option<&str> {
    let number = rest.strip_prefix(": ")?;
    let end = number.find(|c: char| !matches!(c, '0'..='9' | 'X')).unwrap_or(number.len());
    (7..=15).contains(&end).then(|| &number[..end])
}

/// Reads a batch that was accepted.
pub fn batch_answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    show_batch(status, serde_json::from_slice(body).ok(), show);
}

/// A batch of the legacy API.
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
        None => show(Answer::Error { code: status, text: "no batch" }),
    }
}
