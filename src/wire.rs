//! What the reply says: its JSON, read once and leniently. Nothing is decided here.

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

/// What the reply says.
#[derive(Default)]
pub(crate) struct Reply<'a> {
    /// Whether all of the body is one sound JSON object. Where it is not, the fields hold what
    /// stood before the fault.
    pub(crate) whole: bool,
    /// Whether recipients are read. The reply to a single send has none, and they are skipped.
    pub(crate) is_batch: bool,
    /// What kind of body it is, in words.
    pub(crate) kind_of_body: &'static str,
    pub(crate) success: Value<'a>,
    pub(crate) code: Value<'a>,
    pub(crate) message: Value<'a>,
    pub(crate) error: Value<'a>,
    pub(crate) top: Fields<'a>,
    pub(crate) record: Option<Fields<'a>>,
}

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
    pub(crate) spread_hours: Value<'a>,
    pub(crate) shorten_urls: Value<'a>,
    pub(crate) exclude_optouts: Value<'a>,
    pub(crate) exclude_duplicates: Value<'a>,
    pub(crate) recipient_count: Value<'a>,
    pub(crate) recipients: Vec<Entry<'a>>,
}

/// An entry of `recipients`.
#[derive(Default, PartialEq)]
pub(crate) struct Entry<'a> {
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
    Natural(u64),
    /// Any other number without a fraction, such as `-1` and `403.0`, cut to this range.
    Integral(i64),
    /// A number with a fraction.
    Fraction,
    Text(Cow<'a, str>),
    List {
        is_empty: bool,
    },
    Object {
        is_empty: bool,
    },
}

