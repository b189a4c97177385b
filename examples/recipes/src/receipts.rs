//! Reads what Mobivate posts to the webhook: delivery receipts and incoming messages. No framework, no
//! database.
//!
//! ```toml
//! form_urlencoded = "1.2.2"
//! mobivate-response = "0.1"
//! quick-xml = "0.41.0"
//! serde = { version = "1.0.229", features = ["derive"] }
//! serde_json = { version = "1.0.154", features = ["raw_value"] }
//! ```
//!
//! | API | what | body |
//! |---|---|---|
//! | current | delivery receipt | form field `xml`: `<deliveryreceipt>`; observed, captured byte for byte |
//! | oldest | delivery receipt | the same without `statusCode`; observed |
//! | legacy | delivery receipt | JSON; documented |
//! | legacy | incoming message | JSON; documented |
//! | oldest | incoming message | form field `xml`: `<deliverymessage>`; observed |
//!
//! ```
//! use mobivate_response::{DeliveryStatus, FailureKind};
//! use recipes::receipts::{Parts, Received, read};
//!
//! let body = br#"{"clientReference":"r-1","status":"EXPIRED","statusCode":3,"parts":1}"#;
//! match read(body)? {
//!     // Anybody can forge one: look for `update.reference` among your messages.
//!     Received::Status(update) => {
//!         // If this status's `retry` is `Never`, suppress here, before the statuses are merged.
//!         let mut parts = Parts::default(); // one for each message
//!         parts.record(&update);
//!         assert_eq!(parts.status(), DeliveryStatus::Failed(FailureKind::Undelivered));
//!     }
//!     // Whoever writes "STOP" expects it to work: suppress `message.originator`.
//!     Received::Incoming(message) if message.is_stop() => {}
//!     Received::Incoming(_) | Received::Neither => {}
//! }
//! # Ok::<_, recipes::receipts::ReadError>(())
//! ```
//!
//! The status names and codes are documented in [Mobivate's table]. Nothing is signed: whoever knows
//! the webhook URL can forge a receipt or a "STOP".
//!
//! [Mobivate's table]: https://wiki.mobivatebulksms.com/authentication-and-integration/understanding-response-codes

use std::{collections::BTreeMap, error::Error, fmt};

use mobivate_response::DeliveryStatus;
use quick_xml::{Reader, escape::resolve_xml_entity, events::Event};
use serde::{
    Deserialize, Deserializer, Serializer,
    de::{self, Visitor},
};
use serde_json::value::RawValue;

/// What was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A delivery receipt with a client reference.
    Status(StatusUpdate),
    /// A message to one of your own phone numbers.
    Incoming(IncomingMessage),
    /// Something else, or a delivery receipt that has no client reference or no status.
    Neither,
}

/// What a delivery receipt, or a record of the message log, says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The client reference: match by it alone.
    pub reference: String,
    /// Mobivate's id of the message. After a batch it is not the id in the response, which is the
    /// batch's.
    pub id: Option<String>,
    /// The part of a long message that the update is about, from 1; `None`: all parts.
    pub part: Option<u8>,
    /// How many parts the message has, if the update says so.
    pub parts: Option<u8>,
    /// What became of the part.
    pub status: DeliveryStatus,
}

/// A message that somebody sent to one of your own phone numbers. `Debug` shows only its id.
#[derive(Clone, PartialEq, Eq)]
pub struct IncomingMessage {
    /// Mobivate's id of the message.
    pub id: Option<String>,
    /// The phone number of whoever sent it.
    pub originator: String,
    /// Your own phone number.
    pub recipient: Option<String>,
    /// Its text, unchanged; it may be empty.
    pub body: String,
    /// When it came: Mobivate's `created`, unchanged.
    pub created: Option<String>,
    /// Mobivate's `inReplyTo`, unchanged.
    pub in_reply_to: Option<String>,
    /// Mobivate's `logicalMessageId`, unchanged.
    pub logical_message_id: Option<String>,
}

/// Why a body was not read. The error quotes nothing of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The body is truncated, or has a syntax error, or is in none of the forms.
    Malformed,
    /// The body contradicts itself, as with a repeated field or with part 2 of 1; or it is an incoming
    /// message without an originator.
    Ambiguous,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "truncated or malformed",
            Self::Ambiguous => "ambiguous",
        })
    }
}

impl Error for ReadError {}

