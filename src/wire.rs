//! The reply's JSON, field by field: a field that cannot be read costs only itself.

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::{
    array, fmt, mem,
    str::{self, Utf8Chunk},
};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// The fields that are read; every other key is skipped.
///
/// In the order of who asks for them: see [`ENTRY`], [`MESSAGE`] and [`BATCH`].
#[derive(Clone, Copy)]
pub(crate) enum Field {
    Originator,
    Recipient,
    Text,
    Reference,
    RouteId,
    Success,
    Code,
    Message,
    Error,
    Id,
    Body,
    CampaignId,
    Scheduled,
    Record,
    Name,
    ScheduleDateTime,
    SpreadHours,
    ShortenUrls,
    ExcludeOptouts,
    ExcludeDuplicates,
    RecipientCount,
    Recipients,
}

/// So many fields make an entry of a batch: the others need no room.
const ENTRY: usize = Field::RouteId as usize + 1;
/// So many make a message.
pub(crate) const MESSAGE: usize = Field::Record as usize + 1;
/// So many make a batch.
pub(crate) const BATCH: usize = Field::Recipients as usize + 1;

impl Field {
    /// Whether it is one of the first `count`.
    const fn is_of(self, count: usize) -> bool {
        (self as usize) < count
    }

    fn named(key: &str) -> Option<Self> {
        Some(match key {
            "success" => Self::Success,
            "code" => Self::Code,
            "message" => Self::Message,
            "error" => Self::Error,
            "id" => Self::Id,
            "originator" => Self::Originator,
            "recipient" => Self::Recipient,
            "body" => Self::Body,
            "text" => Self::Text,
            "routeId" => Self::RouteId,
            "reference" => Self::Reference,
            "campaignId" => Self::CampaignId,
            "scheduled" => Self::Scheduled,
            "name" => Self::Name,
            "scheduleDateTime" => Self::ScheduleDateTime,
            "spreadHours" => Self::SpreadHours,
            "shortenUrls" => Self::ShortenUrls,
            "excludeOptouts" => Self::ExcludeOptouts,
            "excludeDuplicates" => Self::ExcludeDuplicates,
            "recipientCount" => Self::RecipientCount,
            "recipients" => Self::Recipients,
            "record" => Self::Record,
            _ => return None,
        })
    }
}

/// What the reply says.
pub(crate) struct Reply<'a, const N: usize> {
    /// What kind of body it is, for want of a text of its own.
    pub(crate) nature: &'static str,
    top: Object<'a, N>,
    record: Option<Object<'a, N>>,
}

impl<const N: usize> Default for Reply<'_, N> {
    fn default() -> Self {
        Self { nature: "", top: Object::default(), record: None }
    }
}

impl<'a, const N: usize> Reply<'a, N> {
    /// `record.id`, else the top-level one; `""` and `0` are none.
    pub(crate) fn id(&mut self) -> Option<Cow<'a, str>> {
        let id = |object: &mut Object<'a, N>| {
            object.text(Field::Id).filter(|id| !matches!(&**id, "" | "0"))
        };
        self.record.as_mut().and_then(id).or_else(|| id(&mut self.top))
    }

    /// What was accepted: the record, if there is one.
    pub(crate) fn accepted(&mut self) -> &mut Object<'a, N> {
        self.record.as_mut().unwrap_or(&mut self.top)
    }

    /// What the reply says in words: a top-level field that is a string, and not empty.
    pub(crate) fn words(&self, field: Field) -> Option<&str> {
        match self.top.values.get(field) {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The same words, which are gone then.
    pub(crate) fn take_words(&mut self, field: Field) -> Option<Cow<'a, str>> {
        self.top.text(field)
    }

    pub(crate) fn code(&self) -> Option<i64> {
        match self.top.values.get(Field::Code) {
            Value::Natural(code) => Some(i64::try_from(*code).unwrap_or(i64::MAX)),
            Value::Integral(code) => Some(*code),
            // `parse` alone would read a sign, too.
            Value::Text(text) if text.len() <= 5 && text.bytes().all(|c| c.is_ascii_digit()) => {
                text.parse().ok()
            }
            _ => None,
        }
    }

    pub(crate) fn success(&self) -> Option<bool> {
        match self.top.values.get(Field::Success) {
            Value::Null => None,
            Value::Bool(success) => Some(*success),
            Value::Natural(number) => Some(*number == 1),
            Value::Text(text) => Some(text.eq_ignore_ascii_case("true")),
            _ => Some(false),
        }
    }

    /// Whether there is an `error` that is more than a placeholder.
    pub(crate) fn has_error(&self) -> bool {
        match self.top.values.get(Field::Error) {
            Value::Null | Value::Bool(false) | Value::Natural(0) => false,
            Value::Text(text) => !text.is_empty(),
            Value::Nested([_, inner @ .., _]) => !inner.trim_ascii().is_empty(),
            _ => true,
        }
    }
}

