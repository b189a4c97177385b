//! The verdict written a second time, on a reader of its own that takes nothing but sound JSON and
//! stops at the first fault.

#![expect(clippy::string_slice, clippy::indexing_slicing, reason = "a test fails by a panic")]

use std::{borrow::Cow, fmt::Write as _};

use mobivate_response::{
    Batch, BatchOutcome, BatchRecipient, Failure, FailureKind, Message, Retry, Scope, SendOutcome,
};

/// The first row that a code lies in is its own.
pub(crate) const TABLE: [(u16, u16, FailureKind, Retry, Scope); 19] = {
    use FailureKind::{
        BadRequest, Forbidden, Misconfigured, NoResponse, OptedOut, OutOfCredit, RateLimited,
        ServerError, Unauthorized, Unconfirmed, Undelivered,
    };
    use Retry::{AfterFix, Later, MayDuplicate, Never};
    use Scope::{Account, Recipient, Request, Service};
    [
        (0, 0, NoResponse, MayDuplicate, Service),
        (1, 299, Unconfirmed, MayDuplicate, Service),
        (303, 303, Unconfirmed, MayDuplicate, Service),
        (300, 399, Misconfigured, AfterFix, Account),
        (400, 400, BadRequest, AfterFix, Request),
        (401, 401, Unauthorized, AfterFix, Account),
        (402, 402, OutOfCredit, AfterFix, Account),
        (403, 403, Forbidden, AfterFix, Account),
        (408, 408, Unconfirmed, MayDuplicate, Service),
        (409, 409, Unconfirmed, MayDuplicate, Service),
        (413, 413, BadRequest, AfterFix, Request),
        (422, 422, BadRequest, AfterFix, Request),
        (429, 429, RateLimited, Later, Account),
        (499, 499, Unconfirmed, MayDuplicate, Service),
        (404, 498, Misconfigured, AfterFix, Account),
        (500, 599, ServerError, MayDuplicate, Service),
        (600, u16::MAX, Unconfirmed, MayDuplicate, Service),
        // No code is left for these: the text says opted out; an accepted message fails later.
        (1, 0, OptedOut, Never, Recipient),
        (1, 0, Undelivered, MayDuplicate, Request),
    ]
};

/// The kind that the table gives to a code.
pub(crate) fn kind(code: u16) -> FailureKind {
    let row = TABLE.iter().find(|(first, last, ..)| (*first..=*last).contains(&code));
    row.unwrap().2
}

/// Stands for the words on a fault: whether a body was cut or damaged is not told apart here.
pub(crate) const FAULT: &str = "JSON cut short or not JSON";

/// What a body says, up to its first fault.
pub(crate) struct Response {
    whole: bool,
    body_description: &'static str,
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
    /// A list or an object of which nothing matters but whether there is anything in it.
    Nested {
        text: String,
        is_empty: bool,
    },
    /// What stands in `record`, or an entry of `recipients`.
    Object(Object),
    List(Vec<Json>),
}

impl Response {
    /// `None` for what is not judged here: a number that is read, and so long or so large that its
    /// rounding matters; and the private key of `serde_json`, which may read as a number.
    pub(crate) fn read(body: &[u8], is_batch: bool) -> Option<Self> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let text = String::from_utf8_lossy(body);
        let mut response =
            Self { whole: false, body_description: FAULT, fields: Object::default() };
        let start = text.trim_start_matches(['\t', '\n', '\x0c', '\r', ' ']);
        if !start.starts_with('{') {
            response.body_description = match start {
                "" => "empty body",
                _ if start.starts_with("<?xml") => "XML document",
                _ if start.starts_with('<') => "HTML page",
                _ if body.trim_ascii_start().starts_with(b"\x1F\x8B") => "gzip data",
                _ => "not a JSON object",
            };
            return Some(response);
        }
        let mut reader = Reader { rest: &text, is_batch, rounds: false };
        reader.space();
        response.whole = reader.object(Place::Top, &mut response.fields.0).is_some() && {
            reader.space();
            reader.rest.is_empty()
        };
        if response.whole {
            response.body_description = "JSON without a message";
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
        message.into()
    }

