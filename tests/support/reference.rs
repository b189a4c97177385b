//! The reference implementation: the verdict written a second time, on a reader of its own that takes
//! nothing but well-formed JSON and stops at the first syntax error.

#![expect(clippy::string_slice, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::{borrow::Cow, fmt::Write as _};

use mobivate_response::{
    Batch, BatchOutcome, BatchRecipient, Failure, FailureKind, Message, Retry, Scope, SendOutcome,
};

/// The first row that a code lies in is its own.
pub(crate) const TABLE: [(u16, u16, FailureKind, Retry, Scope); 21] = {
    use FailureKind::{
        BadRequest, BatchOptedOut, Forbidden, Misconfigured, NoResponse, OptedOut, OutOfCredit,
        RateLimited, ServerError, Unauthorized, Unconfirmed, Undelivered,
    };
    use Retry::{AfterFix, Later, MayDuplicate, Never};
    use Scope::{Account, Recipient, Request, Service};
    [
        (0, 0, NoResponse, MayDuplicate, Service),
        (1, 299, Unconfirmed, MayDuplicate, Service),
        (302, 303, Unconfirmed, MayDuplicate, Service),
        (300, 399, Misconfigured, AfterFix, Account),
        (400, 400, BadRequest, AfterFix, Request),
        (401, 401, Unauthorized, AfterFix, Account),
        (402, 402, OutOfCredit, AfterFix, Account),
        (403, 403, Forbidden, AfterFix, Account),
        (406, 406, Unconfirmed, MayDuplicate, Service),
        (408, 409, Unconfirmed, MayDuplicate, Service),
        (413, 413, BadRequest, AfterFix, Request),
        (422, 422, BadRequest, AfterFix, Request),
        (429, 429, RateLimited, Later, Account),
        (460, 460, Unconfirmed, MayDuplicate, Service),
        (499, 499, Unconfirmed, MayDuplicate, Service),
        (404, 498, Misconfigured, AfterFix, Account),
        (500, 599, ServerError, MayDuplicate, Service),
        (600, u16::MAX, Unconfirmed, MayDuplicate, Service),
        // No code is left for these: an opt-out notice; an accepted message fails later.
        (1, 0, OptedOut, Never, Recipient),
        (1, 0, BatchOptedOut, AfterFix, Request),
        (1, 0, Undelivered, MayDuplicate, Request),
    ]
};

/// The kind that the table gives to a code.
pub(crate) fn kind(code: u16) -> FailureKind {
    let row = TABLE.iter().find(|(first, last, ..)| (*first..=*last).contains(&code));
    row.unwrap().2
}

/// Stands for the words on a syntax error: truncated and malformed are not told apart here.
pub(crate) const SYNTAX_ERROR: &str = "truncated or malformed JSON";

/// What a body says, up to its first syntax error.
pub(crate) struct Response {
    pub(crate) is_complete: bool,
    is_batch: bool,
    body_description: &'static str,
    /// The text of a body that is no JSON object.
    text: Option<String>,
    fields: Object,
}

/// The fields that are read, in order, a repeated one as often as it came.
#[derive(Clone, Default)]
pub(crate) struct Object(Vec<(String, Json)>);

#[derive(Clone)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// A list or an object of which nothing matters but its first text, and whether there is anything
    /// in it.
    Nested {
        json: String,
        is_empty: bool,
        text: Option<String>,
    },
    /// What is in `record`, or an element of `recipients`.
    Object(Object),
    List(Vec<Json>),
}

