//! Reads the delivery receipts and incoming messages that Mobivate posts to your webhook, and merges
//! the statuses of a long message's parts.
//!
//! Copy this file alone. It needs no web framework and no database.
//!
//! ```toml
//! form_urlencoded = "1.2.2"
//! mobivate-response = "0.1"
//! quick-xml = { version = "0.41.0", features = ["serialize"] }
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = "1.0.154"
//! thiserror = "2.0.3"
//! ```
//!
//! | API | posted | body |
//! |---|---|---|
//! | current | delivery receipt | form field `xml` with a `<deliveryreceipt>` (observed) |
//! | oldest | delivery receipt | the same without a `statusCode` (observed) |
//! | legacy | delivery receipt | JSON (documented) |
//! | legacy | incoming message | JSON (documented) |
//! | oldest | incoming message | form field `xml` with a `<deliverymessage>` (observed) |
//!
//! ```
//! use mobivate_response::{DeliveryStatus, FailureKind};
//! use recipes::receipts::{Parts, Received, read};
//!
//! let body = br#"{"clientReference":"r-1","status":"EXPIRED","statusCode":3,"parts":1}"#;
//! match read(body)? {
//!     // Receipts aren't signed and can be forged, so look for the reference among your messages.
//!     Received::Status(update) => {
//!         // If `update.status` is `Failed(OptedOut)`, suppress now, before you merge.
//!         let mut parts = Parts::default(); // stored with the message
//!         parts.record(&update);
//!         assert_eq!(parts.status(), DeliveryStatus::Failed(FailureKind::Undelivered));
//!     }
//!     // The sender expects this to work, so suppress `message.originator`.
//!     Received::Incoming(message) if message.is_stop() => {}
//!     Received::Incoming(_) | Received::Neither => {}
//! }
//! # Ok::<_, recipes::receipts::ReadError>(())
//! ```

use std::{collections::BTreeMap, fmt, num::NonZeroU8};

use mobivate_response::DeliveryStatus;
use quick_xml::de::{DeError, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A delivery receipt or an incoming message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A delivery receipt with a client reference.
    Status(StatusUpdate),
    /// A message to one of your phone numbers.
    Incoming(IncomingMessage),
    /// Something else, or a delivery receipt without a client reference or a status.
    Neither,
}

/// The status of a message or of one of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatusUpdate {
    /// The client reference, which is the only field to match by.
    pub reference: String,
    /// Mobivate's ID of the message. After a batch it isn't the ID in the response.
    pub id: Option<String>,
    /// The part of a long message, from 1, or `None` for the whole message.
    pub part: Option<u8>,
    /// The number of parts that the message has.
    pub parts: Option<u8>,
    /// The status of the part or of the whole message.
    pub status: DeliveryStatus,
}

/// A message to one of your phone numbers. `Debug` shows only its ID.
///
/// Whitespace around a field is dropped, and a NUL, which databases may refuse, is U+FFFD.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingMessage {
    /// Mobivate's ID of the message.
    pub id: Option<String>,
    /// The sender's phone number.
    pub originator: String,
    /// Your phone number.
    pub recipient: Option<String>,
    /// The text, which may be empty.
    pub body: String,
}

impl IncomingMessage {
    /// Returns whether the text is the word "STOP", in any case and punctuation.
    #[must_use]
    pub fn is_stop(&self) -> bool {
        let word = self.body.trim_matches(|character: char| !character.is_alphanumeric());
        word.eq_ignore_ascii_case("stop")
    }
}

impl fmt::Debug for IncomingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingMessage").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The reason why a body can't be read. It doesn't quote the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The body is truncated, has a syntax error, or isn't in a known form.
    #[error("truncated or malformed")]
    Malformed,
    /// The body contradicts itself, for example by a repeated field or by part 3 of 2.
    #[error("ambiguous")]
    Ambiguous,
}

use ReadError::{Ambiguous, Malformed};

/// The statuses of one message's parts, in whatever order they come.
///
/// A message is delivered only once all its parts are known to be. If updates disagree on the number
/// of parts, the highest counts. Without a number, a part that wasn't seen may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parts {
    count: Option<u8>,
    /// 0 stands for the whole message.
    statuses: BTreeMap<u8, DeliveryStatus>,
}

impl Parts {
    /// Records an update of this message and returns whether it changed anything.
    pub fn record(&mut self, update: &StatusUpdate) -> bool {
        let before = self.clone();
        self.count = self.count.max(update.parts);
        let part = self.statuses.entry(update.part.unwrap_or(0)).or_insert(update.status);
        *part = part.merge(update.status);
        *self != before
    }