    pub(crate) fn batch_outcome(&self, status: u16) -> BatchOutcome<'static> {
        let id = match self.classify(status) {
            Ok(id) => id,
            Err(failure) => return failure.into(),
        };
        let of = self.described();
        let natural = |key| match of.last(key) {
            Json::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        let bool = |key| if let Json::Bool(value) = of.last(key) { Some(*value) } else { None };
        let mut batch = Batch::new(id);
        batch.name = of.text("name");
        batch.route_id = of.text("routeId");
        batch.scheduled = of.text("scheduleDateTime").or_else(|| of.text("scheduled"));
        batch.recipient_count = natural("recipientCount");
        batch.spread_hours = natural("spreadHours");
        batch.shorten_urls = bool("shortenUrls");
        batch.exclude_optouts = bool("excludeOptouts");
        batch.exclude_duplicates = bool("excludeDuplicates");
        if let Json::List(entries) = of.last("recipients") {
            batch.recipients = entries.iter().filter_map(entry).collect();
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

        let own = self.own_code();
        let refuses = own.is_some_and(|own| (400.0..=599.0).contains(&own));
        let stands = status == 0 || status / 100 == 5;
        let code = match own {
            Some(own) if refuses && !stands => format!("{own}").parse().unwrap(),
            _ => status,
        };

        let texts = ["message", "error"].map(|key| match self.fields.last(key) {
            Json::Text(text) => text.as_str(),
            _ => "",
        });
        let opted_out = texts.iter().find(|text| says_opted_out(text));
        let first = texts.iter().find(|text| !text.is_empty());
        let detail = *opted_out.or(first).unwrap_or(&self.body_description);

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
        let is_error = match self.fields.last("error") {
            Json::Null | Json::Bool(false) => false,
            Json::Number(number) => number != "0",
            Json::Text(text) => !text.is_empty(),
            Json::Nested { is_empty, .. } => !is_empty,
            _ => true,
        };
        let code_denies = own.is_some_and(|own| own != 0.0 && !(200.0..=299.0).contains(&own));
        let denied = ["false", "neither"].contains(&success) || is_error || code_denies;

        let class = code / 100;
        let kind = if code == 0 {
            FailureKind::NoResponse
        } else if class == 5 {
            FailureKind::ServerError
        } else if opted_out.is_some() {
            FailureKind::OptedOut
        } else if class != 2 {
            if success == "true" { FailureKind::Unconfirmed } else { kind(code) }
        } else if let (true, Some(id), false) = (self.whole, &id, denied) {
            return Ok(id.clone().into_owned());
        } else if self.whole && success == "false" && id.is_none() {
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
    fn own_code(&self) -> Option<f64> {
        match self.fields.last("code") {
            Json::Number(number) => number.parse().ok().filter(|code: &f64| code.fract() == 0.0),
            Json::Text(text) => {
                let is_code = !text.is_empty() && text.len() <= 5;
                let is_code = is_code && text.chars().all(|c| c.is_ascii_digit());
                is_code.then(|| text.parse().unwrap())
            }
            _ => None,
        }
    }

    /// The same response with its keys the other way round, each after an odd value that it overrides,
    /// with white space, and with keys that nobody knows; `None` if it is not whole.
    pub(crate) fn rewritten(&self) -> Option<Vec<u8>> {
        self.whole.then(|| self.fields.rewritten().into_bytes())
    }
}

fn entry(entry: &Json) -> Option<BatchRecipient<'static>> {
    let Json::Object(object) = entry else { return None };
    let mut entry = BatchRecipient::default();
    entry.originator = object.text("originator");
    entry.recipient = object.text("recipient");
    entry.text = object.text("text");
    entry.reference = object.text("reference");
    entry.route_id = object.text("routeId");
    (entry != BatchRecipient::default()).then_some(entry)
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

    fn rewritten(&self) -> String {
        let unheard = r#""unheard" : [{"id":"none"}, "\ud83d", 1e999], "\udc00" : "code""#;
        let mut text = format!(" {{\r\n\t{unheard}");
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
    fn rewritten(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) | Self::Nested { text, .. } => text.clone(),
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
}

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
        ];
        const TOP: &[&str] = &["success", "code", "message", "error", "record"];
        let is_of_a_batch = is_batch && key == "recipients";
        ENTRY.contains(&key)
            || self != Self::BatchRecipient && (RECORD.contains(&key) || is_of_a_batch)
            || self == Self::Top && TOP.contains(&key)
    }
}

