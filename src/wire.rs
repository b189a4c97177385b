//! Reads the JSON of a response, leniently.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, mem, str};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    batch::{Batch, BatchRecipient},
    message::Message,
};

/// The content of a response about a `Message` or a `Batch`.
pub(crate) struct Response<'a, T> {
    /// Whether the whole body is one JSON object. If not, the fields hold the values before the syntax
    /// error.
    pub(crate) is_complete: bool,
    is_object: bool,
    /// The title of a page, a plain text, or else the kind of body.
    pub(crate) description: &'a str,
    pub(crate) success: Value<'a>,
    pub(crate) code: Value<'a>,
    errors: ErrorMessages<'a>,
    pub(crate) top: Part<'a, T>,
    pub(crate) record: Option<Part<'a, T>>,
}

/// The values of `message`, `error`, `errors`, `detail`, and `title`.
pub(crate) type ErrorMessages<'a> = [ErrorMessage<'a>; 5];

#[derive(Default)]
pub(crate) struct ErrorMessage<'a> {
    text: Text<'a>,
    is_set: bool,
}

/// An error message is in at most this many lists and objects.
const MAX_DEPTH: u8 = 3;

/// The top of a response or its `record`.
pub(crate) struct Part<'a, T> {
    id: Text<'a>,
    /// At the top, it may be a code.
    pub(crate) status: Value<'a>,
    fields: T,
    text: Text<'a>,
    schedule_date_time: Text<'a>,
    messages: Vec<BatchRecipient<'a>>,
}

/// A string, or the digits of a non-negative integer.
type Text<'a> = Option<Cow<'a, str>>;

#[derive(Default)]
pub(crate) enum Value<'a> {
    /// Null or absent.
    #[default]
    Null,
    Bool(bool),
    /// An integer from 0 to 2^64-1.
    Unsigned(u64),
    /// Any other integral number, such as `-1` and `403.0`, limited to this range.
    Integer(i64),
    Text(Cow<'a, str>),
    /// `[]` or `{}`.
    Empty,
    /// A fraction, or a list or an object that isn't empty.
    Other,
}

impl<'a> Value<'a> {
    fn into_text(self) -> Text<'a> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unsigned(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    fn into_count(self) -> Option<u64> {
        match self {
            Self::Unsigned(count) => Some(count),
            // `parse` alone would also read a sign.
            Self::Text(text) if text.bytes().all(|c| c.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
    }

    fn is_set(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) | Self::Unsigned(0) | Self::Empty => false,
            Self::Text(text) => !text.is_empty(),
            Self::Bool(true) | Self::Unsigned(_) | Self::Integer(_) | Self::Other => true,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a larger number is limited")]
    fn from_f64(number: f64) -> Self {
        if number % 1.0 == 0.0 { Self::Integer(number as i64) } else { Self::Other }
    }

    fn from_len(is_empty: bool) -> Self {
        if is_empty { Self::Empty } else { Self::Other }
    }
}

impl<'a, T: Fields<'a>> Response<'a, T> {
    pub(crate) fn new() -> Self {
        Self {
            is_complete: false,
            is_object: false,
            description: "",
            success: Value::Null,
            code: Value::Null,
            errors: ErrorMessages::default(),
            top: Part::new(),
            record: None,
        }
    }

    pub(crate) fn read(&mut self, body: &'a [u8]) {
        let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
        let start = body.trim_ascii_start();
        self.description = match start {
            [b'{', ..] => {
                self.is_object = true;
                // Otherwise, `repaired` has a copy to read.
                if let Ok(text) = str::from_utf8(body) {
                    self.read_object(text);
                }
                return;
            }
            [] => "empty body",
            [b'<', b'?', b'x', b'm', b'l', ..] => page_title(start).unwrap_or("XML document"),
            [b'<', ..] => page_title(start).unwrap_or("HTML page"),
            [0x1F, 0x8B, ..] => "gzip data",
            _ => plain_text(start).unwrap_or("not a JSON object"),
        };
    }