impl Response {
    /// `None` for what is not decided here: a number that is read, and so long or so large that its
    /// rounding matters; and the private key of `serde_json`, which may read as a number.
    pub(crate) fn read(body: &[u8], is_batch: bool) -> Option<Self> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let text = String::from_utf8_lossy(body);
        let mut response = Self {
            is_complete: false,
            is_batch,
            body_description: SYNTAX_ERROR,
            text: None,
            fields: Object::default(),
        };
        let start = text.trim_start_matches(['\t', '\n', '\x0c', '\r', ' ']);
        if !start.starts_with('{') {
            let bytes = body.trim_ascii_start();
            response.body_description = match start {
                "" => "empty body",
                _ if start.starts_with("<?xml") => "XML document",
                _ if start.starts_with('<') => "HTML page",
                _ if bytes.starts_with(b"\x1F\x8B") => "gzip data",
                _ => "not a JSON object",
            };
            response.text = if start.starts_with('<') { title(bytes) } else { plain(bytes) };
            return Some(response);
        }
        let mut reader = Reader { rest: &text, is_batch, rounds: false };
        reader.space();
        response.is_complete = reader.object(Place::Top, &mut response.fields.0).is_some() && {
            reader.space();
            reader.rest.is_empty()
        };
        if response.is_complete {
            response.body_description = "JSON without a text";
        }
        (!reader.rounds && !text.contains("$serde_json::private")).then_some(response)
    }

    pub(crate) fn outcome(&self, status: u16) -> SendOutcome<'static> {
        let id = match self.classify(status) {
            Ok(id) => id,
            Err(failure) => return failure.into(),
        };
        let of = self.described();
        let mut message = Message::new(id);
        message.originator = of.text("originator");
        message.recipient = of.text("recipient");
        message.body = of.text("body").or_else(|| of.text("text"));
        message.route_id = of.text("routeId");
        message.reference = of.text("reference");
        message.campaign_id = of.text("campaignId");
        message.scheduled = of.text("scheduled");
        message.recipient_count = of.count("recipientCount");
        message.into()
    }

    pub(crate) fn batch_outcome(&self, status: u16) -> BatchOutcome<'static> {
        let id = match self.classify(status) {
            Ok(id) => id,
            Err(failure) => return failure.into(),
        };
        let of = self.described();
        let bool = |key| if let Json::Bool(value) = of.last(key) { Some(*value) } else { None };
        let mut batch = Batch::new(id);
        batch.name = of.text("name");
        batch.route_id = of.text("routeId");
        batch.scheduled = of.text("scheduleDateTime").or_else(|| of.text("scheduled"));
        batch.recipient_count = of.count("recipientCount");
        batch.spread_hours = of.count("spreadHours");
        batch.shorten_urls = bool("shortenUrls");
        batch.exclude_optouts = bool("excludeOptouts");
        batch.exclude_duplicates = bool("excludeDuplicates");
        for key in ["messages", "recipients"] {
            let Json::List(elements) = of.last(key) else { continue };
            let recipients: Vec<_> = elements.iter().filter_map(recipient).collect();
            if !recipients.is_empty() {
                batch.recipients = recipients;
            }
        }
        batch.into()
    }

    fn record(&self) -> Option<&Object> {
        if let Json::Object(record) = self.fields.last("record") { Some(record) } else { None }
    }

    fn described(&self) -> &Object {
        self.record().unwrap_or(&self.fields)
    }

    /// The id of what was accepted, or the failure.
    fn classify(&self, status: u16) -> Result<String, Failure<'static>> {
        let id = |object: &Object| {
            object.text("id").filter(|id| id != "0" && id.contains(|c: char| !c.is_whitespace()))
        };
        let id = self.record().and_then(id).or_else(|| id(&self.fields));

        let own = self.own_code("code");
        let stands = status == 0 || status / 100 == 5;
        let named = [own, self.own_code("status")].into_iter().flatten();
        let error = named.clone().find(|code| (400.0..=599.0).contains(code));
        let code = match error {
            Some(error) if !stands => format!("{error}").parse().unwrap(),
            _ => status,
        };

        let texts: Vec<&str> = match &self.text {
            Some(text) => vec![text],
            None => TEXTS.iter().filter_map(|key| self.fields.last(key).first_text()).collect(),
        };
        let notice = texts.iter().find(|text| is_notice(text));
        let detail = *notice.or(texts.first()).unwrap_or(&self.body_description);

        let success = match self.fields.last("success") {
            Json::Null => "silent",
            Json::Bool(true) => "true",
            Json::Bool(false) => "false",
            Json::Number(number) if number == "1" => "true",
            Json::Number(number) if number == "0" => "false",
            Json::Text(text) => match &*text.to_ascii_lowercase() {
                "true" => "true",
                "false" => "false",
                _ => "neither",
            },
            _ => "neither",
        };
        let is_set = |key| match self.fields.last(key) {
            Json::Null | Json::Bool(false) => false,
            Json::Number(number) => number != "0",
            Json::Text(text) => !text.is_empty(),
            Json::Nested { is_empty, .. } => !is_empty,
            _ => true,
        };
        let code_denies = own.is_some_and(|own| own != 0.0 && !(200.0..=299.0).contains(&own));
        let has_failed = match self.described().last("status") {
            Json::Text(name) => has_failed(name),
            _ => false,
        };
        let denied = ["false", "neither"].contains(&success)
            || is_set("error")
            || is_set("errors")
            || code_denies
            || has_failed;

        let class = code / 100;
        let accepts = class == 2 && self.is_complete && id.is_some() && !denied;
        let kind = if code == 0 {
            FailureKind::NoResponse
        } else if class == 5 {
            FailureKind::ServerError
        } else if notice.is_some() {
            match (accepts, self.is_batch) {
                (true, _) => FailureKind::Unconfirmed,
                (false, true) => FailureKind::BatchOptedOut,
                (false, false) => FailureKind::OptedOut,
            }
        } else if class != 2 {
            if success == "true" { FailureKind::Unconfirmed } else { kind(code) }
        } else if accepts {
            return Ok(id.unwrap().into_owned());
        } else if self.is_complete && success == "false" && id.is_none() {
            FailureKind::BadRequest
        } else {
            FailureKind::Unconfirmed
        };
        let mut failure = Failure::new(code, detail.to_owned());
        failure.status = status;
        failure.kind = kind;
        failure.id = id;
        Err(failure)
    }

    /// The response's own code, if it is a number without a fraction.
    fn own_code(&self, key: &str) -> Option<f64> {
        match self.fields.last(key) {
            Json::Number(number) => number.parse().ok().filter(|code: &f64| code.fract() == 0.0),
            Json::Text(text) => {
                let is_code = !text.is_empty() && text.len() <= 5;
                let is_code = is_code && text.chars().all(|c| c.is_ascii_digit());
                is_code.then(|| text.parse().unwrap())
            }
            _ => None,
        }
    }

    /// The same response with its keys the other way round, each after an unexpected value that it
    /// overrides, with whitespace, and with unknown keys; `None` if it is not complete.
    pub(crate) fn rewritten(&self) -> Option<Vec<u8>> {
        self.is_complete.then(|| self.fields.rewritten().into_bytes())
    }
}

