//! What a response says: its JSON, read leniently by one reader. Nothing is decided here.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, mem, str};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a response says.
#[derive(Default)]
pub(crate) struct Response<'a> {
    /// Whether all of the body is one well-formed JSON object. Where it is not, the fields hold what
    /// stood before the syntax error.
    pub(crate) is_complete: bool,
    /// Whether recipients are read. For a single send they are skipped.
    pub(crate) is_batch: bool,
    /// What kind of body it is.
    pub(crate) body_description: &'static str,
    pub(crate) success: Value<'a>,
    pub(crate) code: Value<'a>,
    pub(crate) texts: Texts<'a>,
    pub(crate) top: Fields<'a>,
    pub(crate) record: Option<Fields<'a>>,
}

/// The values in which a response says what is wrong.
#[derive(Default)]
pub(crate) struct Texts<'a> {
    pub(crate) message: TextValue<'a>,
    pub(crate) error: TextValue<'a>,
    pub(crate) errors: TextValue<'a>,
    pub(crate) detail: TextValue<'a>,
    pub(crate) title: TextValue<'a>,
}

/// A value as far as its text is concerned.
#[derive(Default)]
pub(crate) struct TextValue<'a> {
    text: Text<'a>,
    /// Whether it is anything but null, `false`, `0`, `""`, `[]` and `{}`.
    pub(crate) is_set: bool,
    /// How many lists and objects it is in, below the response itself.
    depth: u8,
}

/// A text is at most in so many lists and objects.
const MAX_DEPTH: u8 = 3;

/// What describes a message or a batch, at the top or in the `record`.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) id: Text<'a>,
    pub(crate) originator: Text<'a>,
    pub(crate) recipient: Text<'a>,
    pub(crate) body: Text<'a>,
    pub(crate) text: Text<'a>,
    pub(crate) route_id: Text<'a>,
    pub(crate) reference: Text<'a>,
    pub(crate) campaign_id: Text<'a>,
    pub(crate) scheduled: Text<'a>,
    pub(crate) name: Text<'a>,
    pub(crate) schedule_date_time: Text<'a>,
    /// The name of a delivery status; at the top it may be a code.
    pub(crate) status: Value<'a>,
    pub(crate) spread_hours: Option<u64>,
    pub(crate) shorten_urls: Option<bool>,
    pub(crate) exclude_optouts: Option<bool>,
    pub(crate) exclude_duplicates: Option<bool>,
    pub(crate) recipient_count: Option<u64>,
    pub(crate) recipients: Vec<BatchRecipient<'a>>,
    pub(crate) messages: Vec<BatchRecipient<'a>>,
}

/// An element of `recipients` or `messages`.
#[derive(Default)]
pub(crate) struct BatchRecipient<'a> {
    pub(crate) originator: Text<'a>,
    pub(crate) recipient: Text<'a>,
    pub(crate) text: Text<'a>,
    pub(crate) reference: Text<'a>,
    pub(crate) route_id: Text<'a>,
}

/// A string, or the digits of a non-negative integer.
pub(crate) type Text<'a> = Option<Cow<'a, str>>;

/// A value, as far as any field can use it.
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
    /// A number with a fraction.
    Float,
    Text(Cow<'a, str>),
    List {
        is_empty: bool,
    },
    Object {
        is_empty: bool,
    },
}