/// Each function reads on, or ends at the fault with `None`.
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
            let key = self.string()?;
            self.space();
            self.take(':')?;
            self.space();
            if !place.reads(&key, self.is_batch) {
                self.skip()?;
            } else if key == "record" && self.rest.starts_with('{') {
                let mut record = Object::default();
                let read = self.object(Place::Record, &mut record.0);
                fields.push((key, Json::Object(record)));
                read?;
            } else if key == "recipients" && self.rest.starts_with('[') {
                fields.push((key, Json::List(self.entries()?)));
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
                let mut entry = Object::default();
                self.object(Place::BatchRecipient, &mut entry.0)?;
                entries.push(Json::Object(entry));
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

    /// A value in a field that is read.
    fn value(&mut self) -> Option<Json> {
        let start = self.rest;
        if let Some('[' | '{') = start.chars().next() {
            let is_empty = self.skip()?;
            let text = start[..start.len() - self.rest.len()].to_owned();
            return Some(Json::Nested { text, is_empty });
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

    /// A word or a number. At the very end, a number may have been cut.
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

/// Whether a text says opted out, read from the end of the phrase to its beginning.
pub(crate) fn says_opted_out(text: &str) -> bool {
    !ends_of_phrases(text).is_empty()
}

/// The number that a text names, read letter by letter.
pub(crate) fn number(text: &str) -> Option<String> {
    let joins = |c: char| {
        c.is_whitespace() || "-./()[]{}".contains(c) || !c.is_ascii() && !c.is_alphanumeric()
    };
    ends_of_phrases(text).into_iter().find_map(|end| {
        let space = |c: &char| matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r');
        let is_mask = |c: char| "Xx*".contains(c);
        let mut rest = text[end..].chars().skip_while(space);
        if rest.next() != Some(':') {
            return None;
        }
        let rest: String = rest.skip_while(space).collect();
        let rest = rest.strip_prefix('+').unwrap_or(&rest);
        let number: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || is_mask(*c)).collect();
        let mut after = rest.chars().skip(number.len()).peekable();
        let ends = !after.peek().is_some_and(|c| c.is_alphanumeric());
        let next = after.find(|c| !joins(*c));
        let ends = ends && !next.is_some_and(|c| c.is_numeric() || is_mask(c));
        let is_number = ends && (7..=15).contains(&number.len());
        (is_number && number.starts_with(|c: char| c.is_ascii_digit())).then_some(number)
    })
}

fn ends_of_phrases(text: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let before = |text: &str| {
        let gap = [' ', '\t', '\n', '\x0c', '\r', '_', '-'];
        let trimmed = text.trim_end_matches(gap);
        (trimmed.len() < text.len()).then(|| trimmed.to_owned())
    };
    let says = |end: usize| -> Option<()> {
        if lower[end..].starts_with(char::is_alphanumeric) {
            return None;
        }
        let head = before(lower[..end].strip_suffix("out")?)?;
        let head = before(head.strip_suffix("opted")?)?;
        let verb = ["is", "has", "was"].iter().find_map(|verb| head.strip_suffix(verb));
        let subject = verb.and_then(before).filter(|subject| subject.ends_with("recipient"));
        let head = subject.unwrap_or(head);
        let head = head.strip_suffix("recipient")?;
        let mut words = words_before(head.trim_end_matches(char::is_alphanumeric));
        if ["the", "this", "that", "a", "any"].contains(&&*words[0]) {
            words.remove(0);
        }
        (!["if", "whether", "unless", "no"].contains(&&*words[0])).then_some(())
    };
    lower.match_indices("out").map(|(at, _)| at + 3).filter(|end| says(*end).is_some()).collect()
}

/// The last two words of a text, the last one first; an empty one where another sign ends it.
fn words_before(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    for _ in 0..2 {
        rest = rest.trim_end_matches(|c: char| c.is_whitespace() || "_-".contains(c));
        let start = rest.trim_end_matches(char::is_alphanumeric).len();
        words.push(rest[start..].to_owned());
        rest = &rest[..start];
    }
    words
}