    /// Returns the status of the message.
    pub fn status(&self) -> DeliveryStatus {
        let highest = self.statuses.keys().next_back().copied().unwrap_or(0);
        let count = self.count.map_or(highest.saturating_add(1), |count| count.max(highest));
        let whole = self.statuses.get(&0).copied().unwrap_or(DeliveryStatus::Unknown);
        let part = |part| self.statuses.get(&part).map_or(whole, |status| status.merge(whole));
        DeliveryStatus::of_parts((1..=count).map(part))
    }
}

/// Reads a posted body in any of the forms, as a form field or bare.
///
/// A receipt without a part is about the first one, because the legacy API's receipts have `parts` but
/// no `part`, and might be about one part of a long message.
///
/// # Errors
///
/// Fails if the body is truncated, malformed, or ambiguous.
pub fn read(body: &[u8]) -> Result<Received, ReadError> {
    let body = String::from_utf8_lossy(body);
    let body = body.trim_start_matches('\u{feff}').trim();
    if body.starts_with('{') {
        let fields: Result<Fields<Value>, _> = serde_json::from_str(body);
        return fields.map_err(|error| if error.is_data() { Ambiguous } else { Malformed })?.read();
    }
    let mut documents = form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| name == "xml");
    match (body.starts_with('<'), documents.next(), documents.next()) {
        (true, ..) => read_xml(body),
        (false, Some((_, document)), None) => read_xml(document.trim()),
        (false, Some(_), Some(_)) => Err(Ambiguous),
        (false, None, _) => Err(Malformed),
    }
}

fn read_xml(document: &str) -> Result<Received, ReadError> {
    let mut deserializer = Deserializer::from_str(document);
    match Fields::<String>::deserialize(&mut deserializer) {
        // No receipt has a document type, and the deserializer would skip it.
        _ if document.to_ascii_uppercase().contains("<!DOCTYPE") => Err(Malformed),
        Ok(fields) if deserializer.is_empty() => fields.read(),
        // A second document, or a repeated field.
        Ok(_) | Err(DeError::Custom(_)) => Err(Ambiguous),
        Err(_) => Err(Malformed),
    }
}

/// The fields of receipts and of incoming messages, as text of XML or as values of JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<T> {
    client_reference: Option<T>,
    delivery_message_id: Option<T>,
    status: Option<T>,
    status_code: Option<T>,
    part: Option<T>,
    parts: Option<T>,
    id: Option<T>,
    originator: Option<T>,
    recipient: Option<T>,
    body: Option<T>,
}

impl<T: Into<Value>> Fields<T> {
    fn read(self) -> Result<Received, ReadError> {
        let (name, code) = (text(self.status), text(self.status_code));
        let (reference, id) = (text(self.client_reference), text(self.delivery_message_id));
        let (originator, body) = (text(self.originator), text(self.body));
        let has_status = name.is_some() || code.is_some();
        let is_receipt = has_status && (reference.is_some() || id.is_some());
        if !is_receipt && (body.is_some() || (originator.is_some() && !has_status)) {
            return Ok(Received::Incoming(IncomingMessage {
                id: text(self.id),
                originator: originator.ok_or(Ambiguous)?,
                recipient: text(self.recipient),
                body: body.unwrap_or_default(),
            }));
        }
        let (part, parts) = (count(self.part)?.or(Some(1)), count(self.parts)?);
        let code = code.and_then(|code| code.parse().ok());
        let status = DeliveryStatus::from_receipt(name.as_deref(), code);
        let update = |reference| StatusUpdate { reference, id, part, parts, status };
        match reference {
            _ if body.is_some() || parts.is_some() && part > parts => Err(Ambiguous),
            Some(reference) if reference.contains('\u{fffd}') => Err(Ambiguous),
            Some(reference) if has_status => Ok(Received::Status(update(reference))),
            _ => Ok(Received::Neither),
        }
    }
}

/// Reads a field that is text or a number, without whitespace around it and NULs in it.
pub(crate) fn text(field: Option<impl Into<Value>>) -> Option<String> {
    let text = match field?.into() {
        Value::String(text) => text.trim().replace('\0', "\u{fffd}"),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Reads a part or a number of parts, from 1 to 255.
pub(crate) fn count(field: Option<impl Into<Value>>) -> Result<Option<u8>, ReadError> {
    let count = |count: String| count.parse().map(NonZeroU8::get).map_err(|_| Ambiguous);
    text(field).map(count).transpose()
}