impl<'a> Value<'a> {
    fn into_text(self) -> Text<'a> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unsigned(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// A count, also as digits in a string.
    fn into_count(self) -> Option<u64> {
        match self {
            Self::Unsigned(count) => Some(count),
            Self::Text(text) if text.bytes().all(|c| c.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
    }

    fn is_set(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) | Self::Unsigned(0) => false,
            Self::Text(text) => !text.is_empty(),
            Self::List { is_empty } | Self::Object { is_empty } => !is_empty,
            Self::Bool(true) | Self::Unsigned(_) | Self::Integer(_) | Self::Float => true,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a larger number is limited")]
    fn from_f64(number: f64) -> Self {
        if number % 1.0 == 0.0 { Self::Integer(number as i64) } else { Self::Float }
    }
}

impl<'a> Response<'a> {
    /// Reads the body; what is no JSON object has one text at most.
    ///
    /// # Errors
    ///
    /// Returns a copy without the invalid UTF-8 and the lone surrogates that kept the body from being
    /// read: to be read instead, by [`from_lossy`](Self::from_lossy).
    pub(crate) fn read(&mut self, body: &'a [u8]) -> Result<(), String> {
        let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
        let start = body.trim_ascii_start();
        self.body_description = match start {
            [b'{', ..] => return self.read_object(body),
            [] => "empty body",
            [b'<', b'?', b'x', b'm', b'l', ..] => "XML document",
            [b'<', ..] => "HTML page",
            [0x1F, 0x8B, ..] => "gzip data",
            _ => "not a JSON object",
        };
        match start {
            [b'<', ..] => self.texts.title.text = page_title(start),
            _ => self.texts.message.text = plain_text(start),
        }
        Ok(())
    }

    fn read_object(&mut self, body: &'a [u8]) -> Result<(), String> {
        if let Ok(text) = str::from_utf8(body) {
            self.read_text(text);
            if self.is_complete {
                return Ok(());
            }
        }
        let copy = lossy(body);
        if copy.as_bytes() == body {
            return Ok(());
        }
        // The recipients that were read go first: with the copy's, they would pass the memory's bound.
        *self = Self::default();
        Err(copy)
    }

    /// Reads the copy, once: whatever syntax error is left in it is final.
    pub(crate) fn from_lossy(copy: &'a str, is_batch: bool) -> Self {
        let mut response = Self { is_batch, ..Self::default() };
        response.read_text(copy);
        response
    }

    fn read_text(&mut self, text: &'a str) {
        // A number at the very end may be truncated; an unfinished string is an error either way.
        let rest = text.trim_end_matches(|c| matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E'));
        let is_number = |end: &str| end.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let json = if is_number(text.split_at(rest.len()).1) { rest } else { text };
        let mut reader = serde_json::Deserializer::from_str(json);
        let read = Slot::Response(self).deserialize(&mut reader).and_then(|()| reader.end());
        self.is_complete = read.is_ok() && json.len() == text.len();
        self.body_description = match read {
            Ok(()) if self.is_complete => "JSON without a text",
            Err(error) if error.is_eof() => "truncated JSON",
            _ => "malformed JSON",
        };
    }

    /// The fields that describe what was sent.
    pub(crate) fn described(&mut self) -> &mut Fields<'a> {
        self.record.as_mut().unwrap_or(&mut self.top)
    }

    fn slot(&mut self, key: &str) -> Slot<'_, 'a> {
        match key {
            "success" => Slot::Value(&mut self.success),
            "code" => Slot::Value(&mut self.code),
            "record" => Slot::Record(self),
            // The keys of `Texts::slot`: to try that after `top.slot` took 1 instruction in 70 more.
            "message" | "error" | "errors" | "detail" | "title" => self.texts.slot(key),
            key => self.top.slot(key, self.is_batch),
        }
    }
}

/// What stands between `<title>` and `</title>` in the first KiB of a page.
fn page_title(page: &[u8]) -> Text<'_> {
    let (start, _) = page.split_at_checked(MAX_TEXT).unwrap_or((page, &[]));
    let start = match str::from_utf8(start) {
        // An incomplete character at the end is no error.
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(start.split_at(error.valid_up_to()).0).ok()?
        }
        start => start.ok()?,
    };
    // Most pages of errors have none, and `contains` sees that in half of the time.
    if !start.contains("<title>") {
        return None;
    }
    let (_, title) = start.split_once("<title>")?;
    non_empty(title.split_once("</title>")?.0)
}

/// A short body that is the text itself.
fn plain_text(body: &[u8]) -> Text<'_> {
    if body.len() > MAX_TEXT || !body.first()?.is_ascii_alphabetic() {
        return None;
    }
    let text = str::from_utf8(body).ok()?.trim_end();
    if matches!(text, "true" | "false" | "null") {
        return None;
    }
    // A number at the very end may be truncated.
    let words = text.trim_end_matches(|c: char| !c.is_alphabetic());
    let digits = text.chars().rev().take_while(|c| !c.is_alphabetic()).filter(|c| c.is_numeric());
    non_empty(if digits.count() < 7 { text } else { words })
}

fn non_empty(text: &str) -> Text<'_> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(Cow::Borrowed)
}

/// A page is searched for a title, and a body is a text, up to this length.
const MAX_TEXT: usize = 1024;

impl<'a> Texts<'a> {
    fn in_depth(depth: u8) -> Self {
        let value = || TextValue { depth, ..TextValue::default() };
        Self { message: value(), error: value(), errors: value(), detail: value(), title: value() }
    }

