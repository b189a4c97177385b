//! The replies, and the laws that every outcome keeps.

use mobivate_response::{Failure, FailureKind, Message, SendOutcome};
use serde_json::{Map, Value};

pub(crate) mod corpus;

/// Asserts every law on the outcome of one reply.
pub(crate) fn assert_laws(status: u16, body: &[u8]) {
    let outcome = SendOutcome::decode(status, body);
    let json = serde_json::from_slice::<Value>(body).ok();
    let reply = json.as_ref().and_then(Value::as_object);

    match &outcome {
        SendOutcome::Success(message) => {
            assert!((200..=299).contains(&status), "success needs a 2xx");
            assert!(!message.id.is_empty() && message.id != "0", "success needs an id");
            if let Some(reply) = reply {
                assert!(!denies(reply), "nothing may deny a success");
            }
            assert_message_is_private(message);
        }
        SendOutcome::Failure(failure) => {
            assert_eq!(failure.status, status);
            assert!(failure.code == status || (400..=599).contains(&failure.code));
            assert!(!failure.detail.is_empty(), "there is always a detail");
            assert_ne!(failure.id.as_deref(), Some(""), "an empty id is none");
            let opted_out = failure.kind == FailureKind::OptedOut;
            assert_eq!(opted_out, says_opted_out(&failure.detail), "opted out says the text alone");
            for text in reply.iter().flat_map(|reply| [reply.get("message"), reply.get("error")]) {
                let text = text.and_then(Value::as_str).unwrap_or_default();
                assert!(opted_out || !says_opted_out(text), "no opted-out text goes unheard");
            }
            assert_number(failure);
            assert_failure_is_private(failure);
        }
    }

    assert_eq!(outcome.clone().into_owned(), outcome, "the owned copy is the borrowed one");
    let form = serde_json::to_string(&outcome).expect("an outcome serialises");
    let read = serde_json::from_str::<SendOutcome>(&form).expect("and deserialises");
    assert_eq!(read, outcome, "without loss");

    if let Some(reply) = reply {
        let same = reordered(reply);
        assert_eq!(SendOutcome::decode(status, same.as_bytes()), outcome, "{same} says the same");
    }
}

/// What denies a success, read off a strict reader's value.
fn denies(reply: &Map<String, Value>) -> bool {
    let success = match reply.get("success") {
        None | Some(Value::Null | Value::Bool(true)) => true,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        Some(value) => value.as_u64() == Some(1),
    };
    let error = match reply.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
        Some(value) => value.as_u64() != Some(0),
    };
    let code = match reply.get("code") {
        Some(Value::Number(code)) => code.as_f64().filter(|code| code.fract() == 0.0),
        Some(Value::String(text)) if (1..=5).contains(&text.len()) && is_digits(text) => {
            text.parse().ok()
        }
        _ => None,
    };
    !success || error || code.is_some_and(|code| code != 0.0 && !(200.0..300.0).contains(&code))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

fn says_opted_out(text: &str) -> bool {
    Failure::new(500, text).kind == FailureKind::OptedOut
}

/// The same reply with its keys the other way round, white space, and keys that nobody knows.
fn reordered(reply: &Map<String, Value>) -> String {
    let mut text = String::from(" {\r\n\t\"unheard\" : [{\"id\":\"none\"}, \"\\ud83d\", 1e999]");
    for (key, value) in reply.iter().rev() {
        let value = match value {
            Value::Object(record) if key == "record" => reordered(record),
            value => value.to_string(),
        };
        text += &format!(" ,\n {} :\t{value}", Value::from(key.as_str()));
    }
    text + " , \"code \": 500, \"Error\": \"no\" }\n"
}

fn assert_number(failure: &Failure<'_>) {
    let Some(number) = failure.opted_out_number() else { return };
    assert_eq!(failure.kind, FailureKind::OptedOut);
    let digits = number.as_str();
    assert!(failure.detail.contains(digits), "the number is a part of the detail");
    assert!((7..=15).contains(&digits.len()), "E.164");
    assert_eq!(number.is_masked(), !is_digits(digits));
    assert_eq!(number.matches(&format!("+{digits}")), !number.is_masked());
    assert_loggable(&format!("{number:?}"), SEPARATORS);
}

/// What may stand between the digits of a number in a failure's detail.
const SEPARATORS: &[char] = &[' ', '-', '.', '(', ')', '[', ']'];

fn assert_failure_is_private(failure: &Failure<'_>) {
    let display = failure.to_string();
    assert!(display.starts_with(&failure.kind.to_string()));
    assert!(display.chars().count() < 4096, "Display is bounded");
    assert_loggable(&display, SEPARATORS);
    let mut anonymous = failure.clone();
    anonymous.id = None;
    assert_loggable(&format!("{anonymous:?}"), SEPARATORS);
    assert_loggable(&format!("{anonymous:#?}").replace('\n', " "), &[]);
}

fn assert_message_is_private(message: &Message<'_>) {
    let mut anonymous = message.clone();
    for field in [
        &mut anonymous.originator,
        &mut anonymous.recipient,
        &mut anonymous.body,
        &mut anonymous.reference,
    ] {
        *field = field.take().map(|_| "somebody".into());
    }
    assert_eq!(format!("{message:?}"), format!("{anonymous:?}"), "Debug shows presence alone");
    assert_eq!(format!("{message:#?}"), format!("{anonymous:#?}"), "and so when pretty");
    anonymous.id = "m".into();
    anonymous.route_id = None;
    anonymous.campaign_id = None;
    assert_loggable(&format!("{anonymous:?}"), &[]);
}

/// No number, and nothing that forges or turns a line.
fn assert_loggable(text: &str, separators: &[char]) {
    let bidirectional = |c| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(char::is_control), "control character in {text:?}");
    assert!(!text.contains(bidirectional), "bidirectional control in {text:?}");
    let (mut digits, mut gap) = (0, 0);
    for c in text.chars() {
        if c.is_numeric() {
            (digits, gap) = (digits + 1, 0);
        } else if gap == 0 && separators.contains(&c) {
            gap = 1;
        } else {
            digits = 0;
        }
        assert!(digits < 7, "a number in {text:?}");
    }
}
