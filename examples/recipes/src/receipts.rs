//! A receiver of receipts behind axum, which stores them in a campaign's outbox.
//!
//! ```no_run
//! # use recipes::{receipts::receiver, outbox_sqlite::Outbox};
//! # use std::{error::Error, sync::{Arc, Mutex}, time::Duration};
//! # async fn listen() -> Result<(), Box<dyn Error>> {
//! let outbox = Outbox::open("campaign.sqlite")?; // a connection of its own beside the sender's
//! let receiver = receiver(Arc::new(Mutex::new(outbox)), Duration::from_secs(10));
//! // Receipts carry no signature: whoever knows the path can forge one.
//! let app = axum::Router::new().route("/receipts/a-long-random-word", receiver);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! axum::serve(listener, app).await?; // behind a proxy that has TLS, and a time limit for headers
//! # Ok(())
//! # }
//! ```
//!
//! | answer | when |
//! |---|---|
//! | 200 `stored` | it is on the disk |
//! | 200 `not ours` | it is a receipt, but its reference is not one of the outbox |
//! | 200 `no receipt` | it is something else, as an incoming message, or a receipt without a reference |
//! | 400 | it is cut short, or cannot be read for certain: nothing is stored |
//! | 408 | it did not arrive within the time limit |
//! | 413 | it is larger than [`BODY_LIMIT`] |
//! | 500 | it could not be stored, and may come again |
//!
//! Mobivate asks for a 200, and documents no retries: what got another answer may never come again.
//! An incoming message is dropped here. If the same address gets yours, take them first: a "STOP" is
//! among them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use mobivate_response::DeliveryStatus;
use quick_xml::{Reader, escape::resolve_xml_entity, events::Event};
use serde::{Deserialize, de::value::MapDeserializer};
use serde_json::Value;
use tokio::{task::spawn_blocking, time::timeout};

use crate::outbox_sqlite::{Outbox, StatusUpdate};

/// A receipt takes less than 1 KiB, an incoming message of many parts a few.
pub const BODY_LIMIT: usize = 256 << 10;

/// Answers what Mobivate posts; `limit` is for the whole of a request's body.
pub fn receiver(outbox: Arc<Mutex<Outbox>>, limit: Duration) -> MethodRouter {
    post(move |request| receive(outbox, limit, request)).layer(DefaultBodyLimit::max(BODY_LIMIT))
}

async fn receive(outbox: Arc<Mutex<Outbox>>, limit: Duration, request: Request) -> Response {
    let body = match timeout(limit, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(too_long_or_cut)) => return too_long_or_cut.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    // SQLite blocks. What was begun is finished even if the client hangs up.
    let answer = spawn_blocking(move || {
        // A panic under the lock has rolled its transaction back.
        store(&mut outbox.lock().unwrap_or_else(PoisonError::into_inner), &body)
    });
    answer.await.unwrap_or(NOT_STORED).into_response()
}

type Answer = (StatusCode, &'static str);

const NOT_STORED: Answer = (StatusCode::INTERNAL_SERVER_ERROR, "not stored");

fn store(outbox: &mut Outbox, body: &[u8]) -> Answer {
    let news = match read(body) {
        Ok(Some(news)) => news,
        Ok(None) => return (StatusCode::OK, "no receipt"),
        Err(Unreadable) => return (StatusCode::BAD_REQUEST, "unreadable"),
    };
    match outbox.hear(&news) {
        Ok(true) => (StatusCode::OK, "stored"),
        Ok(false) => (StatusCode::OK, "not ours"),
        Err(error) => {
            eprintln!("a receipt could not be stored: {error}");
            NOT_STORED
        }
    }
}

/// What is cut short, or says two things at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads a receipt; `None` if it is something else, or has no reference.
///
/// It comes in one of two forms:
///
/// - the form field `xml`: observed, one captured byte for byte; the oldest have no `statusCode`;
/// - JSON: documented only.
///
/// The word decides, the code speaks only where no word came. Only the receipt's own fields count,
/// none within them: an `hlr` may have a `status`, too. A repeated one is refused, for nobody knows
/// which is meant.
///
/// The documented JSON has `parts` and no `part`, and nobody has seen whether it stands for one part
/// of a long text or for all: it is stored as the first, and the text stays `Unknown` until more is
/// heard.
///
/// # Errors
///
/// It is cut short, or cannot be read for certain.
pub fn read(body: &[u8]) -> Result<Option<StatusUpdate>, Unreadable> {
    let fields = if body.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice(body)
    } else {
        let mut documents = form_urlencoded::parse(body).filter(|(name, _)| name == "xml");
        let (Some((_, document)), None) = (documents.next(), documents.next()) else {
            return Err(Unreadable);
        };
        let Some(elements) = elements(&document)? else { return Ok(None) };
        Fields::deserialize(MapDeserializer::new(elements.into_iter()))
    };
    fields.map_err(|_| Unreadable)?.news()
}

