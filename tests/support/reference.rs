//! The reference implementation: the rules written a second time, on `serde_json::Value`.
//!
//! It decides complete responses alone. It shares no code with the crate.

use std::{fmt::Write as _, str};

use mobivate_response::{
    Batch, BatchOutcome, BatchRecipient, Failure, FailureKind, Message, SendOutcome,
};
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// The kind that a code alone stands for.
pub(crate) fn kind(code: u16) -> FailureKind {
    match code {
        0 => FailureKind::NoResponse,
        500..=599 => FailureKind::ServerError,
        302 | 303 | 406 | 408 | 409 | 460 | 499 => FailureKind::Unconfirmed,
        400 | 413 | 422 => FailureKind::BadRequest,
        401 => FailureKind::Unauthorized,
        402 => FailureKind::OutOfCredit,
        403 => FailureKind::Forbidden,
        429 => FailureKind::RateLimited,
        300..=499 => FailureKind::Misconfigured,
        _ => FailureKind::Unconfirmed,
    }
}

/// A complete response.
pub(crate) struct Response {
    object: Option<Object>,
    description: String,
}

impl Response {
    /// Returns `None` for a JSON object that is truncated or malformed, and for one that `Value` can't
    /// represent.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let start = body.trim_ascii_start();
        if !start.starts_with(b"{") {
            let text = if start.starts_with(b"<") { title(start) } else { plain(start) };
            return Some(Self { object: None, description: text.unwrap_or(kind_of_body(start)) });
        }
        let text = String::from_utf8_lossy(body);
        let Ok(Value::Object(object)) = serde_json::from_str(&text) else { return None };
        let value = Value::Object(object.clone());
        // With `arbitrary_precision`, a repeated key hides a number that is too large.
        let hides = ["$serde_json::private", "1e400"].iter().any(|hidden| text.contains(hidden));
        (is_decidable(&value) && !hides)
            .then(|| Self { object: Some(object), description: "JSON without a text".to_owned() })
    }

    pub(crate) fn outcome(&self, status: u16) -> SendOutcome<'static> {
        let id = match self.accepted(status, false) {
            Ok(id) => id,
            Err(failure) => return failure.into(),
        };
        let fields = self.fields();
        let text = |key| text(fields.get(key)).map(Into::into);
        let mut message = Message::new(id);
        message.originator = text("originator");
        message.recipient = text("recipient");
        message.body = text("body").or_else(|| text("text"));
        message.route_id = text("routeId");
        message.reference = text("reference");
        message.campaign_id = text("campaignId");
        message.scheduled = text("scheduled");
        message.recipient_count = count(fields.get("recipientCount"));
        message.into()
    }

    pub(crate) fn batch_outcome(&self, status: u16) -> BatchOutcome<'static> {
        let id = match self.accepted(status, true) {
            Ok(id) => id,
            Err(failure) => return failure.into(),
        };
        let fields = self.fields();
        let text = |key| text(fields.get(key)).map(Into::into);
        let flag = |key| fields.get(key).and_then(Value::as_bool);
        let mut batch = Batch::new(id);
        batch.name = text("name");
        batch.route_id = text("routeId");
        batch.scheduled = text("scheduleDateTime").or_else(|| text("scheduled"));
        batch.recipient_count = count(fields.get("recipientCount"));
        batch.spread_hours = count(fields.get("spreadHours"));
        batch.shorten_urls = flag("shortenUrls");
        batch.exclude_optouts = flag("excludeOptouts").or_else(|| flag("excludeOptOuts"));
        batch.exclude_duplicates = flag("excludeDuplicates");
        let list = |key| {
            let list = fields.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().filter_map(recipient).collect::<Vec<_>>()
        };
        batch.recipients = list("recipients");
        if batch.recipients.is_empty() {
            batch.recipients = list("messages");
        }
        batch.into()
    }

    fn get(&self, key: &str) -> &Value {
        self.object.as_ref().and_then(|object| object.get(key)).unwrap_or(&Value::Null)
    }

    fn fields(&self) -> Object {
        let record = self.get("record").as_object();
        record.or(self.object.as_ref()).cloned().unwrap_or_default()
    }

    /// The id of what was accepted, or the failure.
    fn accepted(&self, status: u16, is_batch: bool) -> Result<String, Failure<'static>> {
        let id = [self.get("record").get("id"), Some(self.get("id"))].into_iter().find_map(|id| {
            text(id).filter(|id| id != "0" && id.contains(|c: char| !c.is_whitespace()))
        });
        let own = [own_code(self.get("code")), own_code(self.get("status"))];
        let error = own.iter().flatten().find(|code| (400.0..=599.0).contains(*code));
        let code = match error {
            Some(error) if status != 0 && status / 100 != 5 => format!("{error}").parse().unwrap(),
            _ => status,
        };
        let object = self.object.clone().unwrap_or_default();
        let texts: Vec<String> = error_messages(&object, 0).collect();
        let notice = texts.iter().find(|text| notice(text).is_some());
        let detail = notice.or(texts.first()).unwrap_or(&self.description).clone();

        let word = |value: &Value| value.as_str().unwrap_or_default().to_ascii_lowercase();
        let success = self.get("success");
        let is_true =
            *success == Value::Bool(true) || success.as_u64() == Some(1) || word(success) == "true";
        let is_false = *success == Value::Bool(false)
            || success.as_u64() == Some(0)
            || word(success) == "false";
        let is_set = |key| {
            let placeholders = ["null", "false", "0", r#""""#, "[]", "{}"];
            let [lower, upper] = spellings(key);
            [lower, upper].iter().any(|key| !placeholders.contains(&&*self.get(key).to_string()))
        };
        let fields = self.fields();
        let status_name = fields.get("status").map(word).unwrap_or_default();
        let shows_failure = !(success.is_null() || is_true)
            || is_set("error")
            || is_set("errors")
            || own[0].is_some_and(|own| own != 0.0 && !(200.0..=299.0).contains(&own))
            || FAILED.split(' ').any(|name| name == status_name.trim());

        let is_2xx = code / 100 == 2;
        let is_accepted = is_2xx && self.object.is_some() && id.is_some() && !shows_failure;
        let kind = if is_accepted && notice.is_none() {
            return Ok(id.unwrap());
        } else if is_accepted {
            FailureKind::Unconfirmed
        } else if code == 0 || code / 100 == 5 {
            kind(code)
        } else if notice.is_some() {
            if is_batch { FailureKind::BatchOptedOut } else { FailureKind::OptedOut }
        } else if !is_2xx {
            if is_true { FailureKind::Unconfirmed } else { kind(code) }
        } else if is_false && id.is_none() && !is_batch {
            FailureKind::BadRequest
        } else {
            FailureKind::Unconfirmed
        };
        let mut failure = Failure::new(kind, detail);
        (failure.status, failure.code, failure.id) = (status, code, id.map(Into::into));
        Err(failure)
    }

    /// The same response with its keys the other way round, each after another value that it overrides,
    /// and with whitespace and unknown keys.
    pub(crate) fn rewritten(&self) -> Option<Vec<u8>> {
        self.object.clone().map(|object| rewritten(&Value::Object(object)).into_bytes())
    }
}