    fn read_object(&mut self, text: &'a str) {
        // A number at the very end may be truncated.
        let rest = text.trim_end_matches(|c| matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E'));
        let is_number = |end: &str| end.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let json = if is_number(text.split_at(rest.len()).1) { rest } else { text };
        let mut reader = serde_json::Deserializer::from_str(json);
        let read = Slot::Response(self).deserialize(&mut reader).and_then(|()| reader.end());
        self.is_complete = read.is_ok() && json.len() == text.len();
        self.description = match read {
            Ok(()) if self.is_complete => "JSON without a text",
            Err(error) if error.is_eof() => "truncated JSON",
            _ => "malformed JSON",
        };
    }

    /// A copy of the body without the invalid UTF-8 and the lone surrogates that kept the response from
    /// being complete.
    pub(crate) fn repaired(&self, body: &[u8]) -> Option<String> {
        if self.is_complete || !self.is_object {
            return None;
        }
        Some(lossy(body)).filter(|copy| copy.as_bytes() != body)
    }

    /// The id, unless it's whitespace or `0`: that of the `record`, or else the one at the top.
    pub(crate) fn take_id(&mut self) -> Option<Cow<'a, str>> {
        let id = |part: &mut Part<'a, T>| {
            part.id.take_if(|id| id != "0" && !id.chars().all(char::is_whitespace))
        };
        self.record.as_mut().and_then(id).or_else(|| id(&mut self.top))
    }

    /// The error messages in order.
    pub(crate) fn error_messages(&self) -> impl Iterator<Item = &Cow<'a, str>> {
        self.errors.iter().filter_map(|error| error.text.as_ref())
    }

    /// Whether `error` or `errors` is anything but null, `false`, `0`, `""`, `[]`, and `{}`.
    pub(crate) fn has_error(&self) -> bool {
        let [_, error, errors, ..] = &self.errors;
        error.is_set || errors.is_set
    }

    /// The message or the batch, which was accepted with this id.
    pub(crate) fn take_accepted(&mut self, id: Cow<'a, str>) -> T {
        T::accepted(id, self.record.as_mut().unwrap_or(&mut self.top))
    }

    fn slot(&mut self, key: &str) -> Slot<'_, 'a, T> {
        match key {
            "success" => Slot::Value(&mut self.success),
            "code" => Slot::Value(&mut self.code),
            "record" => Slot::Record(&mut self.record),
            key => match self.top.slot(key) {
                Slot::Unread => error_message(&mut self.errors, key, 0),
                slot => slot,
            },
        }
    }
}

/// A page is searched for a title, and a body is a plain text, up to this length.
const MAX_TEXT: usize = 1024;

fn page_title(page: &[u8]) -> Option<&str> {
    let (start, _) = page.split_at_checked(MAX_TEXT).unwrap_or((page, &[]));
    // A page without a title takes a third of the time, because this loop has no branch.
    let is_title = |c: &u8, next: &u8| matches!((c, next | 0x20), (b'<', b't'));
    let pairs = start.iter().zip(start.iter().skip(1));
    if !pairs.fold(false, |has, (c, next)| has | is_title(c, next)) {
        return None;
    }
    let start = match str::from_utf8(start) {
        // The last character may be incomplete.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(start.split_at(error.valid_up_to()).0).ok()?
        }
        start => start.ok()?,
    };
    let is_title = |tag: &&str| tag.get(..6).is_some_and(|it| it.eq_ignore_ascii_case("<title"));
    let mut tags = start.match_indices('<').map(|(at, _)| start.split_at(at).1);
    let (_, title) = tags.find(is_title)?.split_once('>')?;
    Some(title.split_once('<')?.0.trim()).filter(|title| !title.is_empty())
}

fn plain_text(body: &[u8]) -> Option<&str> {
    if body.len() > MAX_TEXT || !body.first()?.is_ascii_alphabetic() {
        return None;
    }
    let text = str::from_utf8(body).ok()?.trim_end();
    Some(text).filter(|text| !matches!(*text, "true" | "false" | "null"))
}

fn error_message<'s, 'a, T>(
    errors: &'s mut ErrorMessages<'a>,
    key: &str,
    depth: u8,
) -> Slot<'s, 'a, T> {
    let [message, error, errors, detail, title] = errors;
    let message = match key {
        "message" | "Message" => message,
        "error" | "Error" => error,
        "errors" | "Errors" => errors,
        "detail" | "Detail" => detail,
        "title" | "Title" => title,
        _ => return Slot::Unread,
    };
    Slot::ErrorMessage(message, depth)
}

impl<'a, T: Fields<'a>> Part<'a, T> {
    fn new() -> Self {
        Self {
            id: None,
            status: Value::Null,
            fields: T::empty(),
            text: None,
            schedule_date_time: None,
            messages: Vec::new(),
        }
    }

    fn slot(&mut self, key: &str) -> Slot<'_, 'a, T> {
        match key {
            "id" => Slot::Text(&mut self.id),
            "status" => Slot::Value(&mut self.status),
            key => T::slot(self, key),
        }
    }
}

/// The fields of a message or a batch.
pub(crate) trait Fields<'a>: Sized {
    fn empty() -> Self;

    fn slot<'s>(part: &'s mut Part<'a, Self>, key: &str) -> Slot<'s, 'a, Self>;

    fn accepted(id: Cow<'a, str>, part: &mut Part<'a, Self>) -> Self;
}