fn recipient(element: &Json) -> Option<BatchRecipient<'static>> {
    let Json::Object(object) = element else { return None };
    let mut recipient = BatchRecipient::default();
    recipient.originator = object.text("originator");
    recipient.recipient = object.text("recipient");
    recipient.text = object.text("text");
    recipient.reference = object.text("reference");
    recipient.route_id = object.text("routeId");
    (recipient != BatchRecipient::default()).then_some(recipient)
}

impl Object {
    fn last(&self, key: &str) -> &Json {
        let found = self.0.iter().rev().find(|(known, _)| known == key);
        found.map_or(&Json::Null, |(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<Cow<'static, str>> {
        match self.last(key) {
            Json::Text(text) => Some(text.clone().into()),
            Json::Number(digits) => digits.parse::<u64>().ok().map(|_| digits.clone().into()),
            _ => None,
        }
    }

    fn count(&self, key: &str) -> Option<u64> {
        match self.last(key) {
            Json::Number(digits) | Json::Text(digits) => {
                digits.chars().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
            }
            _ => None,
        }
    }

    fn rewritten(&self) -> String {
        let unknown = r#""unknown" : [{"id":"none"}, "\ud83d", 1e999], "\udc00" : "code""#;
        let mut text = format!(" {{\r\n\t{unknown}");
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in self.0.iter().rev() {
            if !seen.contains(&key.as_str()) {
                seen.push(key);
                let value = value.rewritten();
                write!(text, " ,\n \"{key}\" : -1.5, \"{key}\":\t{value}").unwrap();
            }
        }
        text + " , \"Code\": 500, \"Error\": \"no\" }\n"
    }
}

impl Json {
    fn first_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Nested { text, .. } => text.as_deref(),
            _ => None,
        }
    }

    fn rewritten(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(json) | Self::Nested { json, .. } => json.clone(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::Object(object) => object.rewritten(),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(Self::rewritten).collect();
                format!("[{}]", values.join(", 7, "))
            }
        }
    }
}

