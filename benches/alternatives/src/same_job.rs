//! The job of this crate without its reader: derived structs whose every field takes a value of any type
//! (the `record` aside), and the crate's rules on top. It keeps nothing of a truncated or malformed body,
//! and a repeated key or a lone surrogate makes a body malformed: derived structs can do no more.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::Answer;

/// Reads the body once, and classifies it by the rules of `SendOutcome::decode`.
pub fn answer(status: u16, body: &[u8], show: &mut dyn FnMut(Answer<'_>)) {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let start = body.trim_ascii_start();
    if !start.starts_with(b"{") {
        return show(plain(status, start));
    }
    let text = String::from_utf8_lossy(body);
    let Ok(response) = serde_json::from_str::<Response<'_>>(&text) else {
        return show(Answer::Error { code: status, text: "malformed JSON" });
    };
    let named = [&response.code, &response.status].into_iter().filter_map(Value::code);
    let code = match status {
        0 | 500..=599 => status,
        _ => named.clone().find(|code| matches!(code, 400..=599)).unwrap_or(status),
    };
    let is_id = |id: &Cow<'_, str>| id != "0" && !id.chars().all(char::is_whitespace);
    let id = response.record.as_ref().and_then(|record| record.id.text()).filter(is_id);
    let id = id.or_else(|| response.id.text().filter(is_id));
    let texts =
        [&response.message, &response.error, &response.errors, &response.detail, &response.title];
    let mut texts = texts.into_iter().filter_map(|value| value.first_text(3));
    let notice = texts.clone().find_map(after_notice);
    let accepts = matches!(code, 200..=299) && !response.is_denied();
    let is_known = !matches!(code, 0 | 500..=599);
    let is_acceptance = accepts && id.is_some();
    show(match (notice, id) {
        (Some(rest), _) if is_known && !is_acceptance => {
            Answer::OptedOut { code, number: number(rest) }
        }
        (None, Some(id)) if accepts => return show(Answer::Accepted { id: &id }),
        (Some(_), _) => Answer::Error {
            code,
            text: texts.find(|text| after_notice(text).is_some()).unwrap_or_default(),
        },
        (None, _) => Answer::Error { code, text: texts.next().unwrap_or("JSON without a text") },
    });
}

/// What a page or plain text says.
fn plain(code: u16, body: &[u8]) -> Answer<'_> {
    let text = match body {
        [] => "empty body",
        [b'<', ..] => {
            let (start, _) = body.split_at(body.len().min(1024));
            let title = str::from_utf8(start).ok().and_then(|start| {
                Some(start.split_once("<title>")?.1.split_once("</title>")?.0.trim())
            });
            title.filter(|title| !title.is_empty()).unwrap_or(match body {
                [b'<', b'?', b'x', b'm', b'l', ..] => "XML document",
                _ => "HTML page",
            })
        }
        [0x1F, 0x8B, ..] => "gzip data",
        [first, ..] if first.is_ascii_alphabetic() && body.len() <= 1024 => {
            match str::from_utf8(body).map(str::trim_end) {
                Err(_) | Ok("true" | "false" | "null") => "not a JSON object",
                Ok(text) => text,
            }
        }
        _ => "not a JSON object",
    };
    match after_notice(text) {
        Some(rest) if !matches!(code, 0 | 500..=599) => {
            Answer::OptedOut { code, number: number(rest) }
        }
        _ => Answer::Error { code, text },
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Response<'a> {
    #[serde(borrow)]
    success: Value<'a>,
    #[serde(borrow)]
    code: Value<'a>,
    #[serde(borrow)]
    status: Value<'a>,
    #[serde(borrow)]
    message: Value<'a>,
    #[serde(borrow)]
    error: Value<'a>,
    #[serde(borrow)]
    errors: Value<'a>,
    #[serde(borrow)]
    detail: Value<'a>,
    #[serde(borrow)]
    title: Value<'a>,
    #[serde(borrow)]
    record: Option<Fields<'a>>,
    #[serde(borrow)]
    id: Value<'a>,
    #[serde(borrow, rename = "originator")]
    _originator: Value<'a>,
    #[serde(borrow, rename = "recipient")]
    _recipient: Value<'a>,
    #[serde(borrow, rename = "body")]
    _body: Value<'a>,
    #[serde(borrow, rename = "text")]
    _text: Value<'a>,
    #[serde(borrow, rename = "routeId")]
    _route_id: Value<'a>,
    #[serde(borrow, rename = "reference")]
    _reference: Value<'a>,
    #[serde(borrow, rename = "campaignId")]
    _campaign_id: Value<'a>,
    #[serde(borrow, rename = "scheduled")]
    _scheduled: Value<'a>,
    #[serde(borrow, rename = "recipientCount")]
    _recipient_count: Value<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    id: Value<'a>,
    #[serde(borrow)]
    status: Value<'a>,
    #[serde(borrow, rename = "originator")]
    _originator: Value<'a>,
    #[serde(borrow, rename = "recipient")]
    _recipient: Value<'a>,
    #[serde(borrow, rename = "body")]
    _body: Value<'a>,
    #[serde(borrow, rename = "text")]
    _text: Value<'a>,
    #[serde(borrow, rename = "routeId")]
    _route_id: Value<'a>,
    #[serde(borrow, rename = "reference")]
    _reference: Value<'a>,
    #[serde(borrow, rename = "campaignId")]
    _campaign_id: Value<'a>,
    #[serde(borrow, rename = "scheduled")]
    _scheduled: Value<'a>,
    #[serde(borrow, rename = "recipientCount")]
    _recipient_count: Value<'a>,
}