impl<'a> Fields<'a> for Message<'a> {
    fn empty() -> Self {
        Self::new("")
    }

    fn slot<'s>(part: &'s mut Part<'a, Self>, key: &str) -> Slot<'s, 'a, Self> {
        let fields = &mut part.fields;
        match key {
            "originator" => Slot::Text(&mut fields.originator),
            "recipient" => Slot::Text(&mut fields.recipient),
            "body" => Slot::Text(&mut fields.body),
            "text" => Slot::Text(&mut part.text),
            "routeId" => Slot::Text(&mut fields.route_id),
            "reference" => Slot::Text(&mut fields.reference),
            "campaignId" => Slot::Text(&mut fields.campaign_id),
            "scheduled" => Slot::Text(&mut fields.scheduled),
            "recipientCount" => Slot::Count(&mut fields.recipient_count),
            _ => Slot::Unread,
        }
    }

    fn accepted(id: Cow<'a, str>, part: &mut Part<'a, Self>) -> Self {
        part.fields.id = id;
        part.fields.body = part.fields.body.take().or_else(|| part.text.take());
        mem::replace(&mut part.fields, Self::empty())
    }
}

impl<'a> Fields<'a> for Batch<'a> {
    fn empty() -> Self {
        Self::new("")
    }

    fn slot<'s>(part: &'s mut Part<'a, Self>, key: &str) -> Slot<'s, 'a, Self> {
        let fields = &mut part.fields;
        match key {
            "name" => Slot::Text(&mut fields.name),
            "routeId" => Slot::Text(&mut fields.route_id),
            "scheduleDateTime" => Slot::Text(&mut part.schedule_date_time),
            "scheduled" => Slot::Text(&mut fields.scheduled),
            "recipientCount" => Slot::Count(&mut fields.recipient_count),
            "shortenUrls" => Slot::Bool(&mut fields.shorten_urls),
            "excludeOptouts" | "excludeOptOuts" => Slot::Bool(&mut fields.exclude_optouts),
            "excludeDuplicates" => Slot::Bool(&mut fields.exclude_duplicates),
            "spreadHours" => Slot::Count(&mut fields.spread_hours),
            "recipients" => Slot::Recipients(&mut fields.recipients),
            "messages" => Slot::Recipients(&mut part.messages),
            _ => Slot::Unread,
        }
    }

    fn accepted(id: Cow<'a, str>, part: &mut Part<'a, Self>) -> Self {
        part.fields.id = id;
        part.fields.scheduled =
            part.schedule_date_time.take().or_else(|| part.fields.scheduled.take());
        if part.fields.recipients.is_empty() {
            part.fields.recipients = mem::take(&mut part.messages);
        }
        mem::replace(&mut part.fields, Self::empty())
    }
}

impl<'a> BatchRecipient<'a> {
    fn slot<T>(&mut self, key: &str) -> Slot<'_, 'a, T> {
        match key {
            "originator" => Slot::Text(&mut self.originator),
            "recipient" => Slot::Text(&mut self.recipient),
            "text" => Slot::Text(&mut self.text),
            "reference" => Slot::Text(&mut self.reference),
            "routeId" => Slot::Text(&mut self.route_id),
            _ => Slot::Unread,
        }
    }
}