/// Where an object stands, and so which of its fields are read.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Record,
    BatchRecipient,
    /// An object that is in so many lists and objects of a text's value, itself among them.
    Text(u8),
}

/// The keys that a text may be under.
const TEXTS: [&str; 5] = ["message", "error", "errors", "detail", "title"];

impl Place {
    fn reads(self, key: &str, is_batch: bool) -> bool {
        const ENTRY: &[&str] = &["originator", "recipient", "text", "reference", "routeId"];
        const RECORD: &[&str] = &[
            "id",
            "body",
            "campaignId",
            "scheduled",
            "name",
            "scheduleDateTime",
            "spreadHours",
            "shortenUrls",
            "excludeOptouts",
            "excludeDuplicates",
            "recipientCount",
            "status",
        ];
        const TOP: &[&str] = &["success", "code", "record"];
        if let Self::Text(_) = self {
            return TEXTS.contains(&key);
        }
        let is_of_a_batch = is_batch && ["recipients", "messages"].contains(&key);
        ENTRY.contains(&key)
            || self != Self::BatchRecipient && (RECORD.contains(&key) || is_of_a_batch)
            || self == Self::Top && (TOP.contains(&key) || TEXTS.contains(&key))
    }
}

/// Each function reads on, or ends at the syntax error with `None`.
struct Reader<'a> {
    rest: &'a str,
    is_batch: bool,
    /// Whether it met a number whose rounding matters.
    rounds: bool,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    fn object(&mut self, place: Place, fields: &mut Vec<(String, Json)>) -> Option<()> {
        self.take('{')?;
        self.space();
        if self.take('}').is_some() {
            return Some(());
        }
        loop {
            let mut key = self.string()?;
            self.space();
            self.take(':')?;
            self.space();
            if key == "excludeOptOuts" {
                key = "excludeOptouts".into();
            }
            if !place.reads(&key, self.is_batch) {
                self.skip()?;
            } else if key == "record" && self.rest.starts_with('{') {
                let mut record = Object::default();
                let read = self.object(Place::Record, &mut record.0);
                fields.push((key, Json::Object(record)));
                read?;
            } else if ["recipients", "messages"].contains(&&*key) && self.rest.starts_with('[') {
                fields.push((key, Json::List(self.entries()?)));
            } else if let (Place::Text(depth), _) | (Place::Top, depth) = (place, 0)
                && TEXTS.contains(&&*key)
            {
                let value = self.text_value(depth)?;
                fields.push((key, value));
            } else {
                let value = self.value()?;
                fields.push((key, value));
            }
            self.space();
            if self.take('}').is_some() {
                return Some(());
            }
            self.take(',')?;
            self.space();
        }
    }

    fn entries(&mut self) -> Option<Vec<Json>> {
        let mut entries = Vec::new();
        self.take('[')?;
        self.space();
        if self.take(']').is_some() {
            return Some(entries);
        }
        loop {
            if self.rest.starts_with('{') {
                let mut recipient = Object::default();
                self.object(Place::BatchRecipient, &mut recipient.0)?;
                entries.push(Json::Object(recipient));
            } else {
                entries.push(self.value()?);
            }
            self.space();
            if self.take(']').is_some() {
                return Some(entries);
            }
            self.take(',')?;
            self.space();
        }
    }

    /// A value that may be, or hold, a text: it is in so many lists and objects already.
    fn text_value(&mut self, depth: u8) -> Option<Json> {
        let start = self.rest;
        let is_list = start.starts_with('[');
        if depth == 3 || !(is_list || start.starts_with('{')) {
            return self.value();
        }
        let text = if is_list {
            let mut texts = Vec::new();
            self.take('[')?;
            self.space();
            while self.take(']').is_none() {
                let element = self.text_value(depth + 1)?;
                texts.extend(element.first_text().map(str::to_owned));
                self.space();
                if !self.rest.starts_with(']') {
                    self.take(',')?;
                    self.space();
                    // Another element must follow.
                    if self.rest.starts_with(']') {
                        return None;
                    }
                }
            }
            texts.into_iter().next()
        } else {
            let mut object = Object::default();
            self.object(Place::Text(depth + 1), &mut object.0)?;
            let first = TEXTS.iter().find_map(|key| object.last(key).first_text());
            first.map(str::to_owned)
        };
        let json = &start[..start.len() - self.rest.len()];
        let is_empty = json[1..json.len() - 1].trim().is_empty();
        Some(Json::Nested { json: json.to_owned(), is_empty, text })
    }

    /// A value in a field that is read.
    fn value(&mut self) -> Option<Json> {
        let start = self.rest;
        if let Some('[' | '{') = start.chars().next() {
            let is_empty = self.skip()?;
            let json = start[..start.len() - self.rest.len()].to_owned();
            return Some(Json::Nested { json, is_empty, text: None });
        }
        if start.starts_with('"') {
            return self.string().map(Json::Text);
        }
        self.scalar()?;
        Some(match &start[..start.len() - self.rest.len()] {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            number => {
                let float: f64 = number.parse().unwrap();
                let is_integer = number.bytes().all(|c| c.is_ascii_digit() || c == b'-');
                // Near the largest float, 1.8e308, readers differ; far above, all find infinity.
                let is_far_above = number.len() < 15 && number.ends_with("e400");
                self.rounds |= float.is_finite() && float.abs() > 1e300
                    || float.is_infinite() && !is_far_above
                    || !is_integer && number.len() > 15;
                if float.is_infinite() {
                    return None;
                }
                Json::Number(number.to_owned())
            }
        })
    }

    /// A word or a number. At the very end, a number may be truncated.
    fn scalar(&mut self) -> Option<()> {
        for word in ["null", "true", "false"] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(());
            }
        }
        let digits = |text: &str| {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.len() < text.len()).then(|| rest.to_owned())
        };
        let text = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let mut rest = match text.strip_prefix('0') {
            // A leading zero is a syntax error before there is a value.
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => return None,
            Some(rest) => rest.to_owned(),
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = digits(fraction)?;
        }
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            rest = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
        }
        self.rest = &self.rest[self.rest.len() - rest.len()..];
        (!rest.is_empty()).then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.take('"')?;
        let mut text = String::new();
        let mut half: Option<u16> = None;
        loop {
            let mut chars = self.rest.chars();
            let c = chars.next()?;
            self.rest = chars.as_str();
            let unit = match c {
                '\\' => {
                    let escape = chars.next()?;
                    self.rest = chars.as_str();
                    match escape {
                        'u' => Some(self.hex()?),
                        'b' => Some(8),
                        't' => Some(9),
                        'n' => Some(10),
                        'f' => Some(12),
                        'r' => Some(13),
                        '"' | '\\' | '/' => Some(escape as u16),
                        _ => return None,
                    }
                }
                _ => None,
            };
            if let (Some(first), Some(second @ 0xDC00..=0xDFFF)) = (half, unit) {
                text.extend(char::decode_utf16([first, second]).map(Result::unwrap));
                half = None;
                continue;
            }
            if half.take().is_some() {
                text.push('\u{FFFD}');
            }
            match (unit, c) {
                (Some(first @ 0xD800..=0xDBFF), _) => half = Some(first),
                (Some(0xDC00..=0xDFFF), _) => text.push('\u{FFFD}'),
                (Some(unit), _) => text.push(char::from_u32(unit.into()).unwrap()),
                (None, '"') => return Some(text),
                (None, ..'\u{20}') => return None,
                (None, c) => text.push(c),
            }
        }
    }

    fn hex(&mut self) -> Option<u16> {
        let digits = self.rest.get(..4)?;
        self.rest = &self.rest[4..];
        let is_hex = digits.bytes().all(|c| c.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).unwrap())
    }

    /// Reads over a value of any depth; says whether it is a list or an object with nothing in it.
    fn skip(&mut self) -> Option<bool> {
        let mut closers = Vec::new();
        let mut is_empty = true;
        loop {
            let closer = match self.rest.chars().next()? {
                '[' => Some(']'),
                '{' => Some('}'),
                '"' => {
                    self.string()?;
                    None
                }
                _ => {
                    self.scalar()?;
                    None
                }
            };
            let mut opened = closer.is_some();
            if let Some(closer) = closer {
                closers.push(closer);
                self.rest = &self.rest[1..];
            }
            loop {
                self.space();
                let Some(&closer) = closers.last() else { return Some(false) };
                if self.take(closer).is_some() {
                    closers.pop();
                    opened = false;
                    if closers.is_empty() {
                        return Some(is_empty);
                    }
                    continue;
                }
                if !opened {
                    self.take(',')?;
                    self.space();
                }
                is_empty = false;
                if closer == '}' {
                    self.string()?;
                    self.space();
                    self.take(':')?;
                    self.space();
                }
                break;
            }
        }
    }
}