/// What is text in XML may be a number in JSON.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fields {
    client_reference: Value,
    delivery_message_id: Value,
    status: Value,
    status_code: Value,
    part: Value,
    parts: Value,
    /// Only an incoming message has one.
    body: Value,
}

impl Fields {
    fn news(&self) -> Result<Option<StatusUpdate>, Unreadable> {
        let status = match (text(&self.status), text(&self.status_code)) {
            _ if !self.body.is_null() => return Ok(None),
            (Some(word), _) => DeliveryStatus::from_name(&word),
            (None, Some(code)) => {
                code.parse().map_or(DeliveryStatus::Unknown, DeliveryStatus::from_code)
            }
            (None, None) => return Ok(None),
        };
        let Some(reference) = text(&self.client_reference) else { return Ok(None) };
        let part = count(&self.part)?.unwrap_or(1);
        let parts = count(&self.parts)?.unwrap_or(part);
        if !(1..=parts).contains(&part) {
            return Err(Unreadable);
        }
        let id = text(&self.delivery_message_id);
        Ok(Some(StatusUpdate { reference, id, part: Some(part), parts, status }))
    }
}

fn text(field: &Value) -> Option<String> {
    match field {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A text message has 255 parts at most.
fn count(field: &Value) -> Result<Option<u8>, Unreadable> {
    text(field).map(|count| count.parse()).transpose().map_err(|_| Unreadable)
}

/// The elements directly within a receipt, with their texts; `None` if the document is no receipt.
///
/// Nothing recurses, and nothing is expanded: a document type, which no receipt has, is refused, and
/// so is an entity that it would have to declare.
fn elements(document: &str) -> Result<Option<Vec<(String, Value)>>, Unreadable> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut elements = Vec::new();
    let mut depth = 0;
    let mut whole = false;
    loop {
        let mut add = |depth: usize, more: &str| {
            if let (2, Some((_, Value::String(text)))) = (depth, elements.last_mut()) {
                text.push_str(more);
            }
        };
        match reader.read_event().map_err(|_| Unreadable)? {
            Event::Start(_) if whole => return Err(Unreadable),
            Event::Start(start) => {
                match depth {
                    0 if start.name().as_ref() != b"deliveryreceipt" => return Ok(None),
                    1 => {
                        let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
                        elements.push((name, Value::String(String::new())));
                    }
                    // What has elements within is no text.
                    2 => elements.last_mut().map_or((), |(_, text)| *text = Value::Null),
                    _ => {}
                }
                depth += 1;
            }
            Event::End(_) => {
                depth -= 1;
                whole = depth == 0;
            }
            Event::Text(text) => add(depth, &text.decode().map_err(|_| Unreadable)?),
            Event::CData(text) => add(depth, &text.decode().map_err(|_| Unreadable)?),
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|_| Unreadable)?;
                let mut buffer = [0; 4];
                let character = entity.resolve_char_ref().map_err(|_| Unreadable)?;
                let character = character.map(|character| &*character.encode_utf8(&mut buffer));
                add(depth, character.or(resolve_xml_entity(&name)).ok_or(Unreadable)?);
            }
            Event::DocType(_) => return Err(Unreadable),
            Event::Eof => return if whole { Ok(Some(elements)) } else { Err(Unreadable) },
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}