/// The place of a value, which may be of any type.
///
/// It's filled as the value is read, so that the values before a syntax error are there.
pub(crate) enum Slot<'s, 'a, T> {
    Response(&'s mut Response<'a, T>),
    Record(&'s mut Option<Part<'a, T>>),
    Recipients(&'s mut Vec<BatchRecipient<'a>>),
    Recipient(&'s mut BatchRecipient<'a>),
    Text(&'s mut Text<'a>),
    /// With the number of lists and objects around it.
    ErrorMessage(&'s mut ErrorMessage<'a>, u8),
    /// The object in which an error message may be.
    ErrorMessages(&'s mut ErrorMessages<'a>, u8),
    Count(&'s mut Option<u64>),
    Bool(&'s mut Option<bool>),
    Value(&'s mut Value<'a>),
    Unread,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The key under which `serde_json` passes a number on as text, if another crate in the build enables
/// its feature `arbitrary_precision`.
const NUMBER_KEY: &str = "$serde_json::private::Number";

impl<'a, T: Fields<'a>> Slot<'_, 'a, T> {
    /// Takes a complete value.
    #[expect(clippy::inline_always, reason = "a call for each value costs 4 percent")]
    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "every visit ends with it")]
    fn fill<E>(self, value: Value<'a>) -> Result<(), E> {
        match self {
            Self::Text(text) => *text = value.into_text(),
            Self::ErrorMessage(message, _) => message.fill(value),
            Self::Count(count) => *count = value.into_count(),
            Self::Bool(bool) => *bool = if let Value::Bool(it) = value { Some(it) } else { None },
            Self::Value(slot) => *slot = value,
            Self::Record(record) => *record = None,
            Self::Recipients(recipients) => recipients.clear(),
            Self::Response(_) | Self::Recipient(_) | Self::ErrorMessages(..) | Self::Unread => {}
        }
        Ok(())
    }

    /// The place of the value that this key has in an object in this place.
    fn of_key(&mut self, key: &str) -> Slot<'_, 'a, T> {
        match self {
            Self::Response(response) => response.slot(key),
            Self::Record(Some(part)) => part.slot(key),
            Self::Recipient(recipient) => recipient.slot(key),
            Self::ErrorMessages(errors, depth) => error_message(errors, key, *depth),
            _ => Slot::Unread,
        }
    }

    /// Reads an object in this place. As a value, it's a number or else only empty or not.
    fn read_object<A: MapAccess<'a>>(&mut self, mut object: A) -> Result<Value<'a>, A::Error> {
        let (mut is_empty, mut number) = (true, None);
        while let Some(Key(key)) = object.next_key()? {
            is_empty = false;
            match self.of_key(&key) {
                Slot::Unread if key == NUMBER_KEY => {
                    let text: Cow<'_, str> = object.next_value()?;
                    number = Some(serde_json::from_str(&text).map_err(Error::custom)?);
                    if let Self::Record(record) = self {
                        **record = None;
                    }
                }
                slot => object.next_value_seed(slot)?,
            }
        }
        Ok(number.map_or(Value::from_len(is_empty), Value::from_f64))
    }
}

impl<'a> ErrorMessage<'a> {
    fn fill(&mut self, value: Value<'a>) {
        self.is_set = value.is_set();
        self.text = if let Value::Text(text) = value { Some(text) } else { None };
        self.text.take_if(|text| text.is_empty());
    }
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Slot<'_, 'de, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            // `serde_json` skips it without recursion, however deep it's nested.
            Self::Unread => deserializer.deserialize_ignored_any(self),
            slot => deserializer.deserialize_any(slot),
        }
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Slot<'_, 'de, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.fill(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.fill(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.fill(Value::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.fill(Value::Integer(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.fill(Value::from_f64(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.fill(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.fill(Value::Text(Cow::Owned(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        match self {
            Self::Recipients(recipients) => {
                recipients.clear();
                loop {
                    let mut recipient = BatchRecipient::default();
                    if list.next_element_seed(Slot::<T>::Recipient(&mut recipient))?.is_none() {
                        return Ok(());
                    }
                    if recipient != BatchRecipient::default() {
                        recipients.push(recipient);
                    }
                }
            }
            Self::ErrorMessage(message, depth) if depth < MAX_DEPTH => {
                let mut first = ErrorMessage::default();
                loop {
                    let mut element = ErrorMessage::default();
                    let slot = Slot::<T>::ErrorMessage(&mut element, depth + 1);
                    if list.next_element_seed(slot)?.is_none() {
                        *message = first;
                        return Ok(());
                    }
                    first = ErrorMessage { text: first.text.or(element.text), is_set: true };
                }
            }
            slot => {
                let mut is_empty = true;
                while let Some(IgnoredAny) = list.next_element()? {
                    is_empty = false;
                }
                slot.fill(Value::from_len(is_empty))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, object: A) -> Result<(), A::Error> {
        match &mut self {
            // A repeated record starts anew.
            Self::Record(record) => **record = Some(Part::new()),
            Self::ErrorMessage(message, depth) if *depth < MAX_DEPTH => {
                let mut errors = ErrorMessages::default();
                let value =
                    Slot::<T>::ErrorMessages(&mut errors, *depth + 1).read_object(object)?;
                message.fill(value);
                message.text = errors.into_iter().find_map(|error| error.text);
                return Ok(());
            }
            _ => {}
        }
        match (self.read_object(object)?, self) {
            // It has been filled.
            (_, Slot::Record(_)) => Ok(()),
            (value, slot) => slot.fill(value),
        }
    }
}

/// The body with U+FFFD for what isn't UTF-8 and for each lone surrogate escape.
fn lossy(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut lossy = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        lossy.push_str(before);
        let (len, is_lone) = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(..=0xDBFF), Some(0xDC00..)) => (12, false),
            (Some(_), _) => (6, true),
            (None, _) if escape.starts_with(r"\\") => (2, false),
            (None, _) => (1, false),
        };
        let (escape, after) = escape.split_at(len);
        lossy.push_str(if is_lone { "\u{FFFD}" } else { escape });
        rest = after;
    }
    lossy.push_str(rest);
    lossy
}

/// The surrogate that the text begins with, as an escape.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(r"\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| matches!(unit, 0xD800..=0xDFFF))
}
