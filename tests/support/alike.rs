//! What a strict reader understands is understood alike.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fmt::Write as _;

use mobivate_response::{BatchOutcome, SendOutcome};
use serde_json::{Map, Value};

use super::strict;

/// Asserts it on one reply, and on the same written in another way.
pub(crate) fn assert_read_alike(status: u16, body: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    let expected = (strict::outcome(status, &value), strict::batch_outcome(status, &value));
    let assert_same = |body: &[u8]| {
        let outcomes = (SendOutcome::decode(status, body), BatchOutcome::decode(status, body));
        assert_eq!(outcomes, expected, "{}", body.escape_ascii());
    };
    assert_same(body);
    if let Value::Object(reply) = &value {
        assert_same(reordered(reply).as_bytes());
    }
}

/// The same reply with its keys the other way round, each after an odd value that it overrides, with
/// white space, and with keys that nobody knows.
fn reordered(reply: &Map<String, Value>) -> String {
    let unheard = r#""unheard" : [{"id":"none"}, "\ud83d", 1e999], "\udc00" : "code""#;
    let mut text = format!(" {{\r\n\t{unheard}");
    for (key, value) in reply.iter().rev() {
        let key = Value::from(key.as_str());
        let value = match value {
            Value::Object(record) if key == "record" => reordered(record),
            Value::Array(entries) if key == "recipients" => {
                let entry = |entry: &Value| entry.as_object().map_or(entry.to_string(), reordered);
                format!("[{}]", entries.iter().map(entry).collect::<Vec<_>>().join(", 7, "))
            }
            value => value.to_string(),
        };
        write!(text, " ,\n {key} : -1.5, {key}:\t{value}").unwrap();
    }
    text + " , \"Code\": 500, \"Error\": \"no\" }\n"
}