impl Response<'_> {
    fn is_denied(&self) -> bool {
        let status = self.record.as_ref().map_or(&self.status, |record| &record.status);
        let is_true = match &self.success {
            Value::Null | Value::Bool(true) | Value::Unsigned(1) => true,
            Value::Text(text) => text.eq_ignore_ascii_case("true"),
            _ => false,
        };
        let has_failed = status.text().is_some_and(|name| {
            mobivate_response::DeliveryStatus::from_name(&name).failure_kind().is_some()
        });
        let code_denies = self.code.code().is_some_and(|code| !matches!(code, 0 | 200..=299));
        !is_true || self.error.is_set() || self.errors.is_set() || code_denies || has_failed
    }
}

/// A value of any type.
#[derive(Default)]
enum Value<'a> {
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object {
        is_empty: bool,
        /// By the five keys, in their order.
        texts: Box<[Self; 5]>,
    },
}

impl Value<'_> {
    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Unsigned(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
    fn code(&self) -> Option<u16> {
        match self {
            Self::Unsigned(code) => Some(u16::try_from(*code).unwrap_or(u16::MAX)),
            Self::Number(code) if code % 1.0 == 0.0 && (0.0..65536.0).contains(code) => {
                Some(*code as u16)
            }
            Self::Text(text) if text.bytes().all(|c| c.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
    }

    fn is_set(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => false,
            Self::Bool(true) | Self::Number(_) => true,
            Self::Unsigned(number) => *number != 0,
            Self::Text(text) => !text.is_empty(),
            Self::List(values) => !values.is_empty(),
            Self::Object { is_empty, .. } => !is_empty,
        }
    }

    fn first_text(&self, depth: u8) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&**text).filter(|text| !text.is_empty()),
            Self::List(values) if depth > 0 => {
                values.iter().find_map(|value| value.first_text(depth - 1))
            }
            Self::Object { texts, .. } if depth > 0 => {
                texts.iter().find_map(|value| value.first_text(depth - 1))
            }
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyType)
    }
}

struct AnyType;