impl<'a, const N: usize> Reply<'a, N> {
    /// Reads the body; what is no JSON object says nothing. The reply is read where it stands, for
    /// it is large to hand on.
    pub(crate) fn read(&mut self, body: &'a [u8]) {
        let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
        self.nature = match body.trim_ascii_start() {
            [] => "empty body",
            [b'{', ..] => match self.read_object(body) {
                Ok(()) => "JSON without a message",
                Err(error) if error.is_eof() => "JSON cut short",
                Err(_) => "not JSON",
            },
            [b'<', b'?', b'x', b'm', b'l', ..] => "XML document",
            [b'<', ..] => "HTML page",
            _ => match serde_json::from_slice(body) {
                Ok(IgnoredAny) => "JSON, but not an object",
                Err(_) => "not JSON",
            },
        };
    }

    /// Reads what nearly every reply is in one pass; what has no place in that, value by value.
    fn read_object(&mut self, body: &'a [u8]) -> serde_json::Result<()> {
        if let Some(json) = str::from_utf8(body).ok().filter(|json| !has_half_a_pair(json)) {
            let mut json = serde_json::Deserializer::from_str(json);
            let usual = Usual { top: &mut self.top, record: Some(&mut self.record) };
            if usual.deserialize(&mut json).and_then(|()| json.end()).is_ok() {
                return Ok(());
            }
        }
        (self.top, self.record) = Default::default();
        let IgnoredAny = serde_json::from_slice(body)?;
        let top = Fields::<_, N>::of(body.trim_ascii_start());
        self.record = match top.get(Field::Record) {
            Some(record @ [b'{', ..]) => Some(Object::read(&Fields::of(record))),
            _ => None,
        };
        self.top = Object::read(&top);
        Ok(())
    }
}

/// Whether a surrogate seems to be escaped without its other half: `serde_json` takes that for no
/// text.
///
/// Letters that only look like an escape can mislead it: that costs time, and changes nothing.
#[expect(clippy::needless_bitwise_bool, reason = "without a branch, many bytes go at once")]
fn has_half_a_pair(json: &str) -> bool {
    let is_surrogate = |u: u8, d: u8| (u == b'u') & (d | 0x20 == b'd');
    let leads = |u, d, digit: u8| is_surrogate(u, d) & matches!(digit | 0x20, b'8'..=b'b');
    let trails = |u, d, digit: u8| is_surrogate(u, d) & matches!(digit | 0x20, b'c'..=b'f');
    let differ = |at: &[u8]| {
        matches!(*at, [u, d, digit, .., v, e, other]
            if leads(u, d, digit) != trails(v, e, other))
    };
    let (_, end) = json.as_bytes().split_at(json.len().saturating_sub(8));
    let leads_at_end =
        || end.windows(3).any(|at| matches!(*at, [u, d, digit] if leads(u, d, digit)));
    let in_windows = || json.as_bytes().windows(9).fold(false, |found, at| found | differ(at));
    json.contains("\\u") && (in_windows() || leads_at_end())
}

/// What an object of the reply says, field by field.
pub(crate) struct Object<'a, const N: usize> {
    values: Fields<Value<'a>, N>,
    /// The objects in the list of recipients; whatever else stands in it is skipped.
    pub(crate) recipients: Vec<Entry<'a>>,
}

/// An object in a list.
pub(crate) type Entry<'a> = Fields<Value<'a>, ENTRY>;

impl<const N: usize> Default for Object<'_, N> {
    fn default() -> Self {
        Self { values: Fields::default(), recipients: Vec::new() }
    }
}

