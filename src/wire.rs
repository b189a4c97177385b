//! The reply's JSON, field by field: a field that cannot be read costs only itself.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    fmt,
    marker::PhantomData,
    mem,
    str::{self, Utf8Chunk},
};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields that are read; every other key is skipped.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    Success,
    Code,
    Message,
    Error,
    Id,
    Originator,
    Recipient,
    Body,
    Text,
    RouteId,
    Reference,
    CampaignId,
    Scheduled,
    Record,
}

impl Field {
    fn named(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"success" => Self::Success,
            b"code" => Self::Code,
            b"message" => Self::Message,
            b"error" => Self::Error,
            b"id" => Self::Id,
            b"originator" => Self::Originator,
            b"recipient" => Self::Recipient,
            b"body" => Self::Body,
            b"text" => Self::Text,
            b"routeId" => Self::RouteId,
            b"reference" => Self::Reference,
            b"campaignId" => Self::CampaignId,
            b"scheduled" => Self::Scheduled,
            b"record" => Self::Record,
            _ => return None,
        })
    }
}

/// What the reply says, each thing in the one form that the verdict asks for.
pub(crate) struct Reply<'a> {
    /// What kind of body it is, for want of a text of its own.
    pub(crate) nature: &'static str,
    /// `record.id`, else the top-level one; `""` and `0` are none.
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) success: Option<bool>,
    pub(crate) code: Option<i64>,
    /// Whether there is an `error` that is more than a placeholder.
    pub(crate) has_error: bool,
    /// `message` and `error`, where they are strings and not empty.
    pub(crate) texts: [Option<Cow<'a, str>>; 2],
    /// The message's fields: the record's, if there is one.
    fields: Fields<Value<'a>>,
}

impl<'a> Reply<'a> {
    fn silent(nature: &'static str) -> Self {
        Self { nature, ..Self::new(Fields::default(), None) }
    }

    fn new(mut top: Fields<Value<'a>>, mut record: Option<Fields<Value<'a>>>) -> Self {
        let id = |fields: &mut Fields<Value<'a>>| {
            fields.take(Field::Id).into_text().filter(|id| !matches!(&**id, "" | "0"))
        };
        let error = top.take(Field::Error);
        Self {
            nature: "JSON without a message",
            id: record.as_mut().and_then(id).or_else(|| id(&mut top)),
            success: top.take(Field::Success).into_success(),
            code: top.take(Field::Code).into_code(),
            has_error: !error.is_placeholder(),
            texts: [top.take(Field::Message), error].map(Value::into_words),
            fields: record.unwrap_or(top),
        }
    }

    /// One of the message's own fields, which is gone then.
    pub(crate) fn text(&mut self, field: Field) -> Option<Cow<'a, str>> {
        self.fields.take(field).into_text()
    }
}

/// Reads the body as a reply; what is no JSON object says nothing.
pub(crate) fn read(body: &[u8]) -> Reply<'_> {
    let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
    match body.trim_ascii_start() {
        [] => Reply::silent("empty body"),
        [b'{', ..] => read_object(body).unwrap_or_else(|error| {
            Reply::silent(if error.is_eof() { "JSON cut short" } else { "not JSON" })
        }),
        [b'<', b'?', b'x', b'm', b'l', ..] => Reply::silent("XML document"),
        [b'<', ..] => Reply::silent("HTML page"),
        _ => Reply::silent(match serde_json::from_slice(body) {
            Ok(IgnoredAny) => "JSON, but not an object",
            Err(_) => "not JSON",
        }),
    }
}

fn read_object(body: &[u8]) -> serde_json::Result<Reply<'_>> {
    let utf8 = str::from_utf8(body);
    if let Ok(Ok((top, record))) = utf8.map(objects) {
        return Ok(Reply::new(top, record));
    }
    // Something stands where this reader has no use for it, or a string is broken: read each value
    // by itself. Bytes that are not UTF-8 can only stand in strings, so a copy with a stand-in for
    // each has the same structure.
    let json = utf8.map_or_else(|_| body.iter().copied().map(stand_in).collect(), Cow::Borrowed);
    let (top, record) = objects::<Raw<'_>>(&json)?;
    let place = |Raw(value): Raw<'_>| {
        let start = value.as_ptr().addr().wrapping_sub(json.as_ptr().addr());
        body.get(start..).and_then(|rest| rest.get(..value.len())).unwrap_or_default()
    };
    let (top, record) = (top.map(place), record.map(|record| record.map(place)));
    // The texts come after it: together they would pass the bound on memory.
    drop(json);
    Ok(Reply::new(top.map(Value::read), record.map(|record| record.map(Value::read))))
}

fn stand_in(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { '?' }
}

/// The reply's fields, and those of its record if that is an object.
fn objects<'a, V: Deserialize<'a> + Default>(
    json: &'a str,
) -> serde_json::Result<(Fields<V>, Option<Fields<V>>)> {
    let Object { fields, record } = serde_json::from_str(json)?;
    let record = record.map(RawValue::get).filter(|record| record.starts_with('{'));
    let record = record.map(serde_json::from_str::<Object<'a, V>>).transpose()?;
    Ok((fields, record.map(|record| record.fields)))
}

/// A value for each field, whatever the order in the reply; the last of a repeated key stands.
struct Object<'a, V> {
    fields: Fields<V>,
    record: Option<&'a RawValue>,
}

impl<'de, V: Deserialize<'de> + Default> Deserialize<'de> for Object<'de, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de> + Default> Visitor<'de> for ObjectVisitor<V> {
    type Value = Object<'de, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object { fields: Fields::default(), record: None };
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(Field::Record) => object.record = Some(map.next_value()?),
                Some(field) => *object.fields.slot(field) = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(object)
    }
}