const FAILED: &str = "expired deleted undeliverable rejected failed_nack failed_noroute \
    failed_insufficient_credit failed_originator_recipient_equal failed_recipient_blacklisted \
    failed_originator_rejected failed_route_invalid failed_limits_exceeded failed_exhausted \
    failed_internal_error failed_unknown opted_out limits_exceeded undelivered failed \
    invalid_recipient network_not_covered submit_fail";

/// The two spellings of a key for error messages.
fn spellings(key: &str) -> [String; 2] {
    [key.to_owned(), key[..1].to_uppercase() + &key[1..]]
}

/// Whether there's no key in two spellings, whose order is lost, and no number that rounding decides.
fn is_decidable(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let is_finite = number.as_f64().is_some_and(f64::is_finite);
            number.is_u64() || number.is_i64() || is_finite && number.to_string().len() < 16
        }
        Value::Array(values) => values.iter().all(is_decidable),
        Value::Object(object) => {
            let mut pairs =
                ["message", "error", "errors", "detail", "title"].map(spellings).to_vec();
            pairs.push(["excludeOptouts".into(), "excludeOptOuts".into()]);
            let is_clear =
                |[a, b]: &[String; 2]| !(object.contains_key(a) && object.contains_key(b));
            pairs.iter().all(is_clear) && object.values().all(is_decidable)
        }
        _ => true,
    }
}

/// The error messages of an object, at this depth.
fn error_messages(object: &Object, depth: u8) -> impl Iterator<Item = String> {
    let keys = ["message", "error", "errors", "detail", "title"].map(spellings);
    let values = keys.into_iter().flatten().filter_map(|key| object.get(&key));
    values.filter_map(move |value| error_message(value, depth))
}

