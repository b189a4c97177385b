//! Looking texts up: reads a page of Mobivate's records, and moves what is found on in the outbox.
//!
//! | host | request | its answer |
//! |---|---|---|
//! | current | `GET /messages/history?fromDate=2026-06-18&toDate=2026-06-19&limit=5000&offset=0` | [`history`]: observed, the documented shape is another |
//! | first | `GET /message?startDate=…&endDate=…&direction=MT&pageSize=1000&page=…`, or `/message/:id` | [`log`]: documented only |
//!
//! No filter by reference was seen anywhere: ask for a day or more, page by page, and match all.
//! `toDate` is exclusive; more than 5,000 at once answers 502. Without `direction=MT`, incoming messages
//! are among the records.
//!
//! *Not found proves nothing*, on whatever page: an unknown originator, or a `toDate` that is the
//! `fromDate`, also answers a clean page without records. So what is not found stays to be looked up.
//!
//! ```
//! # use recipes::{message_log, outbox_sqlite::{State, Outbox}};
//! # fn main() -> rusqlite::Result<()> {
//! # let mut outbox = Outbox::open(":memory:")?;
//! # outbox.add("r-1", "447700900123")?;
//! # outbox.take()?;
//! let body = br#"{"results":[{"id":"m-1","reference":"r-1","status":"DELIVERED","parts":1}]}"#;
//! let Some(page) = message_log::history(body) else { // the body of a 200 alone
//!     return Ok(()); // no page, or half a page: ask for it again
//! };
//! message_log::apply(&mut outbox, &page)?;
//! assert_eq!(outbox.texts(State::NeedsLookup)?, []);
//! // The next page's offset is `page.records` more; a page without records is the last.
//! # assert_eq!(page.records, 1);
//! # Ok(())
//! # }
//! ```

use mobivate_response::DeliveryStatus;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::outbox_sqlite::{Outbox, StatusUpdate};

/// What a page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many records it has, with those that say nothing of a text of ours.
    pub records: usize,
    /// What its records say of texts that have a reference.
    pub news: Vec<StatusUpdate>,
}

/// Reads a page of the current host's history, in the shape that was observed.
///
/// `None`: it is none, or cut short.
#[must_use]
pub fn history(body: &[u8]) -> Option<Page> {
    #[derive(Deserialize)]
    struct History<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
    }
    let text = String::from_utf8_lossy(body);
    // A derived struct would be read from a list, too.
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let History { results } = serde_json::from_str(&text).ok()?;
    Some(page(&results))
}

/// Reads a page of the first host's log, or one record of it, in the documented shape.
///
/// `None`: it is none, or cut short.
#[must_use]
pub fn log(body: &[u8]) -> Option<Page> {
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('[') {
        let records: Vec<&RawValue> = serde_json::from_str(&text).ok()?;
        return Some(page(&records));
    }
    let record: &RawValue = serde_json::from_str(&text).ok()?;
    Some(page(&[record]))
}

/// Outbox what a page says, and tells how many of its records were found in the outbox.
///
/// # Errors
///
/// The outbox cannot be written. State the same page again: what is booked twice is as booked once.
pub fn apply(outbox: &mut Outbox, page: &Page) -> rusqlite::Result<usize> {
    let mut found = 0;
    for news in &page.news {
        found += usize::from(outbox.hear(news)?);
    }
    Ok(found)
}

/// A record that cannot be read, as one whose text ends in half an emoji, costs at most itself.
fn page(records: &[&RawValue]) -> Page {
    let objects = records.iter().map(|record| record.get()).filter(|json| json.starts_with('{'));
    let readable = objects.filter_map(|json| serde_json::from_str(json).ok());
    Page {
        records: records.len(),
        news: readable.filter_map(|record: Record| record.news()).collect(),
    }
}

/// What both hosts' records have; a field of an odd type is as absent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record {
    /// The current host's.
    reference: Value,
    /// The first host's.
    sender_reference: Value,
    id: Value,
    status: Value,
    parts: Value,
    direction: Value,
}

impl Record {
    /// A record is one of an accepted message, even without a status.
    fn news(&self) -> Option<StatusUpdate> {
        if self.direction.as_str().is_some_and(|direction| !direction.eq_ignore_ascii_case("MT")) {
            return None;
        }
        let reference = self.sender_reference.as_str().or(self.reference.as_str())?.to_owned();
        let status = DeliveryStatus::from_name(self.status.as_str().unwrap_or_default());
        let parts = self.parts.as_u64().and_then(|parts| parts.try_into().ok()).unwrap_or(1).max(1);
        // A record has no `part`: it is the whole text's.
        let part = None;
        Some(StatusUpdate {
            reference,
            id: self.id.as_str().map(str::to_owned),
            part,
            parts,
            status,
        })
    }
}