impl IncomingMessage {
    /// Returns whether the text is the word "STOP" alone, in any case; whitespace and punctuation
    /// aside.
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

/// The statuses of one message, part by part, in whatever order they come and however often.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// How many parts the message has, once an update said so.
    count: Option<u8>,
    statuses: BTreeMap<u8, DeliveryStatus>,
    /// The status that updates gave to all parts at once.
    all: Option<DeliveryStatus>,
}

impl Parts {
    /// Records what a receipt, or a record of the message log, says of this message. Returns whether
    /// that was new.
    ///
    /// A count of parts that contradicts what is known is ignored, and so is a part beyond the count:
    /// one wrong or forged receipt must not leave a delivered message unknown for ever.
    pub fn record(&mut self, update: &StatusUpdate) -> bool {
        let before = self.clone();
        let least = self.highest().max(update.part.unwrap_or(1));
        self.count = self.count.or(update.parts.filter(|parts| *parts >= least));
        let merged = |known: Option<DeliveryStatus>| {
            known.map_or(update.status, |it| it.merge(update.status))
        };
        match update.part {
            None => self.all = Some(merged(self.all)),
            Some(part) if part >= 1 && self.count.is_none_or(|count| part <= count) => {
                self.statuses.insert(part, merged(self.statuses.get(&part).copied()));
            }
            Some(_) => {}
        }
        *self != before
    }

    /// Returns the status of the message; a part without a status is `Unknown`.
    pub fn status(&self) -> DeliveryStatus {
        let count = self.count.unwrap_or(self.highest());
        let all = self.all.unwrap_or(DeliveryStatus::Unknown);
        let part = |part| self.statuses.get(&part).map_or(all, |status| status.merge(all));
        DeliveryStatus::of_parts((1..=count).map(part))
    }

    fn highest(&self) -> u8 {
        self.statuses.keys().next_back().copied().unwrap_or(1)
    }
}

/// Reads what was posted, in any of the forms, in a form field or bare, with or without a byte order
/// mark.
///
/// A status name of Mobivate's table decides; the code only if there is no such name. Only the
/// receipt's own fields are read, not the fields within them: an `hlr` may have a `status`, too.
///
/// The documented JSON has `parts` and no `part`. It is unknown whether it is about one part of a long
/// message or about all parts: the conservative choice is the first part.
///
/// # Errors
///
/// Fails if the body is truncated, malformed or ambiguous.
pub fn read(body: &[u8]) -> Result<Received, ReadError> {
    let body = String::from_utf8_lossy(body);
    let body = trim(&body);
    if body.starts_with('{') {
        return Fields::read(body)?.of_unknown_kind();
    }
    if body.starts_with('<') {
        return read_xml(body);
    }
    let mut documents = form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| name == "xml");
    match (documents.next(), documents.next()) {
        (Some((_, document)), None) => read_xml(trim(&document)),
        (Some(_), Some(_)) => Err(ReadError::Ambiguous),
        (None, _) => Err(ReadError::Malformed),
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character == '\u{feff}' || character.is_whitespace())
}

fn read_xml(document: &str) -> Result<Received, ReadError> {
    let (root, json) = read_elements(document)?;
    let fields = Fields::read(&json)?;
    match &*root {
        "deliveryreceipt" => fields.status_update(),
        "deliverymessage" => fields.incoming(),
        _ => Ok(Received::Neither),
    }
}

