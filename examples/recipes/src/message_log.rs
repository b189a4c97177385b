//! Looks messages up in Mobivate's message log, page by page.
//!
//! Copy it with `receipts.rs` and `opt_out_list.rs`, and with the crates that they need.
//!
//! | API | request | function |
//! |---|---|---|
//! | current | `GET /messages/history?fromDate=2026-06-18&toDate=2026-06-19&originator=…&limit=5000&offset=0` | [`current_page`] reads the observed shape |
//! | legacy | `GET /message?startDate=…&endDate=…&direction=MT&pageSize=1000&page=…` | [`legacy_page`] (documented) |
//! | legacy | `GET /message/:id` | [`legacy_record`] (documented) |
//!
//! `toDate` is exclusive, and a `limit` above 5,000 gets a 502. Pass `originator`, because the log is
//! the whole account's. A message that you don't find may still have been accepted. An unknown
//! originator, for example, also gets a page without records (observed).
//!
//! ```
//! # use recipes::{message_log::current_page, opt_out_list::PageError};
//! # fn request(offset: u64) -> Vec<u8> {
//! #     let record = r#"{"id":"m-1","reference":"r-1","status":"DELIVERED","parts":1}"#;
//! #     let results = if offset == 0 { record } else { "" };
//! #     format!(r#"{{"results":[{results}],"offset":{offset}}}"#).into_bytes()
//! # }
//! let in_doubt = ["r-1".to_owned(), "r-2".to_owned()];
//! let mut found = vec![];
//! let mut next = Some(0);
//! while let Some(offset) = next {
//!     let body = request(offset); // your HTTP client, which returns the body of a 200 only
//!     let page = current_page(offset, &body, &in_doubt)?;
//!     found.extend(page.entries); // each of them was accepted, whatever its status
//!     next = page.next;
//! }
//! assert_eq!(found[0].reference, "r-1");
//! # Ok::<_, PageError>(())
//! ```

use mobivate_response::DeliveryStatus;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::opt_out_list::{Page, PageError, from_json, page};
use crate::receipts::{StatusUpdate, count, text};

/// A page with the updates of the messages that you ask for.
pub type Updates = Page<StatusUpdate>;

/// Reads a page of the current API's log that you requested with this `offset`.
///
/// A record that can't be read is left out.
///
/// # Errors
///
/// Fails if the body isn't that page.
pub fn current_page(offset: u64, body: &[u8], of: &[String]) -> Result<Updates, PageError> {
    let page = page(offset, body, "SingleSMS")?;
    Ok(Page { entries: updates(&page.entries, of), next: page.next })
}

/// Reads a page of the legacy API's log that you requested with this `number`.
///
/// A record that can't be read is left out. The body doesn't contain the page's number, so a server
/// that ignores `page` has no last page. Stop if you get the same body again.
///
/// # Errors
///
/// Fails if the body isn't such a page.
pub fn legacy_page(number: u64, body: &[u8], of: &[String]) -> Result<Updates, PageError> {
    let records: Vec<_> = from_json(body)?;
    let next = (!records.is_empty()).then(|| number.saturating_add(1));
    Ok(Page { entries: updates(&records, of), next })
}

/// Reads one record of the legacy API's log, if you ask for its reference.
///
/// # Errors
///
/// Fails if the body isn't such a record.
pub fn legacy_record(body: &[u8], of: &[String]) -> Result<Option<StatusUpdate>, PageError> {
    from_json(body).map(|record: Record| record.update(of))
}

fn updates(records: &[Box<RawValue>], of: &[String]) -> Vec<StatusUpdate> {
    let readable = records.iter().filter_map(|record| serde_json::from_str(record.get()).ok());
    readable.filter_map(|record: Record| record.update(of)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: Value,
    reference: Option<Value>,
    /// The legacy API's name of the reference.
    sender_reference: Option<Value>,
    status: Option<Value>,
    parts: Option<Value>,
    direction: Option<Value>,
}

impl Record {
    fn update(self, of: &[String]) -> Option<StatusUpdate> {
        let is_outgoing = text(self.direction).is_none_or(|it| it.eq_ignore_ascii_case("MT"));
        let references = [self.reference, self.sender_reference].into_iter().filter_map(text);
        let reference = references.into_iter().find(|it| is_outgoing && of.contains(it))?;
        let (id, parts) = (text(Some(self.id)), count(self.parts).unwrap_or(None));
        let status = match DeliveryStatus::from_name(&text(self.status).unwrap_or_default()) {
            // It's in the log, so it was accepted.
            DeliveryStatus::Unknown => DeliveryStatus::Pending,
            status => status,
        };
        Some(StatusUpdate { reference, id, part: None, parts, status })
    }
}
