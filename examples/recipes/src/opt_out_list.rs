//! Reads Mobivate's opt-out list page by page.
//!
//! Copy this file alone. It also has the pages that `message_log.rs` reads.
//!
//! ```toml
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = "1.0.154"
//! thiserror = "2.0.3"
//! ```
//!
//! | API | request | function |
//! |---|---|---|
//! | current | `GET /addressbook/optouts?limit=5000&offset=0` | [`current_page`] reads the observed and the documented shape |
//! | legacy | `GET /addressbook/optout` | [`legacy_list`] (documented) |
//!
//! Suppress everyone on the list before you start a campaign, because the current API accepts messages
//! to them and never sends them. If anything can't be read for certain, you get an error and not a
//! shorter list. An entry isn't a record of a withdrawn consent, since Mobivate adds some recipients
//! after it failed to deliver to them three times (observed).
//!
//! ```
//! # use recipes::opt_out_list::{PageError, current_page};
//! # fn request(offset: u64) -> Vec<u8> {
//! #     let entry = r#"{"id":"o1","msisdn":"447700900123"}"#;
//! #     let results = if offset == 0 { entry } else { "" };
//! #     format!(r#"{{"type":"Optouts","results":[{results}],"offset":{offset}}}"#).into_bytes()
//! # }
//! let mut opted_out = vec![];
//! let mut next = Some(0);
//! while let Some(offset) = next {
//!     let body = request(offset); // your HTTP client, which returns the body of a 200 only
//!     let page = current_page(offset, &body)?;
//!     opted_out.extend(page.entries);
//!     next = page.next;
//! }
//! assert_eq!(opted_out, ["447700900123"]);
//! # Ok::<_, PageError>(())
//! ```

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// A page of a list. `Debug` may show phone numbers, so don't log it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The phone numbers as digits, or the status updates.
    pub entries: Vec<T>,
    /// The offset or page to request next, or `None` after the last one.
    pub next: Option<u64>,
}

/// The reason why a page can't be read. The list isn't complete then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The body is truncated or isn't JSON.
    #[error("truncated or malformed")]
    Malformed,
    /// The body has another shape, for example that of an error or of another list.
    #[error("not a page of this list")]
    UnknownShape,
    /// The page begins at another offset, or it's empty although the list goes on.
    #[error("not the page that was requested")]
    OtherPage,
    /// An entry has no phone number in international form.
    #[error("an entry without a phone number")]
    NoNumber,
}

use PageError::{Malformed, NoNumber, OtherPage, UnknownShape};

/// Reads a page of the current API's list that you requested with this `offset`.
///
/// # Errors
///
/// Fails if the body isn't that page or if an entry has no phone number.
pub fn current_page(offset: u64, body: &[u8]) -> Result<Page<String>, PageError> {
    let page: Page<Entry> = page(offset, body, "Optouts")?;
    let entries = page.entries.iter().map(phone_number).collect::<Result<_, _>>()?;
    Ok(Page { entries, next: page.next })
}

/// Reads the legacy API's list, which has no pages.
///
/// # Errors
///
/// Fails if the body isn't such a list or if an entry has no phone number.
pub fn legacy_list(body: &[u8]) -> Result<Vec<String>, PageError> {
    from_json::<Vec<_>>(body)?.iter().map(phone_number).collect()
}

/// Returns the digits of a phone number in international form, without `+` or `00`.
///
/// A masked, national, or truncated number doesn't match a recipient, so it returns `None`.
#[must_use]
pub fn international(written: &str) -> Option<String> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    let is_e164 = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    let is_number = |it: char| it.is_ascii_digit() || " +-()".contains(it);
    let is_international = is_e164 && !written.contains("(0)") && written.chars().all(is_number);
    is_international.then(|| digits.to_owned())
}

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "mobile")]
    msisdn: Value,
}

fn phone_number(entry: &Entry) -> Result<String, PageError> {
    international(entry.msisdn.to_string().trim_matches('"')).ok_or(NoNumber)
}

/// Reads a page of any list of the current API, `of` this type.
///
/// # Errors
///
/// Fails if the body isn't that page.
pub fn page<T: DeserializeOwned>(offset: u64, body: &[u8], of: &str) -> Result<Page<T>, PageError> {
    #[derive(Deserialize)]
    struct Body<T> {
        // The first field, because serde also reads structs from lists, and no list begins with it.
        offset: u64,
        #[serde(alias = "records")]
        results: Vec<T>,
        r#type: Option<String>,
        success: Option<bool>,
        #[serde(alias = "total")]
        matches: Option<u64>,
    }
    let page: Body<T> = from_json(body)?;
    let next = offset.saturating_add(page.results.len() as u64);
    match page.r#type {
        Some(it) if it != of => Err(UnknownShape),
        _ if page.success == Some(false) => Err(UnknownShape),
        // Otherwise a server that ignores the offset would return the first page again and again.
        _ if page.offset != offset => Err(OtherPage),
        _ if next == offset && page.matches > Some(offset) => Err(OtherPage),
        _ => Ok(Page { entries: page.results, next: (next > offset).then_some(next) }),
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, PageError> {
    let read = serde_json::from_str(&String::from_utf8_lossy(body));
    read.map_err(|error| if error.is_data() { UnknownShape } else { Malformed })
}