/// The title in the first KiB of a page.
fn title(page: &[u8]) -> Option<String> {
    let start = &page[..page.len().min(1024)];
    let chunks: Vec<_> = start.utf8_chunks().collect();
    let [first, rest @ ..] = &chunks[..] else { return None };
    let (valid, invalid) = (first.valid(), first.invalid());
    // Of an incomplete character more could follow; what is invalid anyhow stays so.
    let is_incomplete = invalid.is_empty()
        || rest.is_empty()
            && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
    let after = &valid[valid.find("<title>")? + 7..];
    let title = after[..after.find("</title>")?].trim();
    (is_incomplete && !title.is_empty()).then(|| title.to_owned())
}

/// A short body that is the text itself.
fn plain(body: &[u8]) -> Option<String> {
    let text = String::from_utf8(body.to_vec()).ok()?;
    let is_text = body.len() <= 1024 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    let text = text.trim();
    if !is_text || ["true", "false", "null"].contains(&text) {
        return None;
    }
    let last_letter = text.char_indices().rfind(|(_, c)| c.is_alphabetic());
    let end = last_letter.map_or(0, |(at, c)| at + c.len_utf8());
    let digits = text[end..].chars().filter(|c| c.is_numeric()).count();
    Some(if digits >= 7 { &text[..end] } else { text }.to_owned())
}

