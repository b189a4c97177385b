//! Hand-written code: the status first, derived structs with every field, borrowed; an id that something
//! denies does not count; the notice in any ASCII case.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

use crate::{Answer, typed::number};

/// Reads what the HTTP status lets expect, and nothing twice.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    if matches!(status, 200..=299) {
        return show(match serde_json::from_slice::<Accepted<'_>>(body) {
            Ok(Accepted {
                success: None | Some(true),
                error: None,
                errors: None,
                record,
                id,
                ..
            }) => match record.and_then(|record| record.id).or(id) {
                Some(Text(id)) => return show(Answer::Accepted { id: &id }),
                None => Answer::Error { code: status, text: "no id" },
            },
            Ok(_) => Answer::Error { code: status, text: "denied" },
            Err(_) => Answer::Error { code: status, text: "not JSON" },
        });
    }
    let Ok(ErrorResponse { code, message, error, .. }) = serde_json::from_slice(body) else {
        return show(Answer::Error { code: status, text: "not JSON" });
    };
    let code = code.unwrap_or(status);
    let text = message.or(error).map_or(Cow::Borrowed("no text"), |Text(text)| text);
    show(match after_notice(&text) {
        Some(rest) => Answer::OptedOut { code, number: number(rest) },
        None => Answer::Error { code, text: &text },
    });
}

/// What follows the notice. "Recipient has not opted out" is not a notice.
fn after_notice(text: &str) -> Option<&str> {
    const NOTICE: &[u8] = b"recipient is opted out";
    let mut windows = text.as_bytes().windows(NOTICE.len());
    let start = windows.position(|window| window.eq_ignore_ascii_case(NOTICE))?;
    text.get(start + NOTICE.len()..)
}

/// Reads a batch that was accepted.
pub fn batch_answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let batch = serde_json::from_slice::<Batch<'_>>(body).ok();
    show(match &batch.filter(|_| matches!(status, 200..=299)) {
        Some(Batch { id: Text(id), recipients, .. }) => {
            let last = recipients.last().and_then(|recipient| recipient.reference.as_ref());
            let last = last.map(|Text(reference)| &**reference);
            return show(Answer::Batch { id, recipients: recipients.len(), last });
        }
        None => Answer::Error { code: status, text: "no batch" },
    });
}

/// A text that borrows: `#[serde(borrow)]` does nothing on `Option<Cow<str>>`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct ErrorResponse<'a> {
    code: Option<u16>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<Text<'a>>,
    #[serde(borrow, rename = "id")]
    _id: Option<Text<'a>>,
}

/// An accepted message of either API: flat, or under `record`.
#[derive(Deserialize)]
struct Accepted<'a> {
    success: Option<bool>,
    error: Option<IgnoredAny>,
    errors: Option<IgnoredAny>,
    #[serde(borrow)]
    record: Option<Record<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "originator")]
    _originator: Option<Text<'a>>,
    #[serde(borrow, rename = "recipient")]
    _recipient: Option<Text<'a>>,
    #[serde(borrow, rename = "body", alias = "text")]
    _body: Option<Text<'a>>,
    #[serde(borrow, rename = "routeId")]
    _route_id: Option<Text<'a>>,
    #[serde(borrow, rename = "reference")]
    _reference: Option<Text<'a>>,
    #[serde(borrow, rename = "campaignId")]
    _campaign_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "originator")]
    _originator: Option<Text<'a>>,
    #[serde(borrow, rename = "recipient")]
    _recipient: Option<Text<'a>>,
    #[serde(borrow, rename = "body", alias = "text")]
    _body: Option<Text<'a>>,
    #[serde(borrow, rename = "routeId")]
    _route_id: Option<Text<'a>>,
    #[serde(borrow, rename = "reference")]
    _reference: Option<Text<'a>>,
    #[serde(borrow, rename = "campaignId")]
    _campaign_id: Option<Text<'a>>,
    #[serde(borrow, rename = "scheduled")]
    _scheduled: Option<Text<'a>>,
}

/// A batch of the legacy API.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, rename = "name")]
    _name: Option<Text<'a>>,
    #[serde(borrow, rename = "routeId")]
    _route_id: Option<Text<'a>>,
    #[serde(rename = "shortenUrls")]
    _shorten_urls: Option<bool>,
    #[serde(rename = "spreadHours")]
    _spread_hours: Option<u64>,
    #[serde(rename = "excludeOptouts")]
    _exclude_optouts: Option<bool>,
    #[serde(rename = "excludeDuplicates")]
    _exclude_duplicates: Option<bool>,
    #[serde(borrow, rename = "scheduleDateTime")]
    _scheduled: Option<Text<'a>>,
    #[serde(borrow)]
    recipients: Vec<BatchRecipient<'a>>,
}

#[derive(Deserialize)]
struct BatchRecipient<'a> {
    #[serde(borrow, rename = "originator")]
    _originator: Option<Text<'a>>,
    #[serde(borrow, rename = "recipient")]
    _recipient: Option<Text<'a>>,
    #[serde(borrow, rename = "text")]
    _text: Option<Text<'a>>,
    #[serde(borrow)]
    reference: Option<Text<'a>>,
    #[serde(borrow, rename = "routeId")]
    _route_id: Option<Text<'a>>,
}
