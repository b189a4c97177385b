//! Reads Mobivate's opt-out list: the body of a page goes in, phone numbers and where the next page
//! begins come out.
//!
//! ```toml
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = { version = "1.0.154", features = ["raw_value"] }
//! ```
//!
//! [Accepted is not delivered](mobivate_response::Outcome::Success): on the current API, only this list
//! and the message log show that a message was dropped because the recipient opted out. Suppress all
//! who are on the list before a campaign begins.
//!
//! | API | request | read by |
//! |---|---|---|
//! | current | `GET /addressbook/optouts?limit=5000&offset=0` | [`current_page`]: one shape observed, another documented |
//! | legacy | `GET /addressbook/optout` | [`legacy_list`]: documented only |
//!
//! A list that lost half of its numbers looks like a short list. So what cannot be read for certain is
//! an error here, never a shorter or empty list. An entry does not prove a withdrawn consent: Mobivate
//! noted most of one account's as "3x UNDELIVERABLE" (observed).
//!
//! ```
//! # use recipes::opt_out_list::{ListError, current_page};
//! # fn request(offset: u64) -> Vec<u8> {
//! #     let entry = r#"{"id":"o1","msisdn":"447700900123"}"#;
//! #     let results = if offset == 0 { entry } else { "" };
//! #     format!(r#"{{"type":"Optouts","results":[{results}],"offset":{offset}}}"#).into_bytes()
//! # }
//! let mut opted_out = vec![];
//! let mut next = Some(0);
//! while let Some(offset) = next {
//!     let body = request(offset); // your HTTP client: the body of a 200 alone
//!     let page = current_page(offset, &body)?;
//!     opted_out.extend(page.phone_numbers);
//!     next = page.next;
//! }
//! assert_eq!(opted_out, ["447700900123"]);
//! # Ok::<_, ListError>(())
//! ```

use std::{error::Error, fmt};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// What a page says. `Debug` shows the phone numbers: do not log it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The phone numbers, in international form, digits alone.
    pub phone_numbers: Vec<String>,
    /// The `offset` to request next; `None` if this page has no entries: then the list is complete.
    pub next: Option<u64>,
}

/// Why a page was not read. The list is not complete then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListError {
    /// The body is truncated, or is not JSON.
    Malformed,
    /// The body is JSON of another shape, such as an error response, or a page of another list.
    UnknownShape,
    /// The page begins at another offset than was requested.
    OtherPage,
    /// The page has no entries, but says that there are more.
    Incomplete,
    /// The entry with this index has no phone number in international form.
    Entry(usize),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("truncated or malformed"),
            Self::UnknownShape => f.write_str("not a page of the opt-out list"),
            Self::OtherPage => f.write_str("another page than was requested"),
            Self::Incomplete => f.write_str("a page without entries where there are more"),
            Self::Entry(index) => write!(f, "entry {index} has no phone number"),
        }
    }
}

impl Error for ListError {}

/// Reads a page of the current API's list, requested with this `offset`.
///
/// # Errors
///
/// Fails if the body is not such a page, or not a complete one, or if an entry has no phone number.
pub fn current_page(offset: u64, body: &[u8]) -> Result<Page, ListError> {
    #[derive(Deserialize)]
    struct CurrentPage<'a> {
        /// Of the observed shape.
        #[serde(borrow)]
        results: Option<Vec<&'a RawValue>>,
        r#type: Option<String>,
        matches: Option<u64>,
        /// Of the documented shape.
        records: Option<Vec<&'a RawValue>>,
        success: Option<bool>,
        total: Option<u64>,
        /// Of both shapes: without it, a page does not say which one it is.
        offset: u64,
    }
    let body = String::from_utf8_lossy(body);
    let page: CurrentPage = read(&body, '{')?;
    let is_other = page.r#type.is_some_and(|of_page| of_page != "Optouts");
    if is_other || page.success == Some(false) {
        return Err(ListError::UnknownShape);
    }
    let (entries, total) = match (page.results, page.records) {
        (Some(results), None) => (results, page.matches),
        (None, Some(records)) => (records, page.total),
        _ => return Err(ListError::UnknownShape),
    };
    // A server that ignores the offset gives the first page for ever.
    if page.offset != offset {
        return Err(ListError::OtherPage);
    }
    if entries.is_empty() && total.is_some_and(|total| total > offset) {
        return Err(ListError::Incomplete);
    }
    let next = offset.saturating_add(entries.len() as u64);
    Ok(Page {
        phone_numbers: phone_numbers(&entries, |entry| &entry.msisdn)?,
        next: (next > offset).then_some(next),
    })
}

/// Reads the legacy API's list, which has no pages.
///
/// # Errors
///
/// Fails if the body is not such a list, or not a complete one, or if an entry has no phone number.
pub fn legacy_list(body: &[u8]) -> Result<Vec<String>, ListError> {
    let body = String::from_utf8_lossy(body);
    let entries: Vec<&RawValue> = read(&body, '[')?;
    phone_numbers(&entries, |entry| &entry.mobile)
}

/// Reads JSON that begins with this character: a derived struct would be read from a list, too.
fn read<'a, T: Deserialize<'a>>(body: &'a str, begins: char) -> Result<T, ListError> {
    let body = body.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let json: &RawValue = serde_json::from_str(body).map_err(|_| ListError::Malformed)?;
    if !body.starts_with(begins) {
        return Err(ListError::UnknownShape);
    }
    serde_json::from_str(json.get()).map_err(|_| ListError::UnknownShape)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// The current API's.
    msisdn: Value,
    /// The legacy API's.
    mobile: Value,
}

fn phone_numbers(
    entries: &[&RawValue],
    field: fn(&Entry) -> &Value,
) -> Result<Vec<String>, ListError> {
    let phone_number = |(index, entry): (usize, &&RawValue)| {
        let json = Some(entry.get()).filter(|json| json.starts_with('{'));
        let entry: Option<Entry> = json.and_then(|json| serde_json::from_str(json).ok());
        entry.and_then(|entry| phone_number(field(&entry))).ok_or(ListError::Entry(index))
    };
    entries.iter().enumerate().map(phone_number).collect()
}

/// A masked number, or one in a national form, would match nobody: it is an error.
fn phone_number(field: &Value) -> Option<String> {
    let written = match field {
        Value::String(written) => written.clone(),
        Value::Number(number) => number.as_u64()?.to_string(),
        _ => return None,
    };
    let is_separator = |character: char| character.is_whitespace() || "-.()".contains(character);
    let number: String = written.chars().filter(|character| !is_separator(*character)).collect();
    let number = number.strip_prefix('+').or(number.strip_prefix("00")).unwrap_or(&number);
    let is_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let is_e164 = is_digits && (7..=15).contains(&number.len()) && !number.starts_with('0');
    is_e164.then(|| number.to_owned())
}