/// Whether a status name says that the message failed.
fn has_failed(name: &str) -> bool {
    const FAILED: &str = "EXPIRED DELETED UNDELIVERABLE REJECTED FAILED_NACK FAILED_NOROUTE \
        FAILED_INSUFFICIENT_CREDIT FAILED_ORIGINATOR_RECIPIENT_EQUAL FAILED_RECIPIENT_BLACKLISTED \
        FAILED_ORIGINATOR_REJECTED FAILED_ROUTE_INVALID FAILED_LIMITS_EXCEEDED FAILED_EXHAUSTED \
        FAILED_INTERNAL_ERROR FAILED_UNKNOWN OPTED_OUT LIMITS_EXCEEDED UNDELIVERED FAILED \
        INVALID_RECIPIENT NETWORK_NOT_COVERED SUBMIT_FAIL";
    FAILED.split_whitespace().any(|failed| failed == name.trim().to_ascii_uppercase())
}

/// Whether a text is an opt-out notice.
pub(crate) fn is_notice(text: &str) -> bool {
    !ends_of_notices(text).is_empty()
}

/// The number that a text names, read character by character.
pub(crate) fn number(text: &str) -> Option<String> {
    let joins = |c: &char| {
        c.is_whitespace() || "-./()[]{}".contains(*c) || !c.is_ascii() && !c.is_alphanumeric()
    };
    let is_mask = |c: char| "Xx*".contains(c);
    ends_of_notices(text).into_iter().find_map(|end| {
        let rest = text[end..].trim_start_matches(is_space).strip_prefix(':')?;
        let rest = rest.trim_start_matches(is_space);
        let rest = rest.strip_prefix('+').unwrap_or(rest);
        let number: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || is_mask(*c)).collect();
        let after: Vec<char> = rest.chars().skip(number.len()).collect();
        let ends = match after[..] {
            [] => true,
            [',', next, ..] if next.is_numeric() || is_mask(next) => false,
            [c, ..] => is_space(c) || ".,;:!?)]}\"'".contains(c),
        };
        let next = after.iter().find(|c| !joins(c));
        let goes_on = next.is_some_and(|c| c.is_numeric() || is_mask(*c));
        let is_number = ends && !goes_on && (7..=15).contains(&number.len());
        (is_number && number.starts_with(|c: char| c.is_ascii_digit())).then_some(number)
    })
}

/// Whether a number is the recipient's: all digits of both, without a leading `00`.
pub(crate) fn matches(number: &str, recipient: &str) -> bool {
    let international = |text: &str| {
        let digits: String = text.chars().filter(|c| c.is_numeric()).collect();
        digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
    };
    !number.contains(['X', 'x', '*']) && international(number) == international(recipient)
}