impl<'a> Value<'a> {
    pub(crate) fn natural(&self) -> Option<u64> {
        if let Self::Natural(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    fn into_text(self) -> Text<'a> {
        match self {
            Self::Text(text) => Some(text),
            Self::Natural(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a larger number is cut")]
    fn from_f64(number: f64) -> Self {
        if number % 1.0 == 0.0 { Self::Integral(number as i64) } else { Self::Fraction }
    }
}

/// A copy of a body, without the bad UTF-8 and the lone surrogates that kept it from being read.
pub(crate) struct Mended(String);

impl<'a> Reply<'a> {
    /// Reads the body; what is no JSON object says nothing.
    ///
    /// # Errors
    ///
    /// A mended copy is to be read instead, into a new reply.
    pub(crate) fn read(&mut self, body: &'a [u8]) -> Result<(), Mended> {
        let body = body.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(body);
        self.kind_of_body = match body.trim_ascii_start() {
            [b'{', ..] => return self.read_object(body),
            [] => "empty body",
            [b'<', b'?', b'x', b'm', b'l', ..] => "XML document",
            [b'<', ..] => "HTML page",
            [0x1F, 0x8B, ..] => "gzip data",
            _ => "not a JSON object",
        };
        Ok(())
    }

    fn read_object(&mut self, body: &'a [u8]) -> Result<(), Mended> {
        if let Ok(text) = str::from_utf8(body) {
            self.read_text(text);
            if self.whole {
                return Ok(());
            }
        }
        let copy = mended(body);
        if copy.as_bytes() == body { Ok(()) } else { Err(Mended(copy)) }
    }

    /// Reads the copy, once: whatever fault is left in it is not to be mended.
    pub(crate) fn read_mended(&mut self, Mended(copy): &'a Mended) {
        self.read_text(copy);
    }

    fn read_text(&mut self, text: &'a str) {
        // A cut may have shortened a number at the very end.
        let uncut = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let mut json = serde_json::Deserializer::from_str(uncut);
        let read = Slot::Reply(self).deserialize(&mut json).and_then(|()| json.end());
        self.whole = read.is_ok() && uncut.len() == text.len();
        self.kind_of_body = match read {
            Ok(()) if self.whole => "JSON without a message",
            Err(error) if error.is_eof() => "JSON cut short",
            _ => "not JSON",
        };
    }

    fn slot(&mut self, key: &str) -> Slot<'_, 'a> {
        match key {
            "success" => Slot::Value(&mut self.success),
            "code" => Slot::Value(&mut self.code),
            "message" => Slot::Value(&mut self.message),
            "error" => Slot::Value(&mut self.error),
            "record" => Slot::Record(&mut self.record, self.is_batch),
            key => self.top.slot(key, self.is_batch),
        }
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
            "spreadHours" => Slot::Value(&mut self.spread_hours),
            "shortenUrls" => Slot::Value(&mut self.shorten_urls),
            "excludeOptouts" => Slot::Value(&mut self.exclude_optouts),
            "excludeDuplicates" => Slot::Value(&mut self.exclude_duplicates),
            "recipientCount" => Slot::Value(&mut self.recipient_count),
            "recipients" if is_batch => Slot::Recipients(&mut self.recipients),
            _ => Slot::Unread,
        }
    }
}

impl<'a> Entry<'a> {
    fn slot(&mut self, key: &str) -> Slot<'_, 'a> {
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

/// Where a value goes, of whatever type it is. It is filled in place, so that what was read before
/// a fault is there.
enum Slot<'s, 'a> {
    Reply(&'s mut Reply<'a>),
    /// With whether it is a batch's.
    Record(&'s mut Option<Fields<'a>>, bool),
    Recipients(&'s mut Vec<Entry<'a>>),
    Entry(&'s mut Entry<'a>),
    Text(&'s mut Text<'a>),
    Value(&'s mut Value<'a>),
    Unread,
}

impl<'a> Slot<'_, 'a> {
    /// Takes a value that is complete.
    fn fill(self, value: Value<'a>) {
        match self {
            Self::Text(text) => *text = value.into_text(),
            Self::Value(slot) => *slot = value,
            Self::Record(record, _) if !matches!(value, Value::Object { .. }) => *record = None,
            Self::Recipients(entries) if !matches!(value, Value::List { .. }) => entries.clear(),
            _ => {}
        }
    }

    /// Where a field of an object in this place goes.
    fn field(&mut self, key: &str) -> Slot<'_, 'a> {
        match self {
            Self::Reply(reply) => reply.slot(key),
            Self::Record(Some(fields), is_batch) => fields.slot(key, *is_batch),
            Self::Entry(entry) => entry.slot(key),
            _ => Slot::Unread,
        }
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
        self.fill(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.fill(Value::Bool(value));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.fill(Value::Natural(number));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.fill(Value::Integral(number));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.fill(Value::from_f64(number));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.fill(Value::Text(Cow::Borrowed(text)));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.fill(Value::Text(Cow::Owned(text.into())));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut is_empty = true;
        if let Self::Recipients(entries) = &mut self {
            entries.clear();
            let mut entry = Entry::default();
            while let Some(()) = list.next_element_seed(Slot::Entry(&mut entry))? {
                if entry != Entry::default() {
                    entries.push(mem::take(&mut entry));
                }
            }
        }
        while let Some(IgnoredAny) = list.next_element()? {
            is_empty = false;
        }
        self.fill(Value::List { is_empty });
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        let mut key = object.next_key()?;
        let is_empty = key.is_none();
        if matches!(&key, Some(Key(key)) if key == NUMBER) {
            let Key(number) = object.next_value()?;
            let number = serde_json::from_str(&number).map_err(Error::custom)?;
            return self.visit_f64(number);
        }
        if let Self::Record(record, _) = &mut self {
            // A repeated record starts anew.
            **record = Some(Fields::default());
        }
        while let Some(Key(name)) = key {
            object.next_value_seed(self.field(&name))?;
            key = object.next_key()?;
        }
        self.fill(Value::Object { is_empty });
        Ok(())
    }
}

/// The key under which `serde_json` hands on a number that is no integer, as text, where another
/// crate of the build switches on its `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The body with U+FFFD for what is not UTF-8, and for each escaped surrogate without its other
/// half.
fn mended(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut mended = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let (len, is_lone) = match (surrogate(escape), escape.get(6..).and_then(surrogate)) {
            (Some(..=0xDBFF), Some(0xDC00..)) => (12, false),
            (Some(_), _) => (6, true),
            (None, _) if escape.starts_with(r"\\") => (2, false),
            (None, _) => (1, false),
        };
        let (escape, after) = escape.split_at(len);
        mended.push_str(if is_lone { "\u{FFFD}" } else { escape });
        rest = after;
    }
    mended.push_str(rest);
    mended
}

/// The surrogate whose escape the text begins with.
fn surrogate(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(r"\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|unit| matches!(unit, 0xD800..=0xDFFF))
}