    pub(crate) fn in_order(&self) -> impl Iterator<Item = &Cow<'a, str>> {
        let Self { message, error, errors, detail, title } = self;
        [message, error, errors, detail, title].into_iter().filter_map(|value| value.text.as_ref())
    }

    fn into_first(self) -> Text<'a> {
        let Self { message, error, errors, detail, title } = self;
        [message, error, errors, detail, title].into_iter().find_map(|value| value.text)
    }

    fn slot(&mut self, key: &str) -> Slot<'_, 'a> {
        match key {
            "message" => Slot::TextValue(&mut self.message),
            "error" => Slot::TextValue(&mut self.error),
            "errors" => Slot::TextValue(&mut self.errors),
            "detail" => Slot::TextValue(&mut self.detail),
            "title" => Slot::TextValue(&mut self.title),
            _ => Slot::unread(key),
        }
    }
}

impl<'a> TextValue<'a> {
    fn fill(&mut self, value: Value<'a>) {
        self.is_set = value.is_set();
        self.text = match value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        };
    }

    fn read_list<A: SeqAccess<'a>>(&mut self, mut list: A) -> Result<(), A::Error> {
        let (mut text, mut is_set) = (None, false);
        loop {
            let mut element = Self { depth: self.depth + 1, ..Self::default() };
            if list.next_element_seed(Slot::TextValue(&mut element))?.is_none() {
                break;
            }
            text = text.or(element.text);
            is_set = true;
        }
        (self.text, self.is_set) = (text, is_set);
        Ok(())
    }

    fn read_object<A: MapAccess<'a>>(&mut self, object: A) -> Result<(), A::Error> {
        let mut texts = Texts::in_depth(self.depth + 1);
        let value = Slot::Texts(&mut texts).read_fields(object)?;
        self.fill(value);
        self.text = texts.into_first();
        Ok(())
    }
}

impl<'a> Fields<'a> {
    fn slot(&mut self, key: &str, is_batch: bool) -> Slot<'_, 'a> {
        match key {
            "id" => Slot::Text(&mut self.id),
            "originator" => Slot::Text(&mut self.originator),
            "recipient" => Slot::Text(&mut self.recipient),
            "body" => Slot::Text(&mut self.body),
            "text" => Slot::Text(&mut self.text),
            "routeId" => Slot::Text(&mut self.route_id),
            "reference" => Slot::Text(&mut self.reference),
            "campaignId" => Slot::Text(&mut self.campaign_id),
            "scheduled" => Slot::Text(&mut self.scheduled),
            "name" => Slot::Text(&mut self.name),
            "scheduleDateTime" => Slot::Text(&mut self.schedule_date_time),
            "status" => Slot::Value(&mut self.status),
            "spreadHours" => Slot::Count(&mut self.spread_hours),
            "shortenUrls" => Slot::Bool(&mut self.shorten_urls),
            "excludeOptouts" | "excludeOptOuts" => Slot::Bool(&mut self.exclude_optouts),
            "excludeDuplicates" => Slot::Bool(&mut self.exclude_duplicates),
            "recipientCount" => Slot::Count(&mut self.recipient_count),
            "recipients" if is_batch => Slot::Recipients(&mut self.recipients),
            "messages" if is_batch => Slot::Recipients(&mut self.messages),
            _ => Slot::unread(key),
        }
    }
}

impl<'a> BatchRecipient<'a> {
    fn is_empty(&self) -> bool {
        let Self { originator, recipient, text, reference, route_id } = self;
        [originator, recipient, text, reference, route_id].into_iter().all(Option::is_none)
    }

    fn slot(&mut self, key: &str) -> Slot<'_, 'a> {
        match key {
            "originator" => Slot::Text(&mut self.originator),
            "recipient" => Slot::Text(&mut self.recipient),
            "text" => Slot::Text(&mut self.text),
            "reference" => Slot::Text(&mut self.reference),
            "routeId" => Slot::Text(&mut self.route_id),
            _ => Slot::unread(key),
        }
    }
}