/// The field that a key names, after unescaping.
struct Key(Option<Field>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = <&RawValue>::deserialize(deserializer)?.get();
        Ok(Self(match string(key.as_bytes()) {
            Some(key) => Field::named(&key),
            None => None,
        }))
    }
}

/// A `V` for each field but the record.
struct Fields<V>([V; Field::Record as usize]);

impl<V: Default> Default for Fields<V> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<V: Default> Fields<V> {
    #[expect(
        clippy::indexing_slicing,
        reason = "every field but the record, which nobody asks for, has a slot"
    )]
    fn slot(&mut self, field: Field) -> &mut V {
        &mut self.0[field as usize]
    }

    fn take(&mut self, field: Field) -> V {
        mem::take(self.slot(field))
    }

    fn map<W>(self, read: impl FnMut(V) -> W) -> Fields<W> {
        Fields(self.0.map(read))
    }
}

/// A value as it stands in the reply; empty if absent.
#[derive(Default)]
struct Raw<'a>(&'a str);

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|value| Self(value.get()))
    }
}

/// A value, as far as a field can use it.
#[derive(Default)]
enum Value<'a> {
    /// Null or absent.
    #[default]
    Null,
    Bool(bool),
    /// An integer from 0 to 2^64-1.
    Natural(u64),
    /// Any other number without a fraction, such as `-1` and `403.0`, cut to this range.
    Integral(i64),
    Text(Cow<'a, str>),
    /// A list or an object with nothing in it.
    Empty,
    Other,
}

impl<'a> Value<'a> {
    /// Reads any value: the part of a reply that `serde_json` found to be one.
    fn read(json: &'a [u8]) -> Self {
        match json {
            b"" | b"null" => Self::Null,
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            [b'"', ..] => string(json).map_or(Self::Other, |text| Self::Text(into_utf8(text))),
            [b'[' | b'{', inner @ .., _] if inner.trim_ascii().is_empty() => Self::Empty,
            [b'[' | b'{', ..] => Self::Other,
            number => str::from_utf8(number).map_or(Self::Other, Self::number),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "a cast back and forth keeps a number without a fraction, and a larger one is cut"
    )]
    fn number(json: &str) -> Self {
        /// From here on no `f64` has a fraction; infinity stands for what is too large for one.
        const WHOLE: f64 = 9_007_199_254_740_992.0;
        if let Ok(natural) = json.parse() {
            return Self::Natural(natural);
        }
        match json.parse::<f64>() {
            Ok(number) if number.abs() >= WHOLE || number as i64 as f64 == number => {
                Self::Integral(number as i64)
            }
            _ => Self::Other,
        }
    }

    fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Natural(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    fn into_words(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn into_code(self) -> Option<i64> {
        match self {
            Self::Natural(code) => Some(i64::try_from(code).unwrap_or(i64::MAX)),
            Self::Integral(code) => Some(code),
            // `parse` alone would read a sign, too.
            Self::Text(text) if text.len() <= 5 && text.bytes().all(|c| c.is_ascii_digit()) => {
                text.parse().ok()
            }
            _ => None,
        }
    }

    fn into_success(self) -> Option<bool> {
        match self {
            Self::Null => None,
            Self::Bool(success) => Some(success),
            Self::Natural(number) => Some(number == 1),
            Self::Text(text) => Some(text.eq_ignore_ascii_case("true")),
            _ => Some(false),
        }
    }

    fn is_placeholder(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) | Self::Natural(0) | Self::Empty => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}

/// Reads what most values are; all else is an error, and left to [`Value::read`].
impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a natural number, a boolean or null")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Natural(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(value.into())))
    }
}

/// The bytes of a JSON string, unescaped.
fn string(json: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if !inner.contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    let Unescaped(mut bytes) = serde_json::from_slice(json).ok()?;
    // A lone surrogate is left as three bytes of its own, and so is U+FFFD.
    for at in 0..bytes.len() {
        if let Some(three @ [0xED, 0xA0..=0xBF, 0x80..=0xBF]) = bytes.get_mut(at..at + 3) {
            three.copy_from_slice("\u{FFFD}".as_bytes());
        }
    }
    Some(Cow::Owned(bytes))
}

/// The bytes as text, with U+FFFD for each sequence that is not UTF-8.
fn into_utf8(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => {
            str::from_utf8(bytes).map_or_else(|_| Cow::Owned(lossy(bytes)), Cow::Borrowed)
        }
        Cow::Owned(bytes) => {
            Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.as_bytes())))
        }
    }
}

/// `String::from_utf8_lossy` in one allocation: growing by doubling would pass the bound on memory.
fn lossy(bytes: &[u8]) -> String {
    let mended = |chunk: Utf8Chunk<'_>| if chunk.invalid().is_empty() { "" } else { "\u{FFFD}" };
    let len = bytes.utf8_chunks().map(|chunk| chunk.valid().len() + mended(chunk).len()).sum();
    let mut text = String::with_capacity(len);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(mended(chunk));
    }
    text
}

/// The bytes of a JSON string that has escapes; a lone surrogate among them is kept as WTF-8.
struct Unescaped(Vec<u8>);

impl<'de> Deserialize<'de> for Unescaped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(UnescapedVisitor)
    }
}

struct UnescapedVisitor;

impl Visitor<'_> for UnescapedVisitor {
    type Value = Unescaped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Unescaped(bytes.into()))
    }
}