/// The fields of receipts and of incoming messages, in XML and in JSON. What is text in XML may be a
/// number in JSON, and a lone surrogate in a message's text must not lose the message.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    client_reference: Option<&'a RawValue>,
    delivery_message_id: Option<&'a RawValue>,
    status: Option<&'a RawValue>,
    status_code: Option<&'a RawValue>,
    part: Option<&'a RawValue>,
    parts: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    originator: Option<&'a RawValue>,
    recipient: Option<&'a RawValue>,
    body: Option<&'a RawValue>,
    created: Option<&'a RawValue>,
    in_reply_to: Option<&'a RawValue>,
    logical_message_id: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Reads an object; a repeated field is an error.
    fn read(json: &'a str) -> Result<Self, ReadError> {
        serde_json::from_str(json).map_err(|error| {
            if error.is_data() { ReadError::Ambiguous } else { ReadError::Malformed }
        })
    }

    /// JSON does not name its kind. An empty `body` decides nothing: a receipt may have one, too.
    fn of_unknown_kind(&self) -> Result<Received, ReadError> {
        let is_named = text(self.client_reference).or(text(self.delivery_message_id)).is_some();
        let has_status = text(self.status).or(text(self.status_code)).is_some();
        match (is_named && has_status, text(self.body).is_some()) {
            (true, true) => Err(ReadError::Ambiguous),
            (true, false) => self.status_update(),
            (false, _) if self.body.is_some() => self.incoming(),
            (false, _) if self.originator.is_some() && !has_status => self.incoming(),
            (false, _) => Ok(Received::Neither),
        }
    }

    fn status_update(&self) -> Result<Received, ReadError> {
        let (name, code) = (text(self.status), text(self.status_code));
        let Some(reference) = text(self.client_reference) else { return Ok(Received::Neither) };
        if name.is_none() && code.is_none() {
            return Ok(Received::Neither);
        }
        let code = code.and_then(|code| code.parse().ok());
        let status = DeliveryStatus::from_receipt(name.as_deref(), code);
        let part = count(self.part)?.unwrap_or(1);
        let parts = count(self.parts)?;
        if part == 0 || parts.is_some_and(|parts| part > parts) {
            return Err(ReadError::Ambiguous);
        }
        let id = text(self.delivery_message_id);
        Ok(Received::Status(StatusUpdate { reference, id, part: Some(part), parts, status }))
    }

    fn incoming(&self) -> Result<Received, ReadError> {
        Ok(Received::Incoming(IncomingMessage {
            id: text(self.id),
            originator: text(self.originator).ok_or(ReadError::Ambiguous)?,
            recipient: text(self.recipient),
            body: untrimmed(self.body).unwrap_or_default(),
            created: text(self.created),
            in_reply_to: text(self.in_reply_to),
            logical_message_id: text(self.logical_message_id),
        }))
    }
}

/// A message has 255 parts at most.
fn count(field: Option<&RawValue>) -> Result<Option<u8>, ReadError> {
    text(field).map(|count| count.parse()).transpose().map_err(|_| ReadError::Ambiguous)
}

fn text(field: Option<&RawValue>) -> Option<String> {
    let text = untrimmed(field)?.trim().to_owned();
    Some(text).filter(|text| !text.is_empty())
}

fn untrimmed(field: Option<&RawValue>) -> Option<String> {
    let json = field?.get();
    if json.starts_with('"') {
        return serde_json::from_str(json).map(|Lossy(text)| text).ok();
    }
    json.starts_with(|first: char| first == '-' || first.is_ascii_digit()).then(|| json.to_owned())
}

/// A string of JSON, lossy: `serde_json` hands lone surrogates on as bytes.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Lossy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// The name of a document's root, and the elements directly within it as a JSON object.
///
/// Nothing recurses, and nothing is expanded: a document type, which no receipt has, is an error, and
/// so is an entity that it would have to declare.
fn read_elements(document: &str) -> Result<(String, String), ReadError> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut root = None;
    let mut elements: Vec<(String, Option<String>)> = Vec::new();
    let mut depth = 0;
    loop {
        let mut push = |more: &str| match (depth, elements.last_mut()) {
            (0, _) if !more.trim().is_empty() => Err(ReadError::Malformed),
            (2, Some((_, Some(text)))) => {
                text.push_str(more);
                Ok(())
            }
            _ => Ok(()),
        };
        match reader.read_event().map_err(|_| ReadError::Malformed)? {
            Event::Start(start) => {
                let name = || String::from_utf8_lossy(start.name().as_ref()).into_owned();
                match depth {
                    0 if root.is_some() => return Err(ReadError::Ambiguous),
                    0 => root = Some(name()),
                    1 => elements.push((name(), Some(String::new()))),
                    // An element with elements within has no text.
                    2 => elements.last_mut().map_or((), |(_, text)| *text = None),
                    _ => {}
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => push(&text.decode().map_err(|_| ReadError::Malformed)?)?,
            Event::CData(text) => push(&text.decode().map_err(|_| ReadError::Malformed)?)?,
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|_| ReadError::Malformed)?;
                let mut buffer = [0; 4];
                let character = entity.resolve_char_ref().map_err(|_| ReadError::Malformed)?;
                let character = character.map(|character| &*character.encode_utf8(&mut buffer));
                push(character.or(resolve_xml_entity(&name)).ok_or(ReadError::Malformed)?)?;
            }
            Event::DocType(_) => return Err(ReadError::Malformed),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    // Truncated: within the root, or before it.
    let root = root.filter(|_| depth == 0).ok_or(ReadError::Malformed)?;
    let mut json = Vec::new();
    let written = serde_json::Serializer::new(&mut json).collect_map(elements);
    written.map_err(|_| ReadError::Malformed)?;
    Ok((root, String::from_utf8(json).map_err(|_| ReadError::Malformed)?))
}