/// Where a value goes, of whatever type it is. It is filled in place, so that what was read before a
/// syntax error is there.
enum Slot<'s, 'a> {
    Response(&'s mut Response<'a>),
    /// The `record` of this response.
    Record(&'s mut Response<'a>),
    Recipients(&'s mut Vec<BatchRecipient<'a>>),
    BatchRecipient(&'s mut BatchRecipient<'a>),
    Text(&'s mut Text<'a>),
    TextValue(&'s mut TextValue<'a>),
    /// The object that a text value is.
    Texts(&'s mut Texts<'a>),
    Count(&'s mut Option<u64>),
    Bool(&'s mut Option<bool>),
    Value(&'s mut Value<'a>),
    Unread,
    /// The key was [`ARBITRARY_PRECISION_KEY`].
    Number,
}

impl<'a> Slot<'_, 'a> {
    /// Takes a value that is complete.
    #[expect(clippy::inline_always, reason = "a call for each value costs 1 in 20 of all")]
    #[expect(clippy::unnecessary_wraps, reason = "every visit ends with it")]
    #[inline(always)]
    fn fill<E>(self, value: Value<'a>) -> Result<(), E> {
        match self {
            Self::Text(text) => *text = value.into_text(),
            Self::TextValue(text) => text.fill(value),
            Self::Count(count) => *count = value.into_count(),
            Self::Bool(slot) => *slot = if let Value::Bool(it) = value { Some(it) } else { None },
            Self::Value(slot) => *slot = value,
            Self::Record(response) if !matches!(value, Value::Object { .. }) => {
                response.record = None;
            }
            Self::Recipients(recipients) => recipients.clear(),
            _ => {}
        }
        Ok(())
    }

    /// No field wants the value of this key.
    fn unread(key: &str) -> Self {
        if key == ARBITRARY_PRECISION_KEY { Self::Number } else { Self::Unread }
    }

    /// Where a field of an object in this place goes.
    fn field(&mut self, key: &str) -> Slot<'_, 'a> {
        match self {
            Self::Response(response) => response.slot(key),
            Self::Record(Response { record: Some(fields), is_batch, .. }) => {
                fields.slot(key, *is_batch)
            }
            Self::BatchRecipient(recipient) => recipient.slot(key),
            Self::Texts(texts) => texts.slot(key),
            _ => Slot::unread(key),
        }
    }

    /// Reads the fields of an object in this place, and returns what it is as a value.
    fn read_fields<A: MapAccess<'a>>(&mut self, mut object: A) -> Result<Value<'a>, A::Error> {
        let (mut is_empty, mut number) = (true, None);
        while let Some(slot) = object.next_key_seed(Key(self))? {
            is_empty = false;
            if let Slot::Number = slot {
                let text: Cow<'_, str> = object.next_value()?;
                number = Some(serde_json::from_str(&text).map_err(Error::custom)?);
            } else {
                object.next_value_seed(slot)?;
            }
        }
        Ok(number.map_or(Value::Object { is_empty }, Value::from_f64))
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            // However deep it is nested, `serde_json` skips it without recursion.
            Self::Unread => deserializer.deserialize_ignored_any(self),
            slot => deserializer.deserialize_any(slot),
        }
    }
}

impl<'de> Visitor<'de> for Slot<'_, 'de> {
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
                let mut recipient = BatchRecipient::default();
                while let Some(()) = list.next_element_seed(Slot::BatchRecipient(&mut recipient))? {
                    if !recipient.is_empty() {
                        recipients.push(mem::take(&mut recipient));
                    }
                }
            }
            Self::TextValue(value) if value.depth < MAX_DEPTH => value.read_list(list)?,
            slot => {
                let mut is_empty = true;
                while let Some(IgnoredAny) = list.next_element()? {
                    is_empty = false;
                }
                slot.fill(Value::List { is_empty })?;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, object: A) -> Result<(), A::Error> {
        match &mut self {
            // A repeated record replaces the earlier one.
            Self::Record(response) => response.record = Some(Fields::default()),
            Self::TextValue(value) if value.depth < MAX_DEPTH => return value.read_object(object),
            _ => {}
        }
        let value = self.read_fields(object)?;
        self.fill(value)
    }
}

/// The key of a field in an object in this place; it gives the place of the field's value.
struct Key<'k, 's, 'a>(&'k mut Slot<'s, 'a>);

impl<'de, 'k> DeserializeSeed<'de> for Key<'k, '_, 'de> {
    type Value = Slot<'k, 'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, 'k> Visitor<'de> for Key<'k, '_, 'de> {
    type Value = Slot<'k, 'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(key))
    }
}

/// The key under which `serde_json` hands on a number that is no integer, as text, where another
/// crate of the build switches on its `arbitrary_precision`.
const ARBITRARY_PRECISION_KEY: &str = "$serde_json::private::Number";

/// The body with U+FFFD for what is not UTF-8, and for each escaped surrogate without its other
/// half.
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

/// The surrogate whose escape the text begins with.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(r"\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| matches!(unit, 0xD800..=0xDFFF))
}
