//! Looks messages up: the body of a page of Mobivate's message log goes in, status updates and where
//! the next page begins come out. No database.
//!
//! ```toml
//! mobivate-response = "0.1"
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = { version = "1.0.154", features = ["raw_value"] }
//! ```
//!
//! and `receipts.rs` beside it, or its `StatusUpdate`.
//!
//! | API | request | read by |
//! |---|---|---|
//! | current | `GET /messages/history?fromDate=2026-06-18&toDate=2026-06-19&limit=5000&offset=0` | [`current_page`]: the observed shape; the documented one differs, and is an error |
//! | legacy | `GET /message?startDate=…&endDate=…&direction=MT&pageSize=1000&page=…` | [`legacy_page`]: documented only |
//! | legacy | `GET /message/:id` | [`legacy_record`]: documented only |
//!
//! How to look a message up, and what it proves, is documented at
//! [`DeliveryStatus`](mobivate_response::DeliveryStatus#looking-a-message-up). `toDate` is exclusive. The
//! response to a `limit` above 5,000 is a 502. Without `direction=MT`, incoming messages are among the
//! records. An unknown `originator`, and a `toDate` equal to `fromDate`, get a well-formed page without
//! records (observed).
//!
//! ```
//! # use recipes::message_log::{PageError, current_page};
//! # fn request(offset: u64) -> Vec<u8> {
//! #     let record = r#"{"id":"m-1","reference":"r-1","status":"DELIVERED","parts":1}"#;
//! #     let results = if offset == 0 { record } else { "" };
//! #     format!(r#"{{"results":[{results}],"offset":{offset}}}"#).into_bytes()
//! # }
//! let mut found = vec![];
//! let mut next = Some(0);
//! while let Some(offset) = next {
//!     let body = request(offset); // your HTTP client: the body of a 200 alone
//!     let page = current_page(offset, &body)?;
//!     found.extend(page.updates); // ignore those whose reference is not your own
//!     next = page.next;
//! }
//! assert_eq!(found[0].reference, "r-1");
//! # Ok::<_, PageError>(())
//! ```

use std::{error::Error, fmt};

use mobivate_response::DeliveryStatus;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::receipts::StatusUpdate;

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many records it has, including those of incoming messages and those without a reference.
    pub records: usize,
    /// What its records say of messages that have a client reference.
    pub updates: Vec<StatusUpdate>,
    /// The `offset` (legacy API: `page`) to request next; `None` if this page has no records: then it
    /// is the last.
    pub next: Option<u64>,
}

/// Why a page was not read. Request it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// The body is truncated, or is not JSON.
    Malformed,
    /// The body is JSON of another shape, such as an error response.
    UnknownShape,
    /// The page begins at another offset than was requested.
    OtherPage,
    /// The page has no records, but says that there are more.
    Incomplete,
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "truncated or malformed",
            Self::UnknownShape => "not a page of the message log",
            Self::OtherPage => "another page than was requested",
            Self::Incomplete => "a page without records where there are more",
        })
    }
}

impl Error for PageError {}

/// Reads a page of the current API's message log, requested with this `offset`.
///
/// A record that cannot be read is left out.
///
/// # Errors
///
/// Fails if the body is not such a page, or not a complete one.
pub fn current_page(offset: u64, body: &[u8]) -> Result<Page, PageError> {
    #[derive(Deserialize)]
    struct CurrentPage<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
        success: Option<bool>,
        offset: Option<u64>,
        matches: Option<u64>,
    }
    let body = String::from_utf8_lossy(body);
    let page: CurrentPage = read(&body, '{')?;
    if page.success == Some(false) {
        return Err(PageError::UnknownShape);
    }
    // A server that ignores the offset gives the first page for ever.
    if page.offset.is_some_and(|of_page| of_page != offset) {
        return Err(PageError::OtherPage);
    }
    let next = offset.saturating_add(page.results.len() as u64);
    if page.results.is_empty() && page.matches.is_some_and(|matches| matches > offset) {
        return Err(PageError::Incomplete);
    }
    Ok(Page {
        records: page.results.len(),
        updates: updates(&page.results, |record| &record.reference),
        next: (next > offset).then_some(next),
    })
}

/// Reads a page of the legacy API's message log, requested with this `page`.
///
/// The body does not say which page it is. If its `updates` are those of the page before, the server
/// ignored `page`: stop there. A record that cannot be read is left out.
///
/// # Errors
///
/// Fails if the body is not such a page, or not a complete one.
pub fn legacy_page(page: u64, body: &[u8]) -> Result<Page, PageError> {
    let body = String::from_utf8_lossy(body);
    let records: Vec<&RawValue> = read(&body, '[')?;
    Ok(Page {
        records: records.len(),
        updates: updates(&records, |record| &record.sender_reference),
        next: (!records.is_empty()).then(|| page.saturating_add(1)),
    })
}

/// Reads one record of the legacy API's message log; `None` if it is of an incoming message, or has no
/// reference.
///
/// # Errors
///
/// Fails if the body is not such a record, or not a complete one.
pub fn legacy_record(body: &[u8]) -> Result<Option<StatusUpdate>, PageError> {
    let body = String::from_utf8_lossy(body);
    let record: Record = read(&body, '{')?;
    // `{"code":404,"message":"Not Found"}`
    if record.id.is_null() && record.sender_reference.is_null() {
        return Err(PageError::UnknownShape);
    }
    Ok(record.update(&record.sender_reference))
}

/// Reads JSON that begins with this character: a derived struct would be read from a list, too.
fn read<'a, T: Deserialize<'a>>(body: &'a str, begins: char) -> Result<T, PageError> {
    let body = body.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let json: &RawValue = serde_json::from_str(body).map_err(|_| PageError::Malformed)?;
    if !body.starts_with(begins) {
        return Err(PageError::UnknownShape);
    }
    serde_json::from_str(json.get()).map_err(|_| PageError::UnknownShape)
}

fn updates(records: &[&RawValue], reference: fn(&Record) -> &Value) -> Vec<StatusUpdate> {
    let objects = records.iter().map(|record| record.get()).filter(|json| json.starts_with('{'));
    let readable = objects.filter_map(|json| serde_json::from_str(json).ok());
    readable.filter_map(|record: Record| record.update(reference(&record))).collect()
}

/// The fields of both APIs' records; one of an unexpected type counts as absent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    /// The current API's.
    reference: Value,
    /// The legacy API's.
    sender_reference: Value,
    id: Value,
    status: Value,
    parts: Value,
    direction: Value,
}

impl Record {
    /// A record is one of an accepted message, even without a status.
    fn update(&self, reference: &Value) -> Option<StatusUpdate> {
        if self.direction.as_str().is_some_and(|direction| !direction.eq_ignore_ascii_case("MT")) {
            return None;
        }
        Some(StatusUpdate {
            reference: reference.as_str().filter(|reference| !reference.is_empty())?.to_owned(),
            id: self.id.as_str().map(str::to_owned),
            // A record is about all parts of the message.
            part: None,
            parts: self.parts.as_u64().and_then(|parts| parts.try_into().ok()).filter(|it| *it > 0),
            status: DeliveryStatus::from_name(self.status.as_str().unwrap_or_default()),
        })
    }
}