impl<'a, const N: usize> Object<'a, N> {
    /// A string, or a natural number's digits. It is gone then.
    pub(crate) fn text(&mut self, field: Field) -> Option<Cow<'a, str>> {
        self.values.text(field)
    }

    pub(crate) fn natural(&self, field: Field) -> Option<u64> {
        match self.values.get(field) {
            Value::Natural(number) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn bool(&self, field: Field) -> Option<bool> {
        match self.values.get(field) {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn read(values: &Fields<Option<&'a [u8]>, N>) -> Self {
        let list = if Field::Recipients.is_of(N) { *values.get(Field::Recipients) } else { None };
        let entries = list.filter(|list| list.starts_with(b"[")).into_iter().flat_map(Parts);
        let objects = entries.filter(|entry| entry.starts_with(b"{"));
        let recipients = objects.map(|entry| Fields::of(entry).read()).collect();
        Self { values: values.read(), recipients }
    }
}

/// A `V` for each of the first `N` fields.
pub(crate) struct Fields<V, const N: usize>([V; N]);

impl<V: Default, const N: usize> Default for Fields<V, N> {
    fn default() -> Self {
        Self(array::from_fn(|_| V::default()))
    }
}

#[expect(clippy::indexing_slicing, reason = "who asks for a field has made room for it")]
impl<V, const N: usize> Fields<V, N> {
    fn get(&self, field: Field) -> &V {
        &self.0[field as usize]
    }

    fn slot(&mut self, field: Field) -> &mut V {
        &mut self.0[field as usize]
    }
}

impl<'a, const N: usize> Fields<Value<'a>, N> {
    /// A string, or a natural number's digits. It is gone then.
    pub(crate) fn text(&mut self, field: Field) -> Option<Cow<'a, str>> {
        match self.slot(field) {
            Value::Null => None,
            value => mem::take(value).into_text(),
        }
    }
}

impl<'a, const N: usize> Fields<Option<&'a [u8]>, N> {
    /// Each value as it stands in the object, to be read by itself.
    fn of(object: &'a [u8]) -> Self {
        let mut fields = Self::default();
        let mut parts = Parts(object);
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            match string(key).and_then(|key| Field::named(str::from_utf8(&key).ok()?)) {
                Some(field) if field.is_of(N) => *fields.slot(field) = Some(value),
                _ => {}
            }
        }
        fields
    }

    fn read(&self) -> Fields<Value<'a>, N> {
        Fields(self.0.map(|value| value.map_or(Value::Null, Value::read)))
    }
}

/// The values of a list, or an object's keys and values by turns, as they stand in valid JSON.
///
/// Strings may be broken: `serde_json` does not look into what it skips.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // The first is what stands before the value: a bracket, a comma or a colon.
        let (_, rest) = self.0.split_first()?;
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        let IgnoredAny = values.next()?.ok()?;
        let (value, rest) = rest.split_at_checked(values.byte_offset())?;
        self.0 = rest.trim_ascii_start();
        Some(value.trim_ascii_start())
    }
}

/// The reader of a reply whose values are of the usual types, and whose strings are whole.
struct Usual<'b, 'a, const N: usize> {
    top: &'b mut Object<'a, N>,
    /// Where its record goes; a record has none of its own.
    record: Option<&'b mut Option<Object<'a, N>>>,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Usual<'_, 'de, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Usual<'_, 'de, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    // The last of a repeated key stands.
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(field)) = map.next_key()? {
            match (field.filter(|field| field.is_of(N)), &mut self.record) {
                (None, _) | (Some(Field::Record), None) => drop(map.next_value::<IgnoredAny>()?),
                (Some(Field::Record), Some(record)) => {
                    let top = record.insert(Object::default());
                    map.next_value_seed(Usual { top, record: None })?;
                }
                (Some(Field::Recipients), _) => {
                    self.top.recipients = map.next_value_seed(UsualEntries)?;
                }
                (Some(field), _) => map.next_value_seed(self.top.values.slot(field))?,
            }
        }
        Ok(())
    }
}

/// The reader of a list that has nothing but such objects in it.
struct UsualEntries;

impl<'de> DeserializeSeed<'de> for UsualEntries {
    type Value = Vec<Entry<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for UsualEntries {
    type Value = Vec<Entry<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        loop {
            let mut entry = Object::default();
            match seq.next_element_seed(Usual { top: &mut entry, record: None })? {
                Some(()) => entries.push(entry.values),
                None => return Ok(entries),
            }
        }
    }
}

/// The field that a key names.
struct Key(Option<Field>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(Key(Field::named(key)))
    }
}

/// A value, as far as a field can use it.
#[derive(Default)]
pub(crate) enum Value<'a> {
    /// Null or absent.
    #[default]
    Null,
    Bool(bool),
    /// An integer from 0 to 2^64-1.
    Natural(u64),
    /// Any other number without a fraction, such as `-1` and `403.0`, cut to this range.
    Integral(i64),
    Text(Cow<'a, str>),
    /// A list or an object, as it stands.
    Nested(&'a [u8]),
    Other,
}

impl<'a> Value<'a> {
    /// Reads any value: the part of a reply that `serde_json` found to be one.
    fn read(json: &'a [u8]) -> Self {
        match json {
            b"null" => Self::Null,
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            [b'"', ..] => string(json).map_or(Self::Other, |text| Self::Text(into_utf8(text))),
            [b'[' | b'{', ..] => Self::Nested(json),
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
            Ok(number) if !(-WHOLE..WHOLE).contains(&number) || number as i64 as f64 == number => {
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
}

/// Reads what most values are; all else is an error, and left to [`Value::read`].
impl<'de> DeserializeSeed<'de> for &mut Value<'de> {
    type Value = ();

    #[expect(clippy::inline_always, reason = "a call for each value costs a batch 1 in 100")]
    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Value<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a natural number, a boolean or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self = Value::Null;
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self = Value::Bool(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        *self = Value::Natural(value);
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        *self = Value::Text(Cow::Borrowed(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        *self = Value::Text(Cow::Owned(value.into()));
        Ok(())
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