fn error_message(value: &Value, depth: u8) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(values) if depth < 3 => {
            values.iter().find_map(|value| error_message(value, depth + 1))
        }
        Value::Object(object) if depth < 3 => error_messages(object, depth + 1).next(),
        _ => None,
    }
}

/// The number in an opt-out notice, which may be empty.
pub(crate) fn notice(text: &str) -> Option<String> {
    let (sentence, number) = match text.split_once(':') {
        Some((sentence, number)) => (sentence, number),
        None => (text.strip_suffix(['.', '!']).unwrap_or(text), ""),
    };
    let words = sentence.split([' ', '\t', '\n', '\x0c', '\r', '_', '-']);
    let words: Vec<_> =
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    let is_known = [
        "recipient is opted out",
        "message blocked because recipient is opted out",
        "opted out message blocked because recipient is opted out",
        "recipient has opted out",
        "recipient opted out",
    ]
    .contains(&&*words.join(" "));
    let number = number.trim_ascii();
    let number = number.strip_suffix(['.', '!']).unwrap_or(number).trim_ascii();
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || "Xx*".contains(c))
        && (7..=15).contains(&digits.len());
    (is_known && (number.is_empty() || is_number)).then(|| digits.to_owned())
}

/// Whether the phone number that a notice contains is this recipient's.
pub(crate) fn matches(number: &str, recipient: &str) -> bool {
    let digits: String = recipient.chars().filter(|c| c.is_numeric()).collect();
    let bare = |digits: &str| digits.strip_prefix("00").unwrap_or(digits).to_owned();
    number.chars().all(|c| c.is_ascii_digit()) && bare(number) == bare(&digits)
}

fn recipient(element: &Value) -> Option<BatchRecipient<'static>> {
    let text = |key| text(element.as_object()?.get(key)).map(Into::into);
    let mut recipient = BatchRecipient::default();
    recipient.originator = text("originator");
    recipient.recipient = text("recipient");
    recipient.text = text("text");
    recipient.reference = text("reference");
    recipient.route_id = text("routeId");
    (recipient != BatchRecipient::default()).then_some(recipient)
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

fn count(value: Option<&Value>) -> Option<u64> {
    text(value).filter(|text| text.chars().all(|c| c.is_ascii_digit()))?.parse().ok()
}

fn own_code(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|code| code.fract() == 0.0),
        Value::String(text) if text.len() <= 5 && text.chars().all(|c| c.is_ascii_digit()) => {
            text.parse().ok()
        }
        _ => None,
    }
}

fn kind_of_body(start: &[u8]) -> String {
    let prefixes: [(&[u8], &str); 3] =
        [(b"<?xml", "XML document"), (b"<", "HTML page"), (b"\x1F\x8B", "gzip data")];
    let known = prefixes.iter().find(|(prefix, _)| start.starts_with(prefix));
    let other = if start.is_empty() { "empty body" } else { "not a JSON object" };
    known.map_or(other, |(_, kind)| kind).to_owned()
}

fn title(page: &[u8]) -> Option<String> {
    let start = &page[..page.len().min(1024)];
    let start = match str::from_utf8(start) {
        Err(error) if error.error_len().is_none() => str::from_utf8(&start[..error.valid_up_to()]),
        start => start,
    }
    .ok()?;
    let title = &start[start.to_ascii_lowercase().find("<title")?..];
    let (_, title) = title.split_once('>')?;
    let title = title.split_once('<')?.0.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

fn plain(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?.trim_end();
    let is_text = body.len() <= 1024
        && body.first()?.is_ascii_alphabetic()
        && !["true", "false", "null"].contains(&text);
    is_text.then(|| text.to_owned())
}

fn rewritten(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(rewritten).collect();
            format!("[ {}\n]", values.join(" ,\t"))
        }
        Value::Object(object) if !object.is_empty() => {
            let mut text =
                String::from(" {\r\n\t\"unknown\" : [{\"id\":\"none\"}, \"\\ud83d\", 1e999]");
            for (key, value) in object.iter().rev() {
                let key = Value::from(&**key);
                write!(text, " ,\n {key} : -1.5, {key}:\t{}", rewritten(value)).unwrap();
            }
            text + " , \"Code\": 500, \"ERROR\": \"no\" }\n"
        }
        value => value.to_string(),
    }
}