fn is_space(c: char) -> bool {
    [' ', '\t', '\n', '\x0c', '\r'].contains(&c)
}

/// Where each notice of a text ends: tried from every "out" backwards, one rule after the other.
fn ends_of_notices(text: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    lower.match_indices("out").map(|(at, _)| at + 3).filter(|end| is_end(&lower, *end)).collect()
}

fn is_end(lower: &str, end: usize) -> bool {
    let Some((start, has_verb)) = phrase_before(&lower[..end]) else { return false };
    let is_name = lower[start..end].contains('_');
    let rest = &lower[end..];

    // 1. The word goes on.
    let behind_joints = rest.trim_start_matches(['_', '-']);
    if behind_joints.starts_with(char::is_alphanumeric) {
        return false;
    }

    // 2. A question or a thing.
    let next = rest.trim_start_matches(is_space).chars().next().unwrap_or('.');
    let is_thing = (!has_verb || is_name) && next.is_alphabetic();
    let joined = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let others = lower[..start].trim_end_matches(joined);
    if next == '?' || is_thing || is_name && others.contains(char::is_alphanumeric) {
        return false;
    }

    // 3. A value denies it.
    let value = rest.trim_start_matches(|c| is_space(c) || ":=>?([\"'`".contains(c));
    let value: String = value.chars().take_while(|c| c.is_alphanumeric()).collect();
    if ["false", "no", "null", "none", "unknown", "0"].contains(&&*value) {
        return false;
    }

    // 4. It is in doubt.
    let before: Vec<char> =
        lower[..start].trim_end_matches(char::is_alphanumeric).chars().collect();
    let blank = |at: Option<usize>| matches!(at.and_then(|at| before.get(at)), Some(' ' | '\t'));
    let begins_behind = |at: usize| match before[at] {
        '-' => blank(at.checked_sub(1)) || blank(Some(at + 1)),
        c => !c.is_alphanumeric() && ![' ', '\t', '_', '\'', '’'].contains(&c),
    };
    let clause_start = (0..before.len()).rev().find(|at| begins_behind(*at)).map_or(0, |at| at + 1);
    let clause: String = before[clause_start..].iter().collect();
    let mut words: Vec<&str> = clause.split(|c: char| !c.is_alphanumeric()).collect();
    words.retain(|word| !word.is_empty());
    let hedges = "if whether unless until when where once assuming perhaps doubt determine confirm \
        verify neither none";
    if words.iter().any(|word| hedges.split_whitespace().any(|hedge| hedge == *word)) {
        return false;
    }
    while words
        .last()
        .is_some_and(|word| "the this that a any all".split(' ').any(|it| it == *word))
    {
        words.pop();
    }
    !words.last().is_some_and(|word| "no not or nor case 0".split(' ').any(|it| it == *word))
}

/// Where the phrase begins that a text ends with, and whether it has a verb.
fn phrase_before(text: &str) -> Option<(usize, bool)> {
    let gap = |text: &'_ str| -> Option<usize> {
        let trimmed = text.trim_end_matches(|c| is_space(c) || c == '_' || c == '-');
        (trimmed.len() < text.len()).then_some(trimmed.len())
    };
    let head = text.strip_suffix("out")?;
    let head = head[..gap(head)?].strip_suffix("opted")?;
    let head = &head[..gap(head)?];
    let subject = |head: &str| {
        let subject = head.strip_suffix('s').filter(|head| head.ends_with("recipient"));
        subject.unwrap_or(head).strip_suffix("recipient").map(str::len)
    };
    let verb = |head: &str| {
        let verbs = ["is", "are", "was", "were", "has", "have"];
        verbs.iter().find_map(|verb| {
            let head = head.strip_suffix(verb)?;
            subject(&head[..gap(head)?])
        })
    };
    let adverb = ["been", "already"].iter().find_map(|adverb| {
        let head = head.strip_suffix(adverb)?;
        verb(&head[..gap(head)?])
    });
    let with_verb = adverb.or_else(|| verb(head)).map(|start| (start, true));
    with_verb.or_else(|| subject(head).map(|start| (start, false)))
}