#[expect(clippy::cast_precision_loss, reason = "a code is small")]
impl<'de> Visitor<'de> for AnyType {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value<'de>, A::Error> {
        let mut is_empty = true;
        let mut texts: Box<[Value<'de>; 5]> = Box::default();
        while let Some(key) = object.next_key::<TextKey>()? {
            is_empty = false;
            match texts.get_mut(key as usize) {
                Some(value) => *value = object.next_value()?,
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object { is_empty, texts })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum TextKey {
    Message,
    Error,
    Errors,
    Detail,
    Title,
    #[serde(other)]
    Other,
}

/// What follows the first opt-out notice of the text.
fn after_notice(text: &str) -> Option<&str> {
    let is_start =
        |at: &usize| after_word(text.get(*at..).unwrap_or_default(), "recipient").is_some();
    (0..text.len()).filter(is_start).find_map(|start| {
        let (before, phrase) = text.split_at(start);
        let rest = after_word(phrase, "recipient")?;
        let rest = after_gap(after_word(rest, "s").unwrap_or(rest))?;
        let verb =
            after_any(rest, &["is", "are", "was", "were", "has", "have"]).and_then(after_gap);
        let rest = verb.unwrap_or(rest);
        let rest = after_any(rest, &["been", "already"]).and_then(after_gap).unwrap_or(rest);
        let rest = after_word(after_gap(after_word(rest, "opted")?)?, "out")?;
        let is_name = phrase[..phrase.len() - rest.len()].contains('_');
        let is_first = !before.contains(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'));
        let goes_on = rest.trim_start_matches(['_', '-']).starts_with(char::is_alphanumeric);
        let next = rest.trim_start().chars().next();
        let is_thing = (verb.is_none() || is_name) && next.is_some_and(char::is_alphabetic);
        let value =
            rest.trim_start_matches(|c: char| c.is_whitespace() || ":=>?([\"'`".contains(c));
        let value = value.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let is_denied = is_one_of(value, &["false", "no", "null", "none", "unknown", "0"]);
        let is_none = goes_on || next == Some('?') || is_thing || is_name && !is_first || is_denied;
        (!is_none && !is_hedged(before)).then_some(rest)
    })
}

/// Whether a word of doubt stands before the notice, in the same clause.
fn is_hedged(before: &str) -> bool {
    let before = before.trim_end_matches(char::is_alphanumeric);
    let clause = before.rsplit(|c: char| !c.is_alphanumeric() && !" \t_-'’".contains(c)).next();
    let clause = clause.unwrap_or_default();
    let clause = clause.rsplit_once(" -").or(clause.rsplit_once("- ")).map_or(clause, |it| it.1);
    let words = clause.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut last = words.clone().rev().skip_while(|word| is_one_of(word, ARTICLES));
    last.next().is_some_and(|word| is_one_of(word, NEGATIONS))
        || words.clone().any(|word| is_one_of(word, HEDGES))
}

const HEDGES: &[&str] = &[
    "if", "whether", "unless", "until", "when", "where", "once", "assuming", "perhaps", "doubt",
    "determine", "confirm", "verify", "neither", "none",
];
const NEGATIONS: &[&str] = &["no", "not", "or", "nor", "case", "0"];
const ARTICLES: &[&str] = &["the", "this", "that", "a", "any", "all"];

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

fn after_any<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| after_word(text, word))
}

fn after_gap(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '_' | '-'));
    (rest.len() < text.len()).then_some(rest)
}

/// The number that follows a notice, unless more of it may follow.
fn number(rest: &str) -> Option<&str> {
    let is_mask = |c| matches!(c, 'X' | 'x' | '*');
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_digit() && !is_mask(c)).unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let ends = rest.is_empty()
        || rest.starts_with(|c: char| c.is_whitespace() || ".,;:!?)]}\"'".contains(c));
    let is_separator = |c: char| {
        c.is_whitespace() || "-./()[]{}".contains(c) || !c.is_ascii() && !c.is_alphanumeric()
    };
    let group = rest.strip_prefix(',').unwrap_or_else(|| rest.trim_start_matches(is_separator));
    let goes_on = group.starts_with(|c: char| c.is_numeric() || is_mask(c));
    let is_number = number.starts_with(|c: char| c.is_ascii_digit()) && (7..=15).contains(&end);
    (is_number && ends && !goes_on).then_some(number)
}
